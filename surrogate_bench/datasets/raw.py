"""One table for many seeds: its rows as they were read, each scaled by its own member's training rows when taken."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from surrogate_bench.datasets.encoding import Encoding, Number


class Shared:
    """The rows of one table as K encodings make them: bit for bit those of `Encoding.all_rows`, but held once.

    A member costs a few numbers a column in place of a table.
    """

    def __init__(self, encodings: list[Encoding]) -> None:
        one = encodings[0]
        self.numbers, self.codes = one.table.by_rows
        starts = np.cumsum([0, *one.widths])
        self.features = int(starts[-1])
        number = [isinstance(own, Number) for own in one.columns]
        self.at = torch.from_numpy(starts[:-1][number])
        scales = [[own for own in each.columns if isinstance(own, Number)] for each in encodings]
        self.median, self.size, self.mean, self.deviation = (
            torch.tensor([[getattr(own, name) for own in each] for each in scales], dtype=torch.float64)[:, None]
            for name in ("median", "size", "mean", "deviation")
        )
        self.constant = torch.tensor([[own.constant for own in each] for each in scales])[:, None]
        self.gaps = bool(self.numbers.isnan().any())
        self.sized = bool((self.size != 1).any())
        places, values = [], []
        for each in encodings:
            own = [
                (np.where(column.place < 0, self.features, column.place + start), column.value)
                for column, start in zip(each.columns, starts[:-1], strict=True)
                if not isinstance(column, Number)
            ]
            places.append(np.concatenate([place for place, _ in own]) if own else np.zeros(0, dtype=np.int64))
            values.append(np.concatenate([value for _, value in own]) if own else np.zeros(0, dtype=np.float32))
        self.places, self.values = torch.from_numpy(np.stack(places)), torch.from_numpy(np.stack(values))
        counts = [len(categories) for _, categories in one.table.categories.values()]
        self.first = torch.from_numpy(np.cumsum([0, *counts])[:-1])

    def rows(self, rows: Tensor) -> Tensor:
        """x float32 [K, n, F] at rows [K, n]."""
        numbers = self._numbers(rows)
        if not len(self.first):
            return numbers
        # What has no place goes to a column beyond the last, which is cut off.
        x = numbers.new_zeros(*rows.shape, self.features + 1)
        x[..., self.at] = numbers
        codes = (self.codes[rows].long() + self.first).flatten(1)
        places = self.places.gather(1, codes).view(*rows.shape, len(self.first))
        x.scatter_(2, places, self.values.gather(1, codes).view_as(places))
        return x[..., : self.features].contiguous()

    def _numbers(self, rows: Tensor) -> Tensor:
        x = self.numbers.index_select(0, rows.flatten()).view(*rows.shape, self.numbers.shape[1]).double()
        if self.gaps:
            x = torch.where(x.isnan(), self.median, x)
        if self.sized:
            x /= self.size
        x = x.sub_(self.mean).div_(self.deviation).float()
        return x.masked_fill_(self.constant, 0.0) if self.constant.any() else x
