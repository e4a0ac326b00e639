r"""A VAE whose prior is a flow, trained with it: latents come from where the encoder puts them.

.. math:: \log p(z) = \log \mathcal N(f(z); 0, I) + \log|\det J_f(z)|

Changes the VAE's N(0, I), which the aggregate posterior never quite fills, for a density that can take its shape. The
bound stays a bound: only its term log p(z) changes.

References: Chen, Kingma, Salimans, Duan, Dhariwal, Schulman, Sutskever, Abbeel. Variational lossy autoencoder. 2017.
arXiv:1611.02731
Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. 2017. arXiv:1605.08803
"""

from typing import Any

from genlib.flow import RealNVP
from genlib.vae import VAE, Likelihood


class FlowPriorVAE(VAE):
    """A VAE with ``RealNVP((latent,))`` as its prior.

    Arguments: couplings of the prior, each with a network of two layers of ``units``; all others as for ``VAE``, but
    without prior and free bits, which ask for another one. It starts as a plain VAE: the flow begins as the identity.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 8,
        likelihood: str | Likelihood = "bernoulli",
        *,
        couplings: int = 6,
        units: int = 64,
        **how: Any,
    ):
        if "prior" in how:
            raise ValueError("prior= is one too many: the prior of a FlowPriorVAE is its flow; VAE takes any other")
        prior = RealNVP((latent,), couplings=couplings, hidden=units)
        super().__init__(shape, latent, likelihood, prior=prior, **how)
