"""Constrained training as a game of two players who see different functions."""

from typing import ClassVar

import torch
from torch import Tensor

from surrogate_bench.losses.base import Labels, Loss, Scores, Targets, Value
from surrogate_bench.losses.checks import within
from surrogate_bench.registry import register

# Of the moving average of the share that is predicted positive: its rate, and what is next to nothing.
SEEN_RATE, COLLAPSED = 0.05, 1e-4


@register(
    "loss",
    "proxy_lagrangian",
    family="operating points",
    state="duals",
    revision=2,
    reference="Cotter, Jiang, Sridharan, Two-Player Games for Efficient Non-Convex Constrained Optimization, ALT 2019, "
    "https://arxiv.org/abs/1804.06500",
)
class ProxyLagrangian(Loss):
    """λ₁ · FN + λ₂ · (a·FP − (1 − a)·TP) in hinges: the highest recall at a precision of at least a = `precision`.

    The net sees hinges, mean(y·max(0, 1 − z)) for FN; the player of λ sees the constraint on hard counts, which is what
    is promised. λ is the stationary distribution of a 2 × 2 stochastic matrix, whose row of the constraint is
    multiplied by exp(rate · constraint · λ) in training before its columns are normalised, so that no exchange of
    weights would have served that player better. The hard constraint is kept where nothing is predicted positive, and
    then nothing would ever ask for recall again: once a moving average of the batches finds next to no positives, the
    constraint counts as −1 until it does. A batch without positives pushes scores down.
    """

    keeps: ClassVar = {"matrix": 2, "seen": 0}
    matrix: Tensor
    seen: Tensor

    def __init__(self, *, precision: float = 0.9, rate: float = 0.1) -> None:
        super().__init__()
        self.precision, self.rate = within("precision", precision, 0, 1), within("rate", rate, 0, float("inf"))
        self.register_buffer("matrix", torch.empty(0))
        self.register_buffer("seen", torch.tensor(1.0))

    def fit(self, targets: Labels) -> None:
        self.matrix = torch.full((*targets.shape[:-1], 2, 2), 0.5, device=targets.device)
        self.seen = torch.ones(targets.shape[:-1], device=targets.device)

    def compute(self, logits: Scores, targets: Targets, index: Tensor | None) -> Value:  # noqa: ARG002
        n, a = targets.shape[-1], self.precision
        hinges = (1 + torch.rsub(targets, 1, alpha=2) * logits).relu()
        missed = (targets * hinges).sum(-1) / n
        alarms = hinges.sum(-1) / n - missed
        # Promised by hinges: TP = P - FN.
        proxy = a * alarms - (1 - a) * (targets.sum(-1) / n - missed)
        matrix = self.matrix.to(logits.dtype)
        matrix = matrix if matrix.numel() else logits.new_full((2, 2), 0.5)
        weight = _stationary(matrix.expand(*proxy.shape, 2, 2))
        if self.learns(logits):
            found = (logits.detach() > 0).to(logits.dtype)
            predicted = found.mean(-1)
            seen = torch.lerp(self.seen.to(logits).expand_as(predicted), predicted, SEEN_RATE)
            self.keep("seen", seen)
            broken = torch.where(seen < COLLAPSED, -1.0, a * predicted - (found * targets).sum(-1) / n)
            # The objective's own row gains nothing; the constraint's gains by how far it is broken.
            own, other = matrix.expand(*proxy.shape, 2, 2).unbind(-2)
            grown = torch.stack((own, other * (self.rate * broken[..., None] * weight).exp()), -2)
            self.keep("matrix", grown / grown.sum(-2, keepdim=True))
        objective, constraint = weight.unbind(-1)
        return objective * missed + constraint * proxy


def _stationary(matrix: Tensor) -> Tensor:
    """The distribution [..., 2] that the column-stochastic matrix [..., 2, 2] leaves as it is."""
    to_second, to_first = matrix[..., 1, 0], matrix[..., 0, 1]
    both = torch.stack((to_first, to_second), -1)
    return both / both.sum(-1, keepdim=True)
