"""Codes in the plane and their cells: Lloyd's algorithm step by step, and a gradient that is copied past argmin."""

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

EDGE = 4  # the plane shows -4..4
MOST_POINTS, MOST_CODES = 80, 8
MODES = ("lloyd", "through")


class Cell(Drawing):
    """See ``cell``. ``points`` (n, 2) and ``codes`` (K, 2) as they stand; ``assigned`` (n,), the code of each point;
    ``distortion``, the mean of |x - e|², and ``history``, that after every half of a step since something was moved by
    hand; ``z`` and ``wish`` (2,), the vector that is quantized and where the decoder wants its code."""

    _esm = module("cell")

    @property
    def points(self) -> Tensor:
        return torch.tensor(self.now("points"), dtype=torch.float64)

    @property
    def codes(self) -> Tensor:
        return torch.tensor(self.now("codes"), dtype=torch.float64)

    @property
    def assigned(self) -> Tensor:
        return torch.tensor(self.now("assigned"))

    @property
    def z(self) -> Tensor:
        return torch.tensor(self.now("z"), dtype=torch.float64)

    @property
    def wish(self) -> Tensor:
        return torch.tensor(self.now("wish"), dtype=torch.float64)

    @property
    def history(self) -> list[float]:
        return list(self.now("history"))

    @property
    def distortion(self) -> float:
        return distortion(self.points, self.codes, self.assigned)

    @property
    def alt(self) -> str:
        n, K = len(self.points), len(self.codes)
        what = f"{n} points and {K} codes in the plane, each code with its cell"
        return f"{what}; the mean squared distance of a point from its code is {self.distortion:.2f}."

    def still(self) -> bytes:
        from genlib import plots

        figure = plots.quantization.cells(self.points, self.codes, self.assigned, edge=EDGE, distortion=self.distortion)
        return plots.png(figure)


def nearest(points: Tensor, codes: Tensor) -> Tensor:
    """The number of the nearest code for each point, (n,)."""
    return torch.cdist(points, codes).argmin(1)


def distortion(points: Tensor, codes: Tensor, assigned: Tensor) -> float:
    """The mean squared distance of the points from the codes that they were given."""
    return (points - codes[assigned]).square().sum(1).mean().item()


def cell(points: Tensor | None = None, codes: Tensor | None = None, *, mode: str = "lloyd") -> Cell:
    """Drag points and codes and see whose cell is where; run Lloyd's algorithm by halves; see a gradient copied past.

    Arguments: points (n, 2), 2 to 80 of them, within -4..4, by default 36 in four heaps; codes (K, 2), 2 to 8, by
    default four that start badly; mode, what to see first, "lloyd" or "through", the straight-through gradient.
    Returns: a widget that needs no kernel. Raises: ValueError.
    """
    points = _heaps() if points is None else torch.as_tensor(points)
    start = torch.tensor([[-0.6, -2.6], [0.1, -2.2], [0.6, -2.9], [0.0, 2.6]])
    codes = start if codes is None else torch.as_tensor(codes)
    for name, given, most in (("points", points, MOST_POINTS), ("codes", codes, MOST_CODES)):
        if given.ndim != 2 or given.shape[1] != 2 or not 2 <= len(given) <= most:
            raise ValueError(f"{name} {tuple(given.shape)} must be (n, 2), with n from 2 to {most}")
        if not bool((given.abs() <= EDGE).all()):
            raise ValueError(f"the {name} must lie within -{EDGE}..{EDGE}")
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} must be one of {MODES}")
    points, codes = points.double().round(decimals=3), codes.double().round(decimals=3)
    chosen = nearest(points, codes)
    state = {
        "edge": EDGE,
        "points": points.tolist(),
        "codes": codes.tolist(),
        "assigned": chosen.tolist(),
        "history": [distortion(points, codes, chosen)],
        "next": "move",
        "mode": mode,
        "z": [-2.4, 0.6],
        "wish": [0.4, 0.2],
        "beta": 0.25,
        "learn": False,
        "trail": [[-2.4, 0.6]],
    }
    return Cell(state=state)


def _heaps() -> Tensor:
    """36 points in four heaps, of which one is large."""
    generator = torch.Generator().manual_seed(1)
    middles = torch.tensor([[-2.2, 1.6], [2.2, 2.0], [1.9, -1.8], [-1.8, -2.0]])
    sizes = torch.tensor([12, 8, 8, 8])
    spread = torch.tensor([0.75, 0.4, 0.5, 0.45]).repeat_interleave(sizes)[:, None]
    return middles.repeat_interleave(sizes, 0) + spread * torch.randn(36, 2, generator=generator)
