r"""One picture's own q: the encoder's guess, improved by gradient steps on the bound; the model stays as it is.

.. math:: \mu, \log \sigma^2 \;\leftarrow\; \arg\max \mathrm{ELBO}\big(x, \mathcal N(\mu, \mathrm{diag}\,\sigma^2)\big),
          \qquad \text{from } \mu(x), \sigma(x) \text{ of the encoder}

What it gains is the amortization gap: how much one network for all pictures gives away against a q for each.

References: Cremer, Li, Duvenaud. Inference suboptimality in variational autoencoders. 2018. arXiv:1801.03558
Kim, Wiseman, Miller, Sontag, Rush. Semi-amortized variational autoencoders. 2018. arXiv:1802.02550
"""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

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


def _gaussian(mu: Tensor, logvar: Tensor) -> Independent:
    return Independent(Normal(mu, (0.5 * logvar).exp(), validate_args=False), 1, validate_args=False)
