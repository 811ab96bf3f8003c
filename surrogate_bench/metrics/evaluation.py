"""Everything that a run reports about its scores, from one sort."""

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics.curve import curve
from surrogate_bench.metrics.names import AT, OTHERS, canonical, flat_names, names, split_level
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.metrics.tuning import BestThreshold
from surrogate_bench.registry import lookup
from surrogate_bench.rounding import probability, sigmoid
from surrogate_bench.shapes import check_shapes

Measured = dict[str, dict[str, Tensor]]
SOFT = ("soft_tp", "soft_predicted")
# From so many values on, torch shares a sum between threads, and how it does so depends on the shape.
SHARED_FROM = 1 << 15


def evaluate(
    logits: Any,
    targets: Any,
    threshold: float = 0.5,
    *,
    tuned: Any = None,
    tuned_score: Any = None,
    tune_for: str = "f1",
    also: Iterable[str] = (),
) -> dict[str, dict[str, Any]]:
    """All metrics of logits [..., N] against targets [..., N] in {0, 1}, hard and soft side by side.

    `hard` is at `threshold` on the probability, `hard_tuned` at `tuned`, or at `tuned_score` on the logit, or, without
    either, at the threshold that is best on these very examples for `tune_for`: a metric on counts, or an operating
    point as `precision_at_recall@0.8`, whose level that threshold reaches. With one, `hard_oracle` is at that best
    threshold: a bound on what any way of tuning could reach, and no result. `soft` is on soft counts (Σ p·y, ...),
    `ranking`, `operating_point` and `calibration` are as their functions say, at the levels that `also` names beside
    the usual ones; `undefined` marks what has a denominator of 0 and is therefore 0.0. `score_thresholds` holds the
    thresholds on the logit, `thresholds` the same on the probability, which is 1 for all logits above 37. Values are
    floats for [N] and tensors [...] for more dimensions.

    `tuned` and `tuned_score` are numbers, or one a problem [...]. Arrays, and what NumPy makes arrays of, are taken in
    place of tensors, and arrays [...] are then returned. Targets may be boolean, whole numbers or floats.

    Raises ValueError where the shapes differ, the last dimension is 1 beside others, there is no example, a logit is
    NaN, a target is neither 0 nor 1, a metric is unknown or two thresholds are given as the tuned one.
    """
    arrays = not isinstance(logits, Tensor)
    logits, targets = _tensor("logits", logits), _tensor("targets", targets)
    check_shapes(logits, targets)
    if not logits.numel():
        raise ValueError(f"logits {tuple(logits.shape)} and targets must hold examples")
    targets = targets.to(logits.device)
    if logits.amax().isnan():
        raise ValueError("logits must not be NaN")
    if not _binary(targets):
        raise ValueError("targets must be 0 or 1")
    if tuned is not None and tuned_score is not None:
        raise ValueError("give either tuned, on the probability, or tuned_score, on the logit")
    problems = logits.shape[:-1]
    flat, flat_targets = logits.detach().reshape(-1, logits.shape[-1]), targets.reshape(-1, logits.shape[-1])
    scores = flat if flat.dtype == torch.float64 else flat.float()
    known = flat_names()
    also = [canonical(name, known) for name in also]
    given, on_probability = (
        None
        if value is None
        else torch.as_tensor(value, dtype=torch.float64, device=logits.device).reshape(-1).expand(len(flat))
        for value in (tuned_score, tuned)
    )
    if on_probability is not None:
        given = on_probability.clamp(0, 1).logit()
    measured = measure(scores, flat_targets, threshold, tuned=given, tune_for=canonical(tune_for, known), also=also)
    if on_probability is not None:
        measured["thresholds"]["tuned"] = on_probability

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
    also: Iterable[str] = (),
) -> Measured:
    """`evaluate` for K problems at once, every value a tensor [K] on the device of the logits.

    `tuned` is on the logit, and metrics are named in their one spelling. On a CPU a problem's values are the same bits
    whatever is measured beside it: problems go together while no sum is shared between threads, else one by one.
    """
    some = max(1, (SHARED_FROM - 1) // logits.shape[1]) if logits.device.type == "cpu" else len(logits)
    thresholds = [None] * -(-len(logits) // some) if tuned is None else tuned.split(some)
    parts = zip(logits.split(some), targets.split(some), thresholds, strict=True)
    found = [_measure(z, y, threshold, at, tune_for, also) for z, y, at in parts]
    if len(found) == 1:
        return found[0]
    return {
        group: {name: torch.cat([one[group][name] for one in found]) for name in values}
        for group, values in found[0].items()
    }


def _measure(
    logits: Tensor, targets: Tensor, threshold: float, tuned: Tensor | None, tune_for: str, also: Iterable[str]
) -> Measured:
    problems, n = logits.shape
    at = torch.full((problems,), _logit(threshold), dtype=torch.float64, device=logits.device)
    thresholds = torch.stack([at] if tuned is None else [at, tuned], 1)
    cuts = _rounded_down(thresholds, logits.dtype)
    best = BestThreshold(tune_for, at)
    nothing = torch.zeros_like(thresholds)
    others = computed(tuple(metric for metric in dict.fromkeys((*also, tune_for)) if AT in metric))
    sums = dict.fromkeys([*(name for own in others.values() for name in own), *SOFT], nothing[:, :1])
    denominators = dict.fromkeys(others["calibration"], nothing[:, 0] + n)
    tp = predicted = nothing
    for block in curve(logits, targets):
        p, y = probability(block.scores.double()), block.targets.double()
        for name, compute in others["ranking"].items():
            part, denominators[name] = compute(block)
            sums[name] = sums[name] + part
        for name, compute in others["operating_point"].items():
            part, denominators[name] = compute(block)
            sums[name] = torch.maximum(sums[name], part)
        for name, compute in others["calibration"].items():
            sums[name] = sums[name] + compute(p, y)
        sums["soft_tp"] = sums["soft_tp"] + torch.linalg.vecdot(p, y)[:, None]
        sums["soft_predicted"] = sums["soft_predicted"] + p.sum(-1, keepdim=True)
        above = torch.searchsorted(-block.scores, -cuts)
        predicted = predicted + above
        tp = torch.where(above > 0, block.tp.gather(-1, (above - 1).clamp_min(0)).double(), tp)
        best.see(block)
    views = {"default": "hard", "tuned": "hard_tuned"} | ({} if tuned is None else {"oracle": "hard_oracle"})
    thresholds = torch.cat((thresholds, best.threshold()[:, None]), 1)
    counts = Counts.from_totals(
        torch.cat((tp, best.tp[:, None], sums["soft_tp"]), 1).T,
        torch.cat((predicted, best.cut[:, None], sums["soft_predicted"]), 1).T,
        block.positives.double(),
        n,
    )
    fractions = {name: formula(name)(counts) for name in names("threshold")}
    # All at once, for a few problems take as long as one.
    numerators, divisors = (torch.stack(parts) for parts in zip(*fractions.values(), strict=True))
    values = zip([*views.values(), "soft"], ratio((numerators, divisors)).unbind(1), strict=True)
    for name in others["calibration"]:
        sums[name] = sums[name].abs().sum(-1, keepdim=True)
    totals = torch.cat([sums[name] for name in denominators], 1).T
    shares = torch.stack(list(denominators.values()))
    value_of = dict(zip(denominators, ratio((totals, shares)), strict=True))
    undefined = torch.cat((divisors[:, 0], shares)) == 0
    shown = sigmoid(thresholds)
    shown[:, 0] = threshold
    return {
        **{view: dict(zip(fractions, value, strict=True)) for view, value in values},
        **{group: {name: value_of[name] for name in own} for group, own in others.items()},
        "undefined": dict(zip([*fractions, *denominators], undefined, strict=True)),
        "thresholds": dict(zip(views, shown.unbind(1), strict=True)),
        "score_thresholds": dict(zip(views, thresholds.unbind(1), strict=True)),
    }


@functools.lru_cache(maxsize=16)
def computed(levelled: tuple[str, ...]) -> dict[str, dict[str, Callable[..., Any]]]:
    """The metrics that are no fractions of counts, by group: the usual ones, then those of other levels."""
    found = {group: {name: lookup("metric", name).load() for name in names(group)} for group in OTHERS}
    for metric in levelled:
        name, level = split_level(metric)
        own = next(own for own in found.values() if name in own)
        own[metric] = functools.partial(own[name], level=level)
    return found


def _logit(threshold: float) -> float:
    """The score whose probability is the threshold; at 0 and below all scores are above it, at 1 and above none."""
    if 0 < threshold < 1:
        return math.log(threshold) - math.log1p(-threshold)
    return -math.inf if threshold <= 0 else math.inf


def _rounded_down(thresholds: Float[Tensor, "k t"], dtype: torch.dtype) -> Float[Tensor, "k t"]:
    """Thresholds that scores of a type are above exactly where they are above the given ones."""
    if dtype == torch.float64:
        return thresholds
    near = thresholds.to(dtype)
    return torch.where(near > thresholds, near.nextafter(torch.full_like(near, -torch.inf)), near)


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


def _binary(targets: Tensor) -> bool:
    """Whether all are 0 or 1: only they, and infinity, are their own squares."""
    return targets.dtype == torch.bool or (torch.equal(targets * targets, targets) and bool(targets.amax() <= 1))
