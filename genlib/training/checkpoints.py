"""Saving what a run needs to go on: tensors and plain values, nested, in one safetensors file. Never a pickle."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from genlib.files import placed, write

_HASH = re.compile(rb'"sha256":"([0-9a-f]{64})"')  # where it stands in the file's head
_NO_HASH = "0" * 64


class CheckpointError(Exception):
    """A checkpoint that can't be read, or that belongs to another run; the message says what to do."""


def save(path: Path | str, state: dict) -> None:
    """Writes nested dicts and lists of tensors, numbers, strings and None; atomic: a crash leaves the older file.

    The file holds a hash of all that it says, so that ``load`` sees whether a single bit is another one.
    """
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
        return value.item() if isinstance(value, np.generic) else value

    structure = json.dumps(strip(state))
    content = safetensors.torch.save(tensors, metadata={"structure": structure, "sha256": _NO_HASH})
    write(path, _with_hash(content, hashlib.sha256(content).hexdigest()))


def load(path: Path | str) -> dict:
    """What ``save`` wrote, on the CPU. Raises: CheckpointError for a damaged file, and for what is no file."""
    try:
        content = placed(path).read_bytes()
        found = _HASH.search(content)
        if found is None or found[1].decode() != hashlib.sha256(_with_hash(content, _NO_HASH)).hexdigest():
            raise ValueError("it is damaged, or no checkpoint")
        return _filled(content)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read ({str(error)[:200]}); delete it to start anew"
        ) from error


def _with_hash(content: bytes, sha256: str) -> bytes:
    """The same file with that hash in its head."""
    return _HASH.sub(f'"sha256":"{sha256}"'.encode(), content, count=1)


def _filled(content: bytes) -> dict:
    """The state that a file holds. Raises: whatever, where its structure is none that ``save`` makes."""
    head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    structure = json.loads(head["__metadata__"]["structure"])
    tensors = safetensors.torch.load(content)

    def fill(value: Any) -> Any:
        if isinstance(value, list):
            return [fill(v) for v in value]
        if isinstance(value, dict):
            return tensors[value["tensor"]] if "tensor" in value else {key: fill(v) for key, v in value["items"]}
        return value

    state = fill(structure)
    if not isinstance(state, dict):
        raise ValueError("its structure is another one")
    return state
