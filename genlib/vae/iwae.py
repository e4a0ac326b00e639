r"""The importance-weighted autoencoder: a VAE that is trained on the bound with k draws.

.. math:: \log p(x) \;\ge\; \mathbb E_{z_1, \dots, z_k \sim q(z|x)}
          \Big[\log \frac1k \sum_{i=1}^{k} \frac{p(x, z_i)}{q(z_i \mid x)}\Big] \;\ge\; \mathrm{ELBO}(x)

The q that it learns is no longer close to the posterior: it is a good place to draw from.

Reference: Burda, Grosse, Salakhutdinov. Importance weighted autoencoders. 2016. arXiv:1509.00519
"""

from typing import Any

from torch import Tensor

from genlib.arguments import whole
from genlib.vae.bounds import log_mean_exp
from genlib.vae.likelihoods import Likelihood
from genlib.vae.vae import VAE


class IWAE(VAE):
    """A VAE whose ``loss`` takes k draws for each example, each of which costs a pass through the decoder.

    Arguments: k; all others as for ``VAE``, but without beta. The bound of k draws has no KL term to weigh.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 2,
        likelihood: str | Likelihood = "bernoulli",
        *,
        k: int = 5,
        **how: Any,
    ):
        super().__init__(shape, latent, likelihood, **how)
        whole(k=k)
        if self.beta != 1:
            raise ValueError(
                f"beta={self.beta}: it is 1 for the importance-weighted bound, which has no KL term to weigh"
            )
        self.k = k

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Means over the batch, in nats for an example: loss, the negative of the importance-weighted bound; and, to
        compare with a VAE, reconstruction, -E[log p(x | z)], and kl, whose sum is the negative of the ELBO."""
        x, y = self.check_batch(x, y)
        q = self.encode(x, y)
        z = q.rsample((self.k,))  # (k, B, L)
        log_px = self.decode(z, y).log_prob(x)  # (k, B)
        bound = log_mean_exp(log_px + self.log_prior(z) - q.log_prob(z))
        return {"loss": -bound.mean(), "reconstruction": -log_px.mean(), "kl": self.kl(q, z).mean()}

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, k={self.k}"
