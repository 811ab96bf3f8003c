"""Which metrics a comparison shows, and how their values are read: hard, at the tuned threshold, or soft."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.errors import UserError, unknown
from surrogate_bench.metrics.names import base_name, flat_names, names

VIEWS = {"": "0.5", "_tuned": "tuned", "_oracle": "oracle", "_soft": "soft"}
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
        """Whether its best value is worth marking: a soft value or an oracle's does not say how good a result is."""
        return self.view not in ("soft", "oracle")


def choose(words: Iterable[str] | None, found: Collection[str], chosen_by: str, warn: Warn) -> list[Column]:
    """The columns that the words name, of the metrics that runs have; a threshold metric gives three.

    Without words, a choice of the usual ones and the metric that runs were chosen by. Raises UserError for a word that
    is no metric, and where no run has any of them.
    """
    if words is None:
        about = base_name(chosen_by)
        own = [] if about in DEFAULT else _flat([about])
        return [_column(metric) for metric in (*own, *DEFAULT) if metric in found] or [_column(m) for m in found]
    wanted = _flat(words, found)
    absent = [metric for metric in wanted if metric not in found]
    if len(absent) == len(wanted):
        raise UserError(f"no run has the metric {', '.join(absent) or '(none was named)'}")
    if absent:
        warn(f"no run has the metric {', '.join(absent)}")
    return [_column(metric) for metric in wanted if metric in found]


def in_order(found: Collection[str]) -> list[str]:
    """All metrics that runs have: the known ones in the usual order, then those of other versions."""
    known = flat_names()
    return [metric for metric in known if metric in found] + sorted(set(found).difference(known))


def _flat(words: Iterable[str], found: Collection[str] = ()) -> list[str]:
    known = [*flat_names(), *sorted(set(found).difference(flat_names()))]
    flat: list[str] = []
    for word in filter(None, (word.strip() for word in words)):
        if word not in known:
            raise unknown("metric", word, known)
        flat += [word + suffix for suffix in SHOWN] if word in names("threshold") else [word]
    return list(dict.fromkeys(flat))


def _column(metric: str) -> Column:
    about = base_name(metric)
    return Column(metric, about, VIEWS[metric.removeprefix(about)] if about in names("threshold") else "")
