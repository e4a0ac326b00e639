"""No argument is ignored: every argument of every constructor changes something, or is refused in one line of words.

The signatures are walked, so that a new argument needs its line in CHANGED; what it means is tested in its family.
"""

import inspect
import math

import pytest
import torch
from torch import Tensor, nn

from genlib.autoregressive import MADE
from genlib.condition import Images, Labels, Tokens
from genlib.diffusion import DDPM, Cosine, FlowMatching, Noise
from genlib.families import models
from genlib.flow import AffineCoupling, Compose, Flow, Logistic, Permute, halves
from genlib.gan import R1
from genlib.launch import arguments_of
from genlib.model import GenerativeModel
from genlib.nets import Classifier, mlp
from genlib.noise import StandardNormal
from genlib.vae import VAE, Gaussian
from genlib.vq import FSQ, VQVAE

PIXELS = (1, 4, 4)


class Narrow(nn.Module):
    """Another prior, half as wide."""

    classes = None

    def __init__(self, D):
        super().__init__()
        self.D, self.normal = D, StandardNormal(D)

    def log_prob(self, z, y=None):
        return self.normal.log_prob(2 * z) + self.D * math.log(2)

    def sample(self, n, y=None, *, temperature=1.0, generator=None):
        return self.normal.sample(n, temperature=temperature, generator=generator) / 2


class Middle(nn.Module):
    """Noise of a dequantization that is none: the middle of every cell."""

    def forward(self, v):
        return v + 0.5, torch.zeros(len(v))


class OwnDenoiser(nn.Module):
    """Another network: it hears nothing."""

    def __init__(self):
        super().__init__()
        self.net = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x, features):
        return self.net(x)


def layer():
    return AffineCoupling(halves(2), mlp(1, 2, hidden=4))


