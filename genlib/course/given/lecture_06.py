"""Given to the answers to lecture 06, and beside them."""

import dataclasses
import gc
import weakref
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

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """By Newton's method, from where z is at most twice too large: 10 steps are more than it takes."""
        goal = z @ torch.linalg.inv(self.matrix).T
        x = goal.sign() * torch.minimum(goal.abs(), torch.asinh(2 * goal.abs()) / self.a)
        for _ in range(10):
            x = x - (x + 0.5 * torch.sinh(self.a * x) - goal) / (1 + 0.5 * self.a * torch.cosh(self.a * x))
        slope = 1 + 0.5 * self.a * torch.cosh(self.a * x)
        return x, -slope.log().sum(1) - torch.linalg.slogdet(self.matrix).logabsdet


@dataclasses.dataclass(eq=False)
class Watched:
    """A layer that leaves a mark in each graph that it makes; the mark lives as long as autograd needs that graph."""

    layer: Mixed
    looked: Callable[[], None]
    marks: list[weakref.ref[Tensor]] = dataclasses.field(default_factory=list)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        result = self.layer(self._marked(x))
        self.looked()
        return result

    forward = __call__

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's own, marked as well."""
        return self.layer.inverse(self._marked(z))

    def held(self) -> bool:
        """Whether one of its graphs is still there."""
        return any(mark() is not None for mark in self.marks)

    def _marked(self, x: Tensor) -> Tensor:
        mark = torch.ones(x.shape, dtype=x.dtype)  # the gradient for x is mark times …, so a graph keeps it
        self.marks.append(weakref.ref(mark))
        return x * mark


def graphs_at_once(answer: Callable, layers: list[Mixed], *rest: Any) -> int:
    """Of how many layers autograd held the graph at once, at most: looked at in each call, and at the end."""
    most = 0

    def looked() -> None:
        nonlocal most
        if sum(layer.held() for layer in watched) > max(most, 2):
            gc.collect()  # what only waits to be thrown away does not count
        most = max(most, sum(layer.held() for layer in watched))

    watched = [Watched(layer, looked) for layer in layers]
    result = answer(watched, *rest)
    looked()
    del result
    return most


def list_left_alone(answer: Callable, layers: list[Mixed], *rest: Any) -> bool:
    """Whether the list of layers still holds the same ones in the same order."""
    before = [id(layer) for layer in layers]
    answer(layers, *rest)
    return [id(layer) for layer in layers] == before


@dataclasses.dataclass(eq=False)
class MaskedNet:
    """(B, D) -> s, t, (B, D) each: the i-th of them depend on the numbers before the i-th alone."""

    scale: Tensor
    shift: Tensor

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sin(z @ self.scale.tril(-1).T + 0.3), torch.cos(z @ self.shift.tril(-1).T)


@dataclasses.dataclass(eq=False)
class SameNet:
    """A network that says the same s and t of everything: (B, D) -> s, t, (B, D) each."""

    s: float
    t: float

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full_like(z, self.s), torch.full_like(z, self.t)
