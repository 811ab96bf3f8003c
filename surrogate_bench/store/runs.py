"""Writes and reads a run's files: each is whole or absent, and `result.json` comes last."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_bench.config.schema import RunConfig, as_stored
from surrogate_bench.errors import StorageError, warn
from surrogate_bench.metrics.names import SUFFIXES
from surrogate_bench.store.environment import environment
from surrogate_bench.store.provenance import CHECKPOINT, program
from surrogate_bench.store.run_id import SCHEMA, labels, run_id
from surrogate_bench.store.tensorboard import NAME as EVENTS
from surrogate_bench.system.files import (
    MOST_BYTES,
    ChangedError,
    check_seal,
    content,
    digest,
    in_memory,
    json_line,
    json_page,
    sealed,
    storing,
    tensors,
    unsealed,
    write,
)
from surrogate_bench.system.temporary import meant

if TYPE_CHECKING:
    from surrogate_bench.training import Outcome

RESULT = "result.json"
DONE = ("finished", "diverged")
METRICS = "metrics.jsonl"
ENVIRONMENT = "environment.json"
STATE = "state.pt"
# The files that a result knows by their SHA-256, and under which key.
SEALED = {"curves_sha256": METRICS, "predictions_sha256": "predictions.npz", "checkpoint_sha256": CHECKPOINT}
# All that a run's folder may have of ours; whatever else is in it is somebody's own.
FILES = (RESULT, "config.yaml", ENVIRONMENT, METRICS, "predictions.npz", CHECKPOINT, STATE, "error.txt")
BOARD = "tensorboard"
LINK = "a run's folder may not be a link; remove the link, or choose another experiment"


def folder(run: RunConfig, device: str) -> Path:
    """The run's folder: `outputs/<experiment>/<run_id>`."""
    return Path(run.output) / run.experiment / run_id(run, device)


def read_result(place: Path) -> dict[str, Any] | None:
    """A run's stored result, or None where there is none that this version can read."""
    try:
        return _result(place)
    except ChangedError:
        return None


def _result(place: Path) -> dict[str, Any] | None:
    try:
        result = unsealed(content(place / RESULT, MOST_BYTES))
    except ChangedError:
        raise
    except (OSError, ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) and result.get("schema") == SCHEMA else None


def untouched(place: Path) -> dict[str, Any] | None:
    """A run's stored result; raises ChangedError where it, or a file of the run that is younger, is not as written.

    Files that are older than the result are taken for those that it was written after.
    """
    result = _result(place)
    if result and "program" in result:
        written = _modified(place, RESULT)
        for key, name in SEALED.items():
            if _modified(place, name) > written:
                try:
                    check_seal(content(place / name), result.get(key), text=name == METRICS)
                except OSError as error:
                    raise ChangedError from error
    return result


def _modified(place: Path, name: str) -> int:
    """The time that a file was written; 0 if it is absent: removing a file to save space changes no result."""
    try:
        return os.stat(f"{place}/{name}").st_mtime_ns  # thousands of paths would take longer than their files
    except OSError:
        return 0


def version(place: Path) -> tuple[int, int] | None:
    """The version of a run's stored result, another one after each writing; None if there is no result."""
    try:
        stat = os.stat(f"{place}/{RESULT}")
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def is_done(result: dict[str, Any] | None) -> bool:
    """True if a run need not be trained again: it finished, or diverged and says so; a failed one is retried."""
    return result is not None and result.get("status") in DONE


def objective(result: dict[str, Any]) -> float | None:
    """The monitored validation metric of a stored run: what a sweeper that optimises gets to see."""
    if "metrics" not in result:
        return None
    monitor = result["config"]["trainer"]["monitor"]
    for group, values in result["metrics"]["val"].items():
        suffix = SUFFIXES.get(group, "")
        if monitor.endswith(suffix) and (name := monitor.removesuffix(suffix)) in values:
            return values[name]
    return None


