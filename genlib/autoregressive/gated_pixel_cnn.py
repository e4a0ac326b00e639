r"""Gated PixelCNN: two stacks of convolutions that together see every pixel before, and no other.

.. math:: h = \tanh(W_f * x) \odot \sigma(W_g * x)

Changes PixelCNN twice. The vertical stack sees all rows above, without any mask, since its kernels end above the pixel;
the horizontal stack sees the row to the left, and the vertical stack: no blind spot is left. And a product of two
convolutions, a gate, takes the place of the rectifier::

    vertical        1 1 1          horizontal      0 0 0
    (rows above)    1 1 1          (own row)       1 1 .        . is the pixel: hidden in the first layer, shown after
                    . . .                          . . .

Reference: van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves, Kavukcuoglu. Conditional Image Generation with
PixelCNN Decoders. 2016. arXiv:1606.05328
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture, refuse_unused, share, truth, whole
from genlib.autoregressive.base import Autoregressive, Step, features_of, scaled
from genlib.autoregressive.pixel_cnn import ColumnConv, MaskedConv2d
from genlib.condition import Condition, as_condition


def down(x: Tensor) -> Tensor:
    """(…, H, W) moved one row down: what stands at a pixel is what stood above it."""
    return F.pad(x, (0, 0, 1, 0))[..., :-1, :]


def gate(h: Tensor, colours: int = 1) -> Tensor:
    """(B, 2 channels, …) -> (B, channels, …): of the channels of each colour, one half gates the other."""
    a, b = h.unflatten(1, (colours, 2, -1)).unbind(2)
    return (a.tanh() * b.sigmoid()).flatten(1, 2)


class VerticalConv2d(nn.Conv2d):
    """A convolution that ends at the pixel's row and sees all of it: (B, inputs, H, W) -> (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__(inputs, outputs, (kernel // 2 + 1, kernel))

    def forward(self, x: Tensor) -> Tensor:
        r = self.kernel_size[1] // 2
        return F.conv2d(F.pad(x, (r, r, r, 0)), self.weight, self.bias)


