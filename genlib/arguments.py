"""What arguments may be: one line of words for each kind of mistake, the same wherever it is made.

What can't be honoured is refused, and what would change nothing is said so: no argument is ignored.
"""

import inspect
import math
import numbers
import operator
from collections.abc import Callable
from typing import Any

from torch import Tensor


def needed(**settings: Any) -> None:
    """Raises ValueError for a setting that is None."""
    for name, value in settings.items():
        if value is None:
            raise ValueError(f"{name}=None: it must be given")


def whole(least: int = 1, /, **settings: Any) -> None:
    """Raises ValueError for a setting that is no integer, or below ``least``; None is left alone."""
    integer(**settings)
    at_least(least, **settings)


def count(**settings: Any) -> None:
    """Raises ValueError for a setting that says how many, and is None, no integer, or below 1."""
    needed(**settings)
    whole(**settings)


def integer(**settings: Any) -> None:
    """Raises ValueError for a setting that is no integer; None is left alone."""
    for name, value in settings.items():
        if value is not None and (not isinstance(value, numbers.Integral) or isinstance(value, bool)):
            raise ValueError(f"{name}={value!r} must be an integer")


def at_least(least: float, /, **settings: Any) -> None:
    """Raises ValueError for a setting that is no number, or below it; None is left alone."""
    for name, value in _numbers(settings).items():
        if not value >= least:
            raise ValueError(f"{name}={value} must be at least {least}")


def finite(**settings: Any) -> None:
    """Raises ValueError for a setting that is None, below 0 or not finite: the weight of a loss, a noise's strength."""
    needed(**settings)
    at_least(0, **settings)
    for name, value in settings.items():
        if value == math.inf:
            raise ValueError(f"{name}={value} must be finite")


def positive(**settings: Any) -> None:
    """Raises ValueError for a setting that is not above 0, or not finite."""
    for name, value in _numbers(settings).items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name}={value} must be above 0")


def fraction(**settings: Any) -> None:
    """Raises ValueError for a setting that is not between 0 and 1."""
    for name, value in _numbers(settings).items():
        if not 0 < value < 1:
            raise ValueError(f"{name}={value} must lie between 0 and 1")


def share(**settings: Any) -> None:
    """Raises ValueError for a setting that is not 0 or more and below 1, such as dropout; None is no share."""
    needed(**settings)
    for name, value in _numbers(settings).items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value} must be at least 0 and below 1")


def _numbers(settings: dict[str, Any]) -> dict[str, Any]:
    """Those that are given. Raises: ValueError for what is no number."""
    for name, value in settings.items():
        if value is not None and not isinstance(value, numbers.Real):
            raise ValueError(f"{name}={value!r} must be a number")
    return {name: value for name, value in settings.items() if value is not None}


def truth(**settings: Any) -> None:
    """Raises ValueError for a setting that is neither True nor False."""
    for name, value in settings.items():
        if value not in (True, False):
            raise ValueError(f"{name}={value!r} must be True or False")


def instance(of: type, **settings: Any) -> None:
    """Raises ValueError for a setting that is given and is no ``of``."""
    for name, value in settings.items():
        if value is not None and not isinstance(value, of):
            raise ValueError(f"{name}={value!r} must be of type {of.__name__}")


def has(parts: tuple[str, ...], **settings: Any) -> None:
    """Raises ValueError for a setting that is given and lacks one of these attributes."""
    for name, value in settings.items():
        if value is not None and not all(hasattr(value, part) for part in parts):
            raise ValueError(f"{name}={value!r} must have {', '.join(parts)}")


def as_shape(shape: Any) -> tuple[int, ...]:
    """The shape of one example, as a tuple. Raises: ValueError for what is none."""
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise ValueError(f"shape={shape!r}: give the shape of one example, without the batch, such as (1, 28, 28)")
    return sizes


def as_picture(shape: Any) -> tuple[int, int, int]:
    """The same for a picture, (C, H, W)."""
    sizes = as_shape(shape)
    if len(sizes) != 3:
        raise ValueError(f"shape {sizes} is not that of a picture, (C, H, W)")
    return sizes


def refuse_unused(of: Callable, why: str, **given: Any) -> None:
    """Raises ValueError for arguments of ``of`` that are given, other than by default, and would change nothing."""
    defaults = inspect.signature(of).parameters
    for name, value in given.items():
        if value is not defaults[name].default and value != defaults[name].default:
            raise ValueError(f"{name}={value!r} would change nothing: {why}")


def as_integers(name: str, values: Tensor, low: int, high: int, asks: str, *, cure: str = "", look: bool) -> Tensor:
    """Integers of any dtype, and truth values, as int64: what all labels, tokens and pixels become.

    Raises: ValueError for other values; with ``look``, which waits for a GPU, also for those out of low..high-1. asks,
    what they must be; cure, how reals become integers.
    """
    if values.is_floating_point() or values.is_complex():
        raise ValueError(f"{name} holds {values.dtype}; {asks}{cure}")
    values = values.long()
    if look and values.numel():
        least, most = (int(v) for v in values.aminmax())
        if least < low or most >= high:
            raise ValueError(f"{name} holds {least}..{most}; {asks}")
    return values


def must_be_tensor(name: str, values: object) -> None:
    """Raises ValueError for lists, NumPy's arrays, numbers."""
    if not isinstance(values, Tensor):
        raise ValueError(f"{name} is a {type(values).__name__}; pass a tensor: torch.as_tensor({name}) makes one")


def as_vectors(name: str, z: Tensor, D: int) -> Tensor:
    """z, whose last axis has D entries. Raises: ValueError for others, which would be spread over them."""
    must_be_tensor(name, z)
    if z.dim() == 0 or z.shape[-1] != D:
        raise ValueError(f"{name} has shape {tuple(z.shape)}; it must be (…, {D})")
    return z
