"""Pictures as they were read, a byte a pixel and channel, which are scaled where they are taken."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pictures uint8 [N, C, H, W], with the mean and standard deviation [1, C, 1, 1] of each channel in [0, 1].

    Scaled, they would take four times the memory, for every run on them and as long as it lasts.
    """

    values: Tensor
    mean: Tensor
    deviation: Tensor

    @property
    def nbytes(self) -> int:
        """The bytes that the pictures take."""
        return self.values.nbytes

    def scaled(self, values: Tensor) -> Tensor:
        """Some of the values as they are trained on, (value / 255 - mean) / deviation, float32."""
        whole, mean, deviation = (
            part.to(values.device) for part in (torch.full((1, 1, 1, 1), 255.0), self.mean, self.deviation)
        )
        # By tensors: a GPU divides by a number in that it multiplies by its inverse, which rounds otherwise.
        return values.float().div_(whole).sub_(mean).div_(deviation)
