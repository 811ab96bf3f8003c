"""Train, validation and test by seed, with all preprocessing fitted on the training part alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.datasets.alarms import alarms_of
from surrogate_bench.datasets.encoding import Encoding, fit
from surrogate_bench.datasets.labels import binary_target
from surrogate_bench.datasets.sampling import sampled
from surrogate_bench.datasets.source import Images, Table
from surrogate_bench.errors import UserError
from surrogate_bench.system import digests

if TYPE_CHECKING:
    import torch

    from surrogate_bench.datasets.pixels import Pixels

PARTS = ("train", "val", "test")
# Raised by 1 whenever the numbers that come of splitting or scaling change on purpose: older results are then stale.
REVISION = 1


@dataclass(eq=False)
class Split:
    """One run's data: x float32 [N, ...], y float32 [N] in {0, 1}, and the rows int64 of each part.

    Splits of one data set have parts of one size whatever their seed, so that runs can be trained side by side. `given`
    is what x is made of: pictures, which all seeds share, or how this seed's training rows encode the table. `data` is
    the digest of the data before they were split or scaled.
    """

    given: Pixels | Encoding
    y: torch.Tensor
    train: torch.Tensor
    val: torch.Tensor
    test: torch.Tensor
    name: str
    positive: str
    remarks: tuple[dict[str, str], ...] = ()
    data: str = ""

    @cached_property
    def x(self) -> torch.Tensor:
        """Every example as it is trained on."""
        import torch

        given = self.given
        return torch.from_numpy(given.all_rows()) if isinstance(given, Encoding) else given.scaled(given.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """An example's shape."""
        return (sum(self.given.widths),) if isinstance(self.given, Encoding) else tuple(self.given.values.shape[1:])

    @property
    def source(self) -> Pixels | Table:
        """The source that splits by other seeds share."""
        return self.given.table if isinstance(self.given, Encoding) else self.given

    @property
    def own_bytes(self) -> int:
        """The bytes that it holds and splits by other seeds do not."""
        rows = sum(getattr(self, part).nbytes for part in PARTS)
        return rows + (self.x.nbytes if "x" in vars(self) else 0)

    @cached_property
    def parts(self) -> str:
        """The digest of which rows are whose."""
        return self._rows_of(*PARTS)

    @cached_property
    def tested(self) -> str:
        """The digest of which rows are the test part's."""
        return self._rows_of("test")

    def _rows_of(self, *parts: str) -> str:
        rows = (getattr(self, part).numpy().astype("<i8") for part in parts)
        return digests.short(b"".join(f"{len(own)} ".encode() + own.tobytes() for own in rows))


def make_split(
    source: Table | Images,
    *,
    positive: object = None,
    imratio: float | None = None,
    fold: int | None = None,
    folds: int = 10,
    folds_seed: int = 0,
    validation: float = 0.25,
    scaling: str = "train",
    rows: int | None = None,
    rows_seed: int = 0,
    seed: int,
) -> Split:
    """Splits a data set, stratified: a fifth for test by seed, or its own test part, or the part of `fold`.

    `fold` k takes the k-th of the data set's given splits where it has some, else of scikit-learn's
    StratifiedKFold(folds, shuffle=True, random_state=folds_seed) over the rows in file order. `validation` is the
    share of the other rows that validates, by seed; at 0 the training rows do. `positive` names the labels that count
    as 1 (see `labels.binary_target`). `imratio` is the share of positives that the training part is brought to, by
    leaving out positives at random, or negatives where there are too few; validation and test stay as they are.
    `scaling` is what a table's columns are scaled by: `train` its training rows, `all` every row, or `none`.
    `rows` is how many rows take part at most, the same for every seed: a stratified sample of those outside of the
    data set's own test parts, drawn by `rows_seed`.
    Raises UserError where a part would be without one of the classes.
    """
    import torch

    digest = source.digest
    y, meaning = binary_target(source.target, positive, source.positive)
    if rows is not None:
        source, y = sampled(source, y, rows, rows_seed)
    generator = np.random.default_rng([seed, 0x5B1])
    test = source.test if fold is None else _fold(source, y, fold, folds, folds_seed)
    parts = dict(zip(PARTS, _rows(y, test, validation, generator), strict=True))
    if imratio is not None:
        parts["train"] = _thinned(parts["train"], y, imratio, generator)
    for part, own in parts.items():
        for label, word in ((1, "positives"), (0, "negatives")):
            if not (y[own] == label).any():
                raise UserError(
                    f"{source.name}: the {part} part has no {word}: "
                    f"{int((y == label).sum())} of {len(y)} rows are too few to split"
                )
    given: Pixels | Encoding
    if isinstance(source, Images):
        if scaling != "train":
            raise UserError(f"dataset.scaling={scaling} is for tables: pictures have one scale for all")
        given, encoding = source.given, None
    else:
        fitted = np.arange(len(y)) if scaling == "all" else parts["train"]
        given = encoding = fit(source, fitted, scaled=scaling != "none")
    remarks = (*source.remarks, *alarms_of(source, encoding, y, parts, validation, scaling))
    tensors: dict[str, Any] = {part: torch.from_numpy(own) for part, own in parts.items()}
    told: dict[str, Any] = {"name": source.name, "positive": meaning, "remarks": remarks, "data": digest}
    return Split(given=given, y=torch.from_numpy(y), **tensors, **told)


def _fold(source: Table | Images, y: np.ndarray, fold: int, folds: int, folds_seed: int) -> np.ndarray:
    """The rows of a fold's test part, ascending."""
    count = len(source.splits) or folds
    if fold >= count:
        raise UserError(f"dataset.fold must be below {count}, the number of folds, not {fold}")
    if source.splits:
        return np.sort(source.splits[fold])
    if source.test is not None:
        raise UserError(f"{source.name} brings its own test part: leave out dataset.fold")
    least = int(min(y.sum(), len(y) - y.sum()))
    if least < folds:
        raise UserError(f"dataset.folds={folds}: {source.name} has only {least} rows of its rarer class")
    from sklearn.model_selection import StratifiedKFold

    cut = StratifiedKFold(folds, shuffle=True, random_state=folds_seed).split(y, y)
    return next(rows for k, (_, rows) in enumerate(cut) if k == fold)


def _rows(
    y: np.ndarray, test: np.ndarray | None, validation: float, generator: np.random.Generator
) -> list[np.ndarray]:
    shares = [0.8 * (1 - validation), 0.8] if test is None else [1 - validation]
    free = np.ones(len(y), dtype=bool)
    if test is not None:
        free[test] = False
    cut = []
    for label in (0, 1):
        rows = generator.permutation(np.flatnonzero(free & (y == label)))
        cut.append(np.split(rows, np.rint(np.array(shares) * len(rows)).astype(int)))
    joined = [np.sort(np.concatenate(pair)) for pair in zip(*cut, strict=True)]
    if not validation:
        joined[1] = joined[0]
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
