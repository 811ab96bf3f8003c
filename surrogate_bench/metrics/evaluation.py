"""Everything that a run reports about its scores, from one sort."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.curve import curve
from surrogate_bench.metrics.names import OTHERS, base_name, names
from surrogate_bench.metrics.sorting import BLOCK
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.metrics.tuning import BestThreshold
from surrogate_bench.registry import lookup
from surrogate_bench.rounding import probability

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
    for the metric `tune_for` on these very examples. With it, `hard_oracle` is at that best threshold: a bound on what
    any way of tuning could reach, and no result. `soft` is on soft counts (Σ p·y, ...), `ranking`,
    `operating_point` and `calibration` are as their functions say; `undefined` marks what has a denominator of 0 and is
    therefore 0.0; `thresholds` holds the thresholds. Values are floats for [N] and tensors [...] for more dimensions.

    Raises ValueError where the shapes differ, there is no example, a logit is NaN or a target neither 0 nor 1.
    """
    if logits.shape != targets.shape or not logits.numel():
        raise ValueError(
            f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} must agree and hold examples"
        )
    if logits.amax().isnan():
        raise ValueError("logits must not be NaN")
    if not _binary(targets):
        raise ValueError("targets must be 0 or 1")
    problems = logits.shape[:-1]
    flat, flat_targets = logits.detach().reshape(-1, logits.shape[-1]), targets.reshape(-1, logits.shape[-1])
    scores = flat if flat.dtype == torch.float64 else flat.float()
    given = None if tuned is None else torch.as_tensor(tuned, dtype=torch.float64, device=logits.device).reshape(-1)
    measured = measure(scores, flat_targets, threshold, tuned=given, tune_for=tune_for)
    shaped = (lambda value: value.item()) if logits.ndim == 1 else (lambda value: value.reshape(problems))
    return {group: {name: shaped(value) for name, value in values.items()} for group, values in measured.items()}


def measure(
    logits: Float[Tensor, "k n"],
    targets: Num[Tensor, "k n"] | Bool[Tensor, "k n"],
    threshold: float = 0.5,
    *,
    tuned: Float[Tensor, " k"] | None = None,
    tune_for: str = "f1",
) -> Measured:
    """`evaluate` for K problems at once, every value a tensor [K] on the device of the logits."""
    # So many at a time as fit one stretch of the curve: of many examples, sums depend on where stretches end.
    some = max(1, BLOCK // logits.shape[1]) if logits.device.type == "cpu" else len(logits)
    thresholds = [None] * -(-len(logits) // some) if tuned is None else tuned.split(some)
    parts = zip(logits.split(some), targets.split(some), thresholds, strict=True)
    found = [_measure(z, y, threshold, at, tune_for) for z, y, at in parts]
    if len(found) == 1:
        return found[0]
    return {
        group: {name: torch.cat([one[group][name] for one in found]) for name in values}
        for group, values in found[0].items()
    }


def _measure(logits: Tensor, targets: Tensor, threshold: float, tuned: Tensor | None, tune_for: str) -> Measured:
    problems, n = logits.shape
    at = torch.full((problems,), threshold, dtype=torch.float64, device=logits.device)
    thresholds = torch.stack([at] if tuned is None else [at, tuned], 1)
    best = BestThreshold(formula(tune_for), at)
    nothing = torch.zeros_like(thresholds)
    computed = {group: {name: lookup("metric", name).load() for name in names(group)} for group in OTHERS}
    sums = dict.fromkeys([*names(*OTHERS), "soft_tp", "soft_predicted"], nothing[:, :1])
    denominators = dict.fromkeys(names("calibration"), nothing[:, 0] + n)
    tp = predicted = nothing
    for block in curve(logits, targets):
        p, y = probability(block.scores.double()), block.targets.double()
        for name, compute in computed["ranking"].items():
            part, denominators[name] = compute(block)
            sums[name] = sums[name] + part
        for name, compute in computed["operating_point"].items():
            part, denominators[name] = compute(block)
            sums[name] = torch.maximum(sums[name], part)
        for name, compute in computed["calibration"].items():
            sums[name] = sums[name] + compute(p, y)
        sums["soft_tp"] = sums["soft_tp"] + torch.linalg.vecdot(p, y)[:, None]
        sums["soft_predicted"] = sums["soft_predicted"] + p.sum(-1, keepdim=True)
        above = torch.searchsorted(-p, -thresholds)
        predicted = predicted + above
        tp = torch.where(above > 0, block.tp.gather(-1, (above - 1).clamp_min(0)).double(), tp)
        best.see(block, p)
    views = {"default": "hard", "tuned": "hard_tuned"} | ({} if tuned is None else {"oracle": "hard_oracle"})
    thresholds = torch.cat((thresholds, best.threshold()[:, None]), 1)
    counts = Counts.from_totals(
        torch.cat((tp, best.tp[:, None], sums["soft_tp"]), 1).T,
        torch.cat((predicted, best.cut[:, None], sums["soft_predicted"]), 1).T,
        block.positives.double(),
        n,
    )
    fractions = {name: formula(name)(counts) for name in names("threshold")}
    values = {name: ratio(fraction) for name, fraction in fractions.items()}
    others = {name: ratio((sums[name].abs().sum(-1), denominator)) for name, denominator in denominators.items()}
    undefined = {name: fraction[1][0] == 0 for name, fraction in fractions.items()}
    return {
        **{
            view: {name: value[i] for name, value in values.items()} for i, view in enumerate([*views.values(), "soft"])
        },
        **{group: {name: others[name] for name in names(group)} for group in OTHERS},
        "undefined": undefined | {name: value == 0 for name, value in denominators.items()},
        "thresholds": {name: thresholds[:, i] for i, name in enumerate(views)},
    }


def tuned_metric(monitor: str) -> str:
    """The threshold metric that a run's threshold is tuned for: the monitored one, or f1 where that needs none."""
    metric = base_name(monitor)
    return metric if metric in names("threshold") else "f1"


def _binary(targets: Tensor) -> bool:
    """Whether all are 0 or 1: only they, and infinity, are their own squares."""
    return targets.dtype == torch.bool or (torch.equal(targets * targets, targets) and bool(targets.amax() <= 1))
