"""Earth in the plane: the shortest way to carry one heap of points to another, and the critic that proves it."""

import torch
from torch import Tensor

from genlib import metrics
from genlib.widgets.drawing import Drawing, module

EDGE = 4  # the plane shows -4..4


class EarthMover(Drawing):
    """See ``earth_mover``. ``fakes`` and ``data`` are the points as they stand, (n, 2); ``distance`` is W₁."""

    _esm = module("earth_mover")

    @property
    def fakes(self) -> Tensor:
        return torch.tensor(self.now("fakes"), dtype=torch.float64)

    @property
    def data(self) -> Tensor:
        return torch.tensor(self.now("data"), dtype=torch.float64)

    @property
    def distance(self) -> float:
        """The Wasserstein-1 distance of the two heaps."""
        return metrics.wasserstein(self.fakes, self.data)

    @property
    def alt(self) -> str:
        n = len(self.fakes)
        return f"{n} fakes and {n} data in the plane, joined in pairs by the shortest plan; W1 is {self.distance:.2f}."

    def still(self) -> bytes:
        from genlib import plots

        fakes, data = self.fakes, self.data
        to = metrics.optimal_plan(torch.cdist(fakes, data)).to
        return plots.png(plots.games.plan(fakes, data[to], edge=EDGE, distance=self.distance))


def earth_mover(fakes: Tensor | None = None, data: Tensor | None = None) -> EarthMover:
    """Drag fakes and data and see the shortest plan that carries the one heap to the other, and a critic's ground.

    Arguments: fakes, data (n, 2), equally many, 2 to 12, within -4..4; without them, six of each in two heaps.
    Returns: a widget that needs no kernel. Raises: ValueError.
    """
    turn = torch.arange(6) * torch.pi / 3
    ring = torch.stack([turn.cos(), turn.sin()], 1)
    fakes = 0.8 * ring - torch.tensor([2.0, 0.5]) if fakes is None else torch.as_tensor(fakes)
    data = 1.2 * ring + torch.tensor([1.6, 0.7]) if data is None else torch.as_tensor(data)
    n = len(fakes)
    if fakes.shape != (n, 2) or data.shape != (n, 2) or not 2 <= n <= 12:
        raise ValueError(f"fakes {tuple(fakes.shape)} and data {tuple(data.shape)} must be (n, 2) both, n from 2 to 12")
    if not bool((torch.cat([fakes, data]).abs() <= EDGE).all()):
        raise ValueError(f"the points must lie within -{EDGE}..{EDGE}")
    heaps = {
        name: [[round(v, 3) for v in p] for p in heap.tolist()] for name, heap in (("fakes", fakes), ("data", data))
    }
    return EarthMover(state={**heaps, "plan": "best", "ground": True})
