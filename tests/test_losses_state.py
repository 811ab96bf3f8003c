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


@pytest.mark.parametrize(("own", "planned"), [(4, None), (4, 100), (None, 4)])
def test_annealing_follows_its_schedule(own: int | None, planned: int | None) -> None:
    from surrogate_bench.counts import Counts
    from surrogate_bench.relaxations import sigmoid

    loss = create_loss("annealed", start=1.0, end=16.0, steps=own)
    if planned:
        loss.plan(planned)
    logits, targets = torch.tensor([0.5, -0.2, 1.0]).requires_grad_(), torch.tensor([1.0, 0, 0])
    for scale in (1.0, 2.0, 4.0, 8.0, 16.0, 16.0):
        c = Counts.of(sigmoid(logits, scale=scale), targets)
        torch.testing.assert_close(loss(logits, targets), 1 - 2 * c.tp / (2 * c.tp + c.fp + c.fn))


def test_annealing_takes_the_whole_run_and_starts_as_soft_counts() -> None:
    run = config("annealed", 0, 0.003, epochs=2, batch_size=100)
    trained = fit([run], splits([run]), CPU)
    (loss,) = trained.objective.losses
    assert loss.planned == int(loss.step) == trained.steps
    middle = torch.linspace(-1, 1, 9)
    first = (4 * (middle.sigmoid() - 0.5)).sigmoid()
    assert (first - middle.sigmoid()).abs().max() < 0.02
    task = create_loss("annealed", task="binary")
    task.plan(7)
    assert task.loss.planned == 7
    with pytest.raises(ValueError, match="steps"):
        create_loss("annealed").plan(0)


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


def separated(share: float, gap: float, examples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two Gaussians of one feature, whose best order is known: that of the feature."""
    generator = torch.Generator().manual_seed(seed)
    targets = (torch.rand(examples, generator=generator) < share).float()
    return torch.randn(examples, generator=generator) + gap * targets, targets


def decided(loss: torch.nn.Module, *, steps: int = 500, batch: int = 512) -> tuple[float, float, float]:
    """Precision, recall and false positive rate at p = 0.5 on the training set of a linear net trained by the loss."""
    x, targets = separated(0.2, 1.6, 20_000, seed=0)
    loss.fit(targets)
    weights = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.05)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        rows = torch.randint(len(x), (batch,), generator=generator)
        optimizer.zero_grad()
        loss(weights[0] * x[rows] + weights[1], targets[rows]).backward()
        optimizer.step()
    found = (weights[0] * x + weights[1] > 0).float()
    true = (found * targets).sum()
    precision, recall = true / found.sum().clamp_min(1), true / targets.sum()
    return precision.item(), recall.item(), ((found - found * targets).sum() / (1 - targets).sum()).item()


def test_recall_at_a_true_precision_is_what_the_order_allows() -> None:
    level = 0.7
    precision, recall, _ = decided(create_loss("recall_at_precision", precision=level, constraint="rates"))
    x, targets = separated(0.2, 1.6, 20_000, seed=0)
    true = targets[x.argsort(descending=True)].cumsum(0)
    best = true[true / torch.arange(1, len(x) + 1) >= level].max() / targets.sum()
    assert abs(precision - level) < 0.03
    assert abs(recall - best) < 0.05
    assert decided(create_loss("recall_at_precision", precision=level))[1] < best - 0.1


def test_a_true_false_positive_rate_is_reached() -> None:
    level = 0.05
    *_, rate = decided(create_loss("tpr_at_fpr", fpr=level, constraint="rates"))
    assert rate == pytest.approx(level, rel=0.2)
    assert decided(create_loss("tpr_at_fpr", fpr=level))[2] < level / 2


def test_a_true_recall_is_reached() -> None:
    _, recall, _ = decided(create_loss("precision_at_recall", recall=0.9, constraint="rates"))
    assert recall == pytest.approx(0.9, abs=0.03)


def test_true_rates_are_steered_by_what_was_decided() -> None:
    loss = create_loss("tpr_at_fpr", fpr=0.25, rate=0.1, constraint="rates")
    targets = torch.tensor([1.0, 0, 0, 0, 0, 1, 1, 1])
    loss.fit(targets)
    logits = torch.tensor([2.0, 1, 1, -1, -1, -1, -1, 3], requires_grad=True)
    value = loss(logits, targets)
    torch.testing.assert_close(value, torch.nn.functional.binary_cross_entropy_with_logits(logits, targets))
    # Half of the negatives are above 0, a quarter may be: (1/2 - 1/4) over their sum, slowed down by unequal pulls.
    up, down = ((targets * (1 - logits.sigmoid())).sum(), ((1 - targets) * logits.sigmoid()).sum())
    slowed = (1 - (up - down).abs() / (up + down)).square()
    torch.testing.assert_close(loss.multipliers[0], (0.1 * slowed / 3).detach())
    before = loss.multipliers.clone()
    with torch.no_grad():
        loss(logits, targets)
    assert torch.equal(loss.multipliers, before)
    cost = before[0].sigmoid()
    terms = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    expected = (2 * torch.where(targets > 0, 1 - cost, cost) * terms).mean()
    torch.testing.assert_close(loss(logits, targets), expected)
    with pytest.raises(ValueError, match="Did you mean 'rates'"):
        create_loss("tpr_at_fpr", constraint="rate")


def test_a_net_that_predicts_nothing_is_told_to() -> None:
    loss = create_loss("recall_at_precision", constraint="rates")
    targets = torch.tensor([1.0, 0, 0, 0])
    loss.fit(targets)
    for _ in range(300):
        loss(torch.full((4,), -1.0, requires_grad=True), targets)
    assert loss.multipliers[0] < -0.5


def test_the_game_does_not_stay_collapsed() -> None:
    loss, targets = create_loss("proxy_lagrangian"), torch.tensor([1.0, 0, 0, 0])
    loss.fit(targets)
    loss.matrix.copy_(torch.tensor([[0.236, 4e-4], [0.764, 0.9996]]))
    low = torch.full((4,), -3.0, requires_grad=True)

    def pull() -> float:
        (gradient,) = torch.autograd.grad(loss(low, targets), low)
        return -gradient[0].item()

    assert pull() < 0.03
    for _ in range(600):
        pull()
    assert pull() > 0.2


def test_the_game_s_weight_goes_to_the_broken_promise() -> None:
    loss, targets = create_loss("proxy_lagrangian", precision=0.9, rate=1.0), torch.tensor([1.0, 0, 0, 0])
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


def test_a_game_that_ends_in_predicting_nothing_is_an_alarm() -> None:
    from surrogate_bench.training.alarms import collapsed

    some, none = {"val_recall": 0.5, "val_specificity": 0.9}, {"val_recall": 0.0, "val_specificity": 1.0}
    assert collapsed([none, some, none]) == []
    (alarm,) = collapsed([some, some, none, none])
    assert alarm["name"] == "collapsed"
    assert "from epoch 3 to the last" in alarm["message"]
