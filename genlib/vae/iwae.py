r"""The importance-weighted autoencoder: a VAE that is trained on the bound with k draws.

.. math:: \log p(x) \;\ge\; \mathbb E_{z_1, \dots, z_k \sim q(z|x)}
          \Big[\log \frac1k \sum_{i=1}^{k} \frac{p(x, z_i)}{q(z_i \mid x)}\Big] \;\ge\; \mathrm{ELBO}(x)

The q that it learns is no longer close to the posterior: it is a good place to draw from.

The encoder's gradient gets lost in its noise as k grows. With \tilde w_i = w_i / \sum_j w_j, the doubly
reparameterized one has the same mean and less noise; only the path through z is followed, and weighed twice:

.. math:: \nabla_\phi \mathrm{IW}_k = \mathbb E\Big[\sum_{i=1}^{k} \tilde w_i^2\,
          \frac{\partial \log w_i}{\partial z_i} \frac{\partial z_i}{\partial \phi}\Big]

References: Burda, Grosse, Salakhutdinov. Importance weighted autoencoders. 2016. arXiv:1509.00519
Rainforth et al. Tighter variational bounds are not necessarily better. 2018. arXiv:1802.04537
Tucker, Lawson, Gu, Maddison. Doubly reparameterized gradient estimators for Monte Carlo objectives. 2019.
arXiv:1810.04152
"""

from typing import Any

from torch import Tensor

from genlib.arguments import needed, truth, whole
from genlib.likelihoods import Likelihood
from genlib.vae.bounds import log_mean_exp
from genlib.vae.gaussians import detached
from genlib.vae.vae import VAE


class IWAE(VAE):
    """A VAE whose ``loss`` takes k draws for each example, each of which costs a pass through the decoder.

    Arguments: k; doubly_reparameterized, whether the encoder gets that gradient, the loss being the same; all others as
    for ``VAE``, but without beta and free bits. The bound of k draws has no KL term to weigh.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 2,
        likelihood: str | Likelihood = "bernoulli",
        *,
        k: int = 5,
        doubly_reparameterized: bool = False,
        **how: Any,
    ):
        super().__init__(shape, latent, likelihood, **how)
        needed(k=k)
        whole(k=k)
        truth(doubly_reparameterized=doubly_reparameterized)
        if self.beta != 1 or self.free_bits:
            raise ValueError(
                f"beta={self.beta}, free_bits={self.free_bits}: the importance-weighted bound has no KL term to weigh"
            )
        self.k, self.doubly_reparameterized = k, doubly_reparameterized

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """Means over the batch, in nats for an example: loss, the negative of the importance-weighted bound; and, to
        compare with a VAE, reconstruction, -E[log p(x | z)], and kl, whose sum is the negative of the ELBO."""
        x, y = self.check_batch(x, y)
        q = self.encode(x, y)
        z = q.rsample((self.k,))  # (k, B, L)
        log_px = self.decode(z, y).log_prob(x)  # (k, B)
        log_q = (detached(q) if self.doubly_reparameterized else q).log_prob(z)
        log_w = log_px + self.log_prior(z, y) - log_q
        loss = -log_mean_exp(log_w).mean()
        if self.doubly_reparameterized and z.requires_grad:
            once_more = log_w.detach().softmax(0)[..., None]  # the loss weighs by w̃ once, on the way back z does again
            z.register_hook(lambda gradient: once_more * gradient)
        return {"loss": loss, "reconstruction": -log_px.mean(), "kl": self.kl(q, z, y).mean()}

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, k={self.k}{', doubly reparameterized' * self.doubly_reparameterized}"
