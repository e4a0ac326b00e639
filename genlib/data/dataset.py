"""A data set: tensors with a name, a source and a licence."""

import dataclasses
import html
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_collate_fn_map  # torch documents it as the way to add a type


class Example(NamedTuple):
    """What ``data[i]`` gives: one example, or a batch of them."""

    x: Tensor
    y: Tensor | None


def collate(examples: list[Example], **_: Any) -> Example:
    """A batch of examples, as a DataLoader makes it; y stays None where there is none."""
    xs, ys = zip(*examples, strict=True)
    return Example(default_collate(list(xs)), None if ys[0] is None else default_collate(list(ys)))


default_collate_fn_map[Example] = collate


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Examples x, (N, *shape), with y, what else is known of each: labels (N,), or tokens, or pictures.

    levels: values are integers 0..levels-1; None for real values. factors: what is known about each example, by name;
    factor_names: for factors that are an index, what it points to. captions: a sentence for each example, where there
    are any. vocabulary: the character that each token stands for, where x is text. log_prob: the true density in nats,
    (x) -> (B,) or (x, y) -> (B,), where it is known; entropy: its exact mean times -1, nats an example, where there is
    a formula. paired: whether y belongs to its x; else it is any other examples (M, …), of which ``data[i]`` draws one
    at random, anew each time, for each of its x.
    ``data[i]`` gives (x, y) for an index, a slice or a tensor of indices. Integers come as int64, also where x itself
    is stored as uint8 to take an eighth of the memory: take examples from data[i], since uint8 tensors overflow when
    added and act as masks when used as an index. A DataLoader takes a data set as it is, with workers too.
    """

    name: str
    x: Tensor
    y: Tensor | None = None
    factors: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    levels: int | None = None
    class_names: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    log_prob: Callable[..., Tensor] | None = None
    binarization: str | None = None
    factor_names: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    captions: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    entropy: float | None = None
    paired: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example, without the batch."""
        return tuple(self.x.shape[1:])

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: Any) -> Example:
        x = _take(self.x, i)
        batch = x.shape[: x.dim() - len(self.shape)]  # (B,), or () for a single example
        if self.binarization == "dynamic":  # x holds probabilities: toss the coins now, where x lives
            x = torch.bernoulli(x).long()
        if self.y is not None and not self.paired:
            i = torch.randint(len(self.y), batch, device=self.y.device)
        return Example(_as_integers(x), None if self.y is None else _as_integers(_take(self.y, i)))

    def to(self, device: torch.device | str) -> "Dataset":
        """The same data on another device."""
        return dataclasses.replace(
            self,
            x=self.x.to(device),
            y=None if self.y is None else self.y.to(device),
            factors={name: values.to(device) for name, values in self.factors.items()},
        )

    def binarized(self, how: str = "dynamic") -> "Dataset":
        """Pixels 0 and 1. "dynamic": a pixel is 1 with probability x / (levels - 1), drawn anew each time that it is
        asked for; "threshold": 1 where x is above the middle, once and for all. Say which one you report: likelihoods
        of the two can't be compared. Raises: ValueError for data without levels, already binary, or another name."""
        if self.levels is None or self.levels < 3:
            raise ValueError(f"{self.name} can't be binarized: it has levels={self.levels}")
        if how not in ("dynamic", "threshold"):
            raise ValueError(f'binarized({how!r}): choose "dynamic" or "threshold"')
        x = self.x / (self.levels - 1)
        if how == "threshold":
            x = (x > 0.5).to(self.x.dtype)
        return dataclasses.replace(self, name=f"{self.name}, binarized ({how})", x=x, levels=2, binarization=how)

    def within(self, **ranges: tuple[float, float]) -> "Dataset":
        """The examples whose factors lie between two numbers, both included: ``within(thickness=(0, 0.7))``; for
        labels ``label=(4, 4)``. Raises: ValueError for a factor that there is not."""
        known = self.factors if self.y is None or self.y.dim() != 1 else {"label": self.y} | self.factors
        if not ranges or set(ranges) - set(known):
            raise ValueError(f"{self.name}.within({', '.join(ranges)}): name some of {', '.join(known)}")
        at = torch.stack([(low <= known[name]) & (known[name] <= high) for name, (low, high) in ranges.items()]).all(0)
        return self._at(at)

    def without(self, **values: int) -> "Dataset":
        """The examples but those that have all of these factors: ``without(colour=3, shape=1)`` has that colour with
        other shapes, and that shape in other colours. Raises: ValueError for a factor that there is not."""
        if not values or set(values) - set(self.factors):
            raise ValueError(f"{self.name}.without({', '.join(values)}): name some of {', '.join(self.factors)}")
        return self._at(~torch.stack([self.factors[name] == value for name, value in values.items()]).all(0))

    def told(self, factor: str) -> "Dataset":
        """The same examples with that factor as what they are given, y: ``told("caption")``. Raises: ValueError for a
        factor that there is not."""
        if factor not in self.factors:
            raise ValueError(f"{self.name}.told({factor!r}): name one of {', '.join(self.factors)}")
        return dataclasses.replace(self, y=self.factors[factor], class_names=())

    def _at(self, chosen: Tensor) -> "Dataset":
        """The chosen examples, (N,) of bool."""
        return dataclasses.replace(
            self,
            x=self.x[chosen],
            y=None if self.y is None else self.y[chosen],
            factors={name: values[chosen] for name, values in self.factors.items()},
            captions=tuple(caption for caption, stays in zip(self.captions, chosen.tolist(), strict=False) if stays),
        )

    def unpaired(self, other: "Dataset") -> "Dataset":
        """Two domains, as in CycleGAN: x from this one, y an independent draw of the other's examples, in each batch.

        The draws are the random state's, as those of ``binarized("dynamic")``: fit's seed repeats them. Raises:
        ValueError for a domain that is empty or binarized anew each time.
        """
        if len(other) == 0 or other.binarization == "dynamic":
            raise ValueError(f"{other.name} can't be drawn from: it is empty, or binarized anew each time")
        name = f"{self.name} and {other.name}, unpaired"
        return dataclasses.replace(self, name=name, y=other.x, class_names=(), log_prob=None, paired=False)

    def as_text(self, x: Tensor) -> list[str]:
        """Tokens (N, L) as strings, by the vocabulary."""
        return ["".join(self.vocabulary[token] for token in row) for row in x.tolist()]

    def as_tokens(self, texts: list[str]) -> Tensor:
        """Strings as tokens (N, L), filled up with 0. Raises: ValueError for a string that is longer than L or has a
        character that is not in the vocabulary."""
        return encode(texts, self.vocabulary, self.shape[0])

    def __repr__(self) -> str:
        values = "real values" if self.levels is None else f"integers 0..{self.levels - 1}"
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return f"Dataset({self.name}: {len(self):,} examples of shape {self.shape}, {values}{classes})"

    def _repr_html_(self) -> str:
        rows = {
            "examples": f"{len(self):,}",
            "shape of one": str(self.shape),
            "values": "real" if self.levels is None else f"integers 0 … {self.levels - 1}",
            "classes": ", ".join(self.class_names) or "none",
            "factors": ", ".join(self.factors) or "none",
            "source": self.source,
            "licence": self.licence,
        }
        cells = "".join(
            f'<tr><th style="text-align:left">{name}</th><td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in rows.items()
        )
        return f"<table><caption>{html.escape(self.name)}</caption>{cells}</table>"


