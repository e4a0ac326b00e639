r"""PixelRNN: recurrent networks that read an image up to the pixel they predict.

.. math:: h_{i,j} = \mathrm{LSTM}\big(x_{i,j},\; h_{i,j-1},\; h_{i-1,j}\big)

"raster" is the plain one: an LSTM that reads value after value, row after row. What stands above a pixel was read a
whole row ago, and training takes D steps. "diagonal" gives each pixel the states of its left and its upper neighbour.
These lie on the diagonal before its own, so that a diagonal is computed at once: skewed, row i moved by i to the right,
diagonals are columns, and training takes H + W - 1 steps::

    1 2 3             1 2 3 . .
    2 3 4    skewed   . 2 3 4 .        pixels with the same number are computed together
    3 4 5             . . 3 4 5

A mirrored one comes from the right. There is the future; so it stays a row behind. In return it may know the pixels
themselves (``own``), without which the last one of the row above would escape the pixels far to its left.

Reference: van den Oord, Kalchbrenner, Kavukcuoglu. Pixel Recurrent Neural Networks. 2016. arXiv:1601.06759
The LSTM: Hochreiter, Schmidhuber. Long Short-Term Memory. Neural Computation 9(8), 1997.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture, refuse_unused, truth, whole
from genlib.autoregressive.base import Autoregressive, Step, features_of, scaled
from genlib.autoregressive.gated_pixel_cnn import down
from genlib.autoregressive.pixel_cnn import ColumnConv, MaskedConv2d
from genlib.condition import Condition, as_condition


def lstm(gates: Tensor, memory: Tensor, colours: int = 1) -> tuple[Tensor, Tensor]:
    """One step: gates (…, 4 channels), memory (…, channels) -> the new state and memory, (…, channels) each.

    The channels are ordered by colour, and the gates of a colour stand together.
    """
    forget, write, new, show = gates.unflatten(-1, (colours, 4, -1)).unbind(-2)  # (…, colours, channels / colours)
    memory = forget.sigmoid().flatten(-2) * memory + (write.sigmoid() * new.tanh()).flatten(-2)
    return show.sigmoid().flatten(-2) * memory.tanh(), memory


class DiagonalLSTM(nn.Module):
    """From the upper left to the lower right, diagonal by diagonal: (B, channels, H, W) -> the same shape."""

    inside: Tensor
    skew: Tensor
    unskew: Tensor

    def __init__(self, channels: int, colours: int, H: int, W: int):
        super().__init__()
        self.colours = colours
        self.inputs = MaskedConv2d("B", channels, 4 * channels, 1, colours)
        self.states = nn.Linear(2 * channels, 4 * channels, bias=False)  # of the left and the upper neighbour
        i, d = torch.arange(H), torch.arange(H + W - 1)[:, None]
        inside = (d - i >= 0) & (d - i < W)  # (H + W - 1, H): whether row i has a pixel on diagonal d
        self.register_buffer("inside", inside[:, :, None], persistent=False)
        self.register_buffer("skew", (i * W + (d - i).clamp(0, W - 1)).flatten(), persistent=False)
        j = torch.arange(W)
        self.register_buffer("unskew", ((i[:, None] + j) * H + i[:, None]).flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        B, channels, H, W = x.shape
        a = self.inputs(x).flatten(2).index_select(2, self.skew).view(B, 4 * channels, -1, H)
        state = memory = x.new_zeros(B, H, channels)
        states = []
        for column, inside in zip(a.permute(2, 0, 3, 1).unbind(0), self.inside, strict=True):  # (B, H, 4 channels)
            gates = column + self.states(torch.cat([state, down(state)], -1))
            state, memory = lstm(gates, memory, self.colours)
            state, memory = state * inside, memory * inside  # outside the image nothing is remembered
            states.append(state)
        every = torch.stack(states, 1).flatten(1, 2)  # (B, diagonals · H, channels)
        return every.index_select(1, self.unskew).transpose(1, 2).view(B, channels, H, W)


class DiagonalBiLSTM(nn.Module):
    """Both directions, added to the input: (B, channels, H, W) -> the same shape.

    x knows the pixels before each place; behind, what the mirrored one reads, may know the pixel there as well.
    """

    def __init__(self, channels: int, colours: int, H: int, W: int):
        super().__init__()
        self.left, self.right = (DiagonalLSTM(channels, colours, H, W) for _ in range(2))

    def forward(self, x: Tensor, behind: Tensor) -> Tensor:
        return x + self.left(x) + down(self.right(behind.flip(-1)).flip(-1))


class PixelRNN(Autoregressive):
    """p(x) of images of ``levels`` levels, by recurrent layers.

    Arguments: shape (C, H, W); levels; classes for p(x | y), or any condition; channels of the states, a multiple of
    C; layers; recurrence, "diagonal" or "raster"; first_kernel, odd, of the masked convolution before the diagonal
    layers; positions, whether features and output bias depend on where a pixel stands. ``loss`` is in nats for an
    example.
    """

    shape: tuple[int, int, int]
    first: Any  # by recurrence: a linear map of values, or a masked convolution
    out: Any
    back: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        levels: int = 2,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        channels: int = 32,
        layers: int = 2,
        recurrence: str = "diagonal",
        first_kernel: int = 7,
        positions: bool = True,
    ):
        super().__init__(as_picture(shape), levels, as_condition(classes, condition))
        if recurrence not in ("diagonal", "raster"):
            raise ValueError(f'recurrence={recurrence!r}: choose "diagonal" or "raster"')
        whole(channels=channels, layers=layers, first_kernel=first_kernel)
        truth(positions=positions)
        if recurrence == "raster":
            refuse_unused(PixelRNN, 'recurrence="raster" has no convolution', first_kernel=first_kernel)
        C, H, W = self.shape
        self.raster = recurrence == "raster"
        if self.raster:
            self.first = nn.Linear(1, channels)
            self.lstm = nn.LSTM(channels, channels, layers, batch_first=True)
            self.out = nn.Linear(channels, levels, bias=False)
            self.register_buffer("back", torch.argsort(self.order), persistent=False)
        else:
            self.first = MaskedConv2d("A", C, channels, first_kernel, C)
            self.own = nn.Conv2d(C, channels, 1)
            self.layers = nn.ModuleList(DiagonalBiLSTM(channels, C, H, W) for _ in range(layers))
            self.mix = MaskedConv2d("B", channels, channels, 1, C)
            self.out = MaskedConv2d("B", channels, C * levels, 1, C)
        self.place = (
            nn.Parameter(torch.zeros(channels, *([C * H * W] if self.raster else [H, W]))) if positions else None
        )
        self.label = features_of(self.condition, channels)
        self.bias = nn.Parameter(torch.zeros(C, *(H, W) if positions else (1, 1), levels))

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, C, H, W, 1) -> (B, C, H, W, levels)."""
        return (self.logits_raster if self.raster else self.logits_diagonal)(encoded, y) + self.bias

    def logits_raster(self, encoded: Tensor, y: Tensor | None) -> Tensor:
        B = len(encoded)
        values = encoded.reshape(B, -1, 1).index_select(1, self.order)  # (B, D, 1), as they are drawn
        h = self.first(F.pad(values, (0, 0, 1, 0))[:, :-1])  # at t: what stands before t
        if self.place is not None:
            h = h + self.place.T
        if self.label is not None:
            h = h + self.label(y)[:, None]
        h, _ = self.lstm(h)
        return self.out(h).index_select(1, self.back).view(B, *self.shape, self.levels)

    def logits_diagonal(self, encoded: Tensor, y: Tensor | None) -> Tensor:
        C, H, W = self.shape
        h, own = self.first(encoded[..., 0]), self.own(encoded[..., 0])  # (B, channels, H, W)
        if self.place is not None:
            h = h + self.place
        if self.label is not None:
            h = h + self.label(y)[:, :, None, None]
        for k, layer in enumerate(self.layers):
            h = layer(h, h + own if k == 0 else h)
        h = self.out(F.relu(self.mix(F.relu(h))))  # (B, C · levels, H, W)
        return h.view(-1, C, self.levels, H, W).movedim(2, -1)

    def cached(self, n: int, y: Tensor | None) -> Step:
        """The states are what a recurrent network keeps anyway."""
        return self.cached_raster(n, y) if self.raster else self.cached_diagonal(n, y)

    def cached_raster(self, n: int, y: Tensor | None) -> Step:
        bias = self.bias.expand(*self.shape, -1).reshape(-1, self.levels).index_select(0, self.order)
        place = bias.new_zeros(len(bias), 1) if self.place is None else self.place.T
        label = bias.new_zeros(()) if self.label is None else self.label(y)
        state = None

        def step(t: int, last: Tensor | None) -> Tensor:
            nonlocal state
            x = bias.new_zeros(n, self.first.in_features) if last is None else scaled(last, self.levels, bias.dtype)
            h, state = self.lstm((self.first(x) + place[t] + label)[:, None], state)
            return self.out(h[:, 0]) + bias[t]

        return step

    def cached_diagonal(self, n: int, y: Tensor | None) -> Step:
        """From the left, pixel by pixel; from the right, a whole row when it is complete."""
        C, H, W = self.shape
        first, mix, out = (ColumnConv(conv, n, self.shape) for conv in (self.first, self.mix, self.out))
        both: list[Any] = list(self.layers)
        layers = [(LeftStates(a.left, n, self.shape), RightStates(a.right, n, W)) for a in both]
        bias = self.bias.expand(*self.shape, -1).permute(1, 2, 0, 3).reshape(H, W * C, -1)
        extra = bias.new_zeros(1) if self.label is None else self.label(y)
        extra = extra if self.place is None else extra + self.place.permute(1, 2, 0)[:, :, None]  # (H, W, n, channels)
        extra = extra.expand(H, W, n, self.first.out_channels)

        def step(t: int, last: Tensor | None) -> Tensor:
            row, k = divmod(t, W * C)  # k counts the values of a row
            if last is not None:
                first.put((t - 1) % (W * C), scaled(last, self.levels, bias.dtype))
            if k == 0:
                pixels = first.pixels().transpose(1, 2)
                own = F.linear(pixels, self.own.weight[:, :, 0, 0], self.own.bias)  # (n, W, channels)
                first.next_row(extra[row])
                for i, (left, right) in enumerate(layers):
                    if row:
                        right.next_row(left.seen + own if i == 0 else left.seen)
                    left.next_row()
                mix.next_row()
                out.next_row()
            h = first.at(k)
            for left, right in layers:
                h = h + left(k, h) + right.at(k)
            return out(k, mix(k, h.relu()).relu()) + bias[row, k]

        return step


