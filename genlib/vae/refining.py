r"""What a trained VAE leaves to be gained: a q of its own for each picture, a prior where the codes are.

``refine``: the encoder's guess, improved by gradient steps on the bound; the model stays as it is.

.. math:: \mu, \log \sigma^2 \;\leftarrow\; \arg\max \mathrm{ELBO}\big(x, \mathcal N(\mu, \mathrm{diag}\,\sigma^2)\big),
          \qquad \text{from } \mu(x), \sigma(x) \text{ of the encoder}

What it gains is the amortization gap: how much one network for all pictures gives away against a q for each.

``fit_prior``: encoder and decoder stay as they are, and the prior moves to the codes. Only one term of the mean bound
holds it, the mean of log p(z) under the codes of all pictures, \bar q:

.. math:: \max_p\; \mathbb E_{\bar q(z)}[\log p(z)], \qquad \bar q(z) = \frac1n \sum_i q(z \mid x_i)

By Gibbs' inequality, what can be gained on the pictures it is fitted to is at most KL(\bar q ‖ p) of the old prior.

References: Cremer, Li, Duvenaud. Inference suboptimality in variational autoencoders. 2018. arXiv:1801.03558
On the best prior: Hoffman, Johnson. ELBO surgery. 2016. NIPS workshop
Kim, Wiseman, Miller, Sontag, Rush. Semi-amortized variational autoencoders. 2018. arXiv:1802.02550
"""

import copy

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from genlib.vae.priors import GaussianMixture, VampPrior
from genlib.vae.vae import VAE


def refine(
    model: VAE, x: Tensor, y: Tensor | None = None, *, updates: int = 100, lr: float = 0.03, draws: int = 8
) -> Independent:
    """q(z) for each picture x (B, *shape), as a Gaussian over (L,): hand it to ``model.bound(x, q)``.

    Adam for so many updates from a falling rate, each from ``draws`` draws. Weights and random numbers of the model's
    own (dropout) are left out of it: the model is taken in evaluation mode and is not changed.
    """
    if updates < 0 or draws < 1:
        raise ValueError(f"updates={updates} must be 0 or more, draws={draws} at least 1")
    x, y = model.check(x, y)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        start = model.encode(x, y)
    free = start.mean.clone(), 2 * start.stddev.log()
    mu, logvar = (values.requires_grad_() for values in free)
    optimizer = torch.optim.Adam([mu, logvar], lr=lr)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, updates))
    with torch.enable_grad():
        for _ in range(updates):
            q = _gaussian(mu, logvar)
            z = q.rsample((draws,))  # (draws, B, L)
            bound = (model.decode(z, y).log_prob(x) - model.kl(q, z, y)).sum() / draws
            (-bound).backward(inputs=[mu, logvar])
            optimizer.step()
            optimizer.zero_grad()
            falling.step()
    model.train(was_training)
    return _gaussian(mu.detach(), logvar.detach())


def fit_prior(
    model: VAE, x: Tensor, prior: GaussianMixture | VampPrior, *, updates: int = 200, lr: float = 0.05
) -> VAE:
    """A copy of the model with this prior, moved to where the codes of x lie.

    x (n, *shape) all at once; Adam for so many updates from a falling rate, each from one draw of q(z | x) for every
    picture. The copy has the model's encoder and decoder and is in evaluation mode; the prior itself becomes a part of
    it. Raises: ValueError for a model with a condition, or a prior that it can't have.
    """
    if updates < 0:
        raise ValueError(f"updates={updates} must be 0 or more")
    if model.condition is not None:
        raise ValueError("fit_prior is for models without a condition: their codes depend on x alone")
    model = copy.deepcopy(model).eval()
    model.put_prior(prior, x)
    with torch.no_grad():
        q = model.encode(x)
    optimizer = torch.optim.Adam(prior.parameters(), lr=lr)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, updates))
    with torch.enable_grad():
        for _ in range(updates):
            loss = -model.log_prior(q.sample()).mean()
            loss.backward(inputs=list(prior.parameters()))
            optimizer.step()
            optimizer.zero_grad()
            falling.step()
    return model


def _gaussian(mu: Tensor, logvar: Tensor) -> Independent:
    return Independent(Normal(mu, (0.5 * logvar).exp(), validate_args=False), 1, validate_args=False)
