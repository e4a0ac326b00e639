r"""What a decoder's numbers mean: the four p(x | z) of the course, one value of x at a time.

.. math:: \log p(x \mid z) = \sum_{i=1}^{D} \log p(x_i \mid z)

0 or 1: ``Bernoulli``, one logit a value. Levels 0..V-1: ``Categorical``, V logits; or ``Logistic``, a mean each and one
scale for all. Reals: ``Gaussian``, a mean each and one standard deviation for all.

Reference, a scale that is learned: Rybkin, Daniilidis, Levine. Simple and effective VAE training with calibrated
decoders. 2021. arXiv:2006.13202
"""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, distributions, nn
from torch.distributions import Distribution, Independent, Normal

from genlib import noise
from genlib.arguments import instance, positive, whole
from genlib.quantize import from_unit, to_signed


class Likelihood(nn.Module):
    """How values of x are spread, given P numbers of a decoder for each of them.

    levels, where x are integers 0..levels-1, None for reals; per_value, the P.
    """

    per_value: int = 1
    zero: Tensor
    refuses: ClassVar[str] = ""  # what to do instead, where the data have other levels

    def __init__(self, levels: int | None):
        super().__init__()
        self.levels = levels
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # knows device and precision

    def check_levels(self, levels: int | None) -> None:
        """Raises ValueError where the data are said to have other levels; None says nothing."""
        if levels not in (None, self.levels):
            raise ValueError(f"levels={levels}: {self.refuses}")

    def scaled(self, x: Tensor) -> Tensor:
        """x as the encoder sees it: levels as numbers -1..1, reals as they are."""
        dtype = self.zero.dtype
        return x.to(dtype) if self.levels is None else to_signed(x, self.levels, dtype)

    def values(self, numbers: Tensor) -> Distribution:
        """(..., P) numbers of the decoder -> the distribution of each value, (...)."""
        raise NotImplementedError

    def over(self, h: Tensor, front: tuple[int, ...], shape: tuple[int, ...]) -> Independent:
        """p(x | z) of a decoder's numbers: (N, …) -> a distribution over ``shape`` for each of ``front``, N in all.
        Raises: ValueError where they are more or fewer than P for each value."""
        D, P = math.prod(shape), self.per_value
        if h.shape[1:].numel() != D * P:
            raise ValueError(f"the decoder gave shape {tuple(h.shape)}; asked are {D} · {P} numbers for each")
        values = self.values(full_precision(h).reshape(*front, *shape, P))
        return Independent(values, len(shape), validate_args=False)

    def draw(self, values: Distribution, generator: torch.Generator | None = None) -> Tensor:
        """One x from what ``values`` gave, by a generator, which torch's own ``sample`` does not take."""
        raise NotImplementedError

    def first_bias(self, x: Tensor, *, everywhere: bool = False) -> Tensor:
        """The numbers that say how often each value occurs in x, whatever z is: (D · P,), or with ``everywhere`` the
        same at all places of a picture, (C · P,)."""
        means = self.seen(x).mean(0)  # (*shape, P)
        if everywhere and means.ndim == 4:
            means = means.mean((1, 2))  # (C, P)
        return self.numbers_for(means.flatten(), len(x))

    def start(self, decoder: nn.Module, x: Tensor) -> bool:
        """Sets a decoder's last bias so that for every z values occur as often as in x; returns whether it could."""
        last = last_layer(decoder)
        if last is None or last.bias is None:
            return False
        bias = self.first_bias(x, everywhere=not isinstance(last, nn.Linear))
        if bias.shape != last.bias.shape:
            return False
        with torch.no_grad():
            last.bias.copy_(bias)
        return True

    def seen(self, x: Tensor) -> Tensor:
        """What is averaged over the examples, (n, *shape) -> (n, *shape, P): the values themselves."""
        return x.to(self.zero.dtype)[..., None]

    def numbers_for(self, means: Tensor, n: int) -> Tensor:
        """The decoder's numbers whose distribution has these means, found in n examples."""
        return means

    def mean_layers(self) -> list[nn.Module]:
        """Layers from the decoder's numbers (B, D · P) to means (B, D): levels as numbers 0..1, reals as they are."""
        return []


