"""What many examples are computed by gives what few are: sorting, ties, checks, pairs in pieces, pooled neighbours."""

from __future__ import annotations

import pytest
import torch
from test_losses_contract import both, draw
from torch import Tensor

from surrogate_bench.losses import create_loss
from surrogate_bench.losses.isotonic import _by_means, _fitted


def rounded(n: int, digits: float) -> tuple[Tensor, Tensor]:
    logits, targets = draw(2, n, dtype=torch.float32)
    return (logits.detach() * digits).round().div(digits).requires_grad_(), targets


@pytest.mark.parametrize("name", ["aum", "lovasz_hinge", "auroc_hinge"])
@pytest.mark.parametrize("digits", [2.0, 300.0])
def test_ties_that_alone_are_sorted_again(name: str, digits: float, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, targets = rounded(500, digits)
    found = []
    for many in (1, 10_000):
        monkeypatch.setattr("surrogate_bench.losses.ties.MANY", many)
        found.append(both(name, logits, targets))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["aum", "lovasz_hinge", "auroc_hinge", "auroc_squared_hinge", "partial_auroc"])
def test_scores_sorted_as_integers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, targets = rounded(300, 100.0)
    found = []
    for least in (1, 10_000):
        monkeypatch.setattr("surrogate_bench.metrics.sorting.PAIRS_FROM", least)
        found.append(both(name, logits, targets))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["pauc_kl", "tpauc_kl"])
def test_a_gradient_of_pairs_in_pieces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, targets = draw(3, 60)
    targets[0] = 0
    targets[1] = 1
    whole = both(name, logits, targets)
    monkeypatch.setattr("surrogate_bench.losses.pairs.BLOCK_PAIRS", 300)
    torch.testing.assert_close(both(name, logits, targets), whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("wrong", [0.5, 2.0, -1.0, torch.nan, torch.inf, -torch.inf, 1e-30])
def test_one_wrong_target_of_many_is_found(wrong: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surrogate_bench.losses.base.CHUNK", 16)
    targets = (torch.arange(100) % 3 == 0).to(dtype)
    loss = create_loss("bce")
    assert loss(torch.zeros(100), targets).isfinite()
    targets[77] = wrong
    with pytest.raises(ValueError, match="targets must be 0 or 1"):
        loss(torch.zeros(100), targets)


def test_neighbours_pooled_by_all_means() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(50, 40, generator=generator, dtype=torch.float64)
    values[0], values[1], values[2] = 1.0, torch.arange(40.0), -torch.arange(40.0)
    values[3] = values[3].round()
    (near, blocks), (expected, others) = _by_means(values), _fitted(values)
    torch.testing.assert_close(near, expected)
    # Blocks of one mean are one block or some: their gradient is an average of averages.
    assert torch.equal(blocks[4:], others[4:])
