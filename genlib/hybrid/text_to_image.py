r"""Pictures from words, by DALL-E's recipe: a caption and the tokens of its picture are one sequence.

.. math:: \log p(c, t) = \sum_{i=1}^{L} \log p(c_i \mid c_{<i}) + \sum_{j=1}^{T} \log p(t_j \mid c, t_{<j})

One Transformer learns both sums; to draw a picture the caption is given, and the tokens follow. With guidance s the
logits of each token are those with the caption, moved away from those without one (a share of the captions is blanked
out in training, so that it knows both):

.. math:: \ell = \ell_\varnothing + s\, (\ell_c - \ell_\varnothing)

References: Ramesh, Pavlov, Goh, Gray, Voss, Radford, Chen, Sutskever. Zero-shot text-to-image generation. 2021.
arXiv:2102.12092 (and its reranking of several candidates). Guidance: Ho, Salimans. Classifier-free diffusion guidance.
2022. arXiv:2207.12598
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from genlib.arguments import count, finite, instance, needed, share, whole
from genlib.autoregressive import Transformer
from genlib.condition import Tokens
from genlib.hybrid.token_prior import OnTokens
from genlib.model import Player
from genlib.nets import Contrastive
from genlib.vq.base import TokenModel

Step = Callable[[int, Tensor | None], Tensor]


class OneSequence(Transformer):
    """L words of a vocabulary of V, then T picture tokens of K, which count on from V: each place takes its own kind.

    guidance, of sampling, for the T tokens.
    """

    forbidden: Tensor

    def __init__(self, L: int, V: int, T: int, K: int, **how: Any):
        super().__init__((L + T,), V + K, **how)
        self.L, self.guidance = L, 1.0
        is_word, takes_word = torch.arange(V + K) < V, torch.arange(L + T) < L
        self.register_buffer("forbidden", is_word[None, :] != takes_word[:, None], persistent=False)

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        return self._allowed(super().logits(encoded, y), self.forbidden)

    def _allowed(self, logits: Tensor, forbidden: Tensor) -> Tensor:
        return logits.masked_fill(forbidden, torch.finfo(logits.dtype).min)

    def cached(self, n: int, y: Tensor | None) -> Step:
        return self._guided(super().cached, n)

    def naive(self, n: int, y: Tensor | None) -> Step:
        return self._guided(super().naive, n)

    def _guided(self, make: Callable[[int, Tensor | None], Step], n: int) -> Step:
        """A step with the caption, and beside it one that sees nothing in the caption's place."""
        told, s = make(n, None), self.guidance
        silent = None if s == 1 else make(n, None)

        def step(t: int, last: Tensor | None) -> Tensor:
            logits = told(t, last)
            if silent is not None:
                of_caption = last is not None and t <= self.L
                nothing = silent(t, torch.zeros_like(last) if of_caption and last is not None else last)
                if t >= self.L:
                    logits = nothing + s * (logits - nothing)
            return self._allowed(logits, self.forbidden[t])

        return step


