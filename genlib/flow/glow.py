r"""Glow: blocks that normalise, mix, couple, on several scales.

    block:  ActNorm -> InvertibleConv1x1 -> AffineCoupling
    scale:  Squeeze -> blocks -> Split                      (the last one ends with Flatten)

Changes RealNVP's fixed masks for a learned mixing of channels, and its batch normalisation for ActNorm.

Reference: Kingma, Dhariwal. Glow: Generative Flow with Invertible 1x1 Convolutions. 2018. arXiv:1807.03039
"""

import math

from torch import nn

from genlib.arguments import as_picture, refuse_unused, truth, whole
from genlib.flow.actnorm import ActNorm
from genlib.flow.base import ClassGaussian
from genlib.flow.bijection import Bijection, Compose
from genlib.flow.conv1x1 import InvertibleConv1x1
from genlib.flow.coupling import AffineCoupling, at_zero
from genlib.flow.dequantization import VariationalDequantize
from genlib.flow.elementwise import Flatten, Logit
from genlib.flow.flow import Flow
from genlib.flow.image import Split, Squeeze
from genlib.flow.masks import halves
from genlib.flow.reversible import Reversible
from genlib.noise import StandardNormal


class Glow(Flow):
    """Glow of pictures (C, H, W) whose sides can be halved ``scales`` times.

    Arguments: shape; levels, x are integers 0..levels-1, None for reals; classes, a Gaussian for each label in latent
    space; scales; depth, the number of blocks on each; channels of the couplings' networks; bound of the log-scales;
    alpha of the logit that pixels with levels pass first; variational, the noise of the dequantization is learned
    (VariationalDequantize); reversible, activations are rebuilt instead of stored (Reversible). ``loss`` is in nats for
    an example. Latents: the finest scale first.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        levels: int | None = None,
        classes: int | None = None,
        *,
        scales: int = 2,
        depth: int = 4,
        channels: int = 32,
        bound: float | None = 2.0,
        alpha: float = 0.02,
        variational: bool = False,
        reversible: bool = False,
    ):
        whole(scales=scales, depth=depth, channels=channels)
        truth(variational=variational, reversible=reversible)
        if levels is None:
            refuse_unused(Glow, "it belongs to pixels with levels=", alpha=alpha, variational=variational)
        shape = as_picture(shape)
        if shape[1] % 2**scales or shape[2] % 2**scales:
            raise ValueError(f"shape {tuple(shape)} must be (C, H, W) with sides that can be halved {scales} times")
        D = math.prod(shape)
        chain: list[Bijection] = [] if levels is None else [Logit(levels, alpha)]
        chain += scale(shape, scales, depth, channels, bound, Reversible if reversible else Compose)
        base = StandardNormal(D) if classes is None else ClassGaussian(D, classes)
        noise = VariationalDequantize(shape, levels, channels=channels) if variational and levels else None
        super().__init__(Compose(*chain), base, shape=shape, levels=levels, noise=noise)


def scale(
    shape: tuple[int, int, int],
    scales: int,
    depth: int,
    channels: int,
    bound: float | None,
    composed: type[Compose] = Compose,
) -> list[Bijection]:
    """The layers of this scale; the scales after it are within its Split. composed: how its blocks are put together."""
    C, H, W = 4 * shape[0], shape[1] // 2, shape[2] // 2
    chain: list[Bijection] = []
    for _ in range(depth):
        coupling = AffineCoupling(halves(C), conv_net(C // 2, C, channels), bound)
        chain += [ActNorm(C), InvertibleConv1x1(C), coupling]
    blocks = chain if composed is Compose else [composed(*chain)]
    if scales == 1:
        return [Squeeze(), *blocks, Flatten((C, H, W))]
    rest = Compose(*scale((C // 2, H, W), scales - 1, depth, channels, bound, composed))
    return [Squeeze(), *blocks, Split((C, H, W), rest)]


def conv_net(inputs: int, outputs: int, channels: int) -> nn.Sequential:
    """(B, inputs, H, W) -> (B, outputs, H, W); its last layer starts at zero, so that the coupling does nothing yet."""
    last = nn.Conv2d(channels, outputs, 3, padding=1)
    first, mix = nn.Conv2d(inputs, channels, 3, padding=1), nn.Conv2d(channels, channels, 1)
    return at_zero(nn.Sequential(first, nn.ReLU(inplace=True), mix, nn.ReLU(inplace=True), last))
