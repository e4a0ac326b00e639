r"""Reparameterization, z = μ + σ ε: how gradients get through a draw; and the score function, the way without it.

Gaussians are given by mu and logvar = log σ², both (..., L). All results are in nats.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from genlib.vae.gaussians import gaussian_log_prob


def reparameterize(mu: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    r"""z = μ + σ ε, with noise ε from N(0, I): a draw from N(μ, σ²) through which gradients reach μ and σ."""
    return mu + (0.5 * logvar).exp() * noise


def reparameterized_gradient(
    f: Callable[[Tensor], Tensor], mu: Tensor, logvar: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    r"""The gradient of E[f(z)], z from N(μ, σ²), by moving the draws: one unbiased estimate for each of them.

    .. math:: \nabla_{\mu, \log \sigma^2}\; f(\mu + \sigma \epsilon), \qquad \epsilon \sim \mathcal N(0, I)

    f must be differentiable, (n, L) -> (n,), row by row. Arguments: mu, logvar (L,); noise (n, L).
    Returns: gradients (n, L) by mu and by logvar; their mean over the draws is the estimate.
    Reference: Kingma, Welling. Auto-Encoding Variational Bayes. 2014. arXiv:1312.6114
    """
    mu, logvar = _for_each_draw(mu, noise), _for_each_draw(logvar, noise)
    by_mu, by_logvar = torch.autograd.grad(f(reparameterize(mu, logvar, noise)).sum(), (mu, logvar))
    return by_mu, by_logvar


def score_function_gradient(
    f: Callable[[Tensor], Tensor], mu: Tensor, logvar: Tensor, noise: Tensor, baseline: float | Tensor = 0.0
) -> tuple[Tensor, Tensor]:
    r"""The same gradient by weighing the draws: no derivative of f is needed, and the price is variance.

    .. math:: \big(f(z) - b\big)\, \nabla_{\mu, \log \sigma^2} \log q(z), \qquad z = \mu + \sigma \epsilon \text{ fixed}

    Any baseline b that does not depend on z leaves the mean as it is, since E[∇ log q] = 0, and may lower the variance.
    Arguments and result as for ``reparameterized_gradient``; f may have jumps.
    Reference: Williams. Simple statistical gradient-following algorithms for connectionist reinforcement learning.
    1992. Machine Learning 8:229-256
    """
    with torch.no_grad():
        z = reparameterize(mu, logvar, noise)
        weight = f(z) - baseline
    mu, logvar = _for_each_draw(mu, noise), _for_each_draw(logvar, noise)
    by_mu, by_logvar = torch.autograd.grad((weight * gaussian_log_prob(z, mu, logvar)).sum(), (mu, logvar))
    return by_mu, by_logvar


def _for_each_draw(parameter: Tensor, noise: Tensor) -> Tensor:
    """A copy of the parameter for every draw, (n, L), so that each draw has a gradient of its own."""
    return parameter.detach().expand_as(noise).clone().requires_grad_()
