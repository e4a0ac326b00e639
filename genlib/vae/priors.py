r"""Where latents come from: what a VAE asks of its prior, and priors that are learned with it.

.. math:: \text{mixture: } p(z) = \sum_{k=1}^{K} \pi_k\, \mathcal N(z; \mu_k, \mathrm{diag}\,\sigma_k^2), \qquad
          \text{VampPrior: } p(z) = \frac1K \sum_{k=1}^{K} q(z \mid u_k), \qquad
          \text{conditional: } p(z \mid c) = \mathcal N(\mu(c), \mathrm{diag}\,\sigma^2(c))

The usual prior is ``genlib.noise.StandardNormal``. The best one for a given encoder is the mean of all its q(z | x): a
mixture comes near it with few components; the VampPrior is that mean over K made-up examples u_k, which are learned.

References: Tomczak, Welling. VAE with a VampPrior. 2018. arXiv:1705.07120
Sohn, Lee, Yan. Learning structured output representation using deep conditional generative models. 2015. NIPS
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from genlib import noise
from genlib.arguments import as_vectors
from genlib.condition import Condition
from genlib.nets import mlp


class Prior(Protocol):
    """Where z comes from: the standard normal, a flow, any model of points whose density is known."""

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log p(z), (n, L) -> (n,), nats."""

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n draws, (n, L)."""


class GaussianMixture(nn.Module):
    """K Gaussians with diagonal covariances; weights, means and widths are learned.

    Arguments: latent, the L; components, the K.
    """

    def __init__(self, latent: int, components: int = 10):
        super().__init__()
        if latent < 1 or components < 1:
            raise ValueError(f"latent={latent}, components={components}: both must be at least 1")
        self.logits = nn.Parameter(torch.zeros(components))
        self.mu = nn.Parameter(torch.randn(components, latent))
        self.logvar = nn.Parameter(torch.zeros(components, latent))

    def mixture(self) -> MixtureSameFamily:
        """The density, over (L,)."""
        return _mixture(self.logits, self.mu, self.logvar)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), (..., L) -> (...), nats."""
        p = self.mixture()
        return p.log_prob(as_vectors("z", z, p.event_shape[0]))

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """(n, L): first a component, then a draw from it."""
        return _drawn(self.mixture(), n, generator)


class VampPrior(nn.Module):
    """The mean of q(z | u) over K examples u, the pseudo-inputs, which are learned; q is the model's own encoder.

    Arguments: shape of one example; components, the K. A VAE that gets it as its prior lends it its encoder, and starts
    the pseudo-inputs at the first K examples of its data.
    """

    initialised: Tensor

    def __init__(self, shape: tuple[int, ...], components: int = 50):
        super().__init__()
        if components < 1:
            raise ValueError(f"components={components}: there must be at least one pseudo-input")
        self.inputs = nn.Parameter(torch.randn(components, *shape))  # as the encoder sees examples
        self.register_buffer("initialised", torch.tensor(False))
        self._posterior: list[Callable[[Tensor], Independent]] = []  # in a list: the encoder is the model's, not ours

    def borrow(self, posterior: Callable[[Tensor], Independent]) -> None:
        """posterior, from examples as the encoder sees them (K, *shape) to q(z | u)."""
        self._posterior = [posterior]

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """Once: the pseudo-inputs become the first examples of x, as the encoder sees them, over again if need be."""
        if not self.initialised:
            self.inputs.copy_(x[torch.arange(len(self.inputs), device=x.device) % len(x)])
            self.initialised.fill_(True)

    def mixture(self) -> MixtureSameFamily:
        """The density, over (L,). Raises: ValueError before a VAE has lent its encoder."""
        if not self._posterior:
            raise ValueError("this VampPrior has no encoder yet: pass it to a VAE, prior=VampPrior(shape)")
        q = self._posterior[0](self.inputs)
        return _mixture(q.mean.new_zeros(len(self.inputs)), q.mean, 2 * q.stddev.log())

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), (..., L) -> (...), nats."""
        p = self.mixture()
        return p.log_prob(as_vectors("z", z, p.event_shape[0]))

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """(n, L): first a pseudo-input, then a draw from its q."""
        return _drawn(self.mixture(), n, generator)


class ConditionalNormal(nn.Module):
    """p(z | c), a Gaussian whose mean and widths a small network finds in what is given.

    Arguments: latent, the L; condition, what c is, as for the VAE; hidden, units of the network. It starts as N(0, I).
    """

    def __init__(self, latent: int, condition: Condition, *, hidden: int = 64):
        super().__init__()
        self.condition = condition
        self.features = condition.encoder()
        self.net = mlp(condition.width, 2 * latent, hidden=hidden)
        for parameter in self.net[-1].parameters():
            nn.init.zeros_(parameter)

    def given(self, y: Tensor) -> Independent:
        """p(z | y), over (L,) for each of the batch."""
        mu, logvar = self.net(self.features(y).to(self.net[0].weight)).chunk(2, dim=1)
        return Independent(Normal(mu, (0.5 * logvar).exp(), validate_args=False), 1, validate_args=False)

    def log_prob(self, z: Tensor, y: Tensor) -> Tensor:
        """log p(z | y), (n, L) -> (n,), nats."""
        p = self.given(y)
        return p.log_prob(as_vectors("z", z, p.event_shape[0]))

    def sample(self, n: int, y: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """(n, L), one for each y."""
        p = self.given(y)
        return p.mean + p.stddev * noise.normal((n, p.mean.shape[1]), p.mean, generator)


def _mixture(logits: Tensor, mu: Tensor, logvar: Tensor) -> MixtureSameFamily:
    parts = Independent(Normal(mu, (0.5 * logvar).exp(), validate_args=False), 1, validate_args=False)
    return MixtureSameFamily(Categorical(logits=logits, validate_args=False), parts, validate_args=False)


def _drawn(mixture: MixtureSameFamily, n: int, generator: torch.Generator | None) -> Tensor:
    """Torch's own sample takes no generator."""
    parts = mixture.component_distribution
    k = noise.categorical(mixture.mixture_distribution.probs.expand(n, -1), generator)
    return parts.mean[k] + parts.stddev[k] * noise.normal((n, parts.mean.shape[1]), parts.mean, generator)
