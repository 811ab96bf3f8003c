"""A table of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surrogate_bench.datasets.frame import column_name, table_of
from surrogate_bench.datasets.readers import read_frame
from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError
from surrogate_bench.registry import register


@register("dataset", "table", reference="your own file: CSV, TSV, Parquet, ARFF or KEEL's .dat, also as .gz")
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
) -> Table:
    """Your own table: numbers, categories and missing values; the target by name or position, the last by default.

    test: a file of the same columns whose rows are the test part; without it a fifth of the rows is. header: whether
    the first row names the columns, null decides by looking. missing: what stands for a missing value. categorical:
    columns of numbers that are names, such as codes. drop: columns to leave out.
    """
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
    return table_of(
        frame, name=Path(path).name.split(".")[0], target=target, test=rows, categorical=categorical, drop=drop
    )
