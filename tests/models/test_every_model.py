"""Every public model of every family, by name: none comes in without the contracts that all must keep.

What is special to a family, its densities, its bijections, its order, is tested in the family's own file.
"""

import pytest
import safetensors.torch
import torch

from genlib.autoregressive import MADE, GatedPixelCNN, PixelCNN, PixelRNN, Transformer, WaveNet
from genlib.classical import NaiveBayes
from genlib.condition import Images, Tokens
from genlib.diffusion import DDPM, ConsistencyModel, FlowMatching, MaskedDiffusion, MeanFlow, Noise, Reflow
from genlib.families import models
from genlib.flow import (
    IAF,
    MAF,
    NICE,
    AffineCoupling,
    Compose,
    Flow,
    Glow,
    Logistic,
    RealNVP,
    SplineFlow,
    WaveGlow,
    halves,
)
from genlib.gan import ACGAN, DCGAN, GAN, CycleGAN, InfoGAN
from genlib.hybrid import CVAEGAN, IAFVAE, VQGAN, FlowPriorVAE, LatentDiffusion, PixelVAE, TextToImage, TokenPrior
from genlib.model import GenerativeModel
from genlib.nets import Classifier, Contrastive, mlp
from genlib.vae import IWAE, VAE, Autoencoder, LinearGaussianVAE
from genlib.vq import VQVAE, GumbelVAE, Quantizer
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
    "WaveNet": lambda: WaveNet((1, 12), LEVELS, K, channels=6, dilations=(1, 2)),
    "NaiveBayes": lambda: NaiveBayes(PIXELS, LEVELS, K),
    "Flow": lambda: Flow(Compose(AffineCoupling(halves(2), mlp(1, 2, hidden=8))), Logistic(2)),
    "NICE": lambda: NICE((2,), classes=K, hidden=8),
    "RealNVP": lambda: RealNVP((2,), classes=K, couplings=2, hidden=8),
    "SplineFlow": lambda: SplineFlow((2,), classes=K, couplings=2, hidden=8, bins=4),
    "MAF": lambda: MAF((2,), classes=K, depth=2, hidden=8),
    "IAF": lambda: IAF((2,), classes=K, depth=2, hidden=8),
    "WaveGlow": lambda: WaveGlow((1, 16), K, vector=4, depth=2, early=1, channels=4, dilations=(1, 2)),
    "Glow": lambda: Glow(PIXELS, classes=K, depth=1, channels=4),
    "GAN": lambda: GAN(PIXELS, levels=256, classes=K, hidden=16),
    "DCGAN": lambda: DCGAN(PIXELS, 3, levels=256, classes=K, channels=4, stages=1),
    "ACGAN": lambda: ACGAN(PIXELS, levels=256, classes=K, hidden=16),
    "InfoGAN": lambda: InfoGAN(PIXELS, 2, categories=3, values=1, levels=256, classes=K, hidden=16),
    "CycleGAN": lambda: CycleGAN((1, 8, 8), levels=LEVELS, channels=4, blocks=1, history=0),
    "CVAEGAN": lambda: CVAEGAN(PIXELS, 2, levels=LEVELS, classes=K, hidden=16),
    "DDPM": lambda: DDPM(PIXELS, LEVELS, K, network="unet", channels=(4, 8), drop=0.5),
    "FlowMatching": lambda: FlowMatching(PIXELS, LEVELS, K, network="unet", channels=(4, 8), drop=0.5),
    "Reflow": lambda: Reflow(PIXELS, hidden=8, layers=1),
    "MeanFlow": lambda: MeanFlow(PIXELS, LEVELS, K, hidden=8, layers=1),
    "ConsistencyModel": lambda: ConsistencyModel(PIXELS, LEVELS, K, hidden=8, layers=1),
    "MaskedDiffusion": lambda: MaskedDiffusion(PIXELS, LEVELS, K, width=8, layers=1, heads=2),
    "Contrastive": lambda: Contrastive(PIXELS, LEVELS, K, channels=8, width=16),
    "Classifier": lambda: Classifier((1, 4, 4), LEVELS, K, channels=8, width=16),
    "VAE": lambda: VAE(PIXELS, levels=LEVELS, classes=K, likelihood="categorical", hidden=8),
    "Autoencoder": lambda: Autoencoder(PIXELS, levels=LEVELS, hidden=8),
    "FlowPriorVAE": lambda: FlowPriorVAE(PIXELS, 2, classes=K, couplings=2, units=8, hidden=8),
    "IAFVAE": lambda: IAFVAE(PIXELS, 2, classes=K, steps=2, units=8, hidden=8),
    "PixelVAE": lambda: PixelVAE(PIXELS, 2, LEVELS, channels=6, layers=1, first_kernel=3, hidden=8),
    "LinearGaussianVAE": lambda: LinearGaussianVAE((4,), 2),
    "VQVAE": lambda: VQVAE(PIXELS, 6, "categorical", levels=LEVELS, dim=3, channels=4, stages=1),
    "VQGAN": lambda: VQGAN(PIXELS, 6, "categorical", levels=LEVELS, dim=3, channels=4, stages=1, critic=4),
    "GumbelVAE": lambda: GumbelVAE(PIXELS, 6, "categorical", levels=LEVELS, dim=3, channels=4, stages=1),
}
EVERY["LatentDiffusion"] = lambda: LatentDiffusion(VAE(PIXELS, 3, hidden=8), DDPM((3,), None, K, hidden=8, drop=0.5))
EVERY["TextToImage"] = lambda: TextToImage(EVERY["VQVAE"](), Tokens(3, 7), width=8, layers=1, heads=2)
EVERY["TokenPrior"] = lambda: TokenPrior(EVERY["VQVAE"](), MADE((4,), 6, K, hidden=16))


