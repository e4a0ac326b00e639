"""Gaussians with a diagonal covariance: their density, and the KL divergence from the standard normal.

They are given by mu and logvar = log σ², both (..., L). All results are in nats; the latent dimensions, the last axis,
are summed.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal, kl_divergence


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""How far a Gaussian is from the standard normal, (..., L) -> (...), in nats.

    .. math:: \mathrm{KL}\big(\mathcal N(\mu, \mathrm{diag}\,\sigma^2)\,\|\,\mathcal N(0, I)\big)
              = \tfrac12 \sum_{j=1}^{L} \left(\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2\right)
    """
    return gaussian_kl_each(mu, logvar).sum(-1)


def gaussian_kl_each(mu: Tensor, logvar: Tensor) -> Tensor:
    """The summands of ``gaussian_kl``, (..., L): what each latent dimension costs, in nats."""
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def gaussian_log_prob(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    r"""log N(z; mu, diag σ²) in nats, (..., L) -> (...).

    .. math:: -\tfrac12 \sum_{j=1}^{L} \left(\frac{(z_j - \mu_j)^2}{\sigma_j^2} + \log \sigma_j^2 + \log 2\pi\right)
    """
    return -0.5 * ((z - mu) ** 2 * (-logvar).exp() + logvar + math.log(2 * math.pi)).sum(-1)


def kl_in_closed_form(q: Distribution) -> Tensor | None:
    """KL(q ‖ N(0, I)) in nats for q over (L,), where there is a formula: ours for a Gaussian, else torch's; or None."""
    if isinstance(q, Independent) and isinstance(q.base_dist, Normal):
        return gaussian_kl(q.mean, 2 * q.stddev.log())
    try:
        return kl_divergence(q, Independent(Normal(torch.zeros_like(q.mean), 1.0), 1))
    except NotImplementedError:
        return None


def detached(q: Distribution) -> Independent:
    """The same Gaussian with a diagonal covariance, through whose parameters no gradient flows.

    Raises: ValueError for another distribution.
    """
    if not isinstance(q, Independent) or not isinstance(q.base_dist, Normal):
        raise ValueError(f"{type(q).__name__}: only a Gaussian with diagonal covariance is cut off from its gradient")
    return Independent(Normal(q.mean.detach(), q.stddev.detach(), validate_args=False), 1, validate_args=False)


def full_covariance(q: Distribution) -> MultivariateNormal:
    """A Gaussian with diagonal covariance (Independent Normal) as one with a full one: torch compares only equals."""
    if isinstance(q, MultivariateNormal):
        return q
    return MultivariateNormal(q.mean, scale_tril=torch.diag_embed(q.stddev))
