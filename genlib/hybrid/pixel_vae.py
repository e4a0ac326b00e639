r"""A VAE whose decoder is a PixelCNN: pixels know their neighbours, and z is told to all of them.

.. math:: p(x \mid z) = \prod_i p(x_i \mid x_{<i}, z)

Changes the VAE's independent pixels for conditionals. The decoder can now model x without z, and mostly does: the
posterior collapses, unless the head sees little, or the rate is cheap while training starts.

References: Chen, Kingma, Salimans, Duan, Dhariwal, Schulman, Sutskever, Abbeel. Variational lossy autoencoder. 2017.
arXiv:1611.02731
Gulrajani, Kumar, Ahmed, Taiga, Visin, Vazquez, Courville. PixelVAE: a latent variable model for natural images. 2017.
arXiv:1611.05013
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from genlib.autoregressive import PixelCNN
from genlib.condition import Vectors
from genlib.vae import VAE, Categorical


class PixelVAE(VAE):
    """p(x) of images of ``levels`` levels. z moves each channel of the head's first layer, the same at every pixel.

    Arguments: shape (C, H, W); latent; levels; channels, layers, kernel, first_kernel of the PixelCNN: the fewer layers
    and the smaller the kernels, the less it sees; hidden, encoder_layers, dropout of the encoder, an MLP; beta,
    free_bits and prior as for ``VAE``. There is no condition besides z.
    """

    decoder: PixelCNN

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 8,
        levels: int = 2,
        *,
        channels: int = 24,
        layers: int = 4,
        kernel: int = 3,
        first_kernel: int = 7,
        hidden: int = 128,
        encoder_layers: int = 1,
        dropout: float = 0.0,
        beta: float | Callable[[Tensor], Tensor] = 1.0,
        free_bits: float = 0.0,
        prior: Any = None,
    ):
        head = PixelCNN(
            shape,
            levels,
            condition=Vectors(latent),
            channels=channels,
            layers=layers,
            kernel=kernel,
            first_kernel=first_kernel,
        )
        super().__init__(
            shape,
            latent,
            Categorical(levels),
            hidden=hidden,
            layers=encoder_layers,
            dropout=dropout,
            decoder=head,
            beta=beta,
            free_bits=free_bits,
            prior=prior,
        )

    def decode(self, z: Tensor, y: Tensor | None = None) -> "PixelsGivenLatents":  # type: ignore[override]
        """p(x | z): (..., B, L), with any axes in front -> a distribution over ``shape`` for each of them."""
        if z.ndim < 2 or z.shape[-1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this model takes (..., B, {self.latent})")
        self.check_condition(y, z.shape[-2], values=False)
        return PixelsGivenLatents(self.decoder, z)

    @torch.no_grad()
    def sample(
        self, n: int, y: Tensor | None = None, *, means: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """n examples, (n, *shape), pixel after pixel. Raises: ValueError for means, which this p(x | z) has no formula
        for."""
        if means:
            raise ValueError("a PixelCNN knows no mean of p(x | z): draw some samples of one z, and average them")
        self.draw_condition(n, y)  # there is none to draw, but n and y are looked at
        return self.decoder.sample(n, y=self.prior.sample(n, generator=generator), generator=generator)

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Once: the head starts at the frequencies of the levels at each pixel."""
        self.decoder.initialise(x, torch.zeros(len(x), self.latent).to(self.decoder.bias))
        super().initialise(x, y)


class PixelsGivenLatents(Distribution):
    """p(x | z) of a PixelCNN, for z (..., B, L)."""

    def __init__(self, head: PixelCNN, z: Tensor):
        self.head, self.z = head, z
        super().__init__(z.shape[:-1], torch.Size(head.shape), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """x (B, *shape) -> (..., B), nats."""
        x = value.expand(*self.z.shape[:-1], *self.head.shape)
        flat = x.reshape(-1, *self.head.shape), self.z.reshape(-1, self.z.shape[-1])
        return self.head.log_prob_each(*flat).flatten(1).sum(1).view(self.z.shape[:-1])

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """(*sample_shape, ..., B, *shape)."""
        z = self.z.expand(*sample_shape, *self.z.shape)
        x = self.head.sample(z[..., 0].numel(), y=z.reshape(-1, z.shape[-1]))
        return x.view(*z.shape[:-1], *self.head.shape)
