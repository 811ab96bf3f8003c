"""Ranges of hyperparameters, said in one line."""

import math


def within(
    name: str, value: int | float, low: int | float, high: int | float, *, low_included: bool = False
) -> int | float:
    """The value, where it lies between low and high. Raises ValueError elsewhere, for NaN as well."""
    if not (low < value < high or (low_included and value == low)):
        bounds = f"above {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise ValueError(f"{name} must be {bounds}, not {value}")
    return value


def at_least(name: str, value: int | float, low: int | float) -> int | float:
    """The value, where it is finite and not below low. Raises ValueError elsewhere, for NaN as well."""
    if not low <= value < math.inf:
        raise ValueError(f"{name} must be at least {low:g} and finite, not {value}")
    return value
