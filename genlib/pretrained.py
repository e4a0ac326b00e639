"""Small weights that the project's own scripts trained: each with its hash, its command, and what it must reach.

judge = pretrained.load("classifier_digits")
judge.features(x)
"""

import dataclasses
import hashlib
import importlib
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
from torch import nn

FOLDER = Path(__file__).parent / "weights"


@dataclasses.dataclass(frozen=True)
class Weights:
    """What is known of a file of weights.

    make, the untrained model; sha256, of the file; command, which trains it again; reaches, {measure: the value on the
    test data}, computed again by a test; binarized, how the data were made binary. Some files hold half
    precision, to be small; loaded weights are float32.
    """

    make: Callable[[], nn.Module]
    sha256: str
    command: str
    reaches: dict[str, float]
    binarized: str | None = None


def _trained(
    model: str,
    data: str,
    *arguments,
    how: str,
    sha256: str,
    binarized: str | None = None,
    reaches: dict[str, float],
    **architecture,
) -> Weights:
    """Weights of a model, "family.Name", made of its arguments; the command says the same to ``genlib train``.

    The command has "classes=None" where the data have labels that the model does not use.
    """
    family, name = model.split(".")

    def make() -> nn.Module:
        return getattr(importlib.import_module(f"genlib.{family}"), name)(*arguments, **architecture)

    words = [f"--binarized {binarized}"] if binarized else []
    words += [] if architecture.get("classes") else ["--set classes=None"]
    words += [f"--set {key}={value}" for key, value in architecture.items() if key not in ("classes", "levels")]
    command = f"genlib train {name} --data {data} {' '.join([*words, how])} --accelerator cpu"
    return Weights(make, sha256, command, reaches, binarized)


