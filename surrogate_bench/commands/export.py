"""`surrogate-bench export tensorboard PATH`: TensorBoard's files of runs that left none, from their stored curves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from surrogate_bench.errors import UserError, one_line, unknown
from surrogate_bench.store import runs as store
from surrogate_bench.system.files import ChangedError, read_records

USAGE = """usage: surrogate-bench export tensorboard PATH...

Writes tensorboard/ into every run's folder under PATH (default: outputs) from its metrics.jsonl and result.json. Sweeps
of more than 100 runs leave that to this command. Then: tensorboard --logdir PATH"""
KINDS = ("tensorboard",)


def main(words: list[str]) -> int:
    """Exports what the words name and returns the exit code. Raises UserError for a word that it cannot use."""
    if {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    if not words:
        raise UserError("say what to export, as in: surrogate-bench export tensorboard outputs")
    kind, *paths = words
    if kind not in KINDS:
        raise unknown("kind of export", kind, KINDS)
    folders = [folder for path in paths or ["outputs"] for folder in _runs(Path(path))]
    if not folders:
        raise UserError(f"no run under {', '.join(paths) or 'outputs'}")
    written = sum(map(_export, folders))
    print(f"{written} of {len(folders)} runs exported")
    return 0 if written == len(folders) else 1


def _runs(path: Path) -> list[Path]:
    if not path.is_dir():
        raise UserError(f"no such folder: {str(path)!r}")
    return sorted(file.parent for file in path.rglob(store.RESULT))


def _export(folder: Path) -> bool:
    """Writes one run's files; False, and a line that says why, where it has no curves to write."""
    from surrogate_bench.store.tensorboard import EventFile

    try:
        result = store.read_result(folder) or {}
        records = read_records(folder / store.METRICS, result.get("curves_sha256"), _epochs(result))
        numbers = [{name: value for name, value in record.items() if value is not None} for record in records]
        steps = [int(values.pop("epoch")) for values in numbers]
        with closing(EventFile(folder / "tensorboard")) as file:
            for step, values in zip(steps, numbers, strict=True):
                file.scalars(step, values)
            file.hyperparameters(result)
    except OSError as error:
        reason = error.strerror
    except ChangedError:
        reason = "its curves have changed since they were written"
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, OverflowError):
        reason = "its curves or its result are damaged"
    else:
        return True
    print(one_line(f"left out {folder}: {reason}"))
    return False


def _epochs(result: dict[str, Any]) -> Any:
    """How many epochs a result's run was to have, as its file says it."""
    return result["config"]["trainer"]["epochs"]
