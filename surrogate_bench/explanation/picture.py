"""An explanation as a picture: memberships over the probability, their gradients, and the metric as a score moves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from surrogate_bench.explanation.example import Effect, Explanation

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#999999", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "-", "-", "-", "-", "--", "-.", ":")
PARAMETERS: dict[Any, Any] = {
    "svg.hashsalt": "surrogate-bench",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(explained: Explanation, path: Path) -> None:
    """Writes the picture, whole or not at all."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    effects = [explained.hard, *explained.relaxed]
    p = torch.linspace(0.002, 0.998, 499, dtype=torch.float64)
    with rc_context(PARAMETERS):
        figure = Figure(figsize=(9, 3.9), layout="constrained")
        FigureCanvasAgg(figure)
        memberships, gradients = figure.subplots(1, 2)
        for effect, colour, style in zip(effects, COLOURS, STYLES, strict=False):
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
        temporary = path.with_name(f".{os.getpid()}{path.suffix}")
        try:
            figure.savefig(temporary, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _curve(effect: Effect, p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits = p.logit().requires_grad_()
    value = effect.membership(logits)
    (slope,) = torch.autograd.grad(value.sum(), logits)
    return value.detach(), slope / (p * (1 - p))
