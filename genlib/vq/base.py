r"""What models with discrete latents share: an example becomes T tokens, and tokens become an example.

.. math:: p(x) = \sum_{t} p(t)\, p(x \mid t), \qquad t \in \{0, \dots, K-1\}^T

While a model is trained all p(t) are equal, K^{-T}; ``hybrid.TokenPrior`` learns them afterwards.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Independent

from genlib import noise
from genlib.arguments import as_integers, as_shape, instance, must_be_tensor, refuse_unused, whole
from genlib.likelihoods import Likelihood, as_likelihood, full_precision
from genlib.model import GenerativeModel
from genlib.vq.networks import make_decoder, make_encoder

LogPrior = Callable[[Tensor], Tensor]  # tokens (n, T) -> log p(t), (n,), nats


class TokenModel(GenerativeModel):
    """Encoder x -> (B, outputs, *grid), decoder (B, D, *grid) -> p(x | t); each place of the grid is a token of K.

    Arguments: shape; codes K; dim D; outputs of the encoder at each place; the others as for ``VQVAE``. A subclass has
    ``codebook_table``, ``tokens``, ``loss`` and ``bound``.
    """

    unit = "nats for an example"

    initialised: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        codes: int,
        dim: int,
        outputs: int,
        likelihood: str | Likelihood,
        *,
        levels: int | None,
        channels: int,
        stages: int,
        encoder: nn.Module | None,
        decoder: nn.Module | None,
    ):
        super().__init__()
        whole(2, codes=codes)
        whole(dim=dim)
        instance(nn.Module, encoder=encoder, decoder=decoder)
        if encoder is not None and decoder is not None:
            refuse_unused(type(self), "encoder and decoder are your own", channels=channels, stages=stages)
        self.shape, self.codes, self.dim = as_shape(shape), codes, dim
        self.likelihood = as_likelihood(likelihood, levels)
        self.levels = self.likelihood.levels
        how = {"channels": channels, "stages": stages}
        P = self.likelihood.per_value
        self.encoder = make_encoder(self.shape, outputs, **how) if encoder is None else encoder
        self.decoder = make_decoder(dim, self.shape, P, **how) if decoder is None else decoder
        self.grid = self._grid(outputs)
        self.register_buffer("initialised", torch.tensor(False))

    @torch.no_grad()
    def _grid(self, outputs: int) -> tuple[int, ...]:
        """The layout of the tokens. Raises: ValueError for an encoder of your own that gives something else."""
        weight = next(self.encoder.parameters())
        z = self.encoder(torch.zeros(1, *self.shape).to(weight))
        if z.ndim < 3 or z.shape[1] != outputs:
            raise ValueError(f"the encoder gave shape {tuple(z.shape)}; asked are (B, {outputs}, *grid)")
        return tuple(z.shape[2:])

    @property
    def T(self) -> int:
        """How many tokens an example has."""
        return math.prod(self.grid)

    # --- there and back

    def encode(self, x: Tensor) -> Tensor:
        """What the encoder says at each place, (B, *shape) -> (B, T, outputs)."""
        x = self.check_examples(x)
        return full_precision(self.encoder(self.likelihood.scaled(x)).flatten(2).transpose(1, 2))

    def decode(self, z: Tensor) -> Independent:
        """p(x | z): (..., B, T, D), with any axes in front -> a distribution over ``shape`` for each of them."""
        if z.ndim < 3 or z.shape[-2:] != (self.T, self.dim):
            raise ValueError(f"z has shape {tuple(z.shape)}; this model takes (..., B, {self.T}, {self.dim})")
        planes = self.in_precision(z).flatten(0, -3).transpose(1, 2).unflatten(2, self.grid)
        return self.likelihood.over(self.decoder(planes), z.shape[:-2], self.shape)

    def codebook_table(self) -> Tensor:
        """All codes, (K, D)."""
        raise NotImplementedError

    def tokens(self, x: Tensor) -> Tensor:
        """The tokens of examples, (B, *shape) -> (B, T), integers 0..K-1."""
        raise NotImplementedError

    def vectors(self, t: Tensor) -> Tensor:
        """Tokens (..., T) as the decoder takes them, (..., T, D). Raises: ValueError for what are no tokens."""
        must_be_tensor("t", t)
        if t.ndim < 2 or t.shape[-1] != self.T:
            raise ValueError(f"t has shape {tuple(t.shape)}; this model takes (..., B, {self.T}) tokens")
        t = as_integers("t", t, 0, self.codes, f"this codebook has the tokens 0..{self.codes - 1}", look=True)
        return nn.functional.embedding(t, self.codebook_table())

    def from_tokens(self, t: Tensor) -> Tensor:
        """The means of p(x | t), reals on the data's scale: (..., B, T) -> (..., B, *shape)."""
        return self.decode(self.vectors(t)).mean

    # --- the bound, and samples

    def log_uniform(self, t: Tensor) -> Tensor:
        """log p(t) where all tokens are equally probable, -T log K: (n, T) -> (n,), nats."""
        return self.codebook_table().new_full(t.shape[:1], -self.T * math.log(self.codes))

    def elbo(self, x: Tensor, y: Tensor | None = None, k: int = 1) -> Tensor:
        """A bound on log p(x), (B,), in nats, under the uniform prior; for k see ``bound``."""
        x, y = self.check(x, y)
        return self.bound(x, self.log_uniform, k)

    def bound(self, x: Tensor, log_prior: LogPrior, k: int = 1) -> Tensor:
        """The same bound with any p(t): log_prior, (n, T) -> (n,), nats."""
        raise NotImplementedError

    def log_joint(self, x: Tensor, t: Tensor, log_prior: LogPrior) -> Tensor:
        """log p(x | t) + log p(t), nats: x (B, *shape), t (k, B, T) -> (k, B)."""
        return self.decode(self.vectors(t)).log_prob(x) + log_prior(t.flatten(0, 1)).view(t.shape[:2])

    @torch.no_grad()
    def sample(
        self, n: int, y: Tensor | None = None, *, means: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """n examples, (n, *shape): tokens drawn uniformly, x from p(x | t); with means, instead of x its mean."""
        self.draw_condition(n, y)
        uniform = self.codebook_table().new_ones(n, self.T, self.codes)
        return self.draw(noise.categorical(uniform, generator), means=means, generator=generator)

    @torch.no_grad()
    def draw(self, t: Tensor, *, means: bool = False, generator: torch.Generator | None = None) -> Tensor:
        """One x from p(x | t) for each t, (n, T) -> (n, *shape); with means the mean of p(x | t)."""
        if len(t) == 0:
            kind = torch.float32 if self.levels is None or means else torch.long
            return torch.zeros(0, *self.shape, dtype=kind, device=t.device)
        pixels = self.decode(self.vectors(t))
        return pixels.mean if means else self.likelihood.draw(pixels.base_dist, generator)

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Once: the last bias of the decoder is set so that all tokens give the pixels' frequencies in x."""
        x, y = self.check(x, y)
        if not self.initialised and self.likelihood.start(self.decoder, x):
            self.initialised.fill_(True)
        super().initialise(x, y)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, {self.T} tokens of {self.codes}"
