"""Which codes are in use, over training: bars that light up, and the perplexity."""

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

MOST_RUNS, LARGEST = 4, 200_000


class PerplexityMeter(Drawing):
    """See ``perplexity_meter``. ``frame`` is the number of the count that is shown; ``counts`` (runs, K), those there;
    ``perplexities``, one for each run."""

    _esm = module("perplexity_meter")

    @property
    def frame(self) -> int:
        return self.now("frame")

    @property
    def counts(self) -> Tensor:
        return torch.tensor([run[self.frame] for run in self.state["counts"]])

    @property
    def perplexities(self) -> dict[str, float]:
        return dict(zip(self.state["names"], perplexity(self.counts).tolist(), strict=True))

    @property
    def alt(self) -> str:
        values = ", ".join(f"{name} {value:.1f}" for name, value in self.perplexities.items())
        K, step = self.state["codes"], self.state["steps"][self.frame]
        return f"How often each of {K} codes is used after step {step}, and the perplexity over the steps: {values}."

    def still(self) -> bytes:
        from genlib import plots

        runs = {
            name: torch.tensor(counts) for name, counts in zip(self.state["names"], self.state["counts"], strict=True)
        }
        return plots.png(plots.quantization.usage(runs, self.state["steps"], self.frame))


def perplexity(counts: Tensor) -> Tensor:
    """exp of the entropy of the shares, (…, K) -> (…): as if so many codes were used equally."""
    p = counts.double() / counts.sum(-1, keepdim=True).clamp(min=1)
    return torch.special.entr(p).sum(-1).exp()


def perplexity_meter(runs: Mapping[str, Tensor], steps: Sequence[int] | None = None) -> PerplexityMeter:
    """Which codes does a training use? Move through its steps, and see bars light up and go dark.

    Arguments: runs, {name: how often each code was chosen, (steps, K) integers}, 1 to 4 of them, side by side; steps,
    the numbers of the updates at which was counted, by default 0, 1, 2, …
    Returns: a widget that needs no kernel, at the last step. Raises: ValueError for counts that don't go together.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise ValueError(f"{len(runs)} runs: give 1 to {MOST_RUNS}")
    counts = {name: torch.as_tensor(count).detach().cpu() for name, count in runs.items()}
    first = next(iter(counts.values()))
    if first.ndim != 2 or len(first) < 2 or first.shape[1] < 2 or any(c.shape != first.shape for c in counts.values()):
        shapes = {name: tuple(count.shape) for name, count in counts.items()}
        raise ValueError(f"runs have shapes {shapes}; they must be (steps, K), all the same, 2 or more of both")
    if any(bool((c < 0).any()) or bool((c != c.round()).any()) for c in counts.values()):
        raise ValueError("counts must be integers of 0 or more")
    if len(counts) * first.numel() > LARGEST:
        raise ValueError(f"{len(counts)} · {first.numel()} counts are too many to send; keep fewer steps")
    marks = list(range(len(first))) if steps is None else [int(step) for step in steps]
    if len(marks) != len(first) or any(b <= a for a, b in itertools.pairwise(marks)) or marks[0] < 0:
        raise ValueError(f"{len(marks)} steps for {len(first)} counts: give one for each, rising, from 0 on")
    return PerplexityMeter(
        state={
            "steps": marks,
            "codes": first.shape[1],
            "names": list(counts),
            "counts": [count.long().tolist() for count in counts.values()],
            "frame": len(marks) - 1,
            "sorted": False,
        }
    )
