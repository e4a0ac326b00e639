"""The ELBO of a one-dimensional model, by hand: set the mean and the width of q and watch the gap."""

import math

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

NOISE = 0.75  # the standard deviation of x around f(z); the same model stands in draw.js
MODELS = {"gaussian": (1.5, lambda z: z), "bimodal": (2.25, lambda z: z**2)}  # the observed x, and f
RANGES = {"mean": (-3.0, 3.0), "sd": (0.1, 2.0)}


def _log_normal(z: Tensor, mean: float, sd: float) -> Tensor:
    return -0.5 * ((z - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi)


def log_joint(posterior: str, z: Tensor) -> Tensor:
    """log p(x, z) of the widget's model at its observed x, in nats: z ~ N(0, 1), x ~ N(f(z), 0.75²)."""
    x, f = MODELS[posterior]
    return _log_normal(f(z), x, NOISE) + _log_normal(z, 0.0, 1.0)


def exact(posterior: str, mean: float, sd: float) -> dict[str, float]:
    """{"logp", "elbo", "gap", "reconstruction", "kl"} of q = N(mean, sd²) by quadrature, in nats."""
    z = torch.linspace(-10, 10, 4001, dtype=torch.float64)
    logp = torch.trapezoid(log_joint(posterior, z).exp(), z).log()
    noise = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    weight, z = _log_normal(noise, 0.0, 1.0).exp(), mean + sd * noise
    kl = torch.trapezoid(weight * (_log_normal(z, mean, sd) - _log_normal(z, 0.0, 1.0)), noise)
    both = torch.trapezoid(weight * (log_joint(posterior, z) - _log_normal(z, mean, sd)), noise)
    values = {"logp": logp, "elbo": both, "gap": logp - both, "reconstruction": both + kl, "kl": kl}
    return {name: value.item() for name, value in values.items()}


class ElboByHand(Drawing):
    """See ``elbo_by_hand``. ``posterior``, ``mean``, ``sd`` are as they stand; ``numbers`` what they give, in nats."""

    _esm = module("elbo_by_hand")
    alt = (
        "The true posterior, the prior and q over one latent z, with handles for q's mean and width; below, bars in "
        "nats: log p(x), and the ELBO, which is smaller by the gap."
    )

    @property
    def posterior(self) -> str:
        return self.now("posterior")

    @property
    def mean(self) -> float:
        return self.now("mean")

    @property
    def sd(self) -> float:
        return self.now("sd")

    @property
    def numbers(self) -> dict[str, float]:
        return exact(self.posterior, self.mean, self.sd)

    def still(self) -> bytes:
        from genlib import plots

        z = torch.linspace(-4, 4, 401, dtype=torch.float64)
        curves = {
            "$p(z\\,|\\,x)$, the true posterior": (log_joint(self.posterior, z) - self.numbers["logp"]).exp(),
            "$q(z)$, yours": _log_normal(z, self.mean, self.sd).exp(),
            "$p(z)$, the prior": _log_normal(z, 0.0, 1.0).exp(),
        }
        return plots.png(plots.latent.elbo(z, curves, self.numbers, terms=self.state["terms"]))


def elbo_by_hand(
    posterior: str = "gaussian", *, mean: float = -0.5, sd: float = 0.9, terms: bool = False
) -> ElboByHand:
    """How close can the ELBO come to log p(x)? Drag q's mean and width, or move them with the arrow keys.

    Arguments: posterior, "gaussian" or "bimodal", to begin with; mean, -3 to 3, and sd, 0.1 to 2, of q; terms, whether
    the ELBO is also drawn as reconstruction minus KL(q || p(z)). Returns: a widget; its ``numbers`` are the bars.
    Raises: ValueError for another posterior or a number out of range.
    """
    if posterior not in MODELS:
        raise ValueError(f"posterior={posterior!r}: choose one of {', '.join(map(repr, MODELS))}")
    for name, value in (("mean", mean), ("sd", sd)):
        low, high = RANGES[name]
        if not low <= value <= high:
            raise ValueError(f"{name}={value} is out of range: {low:g} to {high:g}")
    return ElboByHand(state={"posterior": posterior, "mean": mean, "sd": sd, "terms": terms})
