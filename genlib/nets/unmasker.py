"""A Transformer that looks both ways: at every place of a sequence it says what could stand there."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import count, share


class Layer(nn.Module):
    """Attention to all places, then a perceptron at each, both added to their input: (B, T, width) -> the same."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(h)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, d)
        h = h + self.dropout(self.mix(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)))
        return h + self.dropout(self.mlp(self.norm2(h)))


class Unmasker(nn.Module):
    """(B, T) tokens 0..V, where V is a hole -> logits (B, T, V) of what stands there. Given f (B, features), too.

    Arguments: T places; V values; features of what it is given, 0 for nothing; width, a multiple of heads; layers;
    heads; dropout. No mask: that nothing is known of a hole is all that makes it a task.
    """

    def __init__(
        self,
        T: int,
        V: int,
        features: int = 0,
        *,
        width: int = 64,
        layers: int = 3,
        heads: int = 4,
        dropout: float = 0.0,
    ):
        super().__init__()
        count(width=width, layers=layers, heads=heads)
        share(dropout=dropout)
        if width % heads:
            raise ValueError(f"width={width} can't be shared by {heads} heads: pass a multiple of it")
        self.token = nn.Embedding(V + 1, width)
        self.place = nn.Parameter(0.02 * torch.randn(T, width))
        self.given = nn.Linear(features, width) if features else None
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, V, bias=False)
        nn.init.normal_(self.token.weight, std=0.02)

    def forward(self, tokens: Tensor, features: Tensor | None = None) -> Tensor:
        h = self.token(tokens) + self.place
        if self.given is not None and features is not None:
            h = h + self.given(features)[:, None]
        for layer in self.layers:
            h = layer(h)
        return self.head(self.norm(h))
