"""Optimizers of K members at once: one update of all parameters [K, P], each member with its own hyperparameters.

Parameters, gradients and state are single tensors, so a step costs the same few operations for any net and any K.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.errors import did_you_mean
from surrogate_bench.registry import lookup, register

Parameters = Float[Tensor, "k p"]
SCHEDULES = ("constant", "cosine")


class Optimizer:
    """The common part of SGD and Adam: a learning rate and a weight decay a member, and the schedule over `steps`.

    lr, weight_decay: [K]. `step` updates parameters [K, P] in place from gradients [K, P].
    """

    remembers: tuple[str, ...] = ()

    def __init__(self, lr: list[float], weight_decay: list[float], schedule: str, steps: int, device: Any) -> None:
        if schedule not in SCHEDULES:
            raise ValueError(f"unknown optimizer.schedule {schedule!r}{did_you_mean(schedule, SCHEDULES)}")
        if min(*lr, *weight_decay) < 0 or not all(map(math.isfinite, (*lr, *weight_decay))):
            raise ValueError("optimizer.lr and optimizer.weight_decay must be finite and not negative")
        self.lr, self.weight_decay = (_column(values, device) for values in (lr, weight_decay))
        self.decays = any(weight_decay)
        self.schedule, self.steps, self.done = schedule, steps, 0

    @torch.no_grad()
    def step(self, parameters: Parameters, gradients: Parameters) -> None:
        """One update of parameters [K, P] in place, at the rate that the schedule has now."""
        rate = self.lr
        if self.schedule == "cosine":
            rate = rate * (0.5 + 0.5 * math.cos(math.pi * self.done / self.steps))
        self.done += 1
        self.update(parameters, gradients, rate)

    def update(self, parameters: Parameters, gradients: Parameters, rate: Any) -> None:
        """The optimizer's own rule at a rate η, a number or [K, 1]."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """The attributes that its next step depends on beside its hyperparameters, by name."""
        return {name: getattr(self, name) for name in ("done", *self.remembers)}


@register(
    "optimizer",
    "sgd",
    reference="Robbins, Monro, A Stochastic Approximation Method, Ann. Math. Stat. 22, 1951, "
    "https://doi.org/10.1214/aoms/1177729586",
)
class SGD(Optimizer):
    """b ← μ·b + g + λ·θ;  θ ← θ − η·b, or with Nesterov θ − η·(g + λ·θ + μ·b)."""

    remembers = ("velocity",)

    def __init__(
        self,
        _common: dict[str, Any],
        *,
        lr: float = 0.1,
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        nesterov: bool = False,
        schedule: str = "constant",
    ) -> None:
        del lr, weight_decay  # a column over the members, in `_common`
        super().__init__(schedule=schedule, **_common)
        if not 0 <= momentum < 1:
            raise ValueError(f"optimizer.momentum must lie in [0, 1), not {momentum}")
        if nesterov and not momentum:
            raise ValueError("optimizer.nesterov needs optimizer.momentum above 0")
        self.momentum, self.nesterov = momentum, nesterov
        self.velocity: Parameters | None = None

    def update(self, parameters: Parameters, gradients: Parameters, rate: Any) -> None:
        direction = gradients + _like(parameters, self.weight_decay) * parameters if self.decays else gradients
        if self.momentum:
            self.velocity = (
                direction.clone() if self.velocity is None else self.velocity.mul_(self.momentum).add_(direction)
            )
            direction = direction + self.momentum * self.velocity if self.nesterov else self.velocity
        parameters.sub_(direction * _like(parameters, rate))


@register(
    "optimizer",
    "adam",
    reference="Kingma, Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, https://arxiv.org/abs/1412.6980",
)
class Adam(Optimizer):
    """θ ← θ − η·m̂ / (√v̂ + ε), m and v the moving averages of g + λ·θ and of its square, without their bias."""

    decoupled = False
    remembers = ("average", "square")

    def __init__(
        self,
        _common: dict[str, Any],
        *,
        lr: float = 0.003,
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        schedule: str = "constant",
    ) -> None:
        del lr, weight_decay
        super().__init__(schedule=schedule, **_common)
        if not (0 <= beta1 < 1 and 0 <= beta2 < 1 and eps >= 0):
            raise ValueError(
                f"optimizer.beta1 and beta2 must lie in [0, 1) and eps not be negative: {beta1}, {beta2}, {eps}"
            )
        self.betas, self.eps = (beta1, beta2), eps
        self.average: Parameters | None = None
        self.square: Parameters | None = None

    def update(self, parameters: Parameters, gradients: Parameters, rate: Any) -> None:
        beta1, beta2 = self.betas
        if self.average is None or self.square is None:
            self.average, self.square = torch.zeros_like(parameters), torch.zeros_like(parameters)
        if self.decays and self.decoupled:
            parameters.mul_(_like(parameters, 1 - rate * self.weight_decay))
        elif self.decays:
            gradients = gradients + _like(parameters, self.weight_decay) * parameters
        self.average.lerp_(gradients, 1 - beta1)
        self.square.mul_(beta2).addcmul_(gradients, gradients, value=1 - beta2)
        unbiased = self.square.sqrt().mul_(1 / math.sqrt(1 - beta2**self.done)).add_(self.eps)
        parameters.sub_(torch.div(self.average, unbiased).mul_(_like(parameters, rate * (1 / (1 - beta1**self.done)))))


@register(
    "optimizer",
    "adamw",
    reference="Loshchilov, Hutter, Decoupled Weight Decay Regularization, ICLR 2019, https://arxiv.org/abs/1711.05101",
)
class AdamW(Adam):
    """Adam whose weight decay does not pass through the averages: θ ← θ·(1 − η·λ) before the step."""

    decoupled = True

    def __init__(
        self,
        _common: dict[str, Any],
        *,
        lr: float = 0.003,
        weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        schedule: str = "constant",
    ) -> None:
        super().__init__(
            _common, lr=lr, weight_decay=weight_decay, beta1=beta1, beta2=beta2, eps=eps, schedule=schedule
        )


def create_optimizer(configs: list[dict[str, Any]], *, steps: int, device: Any) -> Optimizer:
    """The optimizer of K members from their configurations, which differ in `lr` and `weight_decay` alone."""
    first = dict(configs[0])
    common = {key: [config[key] for config in configs] for key in ("lr", "weight_decay")}
    return lookup("optimizer", first.pop("name")).load()(common | {"steps": steps, "device": device}, **first)


def _column(values: list[float], device: Any) -> Any:
    # A plain number is the faster factor, and all that one member needs. It is of 64 bits, and so are several.
    return values[0] if len(values) == 1 else torch.tensor(values, dtype=torch.float64, device=device)[:, None]


def _like(parameters: Parameters, value: Any) -> Any:
    """A number, or one a member, as it is multiplied with parameters."""
    return value.to(parameters.dtype) if isinstance(value, Tensor) else value
