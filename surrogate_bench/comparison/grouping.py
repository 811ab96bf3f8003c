"""Which runs belong together: blocks of one data set and model, and the rows within them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.comparison.run import KINDS, Run, value_text
from surrogate_bench.config.identity import LATER
from surrogate_bench.errors import UserError, unknown

Key = tuple[Any, ...]
# What changes no number of a run, and what a row is averaged over.
NO_CHOICE = {
    "seed",
    "device",
    "experiment",
    "suite",
    "output",
    "force",
    "retry_failed",
    "keep_stale",
    "trainer.resume",
    "dataset.root",
    "dataset.fold",
}
LONGEST = 40


def row_keys(words: str, runs: Sequence[Run]) -> tuple[str, ...]:
    """The keys in `loss,optimizer.lr`. Raises UserError for the first that no run's configuration has."""
    keys = tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    known = [*KINDS, "optimizer", *dict.fromkeys(key for run in runs for key in run.config)]
    if not keys:
        raise UserError("rows must name a key of the configuration, as in loss or optimizer.lr")
    for key in keys:
        if key not in known:
            nested = next((name for name in known if name.endswith(f".{key}")), None)
            raise unknown("configuration key", key, known if nested is None else [nested])
    return keys


def key_value(run: Run, key: str) -> Any:
    """A run's value of a configuration's key, `...` where it has none; `loss` and its like are what tables say."""
    return run.labels[key] if key in KINDS else run.config.get("optimizer.name" if key == "optimizer" else key, ...)


def label(keys: Sequence[str], values: Key) -> str:
    """What a row is called: `soft_f1`, `soft_f1 imratio=0.1`, `lr=0.01`; null is said only where nothing else is."""
    shorts = [key.rpartition(".")[2] for key in keys]
    words: list[str] = []
    nulls: list[str] = []
    for key, short, value in zip(keys, shorts, values, strict=True):
        named = short if shorts.count(short) == 1 else key
        text = _shortened(value_text(value))
        if value is not ...:
            (nulls if value is None else words).append(text if key in (*KINDS, "optimizer") else f"{named}={text}")
    return " ".join(words or nulls) or "none"


def group(runs: Iterable[Run], key: Callable[[Run], Any]) -> dict[Any, list[Run]]:
    """Runs by a key, in the order in which each is first met."""
    groups: dict[Any, list[Run]] = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return dict(groups)


def blocks(runs: Sequence[Run], keys: Sequence[str], warn: Warn) -> list[tuple[str, str, list[Run]]]:
    """Data set, model and runs of each block, sorted by name.

    A data set is its whole configuration, rows apart: other positives or another share of them are another task, so
    runs on them are neither averaged nor chosen among. Where a name is not enough, what differs stands beside it.
    """

    def data(run: Run) -> tuple[tuple[str, Any], ...]:
        own = {k: v for k, v in run.config.items() if k.startswith("dataset.") and k not in {*keys, *NO_CHOICE}}
        return tuple(sorted((k, v) for k, v in own.items() if LATER.get(k, ...) != v))

    found = []
    for dataset, namesakes in group(runs, lambda run: run.labels["dataset"]).items():
        variants = group(namesakes, data)
        differing = sorted(varying((members[0] for members in variants.values()), keys)) if len(variants) > 1 else []
        differing = [key for key in differing if key.startswith("dataset.")]
        if {"dataset.name", "dataset.path"} & set(differing):
            warn(f"{len(variants)} data sets are called {dataset!r}; they are compared apart")
        for members in variants.values():
            shown = [dataset, label(differing, tuple(key_value(members[0], key) for key in differing))]
            name = " ".join(shown if differing else shown[:1])
            found += [(name, m, own) for m, own in group(members, lambda run: run.labels["model"]).items()]
    return sorted(found, key=lambda block: block[:2])


def varying(runs: Iterable[Run], keys: Iterable[str]) -> dict[str, set[Any]]:
    """The configuration's keys with several values among these runs, and the values; rows' keys are left out."""
    values: dict[str, set[Any]] = defaultdict(set)
    for run in runs:
        for key, value in run.config.items():
            values[key].add(value)
    no_choice = NO_CHOICE.union(keys, (f"{key}.name" for key in keys))
    return {k: v for k, v in values.items() if len(v) > 1 and k not in no_choice and not k.startswith("launcher.")}


def sortable(values: Key) -> tuple[tuple[int, float, str], ...]:
    """Numbers by size and before words, words by the alphabet."""
    return tuple(
        (0, float(v), "") if isinstance(v, int | float) and not isinstance(v, bool) else (1, 0.0, value_text(v))
        for v in values
    )


def _shortened(text: str) -> str:
    """The end of a long text: of paths it is the end that differs."""
    return text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]
