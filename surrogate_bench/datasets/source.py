"""What a data set is before it is split: columns or pixels, and a target that still has its own labels."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from surrogate_bench.datasets.leakage import leaking
from surrogate_bench.digests import LENGTH

if TYPE_CHECKING:
    import torch


# Of a column of text, whose categories are few however many rows have one.
FEW_TEXTS = 10


@dataclass(eq=False)
class Source:
    """What tables and images share.

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
    """Named columns of one length: float64 with NaN where a number is missing, object arrays of str with None."""

    columns: dict[str, np.ndarray] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """Of the columns, by their names, and the target, as they were read."""
        read = sha256()
        for name, values in (*self.columns.items(), (None, self.target)):
            text = values.dtype == object or name is None  # labels are what they look like, of whatever type they are
            told = json.dumps([None if v is None else str(v) for v in values.tolist()]).encode() if text else b""
            read.update(f"{name!a} {len(values)} {len(told)} ".encode() + (told or values.astype("<f8").tobytes()))
        return read.hexdigest()[:LENGTH]

    @cached_property
    def leaking(self) -> list[str]:
        """The columns that say the target in other words."""
        return leaking(self.columns, self.target)

    @cached_property
    def scattered(self) -> list[str]:
        """The columns of text that is another one in most of the rows that have any."""
        found = []
        for name, values in self.columns.items():
            texts = values[values != np.array(None)].tolist() if values.dtype == object else []
            if len(set(texts)) > max(FEW_TEXTS, len(texts) / 2):
                found.append(name)
        return found


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
    def x(self) -> torch.Tensor:
        """The pixels as float32, standardised by channel; one tensor for every run on these images."""
        import torch

        shape = (1, -1, 1, 1)
        mean, std = torch.tensor(self.mean).view(shape), torch.tensor(self.std).view(shape)
        return torch.from_numpy(self.pixels).float().div_(255).sub_(mean).div_(std)
