"""A multilayer perceptron that is told something in every layer, and can be deep."""

import math

from torch import Tensor, nn


class ResidualMLP(nn.Module):
    r"""h ← h + W₂ silu(W₁ norm(h) + U f) in each layer, f the features: (B, *shape), (B, features) -> (B, *shape, P).

    Arguments: shape; features, how many; per_value P, numbers for each value of x, 1: (B, *shape); hidden; layers.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        features: int,
        *,
        per_value: int = 1,
        hidden: int = 128,
        layers: int = 3,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.shape, self.per_value = shape, per_value
        D = math.prod(shape)
        self.start = nn.Linear(D, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.told = nn.ModuleList(nn.Linear(features, hidden) for _ in range(layers))
        self.widen = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
        self.back = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
        self.activation, self.dropout = nn.SiLU(), nn.Dropout(dropout)
        self.end = nn.Linear(hidden, D * per_value)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        h = self.start(x.flatten(1))
        for norm, told, widen, back in zip(self.norms, self.told, self.widen, self.back, strict=True):
            h = h + back(self.dropout(self.activation(widen(norm(h)) + told(features))))
        out = self.end(self.activation(h))
        return out.view(len(x), *self.shape, *([self.per_value] if self.per_value > 1 else []))
