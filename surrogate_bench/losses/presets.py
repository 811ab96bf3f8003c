"""The usual pairs of metric and relaxation under the names that people know."""

from functools import partial

from surrogate_bench.losses.relaxed import RelaxedMetric, membership
from surrogate_bench.metrics.threshold import f_beta, formula
from surrogate_bench.registry import register


@register(
    "loss",
    "soft_precision",
    family="relaxed counts",
    min_positives=1,
    min_negatives=1,
    reference="folklore; its degenerate optimum: Cotter et al., "
    "Optimization with Non-Differentiable Constraints, JMLR 20, 2019, https://jmlr.org/papers/v20/18-616.html",
)
def soft_precision() -> RelaxedMetric:
    """1 − Σ p·y / Σ p. Alone it is content with a few sure positives and almost no recall: look at the recall.

    A batch without positives has loss 1 and gradient 0.
    """
    return RelaxedMetric(formula("precision"), membership("probability"))


@register(
    "loss",
    "soft_recall",
    family="relaxed counts",
    min_positives=1,
    reference="folklore",
)
def soft_recall() -> RelaxedMetric:
    """1 − Σ p·y / Σ y. Alone it is content with predicting everything positive: look at the precision.

    A batch without positives has loss 1 and gradient 0.
    """
    return RelaxedMetric(formula("recall"), membership("probability"))


@register(
    "loss",
    "soft_f1",
    family="relaxed counts",
    min_positives=1,
    reference="Pastor-Pellicer et al., F-Measure as the Error Function to Train Neural Networks, IWANN 2013, "
    "https://doi.org/10.1007/978-3-642-38679-4_37",
)
def soft_f1(*, beta: float = 1.0) -> RelaxedMetric:
    """1 − F-beta on Σ p·y, Σ p·(1 − y), Σ (1 − p)·y; F1 by default.

    A batch without positives has loss 1 and gradient 0: its false positives are not pushed down.
    """
    return RelaxedMetric(partial(f_beta, beta=_positive("beta", beta)), membership("probability"))


@register(
    "loss",
    "soft_fbeta",
    family="relaxed counts",
    min_positives=1,
    reference="Pastor-Pellicer et al., F-Measure as the Error Function to Train Neural Networks, IWANN 2013, "
    "https://doi.org/10.1007/978-3-642-38679-4_37",
)
def soft_fbeta(*, beta: float = 2.0) -> RelaxedMetric:
    """1 − F-beta on probabilities, recall counting β times as much as precision; F2 by default.

    A batch without positives has loss 1 and gradient 0.
    """
    return RelaxedMetric(partial(f_beta, beta=_positive("beta", beta)), membership("probability"))


@register(
    "loss",
    "soft_jaccard",
    family="relaxed counts",
    min_positives=1,
    reference="Rahman, Wang, Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation, "
    "ISVC 2016, https://doi.org/10.1007/978-3-319-50835-1_22",
)
def soft_jaccard() -> RelaxedMetric:
    """1 − soft intersection over soft union. A batch without positives has loss 1 and gradient 0."""
    return RelaxedMetric(formula("jaccard"), membership("probability"))


@register(
    "loss",
    "soft_mcc",
    family="relaxed counts",
    min_positives=1,
    min_negatives=1,
    reference="Abhishek, Hamarneh, Matthews Correlation Coefficient Loss for Deep Convolutional Networks, ISBI 2021, "
    "https://arxiv.org/abs/2010.13454",
)
def soft_mcc() -> RelaxedMetric:
    """1 − Matthews' correlation on soft counts, in [0, 2]. A one-class batch has loss 1 and gradient 0."""
    return RelaxedMetric(formula("mcc"), membership("probability"))


@register(
    "loss",
    "soft_balanced_accuracy",
    family="relaxed counts",
    min_positives=1,
    min_negatives=1,
    reference="Marchetti et al., Score-Oriented Loss (SOL) functions, Pattern Recognition 132, 2022, "
    "https://doi.org/10.1016/j.patcog.2022.108913",
)
def soft_balanced_accuracy() -> RelaxedMetric:
    """1 − (soft recall + soft specificity) / 2. A one-class batch has loss 1 and gradient 0."""
    return RelaxedMetric(formula("balanced_accuracy"), membership("probability"))


@register(
    "loss",
    "soft_g_mean",
    family="relaxed counts",
    min_positives=1,
    min_negatives=1,
    reference="Han, Moniz, Chawla, AnyLoss, KDD 2024, https://arxiv.org/abs/2405.14745",
)
def soft_g_mean() -> RelaxedMetric:
    """1 − √(soft recall · soft specificity). A one-class batch has loss 1 and gradient 0."""
    return RelaxedMetric(formula("g_mean"), membership("probability"))


@register(
    "loss",
    "any_f1",
    family="relaxed counts",
    min_positives=1,
    reference="Han, Moniz, Chawla, AnyLoss: Transforming Classification Metrics into Loss Functions, KDD 2024, "
    "https://arxiv.org/abs/2405.14745",
)
def any_f1(*, scale: float = 73.0) -> RelaxedMetric:
    """AnyLoss-F1: 1 − F1 on σ(scale · (p − 0.5)). At scale 73 scores far from 0.5 get almost no gradient.

    A batch without positives has loss 1 and gradient 0.
    """
    return RelaxedMetric(formula("f1"), membership("sigmoid", scale=scale))


@register(
    "loss",
    "heaviside_f1",
    family="relaxed counts",
    min_positives=1,
    reference="Tsoi et al., Bridging the Gap: Unifying the Training and Evaluation of "
    "Neural Network Binary Classifiers, NeurIPS 2022, https://arxiv.org/abs/2009.01367",
)
def heaviside_f1(*, threshold: float = 0.5, delta: float = 0.2) -> RelaxedMetric:
    """1 − F1 on the piecewise-linear Heaviside of p around the threshold.

    A batch without positives has loss 1 and gradient 0.
    """
    return RelaxedMetric(formula("f1"), membership("piecewise_linear", threshold=threshold, delta=delta))


@register(
    "loss",
    "sol_f1",
    family="relaxed counts",
    min_positives=1,
    reference="Marchetti et al., Score-Oriented Loss (SOL) functions, Pattern Recognition 132, 2022, "
    "https://doi.org/10.1016/j.patcog.2022.108913",
)
def sol_f1(*, distribution: str = "cosine", mu: float = 0.5, delta: float = 0.1) -> RelaxedMetric:
    """1 − F1 expected over a random threshold; outside [μ − δ, μ + δ] the raised cosine gives no gradient.

    A batch without positives has loss 1 and gradient 0.
    """
    return RelaxedMetric(formula("f1"), membership("threshold_cdf", distribution=distribution, mu=mu, delta=delta))


@register(
    "loss",
    "straight_through_f1",
    family="straight-through",
    exact_gradient=False,
    min_positives=1,
    reference="Bengio, Léonard, Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013, "
    "https://arxiv.org/abs/1308.3432",
)
def straight_through_f1(*, scale: float = 10.0, threshold: float = 0.5) -> RelaxedMetric:
    """1 − hard F1 in value, with the gradient of the counts on σ(scale · (p − t)).

    A batch without positives, or with none of them found, has loss 1; the former has gradient 0.
    """
    return RelaxedMetric(formula("f1"), membership("straight_through", scale=scale, threshold=threshold))


def _positive(name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be positive, not {value}")
    return value
