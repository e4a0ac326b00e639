"""Exercises of the kind "Is this a bug?": a judgement, True or False, for each of a few snippets with letters."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor


def judged(right: Mapping[str, bool]) -> Callable:
    """observe= of such an exercise: the judgements in the order of its letters, however they were written down."""

    def judgements(answer: Callable) -> Any:
        value = answer()
        if isinstance(value, dict):
            letters = {str(key).strip().upper(): judgement for key, judgement in value.items()}
            if len(letters) != len(right):
                return tuple(letters.values())  # told how many there are, and how many were asked
            return tuple(letters[letter] for letter in right) if set(letters) == set(right) else value
        plain = isinstance(value, Tensor) and value.device.type == "cpu" and not value.is_sparse
        return value.tolist() if plain or isinstance(value, np.ndarray) else value

    return judgements


def misjudged(right: Mapping[str, bool], why: Mapping[str, str]) -> dict[str, list[Callable]]:
    """mistakes= of such an exercise: {why: all judgements in which this snippet is the first that is wrong}."""
    letters = list(right)
    wrong: dict[str, list[Callable]] = {}
    for i, letter in enumerate(letters):
        for rest in itertools.product((True, False), repeat=len(letters) - i - 1):
            others = {**right, letter: not right[letter], **dict(zip(letters[i + 1 :], rest, strict=True))}
            wrong.setdefault(f"{letter}: {why[letter]}", []).append(lambda others=others: others)
    return wrong
