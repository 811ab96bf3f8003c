"""K nets of one architecture as one: parameters [K, P], a forward pass for all members at once."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.functional import pad

from surrogate_bench.system.rounding import ALIGNED

Parameters = Float[Tensor, "k p"]


class Population:
    """K nets of one architecture side by side, each with its own weights.

    `flat` [K, P] holds all parameters and a few zeros that nothing reads, so that each member's begin at an aligned
    address; what the nets compute with are views into it, so that an optimizer updates
    `flat` and is done. A net that is `stackable` takes all members in one forward pass, also where there is but one:
    other products of matrices would be rounded differently. Others go one after the other, as the modules that they
    are; on a GPU by vmap, which is faster there.
    """

    def __init__(self, members: list[nn.Module], device: torch.device) -> None:
        self.size = len(members)
        self.net = members[0]
        self.names = [name for name, _ in self.net.named_parameters()]
        self.shapes = [parameter.shape for parameter in self.net.parameters()]
        self.sizes = [shape.numel() for shape in self.shapes]
        self.spare = -sum(self.sizes) % ALIGNED
        fill = torch.zeros(self.spare)
        self.flat: Parameters = torch.stack(
            [torch.cat([*(p.detach().reshape(-1) for p in member.parameters()), fill]) for member in members]
        ).to(device)
        # Before one of them, which computes for all, is moved: those of one device alone can be stacked.
        self.buffers = {name: b.to(device) for name, b in stack_module_state(members)[1].items()}
        self.net.to(device)
        self.stacks = bool(getattr(self.net, "stackable", False))
        self.maps = not self.stacks and self.size > 1 and device.type != "cpu"
        whole = self.stacks or self.maps
        self.views = [self._views(own, lead=whole) for own in ([self.flat] if whole else self.flat.split(1))]
        if self.stacks:
            for name, view in self.views[0].items():
                owner, _, own = name.rpartition(".")
                setattr(self.net.get_submodule(owner), own, view)
        self.fill = self.flat.new_zeros(self.size // len(self.views), self.spare)
        self.parameters = [view for views in self.views for view in views.values()]

    def __call__(self, x: Float[Tensor, "k n *features"]) -> Float[Tensor, "k n"]:
        """Logits [K, N] of each member's own examples [K, N, *features]."""
        if self.stacks:
            examples = x.shape[1]
            spare = -examples % ALIGNED
            return self.net(pad(x, (0, 0, 0, spare)))[:, :examples] if spare else self.net(x)

        def one(state: dict[str, Tensor], own: Tensor) -> Tensor:
            return functional_call(self.net, state, (own,))

        if self.maps:
            return torch.vmap(one)({**self.views[0], **self.buffers}, x)
        buffers = [{name: buffer[k] for name, buffer in self.buffers.items()} for k in range(self.size)]
        # Copies, also of the gradient, which is what a factor of 1 is for, begin at an aligned address.
        parts = zip(self.views, buffers, x, strict=True)
        return torch.stack([one({**view, **buffer}, own.clone()) * 1 for view, buffer, own in parts])

    def gradients(
        self, value: Float[Tensor, ""], logits: Float[Tensor, "k n"], others: Sequence[Tensor] = ()
    ) -> tuple[Parameters, Tensor, list[Tensor]]:
        """The gradient [K, P] of a sum over members, that by the logits [K, N], and those by what is not the nets'."""
        every, members, own = len(self.names), self.size // len(self.views), len(self.parameters)
        wanted = [*self.parameters, logits, *others]
        # A loss may have parameters that it does not use.
        found = torch.autograd.grad(value, wanted, materialize_grads=bool(others))
        rows = [
            torch.cat([*(g.reshape(members, -1) for g in found[start : start + every]), self.fill], 1)
            for start in range(0, own, every)
        ]
        return rows[0] if len(rows) == 1 else torch.cat(rows), found[own], list(found[own + 1 :])

    def training(self, mode: bool) -> None:
        """Sets the net to train or to be evaluated, for what differs there (dropout, batch statistics)."""
        self.net.train(mode)

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of everything that a member's outputs depend on, each [K, ...]."""
        return {"flat": self.flat.clone(), **{name: buffer.clone() for name, buffer in self.buffers.items()}}

    def restore(self, snapshot: dict[str, Tensor]) -> None:
        """Sets all members back to a snapshot."""
        self.flat.copy_(snapshot["flat"])
        for name, buffer in self.buffers.items():
            buffer.copy_(snapshot[name])

    def state_dict(self, snapshot: dict[str, Tensor], member: int) -> dict[str, Tensor]:
        """One member's weights in a snapshot, as the net's own `load_state_dict` takes them."""
        parameters = self._views(snapshot["flat"][member : member + 1], lead=False)
        buffers = {name: snapshot[name][member] for name in self.buffers}
        return {name: value.detach().cpu().clone() for name, value in (parameters | buffers).items()}

    def _views(self, flat: Parameters, *, lead: bool) -> dict[str, nn.Parameter]:
        members = [flat.shape[0]] if lead else []
        pieces = zip(self.names, flat.split([*self.sizes, self.spare], 1), self.shapes, strict=False)
        return {name: nn.Parameter(piece.view(*members, *shape)) for name, piece, shape in pieces}
