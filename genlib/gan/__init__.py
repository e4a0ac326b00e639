"""Generative adversarial networks: two players, and no density."""

from genlib.gan import losses, theory
from genlib.gan.acgan import ACGAN
from genlib.gan.cyclegan import CycleGAN
from genlib.gan.dcgan import DCGAN
from genlib.gan.dcgan_networks import dcgan_discriminator, dcgan_generator
from genlib.gan.gan import GAN
from genlib.gan.infogan import Codes, InfoGAN
from genlib.gan.judges import JUDGES, Judge
from genlib.gan.losses import KINDS, discriminator_loss, generator_loss
from genlib.gan.networks import spectrally_normalised
from genlib.gan.regularisers import R1, GradientPenalty, InstanceNoise, Regulariser, WeightClip, gradient_penalty, r1
from genlib.gan.theory import jensen_shannon, kl, optimal_discriminator, value, wasserstein_1d
from genlib.gan.translators import FakeHistory

__all__ = [
    "ACGAN",
    "DCGAN",
    "GAN",
    "JUDGES",
    "KINDS",
    "R1",
    "Codes",
    "CycleGAN",
    "FakeHistory",
    "GradientPenalty",
    "InfoGAN",
    "InstanceNoise",
    "Judge",
    "Regulariser",
    "WeightClip",
    "dcgan_discriminator",
    "dcgan_generator",
    "discriminator_loss",
    "generator_loss",
    "gradient_penalty",
    "jensen_shannon",
    "kl",
    "losses",
    "optimal_discriminator",
    "r1",
    "spectrally_normalised",
    "theory",
    "value",
    "wasserstein_1d",
]
