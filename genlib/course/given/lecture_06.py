"""Given to the answers to lecture 06, and beside them."""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


@dataclasses.dataclass(eq=False)
class PictureNet:
    """A stand-in for a convolution: (B, inputs, H, W) -> (B, outputs, H, W); pixels see their left one."""

    weight: Tensor
    before: Tensor

    def __call__(self, h: Tensor) -> Tensor:
        left = torch.nn.functional.pad(h, (1, 0))[..., :-1]
        return torch.sin(
            torch.einsum("oi,bihw->bohw", self.weight, h) + torch.einsum("oi,bihw->bohw", self.before, left)
        )


@dataclasses.dataclass(eq=False)
class Constant:
    """A network that always says the same two numbers: as means, and as log-deviations."""

    mean: float
    log_std: float

    def __call__(self, h: Tensor) -> Tensor:
        return torch.cat([torch.full_like(h, self.mean), torch.full_like(h, self.log_std)], 1)


@dataclasses.dataclass(eq=False)
class Mixed:
    """A bijection (B, D) -> (B, D): z = M (x + sinh(a x) / 2), with the log-determinant of its own direction."""

    matrix: Tensor
    a: float

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        slope = 1 + 0.5 * self.a * torch.cosh(self.a * x)
        log_det = slope.log().sum(1) + torch.linalg.slogdet(self.matrix).logabsdet
        return (x + 0.5 * torch.sinh(self.a * x)) @ self.matrix.T, log_det

    forward = __call__

    @torch.no_grad()
    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """By Newton's method, 60 steps: far more than it takes."""
        goal = z @ torch.linalg.inv(self.matrix).T
        x = torch.asinh(goal) / max(1.0, self.a)
        for _ in range(60):
            x = x - (x + 0.5 * torch.sinh(self.a * x) - goal) / (1 + 0.5 * self.a * torch.cosh(self.a * x))
        slope = 1 + 0.5 * self.a * torch.cosh(self.a * x)
        return x, -slope.log().sum(1) - torch.linalg.slogdet(self.matrix).logabsdet


@dataclasses.dataclass(eq=False)
class Watched:
    """A layer that notes for each call whether its input hung on the graph of another one."""

    layer: Mixed
    hung: list[bool]

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.hung.append(x.grad_fn is not None)
        return self.layer(x)

    forward = __call__

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's own."""
        return self.layer.inverse(z)


def graphs_at_once(answer: Callable, layers: list[Mixed], *rest: Any) -> int:
    """How often a layer was called on something that another one had made, and that autograd still knew."""
    hung: list[bool] = []
    answer([Watched(layer, hung) for layer in layers], *rest)
    return sum(hung)


@dataclasses.dataclass(eq=False)
class MaskedNet:
    """(B, D) -> s, t, (B, D) each: the i-th of them depend on the numbers before the i-th alone."""

    scale: Tensor
    shift: Tensor

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sin(z @ self.scale.tril(-1).T + 0.3), torch.cos(z @ self.shift.tril(-1).T)
