"""Nets for small pictures, [N, channels, height, width]."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from surrogate_bench.registry import register

Images = Float[Tensor, "n channels height width"]


@register(
    "model",
    "cnn",
    reference="LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86, 1998, "
    "https://doi.org/10.1109/5.726791",
)
class CNN(nn.Module):
    """Two 3 × 3 convolutions, each with ReLU and 2 × 2 max pooling, then one hidden dense layer.

    Raises ValueError for a width below 1, other than two `channels`, and what is no picture of at least 4 × 4.
    """

    def __init__(self, shape: tuple[int, ...], *, channels: list[int] = [16, 32], hidden: int = 64) -> None:  # noqa: B006
        super().__init__()
        inputs, height, width = _picture(shape, "cnn", least=4)
        if len(channels) != 2 or min(*channels, hidden) < 1:
            raise ValueError(
                f"model.channels must be two widths of at least 1 and model.hidden one, not {channels}, {hidden}"
            )
        self.first = nn.Conv2d(inputs, channels[0], 3, padding=1)
        self.second = nn.Conv2d(channels[0], channels[1], 3, padding=1)
        self.hidden = nn.Linear(channels[1] * (height // 4) * (width // 4), hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: Images) -> Float[Tensor, " n"]:
        x = torch.max_pool2d(torch.relu(self.first(x)), 2)
        x = torch.max_pool2d(torch.relu(self.second(x)), 2)
        return self.out(torch.relu(self.hidden(x.flatten(1)))).squeeze(-1)


@register(
    "model",
    "resnet18",
    reference="He et al., Deep Residual Learning for Image Recognition, CVPR 2016, https://arxiv.org/abs/1512.03385",
)
class ResNet18(nn.Module):
    """torchvision's ResNet-18 from scratch, its stem a 3 × 3 convolution without pooling, as suits small pictures.

    Raises ValueError for what is no picture of at least 8 × 8.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        from torchvision.models import resnet18

        inputs, _, _ = _picture(shape, "resnet18", least=8)
        self.net = resnet18(num_classes=1)
        self.net.conv1 = nn.Conv2d(inputs, 64, 3, padding=1, bias=False)
        self.net.maxpool = nn.Identity()

    def forward(self, x: Images) -> Float[Tensor, " n"]:
        return self.net(x).squeeze(-1)


def _picture(shape: tuple[int, ...], model: str, *, least: int) -> tuple[int, int, int]:
    if len(shape) != 3 or min(shape[1:]) < least:
        raise ValueError(
            f"model {model} needs pictures of at least {least} x {least}, but an example here has shape {list(shape)}; "
            f"try model=mlp"
        )
    return shape[0], shape[1], shape[2]
