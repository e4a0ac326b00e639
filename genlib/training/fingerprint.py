"""What tells one run from another: data, model, players and functions, down to the last constant.

Each becomes a short text that a person can compare, with a hash of all of it at the end. Functions are told apart by
what they are made of: their instructions, constants, defaults, and what they take from outside.
"""

import contextlib
import dataclasses
import dis
import functools
import hashlib
import json
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from genlib.model import Player

if TYPE_CHECKING:
    from genlib.training.batches import Examples

_OF_MODULES = set(vars(nn.Module()))  # what every module has, hooks for instance
_FAR = ("torch", "numpy", "lightning_fabric", "builtins", "abc", "typing")  # told apart by their names alone


def of_data(examples: "Examples") -> str:
    """Of all examples, and of the labels where the model uses them."""
    data = examples.data
    x, y = (data, None) if isinstance(data, Tensor) else (data.x, data.y)
    drawn = [getattr(data, name, None) for name in ("binarization", "paired")]
    return f"{len(x)} of shape {tuple(x.shape[1:])}, {_hash([x, y if examples.conditional else None, drawn])}"


def of_model(model: nn.Module) -> str:
    """Its name, its arguments as far as they are numbers or words, and a hash of all its parts and their code."""
    plain = {name: value for name, value in _own(model).items() if _is_plain(value)}
    said = ", ".join(f"{name}={value}" for name, value in plain.items())
    return f"{type(model).__name__}({said}) {_hash(model)}"


def of_player(player: Player, model: nn.Module) -> str:
    """What it moves, how often, how fast, and by which functions."""
    moved = {id(p) for p in player.parameters}
    names = [name for name, p in model.named_parameters() if id(p) in moved and p.requires_grad]
    said = [of_value(player.loss), f"{player.updates} updates", f"lr {player.lr}", f"moves {_hash(names)}"]
    said += [f"{of_value(f)}" for f in (player.optimizer, player.after_step) if f is not None]
    return ", ".join(said)


# Settings of torch's optimizers that say how and not what is computed, with torch's defaults: in one kernel or many.
HOW = {"foreach": None, "fused": None, "capturable": False, "differentiable": False}


def of_optimizer(optimizer: torch.optim.Optimizer) -> str:
    """Its name, and a hash of its settings and where it starts; how it computes is told as if nobody had said."""
    groups = [{n: HOW.get(n, v) for n, v in group.items() if n != "params"} for group in optimizer.param_groups]
    return f"{type(optimizer).__name__} {_hash(groups)}"


def of_value(value: Any) -> Any:
    """A setting as it can be kept and compared: a number, a word or None as it is, a function by name and hash."""
    if isinstance(value, np.generic):
        return value.item()
    return value if _is_plain(value) else f"{getattr(value, '__qualname__', type(value).__name__)} {_hash(value)}"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(_told(value, {})).encode()).hexdigest()[:12]


# {id: (number, thing)} of what was told: the things themselves, so that no other one gets the id of one that is gone.
Seen = dict[int, tuple[int, Any]]


def _told(value: Any, seen: Seen) -> Any:
    """Anything, as nested lists of words; of what has been told before, which one it was."""
    if _is_plain(value) or isinstance(value, np.generic | complex | bytes | torch.dtype | torch.device):
        return _word(value)
    if isinstance(value, Tensor | np.ndarray):
        return _told_numbers(torch.as_tensor(value))
    if isinstance(value, tuple):
        return [_told(v, seen) for v in value]
    if isinstance(value, frozenset | set):
        return sorted(json.dumps(_told(v, seen)) for v in value)
    if isinstance(value, types.CodeType):
        return _told_code(value, seen)
    if id(value) in seen:
        return f"as number {seen[id(value)][0]}"
    seen[id(value)] = len(seen), value
    if isinstance(value, list):
        return [_told(v, seen) for v in value]
    if isinstance(value, dict):
        return [[_told(k, seen), _told(v, seen)] for k, v in value.items()]
    if isinstance(value, nn.Module):
        return _told_module(value, seen)
    if callable(value):
        return _told_function(value, seen)
    return [_told(_own(value), seen), _told_class(type(value), seen)]


def _word(value: Any) -> str:
    """1, 1.0 and NumPy's 1 are the same number."""
    value = value.item() if isinstance(value, np.generic) else value
    return repr(float(value)) if isinstance(value, int) and abs(value) < 2**53 else repr(value)


