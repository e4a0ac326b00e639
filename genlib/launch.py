"""Training from a terminal: a model and a data set by name, on one device or many."""

import importlib
import inspect
import sys
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from genlib import data
from genlib.files import write
from genlib.training import History, fit

FAMILIES = ("classical", "nets")  # the packages whose public models can be named


class TrainError(Exception):
    """What was asked for can't be trained; the message says why."""


def find_model(name: str) -> type[nn.Module]:
    """The model of that public name. Raises: TrainError, with the names that there are."""
    found = {}
    for family in FAMILIES:
        module = importlib.import_module(f"genlib.{family}")
        found |= {n: getattr(module, n) for n in module.__all__}
    models = {n: c for n, c in found.items() if inspect.isclass(c) and hasattr(c, "loss")}
    if name not in models:
        raise TrainError(f"there is no model {name!r}; there are {', '.join(sorted(models))}")
    return models[name]


def find_data(name: str):
    """(train, test) of that name. Raises: TrainError, with the names that there are."""
    names = [n for n in data.__all__ if n.islower() and n != "toy"]
    if name in names:
        return getattr(data, name)()
    try:
        return data.toy(name), data.toy(name, n=2_000, seed=1)
    except ValueError as error:
        raise TrainError(f"there is no data set {name!r}; there are {', '.join(sorted(names))}; or: {error}") from error


def make(model: type[nn.Module], train) -> nn.Module:
    """A model for these data, with its own defaults for the rest."""
    offered = {"levels": train.levels, "classes": len(train.class_names) or None}
    takes = inspect.signature(model).parameters
    if takes.get("levels") is not None and takes["levels"].default is inspect.Parameter.empty and train.levels is None:
        raise TrainError(f"{model.__name__} takes integers, and {train.name} holds real values")
    return model(train.shape, **{name: value for name, value in offered.items() if name in takes and value is not None})


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
    **settings,
) -> History | None:
    """Trains, writes weights and checkpoint (safetensors) into ``out``, says where; None in all but one process."""
    from lightning_fabric import Fabric

    kind, (train, test) = find_model(model), find_data(data)
    several, out = devices * nodes > 1, Path(out)
    fabric = Fabric(
        accelerator={"cuda": "gpu"}.get(accelerator, accelerator),
        devices=devices,
        num_nodes=nodes,
        precision=precision,
        strategy="ddp" if several else "auto",
    )
    if several:
        fabric.launch()  # starts this very command once more for each further process
    torch.manual_seed(seed)
    made = make(kind, train)
    checkpoint = out / f"{model}_{data}.checkpoint.safetensors"
    history = fit(made, train, test=test, fabric=fabric, checkpoint=checkpoint, seed=seed, **settings)
    if fabric.global_rank:
        return None
    weights = out / f"{model}_{data}.safetensors"
    write(weights, safetensors.torch.save({k: v.cpu().contiguous() for k, v in made.state_dict().items()}))
    tests = ", ".join(f"test {name} {list(values.values())[-1]:.4g}" for name, values in history.test.items())
    print(f"{history!r}\n{tests}\nweights in {weights}", file=sys.stdout)
    return history