def begin(run: RunConfig, place: Path) -> None:
    """Makes a run's folder, or clears it of all that an earlier attempt has left: from here to its result it has none.

    The state to resume from stays where the run resumes, and what is not ours stays. Links are removed and not
    followed; raises StorageError where the folder itself is one.
    """
    import yaml

    config = yaml.dump(as_stored(run), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    with storing(place):
        if is_link(place):
            raise StorageError(errno.ELOOP, LINK, str(place))
        place.mkdir(parents=True, exist_ok=True)
        # The result first, so that nobody reads a mixture of old files and new ones.
        for entry in sorted(os.scandir(place), key=lambda entry: entry.name != RESULT):
            if entry.name == BOARD and entry.is_dir(follow_symlinks=False):
                _clear_board(place / BOARD)
            elif (meant(entry.name) or entry.name) in (*FILES, BOARD) and not (
                run.trainer.resume and entry.name == STATE
            ):
                _remove(entry)
    write(place / "config.yaml", config.encode())
    write(place / ENVIRONMENT, json_page(environment()).encode())


def is_link(place: Path) -> bool:
    """True if the place of a run's folder leads elsewhere, where nothing is ours to remove."""
    return os.path.islink(place)


def _clear_board(folder: Path) -> None:
    """Removes our file of TensorBoard's folder, and the folder where it has no other."""
    for entry in list(os.scandir(folder)):
        if (meant(entry.name) or entry.name) == EVENTS:
            _remove(entry)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _remove(entry: os.DirEntry[str]) -> None:
    """Removes what has the name of a file of ours, whatever it is."""
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry)
    else:
        os.unlink(entry)


def save(outcome: Outcome, place: Path, read: dict[str, Any]) -> dict[str, Any]:
    """Writes all files of a run that has begun and `read` such content, and returns its result.

    TensorBoard's files are `tensorboard`'s business.
    """
    import numpy as np
    import torch

    curves = "".join(json_line(record) + "\n" for record in outcome.history).encode()
    write(place / METRICS, curves)
    threads = {"threads": outcome.result["timing"]["threads"]}  # those that training used, of which it may have more
    write(place / ENVIRONMENT, json_page(environment() | threads).encode())
    predictions = in_memory(lambda file: np.savez(file, allow_pickle=False, **outcome.predictions))
    checkpoint = in_memory(lambda file: torch.save(outcome.checkpoint, file))
    write(place / "predictions.npz", predictions)
    write(place / CHECKPOINT, checkpoint)
    seals = {key: digest(kept) for key, kept in zip(SEALED, (curves, predictions, checkpoint), strict=True)}
    result = outcome.result | {"content": read} | seals
    return _finish(place, outcome.config, outcome.status, outcome.reason, result)


def save_failure(run: RunConfig, place: Path, reason: str, trace: str) -> dict[str, Any]:
    """Writes the result of a run that raised, and where it did to `error.txt`; what it had written is removed."""
    begin(run, place)
    write(place / "error.txt", trace.encode(errors="backslashreplace"))
    return _finish(place, run, "failed", reason, {"config": as_stored(run)})


def save_state(state: dict[str, Any], place: Path) -> None:
    """Keeps what an unfinished run can be resumed from."""
    import torch

    write(place / STATE, in_memory(lambda file: torch.save(state, file)))


def read_state(place: Path, refuse: Callable[[Any], str | None]) -> dict[str, Any] | None:
    """The state that an unfinished run can be resumed from; None where there is none, or none that will do.

    What is damaged, and what `refuse` has a reason against, seeing what it was made of, is named and dropped.
    """
    try:
        state = tensors(place / STATE)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        drop_state(place, "it is damaged")
        return None
    if why := refuse(state.pop("made", None)):
        drop_state(place, why)
        return None
    return state


def drop_state(place: Path, why: str) -> None:
    """Removes a state that a run cannot go on from, and says so."""
    warn(f"cannot go on from {place / STATE}: {why}; the run begins anew")
    with storing(place):
        (place / STATE).unlink(missing_ok=True)


def _finish(place: Path, run: RunConfig, status: str, reason: str | None, rest: dict[str, Any]) -> dict[str, Any]:
    head = {"schema": SCHEMA, "run_id": place.name, "status": status, "reason": reason, "labels": labels(run)}
    result = head | rest | {"program": program(run)}
    write(place / RESULT, sealed(json_page(result)), durable=True)
    if status in DONE:
        with storing(place):
            (place / STATE).unlink(missing_ok=True)
    return result