def example(name, make=None):
    """(model, x, y)."""
    torch.manual_seed(0)
    model, generator = (make or EVERY[name])(), torch.Generator().manual_seed(1)
    if model.levels is None:
        x = torch.randn(32, *model.shape, generator=generator)
    else:
        x = torch.randint(model.levels, (32, *model.shape), generator=generator)
    if isinstance(model.condition, Images):  # the other domain
        return model, x, x.flip(0)
    if isinstance(model.condition, Noise):
        return model, x, torch.randn(x.shape, generator=generator)
    if isinstance(model.condition, Tokens):
        return model, x, torch.randint(model.condition.vocabulary, (32, model.condition.length), generator=generator)
    return model, x, None if model.classes is None else torch.arange(32) % model.classes


def test_every_public_model_is_here():
    assert set(EVERY) == set(models()), "a model without the contracts of all models: write it into EVERY"
    assert all(type(EVERY[name]()) is kind for name, kind in models().items())


@pytest.mark.parametrize("name", EVERY)
def test_bad_input_is_refused_in_the_words_of_all(name):
    contracts.refuses_bad_input(*example(name))


@pytest.mark.parametrize("name", EVERY)
def test_integers_and_reals_of_every_dtype_are_taken(name):
    contracts.takes_every_dtype(*example(name))


@pytest.mark.parametrize("make", [lambda: MADE(PIXELS, 2, 2, hidden=8), lambda: VAE(PIXELS, classes=2, hidden=8)])
def test_truth_values_are_pixels_and_labels(make):
    contracts.takes_every_dtype(make(), torch.arange(64).view(4, *PIXELS) % 3 % 2, torch.tensor([0, 1, 1, 0]))


@pytest.mark.parametrize("name", EVERY)
def test_no_examples_and_less(name):
    contracts.handles_none(*example(name))


MORE = {
    "RealNVP of pixels": lambda: RealNVP(PIXELS, LEVELS, couplings=2, hidden=8),
    "NICE of pixels": lambda: NICE(PIXELS, LEVELS, couplings=2, hidden=8),
    "SplineFlow of pixels": lambda: SplineFlow(PIXELS, LEVELS, couplings=2, hidden=8, bins=4),
    "VAE of reals": lambda: VAE((3,), likelihood="gaussian", hidden=8),
    "VQVAE of reals": lambda: VQVAE(PIXELS, likelihood="gaussian", quantizer=Quantizer(6, 3), channels=4, stages=1),
}


