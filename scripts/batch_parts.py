"""How far the gradient of a batch of 128 is from the mean of those of its 8 parts, as accumulation and DDP take it.

    python scripts/batch_parts.py      # about half a minute

The cosine of the two by the logits, a mean over 50 batches with a fifth of positives; 1 is the same direction.
"""

from __future__ import annotations

import statistics

import torch

from surrogate_bench.losses import create_loss, list_losses, loss_info

BATCHES, EXAMPLES, PARTS = 50, 128, 8


def gradient(name: str, logits: torch.Tensor, targets: torch.Tensor, parts: int) -> torch.Tensor:
    """The mean over so many parts of a batch of the gradient by its logits [N]."""
    loss = create_loss(name)
    loss.fit(targets)
    total = torch.zeros(())
    for index in torch.arange(EXAMPLES).chunk(parts):
        words = {"index": index} if loss_info(name).needs_index else {}
        total = total + loss(logits[index], targets[index], **words) / parts
    return torch.autograd.grad(total, logits)[0]


def main() -> None:
    """Prints a line a family of losses."""
    generator = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(BATCHES):
        noise, targets = (
            torch.randn(EXAMPLES, generator=generator),
            (torch.rand(EXAMPLES, generator=generator) < 0.2).float(),
        )
        batches.append(((1.5 * noise + 1.2 * targets - 1).requires_grad_(), targets))
    families: dict[str, dict[str, float]] = {}
    for name in list_losses():
        if name != "custom":
            pairs = [(gradient(name, *batch, 1), gradient(name, *batch, PARTS)) for batch in batches]
            cosines = [torch.nn.functional.cosine_similarity(*pair, dim=0).item() for pair in pairs]
            families.setdefault(loss_info(name).family, {})[name] = statistics.mean(cosines)
    for family, cosines in families.items():
        print(f"{family}: " + ", ".join(f"{name} {cosine:.2f}" for name, cosine in cosines.items()))


if __name__ == "__main__":
    main()
