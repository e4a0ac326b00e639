"""Plain values: the strict form in which an answer's outcomes are looked at, and in which they leave a process.

A plain value is None, a bool, int, float, complex or str, a torch.Tensor on the CPU, or a tuple or list of these, each
of exactly that type (a Fraction or a Decimal becomes a float); whatever else there is becomes an `Other`, which says
what it was. A learner's own kind of float or tensor could equal anything: it is read by the methods of float and Tensor
themselves, and what comes of it is new.

`pack` and `unpack` make bytes of plain values, and values of bytes: a header in JSON, then the tensors' raw bytes.
Nothing is unpickled, every size has a bound, and what is not in this form is refused.
"""

import dataclasses
import importlib
import inspect
import json
import math
import re
from decimal import Decimal
from fractions import Fraction
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor

TEXT, DIGITS = 2000, 2**20  # the longest text, in characters; the longest integer, in bits
VALUES, DEPTH = 200_000, 8  # how many values a tuple may hold in all, and how deep they may lie
BYTES, HEADER = 64 * 2**20, 32 * 2**20  # of all tensors of a message, and of what describes them
GIVEN = "genlib.course.given"  # what lives there is sent by its name: see `pack`

_DTYPES = {
    str(value).removeprefix("torch."): value
    for name, value in vars(torch).items()
    if isinstance(value, torch.dtype) and not re.match(r"q|.*x2$|bits|u?int[1-7]$", name)
}


class PlainError(ValueError):
    """Bytes that are no plain value, or a value that is too large to be sent."""


@dataclasses.dataclass(frozen=True)
class Other:
    """Something that is no plain value: all that is known of it is what it was, such as "a dict"."""

    what: str


def plain(value: object) -> Any:
    """A value in plain form. Never raises, and calls no method of the value's own class."""
    return _Plain().of(value, 0)


class _Plain:
    """One conversion: it counts what it has seen, so that nothing endless is followed."""

    def __init__(self) -> None:
        self.values = self.bytes = 0

    def of(self, value: Any, depth: int) -> Any:
        self.values += 1
        kind = type(value)
        if value is None or kind in (bool, Other):
            return value
        if depth > DEPTH or self.values > VALUES:
            return Other("more values than can be looked at")
        try:
            return self._read(value, kind, depth)
        except Exception:  # whatever a strange object raises
            return Other(_named(kind))

    def _read(self, value: Any, kind: type, depth: int) -> Any:
        if issubclass(kind, Tensor):
            return self._tensor(value)
        if issubclass(kind, np.ndarray | np.generic):
            return self._tensor(torch.as_tensor(np.array(value)))
        if issubclass(kind, int):
            number = int.__int__(value)
            return number if number.bit_length() <= DIGITS else Other(f"{_named(kind)} that is far too large")
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, Decimal):
            return Decimal.__float__(value)
        if issubclass(kind, Fraction):  # written in Python: its two integers may be anything by now
            return int.__int__(value._numerator) / int.__int__(value._denominator)
        if issubclass(kind, complex):
            return complex.__complex__(value)
        if issubclass(kind, str):
            return text(str.__str__(value))
        for sequence in (tuple, list):
            if issubclass(kind, sequence):
                return sequence(self.of(v, depth + 1) for v in sequence.__iter__(value))
        return Other(_named(kind))

    def _tensor(self, value: Tensor) -> Any:
        """A tensor of our own with the same numbers; no subclass has a say in it."""
        with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
            kind, place = (Tensor.layout.__get__(value), Tensor.device.__get__(value))  # type: ignore[attr-defined]
            if kind != torch.strided or place.type != "cpu" or value.dtype not in _DTYPES.values():
                return Other(f"a tensor ({kind}, on {place}) of shape {tuple(value.shape)}")
            self.bytes += Tensor.numel(value) * Tensor.element_size(value)
            if self.bytes > BYTES:
                return Other(f"a tensor of shape {tuple(value.shape)}")
            own = Tensor.detach(value).as_subclass(Tensor)
            result = torch.empty(own.shape, dtype=own.dtype, device="cpu").copy_(own)
        if torch.is_inference(result):  # made under inference_mode: such a tensor knows no gradients later
            with torch.inference_mode(False):
                result = result.clone()
        return result


def text(value: str, limit: int = TEXT) -> str:
    """A text that can be sent and shown: of bounded length, and without halves of letters."""
    value = value if len(value) <= limit else value[: limit - 1] + "…"
    return value.encode("utf-8", "replace").decode()


def _named(kind: type) -> str:
    """What an object of that type is called, "a dict"."""
    name = text(str(kind.__name__), 60)
    return f"{'an' if name[:1] in tuple('aeiou') else 'a'} {name}"


# Bytes ----------------------------------------------------------------------------------------------------------------


def pack(value: Any) -> bytes:
    """Bytes of a plain value, in which dictionaries with names as keys may stand as well.

    What genlib.course.given holds (functions, objects of its dataclasses, their methods) is sent by its name, and its
    numbers: the other side makes it anew. Raises: PlainError for anything else.
    """
    blobs: list[bytes] = []
    header = json.dumps(_packed(value, blobs)).encode()
    return b"".join([len(header).to_bytes(8, "big"), header, *blobs])


