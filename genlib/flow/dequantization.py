r"""Variational dequantization: where in its cell an integer is put is learned, too.

.. math:: \log P(v) \;\ge\; \mathbb E_{u \sim q(u \mid v)} \big[ \log p(v + u) - \log q(u \mid v) \big]

With q = 1, uniform noise, this is the bound of quantize.py: it asks the density to be flat within each cell and to fall
at its edge. A flow is smooth and can't; so q learns to put u where the density likes it, and pays by its own entropy.
The gap is the divergence of q from p(u | v), the posterior of the noise.

Reference: Ho, Chen, Srinivas, Duan, Abbeel. Flow++: Improving Flow-Based Generative Models with Variational
Dequantization and Architecture Design. 2019. arXiv:1902.00275
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture, whole
from genlib.flow.coupling import at_zero
from genlib.flow.masks import checkerboard
from genlib.noise import StandardNormal
from genlib.quantize import to_signed


class VariationalDequantize(nn.Module):
    r"""Noise u in (0, 1) for pictures of integers v, from a small flow that is given v.

    .. math:: u = \sigma(g_v(\epsilon)), \quad \epsilon \sim N(0, I), \qquad
              \log q(u \mid v) = \log N(\epsilon; 0, I) - \log|\det J_{g_v}| - \sum_i \log u_i (1 - u_i)

    Arguments: shape (C, H, W); levels; depth, the number of affine couplings on checkerboards that take turns; channels
    of their networks, which see v and the pixels of noise that pass.
    """

    mask: Tensor

    def __init__(self, shape: tuple[int, int, int], levels: int, *, depth: int = 4, channels: int = 32):
        super().__init__()
        whole(2, levels=levels)
        whole(depth=depth, channels=channels)
        shape = as_picture(shape)
        self.shape, self.levels, self.noise = shape, levels, StandardNormal(shape[0] * shape[1] * shape[2])
        self.register_buffer("mask", checkerboard(shape).float().clone(), persistent=False)
        self.nets = nn.ModuleList(_net(shape[0], channels) for _ in range(depth))

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Integers (B, C, H, W) -> v + u, u drawn anew, and log q(u | v), (B,), nats."""
        noise = self.noise.sample(len(v)).view(len(v), *self.shape)
        log_q = self.noise.log_prob(noise.flatten(1))
        given, h = to_signed(v, self.levels, noise.dtype), noise
        for k, net in enumerate(self.nets):
            passes = self.mask if k % 2 == 0 else 1 - self.mask
            r, t = net(torch.cat([passes * h, given], 1)).chunk(2, 1)
            s = (1 - passes) * 2 * torch.tanh(r / 2)  # bounded as in AffineCoupling
            h = h * s.exp() + (1 - passes) * t
            log_q = log_q - s.flatten(1).sum(1)
        log_slope = -F.softplus(h) - F.softplus(-h)  # of the sigmoid: log u (1 - u)
        return v + h.sigmoid(), log_q - log_slope.flatten(1).sum(1)


def _net(C: int, channels: int) -> nn.Sequential:
    """What passes and v, (B, 2C, H, W), to r and t, (B, 2C, H, W); it starts at zero."""
    first, last = nn.Conv2d(2 * C, channels, 3, padding=1), nn.Conv2d(channels, 2 * C, 3, padding=1)
    return at_zero(nn.Sequential(first, nn.SiLU(), nn.Conv2d(channels, channels, 1), nn.SiLU(), last))
