"""A multilayer perceptron: linear maps with a nonlinearity in between."""

import itertools
from collections.abc import Callable

from torch import nn


def mlp(
    inputs: int,
    outputs: int,
    *,
    hidden: int = 128,
    layers: int = 2,
    activation: Callable[[], nn.Module] = nn.SiLU,
    dropout: float = 0.0,
) -> nn.Sequential:
    """(B, inputs) -> (B, outputs), with ``layers`` hidden layers of ``hidden`` units.

    A plain nn.Sequential of known layers, so that a widget can run it in the browser.
    Raises: ValueError for a size below 1 (layers may be 0: one linear map).
    """
    if min(inputs, outputs, hidden) < 1 or layers < 0:
        raise ValueError(
            f"inputs={inputs}, outputs={outputs}, hidden={hidden} must be at least 1, layers={layers} at least 0"
        )
    sizes = [inputs] + [hidden] * layers
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        modules += [nn.Linear(before, after), activation()]
        if dropout:
            modules.append(nn.Dropout(dropout))
    return nn.Sequential(*modules, nn.Linear(sizes[-1], outputs))
