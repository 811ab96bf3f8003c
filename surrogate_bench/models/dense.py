"""Linear models and perceptrons, whose layers also run K members at once."""

import math
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from surrogate_bench.errors import did_you_mean
from surrogate_bench.registry import register
from surrogate_bench.system.rounding import ALIGNED, sigmoid


class Dense(nn.Module):
    """x·W + b for weights [in, out], or for K members' weights [K, in, out] and inputs [K, N, in] in one product."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)  # as torch.nn.Linear draws both
        self.weight = nn.Parameter(torch.empty(inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "... n inputs"]) -> Float[Tensor, "... n outputs"]:
        weight, bias = self.weight, self.bias
        inputs, outputs = weight.shape[-2:]
        if outputs == 1:
            return self.score(x).unsqueeze(-1)
        if inputs == 1:
            return x * weight + bias.unsqueeze(-2)
        if weight.ndim == 2:
            return torch.addmm(bias, x, weight)
        if inputs * outputs % ALIGNED == 0:
            return torch.baddbmm(bias.unsqueeze(1), x, weight)
        spare = (0, -outputs % ALIGNED)
        return torch.baddbmm(pad(bias, spare).unsqueeze(1), x, pad(weight, spare))[..., :outputs]

    def score(self, x: Float[Tensor, "... n inputs"]) -> Float[Tensor, "... n"]:
        """The layer's output if it has one, without its dimension.

        A library for matrices multiplies a matrix by a vector in another order than several by one each.
        """
        return (x * self.weight.mT).sum(-1) + self.bias


ACTIVATIONS = {"relu": torch.relu, "sigmoid": sigmoid, "tanh": torch.tanh}


class Perceptron(nn.Module):
    """Dense layers with an activation between them, and one logit at the end."""

    # The parameters may carry a leading member dimension, and then so does x.
    stackable = True

    def __init__(self, widths: list[int], activation: str = "relu") -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        pairs = zip(widths, [*widths[1:], 1], strict=True)
        self.layers = nn.ModuleList(Dense(inputs, outputs) for inputs, outputs in pairs)

    def forward(self, x: Float[Tensor, "... n inputs"]) -> Float[Tensor, "... n"]:
        *hidden, last = cast("list[Dense]", self.layers)
        for layer in hidden:
            x = self.activation(layer(x))
        return last.score(x)


@register(
    "model",
    "linear",
    reference="Cox, The Regression Analysis of Binary Sequences, J. R. Stat. Soc. B 20, 1958, "
    "https://doi.org/10.1111/j.2517-6161.1958.tb00292.x",
)
def linear(shape: tuple[int, ...], *, zeros: bool = False) -> Perceptron:
    """One dense layer: the score of a logistic regression. zeros: it starts at 0, and not at random."""
    net = Perceptron([math.prod(shape)])
    if zeros:
        for parameter in net.parameters():
            nn.init.zeros_(parameter)
    return net


@register(
    "model",
    "mlp",
    reference="Rumelhart, Hinton, Williams, Learning Representations by Back-Propagating Errors, Nature 323, "
    "1986, https://doi.org/10.1038/323533a0",
)
def mlp(shape: tuple[int, ...], *, hidden: list[int] = [64, 64], activation: str = "relu") -> Perceptron:  # noqa: B006
    """Dense layers of the widths `hidden` with an activation between them: relu, sigmoid or tanh.

    Raises ValueError for a width below 1 and for another activation.
    """
    if any(width < 1 for width in hidden):
        raise ValueError(f"model.hidden must hold widths of at least 1, not {hidden}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown model.activation {activation!r}{did_you_mean(activation, ACTIVATIONS)}")
    return Perceptron([math.prod(shape), *hidden], activation)
