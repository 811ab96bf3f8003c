"""Functions that round a number alike wherever it stands, so that a run's bits do not depend on the runs beside it.

torch computes most of a tensor with vector instructions, and what is left at its end, and at the end of each thread's
share, with others, which for a few functions round differently. These are built from those that do not:
`exp`, `log` and `logsigmoid`, and sums, products and quotients, of which there is one right rounding.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad
from torch.overrides import TorchFunctionMode

# Two vectors of 512 bits, the most that torch takes at a time; so many numbers of 16 bits or more are a multiple of it.
VECTOR_BYTES = 128
VECTORS = VECTOR_BYTES // 2
# Matrices of several members that lie in one tensor begin at multiples of so many numbers, as the one of a member alone
# does: libraries multiply in another order where the address is no multiple of 64 bytes.
ALIGNED = 16
# Powers that torch takes by multiplication, division and root.
EXACT = (-2, -1, -0.5, 0, 0.5, 1, 2, 3)


def _sigmoid(x: Tensor) -> Tensor:
    """σ(x), which has a gradient; of 16 bits it makes 32."""
    return logsigmoid(x if x.dtype == torch.float64 else x.float()).exp()


def probability(logits: Tensor) -> Tensor:
    """σ(logits) without a gradient, in less time."""
    return (-logits).exp_().add_(1).reciprocal_()


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:  # noqa: ARG001
    """log(1 + exp(βx)) / β, exact beyond the threshold too."""
    return -logsigmoid(-x) if beta == 1 else -logsigmoid(-beta * x) / beta


def logaddexp(x: Tensor, other: Tensor) -> Tensor:
    """log(exp(x) + exp(other)), infinite ones included."""
    gap = torch.where(x == other, 0, x - other)
    return torch.maximum(x, other) - logsigmoid(gap.abs())


def power(x: Any, exponent: Any) -> Any:
    """x to a power: whole ones by multiplication, others by a logarithm."""
    if not isinstance(x, Tensor):
        return (exponent * math.log(x)).exp() if x > 0 else x**exponent
    if isinstance(exponent, Tensor) or exponent in EXACT or not x.is_floating_point():
        return x.pow(exponent)
    if exponent > 0 and exponent == int(exponent):
        half = power(x, exponent // 2)
        return half * half * x if exponent % 2 else half * half
    # At 0, where what follows has no gradient, the power itself, which is rounded nowhere there.
    zero = x == 0
    base = torch.where(zero, 1, x)
    other = power(base.reciprocal(), -exponent) if exponent == int(exponent) else (exponent * base.log()).exp()
    return torch.where(zero, torch.where(zero, x, 1).pow(exponent), other)


def positive_power(x: Tensor, exponent: float) -> Tensor:
    """A value x > 0 a problem [...] to a power."""
    return x.pow(exponent) if exponent in EXACT or not x.ndim else (exponent * x.log()).exp()


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,  # noqa: ARG001
    reduce: None = None,  # noqa: ARG001
    reduction: Any = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """torch's `binary_cross_entropy_with_logits`, whose gradient is a sigmoid."""
    own = 1 if pos_weight is None else 1 + (pos_weight - 1) * targets
    values = (1 - targets) * logits - own * logsigmoid(logits)
    values = values if weight is None else values * weight
    if reduction in ("none", 0):
        return values
    return values.sum() if reduction in ("sum", 2) else values.mean()


ALIKE: dict[str, Callable[..., Any]] = {
    "sigmoid": _sigmoid,
    "special_expit": _sigmoid,
    "softplus": _softplus,
    "silu": lambda x, inplace=False: x * _sigmoid(x),  # noqa: ARG005
    "binary_cross_entropy_with_logits": cross_entropy,
    "exp2": lambda x: power(2, x),
    "special_exp2": lambda x: power(2, x),
    "logaddexp": logaddexp,
    "pow": power,
    "__pow__": power,
    "__rpow__": lambda exponent, x: power(x, exponent),
}


def _of_rows(plain: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def function(x: Tensor, *args: Any, dims: int = 1) -> Tensor:
        # A problem alone, of so many dimensions, lies where it always does.
        if x.ndim <= dims:
            return plain(x, *args)
        n = x.shape[-1]
        spare = -n % (VECTOR_BYTES // x.element_size())
        # Filled up, all of a row is computed with vector instructions.
        return plain(pad(x, (0, spare)), *args)[..., :n] if spare and x.is_cpu else plain(x, *args)

    return function


# torch's own of rows [..., N], where N is the same whatever stands beside.
sigmoid, softplus = _of_rows(torch.sigmoid), _of_rows(torch.nn.functional.softplus)
exp2, powers = _of_rows(torch.exp2), _of_rows(torch.pow)


class Alike(TorchFunctionMode):
    """Within it, whoever calls torch's functions of these names gets the ones here."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return ALIKE.get(func.__name__, func)(*args, **(kwargs or {}))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Within it, nothing is shared between threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
