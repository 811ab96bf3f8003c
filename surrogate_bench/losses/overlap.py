"""Relaxed counts as segmentation writes them (Dice, Tversky), and the logit-space sigmoid of sigmoidF1."""

from torch import Tensor

from surrogate_bench.counts import Counts, totals
from surrogate_bench.losses.base import Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import at_least, within
from surrogate_bench.metrics.threshold import formula, ratio
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import positive_power, sigmoid


@register(
    "loss",
    "sigmoid_f1",
    family="relaxed counts",
    revision=2,
    min_positives=1,
    threshold=0.2689,
    reference="Bénédict et al., sigmoidF1: A Smooth F1 Score Surrogate Loss for Multilabel Classification, TMLR 2022, "
    "https://arxiv.org/abs/2108.10566",
)
class SigmoidF1(Loss):
    """1 − F1 on memberships σ(b·(z + c)) of the logit z: the paper's formula, with no second sigmoid over the first.

    b = 10 and c = 1 are S = −10 and E = 1 in the `hyperparameters.py` of the authors' repository, which applies them to
    p. On z their decision is at −1, where p is 0.27. Its PyTorch code has S = −1 and E = 0, which on z is `soft_f1`. A
    batch without positives has loss 1 and gradient 0.
    """

    takes_weights = True

    def __init__(self, *, b: float = 10.0, c: float = 1.0) -> None:
        super().__init__()
        self.metric = formula("f1")
        self.b, self.c = within("b", b, 0, float("inf")), within("c", c, -float("inf"), float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        return 1 - ratio(self.metric(Counts.of(sigmoid(self.b * (logits + self.c)), targets, weight)))


@register(
    "loss",
    "dice",
    family="relaxed counts",
    reference="Drozdzal et al., The Importance of Skip Connections in Biomedical Image Segmentation, 2016, "
    "https://arxiv.org/abs/1608.04117",
)
class Dice(Loss):
    """1 − (2·TP + s) / (2·TP + FP + FN + s), s = `smooth` > 0.

    Its denominator is Σp + Σy, where V-Net (Milletari et al. 2016) has Σp² + Σy² and no constant. The constant keeps a
    gradient against false positives in a batch without positives.
    """

    takes_weights = True

    def __init__(self, *, smooth: float = 1.0) -> None:
        super().__init__()
        self.smooth = within("smooth", smooth, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        tp, predicted, positives, _ = totals(sigmoid(logits), targets, weight)
        return 1 - (2 * tp + self.smooth) / (predicted + positives + self.smooth)


@register(
    "loss",
    "tversky",
    family="relaxed counts",
    reference="Salehi, Erdogmus, Gholipour, Tversky loss function for image segmentation, MLMI 2017, "
    "https://arxiv.org/abs/1706.05721",
)
class Tversky(Loss):
    """1 − (TP + s) / (TP + α·FP + β·FN + s): β above α asks for recall.

    The constant `smooth` keeps a gradient against false positives in a batch without positives.
    """

    takes_weights = True

    def __init__(self, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0) -> None:
        super().__init__()
        self.alpha, self.beta = at_least("alpha", alpha, 0), at_least("beta", beta, 0)
        self.smooth = within("smooth", smooth, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:  # noqa: ARG002
        c = Counts.of(sigmoid(logits), targets, weight)
        missed = self.alpha * c.fp + self.beta * c.fn
        return missed / (c.tp + missed + self.smooth)


@register(
    "loss",
    "focal_tversky",
    family="relaxed counts",
    reference="Abraham, Khan, A Novel Focal Tversky Loss Function With Improved Attention U-Net, ISBI 2019, "
    "https://arxiv.org/abs/1810.07842",
)
class FocalTversky(Tversky):
    """(Tversky loss)^γ: below 1 it stays steep as the loss becomes small.

    The constant `smooth` keeps a gradient against false positives in a batch without positives.
    """

    def __init__(self, *, alpha: float = 0.3, beta: float = 0.7, gamma: float = 0.75, smooth: float = 1.0) -> None:
        super().__init__(alpha=alpha, beta=beta, smooth=smooth)
        self.gamma = within("gamma", gamma, 0, float("inf"))

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None, weight: Targets | None = None) -> Value:
        # The power's derivative is infinite at 0, which a perfect batch reaches in fp32.
        return positive_power(super().compute(logits, targets, index, weight).clamp_min(1e-12), self.gamma)
