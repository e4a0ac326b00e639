r"""Diffusion of tokens: the noise is a mask, and a network guesses what it hides.

.. math:: -\log p(x) \;\le\; \int_0^1 \frac1t\, \mathbb E_{x_t} \sum_{i\ \text{masked}} -\log p(x_i \mid x_t)\, dt
          \;=\; \mathbb E_{k}\, \frac{D}{k}\, \mathbb E_{|S| = k} \sum_{i \in S} -\log p(x_i \mid x_{\text{rest}})

At time t each of the D tokens is masked with probability t. Only which ones are masked matters, not t: so draw how
many, k, uniform on 1..D, and then which, S. It is the mean of −log p(x) over all orders in which the tokens could be
filled in, one by one.

References: Austin, Johnson, Ho, Tarlow, van den Berg. Structured denoising diffusion models in discrete state-spaces.
2021. arXiv:2107.03006. The bound: Sahoo et al. Simple and effective masked diffusion language models. 2024.
arXiv:2406.07524; Shi, Han, Wang, Doucet, Titsias. Simplified and generalized masked diffusion for discrete data. 2024.
arXiv:2406.04329. Without t: Ou et al. Your absorbing discrete diffusion secretly models the conditional distributions
of clean data. 2024. arXiv:2406.03736. Orders: Uria, Murray, Larochelle. A deep and tractable density estimator. 2014.
arXiv:1310.1757; Hoogeboom et al. Autoregressive diffusion models. 2021. arXiv:2110.02037
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, count, finite, must_be_tensor, whole
from genlib.condition import Condition, as_condition
from genlib.diffusion.bounds import spread_times
from genlib.model import GenerativeModel
from genlib.nets import Unmasker
from genlib.noise import categorical, uniform

ORDERS = ("random", "confidence", "drawn")


class MaskedDiffusion(GenerativeModel):
    """p(x) of integers 0..levels-1, sequences (L,) or pictures (C, H, W), filled in at any places in any order.

    Arguments: shape; levels; classes, for p(x | y), or any condition; width, a multiple of heads, layers, heads and
    dropout of the Transformer, which looks both ways. ``loss`` is minus the bound, in nats for an example.
    """

    unit = "nats for an example"

    levels: int
    initialised: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int = 2,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        width: int = 64,
        layers: int = 3,
        heads: int = 4,
        dropout: float = 0.0,
    ):
        super().__init__()
        whole(2, levels=levels)
        self.shape, self.levels, self.condition = as_shape(shape), levels, as_condition(classes, condition)
        self.D = math.prod(self.shape)
        self.given: nn.Module | None = None if self.condition is None else self.condition.encoder()
        features = 0 if self.condition is None else self.condition.width
        self.net = Unmasker(self.D, levels, features, width=width, layers=layers, heads=heads, dropout=dropout)
        self.bias = nn.Parameter(torch.zeros(self.D, levels))
        self.register_buffer("initialised", torch.zeros((), dtype=torch.long))

    # --- what stands in the holes

    def forward(self, x: Tensor, masked: Tensor, y: Tensor | None = None) -> Tensor:
        """Logits of every value, (B, *shape, levels), where all but the masked values of x are seen.

        x (B, *shape); masked, bool, the same shape: there x may be anything. Where nothing is masked, the logits mean
        nothing. Raises: ValueError for what does not fit.
        """
        x = self.check_examples(x, values=False)
        must_be_tensor("masked", masked)
        if masked.dtype != torch.bool or masked.shape != x.shape:
            raise ValueError(f"masked is {masked.dtype} of shape {tuple(masked.shape)}; pass bool, {tuple(x.shape)}")
        self.check_examples(x.masked_fill(masked, 0))
        y = self.check_condition(y, len(x))
        return self._logits(x.flatten(1), masked.flatten(1), y).view(*x.shape, self.levels)

    def _logits(self, x: Tensor, masked: Tensor, y: Tensor | None) -> Tensor:
        """(B, D) -> (B, D, levels)."""
        features = None if self.given is None or y is None else self.given(y).to(self.bias.dtype)
        return self.net(x.masked_fill(masked, self.levels), features) + self.bias

    # --- the bound

    def elbo(
        self, x: Tensor, y: Tensor | None = None, *, draws: int = 1, generator: torch.Generator | None = None
    ) -> Tensor:
        """A lower BOUND on log p(x), (B,), in nats, from so many draws of what is masked for each example."""
        x, y = self.check(x, y)
        count(draws=draws)
        return self.never_nan(-sum((self._cost(x, y, generator) for _ in range(draws)), self._none(x)) / draws)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Minus the bound, in nats for an example: a mean over the batch; how many are masked is spread over it."""
        x, y = self.check_batch(x, y)
        return {"loss": self._cost(x, y).mean()}

    def _none(self, x: Tensor) -> Tensor:
        return self.bias.new_zeros(len(x))

    def _cost(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None = None) -> Tensor:
        """D/k Σ −log p(x_i | rest) over k masked values, (B,), k uniform on 1..D."""
        if len(x) == 0:
            return self._none(x)
        k = (spread_times(len(x), self.bias[0, 0], generator) * self.D).floor() + 1  # (B,)
        place = uniform((len(x), self.D), self.bias, generator).argsort(1).argsort(1)  # a random order
        return self._cost_at(x.flatten(1), place < k[:, None], y)

    def _cost_at(self, x: Tensor, masked: Tensor, y: Tensor | None) -> Tensor:
        each = F.cross_entropy(self._logits(x, masked, y).movedim(-1, 1), x, reduction="none")
        return (each * masked).sum(1) * (self.D / masked.sum(1))

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Starts the bias at the log frequencies of the levels at each place, smoothed with those of all places. The
        first call counts."""
        x = self.check_examples(x)
        super().initialise(x, y)
        if self.initialised:
            return
        counts = F.one_hot(x.flatten(1), self.levels).to(self.bias).sum(0)  # (D, levels)
        everywhere = (counts.sum(0) + 1) / (counts.sum() + self.levels)
        self.bias.copy_(((counts + 2 * everywhere) / (len(x) + 2)).log())
        self.initialised.fill_(1)

    # --- samples

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        tokens: int = 1,
        order: str = "random",
        temperature: float = 1.0,
        given: Tensor | None = None,
        known: Tensor | None = None,
        generator: torch.Generator | None = None,
        callback: Callable[[int, Tensor, Tensor], Any] | None = None,
    ) -> Tensor:
        """n examples, (n, *shape): so many tokens a step, each drawn from what the model believes of its hole alone.

        order: "random"; "confidence", where the model is most certain (the largest probability is largest) first;
        "drawn", where what was drawn is most probable: that favours the probable values, and samples are less varied
        than the model. temperature divides the logits; 0 takes the most probable value. given (n, *shape) and known,
        bool, the same shape or that of one example: these values are kept. callback(i, x, masked) after each step, both
        (n, *shape).
        """
        count(tokens=tokens)
        finite(temperature=temperature)
        if order not in ORDERS:
            raise ValueError(f"order={order!r}: choose one of {', '.join(ORDERS)}")
        y = self.draw_condition(n, y, generator)
        x, masked = self._start(n, given, known)
        left, rank, i = int(masked.sum(1).max()) if n else 0, uniform((n, self.D), self.bias, generator), 0
        rows = torch.arange(n, device=x.device)[:, None]
        while left > 0:
            logits = self._logits(x, masked, y)
            p = (logits / temperature if temperature else logits).softmax(-1)
            drawn = categorical(p, generator) if temperature else p.argmax(-1)
            by = {"random": rank, "confidence": p.amax(-1), "drawn": p.gather(-1, drawn[..., None])[..., 0]}[order]
            chosen = by.masked_fill(~masked, -1.0).topk(min(tokens, left), 1).indices  # (n, tokens)
            fresh = masked[rows, chosen]  # an example may have fewer holes than another
            x[rows, chosen] = torch.where(fresh, drawn[rows, chosen], x[rows, chosen])
            masked[rows, chosen] = False
            left = left - tokens
            if callback is not None:
                callback(i, x.view(n, *self.shape).clone(), masked.view(n, *self.shape).clone())
            i += 1
        return x.view(n, *self.shape)

    def _start(self, n: int, given: Tensor | None, known: Tensor | None) -> tuple[Tensor, Tensor]:
        """x and what is masked of it at first, (n, D) both."""
        x = torch.zeros(n, self.D, dtype=torch.long, device=self.bias.device)
        masked = torch.ones_like(x, dtype=torch.bool)
        if given is None and known is None:
            return x, masked
        if given is None or known is None:
            raise ValueError("given and known belong together: the values, and where they are to be kept (bool)")
        must_be_tensor("known", known)
        if known.dtype != torch.bool or tuple(known.shape) not in (self.shape, (n, *self.shape)):
            raise ValueError(
                f"known is {known.dtype} of shape {tuple(known.shape)}; pass bool, {(n, *self.shape)} or {self.shape}"
            )
        given = self.check_examples(given, values=False)
        if len(given) != n:
            raise ValueError(f"given holds {len(given)} examples; for n={n} samples give as many (given.expand(n, …))")
        kept = torch.where(known.expand(n, *self.shape).to(given.device), given, 0)
        self.check_examples(kept)
        return kept.flatten(1).to(x.device), ~known.expand(n, *self.shape).flatten(1).to(x.device)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, levels={self.levels}, condition={self.condition}"
