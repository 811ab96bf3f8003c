"""Parquet as columns: numbers stay as narrow as they are, texts become codes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.columns import Raw, as_texts, categorical, joined
from surrogate_bench.datasets.files import TIMES, Content, free_memory
from surrogate_bench.datasets.saying import said
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet(file: Path, wanted: Callable[[list[str]], tuple[set[str], set[str]]]) -> Raw:
    """The columns of a Parquet file, without those that are left out or are pandas' index.

    Raises UserError for what is no Parquet, and for a column of lists or the like.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UserError("Parquet files need pyarrow: pip install 'surrogate-bench[parquet]'") from None
    columns: dict[str, Any] = {}
    nominal = set()
    try:
        if file.is_dir():
            raise UserError(f"cannot read {str(file)!r}: Is a directory")
        with tempfile.TemporaryFile() as unpacked, pq.ParquetFile(_whole(file, unpacked)) as opened:
            schema = opened.schema_arrow
            _refuse_too_much(opened.metadata, file)
            index = {name for name in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)}
            names = [str(name) for name in schema.names if name not in index]
            if len(set(names)) < len(names) or not opened.metadata.num_rows:
                twice = len(set(names)) < len(names)
                raise UserError(f"{file}: " + ("two columns have one name" if twice else "there is no row"))
            texts, left_out = wanted(names)
            for name in (name for name in names if name not in left_out):
                if pa.types.is_nested(kind := schema.field(name).type):
                    raise UserError(
                        f"{file}: column {name!r} holds {kind}, not single values: say {said('drop', [name])}"
                    )
                read = opened.read(columns=[name], use_pandas_metadata=False).column(name)
                columns[name] = joined([_column(part) for part in read.chunks] or [np.empty(0)])
                if pa.types.is_dictionary(kind):
                    nominal.add(name)
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot read {file}: {str(error).splitlines()[0]}") from error

    def as_text(names: Any) -> dict[str, Any]:
        return {name: as_texts(columns[name]) for name in names}

    columns |= as_text([name for name in texts if isinstance(columns.get(name), np.ndarray)])
    return Raw(columns, as_text=as_text, typed=True, nominal=nominal)


def _whole(file: Path, unpacked: Any) -> Any:
    """A file that Parquet can jump around in: a gzipped one is unpacked to the disk and not to memory."""
    if file.suffix.lower() != ".gz":
        return str(file)
    with Content(file) as content:
        shutil.copyfileobj(content, unpacked, 1 << 20)
    unpacked.seek(0)
    return unpacked


def _column(values: pa.Array) -> Any:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.dictionary_decode(), kind.value_type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return categorical(None if v is None else str(v) for v in values.to_pylist())
    if pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
    elif pa.types.is_boolean(kind):
        if values.null_count:
            return categorical(None if v is None else str(v) for v in values.to_pylist())
        values = values.cast(pa.int8())
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
    elif pa.types.is_duration(kind):
        days = values.cast(pa.duration("us"), safe=False).to_numpy(zero_copy_only=False)
        return np.where(np.isnat(days), np.nan, days / np.timedelta64(1, "D"))
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _texts(values)
    if values.null_count and pa.types.is_integer(kind):
        values = values.cast(pa.float32() if kind.bit_width <= 16 else pa.float64())
    return values.to_numpy(zero_copy_only=False)


def _texts(values: pa.Array) -> Any:
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_null(values.type):
        return categorical([None] * len(values))
    if pa.types.is_time(values.type):
        return categorical(None if v is None else v.isoformat() for v in values.to_pylist())
    coded = values.dictionary_encode()
    texts = [
        v.decode(errors="backslashreplace") if isinstance(v, bytes) else str(v) for v in coded.dictionary.to_pylist()
    ]
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    if len(set(texts)) < len(texts):
        return categorical(texts[code] if code >= 0 else None for code in codes.tolist())
    return pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=object))


def _refuse_too_much(metadata: Any, file: Path) -> None:
    """A column of one value packs to nothing: what it unpacks to is told by the rows."""
    cells = metadata.num_rows * metadata.num_columns
    if cells > (most := free_memory() / TIMES):
        raise UserError(
            f"{str(file)!r} has {metadata.num_rows:,} rows of {metadata.num_columns} columns, and only {most:,.0f} "
            "values fit into the memory that is free: keep fewer rows or columns"
        )
