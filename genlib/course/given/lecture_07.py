"""Given to the answers to lecture 07, and beside them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def without_autograd(answer: Callable, *arguments: Any) -> str:
    """What an answer says where autograd is switched off: nothing, or why it stopped."""
    with torch.inference_mode():
        try:
            answer(*arguments)
        except RuntimeError as error:
            return str(error)
    return ""


def two_steps(answer: Callable, x: Tensor, z: Tensor) -> tuple:
    """D's weights, G's weights, and how often a gradient reached G, after two steps on the same batch."""
    torch.manual_seed(0)
    G = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    D = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1), nn.Flatten(0)).double()
    reached: list[int] = []
    dict(G.named_parameters())["0.bias"].register_hook(lambda gradient: reached.append(1))
    optimizers = [torch.optim.SGD(player.parameters(), lr=0.5) for player in (G, D)]
    for _ in range(2):
        answer(G, D, *optimizers, x, z)
    weights = [torch.cat([p.flatten() for p in player.parameters()]) for player in (D, G)]  # D moves first
    return (*weights, len(reached))


def step_on_pictures(answer: Callable) -> list[Tensor]:
    """G's weights and D's after one step with Adam, of which each player has its own."""
    torch.manual_seed(1)
    G = nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 2, 2)))
    D = nn.Sequential(nn.Flatten(), nn.Linear(4, 1), nn.Flatten(0))
    optimizer_G = torch.optim.Adam(G.parameters(), lr=0.01)
    optimizer_D = torch.optim.Adam(D.parameters(), lr=0.02, betas=(0.5, 0.99))
    answer(G, D, optimizer_G, optimizer_D, torch.randn(8, 1, 2, 2), torch.randn(8, 3))
    return [torch.cat([p.detach().flatten() for p in player.parameters()]) for player in (G, D)]
