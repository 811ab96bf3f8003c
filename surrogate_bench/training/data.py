"""The members' data in memory, and their batches: each member its own split and its own order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from surrogate_bench.datasets.encoding import Encoding
from surrogate_bench.datasets.pixels import Pixels
from surrogate_bench.datasets.raw import Shared
from surrogate_bench.system.rounding import ALIGNED

if TYPE_CHECKING:
    from surrogate_bench.datasets import Split

# Examples are gathered for many batches at a time, but never more bytes than these at once.
CHUNK_BYTES = 1 << 26
# Where rows are scaled as well, these stay in a processor's cache.
SCALED_BYTES = 1 << 20
# What is evaluated at a time of one member, however many there are: a product's last digits may depend on its shape.
PORTION_EXAMPLES, PORTION_BYTES = 4096, 1 << 20
# Scaled tables of different seeds are made for all members where they take no more than this: it is faster.
COPIED_BYTES = 1 << 26
# Of each example of a member: which part it is in, its place in an epoch's order, and what it is measured by.
EXAMPLE_BYTES = 64
STREAMS = ("weights", "order", "loss")


def stream_seed(seed: int, stream: str) -> int:
    """A seed for one of a run's independent sources of randomness."""
    return seed * len(STREAMS) + STREAMS.index(stream)


class PopulationData:
    """The data of K members: rows of their data sets, and each member's rows for training and validation.

    Members whose splits share their examples (pictures, one seed) share them here too. With `stratify`, a batch size,
    every batch holds its share of each class.
    """

    def __init__(
        self, splits: list[Split], seeds: list[int], device: torch.device, *, flat: bool, stratify: int | None = None
    ) -> None:
        distinct = list({id(split.given): split for split in splits}.values())
        encodings = [split.given for split in splits if isinstance(split.given, Encoding)]
        self.shape = (math.prod(splits[0].shape),) if flat else splits[0].shape
        self.shared: Shared | None = None
        self.pixels = splits[0].given if isinstance(splits[0].given, Pixels) else None
        offsets = [0] * len(splits)
        if encodings and is_shared(len(distinct), splits[0], device):
            self.shared = Shared(encodings)
            self.y = splits[0].y
        else:
            first = {id(split.given): i * len(split.y) for i, split in enumerate(distinct)}
            offsets = [first[id(split.given)] for split in splits]
            self.x = _joined([_rows_of(split) for split in distinct]).to(device)
            self.y = _joined([split.y for split in distinct]).to(device)
        self.parts = {
            part: torch.stack([getattr(s, part) + o for s, o in zip(splits, offsets, strict=True)]).to(device)
            for part in ("train", "val", "test")
        }
        self.orders = [torch.Generator().manual_seed(stream_seed(seed, "order")) for seed in seeds]
        self.device = device
        self.stratify = stratify
        self.positive = self.targets("train").cpu() > 0.5
        # How many batches of each epoch held no positive, [K] each.
        self.without_positives: list[Tensor] = []

    @property
    def examples(self) -> int:
        """Training examples a member."""
        return self.parts["train"].shape[1]

    def targets(self, part: str) -> Tensor:
        """A part's targets [K, N]."""
        return self.y[self.parts[part]]

    def epoch(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """One pass in a new order: x [K, B, ...], targets [K, B], positions in the training set [K, B]."""
        order = torch.stack([torch.randperm(self.examples, generator=generator) for generator in self.orders])
        if self.stratify:
            order = torch.stack([_spread(own, y, self.stratify) for own, y in zip(order, self.positive, strict=True)])
        self.without_positives.append(_without(self.positive.gather(1, order), batch_size))
        order = order.to(self.device)
        for positions in order.split(self._chunk(batch_size), 1):
            rows = self.parts["train"].gather(1, positions)
            batches = (self.rows(rows), self.y[rows], positions)
            yield from zip(*(tensor.split(batch_size, 1) for tensor in batches), strict=True)

    def portions(self, part: str) -> Iterator[Tensor]:
        """A part's x [K, n, ...] in its own order, some examples at a time."""
        examples = PORTION_BYTES // (4 * math.prod(self.shape))
        for rows in self.parts[part].split(max(1, min(examples, PORTION_EXAMPLES)), 1):
            yield self.rows(rows)

    def rows(self, rows: Tensor) -> Tensor:
        """The examples x [K, n, ...] at rows [K, n], each member's at an aligned address."""
        filled = torch.nn.functional.pad(rows, (0, -rows.shape[1] % ALIGNED))
        if self.shared:
            return self.shared.rows(filled)[:, : rows.shape[1]]
        taken = self.x.index_select(0, filled.flatten())
        x = taken if self.pixels is None else self.pixels.scaled(taken)
        return x.view(*filled.shape, *self.shape)[:, : rows.shape[1]]

    def _chunk(self, multiple: int) -> int:
        a_position = 4 * math.prod(self.shape) * len(self.orders)
        scaled = self.shared or (self.pixels and self.device.type == "cpu")
        return max(1, (SCALED_BYTES if scaled else CHUNK_BYTES) // (a_position * multiple)) * multiple


def member_bytes(split: Split, device: torch.device) -> int:
    """The bytes of one more member of a population beside its net, if it has a seed of its own."""
    own = EXAMPLE_BYTES * len(split.y)
    return own if device.type == "cpu" or not isinstance(split.given, Encoding) else own + _table_bytes(split)


def is_shared(seeds: int, split: Split, device: torch.device) -> bool:
    """True if so many seeds of a table read its rows as they are, and scale them batch by batch."""
    large = seeds > 1 and seeds * _table_bytes(split) > COPIED_BYTES
    return large and device.type == "cpu" and isinstance(split.given, Encoding)


def _table_bytes(split: Split) -> int:
    return 4 * math.prod(split.shape) * len(split.y)


def _rows_of(split: Split) -> Tensor:
    return split.given.values if isinstance(split.given, Pixels) else split.x


def _joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat(tensors) if len(tensors) > 1 else tensors[0]


def _without(positive: Tensor, batch_size: int) -> Tensor:
    """How many of the batches that an epoch's targets [K, N] are cut into hold no positive, [K]."""
    batches = torch.nn.functional.pad(positive, (0, -positive.shape[1] % batch_size)).unflatten(1, (-1, batch_size))
    return (~batches.any(-1)).sum(-1)


def _spread(order: Tensor, positive: Tensor, batch_size: int) -> Tensor:
    """The order [N] so changed that batches hold equal shares of the rarer class, and one each where it can."""
    n = len(order)
    rare = positive[order] if 2 * positive.sum() <= n else ~positive[order]
    few, many = order[rare], order[~rare]
    ends = torch.arange(batch_size, n + batch_size, batch_size).clamp_max(n)
    least = torch.arange(1, len(ends) + 1) if len(few) >= len(ends) else torch.zeros_like(ends)
    quota = least + ends * (len(few) - int(least[-1])) // n
    batch = torch.cat(
        (
            torch.searchsorted(quota, torch.arange(len(few)), right=True),
            torch.searchsorted(ends - quota, torch.arange(len(many)), right=True),
        )
    )
    return torch.cat((few, many))[batch.argsort(stable=True)]
