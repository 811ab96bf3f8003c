"""Chooses the labels that count as positive: by `dataset.positive`, or by the labels themselves."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable

import numpy as np

from surrogate_bench.datasets.saying import said
from surrogate_bench.errors import UserError, did_you_mean

# Pairs of labels whose second one is the positive one by convention.
CONVENTIONS = (("0", "1"), ("-1", "1"), ("no", "yes"), ("n", "y"), ("false", "true"), ("negative", "positive"))
COMPARISONS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
# What does not show, and no reader strips.
HIDDEN = str.maketrans("", "", "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
SHOWN = 8
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?|nan", re.IGNORECASE)
PRINTED = re.compile(r"[+-]?[0-9]\.[0-9]+[eE][+-][0-9]{2,3}")
WHOLE = re.compile(r"\+?(-?)(0|[1-9][0-9]*)(?:\.0*)?")


def binary_target(target: np.ndarray, positive: object, default: tuple[object, ...]) -> tuple[np.ndarray, str]:
    """The target as 0 and 1 [N], and in words what counts as 1.

    `positive` is a label, a list of labels, or for a numeric target a comparison such as '>=7'. None takes the data
    set's own default, else of two labels the conventional one (1, yes, true, positive) or the rarer.
    Raises UserError where that names no class or all of them.
    """
    known_as = functools.lru_cache(maxsize=None, typed=True)(canonical)
    distinct, codes = np.unique([known_as(label) for label in target.tolist()], return_inverse=True)
    known = distinct.tolist()
    if len(known) < 2:
        raise UserError(f"the target has one class only: {_shown(known)}")
    if positive is None and not default:
        chosen = np.isin(distinct, [_of_two(known, codes)])
    else:
        wanted = default if positive is None else positive if isinstance(positive, list | tuple) else (positive,)
        if not wanted:
            raise UserError("dataset.positive is an empty list: name at least one class")
        chosen = np.zeros(len(known), dtype=bool)
        for word in wanted:
            chosen |= _matches(distinct, canonical(word))
    if chosen.all():
        raise UserError(f"dataset.positive names every class of the target: {_shown(known)}")
    return chosen[codes].astype(np.float32), _shown(distinct[chosen].tolist())


def canonical(label: object) -> str:
    """A label as text, the same however files write one label: numbers that are equal, and texts save their dressing.

    3, 3.0 and '3' are one class, since a column has a point where another has gaps, and so are >50K, ' >50K' and
    Adult's '>50K.'. Texts that only Python or a spreadsheet takes for one number stay apart: 1_2 and 12, 1e3 and 1000.
    """
    if isinstance(label, bool | np.bool_):
        return str(bool(label)).lower()
    if isinstance(label, float | np.floating):
        number = float(label)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    text = str(label).translate(HIDDEN).strip().strip("'\"").strip()
    if PRINTED.fullmatch(text):  # numpy.savetxt's
        return canonical(float(text))
    return whole(text) if WHOLE.fullmatch(text) else text.removesuffix(".") or text


def whole(text: str) -> str:
    """A whole number without its point and sign, 10001 for 10001.0, where pandas has a point for gaps' sake."""
    found = WHOLE.fullmatch(text)
    return text if found is None else "0" if found[2] == "0" else f"{found[1]}{found[2]}"


def _matches(distinct: np.ndarray, word: str) -> np.ndarray:
    """The labels that a word of `dataset.positive` means."""
    exact = distinct == word
    if exact.any():
        return exact
    found = re.fullmatch(r"(>=|<=|>|<)\s*(-?[\d.]+(?:e-?\d+)?)", word)
    if found:
        try:
            numbers = distinct.astype(float)
        except ValueError:
            text = next(label for label in distinct.tolist() if not is_number(label))
            raise UserError(f"dataset.positive={word} needs numbers, and the target has the text {text!r}") from None
        within = COMPARISONS[found[1]](numbers, float(found[2]))
        if within.any():
            return within
    else:
        folded = np.array([label.lower() == word.lower() for label in distinct.tolist()])
        if folded.any():
            return folded
    known = distinct.tolist()
    near = did_you_mean(word, known, show=SHOWN)
    raise UserError(f"dataset.positive names no class of the target: {word!r}{near}")


def _of_two(known: list[str], codes: np.ndarray) -> str:
    if len(known) > 2:
        raise UserError(
            f"the target has {len(known)} classes ({_shown(known)}): say which count as positive, "
            f"as in {said('positive', known[-1])}"
        )
    for negative, positive in CONVENTIONS:
        if {label.lower() for label in known} == {negative, positive}:
            return next(label for label in known if label.lower() == positive)
    return known[int(np.bincount(codes).argmin())]


def is_number(text: str) -> bool:
    """True if a text reads as a number, in a file's digits and not in Python's."""
    return NUMBER.fullmatch(text.strip()) is not None


def _shown(labels: list[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(label if len(label) <= 40 else label[:37] + "..." for label in labels[:SHOWN]) + more
