r"""WaveNet: dilated causal convolutions, so that a few layers hear far back.

.. math:: p(x) = \prod_t p(x_t \mid x_1, \dots, x_{t-1}), \qquad
          g = \tanh(W_f * h + V_f c) \odot \sigma(W_g * h + V_g c)

Each layer looks at two places, d samples apart: d = 1, 2, 4, … doubles what is heard with every layer, where PixelCNN's
kernels add a constant. Gates as in gated PixelCNN; every layer adds to the output by a connection of its own (skip).
What is given, c, may be one thing for the whole sound, or change along it, such as a spectrogram.

Reference: van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior, Kavukcuoglu. WaveNet: A
Generative Model for Raw Audio. 2016. arXiv:1609.03499
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, whole
from genlib.autoregressive.base import Autoregressive, Step, features_of, scaled
from genlib.condition import Condition, Images, as_condition


class WaveNet(Autoregressive):
    """p(x) of sounds (1, T) of ``levels`` levels.

    Arguments: shape; levels; classes for p(x | y), or any condition: pictures (1, bands, frames) are spectrograms,
    whose frames are spread over the T samples; channels; dilations, a layer for each. What is predicted depends on the
    1 + sum(dilations) samples before it. ``loss`` is in nats for an example.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        levels: int = 256,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128),
    ):
        if len(as_shape(shape)) != 2 or shape[0] != 1:
            raise ValueError(f"shape {tuple(shape)} must be that of a sound, (1, T)")
        if not isinstance(dilations, Sequence) or not dilations:
            raise ValueError(f"dilations={dilations!r} must be a list of at least one, such as (1, 2, 4)")
        whole(channels=channels, **{f"dilations[{k}]": d for k, d in enumerate(dilations)})
        super().__init__(shape, levels, as_condition(classes, condition))
        self.dilations = tuple(dilations)
        self.first = nn.Conv1d(1, channels, 1)
        self.gates = nn.ModuleList(nn.Conv1d(channels, 2 * channels, 2, dilation=d) for d in self.dilations)
        self.rests = nn.ModuleList(
            nn.Conv1d(channels, channels, 1) for _ in self.dilations[1:]
        )  # the last goes nowhere
        self.skips = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in self.dilations)
        self.mix, self.out = nn.Conv1d(channels, channels, 1), nn.Conv1d(channels, levels, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(1, 1, levels))
        width = 2 * channels * len(self.dilations)  # a gate's share for each layer
        self.frames = self.condition.shape[2] if isinstance(self.condition, Images) else None
        if self.frames is None:
            self.given = features_of(self.condition, width)
        else:
            assert isinstance(self.condition, Images)
            if self.condition.shape[0] != 1 or shape[1] % self.frames:
                raise ValueError(f"a spectrogram {self.condition.shape} must be (1, bands, frames), {shape[1]} samples "
                                 f"a multiple of its frames")  # fmt: skip
            self.given = nn.Conv1d(self.condition.shape[1], width, 1)

    def along(self, y: Tensor | None, n: int) -> list[Tensor]:
        """What the gates of each layer get to know of y: (n, 2 channels, T), or (n, 2 channels, 1) of a whole sound."""
        width = 2 * self.first.out_channels
        if self.given is None or y is None:
            return [self.bias.new_zeros(n, width, 1) for _ in self.dilations]
        if self.frames is None:
            return list(self.given(y)[:, :, None].split(width, 1))
        spread = self.given(y[:, 0].to(self.bias.dtype)).repeat_interleave(self.shape[1] // self.frames, 2)
        return list(spread.split(width, 1))

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, 1, T, 1) -> (B, 1, T, levels)."""
        before = F.pad(encoded[..., 0], (1, -1))  # at t stands x_{t-1}
        h, total = self.first(before), torch.zeros((), device=before.device, dtype=before.dtype)
        for k, given in enumerate(self.along(y, len(encoded))):
            a, b = (self.gates[k](F.pad(h, (self.dilations[k], 0))) + given).chunk(2, 1)
            g = a.tanh() * b.sigmoid()
            total = total + self.skips[k](g)
            if k < len(self.rests):
                h = h + self.rests[k](g)
        return self.out(self.mix(total.relu()).relu()).transpose(1, 2)[:, None] + self.bias

    def cached(self, n: int, y: Tensor | None) -> Step:
        """Each layer keeps its last d inputs, and looks back at one of them: a sample costs a column of the network."""
        given = self.along(y, n)
        gates: list[Any] = list(self.gates)
        weights = [gate.weight.transpose(1, 2).flatten(1) for gate in gates]  # (2 channels, 2 places · channels)
        biases = [gate.bias for gate in gates]
        kept = [self.bias.new_zeros(d, n, self.first.out_channels) for d in self.dilations]

        def step(t: int, last: Tensor | None) -> Tensor:
            before = self.bias.new_zeros(n, 1) if last is None else scaled(last, self.levels, self.bias.dtype)
            h, total = _column(self.first, before), torch.zeros((), device=before.device, dtype=before.dtype)
            for k, d in enumerate(self.dilations):
                past = kept[k][t % d].clone()
                kept[k][t % d] = h
                both = F.linear(torch.cat([past, h], 1), weights[k], biases[k])
                a, b = (both + given[k][:, :, t % given[k].shape[2]]).chunk(2, 1)
                g = a.tanh() * b.sigmoid()
                total = total + _column(self.skips[k], g)
                if k < len(self.rests):
                    h = h + _column(self.rests[k], g)
            return _column(self.out, _column(self.mix, total.relu()).relu()) + self.bias[0]

        return step


def _column(conv: nn.Module, h: Tensor) -> Tensor:
    """A convolution of width one at one place: (n, inputs) -> (n, outputs)."""
    assert isinstance(conv, nn.Conv1d)
    return F.linear(h, conv.weight[:, :, 0], conv.bias)
