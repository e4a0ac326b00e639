"""Given to the answers to lecture 05, and beside them."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


@dataclasses.dataclass
class Cubic:
    """f(x) = a (x + x³ / 3), and its derivative; increasing where a > 0, decreasing where a < 0."""

    a: float

    def f(self, x: Tensor) -> Tensor:
        return self.a * (x + x**3 / 3)

    def df(self, x: Tensor) -> Tensor:
        return self.a * (1 + x**2)


@dataclasses.dataclass
class Shift:
    """f(x) = x + by, and its derivative."""

    by: float

    def f(self, x: Tensor) -> Tensor:
        return x + self.by

    def df(self, x: Tensor) -> Tensor:
        return torch.ones_like(x)


@dataclasses.dataclass
class Logistic:
    """A base density that is not N(0, 1): a logistic one around m, and s wide."""

    m: float
    s: float

    def log_p_z(self, z: Tensor) -> Tensor:
        u = (z - self.m) / self.s
        return -u - math.log(self.s) - 2 * torch.nn.functional.softplus(-u)


def standard_normal(z: Tensor) -> Tensor:
    """log N(z; 0, 1)"""
    return -(z**2) / 2 - math.log(2 * math.pi) / 2


@dataclasses.dataclass(eq=False)
class Net:
    """A stand-in for a network: (B, inputs) -> (B, outputs), and nothing else."""

    weight: Tensor
    bias: Tensor

    def __call__(self, h: Tensor) -> Tensor:
        return torch.sin(h @ self.weight.T + self.bias)


@dataclasses.dataclass
class Shrinking:
    """A network of 80 numbers whose 80 log-scales lie around -12: together they shrink a volume by exp(-960)."""

    def __call__(self, h: Tensor) -> Tensor:
        return torch.cat([torch.sin(3 * h) - 12, torch.cos(h)], 1)


def jacobian(answer: Callable, row: Tensor, *rest: Any) -> Any:
    """∂z/∂x of one example, found by autograd: z is the first of the two values that a layer returns."""
    return torch.autograd.functional.jacobian(lambda x: answer(x[None], *rest)[0][0], row)


def learned_only(
    answer: Callable, P: Tensor, lower: Tensor, upper: Tensor, sign: Tensor, log_d: Tensor, pixels: int
) -> Any:
    """P and the signs are no parameters: no gradient is asked of them."""
    return answer(P.detach(), lower, upper, sign.detach(), log_d, pixels)
