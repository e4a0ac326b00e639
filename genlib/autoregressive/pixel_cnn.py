r"""PixelCNN: an autoregressive model of images made of masked convolutions.

.. math:: \log p(x) = \sum_i \log p(x_i \mid x_{<i}), \qquad i \text{ in raster order}

Changes PixelRNN's recurrence for convolutions whose kernels see only the past, so that all conditionals are computed in
one pass. Stacked, they leave a blind spot to the upper right of every pixel; the cure is in gated_pixel_cnn.py.

The kernels, 5×5, for the pixel in the middle. Mask A, of the first layer, hides the pixel itself; mask B, of all
others, shows what the layer before made at the pixel, which does not know it either::

    1 1 1 1 1        1 1 1 1 1
    1 1 1 1 1        1 1 1 1 1
    1 1 A 0 0        1 1 B 0 0        A = 0, B = 1; with several colours, A and B say which colour sees which
    0 0 0 0 0        0 0 0 0 0
    0 0 0 0 0        0 0 0 0 0

Reference: van den Oord, Kalchbrenner, Kavukcuoglu. Pixel Recurrent Neural Networks. 2016. arXiv:1601.06759
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture, refuse_unused, share, truth, whole
from genlib.autoregressive.base import Autoregressive, Step, features_of, scaled
from genlib.autoregressive.masks import causal_mask
from genlib.condition import Condition, as_condition


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees the past: (B, inputs, H, W) -> (B, outputs, H, W).

    The rows below the pixel are masked altogether, so the kernel ends there: (outputs, inputs, above + 1, kernel).
    above, how many rows it sees above the pixel: as many as columns beside it, or 0 for its own row alone.
    """

    mask: Tensor

    def __init__(self, kind: str, inputs: int, outputs: int, kernel: int, colours: int = 1, above: int | None = None):
        self.above = kernel // 2 if above is None else above
        super().__init__(inputs, outputs, (self.above + 1, kernel))
        mask = causal_mask(kernel, kind, inputs, outputs, colours)
        middle = kernel // 2
        self.register_buffer("mask", mask[:, :, middle - self.above : middle + 1], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        side = self.kernel_size[1] // 2
        return F.conv2d(F.pad(x, (side, side, self.above, 0)), self.weight * self.mask, self.bias)


class PixelCNN(Autoregressive):
    """p(x) of images of ``levels`` levels, by masked convolutions.

    Arguments: shape (C, H, W); levels; classes for p(x | y), or any condition; channels of the hidden layers, a
    multiple of C; layers, residual ones after the first; kernel and first_kernel, odd; positions, whether features and
    output bias depend on where a pixel stands (False: the same network at every pixel); dropout; first_mask and mask,
    "A" or "B", for breaking it: with "B" in the first layer every pixel is copied, and the likelihood is none.
    ``loss`` is in nats for an example.
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
        first_mask: str = "A",
        mask: str = "B",
        positions: bool = True,
        dropout: float = 0.0,
    ):
        whole(channels=channels, kernel=kernel, first_kernel=first_kernel)
        truth(positions=positions)
        whole(0, layers=layers)
        share(dropout=dropout)
        if layers == 0:
            refuse_unused(PixelCNN, "there are no layers after the first", kernel=kernel, dropout=dropout)
        super().__init__(as_picture(shape), levels, as_condition(classes, condition))
        C, H, W = self.shape
        self.first = MaskedConv2d(first_mask, C, channels, first_kernel, C)
        self.layers = nn.ModuleList(MaskedConv2d(mask, channels, channels, kernel, C) for _ in range(layers))
        self.mix = MaskedConv2d(mask, channels, channels, 1, C)
        self.out = MaskedConv2d(mask, channels, C * levels, 1, C)
        self.dropout = nn.Dropout(dropout)
        self.place = nn.Parameter(torch.zeros(channels, H, W)) if positions else None
        self.label = features_of(self.condition, channels)
        self.bias = nn.Parameter(torch.zeros(C, *(H, W) if positions else (1, 1), levels))
        self.copies = first_mask == "B"

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, C, H, W, 1) -> (B, C, H, W, levels)."""
        C, H, W = self.shape
        h = self.first(encoded[..., 0])  # (B, channels, H, W)
        if self.place is not None:
            h = h + self.place
        if self.label is not None:
            h = h + self.label(y)[:, :, None, None]
        for layer in self.layers:
            h = h + self.dropout(layer(F.relu(h)))
        h = self.out(F.relu(self.mix(F.relu(h))))  # (B, C · levels, H, W)
        return h.view(-1, C, self.levels, H, W).movedim(2, -1) + self.bias

    def cached(self, n: int, y: Tensor | None) -> Step:
        """One pixel costs one column of each layer: a product of the cropped kernel with what it covers."""
        if self.copies:
            return self.naive(n, y)
        C, H, W = self.shape
        convs = [ColumnConv(conv, n, self.shape) for conv in (self.first, *self.layers, self.mix, self.out)]
        first, layers, (mix, out) = convs[0], convs[1:-2], convs[-2:]
        extra = torch.zeros((), device=self.bias.device, dtype=self.bias.dtype)  # joins what the rows above give
        if self.label is not None:
            extra = extra + self.label(y)
        if self.place is not None:
            extra = extra + self.place.permute(1, 2, 0)[:, :, None]  # (H, W, n, channels)
        extra = extra.expand(H, W, n, self.first.out_channels)
        bias = self.bias.expand(*self.shape, -1).permute(1, 2, 0, 3).reshape(H, W * C, -1)

        def step(t: int, last: Tensor | None) -> Tensor:
            row, k = divmod(t, W * C)  # k counts the values of a row
            if last is not None:
                first.put((t - 1) % (W * C), scaled(last, self.levels, self.bias.dtype))
            if k == 0:
                first.next_row(extra[row])
                for conv in convs[1:]:
                    conv.next_row()
            h = first.at(k)
            for layer in layers:
                h = h + layer(k, h.relu())
            return out(k, mix(k, h.relu()).relu()) + bias[row, k]

        return step


class ColumnConv:
    """A masked convolution that is asked for one value after another, in raster order, n examples at once.

    ``put(k, …)`` the inputs at the k-th value of the row, then ask for the outputs ``at(k)``, or call it to do both;
    ``next_row()`` at a row's start. There, what the rows above contribute is computed for the whole row; at a pixel
    only the taps of its own row are left. All buffers and all views of them are made once.
    """

    def __init__(self, conv: MaskedConv2d, n: int, shape: tuple[int, int, int]):
        C, _, self.W = shape
        self.C, (outputs, self.inputs, _, self.kernel) = C, conv.weight.shape
        r = self.kernel // 2
        w = (conv.weight * conv.mask).permute(2, 3, 1, 0)  # (above + 1, kernel, inputs, outputs)
        self.above_w = w[:-1].reshape(-1, outputs)
        self.bias: Any = conv.bias
        self.here_w = w[-1, : r + 1].reshape(-1, outputs).chunk(C, 1)  # for each colour
        width = (self.W + 2 * r) * self.inputs  # a row with its padding
        self.rows_above = w.new_zeros(n, conv.above, width)
        self.row = w.new_zeros(n, width)
        group = self.inputs // C
        first = r * self.inputs
        self.cells = [self.row[:, first + k * group : first + (k + 1) * group] for k in range(self.W * C)]
        taps = (r + 1) * self.inputs
        self.windows = [self.row[:, j * self.inputs : j * self.inputs + taps] for j in range(self.W) for _ in range(C)]
        self.above: tuple[Tensor, ...] = ()

    def next_row(self, extra: Tensor | None = None) -> None:
        """extra (W, n, outputs) is added to the outputs of this row."""
        above, n = self.bias, len(self.row)  # (outputs,)
        if self.above and extra is None and not len(self.above_w):
            return  # nothing comes from above
        if len(self.above_w):
            self.rows_above = torch.cat([self.rows_above[:, 1:], self.row[:, None]], 1)
            windows = self.rows_above.unfold(2, self.kernel * self.inputs, self.inputs)  # (n, above, W, taps)
            windows = windows.permute(2, 0, 1, 3).reshape(self.W * n, -1)
            above = torch.addmm(above, windows, self.above_w).view(self.W, n, -1)
        if extra is not None:
            above = above + extra
        above = above.expand(self.W, n, -1).reshape(self.W, n, self.C, -1).movedim(2, 1).flatten(0, 1)
        self.above = above.contiguous().unbind(0)  # W · C times (n, outputs / C)
        self.row.zero_()

    def __call__(self, k: int, value: Tensor) -> Tensor:
        if self.kernel == self.C == 1:  # nothing to keep
            return torch.addmm(self.above[k], value, self.here_w[0])
        self.put(k, value)
        return self.at(k)

    def pixels(self) -> Tensor:
        """What was put into this row, (n, inputs, W)."""
        r = self.kernel // 2
        return self.row.view(len(self.row), -1, self.inputs)[:, r : r + self.W].transpose(1, 2)

    def put(self, k: int, value: Tensor) -> None:
        self.cells[k].copy_(value)

    def at(self, k: int) -> Tensor:
        return torch.addmm(self.above[k], self.windows[k], self.here_w[k % self.C])