class Bernoulli(Likelihood):
    """Binary values: the decoder gives the logit of a 1."""

    refuses = (
        '"bernoulli" is for binary pixels; take likelihood="categorical", or binarize the data '
        '(train.binarized("dynamic")) and leave out levels'
    )

    def __init__(self) -> None:
        super().__init__(levels=2)

    def values(self, numbers: Tensor) -> Distribution:
        return BinaryPixels(logits=numbers[..., 0], validate_args=False)

    def draw(self, values: Distribution, generator: torch.Generator | None = None) -> Tensor:
        return noise.bernoulli(values.mean, generator)

    def numbers_for(self, means: Tensor, n: int) -> Tensor:
        return ((means * n + 0.5) / (n + 1)).logit()  # as if 0 and 1 had been seen half a time more

    def mean_layers(self) -> list[nn.Module]:
        return [nn.Sigmoid()]

    def extra_repr(self) -> str:
        return "values 0 and 1"


class Categorical(Likelihood):
    """Integers 0..levels-1: the decoder gives a logit for each level."""

    refuses = '"categorical" needs the number of levels of the data, such as levels=17 for the digits'

    def __init__(self, levels: int | None):
        if levels is None:
            raise ValueError(f"levels={levels}: {self.refuses}")
        whole(2, levels=levels)
        super().__init__(levels)
        self.per_value = levels

    def values(self, numbers: Tensor) -> Distribution:
        return Levels(logits=numbers, validate_args=False)

    def draw(self, values: Distribution, generator: torch.Generator | None = None) -> Tensor:
        assert isinstance(values, Levels)
        return noise.categorical(values.probs, generator)

    def seen(self, x: Tensor) -> Tensor:
        return F.one_hot(x, self.per_value).to(self.zero.dtype)

    def numbers_for(self, means: Tensor, n: int) -> Tensor:
        return ((means * n + 0.5) / (n + 0.5 * self.per_value)).log()  # as if each level had been seen half a time more

    def mean_layers(self) -> list[nn.Module]:
        expect = nn.Linear(self.per_value, 1, bias=False).to(self.zero)
        with torch.no_grad():
            expect.weight.copy_(torch.linspace(0, 1, self.per_value))
        return [nn.Unflatten(1, (-1, self.per_value)), nn.Softmax(-1), expect, nn.Flatten(1)]

    def extra_repr(self) -> str:
        return f"values 0..{self.per_value - 1}"


class Gaussian(Likelihood):
    """Reals: the decoder gives the mean. The standard deviation σ is one for all values.

    Arguments: scale, where σ starts; learned, whether it is trained, or stays.
    Raises: ValueError for a scale that is not positive.
    """

    refuses = '"gaussian" is for real values; pass levels=None and the data as reals'

    def __init__(self, scale: float = 1.0, *, learned: bool = True):
        super().__init__(levels=None)
        positive(scale=scale)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)), requires_grad=learned)

    @property
    def sigma(self) -> Tensor:
        """The standard deviation, a scalar."""
        return self.log_scale.exp()

    def values(self, numbers: Tensor) -> Distribution:
        return Normal(numbers[..., 0], self.sigma, validate_args=False)

    def draw(self, values: Distribution, generator: torch.Generator | None = None) -> Tensor:
        return values.mean + values.stddev * noise.normal(values.mean.shape, values.mean, generator)

    def extra_repr(self) -> str:
        return f"reals, σ = {self.sigma.item():.3g}, {'learned' if self.log_scale.requires_grad else 'fixed'}"


class Logistic(Likelihood):
    r"""Integers 0..levels-1, many of them: the decoder gives a mean m on -1..1. One scale s for all values, learned.

    .. math:: p(v) = F\Big(\frac{x_v + \delta - m}{s}\Big) - F\Big(\frac{x_v - \delta - m}{s}\Big), \qquad
              F(a) = \frac{1}{1 + e^{-a}}

    x_v is the level on -1..1 and δ half the distance of two levels; the first level gets all that lies below it, the
    last all above. One number a value instead of one for each level, which 256 levels would make too many.

    Arguments: levels; scale, where s starts.
    Reference: Salimans, Karpathy, Chen, Kingma. PixelCNN++. 2017. arXiv:1701.05517
    """

    refuses = '"logistic" needs the number of levels of the data, such as levels=256'

    def __init__(self, levels: int | None, scale: float = 0.1):
        if levels is None:
            raise ValueError(self.refuses)
        super().__init__(levels)
        whole(2, levels=levels)
        positive(scale=scale)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def values(self, numbers: Tensor) -> Distribution:
        assert self.levels is not None
        return LogisticLevels(numbers[..., 0], self.log_scale.exp(), self.levels)

    def draw(self, values: Distribution, generator: torch.Generator | None = None) -> Tensor:
        assert isinstance(values, LogisticLevels)
        return values.at(noise.uniform(values.m.shape, values.m, generator))

    def seen(self, x: Tensor) -> Tensor:
        return self.scaled(x)[..., None]

    def mean_layers(self) -> list[nn.Module]:
        raise ValueError("the mean of a logistic over levels is no layer: take decode(z).mean")

    def extra_repr(self) -> str:
        return f"levels 0..{self.levels - 1 if self.levels else ''}, s = {self.log_scale.exp().item():.3g}"


