r"""What a flow is made of: maps that can be undone, and that know how much they stretch.

.. math:: \log p(x) = \log p_Z(f(x)) + \log|\det J_f(x)|, \qquad
          \log|\det J_{g \circ f}| = \log|\det J_f| + \log|\det J_g|

Data x go forward to latents z. Each map returns log |det J|, one number in nats for each example, so that a chain of
maps only has to add.
"""

from typing import Any

import torch
from torch import Tensor, nn


class InverseError(ArithmeticError):
    """An inverse that does not exist, or would be inexact; the message names the layer."""


class Bijection(nn.Module):
    """forward(x) -> (z, log_det (B,)) and inverse(z) -> (x, log_det (B,)), each with the log-determinant of its own
    direction: at z = f(x), the two are each other's negatives."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class Compose(Bijection):
    """The maps one after another; their log-determinants add up."""

    def __init__(self, *layers: Bijection):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = no_change(x)
        for layer in self.layers:
            x, change = layer(x)
            log_det = log_det + change
        return x, log_det

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        log_det = no_change(z)
        for i in reversed(range(len(self.layers))):
            z, change = self._undo(i, z)
            log_det = log_det + change
        return z, log_det

    def trace(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """x and what each layer made of it, with the log-determinant so far: [(x, 0), …, (z, log_det)]."""
        states = [(x, no_change(x))]
        for layer in self.layers:
            x, change = layer(x)
            states.append((x, states[-1][1] + change))
        return states

    def trace_inverse(self, z: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The same on the way back: [(z, 0), …, (x, log_det of the inverse)]."""
        states = [(z, no_change(z))]
        for i in reversed(range(len(self.layers))):
            z, change = self._undo(i, z)
            states.append((z, states[-1][1] + change))
        return states

    def _undo(self, i: int, z: Tensor) -> tuple[Tensor, Tensor]:
        layer: Any = self.layers[i]
        try:
            return layer.inverse(z)
        except InverseError as error:
            raise InverseError(f"layer {i + 1} of {len(self.layers)}, {error}") from error


class Inverse(Bijection):
    """The same map with its two directions exchanged."""

    def __init__(self, bijection: Bijection):
        super().__init__()
        self.bijection = bijection

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.bijection.inverse(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.bijection(z)


def no_change(x: Tensor) -> Tensor:
    """The log-determinant of doing nothing, (B,) zeros: in float32 where x is in half precision."""
    return torch.zeros(len(x), device=x.device, dtype=torch.promote_types(x.dtype, torch.float32))


def full_precision(x: Tensor) -> Tensor:
    """x in float32 if autocast made it bfloat16 or float16; float64 stays."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def unflatten(z: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(B, D) -> (B, *shape); pictures lie in memory as convolutions like it, channel by channel of one pixel."""
    x = z.reshape(len(z), *shape)
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def check_scale(layer: Bijection, log_scale: Tensor) -> None:
    """Raises InverseError where dividing by e^log_scale would magnify rounding errors to a hundredth or more."""
    least = torch.finfo(log_scale.dtype).eps * 100
    smallest = log_scale.detach().amin().exp()
    if smallest <= least:
        raise InverseError(
            f"{type(layer).__name__}: it shrinks by a factor of {smallest:.1e}, and {log_scale.dtype} can't undo less "
            f"than {least:.0e}; bound the scale, or use float64"
        )
