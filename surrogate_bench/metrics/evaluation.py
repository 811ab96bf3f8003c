"""Everything that a run reports about its scores, from one sort."""

import functools
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from surrogate_bench.metrics.collecting import AtThresholds, Measured, Shares
from surrogate_bench.metrics.curve import curve
from surrogate_bench.metrics.names import AT, OTHERS, base_name, canonical, flat_names, names, split_level
from surrogate_bench.registry import lookup
from surrogate_bench.shapes import check_shapes

# What stands behind the groups of metrics.
BEHIND = ("undefined", "thresholds", "score_thresholds")
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
    only: Iterable[str] = (),
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

    `only` names metrics that are computed in place of all, in a fraction of the time; thresholds come with those on
    counts.

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
    wanted = [base_name(canonical(name, known)) for name in ([only] if isinstance(only, str) else only)]
    also = [*(canonical(name, known) for name in also), *wanted]
    given, on_probability = (
        None
        if value is None
        else torch.as_tensor(value, dtype=torch.float64, device=logits.device).reshape(-1).expand(len(flat))
        for value in (tuned_score, tuned)
    )
    if on_probability is not None:
        given = on_probability.clamp(0, 1).logit()
    measured = measure(
        scores, flat_targets, threshold, tuned=given, tune_for=canonical(tune_for, known), also=also, only=wanted
    )
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
    only: Collection[str] = (),
) -> Measured:
    """`evaluate` for K problems at once, every value a tensor [K] on the device of the logits.

    `tuned` is on the logit, and metrics are named in their one spelling. On a CPU a problem's values are the same bits
    whatever is measured beside it: problems go together while no sum is shared between threads, else one by one.
    """
    some = max(1, (SHARED_FROM - 1) // logits.shape[1]) if logits.device.type == "cpu" else len(logits)
    thresholds = [None] * -(-len(logits) // some) if tuned is None else tuned.split(some)
    parts = zip(logits.split(some), targets.split(some), thresholds, strict=True)
    found = [_measure(z, y, threshold, at, tune_for, also, only) for z, y, at in parts]
    if len(found) == 1:
        return found[0]
    return {
        group: {name: torch.cat([one[group][name] for one in found]) for name in values}
        for group, values in found[0].items()
    }


def _measure(
    logits: Tensor,
    targets: Tensor,
    threshold: float,
    tuned: Tensor | None,
    tune_for: str,
    also: Iterable[str],
    only: Collection[str],
) -> Measured:
    others = computed(tuple(metric for metric in dict.fromkeys((*also, tune_for)) if AT in metric))
    at_counts = names("threshold")
    if only:
        others = {group: {name: own[name] for name in own if name in only} for group, own in others.items()}
        at_counts = [name for name in at_counts if name in only]
    parts: list[AtThresholds | Shares] = []
    parts += [AtThresholds(at_counts, logits, threshold, tuned, tune_for)] if at_counts else []
    parts += [Shares(others, logits)] if any(others.values()) else []
    for block in curve(logits, targets):
        for part in parts:
            part.see(block)
    found = [part.result() for part in parts]
    groups = {group: values for own in found for group, values in own.items() if group not in BEHIND}
    undefined = {name: value for own in found for name, value in own["undefined"].items()}
    return groups | {"undefined": undefined} | {own: found[0][own] for own in BEHIND[1:] if own in found[0]}


@functools.lru_cache(maxsize=16)
def computed(levelled: tuple[str, ...]) -> dict[str, dict[str, Callable[..., Any]]]:
    """The metrics that are no fractions of counts, by group: the usual ones, then those of other levels."""
    found = {group: {name: lookup("metric", name).load() for name in names(group)} for group in OTHERS}
    for metric in levelled:
        name, level = split_level(metric)
        own = next(own for own in found.values() if name in own)
        own[metric] = functools.partial(own[name], level=level)
    return found


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
    """True if all are 0 or 1: only they, and infinity, are their own squares."""
    return targets.dtype == torch.bool or (torch.equal(targets * targets, targets) and bool(targets.amax() <= 1))
