"""Names of metrics, without torch: `f1` is hard at 0.5, `f1_tuned` at the tuned threshold, `f1_soft` soft.

`f1_oracle` is at the threshold that is best on the test examples themselves: a bound on what tuning could give, and no
result. No other part has it.

An operating point has a level, as in `precision_at_recall@0.8`, and without one its default. With `_tuned` it is the
test value at the threshold that reaches the level on validation, with `_level` the level that this threshold reaches on
test; `_threshold` and `_score_threshold` are that threshold on the probability and on the score.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from surrogate_bench.errors import UserError, unknown
from surrogate_bench.registry import entries

SUFFIXES = {"hard": "", "hard_tuned": "_tuned", "hard_oracle": "_oracle", "soft": "_soft"}
OTHERS = ("ranking", "operating_point", "calibration")
GROUPS = (*SUFFIXES, *OTHERS)
POINT_SUFFIXES = ("_tuned", "_level", "_threshold", "_score_threshold")
AT = "@"
T = TypeVar("T")


def names(*groups: str) -> list[str]:
    """The metrics of the groups `threshold`, `ranking`, `operating_point`, `calibration`, in the registry's order."""
    return list(_names(groups))


@functools.cache
def _names(groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name, entry in entries("metric").items() if entry.info["group"] in groups)


def flat_names() -> list[str]:
    """Every value that a run reports, under its flat name."""
    return [name + suffix for suffix in SUFFIXES.values() for name in names("threshold")] + names(*OTHERS)


def point_names() -> list[str]:
    """The flat names of what a threshold from validation gives at the operating points, at their default levels."""
    return [name + suffix for name in names("operating_point") for suffix in POINT_SUFFIXES]


@functools.cache
def default_levels() -> dict[str, float]:
    """The metrics that take a level, and the level that they have without one."""
    parameters = {name: entry.parameters for name, entry in entries("metric").items()}
    return {name: own.default for name, all_ in parameters.items() for own in all_ if own.name == "level"}


def canonical(word: str, known: Collection[str], *, what: str = "metric") -> str:
    """The one spelling of a metric's flat name: `precision_at_recall@.80` is `precision_at_recall@0.8`.

    `known` are the names without levels, and whatever else may be named. Raises UserError for a word that is none of
    them, for a level that is no number above 0 and at most 1, and for one that the metric does not take.
    """
    name, at, rest = word.partition(AT)
    if word in known or not at:
        if word not in known:
            raise unknown(what, word, known)
        return word
    text, suffix = next(((rest.removesuffix(s), s) for s in POINT_SUFFIXES[::-1] if rest.endswith(s)), (rest, ""))
    defaults = default_levels()
    level = float(text) if re.fullmatch(r"(\d+\.?\d*|\.\d+)(e-?\d+)?", text, re.ASCII | re.IGNORECASE) else 0.0
    if name in defaults and not 0 < level <= 1:
        example = f"{name}{AT}{_written(defaults[name])}{suffix}"
        raise UserError(f"the level of {what} {word!r} must be a number above 0 and at most 1, as in {example}")
    if name not in defaults and name in known:
        raise UserError(f"{what} {name} takes no level, as {word!r} gives it; those that do are {', '.join(defaults)}")
    at_level = f"{AT}{_written(level)}" if 0 < level <= 1 else ""
    if name + suffix not in known:
        raise unknown(what, word, [own + at_level for own in defaults if own in known])
    return name + ("" if level == defaults[name] else at_level) + suffix


def split_level(metric: str) -> tuple[str, float | None]:
    """A metric's name and its level, None for one that has none: `("precision_at_recall", 0.8)`."""
    name, _, level = metric.partition(AT)
    return name, float(level) if level else default_levels().get(name)


def tuned_metric(monitor: str) -> str:
    """The metric that a run's threshold is tuned for: the monitored one, or f1 if that needs no threshold."""
    metric = base_name(monitor)
    return metric if split_level(metric)[0] in names("threshold", "operating_point") else "f1"


def point_words(metric: str) -> tuple[str, str]:
    """An operating point's metric and the metric of its level: `("precision", "recall")`."""
    value, _, level = split_level(metric)[0].partition("_at_")
    return value, level


def tells_apart(probability: float) -> bool:
    """True if three digits of a threshold on the probability say where it is; near 0 and 1 only the score does."""
    return 0.0005 <= probability < 0.9995


def threshold_text(probability: float, score: float | None) -> str:
    """A threshold as people read it: `p > 0.243`, and `score > 61.2` where probabilities tell nothing apart."""
    return f"p > {probability:.3f}" if score is None or tells_apart(probability) else f"score > {score:.4g}"


def of_point(metric: str, point: Mapping[str, Any]) -> dict[str, Any]:
    """An operating point's entry in result.json under its flat names, POINT_SUFFIXES, for the test part."""
    test = point.get("test") or {}
    values = (test.get("value"), test.get("level"), point.get("threshold"), point.get("score_threshold"))
    return {metric + suffix: value for suffix, value in zip(POINT_SUFFIXES, values, strict=True)}


def flatten(metrics: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """`{"hard": {"f1": v}, "ranking": {...}}`, as in result.json, to `{"f1": v, "f1_tuned": ..., "auroc": ...}`."""
    shown = {group: metrics[group] for group in GROUPS if group in metrics}
    return {name + SUFFIXES.get(group, ""): value for group, values in shown.items() for name, value in values.items()}


def base_name(flat: str) -> str:
    """The metric behind a flat name, with its level: `f1_tuned` is about `f1`."""
    of_points = POINT_SUFFIXES[::-1]  # the longer of those that end alike first
    for group, suffixes in (("threshold", (*filter(None, SUFFIXES.values()),)), ("operating_point", of_points)):
        for suffix in suffixes:
            if flat.endswith(suffix) and flat.removesuffix(suffix).partition(AT)[0] in names(group):
                return flat.removesuffix(suffix)
    return flat


def validation_name(flat: str) -> str:
    """The validation metric behind a test metric: what stands at an operating point's threshold has its own name."""
    metric = base_name(flat)
    return metric if split_level(metric)[0] in names("operating_point") else flat


def lower_is_better(flat: str) -> bool:
    """True if a smaller value of this metric is the better one; what is no metric counts as better when higher."""
    entry = entries("metric").get(split_level(base_name(flat))[0])
    return entry is not None and bool(entry.info.get("lower_is_better", False))


def monitored(word: str) -> str:
    """The one spelling of what `trainer.monitor` may name: whatever training looks at, so nothing of the oracle's."""
    known = [name for name in flat_names() if not name.endswith(SUFFIXES["hard_oracle"])]
    return canonical(word, known, what="trainer.monitor")


def _written(level: float) -> str:
    return repr(level).removesuffix(".0")
