r"""The variational autoencoder: a latent variable model and a network that guesses its posterior.

.. math:: \log p(x) \;\ge\; \mathbb E_{q(z|x)}[\log p(x \mid z)] - \mathrm{KL}\big(q(z \mid x)\,\|\,p(z)\big)
          = \mathrm{ELBO}(x), \qquad z = \mu(x) + \sigma(x)\,\epsilon

The decoder says p(x | z), the encoder q(z | x) = N(μ(x), diag σ²(x)), the prior p(z) is N(0, I) unless
another is given. With k draws the bound is tighter:

.. math:: \log p(x) \;\ge\; \mathbb E\Big[\log \frac1k \sum_{i=1}^{k} \frac{p(x, z_i)}{q(z_i \mid x)}\Big]
          \;\ge\; \mathrm{ELBO}(x)

References: Kingma, Welling. Auto-Encoding Variational Bayes. 2014. arXiv:1312.6114
Rezende, Mohamed, Wierstra. Stochastic backpropagation and approximate inference in deep generative models. 2014.
arXiv:1401.4082. The bound with k draws: Burda, Grosse, Salakhutdinov. Importance weighted autoencoders. 2016.
arXiv:1509.00519. A learned scale: Rybkin, Daniilidis, Levine. Simple and effective VAE training with calibrated
decoders. 2021. arXiv:2006.13202
"""

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from genlib.condition import as_condition
from genlib.model import GenerativeModel
from genlib.noise import StandardNormal
from genlib.vae.likelihoods import BinaryPixels, Levels, draw
from genlib.vae.networks import make_decoder, make_encoder, without_dropout
from genlib.vae.pieces import gaussian_kl, log_mean_exp

LIKELIHOODS = ("bernoulli", "categorical", "gaussian")
AT_ONCE = 2**24  # numbers that a decoder may return in one piece when many draws are evaluated


