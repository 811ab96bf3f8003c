"""Train, validation and test by seed, with all preprocessing fitted on the training part alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from surrogate_bench.datasets.encoding import encode
from surrogate_bench.datasets.labels import binary_target
from surrogate_bench.datasets.source import Images, Table
from surrogate_bench.errors import UserError

if TYPE_CHECKING:
    import torch

PARTS = ("train", "val", "test")


@dataclass(eq=False)
class Split:
    """One run's data: x float32 [N, ...], y float32 [N] in {0, 1}, and the rows int64 of each part.

    Splits of one data set have parts of one size whatever their seed, so that runs can be trained side by side.
    """

    x: torch.Tensor
    y: torch.Tensor
    train: torch.Tensor
    val: torch.Tensor
    test: torch.Tensor
    name: str
    positive: str
    leaking: list[str] = field(default_factory=list)


def make_split(source: Table | Images, *, positive: object = None, imratio: float | None = None, seed: int) -> Split:
    """Splits a data set by seed, stratified: 60/20/20, or 75/25 of what its own test part leaves.

    `positive` names the labels that count as 1 (see `labels.binary_target`). `imratio` is the share of positives that
    the training part is brought to, by leaving out positives at random, or negatives where there are too few;
    validation and test stay as they are. Raises UserError where a part would be without one of the classes.
    """
    import torch

    y, meaning = binary_target(source.target, positive, source.positive)
    generator = np.random.default_rng([seed, 0x5B1])
    parts = dict(zip(PARTS, _rows(y, source.test, generator), strict=True))
    if imratio is not None:
        parts["train"] = _thinned(parts["train"], y, imratio, generator)
    for part, rows in parts.items():
        for label, word in ((1, "positives"), (0, "negatives")):
            if not (y[rows] == label).any():
                raise UserError(
                    f"{source.name}: the {part} part has no {word}: "
                    f"{int((y == label).sum())} of {len(y)} rows are too few to split"
                )
    x = source.x if isinstance(source, Images) else torch.from_numpy(encode(source, parts["train"]))
    leaks = source.leaking if isinstance(source, Table) else []
    tensors = {part: torch.from_numpy(rows) for part, rows in parts.items()}
    return Split(x=x, y=torch.from_numpy(y), name=source.name, positive=meaning, leaking=leaks, **tensors)


def _rows(y: np.ndarray, test: np.ndarray | None, generator: np.random.Generator) -> list[np.ndarray]:
    shares = [0.6, 0.8] if test is None else [0.75]
    free = np.ones(len(y), dtype=bool)
    if test is not None:
        free[test] = False
    cut = []
    for label in (0, 1):
        rows = generator.permutation(np.flatnonzero(free & (y == label)))
        cut.append(np.split(rows, np.rint(np.array(shares) * len(rows)).astype(int)))
    joined = [np.sort(np.concatenate(pair)) for pair in zip(*cut, strict=True)]
    return joined if test is None else [*joined, np.sort(test)]


def _thinned(train: np.ndarray, y: np.ndarray, imratio: float, generator: np.random.Generator) -> np.ndarray:
    if not 0 < imratio < 1:
        raise UserError(f"dataset.imratio must be a share between 0 and 1, not {imratio}")
    kept = {label: train[y[train] == label] for label in (0, 1)}
    positives, negatives = len(kept[1]), len(kept[0])
    wanted = round(imratio * negatives / (1 - imratio))
    if wanted <= positives:
        kept[1] = generator.permutation(kept[1])[:wanted]
    else:
        kept[0] = generator.permutation(kept[0])[: round((1 - imratio) * positives / imratio)]
    if not (len(kept[0]) and len(kept[1])):
        raise UserError(
            f"dataset.imratio={imratio} leaves a class without training examples "
            f"({positives} positives, {negatives} negatives)"
        )
    return np.sort(np.concatenate(list(kept.values())))
