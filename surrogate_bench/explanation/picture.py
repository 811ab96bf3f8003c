"""An explanation as a picture: memberships over the probability, and their gradients."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

import torch

from surrogate_bench.explanation.example import PROBABILITIES, TO, Effect, Explanation
from surrogate_bench.system.plotting import COLOURS, GREY, picture

# The step comes first, as a broad grey line; straight_through, which lies on two others, is dashed and black.
BLACK, *BRIGHT = COLOURS
PENS = ((GREY, "-", 4.0), *((colour, "-", 2.0) for colour in BRIGHT[:4]), (BLACK, (0, (3, 4)), 1.5))
FURTHER = [(colour, style, 1.7) for style in ("-.", ":") for colour in BRIGHT]


def draw(explained: Explanation, path: Path) -> None:
    """Writes the picture, whole or not at all."""
    p = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    with picture(path, 9, 4.1) as figure:
        memberships, gradients = figure.subplots(1, 2)
        pens = cycle((*PENS, *FURTHER))
        for effect, (colour, style, width) in zip(explained.effects, pens, strict=False):
            value, slope = _curve(effect, p)
            line: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": width, "label": effect.label}
            memberships.plot(p, value, **line)
            gradients.plot(p, slope, **line)
        memberships.set(title="how much an example counts as positive", ylabel="membership m")
        gradients.set(title="its gradient, as autograd gives it", ylabel="dm / dp  (straight_through: backward)")
        for axis in (memberships, gradients):
            axis.set(xlabel="probability p", xlim=(0, 1))
            axis.grid(alpha=0.25)
            axis.axvspan(PROBABILITIES[explained.moved], TO, color=GREY, alpha=0.2, lw=0, label="the moved score")
        handles, names = memberships.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)


def _curve(effect: Effect, p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits = p.logit().requires_grad_()
    value = effect.membership(logits)
    (slope,) = torch.autograd.grad(value.sum(), logits)
    return value.detach(), slope / (p * (1 - p))