class VAE(GenerativeModel):
    r"""A VAE of binary pixels ("bernoulli"), of pixels with levels ("categorical") or of real values ("gaussian").

    Arguments: shape of one example; latent, the number of latent dimensions L; likelihood; levels, pixels are integers
    0..levels-1 (2 for "bernoulli"; none for "gaussian", whose density is that of the reals you pass); classes, for
    p(x | y); scale σ of the Gaussian, one number for all values, or "learned", starting at 1; network, "mlp" with
    ``layers`` hidden layers of ``hidden`` units and dropout, or "conv", which puts convolutions of ``channels``
    before an MLP; encoder and decoder, networks of your own instead: x (B, *shape) -> (B, 2L), μ and log σ² in a row,
    and (B, L) -> (B, D · P) numbers, those of one value side by side (P = levels for "categorical", logits; else 1, a
    logit or a mean). With classes both get one-hot labels appended along axis 1. prior, a module with log_prob(z) and
    sample(n, generator=). k, draws for each example in training; beta, weight of the KL term in ``loss``, never in
    ``elbo``; both may be changed on the way.
    Integers are scaled to [-1, 1] before the encoder sees them. All results are in nats for an example.
    Raises: ValueError for arguments that don't go together.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 2,
        likelihood: str = "bernoulli",
        *,
        levels: int | None = None,
        classes: int | None = None,
        scale: float | str = "learned",
        network: str = "mlp",
        hidden: int = 128,
        layers: int = 1,
        channels: int = 16,
        dropout: float = 0.0,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        prior: nn.Module | None = None,
        k: int = 1,
        beta: float = 1.0,
    ):
        super().__init__()
        if likelihood == "bernoulli" and levels is None:
            levels = 2
        _check_arguments(latent, likelihood, levels, scale, k, beta)
        self.shape, self.latent, self.likelihood, self.levels = tuple(shape), latent, likelihood, levels
        self.condition, self.k, self.beta = as_condition(classes), k, beta
        self.per_value = levels if likelihood == "categorical" else 1
        how = {"network": network, "hidden": hidden, "layers": layers, "channels": channels, "dropout": dropout}
        K = classes or 0
        self.takes_flat = encoder is None and network == "mlp"
        self.encoder = make_encoder(self.shape, 2 * latent, labels=K, **how) if encoder is None else encoder
        self.decoder = make_decoder(latent + K, self.shape, self.per_value, **how) if decoder is None else decoder
        self.prior = StandardNormal(latent) if prior is None else prior
        if likelihood == "gaussian":
            log_scale = torch.tensor(0.0 if scale == "learned" else math.log(scale))
            self.log_scale = nn.Parameter(log_scale, requires_grad=scale == "learned")
        self.register_buffer("initialised", torch.tensor(False))

    # --- the two networks

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z | x): (B, *shape) -> a Gaussian over (L,) for each example."""
        self.check(x, y)
        h = x.to(self._dtype) if self.levels is None else 2 * x.to(self._dtype) / (self.levels - 1) - 1
        h = self.encoder(self._with_labels(h.flatten(1) if self.takes_flat else h, y))
        if h.shape != (len(x), 2 * self.latent):
            raise ValueError(
                f"the encoder gave shape {tuple(h.shape)}, not (B, 2 · latent) = {len(x), 2 * self.latent}"
            )
        mu, logvar = _full_precision(h).chunk(2, dim=1)  # (B, L) each
        return Independent(Normal(mu, (0.5 * logvar).exp(), validate_args=False), 1, validate_args=False)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x | z): (..., B, L), with any axes in front -> a distribution over ``shape`` for each of them."""
        if z.ndim < 2 or z.shape[-1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this model takes (..., B, {self.latent})")
        self.check_condition(y, z.shape[-2])
        h = self._with_labels(z.flatten(0, -2), None if y is None else y.repeat(math.prod(z.shape[:-2])))
        h = self.decoder(h)
        D = math.prod(self.shape)
        if h[0].numel() != D * self.per_value:
            raise ValueError(
                f"the decoder gave shape {tuple(h.shape)}; asked are {D} · {self.per_value} numbers for each"
            )
        h = _full_precision(h).reshape(*z.shape[:-1], *self.shape, self.per_value)
        if self.likelihood == "categorical":
            pixels = Levels(logits=h, validate_args=False)
        elif self.likelihood == "bernoulli":
            pixels = BinaryPixels(logits=h[..., 0], validate_args=False)
        else:
            pixels = Normal(h[..., 0], self.log_scale.exp(), validate_args=False)
        return Independent(pixels, len(self.shape), validate_args=False)

    # --- bounds

    def log_joint(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x, z) = log p(x | z) + log p(z) in nats, (..., B), for x (B, *shape) and z (..., B, L)."""
        self.check(x, y, values=True)
        return self.decode(z, y).log_prob(x) + self.log_prior(z)

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (..., L) -> (...)."""
        return self.prior.log_prob(z.flatten(0, -2)).view(z.shape[:-1])

    def kl(self, q: Distribution, z: Tensor) -> Tensor:
        """KL(q ‖ p(z)) in nats: (B,) in closed form where there is one, else estimated at z, a draw from q."""
        if isinstance(self.prior, StandardNormal):
            if isinstance(q, Independent) and isinstance(q.base_dist, Normal):
                return gaussian_kl(q.mean, 2 * q.stddev.log())
            try:
                return kl_divergence(q, Independent(Normal(self.prior.zero, 1.0), 1))
            except NotImplementedError:
                pass
        return q.log_prob(z) - self.log_prior(z)

    def elbo(self, x: Tensor, y: Tensor | None = None, k: int = 1) -> Tensor:
        """A bound on log p(x), (B,), in nats. k = 1: one draw and the KL term; k > 1: importance-weighted."""
        if k < 1:
            raise ValueError(f"elbo(k={k}): take at least one draw")
        self.check(x, y, values=True)
        q = self.encode(x, y)
        if k == 1:
            z = q.rsample()  # reparameterized: μ + σ ε
            return self.decode(z, y).log_prob(x) - self.kl(q, z)
        few = max(1, AT_ONCE // max(1, x.numel() * self.per_value))
        parts = [self._log_weights(x, y, q, min(few, k - done)) for done in range(0, k, few)]
        return log_mean_exp(torch.cat(parts))

    def _log_weights(self, x: Tensor, y: Tensor | None, q: Distribution, k: int) -> Tensor:
        """log p(x, z) - log q(z | x) for k draws of z from q, (k, B)."""
        z = q.rsample((k,))  # (k, B, L)
        return self.decode(z, y).log_prob(x) + self.log_prior(z) - q.log_prob(z)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Means over the batch, in nats for an example: reconstruction, -E[log p(x | z)]; kl; loss, which is
        reconstruction + beta · kl, or for k > 1 draws the negative of the importance-weighted bound."""
        q = self.encode(x, y)
        z = q.rsample((self.k,))  # (k, B, L)
        log_px = self.decode(z, y).log_prob(x)  # (k, B)
        reconstruction, kl = -log_px.mean(), self.kl(q, z).mean()
        if self.k == 1:
            loss = reconstruction + self.beta * kl
        else:
            loss = -log_mean_exp(log_px + self.log_prior(z) - q.log_prob(z)).mean()
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl}

    # --- pictures

    @torch.no_grad()
    def sample(
        self, n: int, y: Tensor | None = None, *, means: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """n examples, (n, *shape): z from the prior, x from p(x | z); with means, instead of x the mean of p(x | z)."""
        y = self.draw_condition(n, y, generator)
        z = self.prior.sample(n, generator=generator)
        pixels = self.decode(z, None if y is None else y.to(z.device))
        return pixels.mean if means else draw(pixels, generator)

    def mean_decoder(self, y: int | None = None) -> nn.Sequential:
        """z (n, L) -> the means of the pixels, flat, (n, D), between 0 and 1 (real values as they are), without
        dropout, as known layers one after the other, so that a browser can run it. With classes, for the label y. The
        layers are copies: what you do with them leaves the model alone.
        Raises: ValueError for a decoder that is no nn.Sequential from Linear to Linear.
        """
        if (y is None) != (self.classes is None) or (y is not None and not 0 <= y < self.classes):
            raise ValueError(f"mean_decoder(y={y}): the model has classes={self.classes}")
        layers = [copy.deepcopy(layer) for layer in without_dropout(self.decoder)]
        if y is not None:  # the label's one-hot entry is always 1: its column of weights is a bias
            old = layers[0]
            layers[0] = nn.Linear(self.latent, old.out_features).to(old.weight)
            with torch.no_grad():
                layers[0].weight.copy_(old.weight[:, : self.latent])
                layers[0].bias.copy_(old.weight[:, self.latent + y] + (0 if old.bias is None else old.bias))
        if self.likelihood == "bernoulli":
            layers.append(nn.Sigmoid())
        if self.likelihood == "categorical":
            expect = nn.Linear(self.levels, 1, bias=False).to(layers[0].weight)
            with torch.no_grad():
                expect.weight.copy_(torch.linspace(0, 1, self.levels))
            layers += [nn.Unflatten(1, (-1, self.levels)), nn.Softmax(-1), expect, nn.Flatten(1)]
        return nn.Sequential(*layers).eval()

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Once: the last bias of the decoder is set so that every z gives the pixels' frequencies in x (their mean)."""
        last = [m for m in self.decoder.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)][-1:]
        if self.initialised or not last or last[0].bias is None:
            return
        if self.likelihood == "categorical":
            frequency = F.one_hot(x, self.levels).to(self._dtype).mean(0)  # (*shape, V)
        else:
            frequency = x.to(self._dtype).mean(0)[..., None]  # (*shape, 1)
        if not isinstance(last[0], nn.Linear):  # a convolution has no bias of its own for every place
            frequency = frequency.mean((1, 2)) if len(self.shape) == 3 else frequency
        frequency = frequency.flatten()
        if self.likelihood != "gaussian":  # as if every level had been seen half a time more
            frequency = (frequency * len(x) + 0.5) / (len(x) + 0.5 * self.levels)
        bias = {"categorical": frequency.log(), "bernoulli": frequency.logit(), "gaussian": frequency}[self.likelihood]
        if last[0].bias.shape == bias.shape:
            last[0].bias.copy_(bias)
            self.initialised.fill_(True)

    # --- checks

    def check(self, x: Tensor, y: Tensor | None, *, values: bool = False) -> None:
        """Raises ValueError where x or y is not what this model takes; with values, also for levels out of range."""
        self.check_condition(y, len(x))
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}; this model takes (B, {', '.join(map(str, self.shape))})")
        if self.levels is None:
            if not x.is_floating_point():
                raise ValueError(f"x holds {x.dtype}; the Gaussian VAE takes real values, such as x / 16")
            return
        if x.is_floating_point():
            raise ValueError(f"x holds {x.dtype}; pixels are integers 0..{self.levels - 1}")
        if values and len(x) and (x.min() < 0 or x.max() >= self.levels):
            raise ValueError(f"x holds {x.min()}..{x.max()}; pixels are integers 0..{self.levels - 1}")

    def _with_labels(self, h: Tensor, y: Tensor | None) -> Tensor:
        """(B, C, …) -> (B, C + K, …): one-hot labels along axis 1, the same everywhere."""
        if y is None:
            return h
        labels = F.one_hot(y, self.classes).to(h)
        return torch.cat([h, labels.view(*labels.shape, *[1] * (h.ndim - 2)).expand(-1, -1, *h.shape[2:])], 1)

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.encoder.parameters()).dtype


