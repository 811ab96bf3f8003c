"""A data set before it is split: columns or pixels, and a target that still has its own labels."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.categories import coded, is_categorical
from surrogate_bench.datasets.leakage import leaking
from surrogate_bench.datasets.telling import telling
from surrogate_bench.system.digests import LENGTH

if TYPE_CHECKING:
    import torch

    from surrogate_bench.datasets.pixels import Pixels


# Of a column of text, whose categories are few however many rows have one.
FEW_TEXTS = 10


@dataclass(eq=False)
class Source:
    """The common part of tables and images.

    target: a label an example, of any type. test: the rows of a test part that the data set brings along, or None;
    splits: those of several such parts, of which a run's `fold` takes one. remarks: alarms about the data themselves.
    positive: the labels that count as positive unless a run says otherwise; empty where it must say so or where the
    target has two labels, of which the rarer is taken.
    """

    name: str
    target: np.ndarray
    test: np.ndarray | None = None
    positive: tuple[object, ...] = ()
    splits: tuple[np.ndarray, ...] = ()
    remarks: tuple[dict[str, str], ...] = ()


@dataclass(eq=False, kw_only=True)
class Table(Source):
    """Named columns of one length.

    columns: numbers of any width with NaN where one is missing (arrays, or `columns.Sparse`); categories as object
    arrays of str with None, or as pandas' Categorical. many: what becomes of categories beyond the commonest, see
    `encoding.encode`.
    """

    columns: dict[str, Any] = field(repr=False)
    many: str = "other"
    _told: dict[bytes, dict[str, str]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def digest(self) -> str:
        """Of the columns, by their names, and the target, as they were read."""
        read = sha256()
        for name, values in self.columns.items():
            text = is_categorical(values)
            told = _texts(*coded(values)) if text else np.asarray(values, dtype="<f8").tobytes()
            read.update(f"{name!a} {text} {len(values)} {len(told)} ".encode() + told)
        # Labels are what they look like, of whatever type they are.
        read.update(json.dumps([str(label) for label in self.target.tolist()]).encode())
        return read.hexdigest()[:LENGTH]

    @cached_property
    def nbytes(self) -> int:
        """The bytes that the columns take."""
        return sum(values.nbytes for values in self.columns.values())

    @cached_property
    def categories(self) -> dict[str, tuple[np.ndarray, list[str]]]:
        """Each column of categories as codes [N], as narrow as they can be, and its categories in their order.

        A missing one is the empty text; what no row has is left out.
        """
        return {name: _with_missing(values) for name, values in self.columns.items() if is_categorical(values)}

    @cached_property
    def ranges(self) -> dict[str, np.ndarray]:
        """The smallest and the largest value of each column of numbers, and NaN where some are missing."""
        found = {}
        for name, values in self.columns.items():
            if not is_categorical(values):
                numbers = np.asarray(values, dtype=np.float64)
                known = numbers[~np.isnan(numbers)]
                ends = [known.min(), known.max()] if len(known) else []
                found[name] = np.array(ends + [np.nan] * (len(known) < len(numbers)))
        return found

    @cached_property
    def by_rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The numbers [N, C], in the narrower float that holds each exactly, and the codes of categories [N, D]."""
        import torch

        numbers = [np.asarray(values) for name, values in self.columns.items() if name not in self.categories]
        exact = all(np.can_cast(values.dtype, np.float32) for values in numbers)
        rows = len(self.target)
        x = np.empty((rows, len(numbers)), dtype=np.float32 if exact else np.float64)
        codes = np.empty((rows, len(self.categories)), dtype=np.int32)
        for i, values in enumerate(numbers):
            x[:, i] = values
        for i, (own, _) in enumerate(self.categories.values()):
            codes[:, i] = own
        return torch.from_numpy(x), torch.from_numpy(codes)

    @cached_property
    def leaking(self) -> list[str]:
        """The columns that say the target in other words."""
        return leaking(self.columns, self.target)

    def telling(self, y: np.ndarray) -> dict[str, str]:
        """The columns that tell the target y [N] in {0, 1} by themselves, and what each can do."""
        key = np.packbits(y > 0).tobytes()  # of thousands of seeds it is one target
        if key not in self._told:
            self._told[key] = telling(self.columns, y)
        return self._told[key]

    @cached_property
    def scattered(self) -> list[str]:
        """The columns of text that is another one in most of the rows that have any."""
        found = []
        for name, values in self.columns.items():
            if is_categorical(values):
                codes, _ = coded(values)
                present = codes[codes >= 0]
                if len(np.unique(present)) > max(FEW_TEXTS, len(present) / 2):
                    found.append(name)
        return found


def _texts(codes: np.ndarray, categories: list[str]) -> bytes:
    """A column of categories as bytes, whatever numbers they have: those that occur, sorted, and each row's place."""
    used = np.unique(codes[codes >= 0])
    names = [categories[code] for code in used.tolist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.full(len(categories) + 1, -1, dtype="<i4")  # the last is that of a missing one, whose code is -1
    place[used[order]] = np.arange(len(order))
    return json.dumps([names[i] for i in order]).encode() + place[codes].tobytes()


def _with_missing(values: Any) -> tuple[np.ndarray, list[str]]:
    """Codes and categories in the order of their texts, of which a missing one is the empty."""
    codes, categories = coded(values)
    distinct = sorted({*categories, *([""] if (codes < 0).any() else [])})
    place = {text: i for i, text in enumerate(distinct)}
    codes = np.array([*(place[text] for text in categories), place.get("", -1)], dtype=np.int64)[codes]
    used = np.bincount(codes, minlength=len(distinct)) > 0
    narrow = (np.cumsum(used) - 1).astype(np.min_scalar_type(max(1, len(distinct))))
    return narrow[codes], [text for text, there in zip(distinct, used.tolist(), strict=True) if there]


@dataclass(eq=False, kw_only=True)
class Images(Source):
    """Pixels uint8 [N, C, H, W], with the mean and standard deviation a channel of the training part, in [0, 1]."""

    pixels: np.ndarray = field(repr=False)
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @cached_property
    def digest(self) -> str:
        """Of the pixels and the target, as they were read."""
        read = sha256(f"{self.pixels.shape} ".encode() + json.dumps([str(v) for v in self.target.tolist()]).encode())
        read.update(np.ascontiguousarray(self.pixels).data)
        return read.hexdigest()[:LENGTH]

    @cached_property
    def given(self) -> Pixels:
        """The images that every run trains on."""
        import torch

        from surrogate_bench.datasets.pixels import Pixels

        mean, deviation = (torch.tensor(each).view(1, -1, 1, 1) for each in (self.mean, self.std))
        return Pixels(torch.from_numpy(self.pixels), mean, deviation)
