"""What PyTorch does to functions, done to every loss: compiled whole, exported, differentiated again, over many."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_losses_contract import LOSSES, draw, every_loss, with_index
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.losses.base import Loss

# Their gradient is put in place of one, or is one at averages that are held still: it has no derivative.
NO_SECOND = {
    *("ap_loss", "aucm", "blackbox_ap", "pauc_kl", "perturbed", "reinforce"),
    *("soap", "straight_through_f1", "tpauc_kl"),
}
STATEFUL = {name for name in LOSSES if loss_info(name).state in ("schedule", "examples", "duals", "generator")}
without_state = pytest.mark.parametrize("name", [name for name in LOSSES if name not in STATEFUL])


def fitted(name: str, targets: Tensor) -> Loss:
    loss = create_loss(name)
    loss.fit(targets)
    return loss


def gradient_of(name: str, logits: Tensor, targets: Tensor, *, graph: bool = False) -> Tensor:
    value = fitted(name, targets)(logits, targets, *with_index(name, logits))
    return torch.autograd.grad(value.sum(), logits, create_graph=graph)[0]


@every_loss
@pytest.mark.parametrize("pieces", [False, True])
def test_second_derivative_is_right_or_an_error(name: str, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if pieces:
        monkeypatch.setattr("surrogate_bench.losses.pairs.BLOCK_PAIRS", 30)
    logits, targets = draw(12, seed=3)
    way = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    moved = [(logits + step * way).detach().requires_grad_() for step in (1e-6, -1e-6)]
    up, down = (gradient_of(name, at, targets) for at in moved)
    first = gradient_of(name, logits, targets, graph=True)
    try:
        second = torch.autograd.grad(first @ way, logits, materialize_grads=True)[0] if first.requires_grad else 0 * way
    except RuntimeError as error:
        if "no second derivative" not in str(error):
            raise
        assert pieces or name in NO_SECOND
    else:
        torch.testing.assert_close(second, (up - down) / 2e-6, rtol=1e-4, atol=1e-6)
        assert name not in NO_SECOND


@without_state
def test_func_grad_and_vmap(name: str) -> None:
    logits, targets = draw(3, 12)
    alone = [create_loss(name)(logits[k], targets[k]) for k in range(3)]
    gradients = torch.stack([torch.autograd.grad(value, logits)[0][k] for k, value in enumerate(alone)])
    loss = create_loss(name)
    over = torch.vmap(loss)(logits.detach(), targets)
    torch.testing.assert_close(over, torch.stack(alone).detach())
    torch.testing.assert_close(torch.func.grad(loss)(logits.detach()[0], targets[0]), gradients[0])
    torch.testing.assert_close(torch.vmap(torch.func.grad(loss))(logits.detach(), targets), gradients)


@every_loss
def test_copies_and_functional_call(name: str) -> None:
    logits, targets = draw(12)
    index = with_index(name, logits)
    expected = fitted(name, targets)(logits, targets, *index)
    loss = fitted(name, targets)
    buffers = {key: value.clone() for key, value in loss.named_buffers()}
    assert torch.equal(torch.func.functional_call(loss, buffers, (logits, targets, *index)), expected)
    for copied in (copy.deepcopy(fitted(name, targets)), pickle.loads(pickle.dumps(fitted(name, targets)))):
        assert torch.equal(copied(logits, targets, *index), expected)


def compile_whole(name: str) -> None:
    """Compiles a loss as one graph, and holds it to the values and gradients of the loss itself."""
    torch._dynamo.reset()
    logits, targets = draw(12, dtype=torch.float32)
    index = with_index(name, logits)
    plain, compiled = fitted(name, targets), torch.compile(fitted(name, targets), fullgraph=True, backend="eager")
    for _ in range(2):
        values = [loss(logits, targets, *index) for loss in (plain, compiled)]
        gradients = [torch.autograd.grad(value, logits)[0] for value in values]
        torch.testing.assert_close(values[1], values[0])
        torch.testing.assert_close(gradients[1], gradients[0])


def test_every_loss_compiles_without_a_break_in_the_graph() -> None:
    # In a process of its own: the checks of shapes that all tests run under are no code that compiles.
    code = """
import json, sys
import test_losses_transforms as tests
broken = {}
for name in json.loads(sys.argv[1]):
    try:
        tests.compile_whole(name)
    except Exception as error:
        broken[name] = f"{type(error).__name__}: {error}"[:300]
print(json.dumps(broken))
"""
    names = list(LOSSES)
    command = [sys.executable, "-c", code, json.dumps(names)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {}


@pytest.mark.parametrize("name", ["reinforce", "perturbed"])
def test_a_loss_that_draws_follows_the_logits_to_their_device(name: str) -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        logits = torch.zeros(4, device="cuda", requires_grad=True)
        assert create_loss(name)(logits, torch.ones(4, device="cuda")).device.type == "cuda"
