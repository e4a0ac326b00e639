"""The networks of CycleGAN, small, and the history of fakes that its discriminators are shown.

References: Zhu, Park, Isola, Efros. Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks.
2017. arXiv:1703.10593. The history: Shrivastava, Pfister, Tuzel, Susskind, Wang, Webb. Learning from Simulated and
Unsupervised Images through Adversarial Training. 2017. arXiv:1612.07828
"""

import math

import torch
from torch import Tensor, nn

from genlib.nets import Residual, mlp


def normalised_block(channels: int) -> Residual:
    """x plus what two 3x3 convolutions make of it, both instance-normalised. (B, C, H, W) -> the same shape."""
    return Residual(nn.Sequential(*convolution(channels, channels, 3), nn.ReLU(), *convolution(channels, channels, 3)))


def convolution(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution and instance normalisation, which looks at one picture alone and takes away any bias."""
    padding = (kernel - 1) // 2
    return [nn.Conv2d(before, after, kernel, stride, padding, bias=False), nn.InstanceNorm2d(after)]


def make_translator(
    shape: tuple[int, ...], *, network: str, channels: int, blocks: int, hidden: int, layers: int
) -> nn.Module:
    """(B, *shape) -> the same shape. Pictures: halved once, ``blocks`` residual blocks, doubled, tanh."""
    check_translated(shape, network)
    if network == "mlp":
        D = math.prod(shape)
        return nn.Sequential(nn.Flatten(), *mlp(D, D, hidden=hidden, layers=layers), nn.Unflatten(1, shape))
    C = shape[0]
    return nn.Sequential(
        *convolution(C, channels, 5),
        nn.ReLU(),
        *convolution(channels, 2 * channels, 3, stride=2),
        nn.ReLU(),
        *(normalised_block(2 * channels) for _ in range(blocks)),
        nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1, bias=False),
        nn.InstanceNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, C, 5, padding=2),
        nn.Tanh(),
    )


def make_patch_judge(shape: tuple[int, ...], *, network: str, channels: int, hidden: int, layers: int) -> nn.Module:
    """(B, *shape) -> scores: one for each of many overlapping patches of a picture, (B, 1, h, w); of points (B, 1)."""
    slope = lambda: nn.LeakyReLU(0.2)  # noqa: E731
    if network == "mlp":
        net = mlp(math.prod(shape), 1, hidden=hidden, layers=layers, activation=slope)
        return nn.Sequential(nn.Flatten(), *net)
    C, width = shape[0], 3 * channels // 2
    return nn.Sequential(
        nn.Conv2d(C, width, 4, stride=2, padding=1),
        slope(),
        *convolution(width, 2 * width, 4, stride=2),
        slope(),
        nn.Conv2d(2 * width, 1, 3, padding=1),
    )


def check_translated(shape: tuple[int, ...], network: str) -> None:
    """Raises ValueError for a network that is not known, or that does not go with the shape."""
    if network not in ("mlp", "conv"):
        raise ValueError(f'network={network!r}: choose "mlp" or "conv"')
    if network == "conv" and (len(shape) != 3 or shape[1] % 2 or shape[2] % 2 or min(shape[1:]) < 8):
        raise ValueError(
            f'network="conv" takes pictures (C, H, W) of even sides, 8 at least; for shape {shape} take "mlp"'
        )


class FakeHistory(nn.Module):
    """Shows a discriminator old fakes among the new ones, so that it does not forget what the generator did before.

    Of each batch a fake is put into a place of its own among ``size``, drawn at random. If that place is still empty,
    a copy stays there. Else, with probability 1/2, the new one stays there and the old one is shown in its stead.
    In evaluation mode nothing is exchanged. The places are buffers: a run that goes on remembers them.
    """

    kept: Tensor
    used: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]):
        super().__init__()
        self.size = size
        self.register_buffer("kept", torch.zeros(size, *shape))
        self.register_buffer("used", torch.zeros(size, dtype=torch.bool))

    @torch.no_grad()
    def forward(self, fakes: Tensor) -> Tensor:
        """(B, *shape) -> the same shape."""
        n = min(len(fakes), self.size)
        if not self.training or n == 0:
            return fakes
        places = torch.randperm(self.size, device=fakes.device)[:n]
        old, new, used = self.kept[places], fakes[:n], self.used[places]
        swap = used & (torch.rand(n, device=fakes.device) < 0.5)
        each = (-1, *[1] * (fakes.dim() - 1))
        self.kept[places] = torch.where((swap | ~used).view(each), new.to(old), old)
        self.used[places] = True
        return torch.cat([torch.where(swap.view(each), old.to(new), new), fakes[n:]])
