r"""A Transformer as GPT has it: each value looks back, and decides by content at what.

.. math:: \mathrm{attention}(Q, K, V) = \mathrm{softmax}\!\Big(\frac{Q K^\top}{\sqrt{d}} + M\Big) V, \qquad
          M_{ts} = \begin{cases} 0 & s \le t \\ -\infty & s > t \end{cases}

Changes the convolution, whose weights depend on distance, for weights that depend on what stands there; every value is
one step away from every other. The causal mask M does what the masked kernel did. Learned positions, and normalisation
before each block. For text, and for the pixels of an image as tokens.

References: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin. Attention Is All You Need. 2017.
arXiv:1706.03762. Radford, Narasimhan, Salimans, Sutskever. Improving Language Understanding by Generative Pre-Training.
2018 (GPT). Image tokens: Chen et al. Generative Pretraining from Pixels. 2020 (image GPT).
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import refuse_unused, share, whole
from genlib.autoregressive.base import Autoregressive, Step, features_of
from genlib.condition import Condition, as_condition


class Block(nn.Module):
    """Attention, then a perceptron at each position, both added to their input: (B, T, width) -> the same."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def split(self, h: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values of each head: (B, T, width) -> three times (B, heads, T, width / heads)."""
        B, T, _ = h.shape
        return self.qkv(self.norm1(h)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def join(self, h: Tensor, attended: Tensor) -> Tensor:
        """What follows the attention: (B, T, width), (B, heads, T, width / heads) -> (B, T, width)."""
        h = h + self.dropout(self.mix(attended.transpose(1, 2).flatten(2)))
        return h + self.dropout(self.mlp(self.norm2(h)))

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self.split(h)
        return self.join(h, F.scaled_dot_product_attention(q, k, v, is_causal=True))


class Transformer(Autoregressive):
    """p(x) of sequences (L,) or images (C, H, W), whose values are the tokens, by causal attention.

    Arguments: shape; levels, the size of the vocabulary; classes for p(x | y), or any condition; width of the tokens'
    vectors, a multiple of heads; layers; heads; end, a token after which only itself can follow, so that sequences have
    lengths of their own (0 in data.text()), None for none; dropout. ``loss`` is in nats for an example.
    """

    back: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int = 2,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        width: int = 64,
        layers: int = 4,
        heads: int = 4,
        end: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__(shape, levels, as_condition(classes, condition))
        whole(width=width, heads=heads)
        whole(0, layers=layers, end=end)
        share(dropout=dropout)
        if layers == 0:
            refuse_unused(Transformer, "without layers nothing attends", heads=heads)
        if width % heads:
            raise ValueError(f"width={width} can't be shared by {heads} heads: pass a multiple of it")
        if end is not None and end >= levels:
            raise ValueError(f"end={end} is no token: pass one of 0..{levels - 1}")
        D = math.prod(self.shape)
        self.end = end
        self.token = nn.Embedding(levels, width)
        self.position = nn.Parameter(0.02 * torch.randn(D, width))
        self.start = nn.Parameter(torch.zeros(width))  # stands before the first value
        self.label = features_of(self.condition, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, levels, bias=False)
        self.dropout = nn.Dropout(dropout)
        image = len(self.shape) == 3  # a pixel's frequencies depend on where it stands; those of letters do not
        self.bias = nn.Parameter(torch.zeros(*(self.shape if image else [1] * len(self.shape)), levels))
        nn.init.normal_(self.token.weight, std=0.02)
        if isinstance(self.label, nn.Embedding):
            nn.init.normal_(self.label.weight, std=0.02)
        blocks: list[Any] = list(self.blocks)
        for block in blocks:  # so that the sum of all blocks starts at the scale of one
            for linear in (block.mix, block.mlp[-1]):
                linear.weight.data /= math.sqrt(2 * layers)
        self.register_buffer("back", torch.argsort(self.order), persistent=False)  # from the order to flat positions

    def encode(self, x: Tensor) -> Tensor:
        """(B, *shape) integers -> (B, *shape, width): the tokens' vectors."""
        return self.token(x)

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, *shape, width) -> (B, *shape, levels)."""
        B, E = len(encoded), encoded.shape[-1]
        tokens = encoded.reshape(B, -1, E).index_select(1, self.order)  # (B, D, width), as they are drawn
        h = torch.cat([self.start.expand(B, 1, E), tokens[:, :-1]], 1) + self.position  # at t: what stands before t
        if self.label is not None:
            h = h + self.label(y)[:, None]
        h = self.dropout(h)
        for block in self.blocks:
            h = block(h)
        out = self.head(self.norm(h)).index_select(1, self.back).view(B, *self.shape, self.levels)
        return out + self.bias

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The logits of p(x_i | all that comes before x_i), (B, *shape, levels); after an end, all on the end."""
        out = super().forward(x, y)
        if self.end is None:
            return out
        is_end = x.flatten(1).index_select(1, self.order) == self.end
        ended = is_end.cumsum(1) > is_end.long()  # before this token
        return self.only_end(out, ended.index_select(1, self.back).view(x.shape))

    def _log_prob_each(self, x: Tensor, y: Tensor | None) -> Tensor:
        each = super()._log_prob_each(x, y)
        return each.masked_fill(each <= torch.finfo(each.dtype).min / 2, -torch.inf)  # what goes on after an end

    def only_end(self, logits: Tensor, ended: Tensor) -> Tensor:
        """Where ended, probability 1 for the end and 0 for all others."""
        certain = torch.full_like(logits, torch.finfo(logits.dtype).min)
        certain[..., self.end] = 0
        return torch.where(ended[..., None], certain, logits)

    def cached(self, n: int, y: Tensor | None) -> Step:
        """Keys and values of earlier tokens are kept: a new one asks them, and they need not ask again."""
        D, width = self.position.shape
        blocks: list[Any] = list(self.blocks)
        heads = blocks[0].heads if blocks else 1
        keys, values = (self.position.new_empty(len(blocks), n, heads, D, width // heads) for _ in range(2))
        bias = self.bias.expand(*self.shape, -1).reshape(D, -1).index_select(0, self.order)
        position = self.position if self.label is None else self.position[:, None] + self.label(y)  # (D[, n], width)
        ended = torch.zeros(n, dtype=torch.bool, device=bias.device)

        def step(t: int, last: Tensor | None) -> Tensor:
            token = self.start.expand(n, -1) if last is None else self.token(last)
            h = (token + position[t])[:, None]  # (n, 1, width)
            for block, k, v in zip(blocks, keys, values, strict=True):
                q, k[:, :, t : t + 1], v[:, :, t : t + 1] = block.split(h)
                h = block.join(h, F.scaled_dot_product_attention(q, k[:, :, : t + 1], v[:, :, : t + 1]))
            logits = self.head(self.norm(h[:, 0])) + bias[t]
            if self.end is None:
                return logits
            if last is not None:
                ended.logical_or_(last == self.end)
            return self.only_end(logits, ended)

        return step
