"""Small weights that the project's own scripts trained: each with its hash, its command, and what it must reach.

judge = pretrained.load("classifier_digits")
judge.features(x)
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
from torch import nn

FOLDER = Path(__file__).parent / "weights"


@dataclasses.dataclass(frozen=True)
class Weights:
    """What is known of a file of weights.

    make, the untrained model; sha256, of the file; command, which trains it again; reaches, {measure: the value on the
    test data}, computed again by a test.
    """

    make: Callable[[], nn.Module]
    sha256: str
    command: str
    reaches: dict[str, float]


def _classifier_digits() -> nn.Module:
    from genlib.nets import Classifier

    return Classifier((1, 8, 8), levels=17, classes=10)


AVAILABLE = {
    "classifier_digits": Weights(
        make=_classifier_digits,
        sha256="ff230bee01987db332f177be2d1b83af487d1290a525accdf7ee4e76c54a2e37",
        command="genlib train Classifier --data digits --steps 1500 --batch-size 64 --lr 0.004 --accelerator cpu",
        reaches={"loss": 0.0416, "errors": 0.0028},
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
