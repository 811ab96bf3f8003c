"""Losses that remember: what they store, that it is used, and that it comes back from a state_dict."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_side_by_side import CPU, config, splits

from surrogate_bench.config.schema import RunConfig
from surrogate_bench.losses import create_loss, list_losses, loss_info
from surrogate_bench.training import train
from surrogate_bench.training.loop import fit

REMEMBERING = [name for name in list_losses() if loss_info(name).state == "examples"]


def batch(seed: int, n: int = 12, total: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randperm(total, generator=generator)[:n]
    return torch.randn(n, generator=generator).requires_grad_(), (index % 3 == 0).float(), index


@pytest.mark.parametrize("name", REMEMBERING)
def test_memory_is_of_positives_is_used_and_comes_back(name: str) -> None:
    targets = (torch.arange(40) % 3 == 0).float()
    loss, other = create_loss(name), create_loss(name)
    loss.fit(targets)
    fresh = {key: value.clone() for key, value in loss.state_dict().items()}
    first, second = batch(0), batch(1)
    loss(first[0], first[1], index=first[2])
    changed = (loss.memory != fresh["memory"]) & ~(loss.memory.isnan() & fresh["memory"].isnan())
    seen = torch.zeros(40, dtype=torch.bool)
    seen[first[2][first[1] > 0]] = True
    assert torch.equal(changed, seen)
    other.load_state_dict(loss.state_dict())
    again = (2 * first[0], first[1], first[2])
    expected = loss(again[0], again[1], index=again[2])
    assert torch.equal(other(again[0], again[1], index=again[2]), expected)
    new = create_loss(name)
    new.fit(targets)
    assert new(again[0], again[1], index=again[2]) != expected
    loss.eval()
    before = loss.memory.clone()
    loss(second[0], second[1], index=second[2])
    assert torch.equal(loss.memory.nan_to_num(7), before.nan_to_num(7))


@pytest.mark.parametrize("name", REMEMBERING)
def test_without_index_or_fit(name: str) -> None:
    logits, targets, index = batch(0)
    with pytest.raises(ValueError, match="fit"):
        create_loss(name)(logits, targets, index=index)
    loss = create_loss(name)
    loss.fit(torch.ones(40))
    with pytest.raises(ValueError, match="index="):
        loss(logits, targets)


def test_aucm_moves_its_means_and_needs_no_ascent() -> None:
    loss = create_loss("aucm", rate=0.5)
    targets = torch.tensor([1.0, 1, 0, 0])
    loss.fit(targets)
    loss(torch.tensor([2.0, 2, -2, -2], requires_grad=True), targets)
    high, low = torch.tensor([2.0, -2.0]).sigmoid()
    torch.testing.assert_close(loss.means, torch.stack((high, low)))
    loss(torch.zeros(4, requires_grad=True), targets)
    torch.testing.assert_close(loss.means, torch.stack(((high + 0.5) / 2, (low + 0.5) / 2)))
    scores = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.Adam([scores], lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        loss(scores, targets).backward()
        optimizer.step()
    assert scores[:2].min() - scores[2:].max() > 1


def test_annealing_follows_its_schedule() -> None:
    from surrogate_bench.counts import Counts
    from surrogate_bench.relaxations import sigmoid

    loss = create_loss("annealed", start=1.0, end=16.0, steps=4)
    logits, targets = torch.tensor([0.5, -0.2, 1.0]).requires_grad_(), torch.tensor([1.0, 0, 0])
    for scale in (1.0, 2.0, 4.0, 8.0, 16.0, 16.0):
        c = Counts.of(sigmoid(logits, scale=scale), targets)
        torch.testing.assert_close(loss(logits, targets), 1 - 2 * c.tp / (2 * c.tp + c.fp + c.fn))


def assert_same_alone(runs: list[RunConfig], *, rtol: float, atol: float) -> None:
    own = splits(runs)
    together = fit(runs, own, CPU)
    for k, run in enumerate(runs):
        alone = fit([run], [own[k]], CPU)
        values = [[line["train_loss"] for line in history] for history in (together.history[k], alone.history[0])]
        np.testing.assert_allclose(*values, rtol=rtol, atol=atol, err_msg=run.loss["name"])


def test_every_loss_side_by_side_equals_itself_alone() -> None:
    names = [name for name in list_losses() if name != "custom"]
    runs = [config(name, seed, 0.003, epochs=3, batch_size=64) for seed, name in enumerate(names)]
    assert_same_alone(runs, rtol=1e-3, atol=1e-4)


def test_twenty_steps_of_eight_unlike_members_equal_those_alone() -> None:
    # A batch that holds the whole training set makes an epoch one step, and its loss a line of the history.
    names = ("bce", "soft_f1", "aucm", "soap", "pauc_kl", "recall_at_precision", "reinforce", "auroc_squared_hinge")
    runs = [config(name, k, 0.001 * (k + 1), epochs=20, batch_size=1000) for k, name in enumerate(names)]
    runs[1].loss["beta"] = 2.0
    assert_same_alone(runs, rtol=1e-5, atol=1e-5)


def test_the_checkpoint_holds_the_best_epochs_state() -> None:
    names = ("soft_f1", "soap", "reinforce")
    runs = [config(name, seed, 0.003, epochs=3, batch_size=64) for name in names for seed in (0, 1)]
    own = splits(runs)
    outcomes = train(runs, own, CPU)
    states = [
        {key.removeprefix("loss."): value for key, value in outcome.checkpoint.items() if key.startswith("loss.")}
        for outcome in outcomes
    ]
    assert states[:2] == [{}, {}]
    for state, split in zip(states[2:4], own[2:4], strict=True):
        loss = create_loss("soap")
        loss.load_state_dict(state)
        assert torch.equal(~loss.memory.isnan(), split.y[split.train] > 0.5)
    for outcome in outcomes[4:]:
        steps = -(-outcome.result["examples"]["train"]["total"] // 64)
        assert outcome.checkpoint["loss.step"] == outcome.result["best_epoch"] * steps
        assert outcome.checkpoint["loss.seeds"] == 3 * outcome.config.seed + 2


def test_random_numbers_come_from_the_runs_seed_alone() -> None:
    loss, logits = create_loss("reinforce"), torch.randn(2, 30).requires_grad_()
    targets = (torch.arange(60) % 3 == 0).view(2, 30).float()
    loss.seed(torch.tensor([5, 6]))
    first, second = loss(logits, targets), loss(logits, targets)
    assert not torch.equal(first, second)
    other = create_loss("reinforce")
    other.seed(torch.tensor(6))
    torch.testing.assert_close(other(logits[1], targets[1]), first[1])
    assert not torch.equal(loss(logits[:1].expand(2, -1), targets[:1].expand(2, -1)).diff(), torch.zeros(1))


@pytest.mark.parametrize("name", ["reinforce", "perturbed"])
def test_the_estimated_gradient_is_that_of_the_mean(name: str) -> None:
    # With two examples every decision's probability is known, and so the mean's derivative.
    logits, targets = torch.tensor([0.3, -0.4], dtype=torch.float64).requires_grad_(), torch.tensor([1.0, 0.0])
    loss = create_loss(name, samples=200_000)
    (estimated,) = torch.autograd.grad(loss(logits, targets, index=torch.arange(2)), logits)
    p = logits.sigmoid() if name == "reinforce" else torch.special.ndtr(logits)
    exact = 1 - p[0] * ((1 - p[1]) + p[1] * 2 / 3)
    torch.testing.assert_close(estimated, torch.autograd.grad(exact, logits)[0], atol=5e-3, rtol=0)


def test_multipliers_rise_while_a_promise_is_broken_and_fall_to_nothing_when_it_is_kept() -> None:
    loss = create_loss("recall_at_precision", precision=0.5, rate=0.5)
    targets = torch.tensor([1.0, 0, 0, 0])
    loss.fit(targets)
    loss(torch.full((4,), 2.0, requires_grad=True), targets)
    assert loss.multipliers > 1
    for _ in range(200):
        loss((20 * (targets - 0.5)).requires_grad_(), targets)
    assert loss.multipliers == 0


def test_the_game_s_weight_goes_to_the_broken_promise() -> None:
    loss, targets = create_loss("proxy_lagrangian", precision=0.9), torch.tensor([1.0, 0, 0, 0])
    loss.fit(targets)
    high, low = (torch.full((4,), z, requires_grad=True) for z in (1.0, -1.0))

    def share() -> float:
        (gradient,) = torch.autograd.grad(loss(high, targets), high)
        return gradient[1].item()

    first = share()
    for _ in range(20):
        loss(high, targets)
    assert share() > 1.5 * first
    assert loss(low, targets).isfinite()
    torch.testing.assert_close(loss.matrix.sum(-2), torch.ones(2))
