"""A data set: tensors with a name, a source and a licence."""

import dataclasses
import html
from collections.abc import Callable

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Examples x, (N, *shape), with labels y, (N,), where there are any.

    levels: pixels are integers 0..levels-1; None for real values. factors: what is known about each example, by name.
    log_prob: the true density in nats, (x) -> (B,) or (x, y) -> (B,), where it has a formula.
    ``data[i]`` gives (x, y) for an index, a slice or a tensor of indices.
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

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example, without the batch."""
        return tuple(self.x.shape[1:])

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i) -> tuple[Tensor, Tensor | None]:
        x = self.x[i]
        if self.binarization == "dynamic":  # x holds probabilities: toss the coins now, where x lives
            x = torch.bernoulli(x).long()
        return x, None if self.y is None else self.y[i]

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
            x = (x > 0.5).long()
        return dataclasses.replace(self, name=f"{self.name}, binarized ({how})", x=x, levels=2, binarization=how)

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
