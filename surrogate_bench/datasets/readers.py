"""Files of tables as pandas frames: CSV and its kin, Parquet, ARFF and KEEL's, each also as .gz."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_bench import digests
from surrogate_bench.datasets.arff import parse_arff
from surrogate_bench.datasets.labels import is_number
from surrogate_bench.errors import UserError, unknown

if TYPE_CHECKING:
    import pandas as pd

TEXT = (".csv", ".tsv", ".txt", ".data")
ARFF = (".arff", ".dat")
PARQUET = (".parquet", ".pq")
SEPARATORS = ",;\t|"
SAMPLE_ROWS = 200
# The mark of UTF-32 begins with that of UTF-16.
MARKS = tuple((getattr(codecs, f"BOM_UTF{n}_{end}"), f"utf-{n}") for n in (32, 16) for end in ("LE", "BE"))


def read_frame(
    path: str,
    *,
    header: bool | None = None,
    separator: str | None = None,
    missing: Sequence[str] = (),
    encoding: str = "utf-8-sig",
) -> pd.DataFrame:
    """The file's rows, its columns named by its header or `c0`, `c1`, ...

    None for header or separator has the first rows decide. Raises UserError for anything that is no whole table.
    """
    import pandas as pd

    file = Path(os.path.expanduser(path))
    suffix = next((s.lower() for s in reversed(file.suffixes) if s.lower() != ".gz"), "")
    if suffix not in (*TEXT, *ARFF, *PARQUET):
        raise unknown("kind of table", suffix or file.name, (*TEXT, *ARFF, *PARQUET))
    content = read_content(file)
    if suffix in PARQUET:
        return _parquet(content, path)
    try:
        text = content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        likely = _encoding(content) or "latin-1"
        raise UserError(
            f"{path} is not {encoding} text ({error}): say what it is, as dataset.encoding={likely}"
        ) from error
    if "\0" in text:
        other = _encoding(content)
        hint = f": say what it is, as dataset.encoding={other}" if other else ""
        raise UserError(f"{path} is no {encoding} text: it holds zero bytes{hint}")
    try:
        if suffix in ARFF:
            return parse_arff(text, missing)
        return _text(text, header, separator, missing)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error, ValueError) as error:
        reason = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise UserError(f"cannot read {path}: {reason}") from error


def read_content(file: Path) -> bytes:
    """What a file holds, unpacked where it is gzipped. Raises UserError where that is nothing."""
    try:
        content = file.read_bytes()
        digests.check(file, content)
        content = gzip.decompress(content) if file.suffix.lower() == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot read {str(file)!r}: {reason}") from error
    if not content.strip():
        raise UserError(f"{str(file)!r} is empty")
    return content


def _encoding(content: bytes) -> str | None:
    """The encoding that a byte-order mark tells, or that every other byte being zero does."""
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    sample = content[:1000]
    halves = {"utf-16-le": sample[1::2], "utf-16-be": sample[::2]}
    return marked or next((name for name, half in halves.items() if 2 * half.count(0) > len(half)), None)


def _text(text: str, header: bool | None, separator: str | None, missing: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    if separator is not None and len(separator) != 1:
        raise UserError(f"dataset.separator must be one character, not {separator!r}")
    # With their ends, which quotes may hold.
    sample = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", SAMPLE_ROWS)[:SAMPLE_ROWS]
    lines = [f"{line}\n" for line in sample if line.strip()]
    mark = separator or _separator(lines)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=mark, skipinitialspace=True)]
    has_header = _has_header(rows, missing) if header is None else header
    with warnings.catch_warnings():
        # Rows longer than the first are an error, not a reason to shift or to cut all others.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                io.StringIO(text),
                sep=mark,
                header=0 if has_header else None,
                index_col=False,
                skipinitialspace=True,
                na_values=list(missing),
                low_memory=False,
            )
        except pd.errors.ParserWarning:
            _refuse_uneven_rows(text, mark, len(rows[0]))
            raise
    frame.columns = [str(name).strip() for name in frame.columns] if has_header else _numbered(frame.shape[1])
    if not len(frame):
        raise UserError("there is a header and no row")
    if frame.iloc[:, -1].isna().any():
        _refuse_uneven_rows(text, mark, frame.shape[1])
    return _unquoted(frame, missing)


def _refuse_uneven_rows(text: str, mark: str, width: int) -> None:
    """pandas has what a row lacks at its end missing, and knows no line where all have more than the first."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
    for row in rows:
        if len(row) != width and (len(row) > 1 or any(row)):  # what is blank is no row
            raise UserError(f"line {rows.line_num} has {len(row)} values, and there are {width} columns")


def _separator(lines: list[str]) -> str:
    """The one that cuts every line into equally many fields, and into most of them; else the one that cuts at all."""
    ranked = []
    for mark in SEPARATORS:
        counts = [len(row) for row in csv.reader(lines, delimiter=mark, skipinitialspace=True)]
        ranked.append((len(set(counts)) == 1 and counts[0] > 1, min(counts), mark))
    regular, fields, mark = max(ranked, key=lambda found: found[:2])
    return mark if regular or fields > 1 else ","


def _has_header(rows: list[list[str]], missing: Sequence[str]) -> bool:
    """Whether the first row names columns: all different, none a number or a gap, none a value of its own column."""
    first, rest = rows[0], rows[1:]
    if len(set(first)) < len(first) or any(not name or name in missing or is_number(name) for name in first):
        return False
    return all(name not in (row[i] for row in rest if i < len(row)) for i, name in enumerate(first))


def _unquoted(frame: pd.DataFrame, missing: Sequence[str]) -> pd.DataFrame:
    """Values such as '1' in quotes of another kind than the file's own are what stands between them."""
    import pandas as pd

    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_string_dtype(values) and not isinstance(values.dtype, pd.CategoricalDtype):
            stripped = values.astype("string").str.strip()
            quoted = stripped.str.fullmatch(r"'.*'").fillna(True).to_numpy(dtype=bool)
            stripped = stripped.str.strip("'") if quoted.all() else stripped
            stripped = stripped.mask(stripped.isin(list(missing)))
            numbers = pd.to_numeric(stripped, errors="coerce")
            frame[name] = numbers if (numbers.notna() == stripped.notna()).all() else stripped
    return frame


def _parquet(content: bytes, path: str) -> pd.DataFrame:
    import pandas as pd

    try:
        import pyarrow as pa
    except ImportError:
        raise UserError("Parquet files need pyarrow: pip install 'surrogate-bench[parquet]'") from None
    try:
        frame = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    frame.columns = [str(name) for name in frame.columns]
    if frame.columns.has_duplicates or not len(frame):
        raise UserError(f"{path}: " + ("two columns have one name" if len(frame) else "there is no row"))
    for name in (name for name in frame if pd.api.types.is_object_dtype(frame[name])):
        frame[name] = [v.decode(errors="backslashreplace") if isinstance(v, bytes) else v for v in frame[name]]
    return frame


def _numbered(count: int) -> list[str]:
    return [f"c{i}" for i in range(count)]