def _full_precision(h: Tensor) -> Tensor:
    """float32 where autocast gave half of it: what follows adds up many small numbers."""
    return h.float() if h.dtype in (torch.float16, torch.bfloat16) else h


def _check_arguments(latent: int, likelihood: str, levels: int | None, scale: float | str, k: int, beta: float) -> None:
    if latent < 1:
        raise ValueError(f"latent={latent}: there must be at least one latent dimension")
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"likelihood={likelihood!r}: choose one of {', '.join(LIKELIHOODS)}")
    if likelihood == "bernoulli" and levels != 2:
        raise ValueError(
            f'levels={levels}: "bernoulli" is for binary pixels; take likelihood="categorical", or binarize the data '
            '(train.binarized("dynamic")) and leave out levels'
        )
    if likelihood == "categorical" and (levels is None or levels < 2):
        raise ValueError(f'levels={levels}: "categorical" needs the number of levels, such as levels=17 for the digits')
    if likelihood == "gaussian" and levels is not None:
        raise ValueError(f'levels={levels}: "gaussian" is for real values; pass levels=None and the data as reals')
    if scale != "learned" and (isinstance(scale, str) or not 0 < scale < math.inf):
        raise ValueError(f'scale={scale!r}: give a positive standard deviation, or "learned"')
    if k < 1:
        raise ValueError(f"k={k}: training takes at least one draw")
    if not 0 <= beta < math.inf or (k > 1 and beta != 1):
        raise ValueError(f"beta={beta} with k={k}: beta is 0 or more, and 1 for the importance-weighted bound")
