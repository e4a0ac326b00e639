"""Beside the answers to lecture 01."""

from collections.abc import Callable
from typing import Any


def letter_of(answer: Callable) -> Any:
    """The letter of an answer such as " (A) ", small and bare; anything but a string as it is."""
    value = answer()
    return value.strip(" ().").lower() if isinstance(value, str) else value
