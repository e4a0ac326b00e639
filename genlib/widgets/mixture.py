"""Equal Gaussians in the plane under noise, with the score in closed form: what drawings compare with.

Time as in the browser: the log signal-to-noise ratio falls on a line from 6 at t = 0 to −6 at t = 1.
"""

import math

import torch
from torch import Tensor

FIRST, LAST = 6.0, -6.0


def noise_at(t: Tensor) -> tuple[Tensor, Tensor]:
    """α and σ at times t: x_t = α x + σ ε."""
    log_snr = FIRST + (LAST - FIRST) * t
    return log_snr.sigmoid().sqrt(), (-log_snr).sigmoid().sqrt()


def log_density(x_t: Tensor, t: float, means: Tensor, width: float) -> Tensor:
    """log p_t(x_t), (B, 2) -> (B,), nats, of equal Gaussians N(m_k, width² I), m (K, 2)."""
    alpha, sigma = noise_at(torch.as_tensor(t, dtype=x_t.dtype))
    variance = (alpha * width) ** 2 + sigma**2
    squared = (x_t[:, None] - alpha * means.to(x_t)).square().sum(-1)
    return (-squared / (2 * variance)).logsumexp(1) - math.log(len(means)) - (2 * math.pi * variance).log()


def best_eps(x_t: Tensor, t: float, means: Tensor, width: float) -> Tensor:
    """E[ε | x_t] = −σ ∇ log p_t(x_t), (B, 2) -> (B, 2)."""
    alpha, sigma = noise_at(torch.as_tensor(t, dtype=x_t.dtype))
    variance = (alpha * width) ** 2 + sigma**2
    squared = (x_t[:, None] - alpha * means.to(x_t)).square().sum(-1)
    near = (-squared / (2 * variance)).softmax(1) @ means.to(x_t)
    return sigma * (x_t - alpha * near) / variance