class LeftStates:
    """A DiagonalLSTM that is asked for one value after another."""

    def __init__(self, layer: DiagonalLSTM, n: int, shape: tuple[int, int, int]):
        C, _, W = shape
        self.layer, self.C = layer, C
        self.inputs = ColumnConv(layer.inputs, n, shape)
        channels = layer.inputs.in_channels
        g = channels // C
        zeros = layer.states.weight.new_zeros
        self.seen, self.states = zeros(n, W, channels), zeros(n, W, channels)  # of this row: what it was given and said
        self.above = zeros(n, W, channels)
        self.groups = [slice(c * g, (c + 1) * g) for c in range(C)]

    def next_row(self) -> None:
        self.above = self.states.clone()
        self.memory = torch.zeros_like(self.above[:, 0])
        self.inputs.next_row()

    def __call__(self, k: int, x: Tensor) -> Tensor:
        j, c = divmod(k, self.C)
        group = self.groups[c]
        self.seen[:, j, group] = x
        if c == 0:  # the neighbours are complete: their part is the same for all colours
            left = self.states[:, j - 1] if j else torch.zeros_like(self.memory)
            self.from_states = self.layer.states(torch.cat([left, self.above[:, j]], 1)).chunk(self.C, 1)
        state, memory = lstm(self.inputs(k, x) + self.from_states[c], self.memory[:, group])
        self.states[:, j, group], self.memory[:, group] = state, memory
        return state


class RightStates:
    """The mirrored DiagonalLSTM, which is asked for the row above the pixel."""

    def __init__(self, layer: DiagonalLSTM, n: int, W: int):
        self.layer, self.W = layer, W
        self.weight = (layer.inputs.weight * layer.inputs.mask)[:, :, 0, 0]
        self.row = list(self.weight.new_zeros(W, n, layer.inputs.in_channels).unbind(0))
        self.split()

    def split(self) -> None:
        """As values are asked for: pixel by pixel, in a pixel colour by colour."""
        self.values = [part for state in self.row for part in state.chunk(self.layer.colours, 1)]

    def next_row(self, seen: Tensor) -> None:
        """seen (n, W, channels): what the layer was given in the row that is now complete."""
        gates = F.linear(seen, self.weight, self.layer.inputs.bias).unbind(1)
        state = memory = torch.zeros_like(self.row[0])
        for j in reversed(range(self.W)):
            from_states = self.layer.states(torch.cat([state, self.row[j]], 1))
            state, memory = lstm(gates[j] + from_states, memory, self.layer.colours)
            self.row[j] = state
        self.split()

    def at(self, k: int) -> Tensor:
        return self.values[k]
