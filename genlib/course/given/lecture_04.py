"""Beside the answers to lecture 04."""

from collections.abc import Callable

import torch
from torch import Tensor

WEIGHTS = 3  # which argument of kl_to_mixture they are


def gradients(answer: Callable, *arguments: Tensor) -> tuple[Tensor | None, ...] | None:
    """Of the answer's values, the i-th counted i times, for all arguments but the weights; None where none flows."""
    leaves = [part.clone().requires_grad_(i != WEIGHTS) for i, part in enumerate(arguments)]
    value = answer(*leaves)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return None
    total = (value * torch.arange(1.0, 5.0, dtype=torch.float64)).sum()
    return torch.autograd.grad(total, [leaf for leaf in leaves if leaf.requires_grad], allow_unused=True)
