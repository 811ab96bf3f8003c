"""K nets of one architecture as one: parameters [K, P], a forward pass for all members at once."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

Parameters = Float[Tensor, "k p"]


class Population:
    """K nets of one architecture side by side, each with its own weights.

    `flat` [K, P] holds all parameters; what the nets compute with are views into it, so that an optimizer updates
    `flat` and is done. One member is called as the module that it is; more go through one stacked forward pass, by
    vmap where the architecture cannot do that itself.
    """

    def __init__(self, members: list[nn.Module], device: torch.device) -> None:
        self.size = len(members)
        self.net = members[0]
        self.names = [name for name, _ in self.net.named_parameters()]
        self.shapes = [parameter.shape for parameter in self.net.parameters()]
        self.flat: Parameters = torch.stack(
            [torch.cat([p.detach().reshape(-1) for p in member.parameters()]) for member in members]
        ).to(device)
        self.net.to(device)
        self.stacks = self.size > 1 and not getattr(self.net, "stackable", False)
        self.buffers = {name: b.to(device) for name, b in stack_module_state(members)[1].items()} if self.stacks else {}
        self.views = self._views(self.flat, lead=self.size > 1)
        if not self.stacks:
            for name, view in self.views.items():
                owner, _, own = name.rpartition(".")
                setattr(self.net.get_submodule(owner), own, view)
        self.parameters = list(self.views.values())

    def __call__(self, x: Float[Tensor, "k n *features"]) -> Float[Tensor, "k n"]:
        """Logits [K, N] of each member's own examples [K, N, *features]."""
        if self.size == 1:
            return self.net(x[0])[None]
        if not self.stacks:
            return self.net(x)

        def one(state: dict[str, Tensor], own: Tensor) -> Tensor:
            return functional_call(self.net, state, (own,))

        return torch.vmap(one)({**self.views, **self.buffers}, x)

    def gradients(
        self, value: Float[Tensor, ""], logits: Float[Tensor, "k n"], others: Sequence[Tensor] = ()
    ) -> tuple[Parameters, Tensor, list[Tensor]]:
        """The gradient [K, P] of a sum over members, that by the logits [K, N], and those by what is not the nets'."""
        own = len(self.parameters)
        wanted = [*self.parameters, logits, *others]
        # A loss may have parameters that it does not use.
        found = torch.autograd.grad(value, wanted, materialize_grads=bool(others))
        flat = torch.cat([gradient.reshape(self.size, -1) for gradient in found[:own]], 1)
        return flat, found[own], list(found[own + 1 :])

    def training(self, mode: bool) -> None:
        """Sets the net to train or to be evaluated, for what differs there (dropout, batch statistics)."""
        self.net.train(mode)

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of everything that a member's outputs depend on, each [K, ...]."""
        return {"flat": self.flat.clone(), **{name: buffer.clone() for name, buffer in self._buffers().items()}}

    def restore(self, snapshot: dict[str, Tensor]) -> None:
        """Sets all members back to a snapshot."""
        self.flat.copy_(snapshot["flat"])
        for name, buffer in self._buffers().items():
            buffer.copy_(snapshot[name])

    def state_dict(self, snapshot: dict[str, Tensor], member: int) -> dict[str, Tensor]:
        """One member's weights in a snapshot, as the net's own `load_state_dict` takes them."""
        parameters = self._views(snapshot["flat"][member : member + 1], lead=False)
        buffers = {name: snapshot[name][member] for name in self._buffers()}
        return {name: value.detach().cpu().clone() for name, value in (parameters | buffers).items()}

    def _buffers(self) -> dict[str, Tensor]:
        return self.buffers or {name: buffer[None] for name, buffer in self.net.named_buffers()}

    def _views(self, flat: Parameters, *, lead: bool) -> dict[str, nn.Parameter]:
        sizes = [shape.numel() for shape in self.shapes]
        members = [flat.shape[0]] if lead else []
        pieces = zip(self.names, flat.split(sizes, 1), self.shapes, strict=True)
        return {name: nn.Parameter(piece.view(*members, *shape)) for name, piece, shape in pieces}
