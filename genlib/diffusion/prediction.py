r"""What x_t = α x + σ ε is made of: one guess, under four names.

.. math:: \hat\epsilon = \frac{x_t - \alpha \hat x}{\sigma}, \qquad \hat v = \alpha \hat\epsilon - \sigma \hat x,
          \qquad \nabla_{x_t} \log p_t(x_t) = -\frac{\hat\epsilon}{\sigma}

Who knows x_t and one of them knows all. The last, the score, is Tweedie's formula: it holds where x̂ is the mean of x
given x_t, E[x | x_t], which is what a network that is trained by squared error strives for.

References: Efron. Tweedie's formula and selection bias. 2011. JASA 106
v: Salimans, Ho. Progressive distillation for fast sampling of diffusion models. 2022. arXiv:2202.00512
"""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.diffusion.schedule import Schedule, along


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A guess x̂ for noisy x_t, (B, *shape) both, at α and σ, (B, 1, …) both."""

    x_t: Tensor
    x: Tensor
    alpha: Tensor
    sigma: Tensor

    @property
    def eps(self) -> Tensor:
        """ε̂: the noise."""
        return (self.x_t - self.alpha * self.x) / self.sigma

    @property
    def v(self) -> Tensor:
        """α ε̂ − σ x̂: with α = cos and σ = sin of an angle, the direction in which x_t moves as the angle grows."""
        return self.alpha * self.eps - self.sigma * self.x

    @property
    def score(self) -> Tensor:
        """∇ log p_t(x_t)."""
        return -self.eps / self.sigma

    def moved_by(self, score: Tensor) -> "Prediction":
        """The guess whose score is larger by ``score``: x̂ + σ²/α · score."""
        return dataclasses.replace(self, x=self.x + self.sigma.square() / self.alpha * score)


# From what a network predicts to x̂: (x_t, prediction, α, σ) -> x̂.
TO_X: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "x": lambda x_t, x, alpha, sigma: x,
    "eps": lambda x_t, eps, alpha, sigma: (x_t - sigma * eps) / alpha,
    "v": lambda x_t, v, alpha, sigma: (alpha * x_t - sigma * v) / (alpha.square() + sigma.square()),
    "score": lambda x_t, score, alpha, sigma: (x_t + sigma.square() * score) / alpha,
}


def predicted(name: str, value: Tensor, x_t: Tensor, t: Tensor, schedule: Schedule) -> Prediction:
    """The guess for x_t (B, *shape) at times t (B,), from its value under a name: "x", "eps", "v" or "score"."""
    alpha, sigma = along(schedule.alpha(t), x_t), along(schedule.sigma(t), x_t)
    return Prediction(x_t, TO_X[name](x_t, value, alpha, sigma), alpha, sigma)


def times_like(t: Tensor | float, x: Tensor) -> Tensor:
    """A time for each example: (B,), in the precision of x. Raises: ValueError for another number of them."""
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    if t.ndim == 0:
        t = t.expand(len(x))
    if t.shape != (len(x),):
        raise ValueError(f"t has shape {tuple(t.shape)}; for {len(x)} examples it must be ({len(x)},)")
    return t
