"""Everything that a run reports about its scores, from one sort."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.curve import curve
from surrogate_bench.metrics.names import OTHERS, base_name, names
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.metrics.tuning import BestThreshold
from surrogate_bench.registry import lookup
from surrogate_bench.shapes import check_shapes

Measured = dict[str, dict[str, Tensor]]


def evaluate(
    logits: Any,
    targets: Any,
    threshold: float = 0.5,
    *,
    tuned: Any = None,
    tune_for: str = "f1",
) -> dict[str, dict[str, Any]]:
    """All metrics of logits [..., N] against targets [..., N] in {0, 1}, hard and soft side by side.

    `hard` is at `threshold` on the probability, `hard_tuned` at `tuned`, or, without it, at the threshold that is best
    for the metric `tune_for` on these very examples. With it, `hard_oracle` is at that best threshold: a bound on what
    any way of tuning could reach, and no result. `soft` is on soft counts (Σ p·y, ...), `ranking`,
    `operating_point` and `calibration` are as their functions say; `undefined` marks what has a denominator of 0 and is
    therefore 0.0; `thresholds` holds the thresholds. Values are floats for [N] and tensors [...] for more dimensions.
    `tuned` is a number, or one a problem [...]. Arrays, and what NumPy makes arrays of, are taken in place of tensors,
    and arrays [...] are then returned. Targets may be boolean, whole numbers or floats.

    Raises ValueError where the shapes differ, the last dimension is 1 beside others, there is no example, a logit is
    NaN or a target neither 0 nor 1.
    """
    arrays = not isinstance(logits, Tensor)
    logits, targets = _tensor("logits", logits), _tensor("targets", targets)
    check_shapes(logits, targets)
    if not logits.numel():
        raise ValueError(f"logits {tuple(logits.shape)} and targets hold no example")
    targets = targets.to(logits.device)
    if logits.amax().isnan():
        raise ValueError("logits must not be NaN")
    if not _binary(targets):
        raise ValueError("targets must be 0 or 1")
    problems = logits.shape[:-1]
    flat, flat_targets = logits.detach().reshape(-1, logits.shape[-1]), targets.reshape(-1, logits.shape[-1])
    scores = flat if flat.dtype == torch.float64 else flat.float()
    given = None if tuned is None else torch.as_tensor(tuned, dtype=torch.float64, device=logits.device).reshape(-1)
    measured = measure(scores, flat_targets, threshold, tuned=given, tune_for=tune_for)

    def shaped(value: Tensor) -> Any:
        if logits.ndim == 1:
            return value.item()
        return value.reshape(problems).numpy() if arrays else value.reshape(problems)

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
        p, y = torch.sigmoid(block.scores.double()), block.targets.double()
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


def _tensor(name: str, values: Any) -> Tensor:
    """The values as a tensor, from an array of any layout. Raises ValueError for what torch has no type for."""
    if isinstance(values, Tensor):
        return values
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be numbers or booleans, not an array of {array.dtype}")
    # A copy: torch warns of memory that it may not write to, and takes no steps backwards.
    own = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(own.astype(np.float64) if own.dtype.itemsize > 8 else own)


def tuned_metric(monitor: str) -> str:
    """The threshold metric that a run's threshold is tuned for: the monitored one, or f1 where that needs none."""
    metric = base_name(monitor)
    return metric if metric in names("threshold") else "f1"


def _binary(targets: Tensor) -> bool:
    """Whether all are 0 or 1: only they, and infinity, are their own squares."""
    return targets.dtype == torch.bool or (torch.equal(targets * targets, targets) and bool(targets.amax() <= 1))
