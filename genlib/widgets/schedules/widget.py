"""Drag a schedule: the log signal-to-noise ratio over time, the data under its noise, and where the bits are paid."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

DATA: dict[str, tuple[tuple[float, ...], float]] = {
    "one Gaussian": ((0.0,), 1.0),
    "two bumps": ((-1.0, 1.0), 0.15),
    "four levels": ((-1.5, -0.5, 0.5, 1.5), 0.02),
}
RANGE = (-10.0, 12.0)
HANDLES = (8.0, 6.0, 4.0, 2.0, 0.0, -2.0, -4.0, -6.0)
NODES = 1400  # of an integral over x_t


class Schedules(Drawing):
    """See ``schedules``. ``handles`` are λ at equal distances of t, ``data`` the name of the data, ``rungs`` T;
    ``total``, the diffusion term in bits, which only the ends change."""

    _esm = module("schedules")

    @property
    def handles(self) -> list[float]:
        return self.now("handles")

    @property
    def data(self) -> str:
        return self.now("data")

    @property
    def rungs(self) -> int:
        return self.now("rungs")

    @property
    def total(self) -> float:
        """½ ∫ E[(ε − ε̂)²] dλ between the ends, in bits, with the best ε̂ of the data."""
        return self.paid_below(self.handles[0])

    def paid_below(self, log_snr: float) -> float:
        """The part of it that is paid from the noisy end up to this λ, in bits."""
        lambdas = torch.linspace(self.handles[-1], log_snr, 401, dtype=torch.float64)
        return torch.trapezoid(self.error(lambdas), lambdas).item() / (2 * math.log(2))

    def error(self, log_snr: Tensor) -> Tensor:
        """E[(ε − ε̂)²] at each λ, (n,) -> (n,): 1 − σ² E[(∂ log p_t)²], by quadrature over x_t."""
        means, width = torch.tensor(DATA[self.data][0], dtype=torch.float64), DATA[self.data][1]
        alpha, sigma = log_snr.sigmoid().sqrt()[:, None], (-log_snr).sigmoid().sqrt()[:, None]
        sd = (alpha.square() * width**2 + sigma.square()).sqrt()
        reach = alpha * means.abs().max() + 8 * sd
        x = reach * torch.linspace(-1, 1, NODES, dtype=torch.float64)  # (n, NODES)
        off = x[..., None] - alpha[..., None] * means
        joint = -off.square() / (2 * sd.square()[..., None])
        p = joint.exp().mean(-1) / (sd * math.sqrt(2 * math.pi))
        score = -(joint.softmax(-1) * off).sum(-1) / sd.square()
        return 1 - torch.trapezoid(p * (sigma * score).square(), x)

    @property
    def alt(self) -> str:
        return (
            f"λ falling from {self.handles[0]:g} to {self.handles[-1]:g} over time; beside it the bits paid on the "
            f"data ({self.data}) on the way from noise, {self.total:.2f} in all."
        )

    def still(self) -> bytes:
        from genlib import plots

        t = torch.linspace(0, 1, len(self.handles))
        paid = torch.tensor([self.paid_below(log_snr) for log_snr in self.handles])
        panels = {
            "the curve": {"λ = log α²/σ²": (t, torch.tensor(self.handles))},
            f"{self.data}, from right to left": {f"paid: {self.total:.2f} in all": (t, paid)},
        }
        return plots.png(plots.lines(panels, xlabel="time t", ylabel=["λ", "bits"], markers=True))


def schedules(
    picture: Tensor | None = None,
    *,
    data: str = "two bumps",
    handles: Sequence[float] = HANDLES,
    rungs: int = 10,
    seed: int = 0,
    hint: str = (
        "Drag handles in between: what stays as it is? Choose “four levels” and find where the bits are paid; then let "
        "every moment pay evenly."
    ),
) -> Schedules:
    """A curve of λ(t) = log α²/σ² to drag; α and σ, the data on a line at all times, and where their bits are paid.

    The data are equal Gaussians, so that the best ε̂ is known; the curve is a cubic through the handles that never
    rises. Paid is the diffusion term of the bound, ½ ∫ −λ' E[(ε − ε̂)²] dt, beside that of a ladder of T steps.

    Arguments: picture (1, H, W) or (H, W), values −1..1, to be shown under the noise; data, "one Gaussian", "two bumps"
    or "four levels"; handles, λ at equal distances from t = 0 to 1, falling, within −10..12, 3 to 20 of them; rungs, T
    in 2..100; seed, of the picture's noise.
    Returns: a widget; its ``handles``, ``data``, ``rungs`` and ``total`` are as it stands.
    Raises: ValueError for an unknown name, handles that rise and numbers out of range.
    """
    if data not in DATA:
        raise ValueError(f"data={data!r} is not one of {', '.join(DATA)}")
    numbers = [float(v) for v in handles]
    falling = all(a > b for a, b in itertools.pairwise(numbers))
    if not 3 <= len(numbers) <= 20 or not falling or not RANGE[0] <= numbers[-1] < numbers[0] <= RANGE[1]:
        raise ValueError(f"handles {numbers} must be 3 to 20 falling numbers within {RANGE[0]:g}..{RANGE[1]:g}")
    if not 2 <= rungs <= 100:
        raise ValueError(f"rungs={rungs} must lie in 2..100")
    shown, noise = None, None
    if picture is not None:
        flat = picture.reshape(picture.shape[-2:])
        shown = [[round(v, 3) for v in row] for row in flat.tolist()]
        drawn = torch.randn(flat.shape, generator=torch.Generator().manual_seed(seed))
        noise = [[round(v, 3) for v in row] for row in drawn.tolist()]
    state = {"data": data, "handles": numbers, "rungs": rungs, "picture": shown, "noise": noise, "hint": hint}
    return Schedules(state=state)