@pytest.mark.parametrize("name", [*EVERY, *MORE])
def test_a_density_is_never_nan(name):
    contracts.never_nan(*example(name, MORE.get(name)))


@pytest.mark.parametrize("levels", [None, 17])
def test_beyond_its_pixels_a_flow_has_no_density_and_no_latents(levels):
    flow = Glow((1, 4, 4), levels, depth=1, channels=4, scales=1)
    x = torch.full((3, 1, 4, 4), 8.5)
    x[1, 0, 0, 0], x[2] = 40, -17
    log_p = flow.log_prob(x)
    assert log_p.isfinite().tolist() == ([True] * 3 if levels is None else [True, False, False])
    if levels is not None:
        assert log_p[1:].tolist() == [-torch.inf] * 2
        with pytest.raises(ValueError, match="x has no latents here"):
            flow.to_latent(x)


@pytest.mark.parametrize("name", EVERY)
def test_labels_that_there_are_not_are_refused_by_whatever_takes_some(name):
    """−1 must not draw the last class, nor nothing at all; also through the parts that a lecture calls by hand."""
    model, x, y = example(name)
    if model.classes is None:
        return
    z = torch.zeros(len(x), getattr(model, "latent", 2))
    takes = {
        "loss": lambda y: [player.loss(x, y) for player in model.players()],
        "forward": lambda y: model(x, y) if isinstance(model, GenerativeModel) and model.levels else model.loss(x, y),
        "sample": lambda y: model.sample(len(y), y),
        "decode": lambda y: model.decode(z, y),
        "encode": lambda y: model.encode(x, y),
        "generate": lambda y: model.generate(z, y),
        "discriminate": lambda y: model.discriminate(x.float(), y),
        "guess": lambda y: model(x.float(), 0.5, y),
        "to latents": lambda y: model(x, y),
        "from latents": lambda y: model.inverse(x.flatten(1), y),
    }
    own = {"encode": (VAE, IWAE), "decode": (VAE, IWAE), "generate": (GAN,), "discriminate": (GAN,)}
    own |= {
        "guess": (DDPM, FlowMatching, MeanFlow, ConsistencyModel),
        "to latents": (WaveGlow,),
        "from latents": (WaveGlow,),
    }
    own |= {"sample": (GenerativeModel,), "forward": (MADE, PixelCNN, GatedPixelCNN, PixelRNN, Transformer, VAE)}
    for what, take in takes.items():
        if not isinstance(model, own.get(what, type(model))):
            continue
        for bad in (y - 1, y + 1, torch.full_like(y, 10**6)):
            with pytest.raises(ValueError, match=r"y holds .*; pass integers 0"):
                take(bad)


@pytest.mark.parametrize("name", EVERY)
def test_weights_are_kept_by_safetensors_and_lie_flat(name):
    model, *_ = example(name)
    saved = safetensors.torch.save(dict(model.state_dict()))
    again = EVERY[name]()
    again.load_state_dict(safetensors.torch.load(saved))
    for (key, value), other in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(value, other), key
    flat = torch.nn.utils.parameters_to_vector(model.parameters())
    torch.nn.utils.vector_to_parameters(flat + 1, again.parameters())
    assert torch.allclose(torch.nn.utils.parameters_to_vector(again.parameters()), flat + 1)


def test_weights_of_compiled_models_fit_uncompiled_ones_and_back():
    def decoder(model):
        model.decoder = torch.compile(model.decoder)
        return model

    torch.manual_seed(0)
    plain, inside = VAE((3,), hidden=4), decoder(VAE((3,), hidden=4))
    whole = torch.compile(VAE((3,), hidden=4))
    assert any("_orig_mod." in name for name in whole.state_dict())
    for source in (whole, inside, plain):
        for target in (VAE((3,), hidden=4), decoder(VAE((3,), hidden=4)), VAE((3,), hidden=4)):
            target.load_state_dict(source.state_dict())
            for mine, theirs in zip(target.parameters(), source.parameters(), strict=True):
                assert torch.equal(mine, theirs)
    with pytest.raises(RuntimeError, match="Missing key"):
        plain.load_state_dict({"_orig_mod.nothing": torch.zeros(1)})


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
