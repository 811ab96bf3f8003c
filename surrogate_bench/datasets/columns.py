"""Columns as a file has them: numbers as narrow as they are, texts as codes, each text held once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.errors import UserError, unknown

if TYPE_CHECKING:
    import pandas as pd

# From narrow to wide; a number is kept in the first that holds all of a column exactly.
INTEGERS = (np.int8, np.int16, np.int32, np.int64)


@dataclass
class Raw:
    """A file's columns by name: arrays of numbers or of dates, pandas' Categorical for texts.

    as_text: reads columns of numbers as the texts that they are in the file. used: which of the words for a missing
    value it holds. headed: whether it names its columns. typed: whether it says what is text and what is a number.
    nominal: columns that it says are categories. padded: columns of numbers with zeros ahead. remarks: alarms about
    the file.
    """

    columns: dict[str, Any]
    as_text: Callable[[Sequence[str]], dict[str, Any]]
    used: Callable[[], list[str]] = list
    headed: bool = True
    typed: bool = False
    nominal: set[str] = field(default_factory=set)
    padded: set[str] = field(default_factory=set)
    remarks: tuple[dict[str, str], ...] = ()


@dataclass(eq=False)
class Sparse:
    """A column of numbers that is 0 in most rows: `length` rows, of which `rows` have the `values`."""

    length: int
    rows: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return self.length

    @property
    def nbytes(self) -> int:
        """The bytes that the columns take."""
        return self.rows.nbytes + self.values.nbytes

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = np.zeros(self.length, dtype=dtype or self.values.dtype)
        found[self.rows] = self.values
        return found

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self)[key]


def narrow(values: np.ndarray) -> np.ndarray:
    """The numbers in the narrowest type that holds each of them exactly."""
    if values.dtype.kind == "b":
        return values.astype(np.int8)
    if values.dtype.kind == "i" and len(values):
        low, high = values.min(), values.max()
        kind = next(kind for kind in INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
        return values.astype(kind)
    if values.dtype == np.float64:
        with np.errstate(over="ignore", invalid="ignore"):
            short = values.astype(np.float32)
        if np.array_equal(short, values, equal_nan=True):
            return short
    return values


def joined(parts: list[Any]) -> Any:
    """Parts of one column, one after the other; the list is emptied."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    if len(parts) == 1:
        return parts.pop()
    found: Any
    if isinstance(parts[0], pd.Categorical):
        found = union_categoricals(parts)
    elif all(isinstance(part, Sparse) for part in parts):
        starts = np.cumsum([0, *map(len, parts)])
        rows = np.concatenate([part.rows + start for part, start in zip(parts, starts[:-1], strict=True)])
        found = Sparse(int(starts[-1]), rows, np.concatenate([part.values for part in parts]))
    else:
        found = np.concatenate(parts)
    parts.clear()
    return found


def categorical(cells: Iterable[str | None]) -> pd.Categorical:
    """Texts as codes, None being missing."""
    import pandas as pd

    codes, texts = pd.factorize(np.asarray(list(cells), dtype=object))
    return pd.Categorical.from_codes(codes, categories=pd.Index(np.asarray(texts, dtype=object), dtype=object))


def as_texts(values: np.ndarray) -> pd.Categorical:
    """Numbers as texts, whole ones without a point; a missing one stays missing."""
    import pandas as pd

    distinct, codes = np.unique(np.asarray(values), return_inverse=True)
    if distinct.dtype.kind in "mM":
        distinct = np.array([None if np.isnat(value) else str(value) for value in distinct], dtype=object)
    texts: list[str | None] = [None if v is None or v != v else _text(v) for v in distinct.tolist()]
    present = [text for text in texts if text is not None]
    place = np.cumsum([text is not None for text in texts]) - 1
    place[[i for i, text in enumerate(texts) if text is None]] = -1
    return pd.Categorical.from_codes(place[codes], categories=pd.Index(present, dtype=object))


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else str(value)


def column_name(names: Sequence[str], word: str | int, option: str) -> str:
    """The column that a name or a position means; `option` is the setting under dataset. that it comes from."""
    if word in names:
        return str(word)
    try:
        position = int(str(word))  # neither 1.5 nor true is one
    except ValueError:
        raise unknown(f"column in dataset.{option}", str(word), map(str, names)) from None
    if not -len(names) <= position < len(names):
        raise UserError(f"dataset.{option}={position}: there are only {len(names)} columns, 0 to {len(names) - 1}")
    return names[position]