def _told_numbers(values: Tensor) -> list[str]:
    """All of them; of weights, which a run changes, only how many."""
    if values.requires_grad:
        return [str(values.dtype), str(tuple(values.shape))]
    raw = values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data
    return [str(values.dtype), str(tuple(values.shape)), hashlib.sha256(raw).hexdigest()]


def _told_module(module: nn.Module, seen: Seen) -> list[Any]:
    """Its arguments, its fixed tensors, its parts and its code; not its weights, which a run changes."""
    fixed = [[name, module.get_buffer(name)] for name in sorted(module._non_persistent_buffers_set)]
    shapes = [[name, str(p.dtype), list(p.shape)] for name, p in module.named_parameters(recurse=False)]
    code = [_told_class(kind, seen) for kind in type(module).__mro__]
    return [_told([_own(module), fixed, shapes, dict(module.named_children())], seen), code]


def _told_class(kind: type, seen: Seen) -> list[Any]:
    """Its functions and its constants, where it is not torch's."""
    if _is_far(kind) or id(kind) in seen:
        return [kind.__qualname__]
    seen[id(kind)] = len(seen), kind
    parts = {n: v for n, v in vars(kind).items() if not (n.startswith("__") and not callable(v))}
    functions = [v.fget if isinstance(v, property) else getattr(v, "__func__", v) for v in parts.values()]
    functions = [f for f in functions if isinstance(f, types.FunctionType)]
    constants = {n: v for n, v in parts.items() if _is_plain(v) or isinstance(v, tuple | list | dict | set)}
    return [kind.__qualname__, _told([functions, constants], seen)]


def _told_function(function: Any, seen: Seen) -> list[Any]:
    """Its name; and of one that is not torch's its code, its defaults, and what it takes from outside."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if isinstance(function, functools.partial):
        how = HOW if isinstance(function.func, type) and issubclass(function.func, torch.optim.Optimizer) else ()
        keywords = {n: v for n, v in function.keywords.items() if n not in how}
        return ["partial", _told([function.func, function.args, keywords], seen)]
    if isinstance(function, types.MethodType):
        return [name, _told(function.__func__, seen)]
    if isinstance(function, types.FunctionType) and not _is_far(function):
        made_of = [function.__code__, function.__defaults__, function.__kwdefaults__, _taken(function)]
        return [name, _told(made_of, seen)]
    if isinstance(function, types.FunctionType | type) or _is_far(type(function)):
        return [name]
    return [name, _told(_own(function), seen), _told_class(type(function), seen)]


def _told_code(code: types.CodeType, seen: Seen) -> list[Any]:
    """Instructions, names and constants; not the line numbers, and not the docstring, which stands first."""
    first, *others = code.co_consts or (None,)
    constants = others if first is None or (isinstance(first, str) and code.co_name != "<lambda>") else code.co_consts
    return [code.co_code.hex(), list(code.co_names), [_told(c, seen) for c in constants]]


def _taken(function: types.FunctionType) -> dict[str, Any]:
    """The constants, tables and functions that a function takes from outside, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found = {name: function.__globals__.get(name) for name in _globals(function.__code__)}
    for name, cell in cells:
        with contextlib.suppress(ValueError):  # nothing is in it yet
            found[name] = cell.cell_contents
    return {name: value for name, value in sorted(found.items()) if value is not None and _is_constant(value)}


def _globals(code: types.CodeType) -> set[str]:
    """The global names that code reads, and the functions within it."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(_globals(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _is_constant(value: Any) -> bool:
    """Whether a function that takes this from outside is another one where it is another value."""
    if isinstance(value, types.FunctionType | functools.partial):
        return not _is_far(value)
    kinds = tuple | list | dict | set | frozenset | np.generic | np.ndarray | Tensor
    return _is_plain(value) or isinstance(value, kinds) or _is_dataclass(value)


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _is_far(thing: Any) -> bool:
    return str(getattr(thing, "__module__", None) or "builtins").split(".")[0] in _FAR


def _own(thing: Any) -> dict[str, Any]:
    """What a thing was given: its attributes, without those that every module has."""
    if _is_dataclass(thing):
        return {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
    given = getattr(thing, "__dict__", {})
    return {n: v for n, v in given.items() if not (isinstance(thing, nn.Module) and n in _OF_MODULES)}