def flat(inputs, outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


CONV = {"network": "conv", "channels": 4}
UNET = {"network": "unet", "channels": (8,)}
OWN = {"encoder": flat(16, 4), "decoder": nn.Linear(2, 16)}
OF_VAE = {
    "shape": (1, 4, 8), "latent": 3, "likelihood": "gaussian",
    "levels": ({"likelihood": "categorical", "levels": 3}, 4),
    "classes": 3, "condition": Labels(3), "network": "conv", "hidden": 5, "layers": 2, "channels": (CONV, 8),
    "dropout": 0.5, "encoder": flat(16, 4), "decoder": nn.Linear(2, 16), "prior": Narrow(2), "beta": 0.5,
    "free_bits": 50.0,
}  # fmt: skip
OF_FLOW = {"shape": (1, 4, 8), "levels": 3, "classes": 3, "alpha": ({"levels": 3}, 0.1)}
OF_COUPLINGS = OF_FLOW | {"couplings": 3, "hidden": 5, "layers": 1, "dropout": 0.5}
OF_STEPS = OF_FLOW | {"depth": 2, "hidden": 9, "layers": 1, "bound": 1.0}
OF_PIXELS = {"shape": (1, 4, 5), "levels": 3, "classes": 3, "condition": Images((1, 2, 2)), "layers": 2}
OF_CNN = OF_PIXELS | {"channels": 6, "kernel": 5, "first_kernel": 5, "positions": False, "dropout": 0.5}
# What a model is offered by the class above it and refuses; that it does is tested below.
REFUSED = {"IWAE": {"beta", "free_bits"}, "FlowPriorVAE": {"prior", "free_bits"}, "IAFVAE": {"free_bits"}}
GAMES = {
    "shape": (1, 4, 8), "latent": 3, "levels": 3, "classes": 3, "condition": Labels(3), "network": "conv", "hidden": 5,
    "layers": 1, "channels": (CONV, 8), "stages": (CONV, 1), "spectral": True, "generator": nn.Linear(2, 16),
    "discriminator": flat(16, 1), "loss": "wasserstein", "regulariser": R1(2.0), "noise": 0.5, "updates": 3,
    "lr_generator": 0.1, "lr_discriminator": 0.1, "judge": ({"classes": 3}, "concatenation"), "batch_norm": True,
    "dropout": 0.5,
}  # fmt: skip
ONLY_OF_GAN = ("network", "hidden", "layers", "batch_norm", "dropout", "generator", "discriminator")
TRICKS = {
    "norm_generator": False, "norm_discriminator": False, "resampling": "nearest", "activation": "tanh", "tanh": False,
    "slope": 0.0,
}  # fmt: skip
HIDDEN = ({"classes": 3}, 0.5)
ON_A_PATH = {
    "shape": (1, 4, 8), "levels": 3, "classes": 3, "condition": Images((1, 2, 2)), "path": Cosine(),
    "network": OwnDenoiser(), "hidden": 5, "layers": 2, "channels": (UNET, (4,)), "dropout": 0.5,
}  # fmt: skip
OF_DATA = ("levels", "classes", "condition")
# For each model the arguments of a small one, and another value for each argument; with other arguments beside it,
# where it takes those to matter: (beside, value).
CHANGED = {
    "VAE": ({"shape": PIXELS, "hidden": 4}, OF_VAE),
    "IWAE": (
        {"shape": PIXELS, "hidden": 4},
        {k: v for k, v in OF_VAE.items() if k not in ("beta", "free_bits")}
        | {"k": 3, "doubly_reparameterized": ({"k": 3}, True)},
    ),
    "FlowPriorVAE": (
        {"shape": PIXELS, "latent": 2, "hidden": 4, "couplings": 1, "units": 4},
        {k: v for k, v in OF_VAE.items() if k not in ("prior", "free_bits")} | {"couplings": 2, "units": 5},
    ),
    "IAFVAE": (
        {"shape": PIXELS, "latent": 2, "hidden": 4, "steps": 1, "units": 4},
        {k: v for k, v in OF_VAE.items() if k != "free_bits"} | {"steps": 2, "units": 5},
    ),
    "PixelVAE": (
        {"shape": PIXELS, "latent": 2, "channels": 4, "layers": 1, "hidden": 4},
        {k: v for k, v in OF_CNN.items() if k not in ("classes", "condition", "positions")}
        | {"latent": 3, "hidden": 5, "encoder_layers": 2, "beta": 0.5, "free_bits": 50.0, "prior": Narrow(2)},
    ),
    "LinearGaussianVAE": ({"shape": (4,)}, {"shape": (5,), "latent": 3, "scale": 2.0, "beta": 0.5}),
    "Autoencoder": (
        {"shape": PIXELS, "hidden": 4},
        {
            k: v
            for k, v in OF_VAE.items()
            if k not in ("likelihood", "classes", "condition", "prior", "beta", "free_bits")
        }
        | {"levels": 3, "encoder": flat(16, 2)},
    ),
    "MADE": (
        {"shape": PIXELS, "hidden": 4},
        OF_PIXELS | {"hidden": 5, "order": list(range(15, -1, -1)), "dropout": 0.5, "input_dropout": 0.5},
    ),
    "PixelCNN": ({"shape": PIXELS, "channels": 4, "layers": 1}, OF_CNN | {"first_mask": "B", "mask": "A"}),
    "GatedPixelCNN": ({"shape": PIXELS, "channels": 4, "layers": 1}, OF_CNN),
    "PixelRNN": (
        {"shape": PIXELS, "channels": 4, "layers": 1},
        OF_PIXELS | {"channels": 6, "recurrence": "raster", "first_kernel": 5, "positions": False},
    ),
    "Transformer": (
        {"shape": PIXELS, "width": 4, "layers": 1, "heads": 2},
        OF_PIXELS | {"width": 8, "heads": 4, "end": 1, "dropout": 0.5},
    ),
    "WaveNet": (
        {"shape": (1, 8), "levels": 2, "channels": 4, "dilations": (1, 2)},
        {
            "shape": (1, 12),
            "levels": 3,
            "classes": 3,
            "condition": Images((1, 2, 4)),
            "channels": 6,
            "dilations": [1, 3],
        },
    ),
    "NaiveBayes": ({"shape": PIXELS, "levels": 2}, {"shape": (1, 4, 5), "levels": 3, "classes": 3}),
    "Classifier": (
        {"shape": PIXELS, "levels": 2, "classes": 2, "channels": 4},
        {"shape": (1, 4, 5), "levels": 3, "classes": 3, "channels": 8, "width": 5},
    ),
    "Flow": (
        {"bijection": layer(), "base": Logistic(2)},
        {
            "bijection": Compose(layer(), Permute(torch.tensor([1, 0]))),
            "base": Narrow(2),
            "shape": ({"bijection": Compose(layer())}, (2,)),  # it is the base's already: see below
            "levels": 3,
            "noise": ({"levels": 3}, Middle()),
        },
    ),
    "MAF": ({"shape": PIXELS, "depth": 1, "hidden": 8}, OF_STEPS),
    "IAF": ({"shape": PIXELS, "depth": 1, "hidden": 8}, OF_STEPS),
    "NICE": ({"shape": PIXELS, "couplings": 2, "hidden": 4}, OF_COUPLINGS),
    "RealNVP": ({"shape": PIXELS, "couplings": 2, "hidden": 4}, OF_COUPLINGS | {"bound": 1.0}),
    "SplineFlow": ({"shape": PIXELS, "couplings": 2, "hidden": 4}, OF_COUPLINGS | {"bins": 4, "bound": 2.0}),
    "Glow": (
        {"shape": PIXELS, "depth": 1, "channels": 4, "scales": 1},
        OF_FLOW
        | {"scales": 2, "depth": 2, "channels": 8, "bound": 1.0}
        | {"variational": ({"levels": 3}, True), "reversible": True},
    ),
    "WaveGlow": (
        {"shape": (1, 24), "vector": 4, "depth": 2, "early": 1, "channels": 4, "dilations": (1, 2)},
        {
            "shape": (1, 48),
            "classes": 3,
            "condition": Images((1, 2, 4)),
            "vector": 6,
            "depth": ({"early": None}, 3),
            "early": None,
            "channels": 6,
            "dilations": [1, 3],
            "bound": 1.0,
        },
    ),
    "DDPM": (
        {"shape": PIXELS},
        {
            "shape": (1, 4, 8),
            "levels": 3,
            "classes": 3,
            "condition": Images((1, 2, 2)),
            "schedule": Cosine(),
            "predicts": "v",
            "weighting": "bound",
            "network": OwnDenoiser(),
            "hidden": 5,
            "layers": 2,
            "channels": (UNET, (4,)),
            "dropout": 0.5,
            "drop": ({"classes": 3}, 0.5),
            "data_scale": 2.0,
            "T": 4,
        },
    ),
    "FlowMatching": ({"shape": PIXELS}, ON_A_PATH | {"coupling": "transport", "times": "middle", "drop": HIDDEN}),
    "Reflow": ({"shape": PIXELS}, {k: v for k, v in ON_A_PATH.items() if k not in OF_DATA} | {"times": "middle"}),
    "MeanFlow": ({"shape": PIXELS}, ON_A_PATH | {"times": "middle", "same": 0.1, "power": 0.5}),
    "ConsistencyModel": (
        {"shape": PIXELS},
        ON_A_PATH | {"teacher": FlowMatching(PIXELS, hidden=4, layers=1), "rungs": 4, "huber": 1.0},
    ),
    "MaskedDiffusion": (
        {"shape": PIXELS, "width": 8, "layers": 1, "heads": 2},
        {
            "shape": (1, 4, 5),
            "levels": 3,
            "classes": 3,
            "condition": Images((1, 2, 2)),
            "width": 12,
            "layers": 2,
            "heads": 4,
            "dropout": 0.5,
        },
    ),
    "GAN": ({"shape": PIXELS, "hidden": 4}, GAMES),
    "DCGAN": (
        {"shape": PIXELS, "latent": 2, "channels": 4},
        {k: v for k, v in GAMES.items() if k not in ONLY_OF_GAN} | TRICKS | {"channels": 8, "stages": 1},
    ),
    "ACGAN": (
        {"shape": PIXELS, "classes": 4, "hidden": 4},
        GAMES
        | {"weight": 2.0, "judge": "projection", "condition": ({"classes": None, "condition": Labels(4)}, Labels(3))}
        | {"generator": nn.Linear(6, 16), "discriminator": flat(16, 5)},
    ),
    "CycleGAN": (
        {"shape": (1, 8, 8)},
        {
            "shape": (1, 8, 12),
            "levels": 3,
            "network": "mlp",
            "channels": 8,
            "blocks": 1,
            "hidden": ({"network": "mlp"}, 5),
            "layers": ({"network": "mlp"}, 1),
            "loss": "hinge",
            "regulariser": R1(2.0),
            "cycle": 2.0,
            "identity": 1.0,
            "history": 3,
            "lr_translators": 0.1,
            "lr_discriminators": 0.1,
        },
    ),
    "CVAEGAN": (
        {"shape": PIXELS, "latent": 2, "classes": 4, "hidden": 8},
        {
            "shape": (1, 4, 8),
            "latent": 3,
            "levels": 3,
            "classes": 3,
            "condition": ({"classes": None, "condition": Labels(4)}, Labels(3)),
            "judge": "product",
            "hidden": 5,
            "layers": 1,
            "dropout": 0.5,
            "scale": 0.2,
            "features": 1.0,
            "matching": 1.0,
            "adversarial": 1.0,
            "lr_maker": 0.1,
            "lr_discriminator": 0.1,
            "lr_classifier": 0.1,
        },
    ),
    "InfoGAN": (
        {"shape": PIXELS, "latent": 2, "categories": 3, "values": 1, "hidden": 4},
        GAMES
        | {"categories": 4, "values": 2, "weight": 2.0, "scale": 0.2}
        | {"generator": nn.Linear(6, 16), "discriminator": flat(16, 5)},
    ),
}


def places(planes):
    """A network (B, 1, 4, 4) -> (B, planes, 4, 4): each pixel is a token."""
    return nn.Conv2d(1, planes, 1)


OF_TOKENS = {
    "shape": (1, 4, 8), "codes": 6, "likelihood": "gaussian",
    "levels": ({"likelihood": "categorical", "levels": 3}, 4), "dim": 3, "beta": 2.0, "channels": 8, "stages": 2,
    "decoder": nn.Sequential(nn.Flatten(), nn.Linear(8, 16)),
}  # fmt: skip
SMALL_TOKENS = {"shape": PIXELS, "codes": 5, "dim": 2, "channels": 4, "stages": 1}
CHANGED |= {
    "VQVAE": (
        SMALL_TOKENS,
        OF_TOKENS
        | {"encoder": nn.Sequential(places(2), nn.AvgPool2d(2)), "quantizer": ({"codes": 128, "dim": 8}, FSQ((3,)))},
    ),
    "GumbelVAE": (
        SMALL_TOKENS,
        OF_TOKENS | {"encoder": nn.Sequential(places(5), nn.AvgPool2d(2)), "temperature": 0.5, "hard": True},
    ),
    "VQGAN": (
        SMALL_TOKENS | {"critic": 4},
        OF_TOKENS
        | {"encoder": nn.Sequential(places(2), nn.AvgPool2d(2)), "quantizer": ({"codes": 128, "dim": 8}, FSQ((3,)))}
        | {
            "judge": Classifier(PIXELS, 2, 3, channels=4),
            "perceptual": ({"judge": Classifier(PIXELS, 2, 3, channels=4)}, 2.0),
            "adversarial": 0.2,
            "adaptive": False,
            "start": 5,
            "critic": 8,
            "lr_critic": 0.1,
        },
    ),
    "TextToImage": (
        {"tokenizer": VQVAE(**SMALL_TOKENS), "condition": Tokens(3, 4), "width": 8, "layers": 1, "heads": 2},
        {
            "tokenizer": VQVAE(**SMALL_TOKENS | {"channels": 8}),
            "condition": Tokens(3, 5),
            "width": 4,
            "layers": 2,
            "heads": 1,
            "dropout": 0.5,
            "words": 2.0,
            "blank": 0.5,
        },
    ),
    "LatentDiffusion": (
        {"coder": VAE(PIXELS, 3, hidden=8), "prior": DDPM((3,), hidden=8)},
        {"coder": VAE(PIXELS, 3, hidden=9), "prior": DDPM((3,), hidden=9)},
    ),
    "Contrastive": (
        {"shape": PIXELS, "levels": 2, "classes": 4, "channels": 4, "width": 8},
        {
            "shape": (1, 4, 5),
            "levels": 3,
            "classes": 3,
            "condition": ({"classes": None, "condition": Labels(4)}, Tokens(2, 3)),
            "channels": 8,
            "width": 5,
            "stages": 1,
        },
    ),
    "TokenPrior": (
        {"tokenizer": VQVAE(**SMALL_TOKENS), "prior": MADE((4,), 5, hidden=8)},
        {"tokenizer": VQVAE(**SMALL_TOKENS | {"channels": 8}), "prior": MADE((4,), 5, hidden=9)},
    ),
}


def built(name, arguments):
    torch.manual_seed(0)
    return models()[name](**arguments)


def given(model):
    """x and y for it."""
    g = torch.Generator().manual_seed(2)
    x = torch.randn(6, *model.shape, generator=g)
    if model.levels is not None:
        x = torch.randint(model.levels, x.shape, generator=g)
    if isinstance(model.condition, Images) and model.condition.levels is not None:
        return x, torch.randint(model.condition.levels, (6, *model.condition.shape), generator=g)
    if isinstance(model.condition, Images):
        return x, torch.rand(6, *model.condition.shape, generator=g)
    if isinstance(model.condition, Noise):
        return x, torch.randn(x.shape, generator=g)
    if isinstance(model.condition, Tokens):
        return x, torch.randint(model.condition.vocabulary, (6, model.condition.length), generator=g)
    return x, None if model.classes is None else torch.arange(6) % model.classes


@torch.no_grad()
def told(model):
    """All that can be seen of a model from outside: its weights' names and shapes, its players, losses, samples."""
    seen = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    g = torch.Generator().manual_seed(3)
    for p in model.parameters():  # a fresh model may hide what it is: its last layers say 0
        p += 0.3 * torch.randn(p.shape, generator=g)
    x, y = given(model)
    for player in model.players():
        torch.manual_seed(1)
        losses = player.loss(x, y)
        seen += [(player.name, player.updates, player.lr), {n: f"{v:.6g}" for n, v in losses.items()}]
        with torch.enable_grad():
            torch.manual_seed(1)
            gradients = torch.autograd.grad(player.loss(x, y)["loss"], list(player.parameters), allow_unused=True)
        seen.append(f"{sum(g.abs().sum() for g in gradients if g is not None):.6g}")
    if isinstance(model, GenerativeModel):
        drawn = model.eval().sample(6, y, generator=torch.Generator().manual_seed(4))
        seen.append((tuple(drawn.shape), f"{drawn.double().sum():.6g}"))
    return seen


def walked():
    return [(name, argument) for name, kind in models().items() for argument in arguments_of(kind)]


def test_every_argument_of_every_model_has_its_line():
    for name, kind in models().items():
        missing = set(arguments_of(kind)) - set(CHANGED[name][1])
        assert missing == REFUSED.get(name, set()), f"{name}: {missing}"


def two_ways(name, argument):
    """The arguments of a small model, and the same with another value of one of them."""
    base, changed = CHANGED[name]
    value = changed[argument]
    beside, value = value if isinstance(value, tuple) and isinstance(value[0], dict) else ({}, value)
    before, after = base | beside, base | beside | {argument: value}
    for arguments in (before, after):
        if "hidden" in base and arguments.get("network") == "conv":
            del arguments["hidden"]  # which convolutions do not have
    return before, after


@pytest.mark.parametrize(("name", "argument"), walked())
def test_every_argument_changes_something(name, argument):
    if argument in REFUSED.get(name, ()) or (name, argument) == ("Flow", "shape"):
        return  # refused, and tested below
    before, after = two_ways(name, argument)
    assert told(built(name, before)) != told(built(name, after)), f"{name}({argument}=…) changes nothing"


# What would change nothing is refused: (model, arguments, the one that is named in the error).
UNUSED = [
    ("VAE", {"channels": 8}, "channels"),
    ("VAE", {"layers": 0, "hidden": 8}, "hidden"),
    ("VAE", {"layers": 0, "dropout": 0.5}, "dropout"),
    *[("VAE", OWN | {name: value}, name) for name, value in (("hidden", 8), ("layers", 2), ("network", "conv"))],
    ("VAE", OWN | {"dropout": 0.5}, "dropout"),
    ("IWAE", {"channels": 8}, "channels"),
    ("Autoencoder", {"channels": 8}, "channels"),
    ("Autoencoder", OWN | {"hidden": 8}, "hidden"),
    ("MADE", {"layers": 0, "hidden": 8}, "hidden"),
    ("MADE", {"layers": 0, "dropout": 0.5}, "dropout"),
    ("PixelCNN", {"layers": 0, "kernel": 5}, "kernel"),
    ("PixelCNN", {"layers": 0, "dropout": 0.1}, "dropout"),
    ("GatedPixelCNN", {"layers": 0, "kernel": 5}, "kernel"),
    ("GatedPixelCNN", {"layers": 0, "classes": 3}, "classes"),
    ("PixelRNN", {"recurrence": "raster", "first_kernel": 5}, "first_kernel"),
    ("Transformer", {"layers": 0, "heads": 2}, "heads"),
    *[(name, {"shape": PIXELS, "alpha": 0.1}, "alpha") for name in ("NICE", "RealNVP", "SplineFlow")],
    ("Glow", {"scales": 1, "alpha": 0.1}, "alpha"),
    *[(name, {"alpha": 0.1}, "alpha") for name in ("MAF", "IAF")],
    ("Glow", {"scales": 1, "variational": True}, "variational"),
    *[(name, {"layers": 0, "hidden": 8}, "hidden") for name in ("NICE", "RealNVP", "SplineFlow")],
    *[(name, {"layers": 0, "dropout": 0.5}, "dropout") for name in ("NICE", "RealNVP", "SplineFlow")],
    ("GAN", {"channels": 8}, "channels"),
    ("GAN", {"stages": 1}, "stages"),
    ("GAN", {"layers": 0, "hidden": 8}, "hidden"),
    ("GAN", CONV | {"hidden": 8}, "hidden"),
    ("GAN", CONV | {"layers": 1}, "layers"),
    ("GAN", {"discriminator": flat(16, 1), "spectral": True}, "spectral"),
    ("GAN", {"discriminator": flat(16, 1), "dropout": 0.5}, "dropout"),
    ("GAN", {"generator": nn.Linear(2, 16), "batch_norm": True}, "batch_norm"),
    ("GAN", {"generator": nn.Linear(2, 16), "discriminator": flat(16, 1), "hidden": 8}, "hidden"),
    ("GAN", CONV | {"batch_norm": True}, "batch_norm"),
    ("GAN", CONV | {"dropout": 0.5}, "dropout"),
    ("GAN", {"network": "dcgan", "channels": 4, "hidden": 8}, "hidden"),
    ("GAN", {"layers": 0, "dropout": 0.5}, "dropout"),
    ("CycleGAN", {"shape": (1, 8, 8), "hidden": 8}, "hidden"),
    ("CycleGAN", {"network": "mlp", "blocks": 3}, "blocks"),
    ("CycleGAN", {"network": "mlp", "layers": 0, "hidden": 8}, "hidden"),
    *[(name, {"judge": "projection"}, "judge") for name in ("GAN", "DCGAN", "InfoGAN")],
]


@pytest.mark.parametrize(("name", "arguments", "unused"), UNUSED)
def test_what_would_change_nothing_is_refused(name, arguments, unused):
    with pytest.raises(ValueError, match=f"^{unused}=.* would change nothing: "):
        models()[name](**{"shape": PIXELS} | arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("IWAE", {"beta": 0.5}, r"beta=0\.5, .* no KL term to weigh"),
        ("IWAE", {"free_bits": 0.5}, r"free_bits=0\.5: .* no KL term to weigh"),
        ("FlowPriorVAE", {"prior": Narrow(8)}, "prior= is one too many: .* is its flow"),
        ("FlowPriorVAE", {"free_bits": 0.5}, r"free_bits=0\.5: .* N\(0, I\) alone"),
        ("IAFVAE", {"free_bits": 0.5}, r"free_bits and .* ask for a Gaussian"),
        ("VAE", {"levels": 17}, "levels=17: .*binary"),
        ("VAE", CONV | {"dropout": 0.5}, 'dropout is there for network="mlp" only'),
        ("VAE", {"classes": 3, "condition": Labels(3)}, "pass one of the two"),
        ("VAE", {"likelihood": Gaussian(), "levels": 17}, "levels=17"),
        ("GAN", {"condition": Labels(3, missing=True)}, "labels that are missing"),
        ("DCGAN", {"regulariser": R1(), "norm_discriminator": True}, "judges each example by itself"),
        ("DCGAN", {"spectral": True, "norm_discriminator": True}, "judges each example by itself"),
        ("CycleGAN", {"shape": (1, 4, 4)}, "of even sides, 8 at least"),
        ("CycleGAN", {"shape": (4, 4), "network": "mlp"}, "translates pictures .* or points"),
        ("CVAEGAN", {}, "CVAEGAN needs the label of every example"),
        ("CVAEGAN", {"condition": Labels(3, missing=True)}, "CVAEGAN needs the label of every example"),
        ("ACGAN", {}, "ACGAN guesses labels: pass classes="),
        ("DDPM", {"drop": 0.1}, "drop=0.1 hides a condition"),
        ("DDPM", {"predicts": "levels"}, "is for integers"),
        ("FlowMatching", {"drop": 0.1}, "drop=0.1 hides a condition"),
        ("FlowMatching", {"condition": Images((1, 2, 2)), "coupling": "transport"}, "no two are the same"),
        ("ConsistencyModel", {"teacher": FlowMatching((3,))}, "the teacher has shape"),
        ("ACGAN", {"condition": Images((1, 2, 2))}, "ACGAN guesses labels"),
        ("ACGAN", {"classes": 3, "judge": "concatenation"}, "would show the discriminator the label"),
        ("InfoGAN", {"categories": 0}, "a code needs 2 categories, or a value"),
        ("InfoGAN", {"categories": 1}, "a code needs 2 categories, or a value"),
    ],
)
def test_what_contradicts_itself_is_refused(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        models()[name](**{"shape": PIXELS} | arguments)


# Nonsense, and the arguments for which it is none.
NONSENSE = {
    "nonsense": set(),
    -1: set(),
    2.5: {
        *(
            "data_scale",
            "power",
            "huber",
            "weight",
            "cycle",
            "identity",
            "features",
            "matching",
            "adversarial",
            "lr_translators",
        ),
        *("lr_discriminators", "lr_maker", "lr_classifier"),
    }
    | {
        "perceptual",
        "lr_critic",
        "words",
        "beta",
        "free_bits",
        "scale",
        "temperature",
        "bound",
        "noise",
        "lr_generator",
        "lr_discriminator",
    },
}


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize(("name", "argument"), walked())
def test_nonsense_is_refused_with_words(name, argument, nonsense):
    if argument in NONSENSE[nonsense]:
        return
    base, changed = CHANGED[name]
    value = changed.get(argument)
    beside = value[0] if isinstance(value, tuple) and isinstance(value[0], dict) else {}
    with pytest.raises(ValueError, match=r"\w+") as refused:
        built(name, base | beside | {argument: nonsense})
    assert "nonsense" not in str(refused.value) or len(str(refused.value)) > 20


def test_the_shape_of_a_flow_is_that_of_its_latents_unless_it_is_told():
    assert Flow(layer(), Logistic(2)).shape == (2,)
    assert Flow(layer(), Logistic(2), shape=(1, 1, 2)).shape == (1, 1, 2)


NAMELESS = ("Flow", "LatentDiffusion", "TextToImage", "TokenPrior")  # which take their shape from their parts


@pytest.mark.parametrize("shape", [3, None, "abc", (), (0, 8, 8), (2.5,), (-1, 8, 8), ("a", "b"), [1, "8", 8]])
@pytest.mark.parametrize("name", [name for name in CHANGED if name not in NAMELESS])
def test_what_is_no_shape_is_told_in_one_way(name, shape):
    with pytest.raises(ValueError, match="give the shape of one example"):
        built(name, CHANGED[name][0] | {"shape": shape})


@pytest.mark.parametrize("name", ["PixelCNN", "GatedPixelCNN", "PixelRNN", "Glow", "Classifier", "DCGAN"])
def test_models_of_pictures_take_no_points(name):
    with pytest.raises(ValueError, match=r"shape \(4,\) is not that of a picture, \(C, H, W\)"):
        built(name, CHANGED[name][0] | {"shape": (4,)})


def test_the_table_holds_no_argument_that_there_is_not():
    for name, (base, changed) in CHANGED.items():
        takes = set(arguments_of(models()[name]))
        assert set(changed) | set(base) <= takes, f"{name}: {sorted((set(changed) | set(base)) - takes)}"
        assert all(isinstance(p, inspect.Parameter) for p in arguments_of(models()[name]).values())
        assert not any(isinstance(v, Tensor) for v in changed.values())


# Numbers that are none ------------------------------------------------------------------------------------------------


def needing(kind):
    """(argument, what it is by default) of those that have a number and may not be None."""
    for name, parameter in arguments_of(kind).items():
        if isinstance(parameter.default, int | float) and "None" not in str(parameter.annotation):
            yield name, parameter.default


@pytest.mark.parametrize("name", models())
def test_none_is_no_number_and_infinity_no_weight(name):
    """Neither is taken for good, to be found out in the middle of a training."""
    walked = list(needing(models()[name]))
    assert walked or name in ("Flow", "NaiveBayes", "Classifier", "LatentDiffusion", "TokenPrior")
    for argument, usual in walked:
        if argument in REFUSED.get(name, ()) or isinstance(usual, bool):
            continue
        with pytest.raises((ValueError, TypeError)):
            built(name, CHANGED[name][0] | {argument: None})
        if isinstance(usual, float):
            with pytest.raises(ValueError, match=argument):
                built(name, CHANGED[name][0] | {argument: math.inf})
            with pytest.raises(ValueError, match=argument):
                built(name, CHANGED[name][0] | {argument: math.nan})


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("VAE", {"likelihood": None}, "likelihood=None: it must be given"),
        ("VAE", {"beta": None}, "beta=None: it must be given"),
        ("IWAE", {"k": None}, "k=None"),
        ("GAN", {"noise": math.inf}, "noise=inf must be finite"),
        ("GAN", {"updates": None}, "updates=None"),
        ("ACGAN", {"weight": math.inf}, "weight=inf must be finite"),
        ("InfoGAN", {"scale": None}, "scale=None"),
        ("CycleGAN", {"identity": None}, "identity=None"),
        ("CVAEGAN", {"matching": math.inf}, "matching=inf must be finite"),
        ("IAFVAE", {"units": None}, "units=None"),
    ],
)
def test_it_is_told_in_one_line(name, arguments, words):
    with pytest.raises(ValueError, match=words) as told:
        built(name, CHANGED[name][0] | arguments)
    assert "\n" not in str(told.value)


