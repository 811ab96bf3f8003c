"""Files of tables as columns: CSV and its kin, Parquet, ARFF and KEEL's, each also as .gz."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from surrogate_bench.datasets.arff import is_arff, read_arff
from surrogate_bench.datasets.columns import Raw
from surrogate_bench.datasets.delimited import read_delimited
from surrogate_bench.datasets.parquet import read_parquet
from surrogate_bench.errors import unknown

TEXT = (".csv", ".tsv", ".txt", ".data")
ARFF = (".arff", ".dat")
PARQUET = (".parquet", ".pq")
# Names that text has in old collections, where nothing says what is in it.
OLD = (".test", ".train", ".tra", ".tes", ".trn", ".tst", ".tab", ".asc", ".prn")


def read_columns(
    path: str,
    *,
    wanted: Callable[[list[str]], tuple[set[str], set[str]]],
    encoding: str,
    missing: Sequence[str],
    **options: Any,
) -> Raw:
    """The file's columns, named by its header or `c0`, `c1`, ...

    wanted: of the names, those to read as text and those to leave out. options: those of `read_delimited`. Raises
    UserError for anything that is no whole table.
    """
    file = Path(os.path.expanduser(path))
    suffix = next((s.lower() for s in reversed(file.suffixes) if s.lower() != ".gz"), "")
    if suffix in PARQUET:
        return read_parquet(file, wanted)
    text = suffix in (*TEXT, *OLD) or suffix.startswith(".data")
    if not text and suffix not in ARFF:
        raise unknown("kind of table", suffix or file.name, (*TEXT, *ARFF, *PARQUET))
    if suffix == ".arff" or (suffix == ".dat" and is_arff(file, encoding)):
        return read_arff(file, encoding=encoding, missing=missing, wanted=wanted)
    return read_delimited(file, wanted=wanted, encoding=encoding, missing=missing, **options)
