"""What ``fit`` refuses before it starts: an argument that could not be honoured is an error, never ignored."""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from genlib.arguments import positive, whole
from genlib.model import Trainable

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = ("32-true", "64-true", "bf16-true", "bf16-mixed", "16-mixed")
LR = 1e-3  # of fit


def period(what: str, given: object, every: int | None, otherwise: int) -> int:
    """After how many steps it is time for ``what``. Raises: ValueError where that is not given, but a period is."""
    if every is not None and given is None:
        raise ValueError(f"{what}_every={every} says how often, but there is no {what}=")
    whole(**{f"{what}_every": every})
    return every or max(1, otherwise)


def schedule_of(schedule: str | Callable[[float], float]) -> Callable[[float], float]:
    """A function of the progress 0..1. Raises: ValueError for another name."""
    if callable(schedule):
        return schedule
    if schedule == "cosine":
        return lambda progress: (1 + math.cos(math.pi * progress)) / 2
    if schedule == "constant":
        return lambda progress: 1.0
    raise ValueError(f'schedule={schedule!r}: choose "cosine", "constant" or a function of the progress 0..1')


def optimizer_of(
    optimizer: Callable | None, weight_decay: float, fabric: "Fabric"
) -> Callable[..., torch.optim.Optimizer]:
    """(parameters, lr) -> Optimizer: AdamW, unless there is another one.

    Raises: ValueError for weight_decay beside an optimizer, which has its own.
    """
    if optimizer is None:
        # One kernel for all parameters: a sixth of the time for the many small ones of a coupling. With a scaled loss
        # it would unscale the gradients itself, after they were clipped.
        fused = fabric.strategy.precision.precision != "16-mixed"
        return partial(torch.optim.AdamW, betas=(0.9, 0.99), weight_decay=weight_decay, fused=fused)
    if not callable(optimizer):
        raise ValueError(f"optimizer={optimizer!r} must be a function (parameters, lr) -> Optimizer")
    if weight_decay:
        raise ValueError(f"weight_decay={weight_decay} is AdamW's: give it to your own optimizer instead")
    return optimizer


def check_model(model: Any) -> None:
    """Raises ValueError for what fit can't train: no Trainable, one that is compiled, or made in inference mode."""
    if hasattr(model, "_orig_mod"):
        raise ValueError("model is compiled: pass the model itself, and compile=True, which compiles its losses")
    if not isinstance(model, Trainable):
        raise ValueError(f"model is a {type(model).__name__}: it must be a Trainable, with a shape and a loss")
    if any(p.is_inference() for p in model.parameters()):
        raise ValueError("model was made within torch.inference_mode(), where nothing can be trained: make it outside")


def check_optimizer(name: str, optimizer: Any) -> None:
    """Raises ValueError for what is no optimizer, or one that wants to compute the loss itself."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ValueError(f"optimizer= made a {type(optimizer).__name__} for {name}; it must make a torch Optimizer")
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError("LBFGS computes the loss several times a step: fit gives it once, choose another optimizer")


def check_players(model: Trainable, lr: float, optimizer: Callable | None, weight_decay: float) -> None:
    """Raises ValueError for players that can't be told apart, move what is not the model's, or have all of them their
    own of what fit was given for those that have none."""
    players, owned = model.players(), set(model.parameters())
    names = [player.name for player in players]
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"the players are called {names}: there must be one, and each needs a name of its own")
    for player in players:
        whole(**{f"{player.name}'s updates": player.updates})
        positive(**{f"{player.name}'s lr": player.lr})
        if not owned.issuperset(moved := list(player.parameters)):
            raise ValueError(f"{player.name} moves parameters that are not the model's: make them its attributes")
        if not any(p.requires_grad for p in moved):
            raise ValueError(f"{player.name} has no weights to train: it has none at all, or all are frozen")
    if lr != LR and all(player.lr is not None for player in players):
        raise ValueError(f"lr={lr} would change nothing: every player has its own")
    if (optimizer or weight_decay) and all(player.optimizer is not None for player in players):
        raise ValueError("optimizer= and weight_decay= would change nothing: every player has its own optimizer")


def new_fabric(device: str, precision: Any, **settings: Any) -> "Fabric":
    """Lightning's Fabric for a device and a precision. Raises: ValueError for what this machine lacks."""
    there: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if device not in ("auto", "cpu", *there):
        raise ValueError(f'device={device!r}: choose "auto", "cpu", "cuda" or "mps"')
    if device in there and not there[device]():
        raise ValueError(f"device={device!r}: there is none on this machine")
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r}: choose one of {', '.join(PRECISIONS)}")
    from lightning_fabric import Fabric  # a second to import, so only here

    fabric = Fabric(accelerator={"cuda": "gpu"}.get(device, device), precision=precision, **settings)
    if fabric.strategy.precision.precision != precision:  # Fabric takes bfloat16 where there is no float16
        raise ValueError(f'precision={precision!r} needs a GPU of NVIDIA\'s: choose "bf16-mixed" or "32-true"')
    return fabric


# What the model and its data become; the other precisions leave them as they are, and compute in half of it at most.
DTYPES = {"32-true": torch.float32, "64-true": torch.float64, "bf16-true": torch.bfloat16}


def dtype_of(fabric: "Fabric | None", precision: str | None) -> torch.dtype | None:
    """What model and data are to become, None for what they are. A fabric's "32-true" is what it says unasked."""
    if fabric is None:
        return DTYPES.get(precision or "")
    asked = fabric.strategy.precision.precision
    return None if asked == "32-true" else DTYPES.get(asked)


def fabric_of(fabric: "Fabric | None", device: str, precision: str | None) -> "Fabric":
    """The fabric that was launched already, or a new one. Raises: ValueError for a device or precision beside it."""
    if fabric is None:
        return new_fabric(device, precision or "32-true", devices=1)
    if device != "auto" or precision is not None:
        raise ValueError("a fabric has its device and precision: give them to Fabric, not to fit")
    return fabric