# What sampling and bounds are asked for -------------------------------------------------------------------------------

NO_NUMBERS = ("nonsense", -1, math.nan, math.inf)
MAY_BE_NONE = ("top_k", "top_p", "category", "values", "uniforms", "probes", "ranker")


def asked():
    """(name, method, keyword, what it can't be) of what can be said when a model is sampled from, or evaluated."""
    for name, kind in models().items():
        for method in ("sample", "elbo", "terms", "ode_log_prob"):
            for keyword, p in inspect.signature(getattr(kind, method, lambda: None)).parameters.items():
                if isinstance(p.default, int | float) and not isinstance(p.default, bool):
                    yield name, method, keyword, (*NO_NUMBERS, None)
                elif keyword in MAY_BE_NONE:
                    yield name, method, keyword, NO_NUMBERS


@pytest.mark.parametrize(("name", "method", "keyword", "bad"), list(asked()))
def test_numbers_that_are_none_are_refused_by_sampling_and_bounds(name, method, keyword, bad):
    base, changed = CHANGED[name]
    of_levels = {"levels": 3} if method == "elbo" and changed.get("levels") == 3 else {}  # a flow of reals has no bound
    model = built(name, base | of_levels).eval()
    x, y = given(model)
    first = {"sample": len(x), "ode_log_prob": x.float()}.get(method, x)
    for value in bad:
        with pytest.raises(ValueError, match=keyword):
            getattr(model, method)(first, y, **{keyword: value})
