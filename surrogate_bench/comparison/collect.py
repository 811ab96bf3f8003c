"""Stored runs, found: every `result.json` under some folders, and a line on each that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from surrogate_bench.comparison.run import NotARunError, Run, read_run
from surrogate_bench.errors import UserError, did_you_mean, warn

RESULT = "result.json"
# What a run's folder has from its first moment on.
BEGUN = {"config.yaml", "environment.json"}
# Ten lines tell a person what is wrong; ten thousand hide it.
NAMED = 10
PathLike = str | os.PathLike[str]
Warn = Callable[[str], None]


def read_runs(paths: PathLike | Iterable[PathLike], warn: Warn = warn) -> list[Run]:
    """Every run under these paths: folders of runs, of experiments, or above, each run once.

    What is damaged, foreign or of another schema is left out with a line of warning. Raises UserError for a path that
    is not there, and where no run is found at all.
    """
    given = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    runs: list[Run] = []
    refused: list[str] = []
    unfinished: list[Path] = []
    seen: set[str] = set()
    for folder in (folder for path in given for folder in _run_folders(_existing(path), refused)):
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        file = folder / RESULT
        try:
            runs.append(read_run(file))
        except FileNotFoundError:
            unfinished.append(folder)
        except NotARunError as error:
            refused.append(f"skipped {file}: {error}")
        except OSError as error:
            refused.append(f"cannot read {file}: {error.strerror}")
    tell(refused, warn, "skipped {} more files that are no results of runs")
    if unfinished:
        more = f" and {len(unfinished) - 1} more" if len(unfinished) > 1 else ""
        warn(f"unfinished, without a {RESULT}: {unfinished[0]}{more}")
    if not runs:
        raise UserError(f"no run to compare under {', '.join(map(str, given[:3])) or 'no path'}")
    _hide_environment(runs)
    return runs


def _hide_environment(runs: Iterable[Run]) -> None:
    """Puts how a configuration asks for an environment variable in place of its value, numbered beyond the first."""
    known: dict[tuple[str, str], list[object]] = {}
    for run in runs:
        for key, how in run.asked.items():
            values = known.setdefault((key, how), [])
            if (value := run.config.get(key)) not in values:
                values.append(value)
            number = values.index(value)
            run.config[key] = f"{how} ({number + 1})" if number else how


def tell(lines: Sequence[str], warn: Warn, more: str) -> None:
    """Warns with the first lines, and with `more` of how many others there are."""
    for line in lines[:NAMED]:
        warn(line)
    if len(lines) > NAMED:
        warn(more.format(len(lines) - NAMED))


def _existing(path: Path) -> Path:
    if path.name == RESULT and path.is_file():
        return path.parent
    if not path.is_dir():
        siblings = [entry.name for entry in path.parent.iterdir() if entry.is_dir()] if path.parent.is_dir() else []
        near = did_you_mean(path.name, siblings)
        raise UserError(f"no such folder: {str(path)!r}" + (near if near.startswith(".") else ""))
    return path


def _run_folders(top: Path, refused: list[str]) -> Iterator[Path]:
    """The folders of runs under a path, sorted; what a run's folder contains is its own business."""

    def refuse(error: OSError) -> None:
        refused.append(f"cannot read {error.filename}: {error.strerror}")

    for folder, below, files in os.walk(top, onerror=refuse):
        if RESULT in files or set(files) >= BEGUN:
            below.clear()
            yield Path(folder)
        below[:] = sorted(name for name in below if not name.startswith("."))
