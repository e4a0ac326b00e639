"""Probability mass on a line: a map moves it, stretches it and thins it, and never changes how much there is."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module


class MassOnALine(Drawing):
    """See ``mass_on_a_line``. ``interval`` is the interval of z as it stands, (low, high)."""

    _esm = module("mass_on_a_line")
    alt = "Above a bell curve over z, below the density over x; lines join each z to its x, and one interval is marked."

    @property
    def interval(self) -> tuple[float, float]:
        low, high = self.now("interval")
        return low, high

    def still(self) -> bytes:
        from genlib import plots

        chosen = self.state["maps"][self.now("map")]
        z, x, slope = (torch.tensor(values) for values in (self.state["z"], chosen["x"], chosen["slope"]))
        return plots.png(plots.flows.mass_on_a_line(z, x, slope, interval=self.interval, title=chosen["name"]))


def mass_on_a_line(
    maps: Mapping[str, Callable[[Tensor], Tensor]],
    *,
    start: str | None = None,
    interval: tuple[float, float] = (0.5, 1.0),
    points: int = 241,
    grains: int = 500,
) -> MassOnALine:
    """Choose a map x = G(z), drag an interval of z, and see where its mass goes when z is drawn from N(0, 1).

    Arguments: maps, {name: G}, each elementwise from (n,) to (n,), differentiable and strictly monotone on [-4, 4];
    start, the name of the first; interval of z at the start; points where the maps are evaluated; grains of sand that
    fall through the map, each an equal share of the mass, at most 2000. Returns: a widget that needs no kernel.
    Raises: ValueError for a map that is not strictly monotone: it would lay mass on mass.
    """
    z = torch.linspace(-4, 4, points, dtype=torch.float64, requires_grad=True)
    sampled = []
    for name, G in maps.items():
        x = G(z)
        (slope,) = torch.autograd.grad(x.sum(), z)
        steps = x.detach().diff()
        if not ((steps > 0).all() or (steps < 0).all()) or not x.isfinite().all():
            raise ValueError(f"the map {name!r} is not strictly monotone on [-4, 4]: two z would share an x")
        sampled.append({"name": name, "x": _rounded(x), "slope": _rounded(slope)})
    names = list(maps)
    low, high = interval
    if not -4 <= low < high <= 4:
        raise ValueError(f"interval={interval} must lie in [-4, 4], its lower end first")
    if not 0 <= grains <= 2000:
        raise ValueError(f"grains={grains} must lie in 0..2000")
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    state = {
        "z": _rounded(z),
        "density": _rounded(density),
        "maps": sampled,
        "map": names.index(start) if start is not None else 0,
        "interval": [low, high],
        "grains": grains,
    }
    return MassOnALine(state=state)


def _rounded(values: Tensor) -> list[float]:
    return [round(v, 5) for v in values.detach().tolist()]
