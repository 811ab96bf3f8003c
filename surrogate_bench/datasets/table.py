"""A table of the user's own."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_bench.datasets.columns import Raw, column_name, joined
from surrogate_bench.datasets.doubts import doubts
from surrogate_bench.datasets.encoding import MANY
from surrogate_bench.datasets.files import Content, read_content
from surrogate_bench.datasets.frame import table_of
from surrogate_bench.datasets.kinds import Reading
from surrogate_bench.datasets.readers import read_columns
from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError, unknown
from surrogate_bench.registry import register
from surrogate_bench.system import digests
from surrogate_bench.system.paths import locate

DECIMALS = {"comma": ",", "point": ".", ",": ",", ".": "."}


@register("dataset", "table", reference="yours")
def table(
    *,
    path: str,
    target: Any = -1,
    test: str | None = None,
    header: Any = None,
    separator: str | None = None,
    missing: list = [  # noqa: B006
        "?",
        "",
        "NA",
        "N/A",
        "n/a",
        "NaN",
        "-NaN",
        "nan",
        "-nan",
        "NULL",
        "null",
        "None",
        "<NA>",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "1.#IND",
        "-1.#IND",
        "1.#QNAN",
        "-1.#QNAN",
    ],
    categorical: list = [],  # noqa: B006
    drop: list = [],  # noqa: B006
    encoding: str = "utf-8-sig",
    splits: str | None = None,
    label: str | None = None,
    origin: str | None = None,
    sha256: str | None = None,
    root: str | None = None,
    skip: int = 0,
    comment: str | None = None,
    quotes: bool | None = None,
    decimal: str | None = None,
    dates: Any = None,
    many: str = "other",
    skip_end: int | None = None,
) -> Table:
    """Your own table (CSV, TSV, Parquet, ARFF, KEEL's .dat, also as .gz); its target is the last column by default.

    target, and columns elsewhere: by name, or by position from 0, negative ones from the end. test: a file of the same
    columns whose rows are the test part; without it a fifth of the rows is. header: whether the first row names the
    columns, or how many rows do; null decides by looking, as do separator, quotes (whether `"` encloses values) and
    decimal (comma or point, the other being between thousands). missing: what stands for a missing value. categorical:
    columns of numbers that are names, such as codes. drop: columns to leave out. skip: lines before the table.
    skip_end: lines after it, such as sums and notes; at 0 the last row is never asked about. comment: the character
    that lines to leave out begin with. dates: the format, or a list of them, of dates that are not of ISO 8601, as
    %d.%m.%Y. many: what becomes of a column's categories beyond the 64 commonest (see `encoding.encode`). splits: a
    file of given splits, a line each with the numbers of its test part's rows, from 1; `dataset.fold` takes one. label:
    what tables call it. origin: where to get it; its files are then looked for under `root` (see `system.paths`).
    sha256: of what its files hold, one after the other; another content raises an alarm, and no alarm asks what the
    numbers of this one stand for. Raises UserError for a file, a column or a value that it cannot use.
    """
    given = {"path": path, "test": test, "splits": splits, "label": label, "origin": origin, "root": root}
    files = {key: str(locate(given, key)) for key in ("path", "test", "splits") if given[key]}
    if many not in MANY:
        raise unknown("dataset.many", many, MANY)
    if decimal is not None and decimal not in DECIMALS:
        raise UserError(f"dataset.decimal must be comma or point, not {decimal!r}")
    for option, lines in (("skip", skip), ("skip_end", skip_end or 0)):
        if lines < 0:
            raise UserError(f"dataset.{option} must be 0 or more, not {lines}")
    if comment is not None and len(comment) != 1:
        raise UserError(f"dataset.comment must be one character, not {comment!r}")
    mark = None if decimal is None else DECIMALS[decimal]
    words = [str(word) for word in missing]

    chosen: dict[str, set[str]] = {}

    def wanted(names: list[str]) -> tuple[set[str], set[str]]:
        if not chosen:  # a position means the column of the first file
            chosen["target"] = {column_name(names, target, "target")}
            chosen["drop"] = {column_name(names, word, "drop") for word in drop}
            chosen["categorical"] = {column_name(names, word, "categorical") for word in categorical}
            if chosen["target"] <= chosen["drop"]:
                raise UserError(f"dataset.drop names the target, {min(chosen['target'])!r}")
        return (chosen["target"] | chosen["categorical"]) & set(names), chosen["drop"]

    options: dict[str, Any] = {
        "header": header,
        "separator": separator,
        "missing": words,
        "encoding": encoding,
        "skip": skip,
        "skip_end": skip_end,
        "comment": comment,
        "quotes": quotes,
        "decimal": mark,
        "named": {word for word in (target, *categorical, *drop) if isinstance(word, str)},
    }
    raw = read_columns(files["path"], wanted=wanted, **options)
    raws, rows = [raw], None
    if test is not None:
        other = read_columns(files["test"], wanted=wanted, **options)
        raws.append(other)
        first = _length(raw)
        rows = np.arange(first, first + _length(other))
        columns = _both(raw, other, files)
    else:
        columns = raw.columns
    name = label or Path(files["path"]).name.split(".")[0]
    typed = all(part.typed for part in raws)
    reading = Reading(
        name,
        # A file that says what is missing has no words for it, unless somebody says so.
        missing=("",) if typed and words == _default("missing") else words,
        used=lambda: sorted({"", *(word for part in raws for word in part.used())}),
        decimal=mark,
        dates=tuple(map(str, dates if isinstance(dates, list | tuple) else [dates] if dates else ())),
        skip_end=skip_end or 0,
        headed=raw.headed,
        typed=typed,
    )
    found = table_of(
        columns,
        min(chosen["target"]),
        reading=reading,
        test=rows,
        as_categories=chosen["categorical"],
        nominal=set.intersection(*(part.nominal for part in raws)),
    )
    for file in files.values():
        digests.check(Path(file))
    found.many = many
    found.remarks = tuple(remark for part in raws for remark in part.remarks)
    if splits:
        found.splits = read_splits(files["splits"], len(found.target))
    own = _sha256(files.values()) if sha256 else ""
    if own != sha256:  # nobody has doubts about a content that is known
        found.remarks += tuple(doubts(found.columns, {name for part in raws for name in part.padded}, reading))
    if sha256 and own != sha256:
        shown = ", ".join(str(given[key]) for key in files)
        message = f"{shown}: not the content that is known as {name}, but sha256 {own}"
        found.remarks += ({"name": "other_data", "message": message},)
    return found


def _default(option: str) -> Any:
    return inspect.signature(table).parameters[option].default


def _length(raw: Raw) -> int:
    return len(next(iter(raw.columns.values())))


def _both(raw: Raw, other: Raw, files: dict[str, str]) -> dict[str, Any]:
    """The columns of both files, each one thing in both: numbers, or the texts that stand there."""
    missed = [name for name in raw.columns if name not in other.columns]
    if missed or len(raw.columns) != len(other.columns):
        reason = f"has no column {missed[0]!r}" if missed else "has other columns"
        raise UserError(f"{files['test']} {reason}: it must have those of {files['path']}")
    for one, two in ((raw, other), (other, raw)):
        unlike = [name for name in raw.columns if _kind(one.columns[name]) == "number" != _kind(two.columns[name])]
        one.columns |= one.as_text(unlike) if unlike else {}
    return {name: joined([raw.columns.pop(name), other.columns.pop(name)]) for name in list(raw.columns)}


def _kind(values: Any) -> str:
    return "text" if hasattr(values, "categories") else "number"


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
    found = hashlib.sha256()
    for file in files:
        with Content(Path(file)) as content:
            while part := content.read(1 << 20):
                found.update(part)
    return found.hexdigest()
