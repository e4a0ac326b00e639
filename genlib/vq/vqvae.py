r"""VQ-VAE: an autoencoder whose code is a grid of tokens, each the index of the nearest vector of a codebook.

.. math:: \mathcal L = -\log p(x \mid z_q) + |\mathrm{sg}[z] - e|^2 + \beta\, |z - \mathrm{sg}[e]|^2

The first term moves decoder and encoder (straight-through), the second the codes, the third the encoder: it commits
itself to the code that it chose. z are the encoder's vectors, e the codes next to them.

Since p(x) is a sum over all tokens, the ones that the encoder chose bound it, and more of them bound it better:

.. math:: \log p(x) \;\ge\; \log \sum_{t \in S} p(t)\, p(x \mid t) \;\ge\; \log p(x \mid t(x)) + \log p(t(x)),
          \qquad t(x) \in S

Distortion and code length: -log p(x | t) nats for what is lost, -log p(t) for the tokens, T log K where all are equally
probable.

Reference: van den Oord, Vinyals, Kavukcuoglu. Neural Discrete Representation Learning. 2017. arXiv:1711.00937
"""

import torch
from torch import Tensor, nn

from genlib.arguments import count, finite, instance, refuse_unused
from genlib.likelihoods import Likelihood
from genlib.model import Player
from genlib.vq.base import LogPrior, TokenModel
from genlib.vq.fsq import FSQ
from genlib.vq.quantizer import Codes, Quantizer, perplexity


class VQVAE(TokenModel):
    """A VQ-VAE of binary pixels, of pixels with levels or of real values.

    Arguments: shape of one example; codes K and dim D of the codebook; likelihood, ``Bernoulli()``,
    ``Categorical(levels)``, ``Logistic(levels)`` or ``Gaussian(scale)``, or its name in small letters with levels=;
    quantizer, a ``Quantizer`` or ``FSQ`` of your own in place of ``Quantizer(codes, dim)``; beta, the weight of the
    commitment; convolutions of ``channels`` that halve a picture ``stages`` times; encoder and decoder, networks of
    your own instead: x (B, *shape) -> (B, D, *grid) and back to P numbers for each value of x (``per_value``).
    Raises: ValueError for arguments that don't go together.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        codes: int = 128,
        likelihood: str | Likelihood = "bernoulli",
        *,
        levels: int | None = None,
        dim: int = 8,
        quantizer: Codes | None = None,
        beta: float = 0.25,
        channels: int = 24,
        stages: int = 2,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ):
        finite(beta=beta)
        instance(Codes, quantizer=quantizer)
        if quantizer is not None:
            refuse_unused(VQVAE, "the quantizer is your own", codes=codes, dim=dim)
        made = Quantizer(codes, dim) if quantizer is None else quantizer
        if isinstance(made, FSQ):
            refuse_unused(VQVAE, "FSQ has no codes to commit to", beta=beta)
        super().__init__(
            shape, made.codes, made.dim, made.dim, likelihood,
            levels=levels, channels=channels, stages=stages, encoder=encoder, decoder=decoder,
        )  # fmt: skip
        self.quantizer, self.beta = made, beta

    def forward(self, x: Tensor) -> Tensor:
        """What the tokens keep of x: the means of p(x | t(x)), (B, *shape)."""
        return self.from_tokens(self.tokens(x))

    def codebook_table(self) -> Tensor:
        return self.quantizer.table()

    def tokens(self, x: Tensor) -> Tensor:
        return self.quantizer.nearest(self.encode(x))

    def bound(self, x: Tensor, log_prior: LogPrior, k: int = 1) -> Tensor:
        """log Σ p(t) p(x | t) over k codings of x, (B,), nats; no gradient reaches the encoder.

        The first is the encoder's own; each further one has another code at one place, those first whose code is
        hardly farther than the nearest. Raises: ValueError for a k beyond the T (K - 1) + 1 that there are.
        """
        count(k=k)
        x = self.check_examples(x)
        if len(x) == 0:
            return self.likelihood.zero.new_zeros(0)
        return self.never_nan(self.log_joint(x, self.codings(x, k), log_prior).logsumexp(0))

    @torch.no_grad()
    def codings(self, x: Tensor, k: int) -> Tensor:
        """k different codings of x, (k, B, T): t(x), and neighbours of it."""
        most = self.T * (self.codes - 1) + 1
        if k > most:
            raise ValueError(f"k={k}: only {most} codings have at most one place changed")
        z = self.encode(x)
        t = self.quantizer.nearest(z)
        if k == 1:
            return t[None]
        d = self.quantizer.distances(z)  # (B, T, K)
        farther = (d - d.gather(2, t[..., None])).scatter(2, t[..., None], torch.inf).flatten(1)
        change = farther.topk(k - 1, largest=False).indices  # (B, k - 1), T · K places and codes in a row
        place, code = change // self.codes, change % self.codes
        others = t[:, None].repeat(1, k - 1, 1).scatter(2, place[..., None], code[..., None])
        return torch.cat([t[:, None], others], 1).transpose(0, 1)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Means over the batch: reconstruction, -log p(x | z_q), nats for an example; the quantizer's terms, squared
        distances; perplexity of the batch's tokens; loss = reconstruction + codebook + beta · commitment."""
        x, y = self.check_batch(x, y)
        z = self.encode(x)
        z_q, t = self.quantizer(z)
        return self.parts(-self.decode(z_q).log_prob(x).mean(), z, t)

    def parts(self, reconstruction: Tensor, z: Tensor, t: Tensor) -> dict[str, Tensor]:
        """The parts of the loss from the reconstruction's, and from what was quantized: z (B, T, D), t (B, T)."""
        terms = self.quantizer.terms(z, t)
        weight = {"codebook": 1.0, "commitment": self.beta}
        loss = reconstruction + sum(weight[name] * term for name, term in terms.items())
        parts = {"loss": loss, "reconstruction": reconstruction} | terms
        return parts | {"perplexity": perplexity(t, self.codes).to(loss)}

    def players(self) -> list[Player]:
        """One, after whose steps the quantizer's codes follow."""
        return [Player("model", list(self.parameters()), self.loss, after_step=self.quantizer.after_step)]
