"""Data sets that come with scikit-learn, read from its files: importing it would take longer than many a run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from surrogate_bench.datasets.source import Table
from surrogate_bench.registry import register


@register(
    "dataset",
    "breast_cancer",
    reference="Street, Wolberg, Mangasarian, Nuclear feature extraction for breast tumor diagnosis, 1993 (UCI), "
    "https://doi.org/10.1117/12.148698",
)
def breast_cancer() -> Table:
    """Breast tumours from 30 numbers of cell nuclei; malignant is positive: 569 rows, 37 %."""
    rows = np.loadtxt(_file("breast_cancer.csv"), delimiter=",", skiprows=1)
    columns = {f"feature {i}": column for i, column in enumerate(rows[:, :-1].T)}
    target = np.array(["malignant", "benign"])[rows[:, -1].astype(int)]
    return Table("breast_cancer", target, positive=("malignant",), columns=columns)


@register(
    "dataset",
    "digits",
    reference="Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, 1998 (UCI), "
    "https://doi.org/10.24432/C50P49",
)
def digits() -> Table:
    """Handwritten digits, 8 x 8 pixels as 64 numbers; the 8 is positive: 1,797 rows, 10 %."""
    rows = np.loadtxt(_file("digits.csv.gz"), delimiter=",")
    columns = {f"pixel {i}": column for i, column in enumerate(rows[:, :-1].T)}
    return Table("digits", rows[:, -1].astype(int), positive=(8,), columns=columns)


def _file(name: str) -> Path:
    spec = importlib.util.find_spec("sklearn")
    home = Path(str(spec.origin if spec else "")).parent
    return home / "datasets" / "data" / name
