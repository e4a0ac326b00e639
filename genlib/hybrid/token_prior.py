r"""A prior over tokens: a trained tokenizer makes a picture short, and an autoregressive model learns what is left.

.. math:: -\log p(x) \;\le\; \underbrace{-\log p(x \mid t(x))}_{\text{distortion}} \;
          \underbrace{-\sum_{i=1}^{T} \log p(t_i \mid t_{<i})}_{\text{code length}}

The tokenizer stays as it is; the prior is trained on its tokens, T of them in place of all pixels. The tokenizer alone
pays log K for each token; this prior pays what they are worth, and the tokens of its samples go together.

References: van den Oord, Vinyals, Kavukcuoglu. Neural Discrete Representation Learning. 2017. arXiv:1711.00937
Esser, Rombach, Ommer. Taming Transformers for High-Resolution Image Synthesis. 2021. arXiv:2012.09841
"""

import math
from typing import Any, Self

import torch
from torch import Tensor

from genlib.arguments import instance, needed
from genlib.model import GenerativeModel, Player
from genlib.vq.base import TokenModel

REMEMBERED = 8  # examples by whose tokens a codebook is known again
TOLERATED = 0.1  # the share of their tokens that rounding in another precision may change


class OnTokens(GenerativeModel):
    """A model that stands on a trained tokenizer: it freezes it, and knows it again by the tokens of some examples."""

    known: Tensor
    known_x: Tensor
    known_t: Tensor

    def __init__(self, tokenizer: TokenModel):
        super().__init__()
        needed(tokenizer=tokenizer)
        instance(TokenModel, tokenizer=tokenizer)
        self.shape, self.levels = tokenizer.shape, tokenizer.levels
        self.tokenizer = tokenizer.requires_grad_(False).eval()
        x = torch.zeros(REMEMBERED, *self.shape, dtype=torch.float32 if self.levels is None else torch.long)
        self.register_buffer("known", torch.tensor(False))
        self.register_buffer("known_x", x)
        self.register_buffer("known_t", torch.zeros(REMEMBERED, tokenizer.T, dtype=torch.long))

    def train(self, mode: bool = True) -> Self:
        """The prior is trained; the tokenizer never is."""
        super().train(mode)
        self.tokenizer.eval()
        return self

    @torch.no_grad()
    def remember(self, x: Tensor) -> None:
        """Once: the tokens of some examples. Raises: ValueError where they are others than those of before."""
        if not self.known and len(x):
            self.known_x.copy_(x[torch.arange(REMEMBERED, device=x.device) % len(x)])
            self.known_t.copy_(self.tokenizer.tokens(self.known_x))
            self.known.fill_(True)
        self.check_tokens()

    @torch.no_grad()
    def check_tokens(self) -> None:
        """Raises ValueError where the tokenizer gives other tokens than those that the prior was trained on."""
        if not self.known:
            return
        changed = (self.tokenizer.tokens(self.known_x) != self.known_t).double().mean().item()
        if changed > TOLERATED:
            raise ValueError(
                f"the tokenizer is not the one whose tokens the prior was trained on: {changed:.0%} of those that it "
                "remembers are others now; train a prior for this one"
            )


class TokenPrior(OnTokens):
    """p(x) = Σ p(t) p(x | t), with p(t) of any model of integers, such as ``Transformer((T,), K)``.

    Arguments: tokenizer, a trained ``VQVAE`` or another model with tokens, whose weights are frozen from here on;
    prior, a model of T values with K levels, of shape (T,) or the tokens' layout (1, h, w); where it is given a
    condition, so is this model. The prior belongs to this tokenizer's tokens: ``fit`` lets it remember some, and a
    tokenizer that gives others later is refused. Raises: ValueError for two that don't go together.
    """

    unit = "nats for an example's tokens"

    def __init__(self, tokenizer: TokenModel, prior: GenerativeModel):
        super().__init__(tokenizer)
        needed(prior=prior)
        instance(GenerativeModel, prior=prior)
        T, K = tokenizer.T, tokenizer.codes
        if prior.levels != K or math.prod(prior.shape) != T:
            raise ValueError(
                f"the prior is one of {math.prod(prior.shape)} values with {prior.levels} levels; the tokenizer gives "
                f"{T} tokens of {K}"
            )
        self.prior, self.condition = prior, prior.condition

    def tokens(self, x: Tensor) -> Tensor:
        """The tokens of examples as the prior takes them, (B, *shape) -> (B, *prior.shape)."""
        with torch.no_grad():
            return self.tokenizer.tokens(x).view(len(x), *self.prior.shape)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The prior's loss on the tokens of x: the mean code length, nats for an example."""
        x, y = self.check_batch(x, y)
        return self.prior.loss(self.tokens(x), y)

    def players(self) -> list[Player]:
        """The prior alone."""
        return [Player("prior", list(self.prior.parameters()), self.loss)]

    def log_prior(self, t: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(t), (n, T) -> (n,), nats; y (B, …) over again where n is a multiple of B."""
        if y is not None:
            y = y.repeat(len(t) // max(1, len(y)), *[1] * (y.ndim - 1))
        log_p: Any = self.prior
        return log_p.log_prob(t.view(len(t), *self.prior.shape), y)

    def elbo(self, x: Tensor, y: Tensor | None = None, k: int = 1) -> Tensor:
        """A bound on log p(x), or log p(x | y), (B,), nats: minus distortion, minus code length. For k see the
        tokenizer's ``bound``."""
        x, y = self.check(x, y)
        self.check_tokens()
        return self.tokenizer.bound(x, lambda t: self.log_prior(t, y), k)

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
        """n examples, (n, *shape): tokens from the prior, x from p(x | t); with means, instead of x its mean.

        how: what else the prior's ``sample`` takes, such as temperature=, top_k=, uniforms=, cached=.
        """
        self.check_tokens()
        t = self.prior.sample(n, y, generator=generator, **how)
        return self.tokenizer.draw(t.flatten(1), means=means, generator=generator)

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """The prior's start, and once: the tokens of some examples, by which the tokenizer is known again."""
        x, y = self.check(x, y)
        self.remember(x)
        self.prior.initialise(self.tokens(x), y)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, {self.tokenizer.T} tokens of {self.tokenizer.codes}, condition={self.condition}"
