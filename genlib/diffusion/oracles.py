r"""Denoisers that need no training, since E[x | x_t] is a formula: of a set of points, and of a mixture of Gaussians.

.. math:: \mathbb E[x \mid x_t] = \sum_k r_k(x_t)\, \mathbb E[x \mid x_t, k], \qquad
          r_k \propto \pi_k\, \mathcal N\big(x_t;\, \alpha m_k,\, (\alpha^2 s^2 + \sigma^2) I\big)

For points s = 0: the ideal denoiser of a training set, which knows nothing else, and gives it back.
"""

import math

import torch
from torch import Tensor, nn

from genlib.arguments import at_least, whole
from genlib.diffusion.prediction import Prediction, predicted, times_like
from genlib.diffusion.schedule import LinearLogSNR, Schedule, along


class MixtureDenoiser(nn.Module):
    """The exact denoiser of Σ_k π_k N(m_k, s² I).

    Arguments: means m (K, *shape); scale s; weights π (K,), uniform by default; schedule. With labels, y is the number
    of the Gaussian, and −1 any: p(x | y) is one of them.
    """

    means: Tensor
    log_weights: Tensor

    def __init__(
        self,
        means: Tensor,
        scale: float = 0.0,
        *,
        weights: Tensor | None = None,
        schedule: Schedule | None = None,
    ):
        super().__init__()
        at_least(0, scale=scale)
        whole(means=len(means))
        weights = torch.ones(len(means)) if weights is None else weights
        self.register_buffer("means", means)
        weights = weights.to(means.dtype)
        self.register_buffer("log_weights", (weights / weights.sum()).log())
        self.scale, self.schedule = scale, schedule or LinearLogSNR()

    def forward(self, x_t: Tensor, t: Tensor | float, y: Tensor | None = None) -> Prediction:
        """x_t (B, *shape) at times t, one or (B,) -> the prediction whose x is E[x | x_t], or E[x | x_t, y]."""
        t = times_like(t, x_t)
        alpha, variance = self._spread(t)
        shrink = alpha * self.scale**2 / variance  # (B,): how far x̂ follows x_t away from its mean
        r = self._log_joint(x_t, t, y).softmax(1)  # (B, K)
        near = (r @ self.means.flatten(1)).view_as(x_t)  # Σ r_k m_k
        x = near + along(shrink, x_t) * (x_t - along(alpha, x_t) * near)
        return predicted("x", x, x_t, t, self.schedule)

    def log_prob(self, x_t: Tensor, t: Tensor | float, y: Tensor | None = None) -> Tensor:
        """log p_t(x_t), or log p_t(x_t | y), (B,), nats: exact."""
        t = times_like(t, x_t)
        joint, D = self._log_joint(x_t, t, y), x_t[0].numel()
        return joint.logsumexp(1) - D / 2 * (2 * math.pi * self._spread(t)[1]).log()

    def _spread(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """α and α² s² + σ², (B,) both."""
        alpha = self.schedule.alpha(t)
        return alpha, alpha.square() * self.scale**2 + self.schedule.sigma(t).square()

    def _log_joint(self, x_t: Tensor, t: Tensor, y: Tensor | None) -> Tensor:
        """log π_k − ‖x_t − α m_k‖² / 2 (α² s² + σ²), (B, K); given y ≥ 0, only its Gaussian is left, with weight 1."""
        alpha, variance = self._spread(t)
        flat, means = x_t.flatten(1), self.means.flatten(1)
        squared = torch.cdist(flat / alpha[:, None], means).square() * alpha[:, None].square()
        log_weights = self.log_weights.expand(len(x_t), -1)
        if y is not None:
            one = torch.full_like(log_weights, -torch.inf).scatter(1, y.clamp(min=0)[:, None], 0.0)
            log_weights = torch.where((y < 0)[:, None], log_weights, one)
        return log_weights - squared / (2 * variance[:, None])


class IdealDenoiser(MixtureDenoiser):
    """The best denoiser for a training set x (N, *shape), and for nothing else: sampling with it gives x back."""

    def __init__(self, x: Tensor, *, schedule: Schedule | None = None):
        super().__init__(x, 0.0, schedule=schedule)
