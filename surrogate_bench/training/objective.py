"""The members' losses: those with one configuration are one call."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.losses.base import Loss


class Objective(nn.Module):
    """K members' losses [K] of logits [K, N]: one module for each distinct configuration, on its own members."""

    def __init__(self, configs: list[dict[str, Any]], device: torch.device) -> None:
        super().__init__()
        members: dict[str, list[int]] = {}
        for member, config in enumerate(configs):
            members.setdefault(json.dumps(config, sort_keys=True), []).append(member)
        named = [json.loads(key) for key in members]
        self.needs_index = [loss_info(config["name"]).needs_index for config in named]
        self.losses = nn.ModuleList(create_loss(config.pop("name"), **config) for config in named).to(device)
        self.members = [torch.tensor(group, device=device) for group in members.values()]

    def fit(self, targets: Tensor) -> None:
        """Tells each loss its members' training targets [K, N]."""
        for loss, members in zip(self.losses, self.members, strict=True):
            if isinstance(loss, Loss):
                loss.fit(targets[members])

    def forward(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        if len(self.losses) == 1:
            return self._one(0, logits, targets, index)
        values = torch.empty(logits.shape[0], device=logits.device)
        for group, members in enumerate(self.members):
            own = self._one(group, logits[members], targets[members], index[members])
            values = values.index_copy(0, members, own)
        return values

    def _one(self, group: int, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        loss = self.losses[group]
        return loss(logits, targets, index=index) if self.needs_index[group] else loss(logits, targets)
