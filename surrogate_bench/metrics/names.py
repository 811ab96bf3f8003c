"""What metrics are called, without torch: `f1` is hard at 0.5, `f1_tuned` at the tuned threshold, `f1_soft` soft.

`f1_oracle` is at the threshold that is best on the test examples themselves: a bound on what tuning could give, and no
result. No other part has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from surrogate_bench.errors import unknown
from surrogate_bench.registry import entries

SUFFIXES = {"hard": "", "hard_tuned": "_tuned", "hard_oracle": "_oracle", "soft": "_soft"}
OTHERS = ("ranking", "operating_point", "calibration")
GROUPS = (*SUFFIXES, *OTHERS)
T = TypeVar("T")


def names(*groups: str) -> list[str]:
    """The metrics of the groups `threshold`, `ranking`, `operating_point`, `calibration`, in the registry's order."""
    return [name for name, entry in entries("metric").items() if entry.info["group"] in groups]


def flat_names() -> list[str]:
    """Every value that a run reports, under its flat name."""
    return [name + suffix for suffix in SUFFIXES.values() for name in names("threshold")] + names(*OTHERS)


def flatten(metrics: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """`{"hard": {"f1": v}, "ranking": {...}}`, as in result.json, to `{"f1": v, "f1_tuned": ..., "auroc": ...}`."""
    shown = {group: metrics[group] for group in GROUPS if group in metrics}
    return {name + SUFFIXES.get(group, ""): value for group, values in shown.items() for name, value in values.items()}


def base_name(flat: str) -> str:
    """The metric behind a flat name: `f1_tuned` is about `f1`."""
    for suffix in filter(None, SUFFIXES.values()):
        if flat.endswith(suffix) and flat.removesuffix(suffix) in names("threshold"):
            return flat.removesuffix(suffix)
    return flat


def lower_is_better(flat: str) -> bool:
    """Whether a smaller value of this metric is the better one."""
    return bool(entries("metric")[base_name(flat)].info.get("lower_is_better", False))


def check_names(wanted: Iterable[str], *, what: str = "metric") -> None:
    """Raises for the first word that names no metric, flat or not, that training may look at: not the oracle's."""
    known = [name for name in flat_names() if not name.endswith(SUFFIXES["hard_oracle"])]
    for name in wanted:
        if name not in known:
            raise unknown(what, name, known)
