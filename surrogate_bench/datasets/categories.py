"""Columns of categories, however a table holds them: texts, or codes into a list of texts."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_categorical(values: Any) -> bool:
    """True if a column holds categories, not numbers."""
    return hasattr(values, "codes") or values.dtype == object if not hasattr(values, "rows") else False


def coded(values: Any) -> tuple[np.ndarray, list[str]]:
    """A column of categories as codes int64 [N], -1 for a missing one, and the categories in their order."""
    if hasattr(values, "codes"):
        return np.asarray(values.codes).astype(np.int64), [str(text) for text in values.categories]
    texts = values.tolist()
    names = sorted({text for text in texts if text is not None})
    place = {name: i for i, name in enumerate(names)}
    return np.array([-1 if text is None else place[text] for text in texts], dtype=np.int64), names
