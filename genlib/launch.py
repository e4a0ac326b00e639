"""Training from a terminal: a model and a data set by name, on one device or many."""

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from genlib import data
from genlib.arguments import whole
from genlib.families import models
from genlib.files import write
from genlib.model import Trainable
from genlib.training import History, fit
from genlib.training.settings import new_fabric


class TrainError(Exception):
    """What was asked for can't be trained; the message says why."""


def find_model(name: str) -> type[Trainable]:
    """The model of that public name. Raises: TrainError, with the names that there are."""
    found = {n: c for n, c in models().items() if next(iter(inspect.signature(c).parameters)) == "shape"}
    if name not in found:
        raise TrainError(f"there is no model {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def data_sets() -> list[str]:
    """The names of the functions that make (train, test); toy makes one of them at a time."""
    return [n for n in data.__all__ if n.islower() and n not in ("toy", "judge_caption", "read_shapes")]


def find_data(name: str, **how: Any) -> tuple[data.Dataset, data.Dataset]:
    """(train, test) of that name, drawn as ``how`` says. Raises: TrainError, with the names that there are."""
    names = data_sets()
    if name == "english":
        return data.text("english")
    if name in names:
        return getattr(data, name)(**how)
    try:
        return data.toy(name), data.toy(name, n=2_000, seed=1)
    except ValueError as error:
        raise TrainError(f"there is no data set {name!r}; there are {', '.join(sorted(names))}; or: {error}") from error


def make(model: type[Trainable], train: data.Dataset, **architecture: Any) -> Trainable:
    """A model for these data, with its own defaults for what ``architecture`` does not say.

    Raises: TrainError for an argument that the model does not take, and for real values where it takes integers.
    """
    offered = {"levels": train.levels, "classes": len(train.class_names) or None}
    takes = arguments_of(model)
    if unknown := set(architecture) - set(takes):
        raise TrainError(f"{model.__name__} takes no {', '.join(sorted(unknown))}; it takes {', '.join(takes)}")
    if "levels" in takes and takes["levels"].default is not None and train.levels is None:
        raise TrainError(f"{model.__name__} takes integers, and {train.name} holds real values")
    if "shape" in architecture:
        raise TrainError(f"--set shape={architecture['shape']}: the data say it, {train.shape} is that of {train.name}")
    offered = {name: value for name, value in offered.items() if name in takes and value is not None}
    try:
        return model(train.shape, **offered | architecture)
    except (TypeError, ValueError, RuntimeError) as error:  # words of ours, or of torch: too large for the memory
        said = " ".join(f"--set {name}={value}" for name, value in architecture.items())
        raise TrainError(f"{model.__name__} can't be made {f'with {said}' if said else 'so'}: {error}") from error


def arguments_of(model: type[Trainable]) -> dict[str, inspect.Parameter]:
    """What a constructor takes; one that hands ``**how`` on takes also what the class above it does."""
    takes = dict(inspect.signature(model).parameters)
    if takes.pop("how", None) is not None:
        takes |= {name: p for name, p in arguments_of(model.__mro__[1]).items() if name not in takes}
    return takes


def read_settings(words: list[str]) -> dict[str, Any]:
    """["latent=32", "likelihood=bernoulli", "classes=None"] as arguments: Python's literals, anything else as text.

    Raises: TrainError for a word without an equals sign, or a name that is set twice.
    """
    settings: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise TrainError(f"--set {word}: write --set NAME=VALUE, such as --set channels=32")
        if name in settings:
            raise TrainError(f"--set {word}: {name} is set twice")
        try:
            settings[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            settings[name] = value
    return settings


def train_model(
    model: str,
    data: str,
    *,
    out: Path | str,
    accelerator: str,
    devices: int,
    nodes: int,
    precision: str,
    seed: int,
    architecture: dict[str, Any] | None = None,
    binarized: str | None = None,
    **settings: Any,
) -> History | None:
    """Trains, writes weights and checkpoint (safetensors) into ``out``, says where; None in all but one process.

    architecture: arguments of the model beyond its data's.
    binarized: as ``Dataset.binarized`` takes it.
    settings: what fit takes. With ``ema`` the weights that are written, and whose test loss is told, are the averaged.
    """
    whole(devices=devices, nodes=nodes)
    if Path(out).exists() and not Path(out).is_dir():
        raise TrainError(f"--out {out} is no folder")
    kind, (train, test) = find_model(model), find_data(data)
    if binarized is not None:
        train, test = train.binarized(binarized), test.binarized(binarized)
    several, out = devices * nodes > 1, Path(out)
    strategy = "ddp" if several else "auto"
    fabric = new_fabric(accelerator, precision, devices=devices, num_nodes=nodes, strategy=strategy)
    if several:
        fabric.launch()  # starts this very command once more for each further process
    torch.manual_seed(seed)
    made = make(kind, train, **architecture or {})
    checkpoint = out / f"{model}_{data}.checkpoint.safetensors"
    history = fit(made, train, test=test, fabric=fabric, checkpoint=checkpoint, seed=seed, **settings)
    if fabric.global_rank:
        return None
    weights, best = out / f"{model}_{data}.safetensors", history.averaged or made
    try:
        write(weights, safetensors.torch.save({k: v.cpu().contiguous() for k, v in best.state_dict().items()}))
    except OSError as error:
        said = f"{weights} could not be written ({error.strerror or error}); mend that, and the same call writes it"
        raise TrainError(said) from error
    print(f"{history!r}\n{reached(history, made.unit)}", file=sys.stdout)
    parameters = sum(p.numel() for p in made.parameters())
    print(f"{parameters:,} parameters, {history.seconds:.0f} s; weights in {weights}", file=sys.stdout)
    return history


def reached(history: History, unit: str = "") -> str:
    """The last test losses in words, the loss itself with its unit: of the averaged weights, where there are some."""
    tests = history.test if history.averaged is None else history.test_averaged
    units = {"loss": f" {unit}"} if unit else {}
    last = ", ".join(f"test {n} {list(values.values())[-1]:.4g}{units.get(n, '')}" for n, values in tests.items())
    return last if history.averaged is None or not last else f"{last} (averaged weights)"
