"""Everything that a run reports about its scores, from one sort."""

from typing import Any

import torch
from jaxtyping import Float, Int64, Num
from torch import Tensor

from surrogate_bench.counts import Counts
from surrogate_bench.metrics import calibration, ranking
from surrogate_bench.metrics.curve import Curve, curve
from surrogate_bench.metrics.names import base_name, names
from surrogate_bench.metrics.threshold import Formula, formula, ratio

Measured = dict[str, dict[str, Tensor]]


def evaluate(
    logits: Num[Tensor, "*problems n"],
    targets: Num[Tensor, "*problems n"] | Tensor,
    threshold: float = 0.5,
    *,
    tuned: float | Float[Tensor, "*problems"] | None = None,
    tune_for: str = "f1",
) -> dict[str, dict[str, Any]]:
    """All metrics of logits [..., N] against targets [..., N] in {0, 1}, hard and soft side by side.

    `hard` is at `threshold` on the probability, `hard_tuned` at `tuned`, or, without it, at the threshold that is best
    for the metric `tune_for` on these very examples; `soft` is on soft counts (Σ p·y, ...), `ranking` and
    `calibration` are as their functions say; `undefined` marks what has a denominator of 0 and is therefore 0.0;
    `thresholds` holds both thresholds. Values are floats for [N] and tensors [...] for more dimensions.

    Raises ValueError where the shapes differ, there is no example, a logit is NaN or a target neither 0 nor 1.
    """
    if logits.shape != targets.shape or not logits.numel():
        raise ValueError(
            f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} must agree and hold examples"
        )
    if logits.isnan().any():
        raise ValueError("logits must not be NaN")
    if not ((targets == 0) | (targets == 1)).all():
        raise ValueError("targets must be 0 or 1")
    problems = logits.shape[:-1]
    flat, flat_targets = logits.detach().reshape(-1, logits.shape[-1]), targets.reshape(-1, logits.shape[-1])
    scores = flat if flat.dtype == torch.float64 else flat.float()
    given = None if tuned is None else torch.as_tensor(tuned, dtype=torch.float64, device=logits.device).reshape(-1)
    measured = measure(scores, flat_targets.to(scores.dtype), threshold, tuned=given, tune_for=tune_for)
    shaped = (lambda value: value.item()) if logits.ndim == 1 else (lambda value: value.reshape(problems))
    return {group: {name: shaped(value) for name, value in values.items()} for group, values in measured.items()}


def measure(
    logits: Float[Tensor, "k n"],
    targets: Float[Tensor, "k n"],
    threshold: float = 0.5,
    *,
    tuned: Float[Tensor, " k"] | None = None,
    tune_for: str = "f1",
) -> Measured:
    """`evaluate` for K problems at once, every value a tensor [K] on the device of the logits."""
    whole = curve(logits, targets)
    at = torch.full_like(whole.positives, threshold, dtype=torch.float64)
    given = [at] if tuned is None else [at, tuned]
    best = None if tuned is not None else Best(formula(tune_for), whole)
    nothing = torch.zeros_like(at)
    sums = dict.fromkeys([*names("ranking", "calibration"), "soft_tp", "soft_predicted"], nothing[:, None])
    denominators = dict.fromkeys(names("calibration"), nothing + whole.examples)
    predicted = nothing.long()
    for block in whole.blocks():
        p, y = block.scores.double().sigmoid_(), block.targets.double()
        for name in names("ranking"):
            part, denominators[name] = getattr(ranking, name)(block)
            sums[name] = sums[name] + part
        for name in names("calibration"):
            sums[name] = sums[name] + getattr(calibration, name)(p, y)
        sums["soft_tp"] = sums["soft_tp"] + torch.linalg.vecdot(p, y)[:, None]
        sums["soft_predicted"] = sums["soft_predicted"] + p.sum(-1, keepdim=True)
        predicted = predicted + torch.stack([(p > one[:, None]).sum(-1) for one in given])
        if best:
            best.see(block, p)
    chosen, cut = best.threshold() if best else (given[1], predicted[1])
    counts = _counts(whole, torch.stack((predicted[0], cut)), sums["soft_tp"][:, 0], sums["soft_predicted"][:, 0])
    fractions = {name: formula(name)(counts) for name in names("threshold")}
    values = {name: ratio(fraction) for name, fraction in fractions.items()}
    others = {name: ratio((sums[name].abs().sum(-1), denominator)) for name, denominator in denominators.items()}
    undefined = {name: fraction[1][0] == 0 for name, fraction in fractions.items()}
    return {
        "hard": {name: value[0] for name, value in values.items()},
        "hard_tuned": {name: value[1] for name, value in values.items()},
        "soft": {name: value[2] for name, value in values.items()},
        "ranking": {name: others[name] for name in names("ranking")},
        "calibration": {name: others[name] for name in names("calibration")},
        "undefined": undefined | {name: denominators[name] == 0 for name in names("ranking")},
        "thresholds": {"default": at, "tuned": chosen},
    }


def tuned_metric(monitor: str) -> str:
    """The threshold metric that a run's threshold is tuned for: the monitored one, or f1 where that needs none."""
    metric = base_name(monitor)
    return metric if metric in names("threshold") else "f1"


def _counts(whole: Curve, predicted: Tensor, soft_tp: Tensor, soft_predicted: Tensor) -> Counts:
    """Hard counts at each number predicted [T, K], and last the soft ones: [T + 1, K]."""
    tp = torch.nn.functional.pad(whole.tp, (1, 0)).gather(-1, predicted.T).T.double()
    return Counts.from_totals(
        torch.cat((tp, soft_tp[None])),
        torch.cat((predicted.double(), soft_predicted[None])),
        whole.positives.double(),
        whole.examples,
    )


class Best:
    """The threshold [K] on the probability with the best value of a metric; between two scores the middle."""

    def __init__(self, metric: Formula, whole: Curve) -> None:
        self.metric, self.whole = metric, whole
        none = torch.zeros_like(whole.positives)
        # To predict nothing positive is a choice as well.
        self.value = self._value(none, none, whole.positives)
        self.cut = none.long()

    def see(self, block: Curve, p: Float[Tensor, "k n"]) -> None:
        """Takes the best cut of a block; only one between two different probabilities can be made."""
        value = self._value(block.tp, block.predicted, block.positives[:, None])
        after = block.start + p.shape[-1]
        follows = self.whole.scores[:, after : after + 1].double().sigmoid()
        below = torch.cat((p[:, 1:], follows if after < block.examples else torch.zeros_like(p[:, :1])), 1)
        value, cut = torch.where(p > below, value, -torch.inf).max(-1)
        better = value > self.value
        self.value = torch.where(better, value, self.value)
        self.cut = torch.where(better, block.start + cut + 1, self.cut)

    def threshold(self) -> tuple[Float[Tensor, " k"], Int64[Tensor, " k"]]:
        """The threshold, and how many it predicts positive."""
        scores = self.whole.scores
        above = scores.gather(-1, (self.cut - 1).clamp_min(0)[:, None])[:, 0].double().sigmoid()
        at = self.cut.clamp_max(self.whole.examples - 1)
        under = scores.gather(-1, at[:, None])[:, 0].double().sigmoid()
        under = torch.where(self.cut == self.whole.examples, 0.0, under)
        middle = (above + under) / 2
        chosen = torch.where(middle < above, middle, under)
        return torch.where(self.cut == 0, above, chosen), self.cut

    def _value(self, tp: Tensor, predicted: Tensor, positives: Tensor) -> Tensor:
        return ratio(self.metric(Counts.from_totals(tp, predicted, positives, self.whole.examples)))
