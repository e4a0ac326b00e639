"""Exercises of the kind "Is this a bug?": reading the judgements, however they were written down."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor


@dataclasses.dataclass
class Judgements:
    """observe= of such an exercise: an answer's judgements in the order of the letters that were asked."""

    letters: tuple[str, ...]

    def __call__(self, answer: Callable) -> Any:
        value = answer()
        if isinstance(value, dict):
            found = {str(key).strip().upper(): judgement for key, judgement in value.items()}
            if len(value) != len(self.letters):
                return tuple(value.values())  # told how many there are, and how many were asked
            return tuple(found[letter] for letter in self.letters) if set(found) == set(self.letters) else value
        plain = isinstance(value, Tensor) and value.device.type == "cpu" and not value.is_sparse
        return value.tolist() if plain or isinstance(value, np.ndarray) else value
