"""Histograms that have a gradient: what is linear between the points of a grid needs no more of N examples."""

import torch
from jaxtyping import Float
from torch import Tensor

from surrogate_bench.losses.base import Scores, Targets

Histogram = Float[Tensor, "*problems points"]


def soft_histograms(
    places: Scores, targets: Targets, points: int, weight: Targets | None = None
) -> tuple[Histogram, Histogram]:
    """Positives, and all examples, at the points 0 ... points − 1 [..., points] of a line, in fp64 where there is such.

    Each example is shared between the two points next to its place [..., N], the nearer one getting more, so that
    Σ_i f(place_i) = Σ_b h_b · f(b) for every f that is linear between neighbours, the sum by `weight` [..., N] if there
    is one. What is NaN is NaN at its point.
    """
    # A place that is NaN has no number, and as an index any that happens to come.
    lower = places.detach().floor().clamp(0, points - 2).nan_to_num()
    share = (places - lower).to(torch.float32 if places.device.type == "mps" else torch.float64)
    # At each point a negative's place and a positive's; the last point's stay empty until all is moved up by one.
    cells = torch.add(targets, lower, alpha=2).long()
    empty = share.new_zeros((*places.shape[:-1], 2 * points))
    one = share.new_ones(()).expand_as(share) if weight is None else weight.to(share.dtype)
    count = empty.scatter_add(-1, cells, one)
    above = empty.scatter_add(-1, cells, one * share if weight is not None else share)
    both = (count - above + above.roll(2, -1)).unflatten(-1, (points, 2))
    return both[..., 1], both.sum(-1)
