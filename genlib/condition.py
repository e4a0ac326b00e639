"""What p(x | condition) is given: a label, a sentence, a picture, a vector. ``classes=10`` means ``Labels(10)``.

A condition knows how to refuse what does not fit (``check``), what to take where nothing was given (``draw``) and how a
network gets to see it (``encoder``). A batch of it is one tensor y, and travels through ``fit`` beside x.
Domains that are not paired, as in CycleGAN, are data whose y is an independent draw of the other domain.
"""

import dataclasses
import math
import numbers

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_integers, as_picture, instance, must_be_tensor, whole
from genlib.noise import device_of
from genlib.quantize import to_unit

MISSING = -1  # a label that is not known


class Condition:
    """The kind of thing that y is. Frozen: two conditions that say the same are equal."""

    @property
    def asks(self) -> str:
        """What y must be, in words that complete "pass y, …"."""
        raise NotImplementedError

    def check(self, y: Tensor, n: int, *, values: bool = True) -> Tensor:
        """y as networks take it. Raises: ValueError unless it is a batch of n; values: look at the numbers too, which
        waits for a GPU."""
        raise NotImplementedError

    def draw(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n of them, where nobody says which. Raises: ValueError where there is no sensible choice."""
        raise ValueError(f"sample can't choose what it is given: pass y, {self.asks}")

    @property
    def width(self) -> int:
        """How many numbers ``encoder()`` gives where nobody asks for another width."""
        raise NotImplementedError

    def encoder(self, width: int | None = None) -> nn.Module:
        """A network y -> (n, width) floats. Without a width, what says it most directly."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Labels(Condition):
    """One of K classes: y (n,), integers 0..K-1. With ``missing``, −1 stands for a label that is not known.

    Encoded as a one-hot vector, all zeros where the label is missing.
    """

    K: int
    missing: bool = False

    def __post_init__(self) -> None:
        whole(classes=self.K)

    @property
    def asks(self) -> str:
        unknown = ", or −1 where the label is missing" if self.missing else ""
        return f"integers 0..{self.K - 1}, one for each example{unknown}"

    def check(self, y: Tensor, n: int, *, values: bool = True) -> Tensor:
        must_be_tensor("y", y)
        if y.shape != (n,):
            one_hot = ": y.argmax(1) makes labels of one-hot vectors" if y.shape == (n, self.K) else ""
            raise ValueError(f"y has shape {tuple(y.shape)}; for n={n} examples it must be ({n},){one_hot}")
        return _integers(y, MISSING if self.missing else 0, self.K, self.asks, values)

    def draw(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Uniformly, (n,), on the generator's device."""
        return torch.randint(self.K, (n,), generator=generator, device=device_of(generator))

    @property
    def width(self) -> int:
        return self.K

    def encoder(self, width: int | None = None) -> nn.Module:
        one_hot = OneHot(self.K)
        return one_hot if width is None else nn.Sequential(one_hot, nn.Linear(self.K, width))


@dataclasses.dataclass(frozen=True)
class Tokens(Condition):
    """A sentence: y (n, length), integers 0..vocabulary-1, filled up with 0.

    Encoded by a vector for each token at each place, through one hidden layer; 0 says nothing.
    """

    length: int
    vocabulary: int

    def __post_init__(self) -> None:
        whole(length=self.length, vocabulary=self.vocabulary)

    @property
    def asks(self) -> str:
        return f"tokens (n, {self.length}), integers 0..{self.vocabulary - 1}"

    def check(self, y: Tensor, n: int, *, values: bool = True) -> Tensor:
        must_be_tensor("y", y)
        if y.shape != (n, self.length):
            raise ValueError(f"y has shape {tuple(y.shape)}; it must be ({n}, {self.length}): {self.asks}")
        return _integers(y, 0, self.vocabulary, self.asks, values)

    @property
    def width(self) -> int:
        return 64

    def encoder(self, width: int | None = None) -> nn.Module:
        width = width or self.width
        words = nn.Embedding(self.vocabulary, width, padding_idx=0)
        return nn.Sequential(words, nn.Flatten(), nn.Linear(self.length * width, width), nn.SiLU())


@dataclasses.dataclass(frozen=True)
class Images(Condition):
    """A picture: y (n, C, H, W), real values; what is not given of it is 0, with a channel more that says so. With
    ``levels`` V, integers 0..V-1.

    Encoded flat, as it is, integers as numbers 0..1; with a width, by a hidden layer.
    """

    shape: tuple[int, int, int]
    levels: int | None = None

    def __post_init__(self) -> None:
        as_picture(self.shape)
        whole(2, levels=self.levels)

    @property
    def asks(self) -> str:
        values = "real values" if self.levels is None else f"integers 0..{self.levels - 1}"
        return f"pictures (n, {', '.join(map(str, self.shape))}) of {values}"

    def check(self, y: Tensor, n: int, *, values: bool = True) -> Tensor:
        must_be_tensor("y", y)
        if tuple(y.shape) != (n, *self.shape):
            raise ValueError(f"y has shape {tuple(y.shape)}; it must be {(n, *self.shape)}: {self.asks}")
        if self.levels is not None:
            return _integers(y, 0, self.levels, self.asks, values)
        return _reals(y, self.asks, values)

    @property
    def width(self) -> int:
        return math.prod(self.shape)

    def encoder(self, width: int | None = None) -> nn.Module:
        flat = nn.Flatten() if self.levels is None else nn.Sequential(nn.Flatten(), Unit(self.levels))
        return flat if width is None else nn.Sequential(flat, nn.Linear(math.prod(self.shape), width), nn.SiLU())


@dataclasses.dataclass(frozen=True)
class Vectors(Condition):
    """D real numbers: y (n, D), such as the latents of another model.

    Encoded as they are; with a width, by a linear map.
    """

    D: int

    def __post_init__(self) -> None:
        whole(D=self.D)

    @property
    def asks(self) -> str:
        return f"vectors (n, {self.D}) of real values"

    def check(self, y: Tensor, n: int, *, values: bool = True) -> Tensor:
        must_be_tensor("y", y)
        if tuple(y.shape) != (n, self.D):
            raise ValueError(f"y has shape {tuple(y.shape)}; it must be {(n, self.D)}: {self.asks}")
        return _reals(y, self.asks, values)

    @property
    def width(self) -> int:
        return self.D

    def encoder(self, width: int | None = None) -> nn.Module:
        return nn.Identity() if width is None else nn.Linear(self.D, width)


class OneHot(nn.Module):
    """Labels (n,) -> (n, K), in the precision of the model that holds it; a label of −1 has no 1 anywhere."""

    zero: Tensor

    def __init__(self, K: int):
        super().__init__()
        self.K = K
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # knows the precision

    def forward(self, y: Tensor) -> Tensor:
        known = F.one_hot(y.clamp(min=0), self.K).to(self.zero.dtype)
        return known * (y >= 0)[:, None]


class Unit(nn.Module):
    """Integers 0..levels-1 as numbers 0..1, in the precision of the model that holds it."""

    zero: Tensor

    def __init__(self, levels: int):
        super().__init__()
        self.levels = levels
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # knows the precision

    def forward(self, y: Tensor) -> Tensor:
        return to_unit(y, self.levels, self.zero.dtype)


def as_condition(classes: "int | Condition | None", condition: Condition | None = None) -> Condition | None:
    """A number of classes, or a condition, as a condition. Raises: ValueError where both are given, or neither."""
    if classes is not None and condition is not None:
        raise ValueError(f"classes={classes} is short for condition=Labels({classes}): pass one of the two")
    instance(Condition, condition=condition)
    if classes is None or isinstance(classes, Condition):
        return condition if classes is None else classes
    if not isinstance(classes, numbers.Integral):
        raise ValueError(f"classes={classes!r} must be a number of classes, or a condition such as Labels(10)")
    return Labels(int(classes))


def _integers(y: Tensor, low: int, high: int, asks: str, values: bool) -> Tensor:
    cure = ", as int64 (y.long() makes them)"
    return as_integers("y", y, low, high, f"pass {asks}", cure=cure, look=values)


def _reals(y: Tensor, asks: str, values: bool) -> Tensor:
    if not y.is_floating_point():
        raise ValueError(f"y holds {y.dtype}; pass {asks}")
    if values and not bool(y.isfinite().all()):
        raise ValueError("y holds values that are not finite")
    return y
