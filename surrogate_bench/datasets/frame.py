"""From columns, of a file or of OpenML, to a table: what is a number, what a category, what the target."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.columns import as_texts, categorical, column_name
from surrogate_bench.datasets.dates import dates_of_numbers, numbers_of
from surrogate_bench.datasets.kinds import MOST_LINES, Reading, settle
from surrogate_bench.datasets.labels import is_number
from surrogate_bench.datasets.saying import said
from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def table_of(
    columns: dict[str, Any],
    label: str,
    *,
    reading: Reading,
    test: np.ndarray | None = None,
    as_categories: Collection[str] = (),
    nominal: Collection[str] = (),
) -> Table:
    """The columns, of which `label` is the target, as a table; `columns` is emptied.

    as_categories: those that options say are names, nominal: those of which the file says so.
    Raises UserError for a target with gaps, an infinite number, and for what can be read in two ways.
    """
    name = reading.table
    target = _labels(columns.pop(label), label, reading)
    if not columns:
        raise UserError(f"{name}: there is no column beside the target {label!r}")
    found: dict[str, Any] = {}
    for column in list(columns):
        values = columns.pop(column)
        if isinstance(values, np.ndarray):
            values = as_texts(values) if column in as_categories and values.dtype.kind not in "mM" else values
        if not isinstance(values, np.ndarray) and hasattr(values, "categories"):
            own = column in as_categories or column in nominal
            values = settle(values, column, reading, as_category=own)
        elif isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
            values = _numbers(values, reading)
        if isinstance(values, np.ndarray) and values.dtype.kind == "M":
            found |= numbers_of(column, values)
            continue
        if isinstance(values, np.ndarray):
            infinite = np.flatnonzero(np.isinf(values))
            if len(infinite):
                raise UserError(f"{name}: column {column!r} is infinite in row {infinite[0] + 1}")
        found[column] = values
    return Table(name, target, test=test, columns=found)


def _numbers(values: np.ndarray, reading: Reading) -> np.ndarray:
    """Numbers without those that stand for a missing one, and as dates where a format makes dates of all."""
    words = [float(word) for word in reading.missing if is_number(word) and np.isfinite(float(word))]
    if words and reading.typed:  # of a text they were left out as it was read
        values = np.where(np.isin(values, words), np.nan, values)
    dates = dates_of_numbers(values, reading.dates) if reading.dates else None
    return values if dates is None else dates


def table_of_frame(frame: pd.DataFrame, *, name: str, target: str | int) -> Table:
    """A frame as a table: its types say what is a number, a date, a category."""
    columns = {str(column): _plain(frame[column], name) for column in frame.columns}
    nominal = [str(c) for c in frame.columns if hasattr(frame[c], "cat")]
    label = column_name(list(columns), target, "target")
    return table_of(columns, label, reading=Reading(name, typed=True), nominal=nominal)


def _plain(values: pd.Series, table: str) -> Any:
    import pandas as pd

    kind = values.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        return (values.dt.tz_convert(None) if getattr(kind, "tz", None) else values).to_numpy()
    if pd.api.types.is_timedelta64_dtype(kind):
        return values.dt.total_seconds().to_numpy(dtype=np.float64) / 86400
    if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    present = values.notna().to_numpy()
    if any(isinstance(value, list | dict | tuple | np.ndarray) for value in values[present].tolist()):
        raise UserError(f"{table}: column {values.name!r} holds lists, not single values: leave it out")
    return categorical(str(v) if there else None for v, there in zip(values.tolist(), present.tolist(), strict=True))


def _labels(values: Any, label: str, reading: Reading) -> np.ndarray:
    """The target's values, texts or numbers, none of them missing."""
    if hasattr(values, "categories"):
        known = [str(text) for text in values.categories]
        bare = [text.strip().strip("'\"").strip() for text in known]
        gaps = set(reading.missing)
        texts = np.array(
            [None if own in gaps else text for own, text in zip(bare, known, strict=True)] + [None], object
        )
        target = texts[np.asarray(values.codes)]
        missing = np.flatnonzero(target == np.array(None))
    else:
        target = np.asarray(values)
        missing = np.flatnonzero(np.isnat(target) if target.dtype.kind in "mM" else np.isnan(target))
        target = target.astype(str).astype(object) if target.dtype.kind in "mM" else target
    if len(missing):
        words = ", ".join(word for word in reading.used() if word)
        unless = f"unless {words} is a label, as with {said('missing', [''])}, " if words else ""
        at_end = missing[0] == len(target) - len(missing) and len(missing) <= MOST_LINES and not reading.typed
        end = (
            f": say {said('skip_end', str(reading.skip_end + len(missing)))} if the table ends before" if at_end else ""
        )
        raise UserError(
            f"{reading.table}: {unless}the target {label!r} is missing in {len(missing)} rows, "
            f"the first is {missing[0] + 1}{end}"
        )
    return target
