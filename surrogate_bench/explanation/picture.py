"""An explanation as a picture: memberships over the probability, and their gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from surrogate_bench.drawing import COLOURS, GREY, picture
from surrogate_bench.explanation.example import Effect, Explanation

STYLES = ("-", "-", "-", "-", "-", "--", "-.", ":")


def draw(explained: Explanation, path: Path) -> None:
    """Writes the picture, whole or not at all."""
    effects = [explained.hard, *explained.relaxed]
    p = torch.linspace(0.002, 0.998, 499, dtype=torch.float64)
    with picture(path, 9, 3.9) as figure:
        memberships, gradients = figure.subplots(1, 2)
        for effect, colour, style in zip(effects, (GREY, *COLOURS[1:], COLOURS[0]), STYLES, strict=False):
            value, slope = _curve(effect, p)
            line: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": 1.7, "label": effect.name}
            memberships.plot(p, value, **line)
            gradients.plot(p, slope, **line)
        memberships.set(title=f"membership: how much an example counts in {explained.metric}", xlabel="probability p")
        gradients.set(title="its gradient by p, as autograd gives it", xlabel="probability p", ylim=(-0.1, 4))
        for axis in (memberships, gradients):
            axis.grid(alpha=0.25)
        handles, names = memberships.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)


def _curve(effect: Effect, p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits = p.logit().requires_grad_()
    value = effect.membership(logits)
    (slope,) = torch.autograd.grad(value.sum(), logits)
    return value.detach(), slope / (p * (1 - p))
