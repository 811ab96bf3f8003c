"""Everything that a run reports about its scores, from one sort."""

from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics import calibration, ranking
from surrogate_bench.metrics.curve import Curve, curve
from surrogate_bench.metrics.names import base_name, names
from surrogate_bench.metrics.threshold import formula, ratio

Values = Float[Tensor, " k"]
Measured = dict[str, dict[str, Tensor]]


def evaluate(
    logits: Num[Tensor, "*problems n"],
    targets: Num[Tensor, "*problems n"] | Tensor,
    threshold: float = 0.5,
    *,
    tuned: float | Float[Tensor, "*problems"] | None = None,
    tune_for: str = "f1",
) -> dict[str, dict[str, Any]]:
    """All metrics of logits [..., N] against targets [..., N] in {0, 1}, hard and soft side by side.

    `hard` is at `threshold` on the probability, `hard_tuned` at `tuned`, or, without it, at the threshold that is best
    for the metric `tune_for` on these very examples; `soft` is on soft counts (Σ p·y, ...), `ranking` and
    `calibration` are as their functions say; `undefined` marks what has a denominator of 0 and is therefore 0.0;
    `thresholds` holds both thresholds. Values are floats for [N] and tensors [...] for more dimensions.

    Raises ValueError where the shapes differ or there is no example.
    """
    if logits.shape != targets.shape or not logits.numel():
        raise ValueError(
            f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} must agree and hold examples"
        )
    problems = logits.shape[:-1]
    flat, flat_targets = logits.detach().reshape(-1, logits.shape[-1]), targets.reshape(-1, logits.shape[-1])
    scores = flat if flat.dtype == torch.float64 else flat.float()
    given = None if tuned is None else torch.as_tensor(tuned, dtype=torch.float64, device=logits.device).reshape(-1)
    measured = measure(scores, flat_targets.to(scores.dtype), threshold, tuned=given, tune_for=tune_for)
    shaped = (lambda value: value.item()) if logits.ndim == 1 else (lambda value: value.reshape(problems))
    return {group: {name: shaped(value) for name, value in values.items()} for group, values in measured.items()}


def measure(
    logits: Float[Tensor, "k n"],
    targets: Float[Tensor, "k n"],
    threshold: float = 0.5,
    *,
    tuned: Float[Tensor, " k"] | None = None,
    tune_for: str = "f1",
) -> Measured:
    """`evaluate` for K problems at once, every value a tensor [K] on the device of the logits."""
    sorted_ = curve(logits, targets)
    p = torch.sigmoid(sorted_.scores.double())
    best = _best_threshold(sorted_, p, tune_for) if tuned is None else tuned
    at = torch.full_like(best, threshold)
    counts = _counts(sorted_, p, torch.stack((at, best)))
    fractions = {name: formula(name)(counts) for name in names("threshold")}
    values = {name: ratio(fraction) for name, fraction in fractions.items()}
    one_class = sorted_.positives % targets.shape[-1] == 0
    undefined = {name: fraction[1][0] == 0 for name, fraction in fractions.items()}
    undefined |= {"auroc": one_class, "average_precision": sorted_.positives == 0}
    of_probability = {name: getattr(calibration, name)(p, sorted_.targets) for name in names("calibration")}
    return {
        "hard": {name: value[0] for name, value in values.items()},
        "hard_tuned": {name: value[1] for name, value in values.items()},
        "soft": {name: value[2] for name, value in values.items()},
        "ranking": {name: getattr(ranking, name)(sorted_) for name in names("ranking")},
        "calibration": of_probability,
        "undefined": undefined,
        "thresholds": {"default": at, "tuned": best},
    }


def tuned_metric(monitor: str) -> str:
    """The threshold metric that a run's threshold is tuned for: the monitored one, or f1 where that needs none."""
    metric = base_name(monitor)
    return metric if metric in names("threshold") else "f1"


def _counts(sorted_: Curve, p: Float[Tensor, "k n"], thresholds: Float[Tensor, "t k"]) -> Counts:
    """Hard counts at each threshold, and last the soft ones: [T + 1, K]."""
    predicted = (p > thresholds[..., None]).sum(-1)
    tp = torch.nn.functional.pad(sorted_.tp.double(), (1, 0)).gather(-1, predicted.T).T
    soft_tp = torch.linalg.vecdot(p, sorted_.targets.double())
    return Counts.from_totals(
        torch.cat((tp, soft_tp[None])),
        torch.cat((predicted.double(), p.sum(-1)[None])),
        sorted_.positives.double(),
        p.shape[-1],
    )


def _best_threshold(sorted_: Curve, p: Float[Tensor, "k n"], metric: str) -> Values:
    """The threshold [K] on the probability with the best value; between two scores the middle."""
    # Only a cut between two different probabilities can be made; the one below the lowest score predicts all positive.
    below = torch.nn.functional.pad(p[:, 1:], (0, 1))
    counts = Counts.from_totals(sorted_.tp, sorted_.predicted, sorted_.positives[:, None], p.shape[-1])
    value = torch.where(p > below, ratio(formula(metric)(counts)), -torch.inf)
    best, cut = value.max(-1)
    none = ratio(formula(metric)(Counts.from_totals(*(0 * sorted_.positives,) * 2, sorted_.positives, p.shape[-1])))
    above, under = p.gather(-1, cut[:, None])[:, 0], below.gather(-1, cut[:, None])[:, 0]
    middle = (above + under) / 2
    chosen = torch.where(middle < above, middle, under)
    return torch.where(none > best, p[:, 0], chosen)
