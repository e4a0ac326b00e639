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
)


@uniform.property("with one possible level there is one picture, and its log-probability is 0")
def _(answer):
    assert abs(answer(64, 1)) < 1e-12


@uniform.property("two halves of a picture are independent: their log-probabilities add to that of the whole")
def _(answer):
    assert abs(answer(32, 17) + answer(32, 17) - answer(64, 17)) < 1e-9


@uniform.mistake("the sign is flipped: a probability is at most 1, so its logarithm is at most 0")
def _(dimensions, levels):
    return dimensions * math.log(levels)


@uniform.mistake("your value is in bits; asked was nats, the natural logarithm, math.log")
def _(dimensions, levels):
    return -dimensions * math.log2(levels)


@uniform.mistake("two slips: your value is positive, and in bits; asked was a logarithm of a probability, in nats")
def _(dimensions, levels):
    return dimensions * math.log2(levels)


@uniform.mistake("your value is that of a single pixel; there are `dimensions` of them, and logarithms add")
def _(dimensions, levels):
    return -math.log(levels)


@uniform.mistake("there are levels**dimensions pictures, not dimensions**levels: every pixel chooses one of the levels")
def _(dimensions, levels):
    return -levels * math.log(dimensions)


@uniform.mistake("that is the probability itself; asked was its logarithm, which does not underflow to 0")
def _(dimensions, levels):
    return float(levels) ** -dimensions


@uniform.mistake(
    "you took the logarithm of a probability that underflowed to 0; take the logarithm first: log(a**b) = b log(a)"
)
def _(dimensions, levels):
    return math.log(float(levels) ** -dimensions)


@uniform.mistake("there are levels**dimensions pictures; you counted levels * dimensions")
def _(dimensions, levels):
    return -math.log(levels * dimensions)
