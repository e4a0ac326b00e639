r"""Coupling layers: one half of x passes, and decides what happens to the other half.

The Jacobian is triangular, so its determinant is the product of the diagonal. The network is never inverted and never
differentiated for it: it may be any function of the half that passes.
"""

from typing import TypeVar

import torch
from torch import Tensor, nn

from genlib.arguments import positive
from genlib.flow.bijection import Bijection, check_scale, full_precision, no_change

Network = TypeVar("Network", bound=nn.Module)


def at_zero(net: Network) -> Network:
    """The same network with a last layer that says 0: the coupling that asks it starts as the identity."""
    *_, weight, bias = net.parameters()
    nn.init.zeros_(weight)
    nn.init.zeros_(bias)
    return net


class Coupling(Bijection):
    """What all couplings share: the two halves, and how they are put together again.

    Arguments: mask (D,) bool over dimension 1, the features of a vector or the channels of a picture: True where x
    passes; net: (B, passing, …) -> (B, outputs, …); what else both directions are given, the net is given, too.
    Raises: ValueError if nothing passes or nothing is changed.
    """

    passing: Tensor
    changed: Tensor
    order: Tensor

    def __init__(self, mask: Tensor, net: nn.Module):
        super().__init__()
        if mask.dtype != torch.bool or mask.ndim != 1 or mask.all() or not mask.any():
            raise ValueError(f"the mask must be (D,) bool with True and False, it is {mask.dtype}, {mask.tolist()}")
        passing, changed = (half.nonzero()[:, 0] for half in (mask, ~mask))
        self.register_buffer("passing", passing)
        self.register_buffer("changed", changed)
        self.register_buffer("order", torch.cat([passing, changed]).argsort())  # puts [x_a, z_b] in x's order
        self.sizes = [len(passing), len(changed)]
        # Where the halves are two blocks, [x_a, x_b] or [x_b, x_a], they are cut apart instead of copied together.
        self.blocks = int((mask[1:] != mask[:-1]).sum()) == 1
        self.first = bool(mask[0])  # whether x_a comes first
        self.net = net

    def forward(self, x: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.halves(x)
        b, log_det = self.change(b, full_precision(self.net(a, *given)))
        return self.join(a, b), log_det

    def inverse(self, z: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.halves(z)
        b, log_det = self.undo(b, full_precision(self.net(a, *given)))  # a is what it was: the net says the same again
        return self.join(a, b), log_det

    def change(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        """(x_b, the net's output) -> (z_b, log_det (B,))."""
        raise NotImplementedError

    def undo(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        """(z_b, the net's output) -> (x_b, log_det (B,))."""
        raise NotImplementedError

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.blocks:
            return x.split(self.sizes, 1) if self.first else x.split(self.sizes[::-1], 1)[::-1]
        return x.index_select(1, self.passing), x.index_select(1, self.changed)

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        if self.blocks:
            return torch.cat([a, b] if self.first else [b, a], 1)
        return torch.cat([a, b], 1).index_select(1, self.order)


class AdditiveCoupling(Coupling):
    r"""NICE's coupling: half of x passes, and shifts the other half.

    .. math:: z_a = x_a, \quad z_b = x_b + t(x_a), \qquad \log|\det J| = 0

    Arguments: mask (D,), True where x passes; net: (B, |a|, …) -> (B, |b|, …).
    Reference: Dinh, Krueger, Bengio. NICE: Non-linear Independent Components Estimation. 2014. arXiv:1410.8516
    """

    def change(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        return b + how, no_change(b)

    def undo(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        return b - how, no_change(b)


class AffineCoupling(Coupling):
    r"""RealNVP's coupling: half of x passes, and scales and shifts the other half.

    .. math:: z_a = x_a, \quad z_b = x_b \odot e^{s(x_a)} + t(x_a), \qquad \log|\det J| = \sum_{i \in b} s(x_a)_i

    Changes NICE's additive coupling by the scale s. It is kept in (-c, c) by s = c tanh(r / c), r what the net says:
    an unlucky step can then make it neither overflow nor impossible to undo.

    Arguments: mask (D,), True where x passes; net: (B, |a|, …) -> (B, 2|b|, …), first r, then t; bound c, None for
    s = r.
    Raises: InverseError, only with bound=None, where the scale became too small to be undone.
    Reference: Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. 2017. arXiv:1605.08803
    """

    def __init__(self, mask: Tensor, net: nn.Module, bound: float | None = 2.0):
        super().__init__(mask, net)
        positive(bound=bound)
        if bound is not None and bound > 8:
            raise ValueError(f"bound={bound}: it must be positive, and e^-bound within float32's precision: at most 8")
        self.bound = bound

    def scale_and_shift(self, how: Tensor) -> tuple[Tensor, Tensor]:
        s, t = how.chunk(2, 1)
        if self.bound is not None:  # c tanh(r / c), by tanh u = 2 sigmoid(2u) - 1: on a CPU three times as fast
            s = 2 * self.bound * torch.sigmoid(s * (2 / self.bound)) - self.bound
        return s, t

    def change(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.scale_and_shift(how)
        return torch.addcmul(t, b, s.exp()), s.flatten(1).sum(1)  # t + b e^s

    def undo(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.scale_and_shift(how)
        if self.bound is None:
            check_scale(self, s)
        return (b - t) * (-s).exp(), -s.flatten(1).sum(1)
