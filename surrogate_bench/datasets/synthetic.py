"""Drawn data, whose difficulty can be set."""

from __future__ import annotations

from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError
from surrogate_bench.registry import register


@register(
    "dataset",
    "synthetic",
    reference="Guyon, Design of experiments of the NIPS 2003 variable selection benchmark, 2003, "
    "http://clopinet.com/isabelle/Projects/NIPS2003/Slides/NIPS2003-Datasets.pdf",
)
def synthetic(
    *,
    size: int = 2000,
    share: float = 0.1,
    features: int = 20,
    informative: int = 5,
    separation: float = 1.0,
    label_noise: float = 0.0,
    data_seed: int = 0,
) -> Table:
    """Gaussian clusters on a hypercube's corners: size, positives' share, separation and label noise as you like.

    separation: half the distance of the corners. label_noise: share of labels drawn anew. data_seed draws the data;
    the run's seed only splits it.
    """
    for word, value, low, high in (
        ("size", size, 20, 10**8),
        ("features", features, 2, 10**5),
        ("informative", informative, 2, features),
        ("data_seed", data_seed, 0, 2**32 - 1),
        ("share", share, 0, 1),
        ("label_noise", label_noise, 0, 1),
    ):
        if not low <= value <= high:
            raise UserError(f"dataset.{word} must be from {low} to {high}, not {value}")
    from sklearn.datasets import make_classification

    x, target = make_classification(
        n_samples=size,
        n_features=features,
        n_informative=informative,
        n_redundant=0,
        weights=[1 - share],
        class_sep=separation,
        flip_y=label_noise,
        random_state=data_seed,
    )
    columns = {f"feature {i}": column for i, column in enumerate(x.T)}
    return Table("synthetic", target, positive=(1,), columns=columns)
