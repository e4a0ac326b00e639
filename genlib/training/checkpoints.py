"""Saving what a run needs to go on: tensors and plain values, nested, in one safetensors file. Never a pickle."""

import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from genlib.files import write


class CheckpointError(Exception):
    """A checkpoint that can't be read, or that belongs to another run; the message says what to do."""


def save(path: Path | str, state: dict) -> None:
    """Writes nested dicts and lists of tensors, numbers, strings and None; atomic: a crash leaves the older file."""
    tensors: dict[str, torch.Tensor] = {}

    def strip(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            name = str(len(tensors))
            tensors[name] = value.detach().cpu().clone().contiguous()
            return {"tensor": name}
        if isinstance(value, dict):
            return {"items": [[key, strip(v)] for key, v in value.items()]}  # keys may be integers
        if isinstance(value, list | tuple):
            return [strip(v) for v in value]
        return value

    structure = json.dumps(strip(state))
    write(path, safetensors.torch.save(tensors, metadata={"structure": structure}))


def load(path: Path | str) -> dict:
    """What ``save`` wrote, on the CPU. Raises: CheckpointError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            structure = json.loads(file.metadata()["structure"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 it is no dict
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read ({error}); delete it to start anew"
        ) from error

    def fill(value: Any) -> Any:
        if isinstance(value, list):
            return [fill(v) for v in value]
        if isinstance(value, dict):
            return tensors[value["tensor"]] if "tensor" in value else {key: fill(v) for key, v in value["items"]}
        return value

    return fill(structure)
