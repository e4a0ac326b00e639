r"""DCGAN: the GAN of pictures whose two networks are plain convolutions, and the five tricks that made it train.

.. math:: z \xrightarrow{\text{linear}} 7 \times 7 \xrightarrow{\text{transposed convolution}} 14 \times 14
          \xrightarrow{\text{transposed convolution}} 28 \times 28

The tricks stand in dcgan_networks.py, each as an argument. The game is the one of ``GAN``.

Reference: Radford, Metz, Chintala. Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks. 2016. arXiv:1511.06434
"""

from typing import Any

from genlib.arguments import as_picture, instance, needed, share, truth, whole
from genlib.condition import Condition, as_condition
from genlib.gan.dcgan_networks import ACTIVATIONS, dcgan_discriminator, dcgan_generator
from genlib.gan.gan import GAN
from genlib.gan.judges import JUDGES, judge_of
from genlib.gan.networks import spectrally_normalised
from genlib.gan.regularisers import Regulariser


class DCGAN(GAN):
    """A GAN with the networks of the paper, small: for pictures of 8x8 to 32x32.

    Arguments: shape (C, H, W), halved ``stages`` times; latent; channels of the generator's last and the
    discriminator's first hidden planes. The tricks, to be taken away: norm_generator, norm_discriminator, batch
    normalisation (of the discriminator unless told otherwise where it judges each example by itself: not with a penalty
    of slopes, not with spectral norm); resampling, "stride", or "nearest" for copied pixels and pooling; activation of
    the generator, "relu" or "tanh"; tanh, whether the generator ends in one; slope of the discriminator's LeakyReLU, 0
    for ReLU. For fully connected networks take ``GAN(network="mlp", batch_norm=True)``. All others as for ``GAN``; data
    without levels are pixels in -1..1.
    A start for small pictures: Adam, β = (.5, .999), lr 1e-3 that falls over the second half, batches of 64, averaged
    weights (ema=.99), no limit of the gradient's norm.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 32,
        *,
        levels: int | None = None,
        classes: int | None = None,
        condition: Condition | None = None,
        judge: str = "product",
        channels: int = 16,
        stages: int = 2,
        norm_generator: bool = True,
        norm_discriminator: bool | None = None,
        resampling: str = "stride",
        activation: str = "relu",
        tanh: bool = True,
        slope: float = 0.2,
        spectral: bool = False,
        loss: str = "non-saturating",
        regulariser: Regulariser | None = None,
        noise: float = 0.0,
        updates: int = 1,
        lr_generator: float | None = None,
        lr_discriminator: float | None = None,
    ):
        whole(latent=latent, channels=channels, stages=stages)
        whole(2, levels=levels)
        truth(norm_generator=norm_generator, tanh=tanh, spectral=spectral)
        needed(latent=latent, channels=channels, stages=stages)
        share(slope=slope)
        instance(Regulariser, regulariser=regulariser)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation={activation!r} is not one of {', '.join(ACTIVATIONS)}")
        alone = spectral or (regulariser is not None and regulariser.alone)
        norm = _norm_of(norm_discriminator, alone)
        C, H, W = as_picture(shape)
        given = as_condition(classes, condition)
        width = 0 if given is None else given.width
        how = JUDGES["blind"] if given is None else judge_of(judge)
        both: dict[str, Any] = {
            "channels": channels,
            "stages": stages,
            "resampling": resampling,
            "unit": levels is not None,
        }
        maker = dcgan_generator(
            latent + width, (C, H, W), batch_norm=norm_generator, activation=activation, tanh=tanh, **both
        )
        seen = (C + width * how.told, H, W)
        critic = dcgan_discriminator(seen, how.outputs(width), batch_norm=norm, slope=slope, **both)
        super().__init__(
            shape,
            latent,
            levels=levels,
            condition=given,
            judge=judge,
            generator=maker,
            discriminator=spectrally_normalised(critic) if spectral else critic,
            loss=loss,
            regulariser=regulariser,
            noise=noise,
            updates=updates,
            lr_generator=lr_generator,
            lr_discriminator=lr_discriminator,
        )


def _norm_of(asked: bool | None, alone: bool) -> bool:
    """Whether the discriminator has batch normalisation. Raises: ValueError where it must not."""
    if asked is None:
        return not alone
    truth(norm_discriminator=asked)
    if asked and alone:
        raise ValueError(
            "norm_discriminator=True mixes the examples of a batch; a penalty of slopes, and spectral norm, are about "
            "a discriminator that judges each example by itself"
        )
    return asked