class TextToImage(OnTokens):
    """p(x | caption) by a trained tokenizer and one Transformer over caption and tokens.

    Arguments: tokenizer, whose weights are frozen from here on; condition, what captions are: ``Tokens(L, V)``; width,
    layers, heads, dropout of the Transformer; words, the weight of the captions' part in ``loss`` (1/8 in DALL-E);
    blank, the share of captions that are blanked out in training (all 0), for guidance.
    Given no caption, ``sample`` writes them itself. Raises: ValueError for a condition that is not ``Tokens``.
    """

    unit = "nats for an example's tokens"

    condition: Tokens

    def __init__(
        self,
        tokenizer: TokenModel,
        condition: Tokens,
        *,
        width: int = 64,
        layers: int = 4,
        heads: int = 4,
        dropout: float = 0.0,
        words: float = 0.125,
        blank: float = 0.1,
    ):
        super().__init__(tokenizer)
        needed(condition=condition)
        instance(Tokens, condition=condition)
        finite(words=words)
        share(blank=blank)
        whole(width=width, layers=layers, heads=heads)
        self.condition, self.words, self.blank = condition, words, blank
        sizes = condition.length, condition.vocabulary, tokenizer.T, tokenizer.codes
        self.sequence = OneSequence(*sizes, width=width, layers=layers, heads=heads, dropout=dropout)

    def joined(self, y: Tensor, t: Tensor) -> Tensor:
        """Captions (B, L) and tokens (B, T) as the sequence that is modelled, (B, L + T)."""
        return torch.cat([y, t + self.condition.vocabulary], 1)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Batch means: caption, -log p(c), and picture, -log p(t | c), nats for an example; loss = words · caption +
        picture. In training some captions are blank; those cost nothing."""
        x, y = self.check_batch(x, y)
        assert y is not None
        with torch.no_grad():
            t = self.tokenizer.tokens(x)
        kept = torch.ones(len(x), device=x.device)
        if self.training and self.blank:
            kept = (torch.rand(len(x), device=x.device) >= self.blank).to(kept)
        each = self.sequence.log_prob_each(self.joined(y * kept.long()[:, None], t))
        caption = -(each[:, : self.sequence.L].sum(1) * kept).mean()
        picture = -each[:, self.sequence.L :].sum(1).mean()
        return {"loss": self.words * caption + picture, "caption": caption, "picture": picture}

    def players(self) -> list[Player]:
        """The Transformer alone."""
        return [Player("sequence", list(self.sequence.parameters()), self.loss)]

    def log_prior(self, t: Tensor, y: Tensor) -> Tensor:
        """log p(t | c), (n, T) -> (n,), nats; y (B, L) over again where n is a multiple of B."""
        y = y.repeat(len(t) // max(1, len(y)), *[1] * (y.ndim - 1))
        self.check_condition(y, len(t))
        return self.sequence.log_prob_each(self.joined(y, t))[:, self.sequence.L :].sum(1)

    def elbo(self, x: Tensor, y: Tensor | None = None, k: int = 1) -> Tensor:
        """A bound on log p(x | caption), (B,), nats; for k see the tokenizer's ``bound``."""
        x, y = self.check(x, y)
        assert y is not None
        self.check_tokens()
        return self.tokenizer.bound(x, lambda t: self.log_prior(t, y), k)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        guidance: float = 1.0,
        candidates: int = 1,
        ranker: Contrastive | None = None,
        means: bool = False,
        generator: torch.Generator | None = None,
        **how: Any,
    ) -> Tensor:
        """n pictures, (n, *shape), of the captions y (n, L).

        guidance s; candidates, how many are drawn for each caption, of which the ranker keeps the one that it scores
        highest; means, the mean of p(x | t) in place of a draw; how: what else autoregressive sampling takes.
        """
        finite(guidance=guidance)
        count(candidates=candidates)
        instance(Contrastive, ranker=ranker)
        if (candidates > 1) != (ranker is not None) or (ranker is not None and y is None):
            raise ValueError("candidates and ranker belong together, and both ask for captions y")
        if y is not None and {"given", "known"} & set(how):
            raise ValueError("given= and known= say what the captions y say already: pass one of the two")
        whole(0, n=n)
        self.check_tokens()
        if y is not None:
            y = self.check_condition(y, n)
        t = self.draw_tokens(n, y, guidance, candidates, generator, **how)
        x = self.tokenizer.draw(t, means=means, generator=generator)
        return x if ranker is None or y is None else self._best(x, t, y, ranker)

    def _best(self, x: Tensor, t: Tensor, y: Tensor, ranker: Contrastive) -> Tensor:
        """Of the candidates x (n · candidates, *shape), by their means, the highest scored of each caption."""
        n, means = len(y), self.tokenizer.from_tokens(t)
        levels = ranker.levels
        scores = ranker.score(means.round().clamp(0, levels - 1).long(), y.repeat_interleave(len(x) // max(1, n), 0))
        best = scores.view(n, -1).argmax(1)
        return x.view(n, -1, *self.shape)[torch.arange(n, device=x.device), best]

    def draw_tokens(
        self, n: int, y: Tensor | None, guidance: float, candidates: int, generator: torch.Generator | None, **how: Any
    ) -> Tensor:
        """Tokens of ``candidates`` pictures for each caption, (n · candidates, T), those of one caption in a row."""
        L, T = self.sequence.L, self.tokenizer.T
        if y is not None:
            y = y.repeat_interleave(candidates, 0).to(self.sequence.bias.device)
            known = torch.arange(L + T, device=y.device) < L
            how |= {"given": self.joined(y, y.new_zeros(len(y), T)), "known": known}
        self.sequence.guidance = guidance
        try:
            drawn = self.sequence.sample(n * candidates, generator=generator, **how)
        finally:
            self.sequence.guidance = 1.0
        return drawn[:, L:] - self.condition.vocabulary

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """The tokenizer is remembered, and the Transformer starts at the frequencies of words and tokens."""
        x, y = self.check(x, y)
        assert y is not None
        self.remember(x)
        self.sequence.initialise(self.joined(y, self.tokenizer.tokens(x)))

    def extra_repr(self) -> str:
        return f"shape={self.shape}, {self.condition.length} words and {self.tokenizer.T} tokens in one sequence"
