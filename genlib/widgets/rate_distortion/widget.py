"""Rate against distortion of the linear VAE, at its optimum for every β and σ."""

import math

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

SHOWN = 8  # pictures
RANGES = {"beta": (0.01, 100.0), "sigma": (10**-1.5, 10**-0.3)}  # the same stand in draw.js


def terms(values: Tensor, latents: int, beta: float, sigma: float) -> dict[str, float]:
    """{"water", "rate", "distortion", "used"} of the linear VAE by reverse water-filling, in nats."""
    water = beta * sigma**2
    told, untold = values[:latents], values[latents:]
    lost = told.clamp(max=water).sum() + untold.sum()
    constant = 0.5 * len(values) * math.log(2 * math.pi * sigma**2)
    return {
        "water": water,
        "rate": 0.5 * (told / water).clamp(min=1).log().sum().item(),
        "distortion": lost.item() / (2 * sigma**2) + constant,
        "used": int((told > water).sum()),
    }


class RateDistortion(Drawing):
    """See ``rate_distortion``. ``beta`` and ``sigma`` are as they stand; ``numbers`` what they give, in nats."""

    _esm = module("rate_distortion")
    alt = (
        "Left, eigenvalues of the data as bars, some under water; right, distortion against rate, with a point and its "
        "tangent; below, pictures, their reconstructions, and draws."
    )

    @property
    def beta(self) -> float:
        return self.now("beta")

    @property
    def sigma(self) -> float:
        return self.now("sigma")

    @property
    def numbers(self) -> dict[str, float]:
        values = torch.tensor(self.state["values"], dtype=torch.float64)
        return terms(values, len(self.state["axes"]), self.beta, self.sigma)

    def pictures(self) -> Tensor:
        """Data, reconstructions and draws as they stand, (3 · n, 1, H, W), in 0..1."""
        s = self.state
        axes, mean, codes = (torch.tensor(s[name]) for name in ("axes", "mean", "codes"))
        values, water = torch.tensor(s["values"][: len(axes)]), self.numbers["water"]
        noise = torch.randn(codes.shape, generator=torch.Generator().manual_seed(0))
        shrunk = codes * (1 - water / values).clamp(min=0)
        drawn = noise * (values - water).clamp(min=0).sqrt()
        flat = mean + torch.cat([codes, shrunk, drawn]) @ axes
        return flat.clamp(0, 1).view(-1, 1, *s["shape"])

    def still(self) -> bytes:
        from genlib import plots

        latents = len(self.state["axes"])
        values = torch.tensor(self.state["values"], dtype=torch.float64)
        betas = torch.logspace(-2, 2, 60, dtype=torch.float64)
        found = [terms(values, latents, b, self.sigma) for b in betas.tolist()]
        curve = torch.tensor([[n["rate"], n["distortion"]] for n in found])
        shown = self.numbers | {"beta": self.beta, "sigma": self.sigma, "values": len(values)}
        return plots.png(plots.latent.water(values[:latents], shown, curve, self.pictures()))


def rate_distortion(x: Tensor, *, latents: int = 32, beta: float = 1.0, sigma: float = 0.1) -> RateDistortion:
    """What does the price of a nat buy? Move β and σ; the linear VAE of these pictures is at its optimum at once.

    Arguments: x (n, 1, H, W) in 0..1, of which the first 8 are shown; latents, fewer than pixels; beta, 0.01 to 100,
    and sigma, 0.032 to 0.5, to begin with. Returns: a widget; its ``numbers`` are water, rate, distortion and latents
    in use. Raises: ValueError for another shape, too few pictures or a number out of range.
    """
    if x.dim() != 4 or x.shape[1] != 1 or not latents < x[0].numel() <= len(x):
        raise ValueError(
            f"x has shape {tuple(x.shape)}: give (n, 1, H, W) with more pixels than latents={latents}, and "
            "at least as many pictures as pixels"
        )
    for name, value in (("beta", beta), ("sigma", sigma)):
        low, high = RANGES[name]
        if not 0.999 * low <= value <= 1.001 * high:
            raise ValueError(f"{name}={value} is out of range: {low:.3g} to {high:.3g}")
    flat = x.flatten(1).double().cpu()
    values, vectors = torch.linalg.eigh(flat.T.cov(correction=0))
    values, axes = values.flip(0).clamp(min=1e-9), vectors.flip(1).T[:latents]
    codes = (flat[:SHOWN] - flat.mean(0)) @ axes.T
    state = {
        "values": values.tolist(),
        "axes": _rounded(axes),
        "mean": _rounded(flat.mean(0)),
        "codes": _rounded(codes),
        "shape": list(x.shape[2:]),
        "beta": beta,
        "sigma": sigma,
    }
    return RateDistortion(state=state)


def _rounded(values: Tensor) -> list:
    """What is drawn needs no more than four digits, and the state travels."""
    return ((values * 1e4).round() / 1e4).tolist()