def _packed(value: Any, blobs: list[bytes]) -> Any:
    """A value as JSON: [kind, …]. The numbers of a tensor go into blobs."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return ["text", value]
    if kind is int:
        return ["int", hex(value)]
    if kind is float:
        return ["float", value.hex()]
    if kind is complex:
        return ["complex", value.real.hex(), value.imag.hex()]
    if kind is Other:
        return ["other", value.what]
    if kind in (Tensor, torch.nn.Parameter):
        blobs.append(_raw(value))
        return ["tensor", str(value.dtype).removeprefix("torch."), list(value.shape)]
    if kind in (tuple, list):
        return [kind.__name__, [_packed(v, blobs) for v in value]]
    if kind is dict:
        return ["dict", {key: _packed(v, blobs) for key, v in value.items()}]
    return _packed_given(value, blobs)


def _raw(tensor: Tensor) -> bytes:
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if len(flat) else b""


def _packed_given(value: Any, blobs: list[bytes]) -> list:
    """Something that the course's own module holds, by its name there."""
    if isinstance(value, MethodType):
        return ["method", _packed(value.__self__, blobs), value.__name__]
    named = value if isinstance(value, FunctionType) else type(value)
    module, _, name = named.__module__.rpartition(".")
    if module != GIVEN or named.__qualname__ != named.__name__:
        raise PlainError(f"{_named(type(value))} can't be sent to an answer; what is given to one stands in {GIVEN}")
    if named is value:
        return ["function", name, named.__name__]
    fields = {field.name: _packed(getattr(value, field.name), blobs) for field in dataclasses.fields(value)}
    return ["object", name, named.__name__, fields]


def unpack(data: bytes, *, ours: bool = False) -> Any:
    """The value that `pack` made bytes of; ours: names of genlib.course.given are followed too, for who trusts them.

    Raises: PlainError for bytes that are not of this form.
    """
    try:
        return _Reader(data, ours).read()
    except PlainError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, RuntimeError) as error:
        raise PlainError(f"these bytes are no plain value ({type(error).__name__})") from None


class _Reader:
    """One reading: it goes through the tensors' bytes in their order, and counts values."""

    def __init__(self, data: bytes, ours: bool):
        size = int.from_bytes(data[:8], "big")
        if size > HEADER or len(data) < 8 + size:
            raise PlainError("the bytes end too early, or describe too much")
        self.header, self.blob = json.loads(data[8 : 8 + size]), memoryview(data)[8 + size :]
        self.ours, self.at, self.values = ours, 0, 0

    def read(self) -> Any:
        result = self._value(self.header, 0)
        if self.at != len(self.blob):
            raise PlainError("there are bytes that belong to nothing")
        return result

    def _value(self, form: Any, depth: int) -> Any:
        self.values += 1
        if self.values > 2 * VALUES or depth > 2 * DEPTH:
            raise PlainError("more values than can be looked at")
        if form is None or form is True or form is False:
            return form
        kind, *rest = form
        reader = getattr(self, f"_{kind}", None) if kind in _KINDS or (self.ours and kind in _OURS) else None
        if reader is None:
            raise PlainError(f"no plain value is {kind!r:.40}")
        return reader(depth + 1, *rest)

    def _text(self, _depth: int, value: Any) -> str:
        if not isinstance(value, str) or (len(value) > TEXT and not self.ours):
            raise PlainError("a text that is none, or too long")
        return value

    def _int(self, _depth: int, value: Any) -> int:
        if len(value) > DIGITS // 4 + 4:
            raise PlainError("an integer that is too long")
        return int(value, 16)

    def _float(self, _depth: int, value: Any) -> float:
        return float.fromhex(value)

    def _complex(self, _depth: int, real: Any, imaginary: Any) -> complex:
        return complex(float.fromhex(real), float.fromhex(imaginary))

    def _other(self, depth: int, what: Any) -> Other:
        return Other(self._text(depth, what))

    def _tuple(self, depth: int, values: Any) -> tuple:
        return tuple(self._list(depth, values))

    def _list(self, depth: int, values: Any) -> list:
        if not isinstance(values, list):
            raise PlainError("a list that is none")
        return [self._value(v, depth) for v in values]

    def _dict(self, depth: int, entries: Any) -> dict:
        if not isinstance(entries, dict):
            raise PlainError("a dictionary that is none")
        return {self._text(depth, key): self._value(v, depth) for key, v in entries.items()}

    def _tensor(self, _depth: int, dtype: Any, shape: Any) -> Tensor:
        if not isinstance(shape, list) or len(shape) > 64 or any(type(n) is not int or n < 0 for n in shape):
            raise PlainError("a shape that is none")
        size = math.prod(shape) * _DTYPES[dtype].itemsize
        if size > BYTES or self.at + size > len(self.blob):
            raise PlainError("a tensor that is too large, or whose bytes are missing")
        raw = bytearray(self.blob[self.at : self.at + size])
        self.at += size
        flat = torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
        return (flat != 0 if dtype == "bool" else flat.view(_DTYPES[dtype])).reshape(shape)

    def _function(self, _depth: int, module: Any, name: Any) -> Any:
        return _given(module, name)

    def _object(self, depth: int, module: Any, name: Any, fields: Any) -> Any:
        return _given(module, name)(**{key: self._value(v, depth) for key, v in fields.items()})

    def _method(self, depth: int, owner: Any, name: Any) -> Any:
        return getattr(self._value(owner, depth), name)


_KINDS = ("text", "int", "float", "complex", "other", "tuple", "list", "dict", "tensor")
_OURS = ("function", "object", "method")


def _given(module: str, name: str) -> Any:
    """A function or class of genlib.course.given, by its name."""
    found = getattr(importlib.import_module(f"{GIVEN}.{module}"), name)
    if not (inspect.isfunction(found) or dataclasses.is_dataclass(found)):
        raise PlainError(f"{GIVEN}.{module} gives no {name!r:.40}")
    return found
