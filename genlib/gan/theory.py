r"""The proof's quantities on finite alphabets and on grids.

Arguments are densities or probabilities p (…) ≥ 0 on the same points; weights are the points' quadrature weights, 1 on
a finite alphabet. All in nats, in the precision that they are given.

Reference: Goodfellow et al. Generative Adversarial Networks. 2014. arXiv:1406.2661
"""

import torch
from torch import Tensor


def optimal_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """D*(x) = p_data / (p_data + p_g), the best answer to a generator; 1/2 where both are 0 and nothing is asked."""
    total = p_data + p_g
    return torch.where(total > 0, p_data / torch.where(total > 0, total, 1), 0.5)


def value(p_data: Tensor, p_g: Tensor, D: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    r"""V(G, D) = E_data log D + E_g log(1 - D), a scalar; 0 · log 0 = 0."""
    return ((torch.xlogy(p_data, D) + torch.xlogy(p_g, 1 - D)) * weights).sum()


def kl(p: Tensor, q: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    """KL(p ‖ q) = Σ p log(p / q), a scalar; infinite where q is 0 and p is not."""
    return ((torch.xlogy(p, p) - torch.xlogy(p, q)) * weights).sum()


def jensen_shannon(p: Tensor, q: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    """JSD(p ‖ q) = KL(p ‖ m) / 2 + KL(q ‖ m) / 2 with m = (p + q) / 2, a scalar between 0 and log 2."""
    m = (p + q) / 2
    return (kl(p, m, weights) + kl(q, m, weights)) / 2


def wasserstein_1d(x: Tensor, y: Tensor) -> Tensor:
    """The Wasserstein-1 distance of two samples (n,) on a line: sort both, and move the i-th to the i-th.

    Raises: ValueError where they are not of one size.
    """
    if x.dim() != 1 or x.shape != y.shape:
        raise ValueError(f"x {tuple(x.shape)} and y {tuple(y.shape)} must be two samples (n,) of the same size")
    return (x.sort().values - y.sort().values).abs().mean()
