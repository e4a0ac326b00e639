r"""The autoencoder: a code for each picture, and back. It compresses; it is no density and can't be sampled from.

.. math:: \mathcal L(x) = \big|x - \hat x(z(x))\big|^2

Reference: Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. 2006. Science 313:504-507
"""

from typing import Any

from torch import Tensor, nn

from genlib.arguments import as_shape, whole
from genlib.model import Trainable
from genlib.quantize import to_unit
from genlib.vae.networks import check_used, make_decoder, make_encoder


class Autoencoder(Trainable):
    """Encoder and decoder as a VAE has them, without noise and without a prior.

    Arguments: shape of one example; latent, the number of code dimensions L; levels, pixels are integers 0..levels-1,
    None for real values; network, hidden, layers, channels, dropout, encoder, decoder as for ``VAE``, but the encoder
    gives (B, L). ``loss`` is the squared error, summed over an example, of pixels scaled to 0..1.
    """

    unit = "squared error, summed over an example"

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 2,
        *,
        levels: int | None = None,
        network: str = "mlp",
        hidden: int = 128,
        layers: int = 1,
        channels: int = 16,
        dropout: float = 0.0,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ):
        super().__init__()
        whole(latent=latent)
        whole(2, levels=levels)
        self.shape, self.latent, self.levels = as_shape(shape), latent, levels
        how: dict[str, Any] = {
            "network": network,
            "hidden": hidden,
            "layers": layers,
            "channels": channels,
            "dropout": dropout,
        }
        check_used(Autoencoder, encoder, decoder, **how)
        self.takes_flat = encoder is None and network == "mlp"
        self.encoder = make_encoder(self.shape, latent, **how) if encoder is None else encoder
        self.decoder = make_decoder(latent, self.shape, 1, **how) if decoder is None else decoder

    def encode(self, x: Tensor) -> Tensor:
        """The codes, (B, *shape) -> (B, L)."""
        h = 2 * self.scaled(x) - 1 if self.levels else self.scaled(x)  # -1..1, as networks like it
        return self.encoder(h.flatten(1) if self.takes_flat else h)

    def decode(self, z: Tensor) -> Tensor:
        """(..., L) -> (..., *shape): between 0 and 1 where there are levels, else any real number."""
        if z.ndim < 2 or z.shape[-1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this model takes (..., B, {self.latent})")
        h = self.decoder(self.in_precision(z).flatten(0, -2)).reshape(*z.shape[:-1], *self.shape)
        return h.sigmoid() if self.levels else h

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The squared error of a picture, summed over its pixels; the mean over the batch."""
        x, y = self.check_batch(x, y)
        return {"loss": (self(x) - self.scaled(x)).square().flatten(1).sum(1).mean()}

    def mean_layers(self) -> list[nn.Module]:
        """What follows the decoder's layers on the way to pixels, for ``mean_decoder``."""
        return [nn.Sigmoid()] if self.levels else []

    def scaled(self, x: Tensor) -> Tensor:
        """Levels as numbers between 0 and 1; reals as they are. Raises: ValueError for x that does not fit."""
        x = self.check_examples(x)
        return x if self.levels is None else to_unit(x, self.levels, next(self.parameters()).dtype)
