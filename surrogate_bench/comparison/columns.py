"""Chooses the metrics that a comparison shows, and reads their values: hard, at the tuned threshold, or soft."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.errors import UserError
from surrogate_bench.metrics.names import base_name, canonical, flat_names, names, point_names, split_level

VIEWS = {"": "0.5", "_tuned": "tuned", "_oracle": "oracle", "_soft": "soft"}
# Of an operating point: what its threshold from validation gives on test, then the best on test itself, a bound.
POINT_VIEWS = {"_tuned": "tuned", "_level": "level", "_threshold": "threshold", "": "bound"}
NO_GOALS = ("soft", "oracle", "level", "threshold", "score", "bound")
# What the name of a threshold metric stands for. The oracle's value is a bound and no result: it has to be asked for.
SHOWN = tuple(suffix for suffix, view in VIEWS.items() if view != "oracle")
# What fits a terminal's width and still shows soft beside hard, and what precision costs in recall.
DEFAULT = ("f1", "f1_tuned", "f1_soft", "precision", "precision_soft", "recall", "auroc", "average_precision")


@dataclass(frozen=True)
class Column:
    """A metric's flat name, the metric that it is about, and the view of it: 0.5, tuned, soft, or none."""

    metric: str
    about: str
    view: str

    @property
    def is_goal(self) -> bool:
        """True if its best value is worth marking: a soft value or a bound does not say how good a result is."""
        return self.view not in NO_GOALS


def choose(words: Iterable[str] | None, found: Collection[str], chosen_by: str, warn: Warn) -> list[Column]:
    """The columns that the words name, of the metrics that runs have; a threshold metric gives three.

    Without words, a choice of the usual ones and the metric that runs were chosen by. Raises UserError for a word that
    is no metric, and where no run has any of them.
    """
    if words is None:
        about = base_name(chosen_by)
        own = [] if about in DEFAULT else _flat([about], found)
        return [column_of(metric) for metric in (*own, *DEFAULT) if metric in found] or [column_of(m) for m in found]
    wanted = _flat(words, found)
    absent = [metric for metric in wanted if metric not in found]
    if len(absent) == len(wanted):
        raise UserError(f"no run has the metric {', '.join(absent) or '(none was named)'}")
    if absent:
        warn(f"no run has the metric {', '.join(absent)}")
    return [column_of(metric) for metric in wanted if metric in found]


def in_order(found: Collection[str]) -> list[str]:
    """All metrics that runs have: the known ones in the usual order, then those of other versions."""
    known = [*flat_names(), *point_names()]
    return [metric for metric in known if metric in found] + sorted(set(found).difference(known))


def goal_of(metric: str, found: Collection[str]) -> str:
    """The test metric for runs that validation's `metric` chose: an operating point by validation's threshold."""
    tuned = f"{metric}_tuned"
    return tuned if base_name(tuned) == metric and metric not in names("threshold") and tuned in found else metric


def _flat(words: Iterable[str], found: Collection[str] = ()) -> list[str]:
    flat: list[str] = []
    for word in spelled(words, found):
        if split_level(word)[0] in names("operating_point"):
            own = [word + suffix for suffix in POINT_VIEWS]
            flat += [metric for metric in own if metric in found] or [word]
        else:
            flat += [word + suffix for suffix in SHOWN] if word in names("threshold") else [word]
    return list(dict.fromkeys(flat))


def spelled(words: Iterable[str], found: Collection[str]) -> list[str]:
    """The words in their one spelling. Raises UserError for the first that names no metric, and for a wrong level."""
    usual = [*flat_names(), *point_names()]
    known = [*usual, *sorted(set(found).difference(usual))]
    return [canonical(word, known) for word in filter(None, (word.strip() for word in words))]


def column_of(metric: str) -> Column:
    """The column of a flat name."""
    about = base_name(metric)
    kind, suffix = split_level(about)[0], metric.removeprefix(about)
    if kind in names("operating_point"):
        return Column(metric, about, "score" if suffix == "_score_threshold" else POINT_VIEWS[suffix])
    return Column(metric, about, VIEWS[suffix] if kind in names("threshold") else "")
