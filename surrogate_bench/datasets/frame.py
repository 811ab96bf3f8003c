"""From a pandas frame, of a file or of OpenML, to a table: what is a number, what a category, what the target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from surrogate_bench.datasets.labels import is_number
from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError, unknown

if TYPE_CHECKING:
    import pandas as pd

# A column of text of which this share are numbers is a column of numbers with something wrong in it.
MOSTLY_NUMBERS = 0.9


def table_of(
    frame: pd.DataFrame,
    *,
    name: str,
    target: str | int = -1,
    test: np.ndarray | None = None,
    categorical: Iterable[str | int] = (),
    drop: Iterable[str | int] = (),
) -> Table:
    """The frame as a table. Columns are given by name or by position from 0, negative ones from the end.

    Raises UserError for a column that is not there, a target with gaps, an infinite number, text among numbers.
    """
    label = column_name(frame, target, "target")
    as_categories = {column_name(frame, word, "categorical") for word in categorical}
    left_out = {column_name(frame, word, "drop") for word in drop}
    if label in left_out:
        raise UserError(f"dataset.drop names the target, {label!r}")
    missing = np.flatnonzero(frame[label].isna())
    if len(missing):
        raise UserError(
            f"{name}: the target {label!r} is missing in {len(missing)} rows, the first is {missing[0] + 1}"
        )
    features = [column for column in frame.columns if column != label and column not in left_out]
    if not features:
        raise UserError(f"{name}: there is no column beside the target {label!r}")
    columns = {str(c): _column(frame[c], name, as_category=c in as_categories) for c in features}
    return Table(name, frame[label].to_numpy(dtype=object), test=test, columns=columns)


def column_name(frame: pd.DataFrame, word: str | int, option: str) -> str:
    """The column that a name or a position means; `option` is the setting under dataset. that it comes from."""
    names = list(frame.columns)
    if word in names:
        return str(word)
    try:
        position = int(str(word))  # neither 1.5 nor true is one
    except ValueError:
        raise unknown(f"column in dataset.{option}", str(word), map(str, names)) from None
    if not -len(names) <= position < len(names):
        raise UserError(f"dataset.{option}={position}: there are only {len(names)} columns, 0 to {len(names) - 1}")
    return names[position]


def _column(values: pd.Series, table: str, *, as_category: bool) -> np.ndarray:
    import pandas as pd

    kind = values.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        raise UserError(f"{table}: column {values.name!r} holds dates: leave it out with dataset.drop=[{values.name}]")
    if not as_category and (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            raise UserError(f"{table}: column {values.name!r} is infinite in row {infinite[0] + 1}")
        return numbers
    present = values.notna().to_numpy()
    texts = np.full(len(values), None, dtype=object)
    texts[present] = [str(value).strip() for value in values[present].tolist()]
    if not as_category and not isinstance(kind, pd.CategoricalDtype):
        _refuse_a_slip(texts, present, str(values.name), table)
    return texts


def _refuse_a_slip(texts: np.ndarray, present: np.ndarray, column: str, table: str) -> None:
    numbers = np.array([text is not None and is_number(text) for text in texts.tolist()])
    if present.any() and MOSTLY_NUMBERS <= numbers.sum() / present.sum() < 1:
        row = int(np.flatnonzero(present & ~numbers)[0])
        names = " dataset.header=true if it names the columns," if row == 0 else ""
        raise UserError(
            f"{table}: column {column!r} has the text {texts[row][:40]!r} among numbers in row {row + 1}: correct it, "
            f"or say{names} dataset.missing=[{texts[row][:40]}] or dataset.categorical=[{column}]"
        )
