"""Numbers as people write them: marks between thousands, units, currencies, minus signs of any kind."""

from __future__ import annotations

import re
from collections.abc import Sequence

BETWEEN = "[' \u00a0\u202f\u2009{}]"  # what stands between thousands, beside the mark that is not the decimal one
EXPONENT = "(?:[eEdD][+-]?[0-9]+)?"
SIGNS = "%‰€$£¥₹₽₩"
# Powers of a thousand, where a column has several of them.
POWERS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "bn": 1e9, "t": 1e12}
DRESSED = re.compile(
    rf"(?P<minus>[-−(]?)\s*(?P<currency>[{SIGNS}]|[A-Z]{{1,3}}\$|[A-Z]{{3}}\s|)\s*(?P<number>[+-]?[.,]?[0-9].*?)\s*"
    rf"(?P<after>[-−)]?)\s*(?P<unit>[{SIGNS}+°]?[^\W\d]{{0,8}}[²³]?(?:/[^\W\d]{{1,8}}[²³]?)?)"
)
NUMBER = {
    mark: re.compile(
        rf"[+-]?(?:[1-9][0-9]{{0,2}}(?:{BETWEEN.format(other)}[0-9]{{2,3}})*{BETWEEN.format(other)}[0-9]{{3}}|[0-9]+)"
        rf"(?:{re.escape(mark)}[0-9]*)?{EXPONENT}|[+-]?{re.escape(mark)}[0-9]+{EXPONENT}"
    )
    for mark, other in ((",", "."), (".", ","))
}
# As Fortran prints, and with a minus sign of typography, which mean one thing.
FORTRAN = re.compile(r"([+-]?[0-9]*\.[0-9]+)[dD]([+-][0-9]{2,3})")
MINUS = re.compile(r"^−(?=[0-9.])")


def plain(text: str) -> str:
    """A number as Python reads it, where its writing leaves no doubt; any other text as it is."""
    return FORTRAN.sub(r"\1e\2", MINUS.sub("-", text))


def undressed(text: str, mark: str) -> tuple[str, str, str] | None:
    """A number with this mark before its decimals, as Python writes it, its currency and unit; None for another text.

    In brackets, or with a minus behind it, it is below 0.
    """
    found = DRESSED.fullmatch(text.strip())
    if found is None or (found["minus"] == "(") != (found["after"] == ")"):
        return None
    number = found["number"].strip()
    if not NUMBER[mark].fullmatch(number):
        return None
    below = bool(found["minus"] or found["after"])
    if below and (number[0] in "+-" or bool(found["after"]) == (found["minus"] in ("-", "−"))):
        return None
    number = re.sub(BETWEEN.format("," if mark == "." else "."), "", number).replace(mark, ".")
    return ("-" if below else "") + re.sub("[dD]", "e", number), found["currency"].strip(), found["unit"]


def numbers(texts: Sequence[str | None], mark: str) -> list[float | None]:
    """Each text's number; None for what is none, and for all that have several units other than powers of 1000."""
    found = [None if text is None else undressed(text, mark) for text in texts]
    currencies, units = ({each[i] for each in found if each} for i in (1, 2))
    powers = {unit.lower() for unit in units}
    scaled = len(powers) > 1 and powers <= POWERS.keys()
    if len(currencies - {""}) > 1 or (len(units - {""}) > 1 and not scaled):
        return [None] * len(found)
    return [None if each is None else float(each[0]) * (POWERS[each[2].lower()] if scaled else 1) for each in found]


def units(texts: Sequence[str], mark: str) -> set[str]:
    """The currencies and units that numbers have."""
    found = (undressed(text, mark) for text in texts)
    return {unit for each in found if each for unit in each[1:] if unit}
