"""Given to the answers to lecture 10, and beside them."""

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass(eq=False)
class Velocity:
    """A stand-in for a velocity or a score: (B, D) -> (B, D), each example by itself; its Jacobian is not symmetric."""

    matrix: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return torch.sin(x @ self.matrix) + 0.3 * x * x.roll(1, -1)


@dataclasses.dataclass(eq=False)
class LabelledDenoiser:
    """A stand-in for a network that guesses the noise, (x_t, y) -> (B, D); y is None: without a label."""

    matrix: Tensor
    of_label: Tensor

    def __call__(self, x_t: Tensor, y: Tensor | None) -> Tensor:
        guess = torch.tanh(x_t @ self.matrix)
        return guess if y is None else guess + self.of_label[y] * (1 + x_t.cos())
