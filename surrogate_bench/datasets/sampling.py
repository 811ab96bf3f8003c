"""A part of a data set's rows, where all of them would be too many."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from surrogate_bench.datasets.source import Images, Table


def sampled(source: Table | Images, y: np.ndarray, count: int, seed: int) -> tuple[Table | Images, np.ndarray]:
    """At most `count` rows with their y [N], each class at its share, in the order that they have.

    A test part that the data set brings along stays whole and is not counted; of given splits, those rows remain that
    are in the sample. It depends on the sample's own seed alone, so that every run on a data set has the same rows.
    """
    free = np.ones(len(y), dtype=bool)
    if source.test is not None:
        free[source.test] = False
    there = int(free.sum())
    if count >= there:
        return source, y
    generator = np.random.default_rng([seed, 0x5A3])
    positives = min(max(1, round(count * int(y[free].sum()) / there)), count - 1)
    kept = ~free
    for label, wanted in ((0, count - positives), (1, positives)):
        kept[generator.permutation(np.flatnonzero(free & (y == label)))[:wanted]] = True
    return _taken(source, np.packbits(kept).tobytes()), y[kept]


@functools.lru_cache(maxsize=4)
def _taken(source: Table | Images, packed: bytes) -> Table | Images:
    kept = np.unpackbits(np.frombuffer(packed, np.uint8), count=len(source.target)).astype(bool)
    place = np.cumsum(kept) - 1
    test = None if source.test is None else place[source.test]
    splits = tuple(place[rows[kept[rows]]] for rows in source.splits)
    told = {"target": source.target[kept], "test": test, "splits": splits}
    if isinstance(source, Images):
        return replace(source, pixels=source.pixels[kept], **told)
    return replace(source, columns={name: values[kept] for name, values in source.columns.items()}, **told)
