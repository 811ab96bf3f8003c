"""Every single run: what it was, how it ended, and the command that repeats it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from surrogate_bench.comparison.formats.page.compact import HOLE
from surrogate_bench.comparison.run import Run, clean, value_text
from surrogate_bench.config.overrides import command
from surrogate_bench.config.parse import resolve
from surrogate_bench.config.schema import RunConfig
from surrogate_bench.errors import UserError
from surrogate_bench.metrics.names import (
    POINT_SUFFIXES,
    base_name,
    point_words,
    threshold_text,
    tuned_metric,
    validation_name,
)
from surrogate_bench.store.run_id import COSMETIC
from surrogate_bench.system.files import MOST_BYTES, content
from surrogate_bench.system.folders import without_folders

RESULT = "result.json"
ENVIRONMENT = "environment.json"
# Nobody reads more of an error's text in a table.
LONGEST = 600


class Stories:
    """Tells runs one by one; machines, and the parts of configurations that runs share, are told once."""

    def __init__(self) -> None:
        self.shared: list[list[tuple[str, str]]] = []
        self.machines: list[dict[str, Any]] = []
        self._numbers: dict[Hashable, int] = {}
        self._commands: dict[Hashable, str | None] = {}

    def of(self, run: Run, block: int, row: str, *, picked: bool, points: bool, goal: str) -> dict[str, Any]:
        """One run of a row, its operating points too where `points` says so; files that are lost leave gaps."""
        stored = _read(run, RESULT)
        told = self._command(run, stored.get("config"))
        # Without a result there is the threshold of an untrained net at most.
        found = stored if run.test else {}
        tuned, score = (_rounded(_tuned(found.get(group))) for group in ("thresholds", "score_thresholds"))
        return {
            "id": clean(run.folder.name),
            "block": block,
            "row": row,
            "loss": run.labels["loss"],
            "seed": run.config["seed"],
            "fold": fold if isinstance(fold := run.config.get("dataset.fold"), int) else None,
            "picked": picked,
            "status": run.status,
            "reason": _told(stored.get("reason") or "", stored),
            "val": _rounded(run.val.get(validation_name(goal))),
            "test": _rounded(run.test.get(goal)),
            "epoch": _rounded(stored.get("best_epoch")),
            "tuned": tuned,
            "threshold": "" if tuned is None else threshold_text(tuned, score),
            "tunedFor": clean(tuned_metric(str(run.config.get("trainer.monitor")))),
            "points": _points(run) if points else [],
            "seconds": _rounded(run.timing.get("train_seconds")),
            "alarms": _alarms(stored),
            "config": self._config(run),
            "command": told,
            "replay": f"seed={run.config['seed']}",
            "machine": self._machine(run),
        }

    def _config(self, run: Run) -> list[int]:
        """Numbers of (key, value) pairs, group by group: a sweep's runs share all groups but one or two."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for key, value in run.config.items():
            if key.partition(".")[0] not in COSMETIC and key != "seed":  # which is a column
                groups.setdefault(key.partition(".")[0], []).append((key, without_folders(value_text(value))))
        return [self._number(tuple(pairs), pairs, self.shared) for pairs in groups.values()]

    def _command(self, run: Run, config: Any) -> str | None:
        """The command that repeats a run, with a hole where it names the seed; runs of other seeds share it."""
        seed = run.config["seed"]
        key = (frozenset((name, str(value)) for name, value in run.config.items() if name != "seed"), seed == 0)
        if key not in self._commands:
            told = _command(config)
            self._commands[key] = told and re.sub(rf"(?<=\s)seed={seed}(?=\s|$)", HOLE, told)
        return self._commands[key]

    def _machine(self, run: Run) -> int | None:
        told = _read(run, ENVIRONMENT)
        if not told:
            return None
        flat = {clean(key): _text(value) for key, value in told.items() if value not in (None, [])}
        return self._number(tuple(flat.items()), flat, self.machines)

    def _number(self, key: Hashable, value: Any, known: list[Any]) -> int:
        place = (id(known), key)
        if place not in self._numbers:
            self._numbers[place] = len(known)
            known.append(value)
        return self._numbers[place]


def _command(config: Any) -> str | None:
    """The command that repeats a run, without where its files lay; None for a configuration of another version."""
    try:
        run = resolve(_named(config))
        plain: dict[str, Any] = {
            known.name: known.default for known in dataclasses.fields(RunConfig) if known.name in COSMETIC
        }
        for own in ("launcher", "from_environment"):
            plain.pop(own)
        return clean(command(dataclasses.replace(run, **plain)))
    except (UserError, TypeError, KeyError, AttributeError, ValueError):
        return None


def _named(value: Any) -> Any:
    """A configuration whose files have their names alone."""
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item) for item in value]
    return without_folders(value) if isinstance(value, str) else value


def _tuned(thresholds: Any) -> Any:
    return thresholds.get("tuned") if isinstance(thresholds, dict) else None


def _points(run: Run) -> list[str]:
    """A sentence on each operating point: validation's threshold, what it gives on test, and the test's own best."""
    told = []
    for name in (base_name(metric) for metric in run.test if metric.endswith("_level")):
        test = {suffix: run.test.get(name + suffix) for suffix in (*POINT_SUFFIXES, "")}
        value, level, threshold, score, best = test.values()
        if value is None or level is None or threshold is None:
            continue
        (what, of), missed = point_words(name), name.startswith("recall") and run.val.get(name) == 0
        said = f"{name}: {threshold_text(threshold, score)} on validation"
        said += ", where none reaches the level," if missed else ""
        said += f" gives {what} {value:.3f} at {of} {level:.3f} on test"
        told.append(said if best is None else f"{said}; the test's own best is {best:.3f}, a bound chosen on test")
    return told


def _alarms(stored: dict[str, Any]) -> list[dict[str, str]]:
    found = stored.get("alarms")
    return [
        {"name": clean(alarm["name"]), "message": _told(alarm.get("message", ""), stored)}
        for alarm in (found if isinstance(found, list) else [])
        if isinstance(alarm, dict) and "name" in alarm
    ]


def _told(sentence: object, stored: dict[str, Any]) -> str:
    """A sentence about a run without folders, and without the values of environment variables that are texts."""
    text = str(sentence)
    config = stored.get("config")
    asked = config.get("from_environment") if isinstance(config, dict) else None
    for key, how in (asked if isinstance(asked, dict) else {}).items():
        group, _, name = str(key).partition(".")
        value = config[group].get(name) if isinstance(config, dict) and isinstance(config.get(group), dict) else None
        if isinstance(value, str) and value:
            words = [value, Path(value).name.split(".")[0]] if "${" in str(how).rpartition("/")[2] else [value]
            for word in filter(None, words):  # a file without its folder and ending is what a table is called
                text = text.replace(word, str(how))
    return without_folders(clean(text))[:LONGEST]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{clean(key)} {clean(own)}" for key, own in value.items() if own is not None)
    return ", ".join(map(clean, value)) if isinstance(value, list) else value_text(value)


def _read(run: Run, name: str) -> dict[str, Any]:
    try:
        stored = json.loads(content(run.folder / name, MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _rounded(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or value != value:
        return None
    return float(f"{value:.6g}")
