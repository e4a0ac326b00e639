"""Exercises of the kind "Is this a bug?": a judgement, True or False, for each of a few snippets with letters."""

import itertools
from collections.abc import Callable, Mapping

from genlib.course.given.judgements import Judgements


def judged(right: Mapping[str, bool]) -> Judgements:
    """observe= of such an exercise: it knows the letters alone."""
    return Judgements(tuple(right))


def misjudged(right: Mapping[str, bool], why: Mapping[str, str]) -> dict[str, list[Callable]]:
    """mistakes= of such an exercise: {why: all judgements in which this snippet is the first that is wrong}."""
    letters = list(right)
    wrong: dict[str, list[Callable]] = {}
    for i, letter in enumerate(letters):
        for rest in itertools.product((True, False), repeat=len(letters) - i - 1):
            others = {**right, letter: not right[letter], **dict(zip(letters[i + 1 :], rest, strict=True))}
            wrong.setdefault(f"{letter}: {why[letter]}", []).append(lambda others=others: others)
    return wrong
