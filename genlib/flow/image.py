r"""Squeeze and split: how a flow of pictures gets to see far, and to work on less.

(B, 1, 28, 28) -squeeze-> (B, 4, 14, 14) -blocks-> split: half of the channels are done, the others
                                                   -squeeze-> (B, 8, 7, 7) -blocks-> done
"""

import torch
from torch import Tensor, nn

from genlib.flow.bijection import Bijection, no_change, unflatten
from genlib.flow.coupling import AffineCoupling, at_zero
from genlib.flow.masks import halves


class Squeeze(Bijection):
    """Each block of 2x2 pixels becomes four channels, (B, C, H, W) -> (B, 4C, H/2, W/2). No volume changes.

    The four channels of a colour follow one another: top left, top right, bottom left, bottom right. The first and the
    last are the dark squares of a checkerboard.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        B, C, H, W = x.shape
        if H % 2 or W % 2:
            raise ValueError(f"pixels of {H}x{W} can't be squeezed: both sides must be even")
        z = x.reshape(B, C, H // 2, 2, W // 2, 2).permute(0, 1, 3, 5, 2, 4)  # (B, C, 2, 2, H/2, W/2)
        z = z.reshape(B, 4 * C, H // 2, W // 2)
        return z.contiguous(memory_format=torch.channels_last), no_change(x)  # in memory, as convolutions like it

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        B, C, H, W = z.shape
        x = z.reshape(B, C // 4, 2, 2, H, W).permute(0, 1, 4, 2, 5, 3)  # (B, C/4, H, 2, W, 2)
        return x.reshape(B, C // 4, 2 * H, 2 * W), no_change(z)


class Split(Bijection):
    r"""Half of the channels are done: they leave as latents. The others go through the ``rest`` of the flow.

    .. math:: z = \big[(x_b - \mu(x_a)) / \sigma(x_a),\; \mathrm{rest}(x_a)\big]

    The half that leaves is shifted and scaled by what the other half lets expect of it. That is an affine coupling, and
    the same as to say: p(x_b | x_a) is Gaussian, with mean and width from a network.

    (B, C, H, W) -> (B, D), D = C H W, what left here first. Arguments: shape (C, H, W), C even; rest, a bijection
    (B, C/2, H, W) -> (B, D/2).
    Reference: Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. 2017. arXiv:1605.08803
    """

    def __init__(self, shape: tuple[int, int, int], rest: Bijection):
        super().__init__()
        C, H, W = shape
        if C % 2:
            raise ValueError(f"{C} channels can't be split into halves; squeeze first")
        self.half_shape = (C // 2, H, W)
        net = at_zero(nn.Conv2d(C // 2, C, 3, padding=1))
        self.expect, self.rest = AffineCoupling(halves(C), net), rest  # the first half passes, and goes on

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, log_det = self.expect(x)
        going_on, done = x.chunk(2, 1)
        z, change = self.rest(going_on)
        return torch.cat([done.flatten(1), z], 1), log_det + change

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        done, z = z.chunk(2, 1)
        going_on, change = self.rest.inverse(z)
        both = torch.cat([going_on, unflatten(done, self.half_shape)], 1).contiguous(memory_format=torch.channels_last)
        x, log_det = self.expect.inverse(both)
        return x, log_det + change
