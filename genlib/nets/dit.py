r"""A Transformer on patches: a picture as a sequence of squares, told something through the norms of every layer.

.. math:: h \leftarrow h + g(f)\, \mathrm{layer}\big((1 + a(f))\, \mathrm{norm}(h) + b(f)\big), \qquad g = 0
          \text{ at the start}

Reference: Peebles, Xie. Scalable diffusion models with transformers. 2023. arXiv:2212.09748
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture


class ToldLayer(nn.Module):
    """Attention and an MLP, each scaled, shifted and gated by the features: (B, T, width) -> the same."""

    def __init__(self, width: int, heads: int, features: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.told = nn.Linear(features, 6 * width)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, h: Tensor, features: Tensor) -> Tensor:
        a1, b1, g1, a2, b2, g2 = self.told(features)[:, None].chunk(6, -1)  # (B, 1, width) each
        h = h + g1 * self._attend((1 + a1) * self.norm1(h) + b1)
        return h + g2 * self.mlp((1 + a2) * self.norm2(h) + b2)

    def _attend(self, h: Tensor) -> Tensor:
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, d) each
        return self.project(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class DiT(nn.Module):
    """(B, C, H, W), (B, features) -> (B, C, H, W), or with per_value P > 1 (B, C, H, W, P).

    Raises: ValueError for a picture that is not made of whole patches, and for a width that heads don't divide.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        features: int,
        *,
        patch: int = 2,
        width: int = 64,
        layers: int = 3,
        heads: int = 4,
        per_value: int = 1,
    ):
        super().__init__()
        C, H, W = as_picture(shape)
        if H % patch or W % patch or width % heads:
            raise ValueError(f"{H}x{W} in patches of {patch}, width={width} for heads={heads}: it must come out even")
        self.grid, self.patch, self.per_value = (H // patch, W // patch), patch, per_value
        self.cut = nn.Conv2d(C, width, patch, patch)
        self.places = nn.Parameter(0.02 * torch.randn(self.grid[0] * self.grid[1], width))
        self.layers = nn.ModuleList(ToldLayer(width, heads, features) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.end = nn.Linear(width, C * per_value * patch**2)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        h = self.cut(x).flatten(2).transpose(1, 2) + self.places  # (B, T, width)
        for layer in self.layers:
            h = layer(h, features)
        h = self.end(self.norm(h)).transpose(1, 2).unflatten(2, self.grid)  # (B, C · P · patch², H', W')
        h = F.pixel_shuffle(h, self.patch)
        return h if self.per_value == 1 else h.unflatten(1, (-1, self.per_value)).movedim(2, -1)
