"""The ids and results of 40 runs, written down: moving and renaming code changes neither.

The ids are compared as they are. Results are compared to the digits that processors agree on, and bit for bit with
SURROGATE_BENCH_GOLDEN_BITS=1, which holds on the machine that wrote them:
`python tests/test_golden_runs.py` writes the file anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import program

STORED = Path(__file__).parent / "golden_runs.json"
EXACT = os.environ.get("SURROGATE_BENCH_GOLDEN_BITS") == "1"
LOSSES = (
    "annealed,any_f1,ap_loss,approx_ndcg,asymmetric,aucm,aum,auroc_square,bce,blackbox_ap,decomposable_fbeta,dice,"
    "heaviside_f1,hinge,histogram_ap,lovasz_hinge,partial_auroc,pauc_kl,perturbed,plcc,pr_anchors,recall_at_precision,"
    "soap,soft_f1"
)
COMMANDS = (
    ("-m", f"loss={LOSSES}"),
    ("-m", "dataset=synthetic,digits", "model=linear", "loss=bce,soft_f1", "seed=1"),
    ("-m", "dataset.fold=0,1", "dataset.folds=3", "loss=bce", "optimizer=sgd", "optimizer.lr=0.1"),
    ("-m", "dataset=table", "dataset.path=t.csv", "dataset.target=income", "loss=soft_f1,focal", "optimizer=adamw"),
    ("loss=custom", "loss.path=mine.py:Mine"),
    ("-m", "optimizer.lr=0.01,0.003", "trainer.warm_start=previous", "loss=bce", "seed=2"),
    ("trainer.sampler=stratified", "loss=soft_jaccard"),
    ("trainer.select=last", "loss=sol_f1", "dataset.scaling=none"),
    ("trainer.monitor=precision_at_recall@0.8", "loss=tversky", "trainer.resume=true"),
    ("precision=bf16", "loss=straight_through_f1", "model.hidden=[8]"),
    ("dataset.imratio=0.1", "loss=logit_adjusted", "dataset.rows=300"),
)
OWN = """
import torch
from surrogate_bench.losses.base import Loss

class Mine(Loss):
    def compute(self, logits, targets, index):
        return ((logits.sigmoid() - targets) ** 2).mean(-1)
"""


def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    """The runs that the commands leave in a folder, by their ids."""
    (folder / "mine.py").write_text(OWN)
    rows = (f"{i % 7},{'abc'[i % 3]},{i * i % 11 - 5},{'yes' if i * i % 11 + i % 7 > 8 else 'no'}" for i in range(200))
    (folder / "t.csv").write_text("\n".join(["age,town,balance,income", *rows]) + "\n")
    for command in COMMANDS:
        program(folder, *command, "trainer.epochs=2", "launcher.width=4", "device=cpu")
    return {path.parent.name: _summary(path) for path in sorted(folder.glob("outputs/default/*/result.json"))}


def _summary(path: Path) -> dict[str, Any]:
    result = json.loads(path.read_text())
    with np.load(path.with_name("predictions.npz")) as arrays:
        bits = hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()[:16]
    test = result["metrics"]["test"]
    told = {"auroc": test["ranking"]["auroc"], "log_loss": test["calibration"]["log_loss"]}
    return {"status": result["status"], "test": told, "bits": bits}


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return recorded(tmp_path_factory.mktemp("golden"))


def test_run_ids_are_what_they_were(now: dict[str, dict[str, Any]]) -> None:
    stored = json.loads(STORED.read_text())
    assert len(stored) == 40
    assert sorted(now) == sorted(stored)


def test_results_are_what_they_were(now: dict[str, dict[str, Any]]) -> None:
    for name, before in json.loads(STORED.read_text()).items():
        assert now[name]["status"] == before["status"], name
        assert now[name]["test"] == pytest.approx(before["test"], rel=1e-2, abs=2e-3), name
        assert not EXACT or now[name]["bits"] == before["bits"], name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        STORED.write_text(json.dumps(recorded(Path(folder)), indent=1) + "\n")
