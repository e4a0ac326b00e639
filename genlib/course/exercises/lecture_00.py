"""The exercise of lecture 00."""

import math

import torch

from genlib.course.exercise import Exercise


def _any_size(generator):
    dimensions, levels = torch.randint(2, 100, (2,), generator=generator).tolist()
    return dimensions, levels


def uniform_log_prob(dimensions, levels):
    return -dimensions * math.log(levels)


uniform = Exercise(
    "0.1",
    "uniform_log_prob",
    reference=uniform_log_prob,
    inputs=_any_size,
    edges={"a picture of a million pixels": (1_000_000, 256), "a picture of one pixel": (1, 17)},
    properties={
        "with one possible level there is one picture, and its log-probability is 0": (
            lambda answer: abs(answer(64, 1)) < 1e-12
        ),
        "two halves of a picture are independent: their log-probabilities add to that of the whole": (
            lambda answer: abs(answer(32, 17) + answer(32, 17) - answer(64, 17)) < 1e-9
        ),
    },
    mistakes={
        "the sign is flipped: a probability is at most 1, so its logarithm is at most 0": (
            lambda dimensions, levels: dimensions * math.log(levels)
        ),
        "your value is in bits; asked was nats, the natural logarithm, math.log": (
            lambda dimensions, levels: -dimensions * math.log2(levels)
        ),
        "two slips: your value is positive, and in bits; asked was a logarithm of a probability, in nats": (
            lambda dimensions, levels: dimensions * math.log2(levels)
        ),
        "your value is that of a single pixel; there are `dimensions` of them, and logarithms add": (
            lambda dimensions, levels: -math.log(levels)
        ),
        "there are levels**dimensions pictures, not dimensions**levels: every pixel chooses one of the levels": (
            lambda dimensions, levels: -levels * math.log(dimensions)
        ),
        "that is the probability itself; asked was its logarithm, which does not underflow to 0": (
            lambda dimensions, levels: float(levels) ** -dimensions
        ),
        "you took the logarithm of a probability that underflowed to 0; "
        "take the logarithm first: log(a**b) = b log(a)": (
            lambda dimensions, levels: math.log(float(levels) ** -dimensions)
        ),
        "there are levels**dimensions pictures; you counted levels * dimensions": (
            lambda dimensions, levels: -math.log(levels * dimensions)
        ),
    },
)


EXERCISES = (uniform,)