def as_likelihood(likelihood: str | Likelihood, levels: int | None = None) -> Likelihood:
    """A likelihood, or the short form of its name: "bernoulli", "categorical" and "logistic" (with
    levels), "gaussian".

    Raises: ValueError for another name, and for levels that it is not made for.
    """
    short = {
        "bernoulli": Bernoulli,
        "categorical": lambda: Categorical(levels),
        "logistic": lambda: Logistic(levels),
        "gaussian": Gaussian,
    }
    if isinstance(likelihood, str) and likelihood not in short:
        raise ValueError(f"likelihood={likelihood!r}: choose one of {', '.join(short)}")
    instance(Likelihood, likelihood=None if isinstance(likelihood, str) else likelihood)
    made = short[likelihood]() if isinstance(likelihood, str) else likelihood
    made.check_levels(levels)
    return made


class BinaryPixels(distributions.Bernoulli):
    """Torch's Bernoulli, but it takes integers, as data sets hold them, and gives integers."""

    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob(value.to(self.logits.dtype))

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        return super().sample(torch.Size(sample_shape)).long()


class Levels(distributions.Categorical):
    """Torch's Categorical over 0..V-1, but the values are quantities: they have a mean and a variance."""

    @property
    def mean(self) -> Tensor:
        return self.probs @ self._values

    @property
    def variance(self) -> Tensor:
        return self.probs @ self._values**2 - self.mean**2

    @property
    def _values(self) -> Tensor:
        return torch.arange(self.logits.shape[-1], dtype=self.logits.dtype, device=self.logits.device)


class LogisticLevels(Distribution):
    """The levels 0..V-1 under a logistic of mean m (…) and scale s, on -1..1: see ``Logistic``."""

    def __init__(self, m: Tensor, s: Tensor, levels: int):
        self.m, self.s, self.levels = m, s, levels
        super().__init__(m.shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(v), (…), nats: by the mass between two edges, in a form that no rounding empties."""
        half = 1 / (self.levels - 1)
        x = to_signed(value, self.levels, self.m.dtype)
        low, high = (x - half - self.m) / self.s, (x + half - self.m) / self.s
        # F(b) - F(a) = F(b) F(-a) (1 - e^(a - b)), and b - a is the same everywhere
        inside = F.logsigmoid(high) + F.logsigmoid(-low) + torch.log(-torch.expm1(-2 * half / self.s))
        first, last = value == 0, value == self.levels - 1
        return torch.where(first, F.logsigmoid(high), torch.where(last, F.logsigmoid(-low), inside))

    def at(self, u: Tensor) -> Tensor:
        """The levels that u in [0, 1) draws, by the inverse of F: (…) -> (…), integers."""
        x = self.m + self.s * (u.log() - torch.log1p(-u))
        return from_unit((x + 1) / 2, self.levels)

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        shape = (*sample_shape, *self.batch_shape)
        return self.at(torch.rand(shape, dtype=self.m.dtype, device=self.m.device))

    @property
    def mean(self) -> Tensor:
        """m as a level, cut off at the first and at the last one; what the edges add to it is left out."""
        return (self.m.clamp(-1, 1) + 1) / 2 * (self.levels - 1)


class LevelsLast(nn.Module):
    """(B, C · V, H, W) -> (B, C, H, W, V): what a convolution says of the V levels of a pixel moves to the end."""

    def __init__(self, levels: int):
        super().__init__()
        self.levels = levels

    def forward(self, h: Tensor) -> Tensor:
        return h.unflatten(1, (-1, self.levels)).movedim(2, -1)


def full_precision(h: Tensor) -> Tensor:
    """float32 where autocast gave half of it: what follows adds up many small numbers."""
    return h.float() if h.dtype in (torch.float16, torch.bfloat16) else h


def last_layer(net: nn.Module) -> nn.Linear | nn.Conv2d | nn.ConvTranspose2d | None:
    """The last layer with weights, None where there is none."""
    layers = [m for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    return layers[-1] if layers else None
