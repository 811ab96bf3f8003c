"""What a run leaves on the disk: every file whole or not at all, and `result.json` last."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from surrogate_bench.config import SCHEMA, RunConfig, labels, run_id
from surrogate_bench.metrics.names import flatten

if TYPE_CHECKING:
    from surrogate_bench.training import Outcome

RESULT = "result.json"
METRICS = "metrics.jsonl"
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


def is_done(result: dict[str, Any] | None) -> bool:
    """Whether a run need not be trained again: it finished, or diverged and says so; a failed one is retried."""
    return result is not None and result.get("status") in ("finished", "diverged")


def objective(result: dict[str, Any]) -> float | None:
    """The monitored validation metric of a stored run: what a sweeper that optimises gets to see."""
    if "metrics" not in result:
        return None
    return flatten(result["metrics"]["val"]).get(result["config"]["trainer"]["monitor"])


def save(outcome: Outcome, place: Path) -> dict[str, Any]:
    """Writes all of a run's files and returns its result. TensorBoard's are the business of `tensorboard`."""
    import numpy as np
    import torch

    _begin(place, outcome.config)
    lines = "".join(_json(record) + "\n" for record in outcome.history)
    write(place / METRICS, lambda file: file.write(lines.encode()))
    write(place / "predictions.npz", lambda file: np.savez(file, allow_pickle=False, **outcome.predictions))
    write(place / "checkpoint.pt", lambda file: torch.save(outcome.checkpoint, file))
    return _finish(place, outcome.config, outcome.status, outcome.reason, outcome.result)


def save_failure(run: RunConfig, place: Path, reason: str, trace: str) -> dict[str, Any]:
    """Writes the result of a run that raised, and where it did to `error.txt`."""
    _begin(place, run)
    write(place / "error.txt", lambda file: file.write(trace.encode()))
    return _finish(place, run, "failed", reason, {"config": plain(run)})


def plain(run: RunConfig) -> dict[str, Any]:
    """The resolved configuration as plain data."""
    import dataclasses

    return dataclasses.asdict(run)


def write(path: Path, fill: Callable[[BinaryIO], Any]) -> None:
    """Writes a file so that a kill at any instant leaves the old one or the new one: another name, then a rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            fill(file)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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


def _begin(place: Path, run: RunConfig) -> None:
    import yaml

    place.mkdir(parents=True, exist_ok=True)
    config = yaml.dump(plain(run), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    # Without it the run does not exist, so nobody reads a mixture of old files and new ones.
    (place / RESULT).unlink(missing_ok=True)
    write(place / "config.yaml", lambda file: file.write(config.encode()))
    write(place / "environment.json", lambda file: file.write(_page(environment()).encode()))


def _finish(place: Path, run: RunConfig, status: str, reason: str | None, rest: dict[str, Any]) -> dict[str, Any]:
    head = {"schema": SCHEMA, "run_id": place.name, "status": status, "reason": reason, "labels": labels(run)}
    result = head | rest
    write(place / RESULT, lambda file: file.write(_page(result).encode()))
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
