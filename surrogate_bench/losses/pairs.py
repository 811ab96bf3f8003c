"""All pairs of a batch: by sorting where a hinge allows it, else some rows at a time."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from surrogate_bench.losses.base import Scores, Targets, Value
from surrogate_bench.losses.given import bound_fast, constant, refused, with_gradient
from surrogate_bench.losses.ties import negatives_first
from surrogate_bench.metrics.sorting import descending, taken
from surrogate_bench.system.rounding import sigmoid

Rows = Float[Tensor, "*problems rows"]
Block = Callable[[Tensor, Tensor, slice], tuple[Tensor, ...]]
Pull = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
# Pairs of one problem that may be in memory at once, however many problems there are: sums depend on their pieces.
BLOCK_PAIRS = 1 << 20
# Rows are filled up to a multiple of so many, as torch's sum over rows takes them.
ROWS = 4


def mean_hinge(
    logits: Scores, targets: Targets, pairs: Value, *, margin: float, power: int, weights: Targets | None = None
) -> Value:
    """Σ over pairs of a positive and a negative of max(0, m − (z₊ − z₋))^power / `pairs` [...], in O(N log N).

    The power is 1 or 2. Each pair counts the product of its `weights` [..., N] times, by default once.
    """
    z = centred(logits)
    keys = margin * targets - z
    # Each negative comes after exactly the positives that it is too near to. At power 1 a pair at just the margin lies
    # in a kink, and is none of them.
    order = negatives_first(keys, targets)[1] if power == 1 else descending(keys)
    given = (targets, order, 1 / pairs, *([] if weights is None else [weights]))
    slope = partial(_slope, margin=margin, power=power)
    gradient = slope(z, *given)
    # The sum is homogeneous in u, so that its derivatives give its value (Euler).
    value = (gradient * keys).sum(-1) / -power
    return with_gradient(logits, value, gradient, constant if power == 1 else slope, *given)


def centred(logits: Scores) -> Scores:
    """The logits around 0, without a gradient: differences alone count, and those of numbers near 0 are exact."""
    z = logits.detach()
    return z - z.mean(-1, keepdim=True)


def _slope(
    scores: Scores,
    targets: Targets,
    order: Tensor,
    share: Value,
    weights: Targets | None = None,
    *,
    margin: float,
    power: int,
) -> Scores:
    positive = taken(targets, order)
    negative = 1 - positive
    if weights is not None:
        weight = taken(weights, order)
        positive, negative = positive * weight, negative * weight
    near, far = positive.cumsum(-1), _after(negative)
    if power == 2:
        # The derivative by an example is the sum of 2u over its pairs, u = (m − z₊) + z₋.
        own = taken(scores, order)
        near = 2 * (near * own + (positive * (margin - own)).cumsum(-1))
        far = 2 * (far * (margin - own) + _after(negative * own))
    slopes = (negative * near - positive * far) * share.unsqueeze(-1)
    return slopes.scatter(-1, order, slopes)


def _after(values: Tensor) -> Tensor:
    """Sums of all values that come later."""
    sums = values.cumsum(-1)
    return sums[..., -1:] - sums


def members(targets: Targets, multiple: int = ROWS) -> tuple[Int64[Tensor, "*problems rows"], Rows]:
    """The places of examples with a target above 0, and weights that are 0 for what fills up shorter rows.

    Of a problem alone [N] there is nothing to fill up. Else how many rows there are, a multiple of `multiple` or all,
    depends on the problem that has most: sums over them are taken by `total`, or along their direction in multiples of
    `rounding.VECTORS`. A GPU would have to be waited for: there they are all, as long as that is one block of pairs.
    """
    most, found = targets.shape[-1], targets > 0
    # Under torch.vmap there is no number to look at.
    with contextlib.suppress(RuntimeError):
        if found.ndim == 1 and found.is_cpu and not torch.compiler.is_compiling():
            where = found.nonzero()[:, 0]
            if len(where):
                return where, targets.new_ones(len(where))
        if found.is_cpu or most * most > BLOCK_PAIRS:
            most = max(1, int(found.sum(-1).max()))
    most += -most % multiple
    where = found.to(torch.uint8).argsort(dim=-1, descending=True, stable=True)[..., :most]
    return where, (targets.gather(-1, where) > 0).to(targets.dtype)


def total(values: Rows) -> Value:
    """The sum over rows, of several problems from the first to the last, which what fills them up does not change."""
    return values.sum(-1) if values.ndim == 1 else values.cumsum(-1)[..., -1]


def by_rows(
    block: Block, logits: Scores, where: Int64[Tensor, "*problems rows"], pull: Pull | None = None
) -> Iterator[Tensor]:
    """Applies block(scores of some rows, all scores, which rows) to the rows at `where`: [..., rows] each.

    Where that takes more than one block, each is computed again for the gradient, so that memory is linear in N. Of a
    block that gives one value a row, `pull(scores of some rows, all scores, their values, gradients by the values)`
    may give the gradients by both scores in less time than autograd takes to find them.
    """
    rows = block_rows(logits)
    if rows >= where.shape[-1]:
        return iter(block(logits.gather(-1, where), logits, slice(None)))
    return iter(_ByRows.apply(logits, where, block, rows, pull))


def above(own: Tensor, logits: Tensor, temperature: float) -> Tensor:
    """σ((z_j − z_i)/τ) of rows i [..., rows] and all j [..., N], [..., rows, N]: how far j stands above i.

    An example has itself above it by a half, so that its rank is 0.5 plus the sum.
    """
    return sigmoid((logits[..., None, :] - own[..., None]) / temperature, dims=2)


class _ByRows(torch.autograd.Function):
    @staticmethod
    @bound_fast
    def forward(logits: Tensor, where: Tensor, block: Block, rows: int, pull: Pull | None) -> tuple[Tensor, ...]:  # noqa: ARG004
        filled: tuple[Tensor, ...] = ()
        for at in slices(where, rows):
            parts = block(logits.gather(-1, where[..., at]), logits, at)
            # Pieces kept among temporaries would leave holes in memory where no other block fits.
            filled = filled or tuple(logits.new_empty(where.shape) for _ in parts)
            for whole, part in zip(filled, parts, strict=True):
                whole[..., at] = part
        return filled

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        logits, where, ctx.block, ctx.rows, ctx.pull = inputs
        ctx.save_for_backward(logits, where, *output)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Any, ...]:
        logits, where, *values = ctx.saved_tensors
        gradient = torch.zeros_like(logits)
        for at in slices(where, ctx.rows):
            some = where[..., at]
            if ctx.pull:
                with torch.no_grad():
                    own, all_ = ctx.pull(logits.gather(-1, some), logits, values[0][..., at], upstream[0][..., at])
                gradient = gradient.scatter_add(-1, some, own) + all_
                continue

            def parts(scores: Tensor, some: Tensor = some, at: slice = at) -> tuple[Tensor, ...]:
                return ctx.block(scores.gather(-1, some), scores, at)

            gradient += torch.func.vjp(parts, logits.detach())[1](tuple(value[..., at] for value in upstream))[0]
        return (refused(gradient, logits) if torch.is_grad_enabled() else gradient), *[None] * 4


def block_rows(columns: Tensor) -> int:
    """How many rows of a problem against these columns [..., N] go at a time."""
    return max(ROWS, BLOCK_PAIRS // max(1, columns.shape[-1]) // ROWS * ROWS)


def slices(where: Tensor, rows: int) -> Iterator[slice]:
    """The places of `where` [..., rows], so many at a time."""
    return (slice(start, start + max(1, rows)) for start in range(0, where.shape[-1], max(1, rows)))
