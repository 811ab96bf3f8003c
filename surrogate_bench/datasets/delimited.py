"""CSV and its kin as columns: parsed by pandas, some rows at a time, so that a value is never held twice."""

from __future__ import annotations

import csv
import functools
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.columns import Raw, joined, narrow
from surrogate_bench.datasets.files import Apart, Text
from surrogate_bench.datasets.layout import Layout, look
from surrogate_bench.datasets.questions import (
    ask_about_a_sum,
    gaps,
    leave_out_index,
    refuse_stray_quotes,
    refuse_what_has_no_name,
)
from surrogate_bench.datasets.saying import said
from surrogate_bench.datasets.separators import BLANKS, fields
from surrogate_bench.datasets.uneven import refuse_uneven_rows, uneven, way_on
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

# Cells that are parsed at a time.
PORTION = 2**20


def read_delimited(
    file: Path,
    *,
    wanted: Callable[[list[str]], tuple[set[str], set[str]]],
    header: bool | int | None,
    separator: str | None,
    missing: Sequence[str],
    encoding: str,
    skip: int,
    skip_end: int | None,
    comment: str | None,
    quotes: bool | None,
    decimal: str | None,
    named: Collection[str] = (),
) -> Raw:
    """The columns of a text file; `wanted` says of its names which are to be read as texts, and which not at all.

    Raises UserError for what is no table, and for what can be read in two ways.
    """
    quoted = quotes is not False
    with _in_words(file), Text(file, encoding, Apart(comment, skip_end or 0)) as text:
        layout = look(text, header=header, separator=separator, quotes=quoted, skip=skip, missing=missing, named=named)
    texts, left_out = wanted(layout.names)
    nameless = [name for name in layout.names[: layout.indexed] if name not in texts]
    if decimal == ",":
        texts = set(layout.names)
    place = {name: i for i, name in enumerate(layout.names)}

    def parse(as_text: Collection[str], only: Collection[str] | None = None) -> dict[str, Any]:
        with _in_words(file), Text(file, encoding, layout.apart) as text:
            chosen = None if only is None else {place[name] for name in only}
            found = _parse(text, layout, {place[name] for name in as_text}, chosen, missing, check=quotes is None)
        return {layout.names[i]: values for i, values in found.items()}

    kept = parse(texts - left_out)
    if mixed := [name for name, values in kept.items() if values is None and name not in left_out]:
        kept |= parse(mixed, mixed)
    columns = {name: kept[name] for name in layout.names if name not in left_out}
    if not columns or not len(next(iter(columns.values()))):
        raise UserError(f"{file}: there is a header and no row" if columns else f"{file}: every column is dropped")
    if skip_end is None:
        ask_about_a_sum(columns, file)
    rows: Any = slice(None)
    last = kept[layout.names[-1]]
    if last is None or gaps(last).any():
        with _in_words(file), Text(file, encoding, layout.apart) as text:
            refuse_uneven_rows(text, layout)
        empty = functools.reduce(np.logical_and, map(gaps, columns.values()))
        if "" in missing and empty.any() and not empty.all():  # separators alone, as spreadsheets leave them
            rows = np.flatnonzero(~empty)
            columns = {name: values[rows] for name, values in columns.items()}

    def used() -> list[str]:
        with Text(file, encoding, layout.apart) as text:
            cells = {cell.strip() for row in fields(text, layout.mark, quoted, layout.escaped) for cell in row}
        return [word for word in missing if word in cells]

    for name in nameless:
        leave_out_index(columns, name, file)

    def as_text(names: Sequence[str]) -> dict[str, Any]:
        return {name: values[rows] for name, values in parse(names, names).items()}

    return Raw(columns, as_text=as_text, used=used, headed=layout.headed, padded=set(layout.padded))


def _parse(
    text: Text, layout: Layout, texts: set[int], only: set[int] | None, missing: Sequence[str], *, check: bool
) -> dict[int, Any]:
    """Columns by position: numbers, texts, or None where some rows have numbers and others text."""
    import pandas as pd

    for _ in range(layout.before):
        text.readline()
    parts: dict[int, list[Any]] = {}
    try:
        portions = pd.read_csv(
            text,
            sep=r"\s+" if layout.mark == BLANKS else layout.mark,
            header=None,
            names=range(layout.width),
            usecols=None if only is None else sorted(only),
            dtype=dict.fromkeys(texts, str),
            index_col=False,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=list(missing),
            quoting=csv.QUOTE_MINIMAL if layout.quotes else csv.QUOTE_NONE,
            escapechar="\\" if layout.escaped else None,
            low_memory=False,
            chunksize=max(PORTION // layout.width, 1000),
        )
        with warnings.catch_warnings():
            # Rows longer than the first are an error, not a reason to shift or to cut all others.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            portion: Any
            for portion in portions:
                for i in list(portion.columns):
                    values = portion.pop(i)
                    if i >= len(layout.names):
                        refuse_what_has_no_name(values, text)
                        continue
                    if check and not pd.api.types.is_numeric_dtype(values.dtype):
                        refuse_stray_quotes(values, layout)
                    parts.setdefault(i, []).append(_part(values, as_text=i in texts))
    except pd.errors.EmptyDataError:
        return {i: np.empty(0) for i in range(len(layout.names))}
    except pd.errors.ParserError as error:
        reason = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        reason = re.sub(r"(?<=line )\d+", lambda found: str(int(found[0]) + layout.before), reason)
        if reason.startswith("EOF inside string"):
            reason += f": correct the quote that is not closed, or say {said('quotes', 'false')}"
        with Text(text.path, text.encoding, text.apart) as again:
            if reason.startswith("Too many columns"):
                refuse_uneven_rows(again, layout)
            elif found := uneven(again, layout):
                reason += way_on(found, layout)
        raise UserError(f"cannot read {text.path}: {reason}") from error
    except pd.errors.ParserWarning:
        with Text(text.path, text.encoding, text.apart) as again:
            refuse_uneven_rows(again, layout)
        raise
    return {i: None if any(part is None for part in found) else joined(found) for i, found in parts.items()}


def _part(values: pd.Series, *, as_text: bool) -> Any:
    import pandas as pd

    if as_text:
        codes, texts = pd.factorize(values)
        return pd.Categorical.from_codes(codes, categories=pd.Index(np.asarray(texts, dtype=object), dtype=object))
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        return narrow(values.to_numpy())
    return None


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    """The user's mistake for an error of csv or pandas, with the file's name if the error does not say it."""
    try:
        yield
    except UserError as error:
        raise error if str(file) in str(error) else UserError(f"{file}: {error}") from error
    except (csv.Error, ValueError) as error:
        raise UserError(f"cannot read {file}: {str(error).splitlines()[0]}") from error