def _as_integers(values: Tensor) -> Tensor:
    return values.long() if values.dtype == torch.uint8 else values


def _take(values: Tensor, i: Any) -> Tensor:
    """values[i]; for a batch of indices by index_select, which is several times as fast."""
    if isinstance(i, Tensor) and i.dtype == torch.long and i.dim() == 1:
        return values.index_select(0, i)
    return values[i]


def as_tensors(factors: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Factors as tensors: int64 for indices, float32 for quantities, on every platform."""
    return {
        name: torch.from_numpy(values.astype(np.int64 if np.issubdtype(values.dtype, np.integer) else np.float32))
        for name, values in factors.items()
    }


def encode(texts: list[str], vocabulary: tuple[str, ...], length: int) -> Tensor:
    """Strings as tokens (N, length), filled up with 0; see ``Dataset.as_tokens``."""
    token = {character: k for k, character in enumerate(vocabulary)}
    x = np.zeros((len(texts), length), np.int64)
    for row, text in zip(x, texts, strict=True):
        if unknown := set(text) - set(token):
            raise ValueError(f"{text[:40]!r} has {sorted(unknown)}, which the vocabulary lacks")
        if len(text) > length:
            raise ValueError(f"{text[:40]!r} has {len(text)} characters; there is room for {length}")
        row[: len(text)] = [token[character] for character in text]
    return torch.from_numpy(x)
