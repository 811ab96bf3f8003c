"""Gradients that are not left to autograd, and an error where a derivative of theirs would be a wrong number."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from surrogate_bench.losses.base import Scores, Value

# The gradient [..., N] of the logits [..., N] and of what else it depends on, as operations that have a derivative.
Slope = Callable[..., Tensor]


F = TypeVar("F", bound=Callable[..., Any])


def bound_fast(forward: F) -> F:
    """Spares a function of autograd's that its arguments are matched to their names, in every call of it.

    torch asks for the signature each time, which takes longer than many a loss.
    """
    parameters = [inspect.Parameter("inputs", inspect.Parameter.VAR_POSITIONAL)]
    forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return forward


def constant(logits: Scores, *given: Tensor) -> Scores:
    """The slope of what is piecewise linear: it does not change with the logits, so that nothing has to be computed."""
    raise NotImplementedError


def with_gradient(logits: Scores, value: Value, gradient: Scores, slope: Slope | None = None, *given: Tensor) -> Value:
    """The value [...], whose derivative by the logits [..., N] is taken to be `gradient` [..., N].

    A sort leaves autograd much to remember and to undo; a closed form in the sorted order needs neither. Value and
    gradient are of detached logits. The second derivative is that of `slope(logits, *given)`, 0 where this is
    `constant`, and without it a RuntimeError.
    """
    return _applied(_Given, _EagerGiven, logits, value, gradient, slope, *given)


def once(value: Value, logits: Scores, carrier: Value | None = None) -> Value:
    """The value with the gradient of `carrier`, by default its own, of which a derivative is refused.

    An estimate in place of a gradient, or one at averages that are held still, is the derivative of no function: what
    autograd would make of it is a number without a meaning. It is a RuntimeError.
    """
    if carrier is None:
        if value.requires_grad and not torch.compiler.is_compiling() and not is_functorch_wrapped_tensor(value):
            # A hook takes a quarter of a function's time, and nothing but torch's own backward calls it.
            value.register_hook(lambda upstream: refused(upstream, logits) if torch.is_grad_enabled() else upstream)
            return value
        value, carrier = value.detach(), value
    return _applied(_Once, _EagerOnce, carrier, value, logits) if carrier.requires_grad else value


def _applied(function: Any, eager: Any, *inputs: Any) -> Tensor:
    """Applies the function: its eager form, which is fast, or under a transform the one that can be transformed."""
    if torch.compiler.is_compiling():
        return function.apply(*inputs)
    try:
        return eager.apply(*inputs)
    except RuntimeError:  # under a transform of torch.func
        return function.apply(*inputs)


class _Given(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @bound_fast
    def forward(
        logits: Tensor,  # noqa: ARG004
        value: Tensor,
        gradient: Tensor,  # noqa: ARG004
        slope: Slope | None,  # noqa: ARG004
        *given: Tensor,  # noqa: ARG004
    ) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        logits, _, gradient, ctx.slope, *given = inputs
        ctx.save_for_backward(gradient, logits, *given)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
        gradient, logits, *given = ctx.saved_tensors
        if torch.is_grad_enabled() and ctx.slope is not constant:
            gradient = _Slope.apply(logits, gradient, ctx.slope, *given)
        return upstream.unsqueeze(-1) * gradient, None, None, None, *[None] * len(given)


class _EagerGiven(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        _Given.setup_context(ctx, inputs, None)
        return inputs[1].clone()

    backward = _Given.backward


class _Slope(torch.autograd.Function):
    """A gradient that was computed already, with the derivative of `slope`."""

    generate_vmap_rule = True

    @staticmethod
    @bound_fast
    def forward(logits: Tensor, gradient: Tensor, slope: Slope | None, *given: Tensor) -> Tensor:  # noqa: ARG004
        return gradient.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        logits, _, ctx.slope = inputs[:3]
        ctx.save_for_backward(logits, *inputs[3:])

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
        logits, *given = ctx.saved_tensors
        if ctx.slope is None:
            raise RuntimeError("this loss has no second derivative: its gradient is given, or an estimate")
        slope = ctx.slope
        pull = torch.func.vjp(lambda scores: slope(scores, *given), logits)[1]
        return pull(upstream)[0], None, None, *[None] * len(given)


class _Once(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @bound_fast
    def forward(carrier: Tensor, value: Tensor, logits: Tensor) -> Tensor:  # noqa: ARG004
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        return (_Refused.apply(upstream, *ctx.saved_tensors) if torch.is_grad_enabled() else upstream), None, None


class _EagerOnce(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        _Once.setup_context(ctx, inputs, None)
        return inputs[1].clone()

    backward = _Once.backward


def refused(gradient: Tensor, logits: Scores) -> Tensor:
    """The gradient, whose own derivative by the logits is refused with a RuntimeError."""
    return _Refused.apply(gradient, logits)


class _Refused(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @bound_fast
    def forward(gradient: Tensor, logits: Tensor) -> Tensor:  # noqa: ARG004
        return gradient.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG004
        raise RuntimeError("this loss has no second derivative: its gradient is given, or an estimate")