class GatedLayer(nn.Module):
    """Both stacks, one layer on: v, h (B, channels, H, W) -> the same. v knows the rows above, h the past."""

    def __init__(self, channels: int, kernel: int, colours: int, condition: Condition | None, dropout: float):
        super().__init__()
        self.colours = colours
        self.vertical = VerticalConv2d(channels, 2 * channels, kernel)
        self.across = nn.Conv2d(2 * channels, 2 * channels, 1)  # from v to h; never back
        self.horizontal = MaskedConv2d("B", channels, 2 * channels, kernel, colours, above=0)
        self.mix = MaskedConv2d("B", channels, channels, 1, colours)
        self.label = features_of(condition, 2 * channels)
        self.dropout = nn.Dropout(dropout)

    def look_up(self, v: Tensor, y: Tensor | None) -> Tensor:
        """The vertical stack before its gate, (B, 2 channels, H, W)."""
        v = self.vertical(v)
        return v if self.label is None else v + self.label(y)[:, :, None, None]

    def forward(self, v: Tensor, h: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        v = self.look_up(v, y)
        new = gate(self.horizontal(h) + self.across(v), self.colours)
        return self.dropout(gate(v)), h + self.mix(self.dropout(new))


class GatedPixelCNN(Autoregressive):
    """p(x) of images of ``levels`` levels, by a vertical and a horizontal stack of gated convolutions.

    Arguments: shape (C, H, W); levels; classes for p(x | y), or any condition; channels of each stack, a multiple of
    C; layers, gated ones after the first; kernel and first_kernel, odd; positions, whether features and output bias
    depend on where a pixel stands; dropout, of both stacks. ``loss`` is in nats for an example.
    """

    shape: tuple[int, int, int]

    def __init__(
        self,
        shape: tuple[int, int, int],
        levels: int = 2,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        channels: int = 32,
        layers: int = 6,
        kernel: int = 3,
        first_kernel: int = 7,
        positions: bool = True,
        dropout: float = 0.0,
    ):
        whole(channels=channels, kernel=kernel, first_kernel=first_kernel)
        truth(positions=positions)
        whole(0, layers=layers)
        share(dropout=dropout)
        if layers == 0:
            given = {"kernel": kernel, "dropout": dropout, "classes": classes, "condition": condition}
            refuse_unused(GatedPixelCNN, "it acts in the layers after the first, and there are none", **given)
        super().__init__(as_picture(shape), levels, as_condition(classes, condition))
        C, H, W = self.shape
        self.first_vertical = VerticalConv2d(C, channels, first_kernel)
        self.first_horizontal = MaskedConv2d("A", C, channels, first_kernel, C, above=0)
        self.layers = nn.ModuleList(GatedLayer(channels, kernel, C, self.condition, dropout) for _ in range(layers))
        self.mix = MaskedConv2d("B", channels, channels, 1, C)
        self.out = MaskedConv2d("B", channels, C * levels, 1, C)
        self.place = nn.Parameter(torch.zeros(2, channels, H, W)) if positions else None
        self.bias = nn.Parameter(torch.zeros(C, *(H, W) if positions else (1, 1), levels))

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, C, H, W, 1) -> (B, C, H, W, levels)."""
        C, H, W = self.shape
        x = encoded[..., 0]  # (B, C, H, W)
        v, h = down(self.first_vertical(x)), self.first_horizontal(x)
        if self.place is not None:
            v, h = v + self.place[0], h + self.place[1]
        for layer in self.layers:
            v, h = layer(v, h, y)
        h = self.out(F.relu(self.mix(F.relu(h))))  # (B, C · levels, H, W)
        return h.view(-1, C, self.levels, H, W).movedim(2, -1) + self.bias

    def cached(self, n: int, y: Tensor | None) -> Step:
        """The vertical stack is computed row by row, the horizontal one pixel by pixel."""
        C, H, W = self.shape
        gated: list[Any] = list(self.layers)
        first_vertical, *verticals = (RowConv(c, n, W) for c in (self.first_vertical, *(a.vertical for a in gated)))
        first, mix, out = (ColumnConv(conv, n, self.shape) for conv in (self.first_horizontal, self.mix, self.out))
        layers = [[ColumnConv(c, n, self.shape) for c in (layer.horizontal, layer.mix)] for layer in gated]
        bias = self.bias.expand(*self.shape, -1).permute(1, 2, 0, 3).reshape(H, W * C, -1)

        def next_row(row: int) -> None:
            v = first_vertical(first.pixels()) if row else self.bias.new_zeros(n, self.mix.in_channels, W)
            if self.place is not None:
                v = v + self.place[0, :, row]
            first.next_row(None if self.place is None else self.place[1, :, row].T[:, None])
            for layer, vertical, (horizontal, blend) in zip(gated, verticals, layers, strict=True):
                v = vertical(v)  # (n, 2 channels, W)
                if layer.label is not None:
                    v = v + layer.label(y)[:, :, None]
                horizontal.next_row(F.conv1d(v, layer.across.weight[:, :, 0], layer.across.bias).permute(2, 0, 1))
                blend.next_row()
                v = gate(v)
            mix.next_row()
            out.next_row()

        def step(t: int, last: Tensor | None) -> Tensor:
            row, k = divmod(t, W * C)  # k counts the values of a row
            if last is not None:
                first.put((t - 1) % (W * C), scaled(last, self.levels, self.bias.dtype))
            if k == 0:
                next_row(row)
            h = first.at(k)
            for horizontal, blend in layers:
                h = h + blend(k, gate(horizontal(k, h)))
            return out(k, mix(k, h.relu()).relu()) + bias[row, k]

        return step


class RowConv:
    """A vertical convolution that is asked for one row after another: (n, inputs, W) -> (n, outputs, W)."""

    def __init__(self, conv: VerticalConv2d, n: int, W: int):
        self.conv, self.r = conv, conv.kernel_size[1] // 2
        self.rows = conv.weight.new_zeros(n, conv.in_channels, self.r + 1, W)

    def __call__(self, row: Tensor) -> Tensor:
        self.rows = torch.cat([self.rows[:, :, 1:], row[:, :, None]], 2)
        return F.conv2d(self.rows, self.conv.weight, self.conv.bias, padding=(0, self.r))[:, :, 0]
