"""Dead gradients: examples that are still wrong, and that the loss no longer teaches."""

import torch
from torch import Tensor

# Below this, the derivative of the loss by a logit teaches nothing.
DEAD = 1e-8


def dead_share(batches: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The share of a class [K] that is wrong and gets no gradient, of the class where it is larger.

    `batches` are an epoch's logits, targets and gradients by logits, [K, B] each. A score is wrong on the other
    class's side of 0, unless it lies beyond all scores of the other class: what is right needs no gradient. A last
    batch that is shorter is left out: a few examples of one class say nothing about the net.
    """
    whole = [batch for batch in batches if batch[0].shape == batches[0][0].shape]
    logits, targets, gradients = (torch.cat(each, 1) for each in zip(*whole, strict=True))
    positive = targets > 0.5
    highest_negative = logits.masked_fill(positive, -torch.inf).amax(1, keepdim=True)
    lowest_positive = logits.masked_fill(~positive, torch.inf).amin(1, keepdim=True)
    wrong = torch.where(
        positive, (logits <= 0) & (logits <= highest_negative), (logits >= 0) & (logits >= lowest_positive)
    )
    dead = wrong & (gradients.abs() < DEAD)
    shares = [(dead & own).sum(1).double() / own.sum(1).clamp_min(1) for own in (positive, ~positive)]
    return torch.maximum(*shares)
