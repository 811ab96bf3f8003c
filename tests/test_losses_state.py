"""Losses that remember: what they store, that it is used, and that it comes back from a state_dict."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_side_by_side import CPU, config, splits

from surrogate_bench.losses import create_loss, list_losses, loss_info
from surrogate_bench.training.loop import fit

REMEMBERING = [name for name in list_losses() if loss_info(name).needs_index]


def batch(seed: int, n: int = 12, total: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randperm(total, generator=generator)[:n]
    return torch.randn(n, generator=generator), (index % 3 == 0).float(), index


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
    loss(torch.tensor([2.0, 2, -2, -2]), targets)
    high, low = torch.tensor([2.0, -2.0]).sigmoid()
    torch.testing.assert_close(loss.means, torch.stack((high, low)))
    loss(torch.zeros(4), targets)
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


def test_every_loss_side_by_side_equals_itself_alone() -> None:
    names = [name for name in list_losses() if name != "custom"]
    runs = [config(name, seed, 0.003, epochs=3, batch_size=64) for seed, name in enumerate(names)]
    own = splits(runs)
    together = fit(runs, own, CPU)
    for k, run in enumerate(runs):
        alone = fit([run], [own[k]], CPU)
        values = [[line["train_loss"] for line in history] for history in (together.history[k], alone.history[0])]
        np.testing.assert_allclose(*values, rtol=1e-3, atol=1e-4, err_msg=names[k])
