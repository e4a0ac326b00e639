r"""The discrete VAE of DALL-E: q(t | x) is a distribution over codes, and a relaxed draw lets the gradient through.

.. math:: \log p(x) \ge \mathbb E_{q(t|x)}[\log p(x \mid t)] - \sum_{i=1}^{T} \mathrm{KL}\big(q(t_i \mid x)\,\|\,
          \mathcal U\big), \qquad \mathrm{KL}(q \,\|\, \mathcal U) = \log K + \sum_k q_k \log q_k

In training a draw is a mixture of all codes (Gumbel-softmax), and the lower the temperature τ, the nearer to one of
them; with gradients of low bias and high variance there. g are draws of -log(-log u):

.. math:: w = \mathrm{softmax}\big((\log q + g) / \tau\big), \qquad z_q = \sum_k w_k e_k

References: Ramesh et al. Zero-shot text-to-image generation. 2021. arXiv:2102.12092
Jang, Gu, Poole. Categorical reparameterization with Gumbel-softmax. 2017. arXiv:1611.01144
Maddison, Mnih, Teh. The concrete distribution. 2017. arXiv:1611.00712
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from genlib import noise
from genlib.arguments import count, finite, needed, positive, truth, whole
from genlib.likelihoods import Likelihood
from genlib.model import Player
from genlib.vq.base import LogPrior, TokenModel
from genlib.vq.quantizer import perplexity

Temperature = float | Callable[[Tensor], Tensor]


def cooled(updates: int = 1000, *, start: float = 1.0, end: float = 1 / 16) -> Callable[[Tensor], Tensor]:
    """τ that falls from start to end along half a cosine within so many updates, as in DALL-E, and then stays."""
    whole(updates=updates)
    positive(start=start, end=end)
    return lambda made: end + (start - end) * (1 + torch.cos(math.pi * (made / updates).clamp(max=1))) / 2


def gumbel(like: Tensor) -> Tensor:
    """Draws of -log(-log u), u uniform, of the shape of ``like``: the largest of log q + g is a draw from q."""
    u = noise.uniform(tuple(like.shape), like).clamp(min=torch.finfo(like.dtype).tiny)
    return -(-u.log()).log()


def gumbel_softmax(logits: Tensor, g: Tensor, temperature: float | Tensor) -> Tensor:
    """Weights that sum to 1, (…, K), from logits and Gumbel noise of the same shape."""
    return ((logits + g) / temperature).softmax(-1)


def kl_to_uniform(logits: Tensor) -> Tensor:
    """KL(q ‖ uniform) = log K + Σ q log q in nats, (…, K) -> (…): between 0 and log K."""
    log_q = logits.log_softmax(-1)
    return math.log(logits.shape[-1]) + (log_q.exp() * log_q).sum(-1)


class GumbelVAE(TokenModel):
    """A VAE with T latents of K values each.

    Arguments: shape, codes K, likelihood, levels, dim D, channels, stages, encoder (its outputs are K logits at each
    place) and decoder as for ``VQVAE``; temperature τ in training: a number, or a function of how many updates were
    made, such as ``cooled(1000)``; beta, weight of the KL term in ``loss``, never in ``elbo``; hard, whether the
    decoder sees the code with the largest weight, and only the gradient is that of the mixture (straight-through).
    """

    updates: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        codes: int = 128,
        likelihood: str | Likelihood = "bernoulli",
        *,
        levels: int | None = None,
        dim: int = 8,
        temperature: Any = 1.0,
        beta: float = 1.0,
        hard: bool = False,
        channels: int = 24,
        stages: int = 2,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ):
        finite(beta=beta)
        needed(temperature=temperature)
        positive(temperature=None if callable(temperature) else temperature)
        truth(hard=hard)
        super().__init__(
            shape, codes, dim, codes, likelihood,
            levels=levels, channels=channels, stages=stages, encoder=encoder, decoder=decoder,
        )  # fmt: skip
        self.temperature, self.beta, self.hard = temperature, beta, hard
        self.codebook = nn.Parameter(torch.randn(codes, dim))
        if callable(temperature):
            self.register_buffer("updates", torch.tensor(0))  # saved with the weights, so that a run can go on

    def codebook_table(self) -> Tensor:
        return self.codebook

    def tokens(self, x: Tensor) -> Tensor:
        """The most probable tokens under q(t | x), (B, *shape) -> (B, T)."""
        return self.encode(x).argmax(-1)

    def bound(self, x: Tensor, log_prior: LogPrior, k: int = 1) -> Tensor:
        """From k draws of whole tokens t ~ q(t | x), with no temperature: (B,), nats. k = 1: -log q is replaced by its
        mean, the entropy; k > 1: importance-weighted."""
        count(k=k)
        x = self.check_examples(x)
        if len(x) == 0:
            return self.likelihood.zero.new_zeros(0)
        log_q = self.encode(x).log_softmax(-1)  # (B, T, K)
        self.never_nan(log_q.sum((1, 2)))  # before it is drawn from: words for broken weights
        t = noise.categorical(log_q.detach().exp().expand(k, *log_q.shape))  # (k, B, T)
        log_joint = self.log_joint(x, t, log_prior)
        if k == 1:
            return self.never_nan(log_joint[0] - (log_q.exp() * log_q).sum((1, 2)))
        of_draws = log_q.expand(k, *log_q.shape).gather(3, t[..., None]).sum((2, 3))
        return self.never_nan((log_joint - of_draws).logsumexp(0) - math.log(k))

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Means over the batch, nats for an example: reconstruction, -log p(x | z_q) of a relaxed draw, which bounds
        nothing; kl; perplexity of the most probable tokens; temperature, where it changes; loss = reconstruction +
        beta · kl."""
        x, y = self.check_batch(x, y)
        logits = self.encode(x)
        tau = self.temperature(self.updates) if callable(self.temperature) else self.temperature
        w = gumbel_softmax(logits, gumbel(logits), tau)
        if self.hard:
            w = w + (nn.functional.one_hot(w.argmax(-1), self.codes) - w).detach()
        reconstruction, kl = -self.decode(w @ self.codebook).log_prob(x).mean(), kl_to_uniform(logits).sum(1).mean()
        parts = {"loss": reconstruction + self.beta * kl, "reconstruction": reconstruction, "kl": kl}
        parts |= {"perplexity": perplexity(logits.argmax(-1), self.codes).to(kl)}
        return parts | ({"temperature": tau} if isinstance(tau, Tensor) else {})

    def players(self) -> list[Player]:
        """One, who counts the updates where the temperature depends on them."""
        after = self._count if callable(self.temperature) else None
        return [Player("model", list(self.parameters()), self.loss, after_step=after)]

    def _count(self) -> None:
        self.updates += 1
