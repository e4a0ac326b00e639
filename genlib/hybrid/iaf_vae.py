r"""A VAE whose posterior is pushed through inverse autoregressive steps, so that it need be no Gaussian.

.. math:: u = \mu(x) + \sigma(x)\,\epsilon, \quad z = (g_K \circ \dots \circ g_1)(u), \qquad
          \log q(z \mid x) = \log \mathcal N(u; \mu(x), \mathrm{diag}\,\sigma^2(x)) - \sum_k \log|\det J_{g_k}|

Changes the VAE's independent latents for dependent ones: z_i is scaled and shifted by what came before it. The steps
are those of an IAF: a draw and its own log q cost one pass a step, which is all that training asks for.

Reference: Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving Variational Inference with Inverse
Autoregressive Flow. 2016. arXiv:1606.04934
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from genlib.arguments import needed, whole
from genlib.flow import MaskedAffine
from genlib.vae import VAE, Likelihood, VampPrior


class IAFVAE(VAE):
    """A VAE whose q(z | x) is the encoder's Gaussian, pushed through ``steps`` masked affine steps.

    Arguments: steps, each in the reverse order of the one before, its network one layer of ``units``; what they are
    told of x are the encoder's μ and log σ². All others are those of ``VAE``, but for free bits, which count the KL of
    a Gaussian latent by latent, and a VampPrior, which needs a Gaussian q. It starts as a plain VAE: the steps do
    nothing yet.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 8,
        likelihood: str | Likelihood = "bernoulli",
        *,
        steps: int = 2,
        units: int = 64,
        **how: Any,
    ):
        super().__init__(shape, latent, likelihood, **how)
        needed(steps=steps, units=units)
        whole(steps=steps, units=units)
        if self.free_bits or isinstance(self.prior, VampPrior):
            raise ValueError("free_bits and a VampPrior ask for a Gaussian q(z | x), which that of an IAFVAE is not")
        self.steps = nn.ModuleList(
            MaskedAffine(latent, hidden=units, layers=1, context=2 * latent) for _ in range(steps)
        )

    def encode(self, x: Tensor, y: Tensor | None = None) -> "PushedGaussian":
        """q(z | x): (B, *shape) -> a distribution over (L,) for each example."""
        q = super().encode(x, y)
        assert isinstance(q, Independent)
        return PushedGaussian(q, self.steps)


class PushedGaussian(Distribution):
    """What becomes of draws u from a Gaussian q over (L,), a batch of them, that go through the steps one by one.

    log_prob of what rsample has just drawn costs nothing, since it knows its u; that of any other z costs L passes a
    step, as IAF has it. There is no formula for mean and variance.
    """

    def __init__(self, q: Independent, steps: nn.ModuleList):
        self.q, self.steps = q, steps
        self.context = torch.cat([q.mean, 2 * q.stddev.log()], 1)  # (B, 2L)
        self.drawn: tuple[Tensor, Tensor] | None = None
        super().__init__(q.batch_shape, q.event_shape, validate_args=False)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """(*sample_shape, B, L), reparameterized."""
        z = self.q.rsample(sample_shape)
        log_q = self.q.log_prob(z)
        for step in self.steps:
            z, log_det = self._through(step, z)
            z, log_q = z.flip(-1), log_q - log_det
        self.drawn = z, log_q
        return z

    def log_prob(self, z: Tensor) -> Tensor:
        """log q(z | x) in nats, (..., B, L) -> (..., B)."""
        if self.drawn is not None and z is self.drawn[0]:
            return self.drawn[1]
        log_det = z.new_zeros(z.shape[:-1])
        for step in reversed(self.steps):
            z, change = self._through(step, z.flip(-1), back=True)
            log_det = log_det + change
        return self.q.log_prob(z) + log_det

    def _through(self, step: nn.Module, z: Tensor, back: bool = False) -> tuple[Tensor, Tensor]:
        """One step, or its inverse, with whatever axes stand before the batch: (..., B, L) -> the same, (..., B)."""
        assert isinstance(step, MaskedAffine)
        context = self.context.expand(*z.shape[:-1], -1).flatten(0, -2)
        moved, log_det = (step.inverse if back else step)(z.flatten(0, -2), context)
        return moved.view(z.shape), log_det.view(z.shape[:-1])
