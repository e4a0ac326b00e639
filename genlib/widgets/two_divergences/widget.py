"""Fit a Gaussian to a target with two modes by hand, and watch both Kullback-Leibler divergences."""

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module


class TwoDivergences(Drawing):
    """See ``two_divergences``. ``mean``, ``width`` and ``gap`` are as they stand."""

    _esm = module("two_divergences")
    alt = (
        "A grey target with two modes and a black Gaussian over it; below, where KL(p||q) and KL(q||p) come from, "
        "and the two values."
    )

    @property
    def mean(self) -> float:
        return self.now("mean")

    @property
    def width(self) -> float:
        return self.now("width")

    @property
    def gap(self) -> float:
        return self.now("gap")

    def log_target(self, x: Tensor) -> Tensor:
        """log p(x) of the target as it stands."""
        weight, sigma = self.state["weight"], self.state["sigma"]
        modes = [torch.distributions.Normal(side * self.gap / 2, sigma).log_prob(x) for side in (-1.0, 1.0)]
        return torch.logaddexp(modes[0] + torch.tensor(weight).log(), modes[1] + torch.tensor(1 - weight).log())

    def still(self) -> bytes:
        from genlib import plots

        return plots.png(
            plots.divergences.forward_and_reverse_kl(self.log_target, {"q over the target p": (self.mean, self.width)})
        )


def two_divergences(
    *, weight: float = 0.6, sigma: float = 0.6, gap: float = 4.0, mean: float = 0.0, width: float = 1.0
) -> TwoDivergences:
    """A Gaussian q to drag over p = weight N(-gap/2, sigma²) + (1 - weight) N(gap/2, sigma²).

    The upper knob moves its mean, the other its width (arrow keys do too); KL(p‖q) and KL(q‖p), by quadrature in the
    browser, follow, and the lower curves show where they come from. Raises: ValueError for a number out of range.
    """
    if not (0 < weight < 1 and 0.3 <= sigma <= 2 and 0 <= gap <= 6):
        raise ValueError(f"weight={weight}, sigma={sigma}, gap={gap} must lie in (0, 1), [0.3, 2] and [0, 6]")
    if not (-4 <= mean <= 4 and 0.2 <= width <= 4):
        raise ValueError(f"mean={mean} and width={width} must lie in [-4, 4] and [0.2, 4]")
    return TwoDivergences(state={"weight": weight, "sigma": sigma, "gap": gap, "mean": mean, "width": width})
