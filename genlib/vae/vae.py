r"""The variational autoencoder: a latent variable model and a network that guesses its posterior.

.. math:: \log p(x) \;\ge\; \mathbb E_{q(z|x)}[\log p(x \mid z)] - \mathrm{KL}\big(q(z \mid x)\,\|\,p(z)\big)
          = \mathrm{ELBO}(x), \qquad z = \mu(x) + \sigma(x)\,\epsilon

The decoder says p(x | z), the encoder q(z | x) = N(μ(x), diag σ²(x)); the prior p(z) is N(0, I), or another one.
What is trained on may put another price on the KL term, the rate, than the bound does (β-VAE; free bits):

.. math:: \mathcal L_\beta = -\mathbb E_{q(z|x)}[\log p(x \mid z)]
          + \beta \sum_{j=1}^{L} \max\big(\lambda,\, \mathrm{KL}_j\big)

References: Kingma, Welling. Auto-Encoding Variational Bayes. 2014. arXiv:1312.6114
Rezende, Mohamed, Wierstra. Stochastic backpropagation and approximate inference in deep generative models. 2014.
arXiv:1401.4082
β: Higgins et al. beta-VAE: learning basic visual concepts with a constrained variational framework. 2017. ICLR
Free bits λ: Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
autoregressive flow. 2016. arXiv:1606.04934
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from genlib.arguments import as_shape, at_least, count, finite, has, needed, whole
from genlib.condition import Condition, as_condition
from genlib.likelihoods import Likelihood, as_likelihood, full_precision
from genlib.model import GenerativeModel, Player
from genlib.nets import beside
from genlib.noise import StandardNormal
from genlib.vae.bounds import log_mean_exp
from genlib.vae.gaussians import gaussian_kl_each, kl_in_closed_form
from genlib.vae.networks import check_used, make_decoder, make_encoder, summary
from genlib.vae.priors import ConditionalNormal, Prior, VampPrior

AT_ONCE = 2**24  # numbers that a decoder may return in one piece when many draws are evaluated


class VAE(GenerativeModel):
    r"""A VAE of binary pixels, of pixels with levels or of real values.

    Arguments: shape of one example; latent, the number of latent dimensions L; likelihood, ``Bernoulli()``,
    ``Categorical(levels)`` or ``Gaussian(scale)``, or its name in small letters, "categorical" with levels=; classes,
    for p(x | y) with labels, or any condition instead; network, "mlp" with ``layers`` hidden layers of
    ``hidden`` units and dropout, or "conv", which puts convolutions of ``channels`` before an MLP; encoder and decoder,
    networks of your own instead: x (B, *shape) -> (B, 2L), μ and log σ² in a row, and (B, L) -> (B, D · P) numbers,
    those of one value side by side (P is the likelihood's ``per_value``). What is given besides x is appended along
    axis 1 for both. prior, a module with log_prob(z) and sample(n, generator=), or for p(z | y) a
    ``ConditionalNormal``; beta, weight of the KL term in ``loss``, never in ``elbo``: a number, which may be changed on
    the way, or a function of how many updates were made, such as ``annealed(500)``; free_bits, nats of each latent's
    KL, averaged over the batch, that ``loss`` charges in any case, so that there is nothing to save below.
    All results are in nats for an example. Raises: ValueError for arguments that don't go together.
    """

    unit = "nats for an example"

    initialised: Tensor
    updates: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 2,
        likelihood: str | Likelihood = "bernoulli",
        *,
        levels: int | None = None,
        classes: int | None = None,
        condition: Condition | None = None,
        network: str = "mlp",
        hidden: int = 128,
        layers: int = 1,
        channels: int = 16,
        dropout: float = 0.0,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        prior: Prior | None = None,
        beta: float | Callable[[Tensor], Tensor] = 1.0,
        free_bits: float = 0.0,
    ):
        super().__init__()
        whole(latent=latent)
        needed(latent=latent, likelihood=likelihood, free_bits=free_bits)
        at_least(0, free_bits=free_bits)
        finite(beta=0.0 if callable(beta) else beta)
        self.shape, self.latent, self.beta, self.free_bits = as_shape(shape), latent, beta, free_bits
        self.likelihood = as_likelihood(likelihood, levels)
        self.levels = self.likelihood.levels
        self.condition = as_condition(classes, condition)
        self.features = None if self.condition is None else self.condition.encoder()
        K = 0 if self.condition is None else self.condition.width
        how: dict[str, Any] = {"network": network, "hidden": hidden, "layers": layers}
        how |= {"channels": channels, "dropout": dropout}
        check_used(VAE, encoder, decoder, **how)
        self.takes_flat = encoder is None and network == "mlp"
        P = self.likelihood.per_value
        self.encoder = make_encoder(self.shape, 2 * latent, features=K, **how) if encoder is None else encoder
        self.decoder = make_decoder(latent + K, self.shape, P, **how) if decoder is None else decoder
        has(("log_prob", "sample"), prior=prior)
        self.prior: Any = StandardNormal(latent) if prior is None else prior
        self._check_prior()
        self.register_buffer("initialised", torch.tensor(False))
        if callable(beta):
            self.register_buffer("updates", torch.tensor(0))  # saved with the weights, so that a run can go on

    def _check_prior(self) -> None:
        """Lends a VampPrior the encoder. Raises: ValueError for a prior that does not go with the condition, or with
        free bits."""
        given = getattr(self.prior, "condition", None)
        if given is not None and given != self.condition:
            raise ValueError(f"the prior is given {given}, the model {self.condition}: both need the same condition")
        if isinstance(self.prior, VampPrior):
            if self.condition is not None:
                raise ValueError("a VampPrior has examples without a condition: take ConditionalNormal for p(z | y)")
            self.prior.borrow(self._posterior)
        if not 0 <= self.free_bits < math.inf or (self.free_bits and not isinstance(self.prior, StandardNormal)):
            raise ValueError(f"free_bits={self.free_bits}: 0 or more nats a latent, and with the prior N(0, I) alone")

    def put_prior(self, prior: Prior, x: Tensor) -> None:
        """Another prior in place of the one there is; a VampPrior that has not started yet does so at examples of x."""
        has(("log_prob", "sample"), prior=prior)
        self.prior = prior.to(x.device) if isinstance(prior, nn.Module) else prior
        self._check_prior()
        if isinstance(prior, VampPrior):
            prior.start_from(self.likelihood.scaled(x))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x | z) for one draw z from q(z | x): what the model makes of x."""
        return self.decode(self.encode(x, y).rsample(), y)

    # --- the two networks

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z | x): (B, *shape) -> a Gaussian over (L,) for each example."""
        x, y = self.check(x, y)
        return self._posterior(self.likelihood.scaled(x), y)

    def _posterior(self, h: Tensor, y: Tensor | None = None) -> Independent:
        """q(z | x) of examples as the encoder sees them: scaled, (B, *shape)."""
        n = len(h)
        h = self.encoder(self._with_condition(h.flatten(1) if self.takes_flat else h, y))
        if h.shape != (n, 2 * self.latent):
            raise ValueError(f"the encoder gave shape {tuple(h.shape)}, not (B, 2 · latent), {2 * self.latent} columns")
        mu, logvar = full_precision(h).chunk(2, dim=1)  # (B, L) each
        return Independent(Normal(mu, (0.5 * logvar).exp(), validate_args=False), 1, validate_args=False)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Independent:
        """p(x | z): (..., B, L), with any axes in front -> a distribution over ``shape`` for each of them."""
        if z.ndim < 2 or z.shape[-1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this model takes (..., B, {self.latent})")
        z, y = self.in_precision(z), self.check_condition(y, z.shape[-2])
        h = self.decoder(self._with_condition(z.flatten(0, -2), y, repeated=math.prod(z.shape[:-2])))
        return self.likelihood.over(h, z.shape[:-1], self.shape)

    def _with_condition(self, h: Tensor, y: Tensor | None, repeated: int = 1) -> Tensor:
        """(B, C, …) -> (B, C + K, …): what y says, beside h along axis 1, the same everywhere."""
        if self.features is None or y is None:
            return h
        return beside(h, self.features(y).repeat(repeated, 1))

    def _asked(self, y: Tensor | None, repeated: int = 1) -> tuple[Tensor, ...]:
        """What the prior wants to know besides z: y, over again, where it is one of p(z | y)."""
        if y is None or getattr(self.prior, "condition", None) is None:
            return ()
        return (y.repeat(repeated, *[1] * (y.ndim - 1)),)

    # --- bounds

    def log_joint(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x, z) = log p(x | z) + log p(z) in nats, (..., B), for x (B, *shape) and z (..., B, L)."""
        x, y = self.check(x, y)
        return self.never_nan(self.decode(z, y).log_prob(x) + self.log_prior(z, y))

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z), or log p(z | y), in nats, (..., L) -> (...)."""
        given = self._asked(y, repeated=math.prod(z.shape[:-2]))
        return self.prior.log_prob(z.flatten(0, -2), *given).view(z.shape[:-1])

    def kl(self, q: Distribution, z: Tensor, y: Tensor | None = None) -> Tensor:
        """KL(q ‖ p(z)) in nats: (B,) in closed form where there is one, else estimated at z, a draw from q."""
        closed = kl_in_closed_form(q) if isinstance(self.prior, StandardNormal) else None
        if isinstance(self.prior, ConditionalNormal) and y is not None and isinstance(q, Independent):
            closed = kl_divergence(q, self.prior.given(y))
        return q.log_prob(z) - self.log_prior(z, y) if closed is None else closed

    def elbo(self, x: Tensor, y: Tensor | None = None, k: int = 1) -> Tensor:
        """A bound on log p(x), (B,), in nats. k = 1: one draw and the KL term; k > 1: the one of ``IWAE``."""
        x, y = self.check(x, y)
        if len(x) == 0:  # torch's distributions can't take none
            count(k=k)
            return self.likelihood.zero.new_zeros(0)
        return self.bound(x, self.encode(x, y), y, k)

    def bound(self, x: Tensor, q: Distribution, y: Tensor | None = None, k: int = 1) -> Tensor:
        """The same bound with any q(z), such as the one of ``refine``, in place of the encoder's."""
        count(k=k)
        x, y = self.check(x, y)
        if k == 1:
            z = q.rsample()  # reparameterized: μ + σ ε
            return self.never_nan(self.decode(z, y).log_prob(x) - self.kl(q, z, y))
        few = max(1, AT_ONCE // max(1, x.numel() * self.likelihood.per_value))
        log_weights = [self.log_weights(x, y, q, min(few, k - done)) for done in range(0, k, few)]
        return self.never_nan(log_mean_exp(torch.cat(log_weights)))

    def log_weights(self, x: Tensor, y: Tensor | None, q: Distribution, k: int) -> Tensor:
        """log p(x, z) - log q(z | x) for k draws of z from q, (k, B)."""
        z = q.rsample((k,))  # (k, B, L)
        return self.decode(z, y).log_prob(x) + self.log_prior(z, y) - q.log_prob(z)

    # --- training

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Means over the batch, in nats for an example: reconstruction, -E[log p(x | z)]; kl; beta, where it changes;
        loss, which is reconstruction + beta · kl, or with free bits more than that."""
        x, y = self.check_batch(x, y)
        q = self.encode(x, y)
        z = q.rsample()
        reconstruction, kl = -self.decode(z, y).log_prob(x).mean(), self.kl(q, z, y).mean()
        charged = self._with_free_bits(q) if self.free_bits else kl
        beta = self.beta(self.updates) if callable(self.beta) else self.beta
        parts = {"loss": reconstruction + beta * charged, "reconstruction": reconstruction, "kl": kl}
        return parts | ({"beta": beta} if isinstance(beta, Tensor) else {})

    def _with_free_bits(self, q: Distribution) -> Tensor:
        """The KL of each latent, averaged over the batch, but at least ``free_bits``; their sum."""
        return gaussian_kl_each(q.mean, 2 * q.stddev.log()).mean(0).clamp(min=self.free_bits).sum()

    def players(self) -> list[Player]:
        """One, who counts the updates where β depends on them."""
        after = self._count if callable(self.beta) else None
        return [Player("model", list(self.parameters()), self.loss, after_step=after)]

    def _count(self) -> None:
        self.updates += 1

    # --- pictures and the start

    @torch.no_grad()
    def sample(
        self, n: int, y: Tensor | None = None, *, means: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """n examples, (n, *shape): z from the prior, x from p(x | z); with means, instead of x the mean of p(x | z)."""
        y = self.draw_condition(n, y, generator)
        pixels = self.decode(self.prior.sample(n, *self._asked(y), generator=generator), y)
        return pixels.mean if means else self.likelihood.draw(pixels.base_dist, generator)

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Once: the last bias of the decoder is set so that every z gives the pixels' frequencies in x (their mean)."""
        x, y = self.check(x, y)
        if isinstance(self.prior, VampPrior):
            self.prior.start_from(self.likelihood.scaled(x))
        if not self.initialised and self.likelihood.start(self.decoder, x):
            self.initialised.fill_(True)
        super().initialise(x, y)

    def mean_layers(self) -> list[nn.Module]:
        """What follows the decoder's layers on the way to means, for ``mean_decoder``."""
        return self.likelihood.mean_layers()

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.extra_repr()})\n"
            f"  p(z)      {type(self.prior).__name__}\n"
            f"  p(x | z)  {self.likelihood}, from the decoder: {summary(self.decoder)}\n"
            f"  q(z | x)  Gaussian(μ, diag σ²), from the encoder: {summary(self.encoder)}"
        )

    def extra_repr(self) -> str:
        return f"shape={self.shape}, latent={self.latent}, condition={self.condition}"
