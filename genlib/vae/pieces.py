r"""The pieces of a variational autoencoder, as small functions: a divergence, a way to draw, two ways to a gradient.

Gaussians here have a diagonal covariance and are given by mu and logvar = log σ², both (..., L). All results are in
nats; the latent dimensions, the last axis, are summed.
"""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal, kl_divergence


class Prior(Protocol):
    """Where z comes from: the standard normal, a flow, any model of points whose density is known."""

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log p(z), (n, L) -> (n,), nats."""

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n draws, (n, L)."""


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""How far a Gaussian is from the standard normal, (..., L) -> (...), in nats.

    .. math:: \mathrm{KL}\big(\mathcal N(\mu, \mathrm{diag}\,\sigma^2)\,\|\,\mathcal N(0, I)\big)
              = \tfrac12 \sum_{j=1}^{L} \left(\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2\right)
    """
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)


def kl_in_closed_form(q: Distribution) -> Tensor | None:
    """KL(q ‖ N(0, I)) in nats for q over (L,), where there is a formula: ours for a Gaussian, else torch's; or None."""
    if isinstance(q, Independent) and isinstance(q.base_dist, Normal):
        return gaussian_kl(q.mean, 2 * q.stddev.log())
    try:
        return kl_divergence(q, Independent(Normal(torch.zeros_like(q.mean), 1.0), 1))
    except NotImplementedError:
        return None


def gaussian_log_prob(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    r"""log N(z; mu, diag σ²) in nats, (..., L) -> (...).

    .. math:: -\tfrac12 \sum_{j=1}^{L} \left(\frac{(z_j - \mu_j)^2}{\sigma_j^2} + \log \sigma_j^2 + \log 2\pi\right)
    """
    return -0.5 * ((z - mu) ** 2 * (-logvar).exp() + logvar + math.log(2 * math.pi)).sum(-1)


def reparameterize(mu: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    r"""z = μ + σ ε, with noise ε from N(0, I): a draw from N(μ, σ²) through which gradients reach μ and σ."""
    return mu + (0.5 * logvar).exp() * noise


def log_mean_exp(values: Tensor, dim: int = 0) -> Tensor:
    """log of the mean of exp(values) along dim, without overflow: the largest value is taken out first."""
    return values.logsumexp(dim) - math.log(values.shape[dim])


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


def full_covariance(q: Distribution) -> MultivariateNormal:
    """A Gaussian with diagonal covariance (Independent Normal) as one with a full one: torch compares only equals."""
    if isinstance(q, MultivariateNormal):
        return q
    return MultivariateNormal(q.mean, scale_tril=torch.diag_embed(q.stddev))
