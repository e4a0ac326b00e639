r"""WaveGlow: a flow of sounds, given their spectrogram. All samples are drawn at once.

    squeeze:  (B, 1, T) -> (B, V, T / V), vectors of V samples that follow one another
    step:     ActNorm -> InvertibleConv1x1 -> AffineCoupling, whose network hears a and the spectrogram c

.. math:: z_a = x_a, \quad z_b = x_b \odot e^{s(x_a, c)} + t(x_a, c), \qquad
          \log p(x \mid c) = \log \mathcal N(f_c(x); 0, I) + \log|\det J_{f_c}(x)|

Changes Glow's pictures for sounds and its networks for those of WaveNet: dilated convolutions with gates, which here
may look ahead, since nothing is drawn in order. On the way some channels leave early as latents, as in a split.

Reference: Prenger, Valle, Catanzaro. WaveGlow: A Flow-based Generative Network for Speech Synthesis. 2018.
arXiv:1811.00002
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, as_vectors, finite, needed, positive, whole
from genlib.condition import Condition, Images, as_condition
from genlib.flow.actnorm import ActNorm
from genlib.flow.bijection import Bijection, no_change
from genlib.flow.conv1x1 import InvertibleConv1x1
from genlib.flow.coupling import AffineCoupling, at_zero
from genlib.flow.masks import halves
from genlib.model import GenerativeModel
from genlib.noise import StandardNormal

LEAVING = 2  # channels that leave at a time


class WaveGlow(GenerativeModel):
    """p(x), or p(x | y), of sounds (1, T) of real values.

    Arguments: shape; classes for p(x | y), or any condition: pictures (1, bands, frames) are spectrograms, interpolated
    between their frames; vector V, even, by which T can be divided; depth, the number of steps; early, after how many
    steps two channels leave, None for never; channels and dilations of the couplings' networks; bound of the
    log-scales. ``loss`` is in nats for an example.
    """

    unit = "nats for an example"

    def __init__(
        self,
        shape: tuple[int, int],
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        vector: int = 8,
        depth: int = 6,
        early: int | None = 3,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4),
        bound: float = 2.0,
    ):
        super().__init__()
        check_sizes(shape, vector, depth, early, channels, dilations)
        needed(bound=bound)
        positive(bound=bound)
        self.shape, self.vector, self.early = as_shape(shape), vector, early
        self.length = shape[1] // vector  # of what the steps see
        self.condition = as_condition(classes, condition)
        self.base = StandardNormal(self.shape[1])
        width = 2 * channels * len(dilations)  # of what a network is told, a gate's share for each layer
        self.steps, self.given = nn.ModuleList(), given(self.condition, depth * width)
        for k in range(depth):
            V = vector - LEAVING * self.left_before(k)
            self.steps.append(Step(V, Gates(V // 2, V, channels, tuple(dilations)), bound))

    def left_before(self, k: int) -> int:
        """How often channels have left before step k, from 0 on, is made."""
        return 0 if self.early is None else k // self.early

    # --- the bijection

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (B, 1, T) -> (z (B, T), log |det J| (B,)); what left early stands first."""
        self.check_shape(x)
        h = x.view(len(x), self.length, self.vector).transpose(1, 2)  # (B, V, T / V)
        log_det = no_change(x)
        done: list[Tensor] = []
        for k, (step, told) in enumerate(zip(self.steps, self.told(y, len(x)), strict=True)):
            if self.left_before(k) > len(done):
                done.append(h[:, :LEAVING])
                h = h[:, LEAVING:]
            h, change = step(h, told)
            log_det = log_det + change
        return torch.cat([part.flatten(1) for part in [*done, h]], 1), log_det

    def inverse(self, z: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """z (B, T) -> (x (B, 1, T), log |det J| of the inverse at z (B,))."""
        z = as_vectors("z", z, math.prod(self.shape))
        parts = z.view(len(z), self.vector, self.length)  # a channel after the other, those that left early first
        left = self.left_before(len(self.steps) - 1)
        h, log_det, told = parts[:, LEAVING * left :], no_change(z), self.told(y, len(z))
        steps: list[Any] = list(self.steps)
        for k in reversed(range(len(steps))):
            h, change = steps[k].inverse(h, told[k])
            log_det = log_det + change
            if k and self.left_before(k - 1) < left:
                left -= 1
                h = torch.cat([parts[:, LEAVING * left : LEAVING * (left + 1)], h], 1)
        return h.transpose(1, 2).reshape(len(z), *self.shape), log_det

    def told(self, y: Tensor | None, n: int) -> list[Tensor]:
        """What the network of each step hears of y, (n, a gate's share for each layer, T / V or 1)."""
        y = self.check_condition(y, n)
        if y is None or self.given is None:
            weight = next(self.parameters())
            return [weight.new_zeros(n, 1, 1)] * len(self.steps)
        if isinstance(self.condition, Images):
            heard = F.interpolate(self.given(y[:, 0]), self.length, mode="linear")
        else:
            heard = self.given(y)[:, :, None]
        return list(heard.chunk(len(self.steps), 1))

    # --- the model

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x | y), the exact density of reals, (B,), nats."""
        x, y = self.check(x, y)
        return self.never_nan(self._log_density(x, y))

    def _log_density(self, x: Tensor, y: Tensor | None) -> Tensor:
        z, log_det = self(x, y)
        return self.base.log_prob(z) + log_det

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The mean of -log p(x | y): nats for an example."""
        x, y = self.check_batch(x, y)
        return {"loss": -self._log_density(x, y).mean()}

    @torch.no_grad()
    def sample(
        self, n: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """n sounds, (n, 1, T), in one pass. Below temperature 1 latents lie closer to the middle: less noise."""
        finite(temperature=temperature)
        y = self.draw_condition(n, y, generator)
        return self.inverse(self.base.sample(n, temperature=temperature, generator=generator), y)[0]


class Step(Bijection):
    """ActNorm, mixing, coupling: (B, V, length) and what its network is told."""

    def __init__(self, V: int, net: nn.Module, bound: float):
        super().__init__()
        self.norm, self.mixing, self.coupling = ActNorm(V), Mixing(V), AffineCoupling(halves(V), net, bound)

    def forward(self, h: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
        h, first = self.norm(h)
        h, second = self.mixing(h)
        h, third = self.coupling(h, *told)
        return h, first + second + third

    def inverse(self, h: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
        h, third = self.coupling.inverse(h, *told)
        h, second = self.mixing.inverse(h)
        h, first = self.norm.inverse(h)
        return h, first + second + third


class Mixing(InvertibleConv1x1):
    """The invertible 1x1 convolution of sounds, (B, channels, length)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = super().forward(x[..., None])
        return z[..., 0], log_det

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        x, log_det = super().inverse(z[..., None])
        return x[..., 0], log_det


class Gates(nn.Module):
    """The network of a coupling: (B, inputs, length) and what it is told -> (B, outputs, length).

    Dilated convolutions of width 3 with WaveNet's gates; told, (B, 2 channels · layers, length or 1), is added before
    them. It starts at zero.
    """

    def __init__(self, inputs: int, outputs: int, channels: int, dilations: tuple[int, ...]):
        super().__init__()
        self.first = nn.Conv1d(inputs, channels, 1)
        self.gates = nn.ModuleList(nn.Conv1d(channels, 2 * channels, 3, padding=d, dilation=d) for d in dilations)
        self.rests = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in dilations)
        self.last = at_zero(nn.Conv1d(channels, outputs, 1))

    def forward(self, a: Tensor, told: Tensor) -> Tensor:
        h = self.first(a)
        told = told.expand(-1, 2 * h.shape[1] * len(self.gates), -1)
        for gate, rest, share in zip(self.gates, self.rests, told.chunk(len(self.gates), 1), strict=True):
            f, g = (gate(h) + share).chunk(2, 1)
            h = h + rest(f.tanh() * g.sigmoid())
        return self.last(h)


def given(condition: Condition | None, width: int) -> nn.Module | None:
    """From y to what all networks are told together: of a spectrogram frame by frame."""
    if condition is None:
        return None
    if not isinstance(condition, Images):
        return condition.encoder(width)
    if condition.shape[0] != 1:
        raise ValueError(f"a spectrogram {condition.shape} must be (1, bands, frames)")
    return nn.Conv1d(condition.shape[1], width, 1)


def check_sizes(
    shape: tuple[int, ...], vector: int, depth: int, early: int | None, channels: int, dilations: Sequence[int]
) -> None:
    """Raises ValueError for what is no sound, or no network, or leaves nothing to do for the last steps."""
    whole(vector=vector, depth=depth, channels=channels, early=early)
    if not isinstance(dilations, Sequence) or isinstance(dilations, str) or not dilations:
        raise ValueError(f"dilations={dilations!r} must be a list of at least one, such as (1, 2, 4)")
    whole(**{f"dilations[{k}]": d for k, d in enumerate(dilations)})
    if len(as_shape(shape)) != 2 or shape[0] != 1 or vector % 2 or shape[1] % vector:
        raise ValueError(f"shape {tuple(shape)} must be that of a sound, (1, T), T a multiple of vector={vector}, "
                         f"which is even")  # fmt: skip
    if early is not None and vector - LEAVING * ((depth - 1) // early) < 2:
        raise ValueError(f"early={early}: after {depth} steps none of {vector} channels would be left")
