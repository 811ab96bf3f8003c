"""What a run leaves on the disk: every file whole or not at all, and `result.json` last."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import io
import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from surrogate_bench.config.identity import SCHEMA, labels, run_id
from surrogate_bench.config.schema import RunConfig
from surrogate_bench.errors import StorageError
from surrogate_bench.metrics.names import flatten

if TYPE_CHECKING:
    from surrogate_bench.training import Outcome

RESULT = "result.json"
DONE = ("finished", "diverged")
METRICS = "metrics.jsonl"
STATE = "state.pt"
PACKAGES = (
    "surrogate-bench",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "hydra-core",
    "omegaconf",
)


def folder(run: RunConfig, device: str) -> Path:
    """Where the run's files go: `outputs/<experiment>/<run_id>`."""
    return Path(run.output) / run.experiment / run_id(run, device)


def read_result(place: Path) -> dict[str, Any] | None:
    """A run's stored result, or None where there is none that this version can read."""
    try:
        result = json.loads((place / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) and result.get("schema") == SCHEMA else None


def version(place: Path) -> tuple[int, int] | None:
    """Which writing of a run's result is there: another one has another version. None where there is none."""
    try:
        stat = (place / RESULT).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def is_done(result: dict[str, Any] | None) -> bool:
    """Whether a run need not be trained again: it finished, or diverged and says so; a failed one is retried."""
    return result is not None and result.get("status") in DONE


def objective(result: dict[str, Any]) -> float | None:
    """The monitored validation metric of a stored run: what a sweeper that optimises gets to see."""
    if "metrics" not in result:
        return None
    return flatten(result["metrics"]["val"]).get(result["config"]["trainer"]["monitor"])


def begin(run: RunConfig, place: Path) -> None:
    """Makes a run's folder, or clears it of all that an earlier attempt has left: from here to its result it has none.

    The state to resume from stays where the run resumes.
    """
    import yaml

    config = yaml.dump(plain(run), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    with storing(place):
        place.mkdir(parents=True, exist_ok=True)
        # First, so that nobody reads a mixture of old files and new ones.
        (place / RESULT).unlink(missing_ok=True)
        for entry in list(os.scandir(place)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry)
            elif not (run.trainer.resume and entry.name == STATE):
                os.unlink(entry)
    write(place / "config.yaml", config.encode())
    write(place / "environment.json", _page(environment()).encode())


def save(outcome: Outcome, place: Path) -> dict[str, Any]:
    """Writes all files of a run that has begun, and returns its result. TensorBoard's are `tensorboard`'s business."""
    import numpy as np
    import torch

    lines = "".join(_json(record) + "\n" for record in outcome.history)
    write(place / METRICS, lines.encode())
    write(place / "predictions.npz", _bytes(lambda file: np.savez(file, allow_pickle=False, **outcome.predictions)))
    write(place / "checkpoint.pt", _bytes(lambda file: torch.save(outcome.checkpoint, file)))
    return _finish(place, outcome.config, outcome.status, outcome.reason, outcome.result)


def save_failure(run: RunConfig, place: Path, reason: str, trace: str) -> dict[str, Any]:
    """Writes the result of a run that raised, and where it did to `error.txt`; what it had written is removed."""
    begin(run, place)
    write(place / "error.txt", trace.encode())
    return _finish(place, run, "failed", reason, {"config": plain(run)})


def plain(run: RunConfig) -> dict[str, Any]:
    """The resolved configuration as plain data."""
    import dataclasses

    return dataclasses.asdict(run)


def save_state(state: dict[str, Any], place: Path) -> None:
    """Keeps what an unfinished run can be resumed from."""
    import torch

    write(place / STATE, _bytes(lambda file: torch.save(state, file)))


def read_state(place: Path) -> dict[str, Any] | None:
    """The state that an unfinished run can be resumed from, or None where there is none that can be read."""
    import torch

    try:
        state = torch.load(place / STATE, weights_only=True)
    except Exception:  # whatever a damaged file makes the reader raise: the run starts anew
        return None
    return state if isinstance(state, dict) else None


def write(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Writes a file so that a kill at any instant leaves the old one or the new one: another name, then a rename.

    `durable` waits for the disk, which takes milliseconds. Raises StorageError, which names the folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storing(path.parent):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    # Or a power failure may leave the new name on an empty file.
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def storing(place: Path) -> Iterator[None]:
    """Where writing fails, StorageError says so by the folder's name."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError.at(place, error) from error


def _bytes(fill: Callable[[BinaryIO], Any]) -> bytes:
    """What `fill` writes, in memory first: torch and numpy hide the disk's own complaint."""
    file = io.BytesIO()
    fill(file)
    return file.getvalue()


def environment() -> dict[str, Any]:
    """Versions, commit and machine, with no name of host or user and no path."""
    import torch

    return _machine() | {"threads": torch.get_num_threads()}


@functools.cache
def _machine() -> dict[str, Any]:
    import torch

    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    gpus = (
        [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": versions,
        "git": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpus": gpus,
        "cuda": torch.version.cuda if gpus else None,
    }


def _finish(place: Path, run: RunConfig, status: str, reason: str | None, rest: dict[str, Any]) -> dict[str, Any]:
    head = {"schema": SCHEMA, "run_id": place.name, "status": status, "reason": reason, "labels": labels(run)}
    result = head | rest
    write(place / RESULT, _page(result).encode(), durable=True)
    if status in DONE:
        with storing(place):
            (place / STATE).unlink(missing_ok=True)
    return result


def _page(value: dict[str, Any]) -> str:
    """JSON with a line for each key down to the second level: readable, and much faster than Python's own indent."""
    lines = []
    for key, item in value.items():
        inner = [f"  {json.dumps(name)}: {_json(own)}" for name, own in item.items()] if isinstance(item, dict) else []
        text = "{\n" + ",\n".join(inner) + "\n }" if inner else _json(item)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    """The same data with null for what is no number, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _commit() -> str | None:
    """The commit of this package's own checkout, with + where it was changed; None for an installed package."""
    home = Path(__file__).resolve().parents[1]
    if not (home / ".git").exists() or not shutil.which("git"):
        return None
    ask = functools.partial(subprocess.run, cwd=home, capture_output=True, text=True, check=False)
    commit = ask(["git", "rev-parse", "--short=12", "HEAD"]).stdout.strip()
    return commit + ("+" if ask(["git", "status", "--porcelain"]).stdout.strip() else "") or None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
