r"""Latent diffusion: a trained autoencoder makes a picture short, and a diffusion model learns what is left.

.. math:: \log p(x) \;\ge\; \mathbb E_{q(z \mid x)}\big[\log p(x \mid z) - \log q(z \mid x) + \log p(z)\big],
          \qquad z = m + s\, u, \quad u \text{ of the diffusion model}

m and s, a mean and a standard deviation of each channel, are those of a first batch, so that what is diffused has
variance one. With a VAE this changes the prior N(0, I) for one that goes where the codes are. With a VQ-VAE the vectors
before the codebook are diffused, and each goes to its nearest code again.

Reference: Rombach, Blattmann, Lorenz, Esser, Ommer. High-resolution image synthesis with latent diffusion models. 2022.
arXiv:2112.10752
"""

from typing import Any, Self

import torch
from torch import Tensor

from genlib.arguments import needed
from genlib.diffusion import DDPM
from genlib.model import GenerativeModel, Player
from genlib.vae import VAE
from genlib.vq import VQVAE


class LatentDiffusion(GenerativeModel):
    """p(x) = ∫ p(z) p(x | z) dz, with p(z) of a ``DDPM`` of reals.

    Arguments: coder, a trained ``VAE`` or ``VQVAE`` without a condition, whose weights are frozen from here on; prior,
    a DDPM of the latents: of shape (latent,) for a VAE, (dim, *grid) for a VQ-VAE, as ``layout`` tells; where it is
    given a condition, so is this model. Raises: ValueError for two that don't go together.
    """

    mean: Tensor
    scale: Tensor
    initialised: Tensor

    def __init__(self, coder: VAE | VQVAE, prior: DDPM):
        super().__init__()
        needed(coder=coder, prior=prior)
        if not isinstance(coder, VAE | VQVAE):
            raise ValueError(f"coder={type(coder).__name__} must be a VAE or a VQVAE")
        if not isinstance(prior, DDPM):
            raise ValueError(f"prior={type(prior).__name__} must be a DDPM")
        if coder.condition is not None:
            raise ValueError(f"the coder is given {coder.condition}: take one without, and tell the prior")
        if prior.levels is not None or prior.shape != layout(coder):
            of = "reals" if prior.levels is None else f"{prior.levels} levels"
            raise ValueError(f"the prior is one of {of} of shape {prior.shape}; latents are reals of {layout(coder)}")
        self.coder, self.prior = coder.requires_grad_(False).eval(), prior
        self.shape, self.levels, self.condition = coder.shape, coder.levels, prior.condition
        self.unit = prior.unit
        self.register_buffer("mean", torch.zeros(prior.shape[0]))
        self.register_buffer("scale", torch.ones(prior.shape[0]))
        self.register_buffer("initialised", torch.tensor(False))

    def train(self, mode: bool = True) -> Self:
        """The prior is trained; the coder never is."""
        super().train(mode)
        self.coder.eval()
        return self

    @torch.no_grad()
    def to_latent(self, x: Tensor) -> Tensor:
        """What is diffused: a draw of q(z | x), or a VQ-VAE's vectors, scaled: (B, *shape) -> (B, *prior.shape)."""
        return self._scaled(self._code(x)[0])

    @torch.no_grad()
    def from_latent(self, u: Tensor, *, means: bool = False, generator: torch.Generator | None = None) -> Tensor:
        """x from p(x | z), or its mean: (n, *prior.shape) -> (n, *shape)."""
        z = self._of_channel(self.mean, u) + self._of_channel(self.scale, u) * u
        if isinstance(self.coder, VQVAE):
            t = self.coder.quantizer.nearest(z.flatten(2).transpose(1, 2))
            return self.coder.draw(t, means=means, generator=generator)
        pixels = self.coder.decode(z)
        return pixels.mean if means else self.coder.likelihood.draw(pixels.base_dist, generator)

    def _code(self, x: Tensor) -> tuple[Tensor, Any]:
        """(z, q): the latents, and what they were drawn from, None for a VQ-VAE."""
        if isinstance(self.coder, VQVAE):
            return self.coder.encode(x).transpose(1, 2).unflatten(2, self.coder.grid), None
        q = self.coder.encode(x)
        return q.rsample(), q

    def _scaled(self, z: Tensor) -> Tensor:
        return (z - self._of_channel(self.mean, z)) / self._of_channel(self.scale, z)

    @staticmethod
    def _of_channel(values: Tensor, z: Tensor) -> Tensor:
        """(C,) -> (1, C, …)."""
        return values.to(z).view(1, -1, *[1] * (z.ndim - 2))

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The prior's loss on the latents of x."""
        x, y = self.check_batch(x, y)
        return self.prior.loss(self.to_latent(x), y)

    def players(self) -> list[Player]:
        """The prior alone."""
        return [Player("prior", list(self.prior.parameters()), self.loss)]

    def elbo(self, x: Tensor, y: Tensor | None = None, *, draws: int = 1) -> Tensor:
        """A lower BOUND on log p(x), (B,), in nats, from one z and so many draws of time and noise. Raises: ValueError
        with a VQ-VAE, whose vectors have no density given x."""
        x, y = self.check(x, y)
        if isinstance(self.coder, VQVAE):
            raise ValueError("the vectors of a VQVAE have no density given x; a TokenPrior has a bound")
        if len(x) == 0:
            return self.prior.elbo(self.mean.new_zeros(0, *self.prior.shape), y, draws=draws)
        z, q = self._code(x)
        log_p = self.prior.elbo(self._scaled(z), y, draws=draws) - self.scale.log().sum()
        return self.never_nan(self.coder.decode(z).log_prob(x) - q.log_prob(z) + log_p)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        means: bool = False,
        generator: torch.Generator | None = None,
        **how: Any,
    ) -> Tensor:
        """n examples, (n, *shape): latents from the prior, x from p(x | z); with means, instead of x its mean.

        how: what else a DDPM's ``sample`` takes: steps=, eta=, guidance=, callback=.
        """
        return self.from_latent(self.prior.sample(n, y, generator=generator, **how), means=means, generator=generator)

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Once: mean and deviation of each channel of the latents of x; then the prior's start."""
        x, y = self.check(x, y)
        if not self.initialised and len(x) > 1:
            z = self._code(x)[0].transpose(0, 1).flatten(1)  # (C, all)
            self.mean.copy_(z.mean(1))
            self.scale.copy_(z.std(1).clamp(min=1e-6))
            self.initialised.fill_(True)
        self.prior.initialise(self.to_latent(x), y)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, latents {self.prior.shape}, condition={self.condition}"


def layout(coder: VAE | VQVAE) -> tuple[int, ...]:
    """The shape of a coder's latents: (latent,), or (dim, *grid)."""
    return (coder.dim, *coder.grid) if isinstance(coder, VQVAE) else (coder.latent,)
