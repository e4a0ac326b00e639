"""The best discriminator for two densities on a line: drag one of them, and see what the game is worth."""

import math

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

DATA = ("one bump", "two bumps", "a box")
REACH, FINE, KNOTS = 6.0, 1201, 121  # as in draw.js


def _bell(x: Tensor, mean: float, width: float) -> Tensor:
    return torch.exp(-((x - mean) ** 2) / (2 * width**2)) / (width * math.sqrt(2 * math.pi))


def _between(knots: list[float], x: Tensor) -> Tensor:
    """Linear between the knots at -6, -5.9 … 6."""
    values = torch.tensor(knots, dtype=torch.float64)
    place = (x + REACH) / (2 * REACH) * (KNOTS - 1)
    k = place.long().clamp(0, KNOTS - 2)
    return values[k] + (place - k) * (values[k + 1] - values[k])


class BestAnswer(Drawing):
    """See ``best_answer``. ``x``, ``p_data``, ``p_g`` and ``D`` are what is shown, on the points x, (n,) each."""

    _esm = module("best_answer")
    alt = (
        "Above, two densities on a line, p_data and p_g; below, D*, near 1 where p_data is larger, 1/2 where they meet."
    )

    x = torch.linspace(-REACH, REACH, FINE, dtype=torch.float64)

    def _normalised(self, density: Tensor) -> Tensor:
        return density / (density.sum() * (self.x[1] - self.x[0]))

    @property
    def p_data(self) -> Tensor:
        kind = self.now("data")
        if kind == "drawn":
            return self._normalised(_between(self.now("drawn"), self.x).clamp(min=0))
        if kind == "two bumps":
            return self._normalised(0.6 * _bell(self.x, -2, 0.6) + 0.4 * _bell(self.x, 1.8, 0.5))
        if kind == "a box":
            return self._normalised((self.x.abs() <= 1.5 + 1e-9).double())
        return self._normalised(_bell(self.x, 0, 1))

    @property
    def p_g(self) -> Tensor:
        return self._normalised(_bell(self.x, self.now("mean"), self.now("width")))

    @property
    def D(self) -> Tensor:
        total = self.p_data + self.p_g
        return torch.where(total > 0, self.p_data / total, 0.5)

    def still(self) -> bytes:
        from genlib import plots

        own = self.now("own")
        own = None if own is None else _between(own, self.x)
        return plots.png(plots.games.optimal_discriminator(self.x, self.p_data, self.p_g, self.D, own))


def best_answer(
    data: str = "two bumps",
    *,
    mean: float = 0.0,
    width: float = 1.0,
    hint: str = "Drag the orange curve by its middle (mean) or its side (width), then let it walk downhill. From where "
    "does it find the data?",
) -> BestAnswer:
    """D*, V and the Jensen-Shannon divergence, live, while you drag p_g or draw p_data; no kernel needed.

    Arguments: data, one of "one bump", "two bumps", "a box" to begin with; mean -5..5 and width 0.15..2.5 of p_g; hint,
    what to try. Raises: ValueError for an unknown name or numbers out of range.
    """
    if data not in DATA:
        raise ValueError(f"data={data!r} is not one of {', '.join(DATA)}")
    if not -5 <= mean <= 5 or not 0.15 <= width <= 2.5:
        raise ValueError(f"mean={mean} must lie in -5..5 and width={width} in 0.15..2.5")
    return BestAnswer(state={"data": data, "mean": mean, "width": width, "hint": hint})
