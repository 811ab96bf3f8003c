"""Parameters that a loss has of its own: trained beside the net, by the same optimizer's rule."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from surrogate_bench.errors import did_you_mean
from surrogate_bench.training.optimizers import create_optimizer


class OwnParameters:
    """One run's loss's parameters as one row `flat` [1, P], of which the loss sees views.

    Those that the loss names in `ascent` go up the gradient: the inner maximum of a min-max objective, say. Raises
    ValueError for a name there that is none of its parameters.
    """

    def __init__(self, loss: nn.Module, optimizer: dict[str, Any], *, steps: int) -> None:
        named = {name: own for name, own in loss.named_parameters() if own.requires_grad}
        ascent = getattr(loss, "ascent", ())
        for name in ascent:
            if name not in named:
                raise ValueError(f"the loss's `ascent` names no parameter {name!r}{did_you_mean(str(name), named)}")
        self.parameters = list(named.values())
        if len({own.dtype for own in self.parameters}) > 1:
            raise ValueError("the loss's parameters must be of one type")
        self.flat = torch.cat([own.detach().reshape(-1) for own in self.parameters])[None]
        signs = [torch.full((own.numel(),), -1.0 if name in ascent else 1.0) for name, own in named.items()]
        self.signs = torch.cat(signs)[None].to(self.flat.device)
        for own, view in zip(
            self.parameters, self.flat[0].split([own.numel() for own in self.parameters]), strict=True
        ):
            own.data = view.view(own.shape)
        self.optimizer = create_optimizer([optimizer], steps=steps, device=self.flat.device)

    def step(self, gradients: list[Tensor]) -> None:
        """One update by the gradient of each parameter."""
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])[None]
        self.optimizer.step(self.flat, self.signs * flat)
