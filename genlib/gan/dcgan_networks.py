"""The networks of DCGAN, small, with each of the paper's five tricks as an argument that can be taken away.

1. Strided convolutions in place of pooling and of copying pixels. 2. Batch normalisation in both networks, but not at
the generator's end nor at the discriminator's start. 3. No hidden layers that are fully connected. 4. ReLU in the
generator, and tanh at its end. 5. LeakyReLU in the discriminator. With batch normalisation, weights start at N(0, .02).

Pixels are -1..1 for the networks, whose first and last layers see to it where the data are 0..1.

Reference: Radford, Metz, Chintala. Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks. 2016. arXiv:1511.06434
"""

import itertools
from collections.abc import Callable

from torch import nn

from genlib.arguments import whole
from genlib.nets import Affine

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}
RESAMPLING = ("stride", "nearest")


def dcgan_generator(
    inputs: int,
    shape: tuple[int, int, int],
    *,
    channels: int = 16,
    stages: int = 2,
    batch_norm: bool = True,
    resampling: str = "stride",
    activation: str = "relu",
    tanh: bool = True,
    unit: bool = True,
) -> nn.Sequential:
    """(B, inputs) -> (B, C, H, W): a linear map to channels · 2^(stages-1) small planes, then each stage doubles their
    size and halves their number. tanh: the end lies in -1..1, with unit in 0..1; without, anywhere."""
    C, H, W = _checked(shape, channels, stages, resampling)
    widths = [channels * 2**k for k in range(stages - 1, -1, -1)]
    small = (widths[0], H // 2**stages, W // 2**stages)
    first = nn.Linear(inputs, small[0] * small[1] * small[2], bias=not batch_norm)
    layers: list[nn.Module] = [first, nn.Unflatten(1, small)]
    for k, (before, after) in enumerate(itertools.pairwise([*widths, C]), 1):
        layers += [*([nn.BatchNorm2d(before)] if batch_norm else []), ACTIVATIONS[activation]()]
        bias = not batch_norm or k == stages  # before a norm it would be taken away again
        if resampling == "stride":
            layers.append(nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=bias))
        else:
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1, bias=bias)]
    layers += [*([nn.Tanh()] if tanh else []), *([Affine(0.5, 0.5)] if unit else [])]
    return _started(nn.Sequential(*layers), batch_norm)


def dcgan_discriminator(
    shape: tuple[int, int, int],
    outputs: int = 1,
    *,
    channels: int = 16,
    stages: int = 2,
    batch_norm: bool = True,
    resampling: str = "stride",
    slope: float = 0.2,
    unit: bool = True,
) -> nn.Sequential:
    """(B, C, H, W) -> (B, outputs): each stage halves the picture and doubles the planes. slope: of LeakyReLU, 0 for
    ReLU."""
    C, H, W = _checked(shape, channels, stages, resampling)
    widths = [C] + [channels * 2**k for k in range(stages)]
    layers: list[nn.Module] = [Affine(2.0, -1.0)] if unit else []
    for k in range(stages):
        norm = batch_norm and k > 0
        if resampling == "stride":
            layers.append(nn.Conv2d(widths[k], widths[k + 1], 4, stride=2, padding=1, bias=not norm))
        else:
            layers += [nn.Conv2d(widths[k], widths[k + 1], 3, padding=1, bias=not norm), nn.AvgPool2d(2)]
        layers += [*([nn.BatchNorm2d(widths[k + 1])] if norm else []), nn.LeakyReLU(slope)]
    size = widths[-1] * (H // 2**stages) * (W // 2**stages)
    return _started(nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, outputs)), batch_norm)


def _checked(shape: tuple[int, int, int], channels: int, stages: int, resampling: str) -> tuple[int, int, int]:
    """Raises ValueError for a picture that can't be halved so often, and for an unknown resampling."""
    C, H, W = shape
    whole(stages=stages, channels=channels)
    if H % 2**stages or W % 2**stages:
        raise ValueError(f'{H}x{W} can\'t be halved {stages} times: pass other stages, or take network="conv"')
    if resampling not in RESAMPLING:
        raise ValueError(f"resampling={resampling!r} is not one of {', '.join(RESAMPLING)}")
    return C, H, W


def _started(net: nn.Sequential, batch_norm: bool) -> nn.Sequential:
    """With batch normalisation the paper's start, N(0, .02), which the norms make good; without, torch's own."""
    if batch_norm:
        for layer in net:
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=0.02)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, mean=1.0, std=0.02)
    return net
