"""A table of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_bench.datasets.frame import column_name, table_of
from surrogate_bench.datasets.readers import read_content, read_frame
from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError
from surrogate_bench.places import locate
from surrogate_bench.registry import register


@register("dataset", "table", reference="yours")
def table(
    *,
    path: str,
    target: Any = -1,
    test: str | None = None,
    header: bool | None = None,
    separator: str | None = None,
    missing: list = ["?", "", "NA", "N/A", "NaN", "nan", "null"],  # noqa: B006
    categorical: list = [],  # noqa: B006
    drop: list = [],  # noqa: B006
    encoding: str = "utf-8-sig",
    splits: str | None = None,
    label: str | None = None,
    origin: str | None = None,
    sha256: str | None = None,
    root: str | None = None,
) -> Table:
    """Your own table (CSV, TSV, Parquet, ARFF, KEEL's .dat, also as .gz); its target is the last column by default.

    target, and columns elsewhere: by name, or by position from 0, negative ones from the end. test: a file of the same
    columns whose rows are the test part; without it a fifth of the rows is. header: whether the first row names the
    columns, null decides by looking. missing: what stands for a missing value. categorical: columns of numbers that are
    names, such as codes. drop: columns to leave out. splits: a file of given splits, a line each with the numbers of
    its test part's rows, from 1; `dataset.fold` takes one. label: what tables call it. origin: where to get it; its
    files are then looked for under `root` (see `places.data_root`). sha256: of what its files hold, one after the
    other; another content raises an alarm. Raises UserError for a file, a column or a value that it cannot use.
    """
    given = {"path": path, "test": test, "splits": splits, "label": label, "origin": origin, "root": root}
    files = {key: str(locate(given, key)) for key in ("path", "test", "splits") if given[key]}
    path, test = files["path"], files.get("test")
    options: dict[str, Any] = {
        "header": header,
        "separator": separator,
        "missing": [str(word) for word in missing],
        "encoding": encoding,
    }
    frame = read_frame(path, **options)
    rows = None
    if test is not None:
        import pandas as pd

        other = read_frame(test, **options)
        if list(frame.columns) != list(other.columns):
            missed = [str(name) for name in frame.columns if name not in other.columns]
            reason = f"has no column {missed[0]!r}" if missed else "has other columns"
            if len(frame.columns) == len(other.columns) and set(frame.columns) == set(other.columns):
                reason = ""
            if reason:
                raise UserError(f"{test} {reason}: it must have those of {path}")
            other = other[list(frame.columns)]
        label = column_name(frame, target, "target")
        # One with a dot at the end, the other without, is Adult's habit: labels are compared as text.
        frame[label], other[label] = frame[label].astype(object), other[label].astype(object)
        rows = np.arange(len(frame), len(frame) + len(other))
        frame = pd.concat([frame, other], ignore_index=True)
    name = label or Path(path).name.split(".")[0]
    found = table_of(frame, name=name, target=target, test=rows, categorical=categorical, drop=drop)
    if splits:
        found.splits = read_splits(files["splits"], len(frame))
    if sha256 and sha256 != (own := _sha256(files.values())):
        names = ", ".join(str(given[key]) for key in files)
        message = f"{names}: not the content that is known as {name}, but sha256 {own}"
        found.remarks = ({"name": "other_data", "message": message},)
    return found


def read_splits(path: str, rows: int) -> tuple[np.ndarray, ...]:
    """The test parts of given splits as rows from 0: a line a split, its row numbers from 1 with commas between them.

    Raises UserError for a line that is something else, or names a row that there is not.
    """
    found = []
    for number, line in enumerate(read_content(Path(path)).decode("utf-8-sig", errors="replace").splitlines(), 1):
        try:
            part = np.array([int(float(word)) for word in line.replace(",", " ").split()]) - 1  # 2e3 is 2000
        except (ValueError, OverflowError):
            raise UserError(f"{path}: line {number} must hold row numbers") from None
        if not 0 < len(np.unique(part)) == len(part) < rows or part.min() < 0 or part.max() >= rows:
            raise UserError(f"{path}: line {number} must hold different row numbers from 1 to {rows}, not all of them")
        found.append(part)
    return tuple(found)


def _sha256(files: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(read_content(Path(file)) for file in files)).hexdigest()
