r"""Maps of one value at a time, or of their places: affine, logit, permutation, flattening."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import at_least, positive
from genlib.flow.bijection import Bijection, check_scale, no_change, unflatten


class Affine(Bijection):
    r"""Each value is scaled and shifted, by numbers of its own.

    .. math:: z_i = x_i\, e^{s_i} + t_i, \qquad \log|\det J| = \sum_i s_i

    Arguments: shape of one example. Learned: log_scale s and shift t, of that shape; they start as the identity.
    """

    def __init__(self, shape: tuple[int, ...] | int):
        super().__init__()
        self.log_scale, self.shift = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * self.log_scale.exp() + self.shift, self.log_scale.sum().expand(len(x))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        check_scale(self, self.log_scale)
        return (z - self.shift) * (-self.log_scale).exp(), -self.log_scale.sum().expand(len(z))


class Logit(Bijection):
    r"""From pixels in (0, levels) to all reals. Its inverse is a sigmoid.

    .. math:: u_i = \alpha + (1 - 2\alpha)\, \frac{x_i}{V}, \qquad z_i = \log \frac{u_i}{1 - u_i}, \qquad
              \log|\det J| = \sum_i \log \frac{1 - 2\alpha}{V} - \log u_i - \log(1 - u_i)

    Without it a flow would put mass where no pixel can be. α > 0 keeps the ends, 0 and V, at finite places.

    Arguments: levels V, x lies in [0, V]; alpha in [0, 1/2).
    Reference: Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. 2017. arXiv:1605.08803
    """

    def __init__(self, levels: float = 1, alpha: float = 1e-6):
        super().__init__()
        at_least(0, alpha=alpha)
        positive(levels=levels)
        if not alpha < 0.5:
            raise ValueError(f"alpha={alpha} must lie in [0, 0.5)")
        self.levels, self.alpha = levels, alpha

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        u = self.alpha + (1 - 2 * self.alpha) * x / self.levels
        z = u.log() - torch.log1p(-u)
        return z, self.log_slope(z)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        x = (z.sigmoid() - self.alpha) * (self.levels / (1 - 2 * self.alpha))
        return x, -self.log_slope(z)

    def log_slope(self, z: Tensor) -> Tensor:
        """log |det J| of forward, (B,), in terms of z: -log u - log(1 - u) = softplus(-z) + softplus(z)."""
        constant = math.log((1 - 2 * self.alpha) / self.levels)
        return (constant + F.softplus(-z) + F.softplus(z)).flatten(1).sum(1)


class Permute(Bijection):
    """Features, or the channels of a picture, in another order: z[:, i] = x[:, order[i]]. No volume changes."""

    order: Tensor
    back: Tensor

    def __init__(self, order: Tensor):
        super().__init__()
        if sorted(order.tolist()) != list(range(len(order))):
            raise ValueError(f"order={order.tolist()} must hold each of 0..{len(order) - 1} once")
        self.register_buffer("order", order)
        self.register_buffer("back", order.argsort())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.index_select(1, self.order), no_change(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z.index_select(1, self.back), no_change(z)


class Flatten(Bijection):
    """Pictures to vectors, (B, *shape) -> (B, D). No volume changes."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), no_change(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return unflatten(z, self.shape), no_change(z)
