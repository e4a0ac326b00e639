"""The losses on data that are not trained on."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genlib.model import Trainable, looked_at
from genlib.training.batches import Examples
from genlib.training.surroundings import own_random_state

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@torch.no_grad()
def evaluate(model: Trainable, test: Examples, fabric: "Fabric", seed: int) -> dict[tuple[str, str], float]:
    """{(player, part): mean over the test data}, in evaluation mode. The model draws the same numbers every time."""
    sums: dict[tuple[str, str], Tensor] = {}
    players = model.players()
    with own_random_state(fabric.device), fabric.autocast(), looked_at():
        torch.manual_seed(seed)
        for x, y in test.in_order():
            for player in players:
                for part, value in player.loss(x, y).items():
                    sums[player.name, part] = sums.get((player.name, part), 0) + value.float() * len(x)
    return {name: total.item() / len(test) for name, total in sums.items()}
