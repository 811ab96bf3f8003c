"""One stored run, as a comparison sees it."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surrogate_bench.comparison.origin import Origin, read_date, read_origin, read_parts
from surrogate_bench.metrics.names import flatten, of_point
from surrogate_bench.system.files import MOST_BYTES, ChangedError, content, unsealed

SCHEMA = 1
STATUSES = ("finished", "diverged", "failed")
KINDS = ("dataset", "model", "loss")
# What of a run's name is its seed and its hash: a predecessor is another run for each seed.
PLACE = re.compile(r"-s\d+-\w+$")


@dataclass(frozen=True, slots=True)
class Run:
    """One stored run as a comparison needs it; `config` is flat (`optimizer.lr`), the metrics have their flat names.

    `seed` is what rows are averaged over and paired by: the run's seed, with folds seed · folds + fold. `curves` and
    `predictions` are the SHA-256 of its files. `origin` is what it was made of, None for a result of an earlier
    version; `parts` says which rows are in which part, `tested` which are the test part's, `date` when it was made,
    `threshold` what was tuned on validation, `repeats` how many others of its configuration were left out for it, and
    `asked` how the configuration asks for values of environment variables.
    """

    folder: Path
    status: str
    config: dict[str, Any]
    labels: dict[str, str]
    seed: int
    val: dict[str, float]
    test: dict[str, float]
    timing: dict[str, float]
    alarms: tuple[str, ...]
    examples: dict[str, dict[str, float]]
    batches: dict[str, float]
    curves: str | None
    predictions: str | None
    origin: Origin | None
    parts: str | None
    date: str
    repeats: int = 0
    tested: str | None = None
    threshold: float | None = None
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def replicate(self) -> str:
        """The meaning of `seed` in words: `3`, or `3 fold 0`."""
        fold = self.config.get("dataset.fold")
        return f"{self.config['seed']}" + (f" fold {fold}" if isinstance(fold, int) else "")


class NotARunError(ValueError):
    """Why a file is no result that this version reads, as the end of a sentence about it."""


def read_run(file: Path) -> Run:
    """The run of one `result.json`; nothing of its configuration is executed or looked up.

    Equal words of many runs share their memory. Raises NotARunError where the file holds something else or is not as it
    was written, OSError where it cannot be read.
    """
    try:
        stored = unsealed(content(file, MOST_BYTES))
    except ChangedError as error:
        raise NotARunError(f"{error}; the command that made it trains it again") from error
    except (ValueError, RecursionError) as error:
        raise NotARunError("it is damaged") from error
    if not isinstance(stored, dict) or "schema" not in stored:
        raise NotARunError("it is not the result of a run")
    if stored["schema"] != SCHEMA:
        raise NotARunError(f"it has schema {value_text(stored['schema'])[:20]}, not {SCHEMA}")
    status, config = stored.get("status"), _dict(stored, "config")
    if status not in STATUSES:
        raise NotARunError("it has no status that is known")
    if isinstance(config.get("seed"), bool) or not isinstance(config.get("seed"), int):
        raise NotARunError("its configuration has no seed")
    # What diverged before its first epoch was over holds the metrics of an untrained net.
    trained = status == "finished" or (status == "diverged" and stored.get("best_epoch") is not None)
    flat = dict(_flat(config))
    asked = {key: how for key, how in _flat(_dict(config, "from_environment")) if isinstance(how, str)}
    for key in asked:
        flat.pop(f"from_environment.{key}", None)
    if start := flat.get("trainer.warm_start"):  # which run was the previous one is no choice
        flat["trainer.warm_start"] = sys.intern(PLACE.sub("", str(start).partition(":")[0]))
    metrics, examples = _dict(stored, "metrics") if trained else {}, _dict(stored, "examples")
    return Run(
        folder=file.parent,
        status=sys.intern(status),
        config=flat,
        labels=_labels(stored, config),
        seed=_replicate(config["seed"], _dict(config, "dataset")),
        val=_metrics(metrics, "val"),
        test=_metrics(metrics, "test") | (_points(stored) if trained else {}),
        timing=_numbers(_dict(stored, "timing")),
        alarms=_alarm_names(stored.get("alarms")),
        batches=_numbers(_dict(stored, "batches")),
        curves=stored["curves_sha256"] if isinstance(stored.get("curves_sha256"), str) else None,
        predictions=stored["predictions_sha256"] if isinstance(stored.get("predictions_sha256"), str) else None,
        examples={sys.intern(part): _numbers(_dict(examples, part)) for part in examples},
        origin=read_origin(stored),
        parts=read_parts(stored),
        date=read_date(stored, file),
        tested=read_parts(stored, "tested"),
        threshold=_numbers(_dict(stored, "thresholds")).get("tuned") if trained else None,
        asked=asked,
    )


def clean(text: object) -> str:
    """A name from a file on one line, without control, formatting or unpaired characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


@functools.lru_cache(maxsize=4096)
def _name(text: str) -> str:
    """The one copy in memory of a name that thousands of runs have, cleaned once."""
    return sys.intern(clean(text))


def value_text(value: Any) -> str:
    """A configuration's value as its YAML has it; `...` is a key that is not there."""
    if value is ...:
        return "absent"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return clean(value)


def _replicate(seed: int, dataset: dict[str, Any]) -> int:
    fold, folds = dataset.get("fold"), dataset.get("folds")
    return seed * folds + fold if isinstance(fold, int) and isinstance(folds, int) else seed


def _labels(stored: dict[str, Any], config: dict[str, Any]) -> dict[str, str]:
    """The names of the run's data set, model and loss in tables: its own labels, else those in its configuration."""
    given = _dict(stored, "labels")
    names = {kind: given.get(kind, _dict(config, kind).get("name")) for kind in KINDS}
    if not all(isinstance(name, str) and clean(name) for name in names.values()):
        raise NotARunError("its configuration names no data set, model or loss")
    return {kind: sys.intern(clean(name)) for kind, name in names.items()}


def _flat(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            own = json.dumps(value) if isinstance(value, list) else value
            yield _name(prefix + key), sys.intern(own) if isinstance(own, str) else own


def _metrics(metrics: dict[str, Any], part: str) -> dict[str, float]:
    groups = _dict(metrics, part)
    return _numbers(flatten({group: _dict(groups, group) for group in groups}))


def _points(stored: dict[str, Any]) -> dict[str, float]:
    """The operating points' values on test, by the thresholds from validation."""
    points = _dict(stored, "operating_points")
    return _numbers({key: value for name in points for key, value in of_point(name, _dict(points, name)).items()})


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """The numbers among these; null and what is not finite is left out as not there."""
    numbers = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotARunError(f"its {clean(name)[:40]!r} is no number")
        if -sys.float_info.max <= value <= sys.float_info.max:
            numbers[_name(name)] = float(value)
    return numbers


def _alarm_names(alarms: Any) -> tuple[str, ...]:
    if not isinstance(alarms, list):
        return ()
    return tuple(sorted({sys.intern(clean(a["name"])) for a in alarms if isinstance(a, dict) and "name" in a}))


def _dict(owner: dict[str, Any], key: str) -> dict[str, Any]:
    value = owner.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotARunError(f"its {clean(key)[:40]!r} is not as it should be")
    return value