AVAILABLE = {
    "classifier_digits": _trained(
        "nets.Classifier",
        "digits",
        (1, 8, 8),
        levels=17,
        classes=10,
        how="--steps 1500 --batch-size 64 --lr 0.004",
        sha256="ff230bee01987db332f177be2d1b83af487d1290a525accdf7ee4e76c54a2e37",
        reaches={"loss": 0.0416, "errors": 0.0028},
    ),
    "realnvp_eight_gaussians": _trained(
        "flow.RealNVP",
        "eight_gaussians",
        (2,),
        hidden=64,
        how="--steps 2000 --batch-size 512 --lr 0.005",
        sha256="cb6ac21cbb57006d79429ab0912c4dfc5206245c0e73f6fdb08fcc13dbcc4075",
        reaches={"loss": 1.983},
    ),
    "realnvp_moons": _trained(
        "flow.RealNVP",
        "moons",
        (2,),
        hidden=64,
        how="--steps 3000 --batch-size 512 --lr 0.005",
        sha256="138fe6a81948b743b50d9dc6766c6797eb8ff1395884819c8c7276d299d58e57",
        reaches={"loss": 1.028},
    ),
    "realnvp_rings": _trained(
        "flow.RealNVP",
        "rings",
        (2,),
        hidden=64,
        how="--steps 2000 --batch-size 512 --lr 0.005",
        sha256="0367f3081b1b9d2ade5932d6ca1fdf2a56a7e654cb2145a68b7320579af94af0",
        reaches={"loss": 2.161},
    ),
    "splineflow_eight_gaussians": _trained(
        "flow.SplineFlow",
        "eight_gaussians",
        (2,),
        how="--steps 1200 --batch-size 512 --lr 0.005",
        sha256="aed251370437062a4cc066f3a9c535d26928af1098d0e3d29ada4980a976ed6c",
        reaches={"loss": 1.727},
    ),
    "splineflow_moons": _trained(
        "flow.SplineFlow",
        "moons",
        (2,),
        how="--steps 1500 --batch-size 512 --lr 0.005",
        sha256="47ab767c14562e617ff79e810ddc7b30a4063c0a0b56cc8735c314e166272818",
        reaches={"loss": 1.029},
    ),
    "splineflow_rings": _trained(
        "flow.SplineFlow",
        "rings",
        (2,),
        how="--steps 1500 --batch-size 512 --lr 0.005",
        sha256="d2f46f92b7234fae3aea60f8542cef93260d99b3a4e87dbdac62c71d0032cb85",
        reaches={"loss": 2.012},
    ),
    "vae_glyphs": _trained(
        "vae.VAE",
        "glyphs",
        (1, 28, 28),
        latent=8,
        hidden=128,
        layers=2,
        binarized="dynamic",
        how="--steps 15000 --batch-size 128 --lr 0.003 --weight-decay 0.02",
        sha256="750684cc258cd3a3c969bdcc2d24691b6f53bf955d0bfeb24beb5ba91ffc90e2",
        reaches={"loss": 94.92, "reconstruction": 76.6, "kl": 18.31},
    ),
    "conditional_digits": _trained(
        "autoregressive.GatedPixelCNN",
        "digits",
        (1, 8, 8),
        17,
        classes=10,
        channels=24,
        layers=4,
        first_kernel=5,
        dropout=0.2,
        how="--steps 1500 --batch-size 32 --lr 0.004 --weight-decay 0.05",
        sha256="4ff40bfdc2f96e7d7eea3dc1e19103d0d35041f342aa9f20321ab1f5d8a270e0",
        reaches={"loss": 74.50},
    ),
    "gated_digits": _trained(
        "autoregressive.GatedPixelCNN",
        "digits",
        (1, 8, 8),
        17,
        channels=24,
        layers=4,
        first_kernel=5,
        dropout=0.1,
        how="--steps 1500 --batch-size 32 --lr 0.004 --weight-decay 0.05",
        sha256="6d3161235d3392c6c5e59e330e65ef04906a7d00df93cb67c837d51d9d0bd5a4",
        reaches={"loss": 77.73},
    ),
    "pixelcnn_digits": _trained(
        "autoregressive.PixelCNN",
        "digits",
        (1, 8, 8),
        17,
        channels=48,
        layers=5,
        first_kernel=5,
        dropout=0.2,
        how="--steps 1500 --batch-size 32 --lr 0.003 --weight-decay 0.05",
        sha256="8109c53af2b9c2ccd48f7df573b991adb6202f21f56500c07a58846f41213ead",
        reaches={"loss": 79.18},
    ),
    "pixelrnn_digits": _trained(
        "autoregressive.PixelRNN",
        "digits",
        (1, 8, 8),
        17,
        channels=32,
        layers=1,
        first_kernel=5,
        how="--steps 1200 --batch-size 32 --lr 0.008 --weight-decay 0.05",
        sha256="ba185e84c3be948b3b15e37e6e79df1883ab39ee820ef80610bdd66902991a02",
        reaches={"loss": 78.06},
    ),
    "transformer_digits": _trained(
        "autoregressive.Transformer",
        "digits",
        (1, 8, 8),
        17,
        width=48,
        layers=2,
        dropout=0.1,
        how="--steps 1200 --batch-size 32 --lr 0.004 --weight-decay 0.05",
        sha256="67500e6cacaa3ace0352e491e0bd697df02fd254922c24874a0ea50337158666",
        reaches={"loss": 81.83},
    ),
    "transformer_english": _trained(
        "autoregressive.Transformer",
        "english",
        (128,),
        96,
        width=64,
        layers=2,
        dropout=0.1,
        how="--steps 800 --batch-size 32 --lr 0.004 --weight-decay 0.05",
        sha256="f3ae72740b1d62e8e994cab2d92c3311e6c83039cc35b65919634d7107f47e49",
        reaches={"loss": 199.46},
    ),
    "transformer_text": _trained(
        "autoregressive.Transformer",
        "text",
        (67,),
        19,
        width=48,
        layers=2,
        end=0,
        how="--steps 600 --batch-size 32 --lr 0.004",
        sha256="cdd72c0e71a20f3592633123e10c9c8159b87340628ed165b920ac316293a356",
        reaches={"loss": 7.39},
    ),
}


class WeightsError(Exception):
    """Weights that are not there, or not the ones that were trained; the message says what to do."""


def load(name: str) -> nn.Module:
    """The model of that name with its weights, in evaluation mode.

    Raises: WeightsError for an unknown name, a missing file or one whose hash is another.
    """
    if name not in AVAILABLE:
        raise WeightsError(f"there are no weights {name!r}; there are {', '.join(sorted(AVAILABLE))}")
    known, path = AVAILABLE[name], FOLDER / f"{name}.safetensors"
    again = f"restore genlib/weights/{path.name}, or train it again: {known.command}"
    if not path.exists():
        raise WeightsError(f"{path.name} is missing; {again}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != known.sha256:
        raise WeightsError(f"{path.name} is damaged or was changed; {again}")
    model = known.make()
    model.load_state_dict(safetensors.torch.load(content))
    return model.eval()
