"""What a loss says of itself beside its formula: its defaults, whose they are, and what it does without `fit`."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch
from test_losses_contract import LOSSES, call, draw, every_loss, with_index
from torch.nn.functional import binary_cross_entropy_with_logits

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.registry import entries

# What they say they are at their defaults.
SAME = {"any_f1": "any_loss", "soft_f1": "relaxed", "score_oriented": "relaxed"}
# Where a default, or what is done to scores, is not the reference's, its own is said.
REFERENCES = {
    "soap": ("0.9", "probabilities in place of logits"),
    **dict.fromkeys(("pauc_kl", "pauc_cvar", "tpauc_kl"), ("probabilities in place of logits",)),
    "smooth_ap": ("temperature is 0.01",),
    "score_oriented": ("default of δ is 0.1",),
    "histogram_ap": ("number of bins is 10",),
    "ap_loss": ("interpolated precision", "not done here"),
    "aucm": ("LibAUC's later form", "not the paper's"),
    "asymmetric": ("default of the authors' code",),
    "dice": ("V-Net", "Σp² + Σy²"),
    "sigmoid_f1": ("S = −10 and E = 1", "authors' repository"),
}


def test_no_loss_is_another_one_at_its_defaults() -> None:
    logits, targets = draw(40)
    values = {name: call(name, logits, targets) for name in LOSSES if name not in SAME}
    for one, other in itertools.combinations(values, 2):
        assert abs(values[one] - values[other]) > 1e-9, (one, other)
    for name, other in SAME.items():
        torch.testing.assert_close(call(name, logits, targets), values[other])


@pytest.mark.parametrize("name", REFERENCES)
def test_what_is_not_as_in_the_reference_is_said(name: str) -> None:
    words = " ".join((inspect.getdoc(entries("loss")[name].load()) or "").split())
    assert all(word in words for word in REFERENCES[name])


def test_dice_has_sums_and_no_squares() -> None:
    logits, targets = draw(9)
    p = logits.sigmoid()
    expected = 1 - (2 * (p * targets).sum() + 1) / (p.sum() + targets.sum() + 1)
    torch.testing.assert_close(create_loss("dice")(logits, targets), expected)


@every_loss
def test_of_less_than_it_claims_there_is_no_gradient(name: str) -> None:
    info = loss_info(name)
    for targets, least in ((torch.zeros(7), info.min_positives), (torch.ones(7), info.min_negatives)):
        loss = create_loss(name)
        loss.fit(torch.tensor([1.0, 0, 0, 0, 0, 0, 0]))
        logits = torch.linspace(-1, 1.3, 7, dtype=torch.float64).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits, targets, *with_index(name, logits)), logits)
        assert (gradient.abs().max() < 1e-12) == (least > 0)


@pytest.mark.parametrize("positive", [0.0, 1.0])
def test_a_batch_of_one_class_has_no_prior_of_its_own(positive: float) -> None:
    logits, targets = torch.tensor([-1.0, 0.2, 3.0]), torch.full((3,), positive)
    entropy = binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(create_loss("logit_adjusted")(logits, targets), entropy)
    p = logits.sigmoid()
    fbeta = -p.log().mean() if positive else (4 + p).log().mean()
    torch.testing.assert_close(create_loss("decomposable_fbeta", beta=2.0)(logits, targets), fbeta)


@pytest.mark.parametrize("spread", [0.0, 1e-5, 1e-4, 1.0])
def test_a_spread_has_1e_8_added_to_its_square(spread: float) -> None:
    p = torch.tensor([0.5, 0.5, 0.5, 0.5], dtype=torch.float64) + 0.4 * spread * torch.tensor([1, -1, -1, 1.0]).double()
    targets = torch.tensor([1.0, 0, 0, 1], dtype=torch.float64)
    variance = (0.4 * spread) ** 2
    expected = (1 - 0.2 * spread / ((variance + 1e-8) * (0.25 + 1e-8)) ** 0.5) / 2
    assert create_loss("plcc")(p.logit(), targets).item() == pytest.approx(expected, abs=1e-12)


@every_loss
def test_without_fit_other_problems_than_the_first_call_s_are_refused_in_a_line(name: str) -> None:
    if loss_info(name).state == "examples":
        return  # they ask for fit
    loss = create_loss(name)
    assert loss(*draw(3, 9), *with_index(name, draw(3, 9)[0])).shape == (3,)
    logits, targets = draw(5, 9)
    if any(getattr(loss, key).shape[:1] == (3,) for key in loss.keeps):
        with pytest.raises(ValueError, match=rf"^{name}: it keeps values for problems \(3,\)[^\n]+fit anew"):
            loss(logits, targets, *with_index(name, logits))
    else:
        assert loss(logits, targets, *with_index(name, logits)).shape == (5,)
