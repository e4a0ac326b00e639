"""Every public model of every family, by name: none comes in without the contracts that all must keep.

What is special to a family, its densities, its bijections, its order, is tested in the family's own file.
"""

import pytest
import torch

from genlib.autoregressive import MADE, GatedPixelCNN, PixelCNN, PixelRNN, Transformer
from genlib.classical import NaiveBayes
from genlib.families import models
from genlib.flow import NICE, AffineCoupling, Compose, Flow, Glow, Logistic, RealNVP, SplineFlow, halves
from genlib.gan import GAN
from genlib.hybrid import PixelVAE
from genlib.model import GenerativeModel
from genlib.nets import Classifier, mlp
from genlib.vae import IWAE, VAE, Autoencoder, LinearGaussianVAE
from tests import contracts

PIXELS, LEVELS, K = (1, 4, 4), 5, 3
# name: a small one, given labels where the model can be; integers where it has levels, else reals.
EVERY = {
    "IWAE": lambda: IWAE(PIXELS, levels=LEVELS, classes=K, likelihood="categorical", hidden=8),
    "MADE": lambda: MADE(PIXELS, LEVELS, K, hidden=16),
    "PixelCNN": lambda: PixelCNN(PIXELS, LEVELS, K, channels=6, layers=1, first_kernel=3),
    "GatedPixelCNN": lambda: GatedPixelCNN(PIXELS, LEVELS, K, channels=6, layers=1, first_kernel=3),
    "PixelRNN": lambda: PixelRNN(PIXELS, LEVELS, K, channels=6, layers=1, first_kernel=3),
    "Transformer": lambda: Transformer(PIXELS, LEVELS, K, width=8, layers=1, heads=2),
    "NaiveBayes": lambda: NaiveBayes(PIXELS, LEVELS, K),
    "Flow": lambda: Flow(Compose(AffineCoupling(halves(2), mlp(1, 2, hidden=8))), Logistic(2)),
    "NICE": lambda: NICE((2,), classes=K, hidden=8),
    "RealNVP": lambda: RealNVP((2,), classes=K, couplings=2, hidden=8),
    "SplineFlow": lambda: SplineFlow((2,), classes=K, couplings=2, hidden=8, bins=4),
    "Glow": lambda: Glow(PIXELS, classes=K, depth=1, channels=4),
    "GAN": lambda: GAN(PIXELS, levels=256, classes=K, hidden=16),
    "Classifier": lambda: Classifier((1, 4, 4), LEVELS, K, channels=8, width=16),
    "VAE": lambda: VAE(PIXELS, levels=LEVELS, classes=K, likelihood="categorical", hidden=8),
    "Autoencoder": lambda: Autoencoder(PIXELS, levels=LEVELS, hidden=8),
    "PixelVAE": lambda: PixelVAE(PIXELS, 2, LEVELS, channels=6, layers=1, first_kernel=3, hidden=8),
    "LinearGaussianVAE": lambda: LinearGaussianVAE((4,), 2),
}


def example(name):
    """(model, x, y)."""
    torch.manual_seed(0)
    model, generator = EVERY[name](), torch.Generator().manual_seed(1)
    if model.levels is None:
        x = torch.randn(32, *model.shape, generator=generator)
    else:
        x = torch.randint(model.levels, (32, *model.shape), generator=generator)
    return model, x, None if model.classes is None else torch.arange(32) % model.classes


def test_every_public_model_is_here():
    assert set(EVERY) == set(models()), "a model without the contracts of all models: write it into EVERY"
    assert all(type(EVERY[name]()) is kind for name, kind in models().items())


@pytest.mark.parametrize("name", EVERY)
def test_bad_input_is_refused_in_the_words_of_all(name):
    contracts.refuses_bad_input(*example(name))


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_is_trained(name):
    contracts.gradients_reach_every_parameter(*example(name))


@pytest.mark.parametrize("name", EVERY)
def test_all_randomness_can_be_seeded(name):
    model, x, y = example(name)
    if isinstance(model, GenerativeModel):
        with_loss = type(model).loss is not GenerativeModel.loss
        contracts.same_seed_same_result(model, *(x, y) if with_loss and model.levels is None else ())


@pytest.mark.parametrize("name", EVERY)
def test_samples_look_like_data(name):
    model, x, y = example(name)
    if isinstance(model, GenerativeModel):
        drawn = model.eval().sample(8, None if y is None else y[:8])
        assert drawn.shape == (8, *model.shape)
        assert drawn.dtype == x.dtype
