"""Questions about the columns of a text file: what its rows can only mean if somebody says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.files import Text
from surrogate_bench.datasets.layout import Layout
from surrogate_bench.datasets.saying import said, shown
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

# Words of a last row that is no example.
SUM = re.compile(
    r"(grand |sub-?)?totals?|sums?|averages?|means?|gesamt(summe)?|summe|mittelwert|durchschnitt|somme|moyenne|totaux"
    r"|suma|promedio|media|totale|somma|totaal|gemiddelde",
    re.IGNORECASE,
)


def gaps(values: Any) -> np.ndarray:
    """True for each row in which a column has no value."""
    return np.isnan(values) if isinstance(values, np.ndarray) else np.asarray(values.codes) < 0


def leave_out_index(columns: dict[str, Any], name: str, file: Path) -> None:
    """A first column without a name is pandas' index or R's row names: all different, and nothing to learn from."""
    values = columns.get(name)
    if values is None:
        return
    distinct = np.unique(values) if isinstance(values, np.ndarray) else values.categories
    if len(columns) > 1 and (len(distinct) == len(values) or gaps(values).all()):
        del columns[name]
        return
    raise UserError(
        f"{file}: its first column has no name, as a row's number has none, and has values more than once: say "
        f"{said('drop', [name])} to leave it out, or {said('categorical', [name])}"
    )


def ask_about_a_sum(columns: dict[str, Any], file: Path) -> None:
    """Raises UserError where a word for sums and means stands in the last row, and in no other."""
    for values in columns.values():
        if hasattr(values, "codes") and (code := int(values.codes[-1])) >= 0:
            text = str(values.categories[code]).strip()
            if SUM.fullmatch(text) and int((np.asarray(values.codes) == code).sum()) == 1:
                raise UserError(
                    f"{file}: its last row, with {shown(text)}, may be of the others together: say "
                    f"{said('skip_end', '1')} to leave it out, or {said('skip_end', '0')}"
                )


def refuse_what_has_no_name(values: pd.Series, text: Text) -> None:
    """Raises UserError for a value beyond the last column, where the other rows have separators alone."""
    if values.notna().any():
        row = int(values.notna().to_numpy().argmax())
        raise UserError(
            f"{text.path}: {shown(str(values.iloc[row]))}, in row {values.index[row] + 1}, is in a column without a "
            "name that has no other value: correct it, or name the column"
        )


def refuse_stray_quotes(values: pd.Series, layout: Layout) -> None:
    """Raises UserError for a value in quotes that holds whole rows."""
    lines = (cell for cell in values.dropna().unique() if "\n" in str(cell) or "\r" in str(cell))
    for cell in lines:
        if any(line.count(layout.mark) >= layout.width - 1 > 0 for line in str(cell).splitlines()):
            raise UserError(
                f"a quoted value, {shown(str(cell))}, spans lines and holds as many separators as a row: correct a "
                f"stray quote, or say {said('quotes', 'false')} if quotes mean nothing, {said('quotes', 'true')} if "
                "the value is whole"
            )
