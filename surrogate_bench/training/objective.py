"""The members' losses: those with one configuration are one call."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import torch
from torch import Tensor, nn

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.losses.base import Loss
from surrogate_bench.losses.custom import takes_index
from surrogate_bench.system.rounding import Alike, one_thread
from surrogate_bench.training.foreign import check_apart, checked, seed_streams
from surrogate_bench.training.own_parameters import OwnParameters


class Objective(nn.Module):
    """K members' losses [K] of logits [K, N]: one module for each distinct configuration, on its own members.

    A loss with parameters of its own is one module a member, and `train_own` has them trained. `threaded` says that
    steps may be shared among threads: on a CPU, losses then keep to one, since sums and the ends of shares depend on
    how many there are.
    """

    def __init__(
        self,
        configs: list[dict[str, Any]],
        device: torch.device,
        seeds: list[int] | None = None,
        *,
        threaded: bool = False,
    ) -> None:
        super().__init__()
        self.threaded = threaded
        members: dict[str, list[int]] = {}
        for member, config in enumerate(configs):
            members.setdefault(json.dumps(config, sort_keys=True), []).append(member)
        losses: list[nn.Module] = []
        groups: list[list[int]] = []
        for key, group in members.items():
            first = _created(key, seeds[group[0]] if seeds else None)
            apart = len(group) > 1 and any(own.requires_grad for own in first.parameters())
            losses += (
                [first, *(_created(key, seeds[member] if seeds else None) for member in group[1:])]
                if apart
                else [first]
            )
            groups += [[member] for member in group] if apart else [group]
        self.needs_index = [
            takes_index(loss) if _is_custom(loss) else loss_info(str(loss.name)).needs_index for loss in losses
        ]
        self.losses = nn.ModuleList(losses).to(device)
        self.members = [torch.tensor(group, device=device) for group in groups]
        self.own: list[OwnParameters] = []

    def train_own(self, optimizers: list[dict[str, Any]], *, steps: int) -> None:
        """Has the losses' own parameters trained, each by its member's optimizer's configuration."""
        for loss, members in zip(self.losses, self.members, strict=True):
            if any(own.requires_grad for own in loss.parameters()):
                self.own.append(OwnParameters(loss, optimizers[int(members[0])], steps=steps))

    def own_parameters(self) -> list[Tensor]:
        """All losses' own parameters, in the order in which `step` takes their gradients."""
        return [parameter for own in self.own for parameter in own.parameters]

    def step(self, gradients: list[Tensor]) -> None:
        """One update of the losses' own parameters."""
        for own in self.own:
            own.step(gradients[: len(own.parameters)])
            gradients = gradients[len(own.parameters) :]

    def fit(self, targets: Tensor, seeds: Tensor) -> None:
        """Tells each loss its members' training targets [K, N] and their seeds [K] for what it draws.

        Raises ValueError where one that is not of this package has to be trained alone and is not.
        """
        own = list(zip(self.losses, self.members, self.needs_index, strict=True))
        foreign = sum(len(members) for loss, members, _ in own if not isinstance(loss, Loss))
        for loss, members, needs_index in own:
            if isinstance(loss, Loss):
                loss.seed(seeds[members])
                loss.fit(targets[members])
            elif foreign == 1:
                seed_streams(int(seeds[members[0]]), seeds.device)
            else:
                check_apart(loss, targets[members], needs_index=needs_index)

    def plan(self, steps: int) -> None:
        """Tells each loss of this package how many steps there will be."""
        for loss in self.losses:
            if isinstance(loss, Loss):
                loss.plan(steps)

    def snapshot(self) -> list[dict[str, Tensor]]:
        """A copy of each loss's state, each value [its members, ...]."""
        found = []
        for loss, members in zip(self.losses, self.members, strict=True):
            state = loss.state_dict()
            for name, value in state.items():
                # What has no members is of all of them: a count of steps, or a foreign module's weights.
                own = value.ndim and isinstance(loss, Loss)
                state[name] = (value if own else value.expand(len(members), *value.shape)).clone()
            found.append(state)
        return found

    def keep(self, old: list[dict[str, Tensor]], better: Tensor) -> list[dict[str, Tensor]]:
        """A snapshot of now for the members that got `better` [K], and the old one for the others."""
        kept = self.snapshot()
        for new, before, members in zip(kept, old, self.members, strict=True):
            for name, value in new.items():
                mask = better[members].view(-1, *[1] * (value.ndim - 1))
                new[name] = torch.where(mask, value, before[name])
        return kept

    def state_dict_of(self, snapshot: list[dict[str, Tensor]], member: int) -> dict[str, Tensor]:
        """One member's loss in a snapshot, as the loss's own `load_state_dict` takes it."""
        found: dict[str, Tensor] = {}
        for state, members in zip(snapshot, self.members, strict=True):
            for at in (members == member).nonzero()[:, 0].tolist():
                found = {name: value[at].cpu().clone() for name, value in state.items()}
        return found

    def forward(self, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        """Each member's loss [K] of logits, targets and positions in the training set, all [K, N]."""
        if len(self.losses) == 1:
            return self._one(0, logits, targets, index)
        values = torch.empty(logits.shape[0], device=logits.device)
        for group, members in enumerate(self.members):
            own = self._one(group, logits[members], targets[members], index[members])
            values = values.index_copy(0, members, own)
        return values

    def _one(self, group: int, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        loss = self.losses[group]
        words = {"index": index} if self.needs_index[group] else {}
        own = loss if isinstance(loss, Loss) and type(loss).forward is Loss.forward else None
        on_cpu = logits.device.type == "cpu"
        # The package's own losses call what rounds alike by themselves.
        rounded = Alike() if on_cpu and own is None else contextlib.nullcontext()
        with rounded, one_thread() if on_cpu and self.threaded else contextlib.nullcontext():
            # The last dimension are examples, also in a batch of one.
            value = own.values(logits, targets, **words) if own else loss(logits, targets, **words)
        return value if own else checked(value, logits)


def _created(key: str, seed: int | None) -> nn.Module:
    """A fresh loss of the configuration, which draws what it starts from by the run's seed."""
    config = json.loads(key)
    if config["name"] == "custom" and seed is not None:
        seed_streams(seed, torch.device("cpu"))
    return create_loss(config.pop("name"), **config)


def _is_custom(loss: nn.Module) -> bool:
    return not isinstance(loss, Loss) or loss.name == Loss.name
