"""Groups runs: into blocks of one data set and model, and the rows within them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.comparison.run import KINDS, Run, value_text
from surrogate_bench.comparison.versions import Versions
from surrogate_bench.config.schema import GROUPS
from surrogate_bench.errors import UserError, unknown
from surrogate_bench.store.run_id import LATER
from surrogate_bench.system.folders import tails, without_folders

Key = tuple[Any, ...]
# What changes no number of a run, what a row is averaged over, and paths, of which the content counts.
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
    "loss.path",
}
# What validation cannot choose among, as it says how a run is judged, from where it starts and how exactly it is
# computed: rows are told apart by these. (What makes a data set, such as `dataset.imratio`, `dataset.validation` or
# `dataset.scaling`, divides tables.) All else is a hyperparameter: of the loss, the model and the optimizer, and the
# trainer's epochs, batch size and sampler, of which more than one make a choice by validation.
PROTOCOL = ("trainer.monitor", "trainer.select", "trainer.warm_start", "precision", "deterministic")
LONGEST = 40
# So many rows or values are named, the rest counted.
NAMED = 6


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
    """A run's value of a configuration's key; `loss` and its like are what tables say.

    Where it has none, it is what it was before there was the key, and `...` where nobody knows that.
    """
    if key in KINDS:
        return run.labels[key]
    return run.config.get("optimizer.name" if key == "optimizer" else key, LATER.get(key, ...))


def label(keys: Sequence[str], values: Key, *, absent: bool = False) -> str:
    """A row's name: `soft_f1`, `soft_f1 imratio=0.1`, `lr=0.01`; null is said only where nothing else is.

    A key that is not there is named where `absent` asks for it.
    """
    shorts = [key.rpartition(".")[2] for key in keys]
    words: list[str] = []
    nulls: list[str] = []
    for key, short, value in zip(keys, shorts, values, strict=True):
        named = short if shorts.count(short) == 1 else key
        text = value_text(value)
        text = _shortened(text if key in (*KINDS, "optimizer") else without_folders(text))
        if absent or value is not ...:
            (nulls if value is None else words).append(text if key in (*KINDS, "optimizer") else f"{named}={text}")
    return " ".join(words or nulls) or "none"


def group(runs: Iterable[Run], key: Callable[[Run], Any]) -> dict[Any, list[Run]]:
    """Runs by a key, in the order in which each is first met."""
    groups: dict[Any, list[Run]] = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return dict(groups)


def blocks(
    runs: Sequence[Run], keys: Sequence[str], versions: Versions, warn: Warn
) -> list[tuple[str, str, str, list[Run]]]:
    """Data set, version, model and runs of each block, sorted by name, the newest version first.

    A data set is its whole configuration, rows apart: other positives or another share of them are another task, so
    runs on them are neither averaged nor chosen among, and neither are folds and splits by seed, nor two contents of
    one file. Where a name is not enough, what differs stands beside it.
    """

    def data(run: Run) -> tuple[tuple[str, Any], ...]:
        return tuple(sorted((k, v) for k, v in versions.data(run).items() if k not in keys))

    found = []
    for dataset, namesakes in group(runs, lambda run: run.labels["dataset"]).items():
        variants = [(dict(own), members) for own, members in group(namesakes, data).items()]
        known = sorted({key for own, _ in variants for key in own})
        differing = [key for key in known if len({own.get(key, ...) for own, _ in variants}) > 1]
        if {"dataset.name", "dataset.path"} & set(differing):
            warn(f"{len(variants)} data sets are called {dataset!r}; they are compared apart")
        paths = tails({str(own["dataset.path"]) for own, _ in variants if own.get("dataset.path")})
        for own, members in variants:
            own |= {"dataset.path": paths[str(own["dataset.path"])]} if own.get("dataset.path") else {}
            shown = [dataset, label(differing, tuple(own.get(key, LATER.get(key, ...)) for key in differing))]
            name = " ".join(shown if differing else shown[:1])
            kinds = group(members, lambda run: (versions.of_block(run), run.labels["model"]))
            found += [(name, version, model, of_kind) for (version, model), of_kind in kinds.items()]
    return sorted(found, key=lambda block: (block[0], block[2], block[1]))


def told_apart(blocks: Iterable[tuple[str, str, str, list[Run]]], keys: Sequence[str], versions: Versions) -> list[str]:
    """The keys that must make rows as well, since a row's runs have several values of them.

    They are those of the protocol, and those that only some runs of one component have: the others are of another
    version, and what they did instead is not known.
    """
    found = set()
    for *_, members in blocks:
        for own in group(members, lambda run: (row_key(run, keys), versions.of_row(run))).values():
            values = varying(own, keys)
            found |= {key for key, several in values.items() if key in PROTOCOL or ... in several}
    return sorted(found)


def row_key(run: Run, keys: Sequence[str]) -> Key:
    """A run's values of the keys that make a row."""
    return tuple(key_value(run, key) for key in keys)


def varying(runs: Iterable[Run], keys: Iterable[str]) -> dict[str, set[Any]]:
    """The configuration's keys with several values among these runs, and the values.

    Rows' keys are left out, and those of the data set, which make blocks. A run that lacks a key that others of its
    component have counts with what it was before there was the key, and with `...` where nobody knows that.
    """
    values: dict[str, set[Any]] = defaultdict(set)
    layouts = set()
    for run in runs:
        layouts.add((tuple(run.config), tuple(run.config.get(f"{group}.name") for group in GROUPS)))
        for key, value in run.config.items():
            values[key].add(value)
    for key in _absent(layouts):
        values[key].add(LATER.get(key, ...))
    no_choice = NO_CHOICE.union(keys, (f"{key}.name" for key in keys))
    apart = ("launcher.", "dataset.")
    return {k: v for k, v in values.items() if len(v) > 1 and k not in no_choice and not k.startswith(apart)}


def _absent(layouts: set[tuple[tuple[str, ...], tuple[Any, ...]]]) -> Iterable[str]:
    """The keys that some runs lack though others of the same component have them."""
    if len(layouts) < 2:
        return ()
    having: dict[tuple[str, Any], int] = defaultdict(int)
    named = [dict(zip(GROUPS, names, strict=True)) for _, names in layouts]
    for (known, _), names in zip(layouts, named, strict=True):
        for key in known:
            having[key, names.get(key.partition(".")[0])] += 1

    def alike(key: str, name: Any) -> int:
        """How many layouts there are of the component that a key is one of."""
        kind = key.partition(".")[0]
        return sum(names[kind] == name for names in named) if kind in GROUPS else len(named)

    return {key for (key, name), count in having.items() if count < alike(key, name)}


def sortable(values: Key) -> tuple[tuple[int, float, str], ...]:
    """Numbers by size and before words, words by the alphabet."""
    return tuple(
        (0, float(v), "") if isinstance(v, int | float) and not isinstance(v, bool) else (1, 0.0, value_text(v))
        for v in values
    )


def grouped(told: dict[str, str]) -> str:
    """`5 for bce, focal; 3 for soft_f1`: the rows of which each thing is told."""
    rows: dict[str, list[str]] = {}
    for name, what in told.items():
        rows.setdefault(what, []).append(name)
    return "; ".join(f"{what} for {listed(names)}" for what, names in rows.items())


def listed(items: Iterable[Any]) -> str:
    """The first of them, and how many more there are."""
    words = [str(item) for item in items]
    rest = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + rest


def _shortened(text: str) -> str:
    """The end of a long text: of paths it is the end that differs."""
    return text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]
