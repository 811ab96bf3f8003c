"""Folders of runs that nobody trained."""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_bench.system.files import json_page, sealed

THRESHOLD = (
    "precision",
    "recall",
    "specificity",
    "f0.5",
    "f1",
    "f2",
    "jaccard",
    "accuracy",
    "balanced_accuracy",
    "g_mean",
    "mcc",
    "kappa",
)
GROUPS = {
    "hard": THRESHOLD,
    "hard_tuned": THRESHOLD,
    "soft": THRESHOLD,
    "ranking": ["auroc", "average_precision"],
    "calibration": ["log_loss", "brier", "ece"],
}
SUFFIX = {"hard": "", "hard_tuned": "_tuned", "soft": "_soft"}
CONFIG: dict[str, Any] = {
    "trainer": {"epochs": 60, "batch_size": 64, "monitor": "f1"},
    "seed": 0,
    "device": "auto",
    "precision": "fp32",
    "experiment": "default",
    "suite": None,
    "output": "outputs",
    "force": False,
    "launcher": {"width": None, "workers": None, "plan": False},
    "dataset": {"name": "breast_cancer", "positive": None, "imratio": None},
    "model": {"name": "mlp", "width": 64, "depth": 2},
    "loss": {"name": "bce"},
    "optimizer": {"name": "adam", "lr": 0.003, "weight_decay": 0.0, "schedule": "constant"},
}


def write_run(
    root: Path,
    *,
    val: dict[str, float | None] | None = None,
    test: dict[str, float | None] | None = None,
    status: str = "finished",
    alarms: tuple[str, ...] = (),
    labels: dict[str, str] | None = None,
    result: dict[str, Any] | None = None,
    total: int = 114,
    **changes: Any,
) -> Path:
    """Writes one run's result.json below `root` and returns its folder.

    `changes` are configuration values with __ for the dot (`optimizer__lr=0.1`), a bare group is its name; `val` and
    `test` set flat metrics; all other values are drawn from a generator that the configuration seeds.
    """
    config = copy.deepcopy(CONFIG)
    for key, value in changes.items():
        group, _, own = key.partition("__")
        if own:
            config[group][own] = value
        elif isinstance(config.get(group), dict):
            config[group]["name"] = value
        else:
            config[group] = value
    digest = zlib.crc32(json.dumps(config, sort_keys=True).encode())
    rng = np.random.default_rng(digest)
    names = labels or {group: config[group]["name"] for group in ("dataset", "model", "loss")}
    folder = root / f"{names['model']}-s{config['seed']}-{digest:08x}"
    folder.mkdir(parents=True, exist_ok=True)
    stored: dict[str, Any] = {
        "schema": 1,
        "run_id": folder.name,
        "status": status,
        "reason": None if status == "finished" else "for a reason",
        "labels": names,
        "config": config,
    }
    if status != "failed":
        stored |= {
            "best_epoch": 17,
            "thresholds": {"default": 0.5, "tuned": 0.43},
            "examples": {part: {"total": total, "positive": 37} for part in ("train", "val", "test")},
            "metrics": {"val": _metrics(rng, val or {}), "test": _metrics(rng, test or {})},
            "alarms": [{"name": name, "message": "..."} for name in alarms],
            "timing": {"train_seconds": 0.4, "steps": 240, "examples_per_second": 250000, "loss_microseconds": 90},
        }
    stored |= result or {}
    # A result that says what it came of is sealed.
    page = sealed(json_page(stored)) if "program" in stored else json.dumps(stored, indent=1).encode()
    (folder / "result.json").write_bytes(page)
    return folder


def recorded(
    *,
    data: str | None = "d" * 16,
    parts: str | None = None,
    tested: str | None = None,
    loss: str | None = None,
    files: dict[str, str] | None = None,
    date: str = "2026-11-26T01:02:03Z",
    sources: str = "a" * 16,
    code: dict[str, str] | None = None,
    torch: str = "2.15.0",
    version: str = "0.1.0",
    **revisions: int,
) -> dict[str, Any]:
    """What a result records of its program and its content, for `write_run(result=...)`."""
    kinds = ("trainer", "metrics", "splits", "dataset", "model", "loss", "optimizer")
    program = {"version": version, "revisions": dict.fromkeys(kinds, 1) | revisions, "sources": sources}
    program["code"] = code or {}
    content = {"data": data, "parts": parts, "tested": tested, "loss": loss, "files": files or {}, "start": None}
    return {"program": program | {"torch": torch, "date": date}, "content": content}


def _metrics(rng: np.random.Generator, given: dict[str, float | None]) -> dict[str, dict[str, float | None]]:
    drawn = {group: {name: float(rng.uniform(0.3, 0.9)) for name in names} for group, names in GROUPS.items()}
    return {
        group: {name: given.get(name + SUFFIX.get(group, ""), value) for name, value in values.items()}
        for group, values in drawn.items()
    }


@pytest.fixture
def fake_run(tmp_path: Path) -> Callable[..., Path]:
    """`write_run` into the test's own outputs/default."""

    def write(**what: Any) -> Path:
        return write_run(tmp_path / "outputs" / "default", **what)

    return write


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Where `fake_run` writes."""
    return tmp_path / "outputs"


@pytest.fixture
def sweep(outputs: Path) -> Callable[..., None]:
    """`write_run` for some seeds into a folder of its own, as another sweep or another machine leaves them."""

    def write(folder: str, seeds: int | range, **what: Any) -> None:
        for seed in range(seeds) if isinstance(seeds, int) else seeds:
            write_run(outputs / folder, seed=seed, **what)

    return write


@pytest.fixture
def origin() -> Callable[..., dict[str, Any]]:
    """`recorded`: what a result of this version says of where it comes from."""
    return recorded
