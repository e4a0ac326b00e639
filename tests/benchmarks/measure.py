"""Two sides in turns, in one run: CPU time of one thread, the median of the pairs' ratios, and how far they spread.

With one thread CPU time is the time alone, whoever else is computing; and what slows the machine down for a moment
slows both sides of a pair down. A ratio is always peer / ours: above 1, ours is faster (or smaller).
"""

import dataclasses
import statistics
import time
from collections.abc import Callable

import torch

PAIRS = 9


@dataclasses.dataclass
class Row:
    """One line of a table: the medians of both sides, and the ratio with the least and the largest of its pairs.

    what is compared; peer, the other's name, "" where there is none; asked, the ratio that we want; main, whether the
    README counts it.
    """

    what: str
    peer: str
    ours: float
    theirs: float = 0.0
    ratio: float = 0.0
    low: float = 0.0
    high: float = 0.0
    asked: float | None = None
    unit: str = "ms"
    main: bool = False


def pairs(
    what: str, ours: Callable[[], float], theirs: Callable[[], float], peer: str, *, repeats: int = PAIRS, **keywords
) -> Row:
    """Calls both, which return what they measured, in turns."""
    both = [(ours(), theirs()) for _ in range(repeats)]
    ratios = [b / a for a, b in both]
    a, b = (statistics.median(side) for side in zip(*both, strict=True))
    return Row(what, peer, a, b, statistics.median(ratios), min(ratios), max(ratios), **keywords)


def compare(what: str, ours: Callable, theirs: Callable, peer: str, *, quick: bool = False, **keywords) -> Row:
    """Milliseconds of a call of each. What is short is called several times, so that a side takes about 0.05 s."""
    for _ in range(1 if quick else 2):
        ours(), theirs()
    times = [1 if quick else max(1, int(50 / milliseconds(run))) for run in (ours, theirs)]
    sides = [lambda run=run, n=n: milliseconds(run, n) for run, n in zip((ours, theirs), times, strict=True)]
    return pairs(what, *sides, peer, repeats=1 if quick else PAIRS, **keywords)


def milliseconds(run: Callable, times: int = 1) -> float:
    """CPU time of a call."""
    start = time.process_time()
    for _ in range(times):
        run()
    return 1e3 * (time.process_time() - start) / times


def step(model, loss: Callable, x) -> Callable[[], None]:
    """A training step, the same for everyone: loss, gradients, AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss(x).backward()
        optimizer.step()

    return run


def draw(sample: Callable, n: int) -> Callable[[], None]:
    """n samples at once, without gradients."""

    @torch.no_grad()
    def run():
        sample(n)

    return run


def parameters(model, other) -> str:
    """How many both have, in words. Raises: ValueError where they differ by more than 5 %."""
    ours, theirs = (sum(p.numel() for p in m.parameters() if p.requires_grad) for m in (model, other))
    if abs(ours / theirs - 1) > 0.05:
        raise ValueError(f"{ours:,} against {theirs:,} parameters: that is no comparison")
    return f"{ours:,} parameters" if ours == theirs else f"{ours:,} parameters (theirs {theirs:,})"
