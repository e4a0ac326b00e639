"""The exercises of lecture 05 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_05 import (
    Cubic,
    Logistic,
    Net,
    Shift,
    Shrinking,
    jacobian,
    learned_only,
    standard_normal,
)


def _rand(g, *shape) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


# 5.1 ------------------------------------------------------------------------------------------------------------------


def _line(g, sign: float = 1.0, steepness: float = 1.0):
    a, m, s = (0.5 + torch.rand(3, generator=g, dtype=torch.float64)).tolist()
    cubic = Cubic(sign * steepness * a)
    return _rand(g, 6), cubic.f, cubic.df, Logistic(m, s).log_p_z


def log_density(x, f, df, log_p_z):
    return log_p_z(f(x)) + df(x).abs().log()


def density_integrates_to_one(answer):
    x = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    cubic = Cubic(-0.7)
    mass = answer(x, cubic.f, cubic.df, Logistic(0.4, 0.7).log_p_z).exp().sum() * (x[1] - x[0])
    assert abs(mass.item() - 1) < 1e-6, f"it integrates to {mass.item():.3f}"


def a_shift_leaves_the_height(answer):
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)
    assert torch.allclose(answer(x, Shift(3.0).f, Shift(3.0).df, standard_normal), standard_normal(x + 3))


density = Exercise(
    "5.1",
    "log_density",
    reference=log_density,
    inputs=_line,
    edges={
        "a map that turns the line around": _line(torch.Generator().manual_seed(3), -1.0),
        "a very steep map": (
            1e-4 * _rand(torch.Generator().manual_seed(4), 6),
            Cubic(1e4).f,
            Cubic(1e4).df,
            Logistic(0.4, 0.5).log_p_z,
        ),
        "a nearly flat map": _line(torch.Generator().manual_seed(5), -1.0, 1e-9),
    },
    gradients=True,
    properties={
        "the density integrates to 1": density_integrates_to_one,
        "a map that only shifts leaves the height of the density alone": a_shift_leaves_the_height,
    },
    mistakes={
        "you subtracted log|df/dx|: that is the factor of the other direction; a steeper f makes x denser": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) - df(x).abs().log()
        ),
        "the Jacobian is missing: these are the heights of the base density, and they do not integrate to 1": (
            lambda x, f, df, log_p_z: log_p_z(f(x))
        ),
        "the base density is one of z: evaluate it at z = f(x), not at x": (
            lambda x, f, df, log_p_z: log_p_z(x) + df(x).abs().log()
        ),
        "df may be negative, and its logarithm NaN: mass has no direction, so take |df/dx|": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) + df(x).log()
        ),
        "the absolute value goes inside the logarithm: log|df/dx|, not |log(df/dx)|": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) + df(x).log().abs()
        ),
        "you wrote N(0, 1) into your answer: the base density is an argument, log_p_z, and need not be that one": (
            lambda x, f, df, log_p_z: standard_normal(f(x)) + df(x).abs().log()
        ),
        "in logarithms a factor is added: log p_Z plus log|df/dx|; you multiplied": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) * df(x).abs(),
            lambda x, f, df, log_p_z: log_p_z(f(x)) * df(x).abs().log(),
        ),
        "log is the natural logarithm here; you took that to base 2 or 10": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) + df(x).abs().log2(),
            lambda x, f, df, log_p_z: log_p_z(f(x)) + df(x).abs().log10(),
        ),
        "an epsilon in the logarithm makes flat places denser than they are; |df/dx| is not 0 where f can be undone": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) + (df(x).abs() + 1e-6).log(),
            lambda x, f, df, log_p_z: log_p_z(f(x)) + (df(x).abs() + 1e-8).log(),
        ),
        "you added |df/dx| itself; in logarithms a factor becomes the sum of logarithms": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) + df(x).abs()
        ),
        "you evaluated the derivative at z = f(x); it belongs at x, where f starts": (
            lambda x, f, df, log_p_z: log_p_z(f(x)) + df(f(x)).abs().log()
        ),
        "that is the density; asked was its logarithm": lambda x, f, df, log_p_z: log_density(x, f, df, log_p_z).exp(),
    },
)


# 5.2 ------------------------------------------------------------------------------------------------------------------


def density_of_incomes(x):
    return torch.exp(-(x.log() ** 2) / 2) / (x * math.sqrt(2 * math.pi))


def normal_integrates_to_one(answer):
    z = torch.linspace(-9, 9, 20001, dtype=torch.float64)
    x = z.exp()  # dx = x dz
    assert abs((answer(x) * x).sum().item() * (z[1] - z[0]).item() - 1) < 1e-6


def half_lies_below_one(answer):
    z = torch.linspace(-9, 0, 20001, dtype=torch.float64)
    values = answer(z.exp()) * z.exp()
    assert abs(torch.trapezoid(values, z).item() - 0.5) < 1e-6


normal = Exercise(
    "5.2",
    "density_of_incomes",
    reference=density_of_incomes,
    inputs=lambda g: (torch.rand(6, generator=g, dtype=torch.float64) * 4 + 0.1,),
    edges={"very small and very large x": (torch.tensor([1e-3, 1e3], dtype=torch.float64),)},
    properties={
        "it integrates to 1": normal_integrates_to_one,
        "half of the mass lies below x = 1, as half of it lies below z = 0": half_lies_below_one,
    },
    mistakes={
        "dz/dx = 1/x is missing: without it, the function does not integrate to 1": (
            lambda x: torch.exp(-(x.log() ** 2) / 2) / math.sqrt(2 * math.pi)
        ),
        "you multiplied by x = dx/dz; going to the density of x takes dz/dx = 1/x": (
            lambda x: x * torch.exp(-(x.log() ** 2) / 2) / math.sqrt(2 * math.pi)
        ),
        "that is the density of z at the place x; the z that belongs to x is log x": (
            lambda x: torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        ),
        "the z that belongs to x is log x, the inverse of x = exp(z); you used exp(x)": (
            lambda x: torch.exp(-(x.exp() ** 2) / 2) / (x * math.sqrt(2 * math.pi))
        ),
        "that is (5.2) for f = exp; here x = exp(z), so f leads back from x to z: f = log, and df/dx = 1/x": (
            lambda x: x.exp() * torch.exp(-(x.exp() ** 2) / 2) / math.sqrt(2 * math.pi)
        ),
        "x stands outside of the root: the divisor is x √(2π), the slope 1/x times the Gaussian's constant": (
            lambda x: torch.exp(-(x.log() ** 2) / 2) / (2 * math.pi * x).sqrt()
        ),
        "(log x)², not log(x²): square after the logarithm": (
            lambda x: torch.exp(-((x**2).log()) / 2) / (x * math.sqrt(2 * math.pi))
        ),
        "the Gaussian's constant is 1/√(2π), not 1/(2π)": lambda x: torch.exp(-(x.log() ** 2) / 2) / (x * 2 * math.pi),
        "the Gaussian's constant 1/√(2π) is missing": lambda x: torch.exp(-(x.log() ** 2) / 2) / x,
        "the exponent is -z²/2: yours has no minus, and grows": (
            lambda x: torch.exp(x.log() ** 2 / 2) / (x * math.sqrt(2 * math.pi))
        ),
        "log is the natural logarithm, the inverse of exp; you took that to base 10 or 2": (
            lambda x: torch.exp(-(x.log10() ** 2) / 2) / (x * math.sqrt(2 * math.pi)),
            lambda x: torch.exp(-(x.log2() ** 2) / 2) / (x * math.sqrt(2 * math.pi)),
        ),
        "log x is the z, and it is squared in the exponent: you left out the square": (
            lambda x: torch.exp(-x.log() / 2) / (x * math.sqrt(2 * math.pi))
        ),
        "the exponent is -z²/2: you left out the 2": (
            lambda x: torch.exp(-(x.log() ** 2)) / (x * math.sqrt(2 * math.pi))
        ),
        "that is the logarithm of the density; asked was the density itself": lambda x: density_of_incomes(x).log(),
    },
)


# 5.3 ------------------------------------------------------------------------------------------------------------------


def _triangular(g, size=5, D=4):
    return (_rand(g, size, D, D).tril(),)


def triangular_log_det(J):
    return J.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)


def agrees_with_slogdet(answer):
    (J,) = _triangular(torch.Generator().manual_seed(8), 3, 6)
    assert torch.allclose(answer(J), torch.linalg.slogdet(J)[1])


def below_the_diagonal_does_not_matter(answer):
    (J,) = _triangular(torch.Generator().manual_seed(9))
    assert torch.allclose(answer(J + _rand(torch.Generator().manual_seed(1), 5, 4, 4).tril(-1)), answer(J))


triangular = Exercise(
    "5.3",
    "triangular_log_det",
    reference=triangular_log_det,
    inputs=_triangular,
    edges={
        "one number, D = 1": (torch.tensor([[[-2.0]], [[0.5]]], dtype=torch.float64),),
        "a picture of 192 numbers, whose determinant is 1e-384": (0.01 * torch.eye(192, dtype=torch.float64)[None],),
        "a matrix that makes volumes huge": (1e4 * _triangular(torch.Generator().manual_seed(2), 2, 3)[0],),
        "a diagonal with a tiny number": (torch.diag(torch.tensor([1e-12, -3.0], dtype=torch.float64))[None],),
    },
    gradients=True,
    properties={
        "it is what torch.linalg.slogdet finds with much more work": agrees_with_slogdet,
        "what stands below the diagonal does not matter": below_the_diagonal_does_not_matter,
    },
    mistakes={
        "you added the diagonal, which is the trace; the determinant is its product, so add logarithms": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).sum(-1)
        ),
        "the diagonal may be negative, and its logarithm NaN: take log|.|": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        ),
        "that is the determinant; asked was log|det|": lambda J: J.diagonal(dim1=-2, dim2=-1).prod(-1),
        "the product of many numbers underflows to 0, whose logarithm is -inf: add logarithms instead": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).prod(-1).abs().log()
        ),
        "the mean over the dimensions is not the sum: every dimension stretches the volume once more": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).abs().log().mean(-1)
        ),
        "you also summed over the batch; each example has a log-determinant of its own, shape (B,)": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).abs().log().sum()
        ),
        "torch.diagonal takes the first two axes unless told: the matrix is in the last two, dim1=-2, dim2=-1": (
            lambda J: J.diagonal().abs().log().sum(-1)
        ),
        "asked is the sum of the logarithms; you took the logarithm of the sum": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).abs().sum(-1).log(),
            lambda J: J.diagonal(dim1=-2, dim2=-1).sum(-1).abs().log(),
        ),
        "that is right, by elimination, which takes D³ operations: of a triangular matrix the diagonal alone will do": (
            lambda J: torch.linalg.slogdet(J)[1],
            lambda J: torch.logdet(J.mT @ J) / 2,
        ),
        "an epsilon in the logarithm changes it where the diagonal is small; leave it out": (
            lambda J: (J.diagonal(dim1=-2, dim2=-1).abs() + 1e-6).log().sum(-1),
            lambda J: (J.diagonal(dim1=-2, dim2=-1).abs() + 1e-8).log().sum(-1),
        ),
        "|.| belongs inside the logarithm, log|J_ii|: you took |log J_ii|": (
            lambda J: J.diagonal(dim1=-2, dim2=-1).log().abs().sum(-1),
            lambda J: J.diagonal(dim1=-2, dim2=-1).abs().log().abs().sum(-1),
        ),
        "the sign is flipped: that is log|det| of the inverse": (
            lambda J: -J.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
        ),
        "you summed all of J; only the diagonal counts": lambda J: J.abs().log().sum((-2, -1)),
    },
)


# 5.4 ------------------------------------------------------------------------------------------------------------------


def _coupling(g, outputs: int, inverse: bool, size: int = 5, half: int = 3):
    return _rand(g, size, 2 * half), Net(_rand(g, outputs, half), _rand(g, outputs)), inverse


def additive_coupling(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    b = b - net(a) if inverse else b + net(a)
    return torch.cat([a, b], 1), torch.zeros_like(x[:, 0])


def additive_there_and_back(answer):
    x, net, _ = _coupling(torch.Generator().manual_seed(6), 3, False)
    assert torch.allclose(answer(answer(x, net)[0], net, inverse=True)[0], x, atol=1e-12)


def additive_agrees_with_autograd(answer):
    x, net, _ = _coupling(torch.Generator().manual_seed(7), 3, False)
    J = answer.watched(jacobian, x[0], net)
    assert torch.allclose(answer(x, net)[1][0], torch.linalg.slogdet(J)[1], atol=1e-12)


def halves_exchanged(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    a = a - net(b) if inverse else a + net(b)
    return torch.cat([a, b], 1), torch.zeros_like(x[:, 0])


def way_back_adds_too(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    return torch.cat([a, b + net(a)], 1), torch.zeros_like(x[:, 0])


def shifted_by_itself(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    b = b - net(b) if inverse else b + net(b)
    return torch.cat([a, b], 1), torch.zeros_like(x[:, 0])


def first_half_missing(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    return (b - net(a) if inverse else b + net(a)), torch.zeros_like(x[:, 0])


def shift_detached(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    t = net(a).detach()
    return torch.cat([a, b - t if inverse else b + t], 1), torch.zeros_like(x[:, 0])


def scaled_by_the_shift(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    return torch.cat([a, b / net(a) if inverse else b * net(a)], 1), torch.zeros_like(x[:, 0])


def shift_in_the_log_det(x, net, inverse=False):
    shift = net(x.chunk(2, dim=1)[0]).sum(1)
    return additive_coupling(x, net, inverse)[0], -shift if inverse else shift


def additive_joined_in_the_wrong_order(x, net, inverse=False):
    z, log_det = additive_coupling(x, net, inverse)
    a, b = z.chunk(2, dim=1)
    return torch.cat([b, a], 1), log_det


additive = Exercise(
    "5.4",
    "additive_coupling",
    reference=additive_coupling,
    inputs=lambda g: _coupling(g, 3, False),
    gradients=True,
    edges={
        "the way back, inverse=True": _coupling(torch.Generator().manual_seed(4), 3, True),
        "two numbers, D = 2": _coupling(torch.Generator().manual_seed(5), 1, False, 4, 1),
    },
    properties={
        "there and back again is where you were": additive_there_and_back,
        "the log-determinant is that of the Jacobian that autograd finds": additive_agrees_with_autograd,
    },
    mistakes={
        "the halves are exchanged: the first half passes, the second is shifted": halves_exchanged,
        "the way back adds what the way there added: subtract it": way_back_adds_too,
        "the network is cut off from the gradient (detach, no_grad): it would never learn": shift_detached,
        "you multiplied by the network's value; an additive coupling adds it": scaled_by_the_shift,
        "you shifted by a network of the half that is being shifted: subtracting can't undo that; "
        "give it the first half": shifted_by_itself,
        "the first half is missing in your result: it passes, but it is part of z": first_half_missing,
        "the log-determinant of a shift is 0, not 1: the determinant is 1, and log 1 = 0": (
            lambda x, net, inverse=False: (additive_coupling(x, net, inverse)[0], torch.ones_like(x[:, 0]))
        ),
        "the shift is not part of the log-determinant: the diagonal of the Jacobian is all ones": shift_in_the_log_det,
        "the log-determinant needs one number for each example, shape (B,), also where all of them are 0": (
            lambda x, net, inverse=False: (additive_coupling(x, net, inverse)[0], torch.zeros((), dtype=x.dtype))
        ),
        "the log-determinant has another dtype than x: torch.zeros_like(x[:, 0]) takes over x's": (
            lambda x, net, inverse=False: (additive_coupling(x, net, inverse)[0], torch.zeros(len(x)))
        ),
        "you put the halves together in the wrong order: "
        "first the half that passed, then the shifted one": additive_joined_in_the_wrong_order,
        "inverse=False is the way there: your two directions are exchanged": (
            lambda x, net, inverse=False: additive_coupling(x, net, not inverse)
        ),
    },
)


# 5.5 ------------------------------------------------------------------------------------------------------------------


def _parts(x, net):
    """The halves a and b, and for b the log-scales s and the shifts t, which the network finds from a."""
    a, b = x.chunk(2, dim=1)
    return a, b, *net(a).chunk(2, dim=1)


def _scaled_and_shifted(a, b, s, t, inverse):
    b = (b - t) * torch.exp(-s) if inverse else b * torch.exp(s) + t
    return torch.cat([a, b], 1), -s.sum(1) if inverse else s.sum(1)


def affine_coupling(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    s, t = net(a).chunk(2, dim=1)
    b = (b - t) * torch.exp(-s) if inverse else b * torch.exp(s) + t
    return torch.cat([a, b], 1), -s.sum(1) if inverse else s.sum(1)


def affine_there_and_back(answer):
    x, net, _ = _coupling(torch.Generator().manual_seed(6), 6, False)
    z, there = answer(x, net)
    again, back = answer(z, net, inverse=True)
    assert torch.allclose(again, x, atol=1e-12)
    assert torch.allclose(there + back, torch.zeros_like(there), atol=1e-12)


def affine_agrees_with_autograd(answer):
    x, net, _ = _coupling(torch.Generator().manual_seed(7), 6, False)
    for inverse in (False, True):
        J = answer.watched(jacobian, x[0], net, inverse)
        assert torch.allclose(answer(x, net, inverse)[1][0], torch.linalg.slogdet(J)[1], atol=1e-12)


def affine_joined_in_the_wrong_order(x, net, inverse=False):
    z, log_det = affine_coupling(x, net, inverse)
    a, b = z.chunk(2, dim=1)
    return torch.cat([b, a], 1), log_det


def log_det_negated(x, net, inverse=False):
    z, log_det = affine_coupling(x, net, inverse)
    return z, -log_det


def undone_in_the_wrong_order(x, net, inverse=False):
    a, b, s, t = _parts(x, net)
    b = b * torch.exp(-s) - t if inverse else b * torch.exp(s) + t
    return torch.cat([a, b], 1), -s.sum(1) if inverse else s.sum(1)


def scale_and_shift_exchanged(x, net, inverse=False):
    a, b, s, t = _parts(x, net)
    return _scaled_and_shifted(a, b, t, s, inverse)


def scaled_by_s_itself(x, net, inverse=False):
    a, b, s, t = _parts(x, net)
    b = (b - t) / s if inverse else b * s + t
    return torch.cat([a, b], 1), -s.abs().log().sum(1) if inverse else s.abs().log().sum(1)


def outputs_taken_in_turns(x, net, inverse=False):
    a, b = x.chunk(2, dim=1)
    return _scaled_and_shifted(a, b, net(a)[:, 0::2], net(a)[:, 1::2], inverse)


def _other_log_det(change):
    """The answer whose z is right, and whose log-determinant is made of the log-scales s, (B, D/2), in another way."""

    def answer(x, net, inverse=False):
        total = change(_parts(x, net)[2])
        return affine_coupling(x, net, inverse)[0], -total if inverse else total

    return answer


def log_det_detached(x, net, inverse=False):
    z, log_det = affine_coupling(x, net, inverse)
    return z, log_det.detach()


def _scale_made_of(change):
    """The answer whose log-scales are a function of the s that the network says."""

    def answer(x, net, inverse=False):
        a, b, s, t = _parts(x, net)
        return _scaled_and_shifted(a, b, change(s), t, inverse)

    return answer


def affine_halves_exchanged(x, net, inverse=False):
    b, a = x.chunk(2, dim=1)
    s, t = net(a).chunk(2, dim=1)
    b = (b - t) * torch.exp(-s) if inverse else b * torch.exp(s) + t
    return torch.cat([b, a], 1), -s.sum(1) if inverse else s.sum(1)


def affine_first_half_missing(x, net, inverse=False):
    z, log_det = affine_coupling(x, net, inverse)
    return z.chunk(2, dim=1)[1], log_det


def shift_counted_in_the_log_det(x, net, inverse=False):
    total = net(x.chunk(2, dim=1)[0]).sum(1)
    return affine_coupling(x, net, inverse)[0], -total if inverse else total


def shifted_before_it_is_scaled(x, net, inverse=False):
    a, b, s, t = _parts(x, net)
    b = b * torch.exp(-s) - t if inverse else (b + t) * torch.exp(s)
    return torch.cat([a, b], 1), -s.sum(1) if inverse else s.sum(1)


affine = Exercise(
    "5.5",
    "affine_coupling",
    reference=affine_coupling,
    inputs=lambda g: _coupling(g, 6, False),
    edges={
        "the way back, inverse=True": _coupling(torch.Generator().manual_seed(4), 6, True),
        "two numbers, D = 2": _coupling(torch.Generator().manual_seed(5), 2, False, 4, 1),
        "160 numbers and scales that make the volume exp(-960) times smaller": (
            _rand(torch.Generator().manual_seed(6), 2, 160),
            Shrinking(),
            False,
        ),
    },
    gradients=True,
    properties={
        "there and back again is where you were, and the two log-determinants cancel": affine_there_and_back,
        "the log-determinant is that of the Jacobian that autograd finds, both ways": affine_agrees_with_autograd,
    },
    mistakes={
        "you ignored inverse: with inverse=True, undo what the way there did, and flip the log-determinant's sign": (
            lambda x, net, inverse=False: affine_coupling(x, net)
        ),
        "you put the halves together in the wrong order: "
        "first the half that passed, then the changed one": affine_joined_in_the_wrong_order,
        "the log-determinant of the way back has the wrong sign: there it is -s.sum(1)": (
            lambda x, net, inverse=False: (affine_coupling(x, net, inverse)[0], _parts(x, net)[2].sum(1))
        ),
        "the sign of the log-determinant is flipped: "
        "the way there multiplies by exp(s), whose logarithm is s": log_det_negated,
        "on the way back, undo the last step first: subtract t, then divide by exp(s)": undone_in_the_wrong_order,
        "s and t are exchanged: the first half of the network's output is the log-scale s": scale_and_shift_exchanged,
        "you scaled by s itself; s is the logarithm of the scale, "
        "so that the scale exp(s) is never 0 or negative": scaled_by_s_itself,
        "the diagonal is exp(s), so its logarithm is s: you summed exp(s)": _other_log_det(lambda s: s.exp().sum(1)),
        "your log-determinant has one number for each dimension; "
        "sum them: one for each example, shape (B,)": _other_log_det(lambda s: s),
        "the mean over the dimensions is not the sum: every dimension stretches the volume once more": _other_log_det(
            lambda s: s.mean(1)
        ),
        "you summed over the batch as well; each example has a log-determinant of its own, shape (B,)": _other_log_det(
            lambda s: s.sum()
        ),
        "the product of many scales underflows to 0, whose logarithm is -inf: sum the s": (
            _other_log_det(lambda s: s.exp().prod(1).log()),
            _other_log_det(lambda s: s.exp().prod(1).abs().log()),
        ),
        "the log-determinant is cut off from the gradient (detach, no_grad): the flow would train as if it were 0": (
            log_det_detached
        ),
        "net's first half is s itself; you bounded it (tanh, clamp)": (
            _scale_made_of(torch.tanh),
            _scale_made_of(lambda s: s.clamp(-5, 5)),
        ),
        "the scale is exp(s), not a sigmoid or softplus of s": (
            _scale_made_of(torch.nn.functional.logsigmoid),
            _scale_made_of(lambda s: torch.nn.functional.softplus(s).log()),
        ),
        "the halves are exchanged: the first half passes, the second is changed": affine_halves_exchanged,
        "the first half is missing in your result: it passes, but it is part of z": affine_first_half_missing,
        "the log-determinant is not 0 here: unlike a shift, the scale changes volumes": (
            lambda x, net, inverse=False: (affine_coupling(x, net, inverse)[0], torch.zeros_like(x[:, 0]))
        ),
        "inverse=False is the way there: your two directions are exchanged": (
            lambda x, net, inverse=False: affine_coupling(x, net, not inverse)
        ),
        "s is the first half of the network's output, t the second: "
        "cut it in two, don't take turns": outputs_taken_in_turns,
        "the shift t is not part of the log-determinant: "
        "sum s alone, not all that the network says": shift_counted_in_the_log_det,
        "scale first, then shift: z_b = x_b exp(s) + t, not (x_b + t) exp(s)": shifted_before_it_is_scaled,
    },
)


# 5.6 ------------------------------------------------------------------------------------------------------------------


def _lu(g, channels=4, pixels=6):
    order = torch.randperm(channels, generator=g)
    P = torch.eye(channels, dtype=torch.float64)[order]
    sign = torch.where(torch.arange(channels) % 2 == 0, 1.0, -1.0).double()
    return P, _rand(g, channels, channels), _rand(g, channels, channels), sign, _rand(g, channels), pixels


def _unit_lower(lower):
    return lower.tril(-1) + torch.eye(len(lower), dtype=lower.dtype)


def _upper_with(diagonal, upper):
    return upper.triu(1) + torch.diag(diagonal)


def _assemble(P, lower, upper, sign, log_d):
    return P @ _unit_lower(lower) @ _upper_with(sign * log_d.exp(), upper)


def lu_conv(P, lower, upper, sign, log_d, pixels):
    L = torch.tril(lower, -1) + torch.eye(len(P), dtype=P.dtype)
    U = torch.triu(upper, 1) + torch.diag(sign * log_d.exp())
    return P @ L @ U, pixels * log_d.sum()


def _other_matrix(make):
    """The answer with another M, made of P, lower, upper and the diagonal d."""
    return lambda P, lower, upper, sign, log_d, pixels: (
        make(P, lower, upper, sign * log_d.exp()),
        pixels * log_d.sum(),
    )


def _other_volume(make):
    """The answer with another log-determinant, made of the signs, log_d and the number of pixels."""
    return lambda P, lower, upper, sign, log_d, pixels: (
        _assemble(P, lower, upper, sign, log_d),
        make(sign, log_d, pixels),
    )


def log_det_of_all_pixels_agrees_with_slogdet(answer):
    arguments = _lu(torch.Generator().manual_seed(5), 6, 10)
    M, log_det = answer(*arguments)
    assert torch.allclose(log_det, 10 * torch.linalg.slogdet(M)[1])


def wrong_side_does_not_matter(answer):
    P, lower, upper, *rest = _lu(torch.Generator().manual_seed(6))
    noise = _rand(torch.Generator().manual_seed(7), 4, 4)
    again = answer(P, lower + noise.triu(), upper + noise.tril(), *rest)[0]
    assert torch.allclose(again, answer(P, lower, upper, *rest)[0])


def no_determinant_is_computed(answer):
    P, lower, upper, sign, log_d, pixels = _lu(torch.Generator().manual_seed(8))
    tiny = torch.full_like(log_d, -800)  # exp(-800) is 0 in float64
    assert torch.allclose(answer(P, lower, upper, sign, tiny, pixels)[1], pixels * tiny.sum())


lu = Exercise(
    "5.6",
    "lu_conv",
    reference=lu_conv,
    inputs=_lu,
    edges={"one channel": _lu(torch.Generator().manual_seed(3), 1, 9)},
    observe=learned_only,
    gradients=True,
    properties={
        "log|det M| for each pixel is what torch.linalg.slogdet finds": log_det_of_all_pixels_agrees_with_slogdet,
        "entries on the wrong side of lower and upper do not matter": wrong_side_does_not_matter,
        "log|det M| comes from log_d alone, without a determinant, "
        "so it is right also where exp(log_d) is too small": no_determinant_is_computed,
    },
    mistakes={
        "the signs don't enter: log|det M| is the sum of log|d| = log_d; "
        "log(sign · exp(log_d)) is NaN where d < 0": _other_volume(
            lambda sign, log_d, pixels: pixels * (sign * log_d.exp()).log().sum()
        ),
        "the channels are counted in the sum already: multiply by `pixels`, not by `pixels` times C": _other_volume(
            lambda sign, log_d, pixels: len(sign) * pixels * log_d.sum()
        ),
        "the same M acts at every pixel, so its log-determinant counts `pixels` times": _other_volume(
            lambda sign, log_d, pixels: log_d.sum()
        ),
        "L needs ones on its diagonal: lower.tril(-1) + I": _other_matrix(
            lambda P, lower, upper, d: P @ lower.tril(-1) @ _upper_with(d, upper)
        ),
        "L keeps the diagonal of `lower`; "
        "take what is strictly below it, tril(-1), and add the identity": _other_matrix(
            lambda P, lower, upper, d: P @ lower.tril() @ _upper_with(d, upper)
        ),
        "L has `lower`'s diagonal plus ones: "
        "take what is strictly below it, tril(-1), before you add the identity": _other_matrix(
            lambda P, lower, upper, d: P @ (lower.tril() + torch.eye(len(P)).to(P)) @ _upper_with(d, upper)
        ),
        "the signs don't enter the log-determinant: log|d| = log_d, whatever the sign; "
        "you summed sign · log_d": _other_volume(lambda sign, log_d, pixels: pixels * (sign * log_d).sum()),
        "U keeps the diagonal of `upper`; "
        "take what is strictly above it, triu(1), and add diag(sign · exp(log_d))": _other_matrix(
            lambda P, lower, upper, d: P @ _unit_lower(lower) @ (upper.triu() + torch.diag(d))
        ),
        "the signs are missing: with a positive diagonal not every rotation is P L U; -I is not": _other_matrix(
            lambda P, lower, upper, d: P @ _unit_lower(lower) @ _upper_with(d.abs(), upper)
        ),
        "the order is P L U; you have L P U": _other_matrix(
            lambda P, lower, upper, d: _unit_lower(lower) @ P @ _upper_with(d, upper)
        ),
        "the order is P L U; you have L U P": _other_matrix(
            lambda P, lower, upper, d: _unit_lower(lower) @ _upper_with(d, upper) @ P
        ),
        "the order is P L U; you have P U L": _other_matrix(
            lambda P, lower, upper, d: P @ _upper_with(d, upper) @ _unit_lower(lower)
        ),
        "that is the transpose of M": _other_matrix(
            lambda P, lower, upper, d: (P @ _unit_lower(lower) @ _upper_with(d, upper)).T
        ),
        "that is the inverse of M": _other_matrix(
            lambda P, lower, upper, d: torch.linalg.inv(P @ _unit_lower(lower) @ _upper_with(d, upper))
        ),
        "lower and upper both keep their diagonals; take what is strictly below, tril(-1), and strictly above, "
        "triu(1), and add the diagonals": _other_matrix(
            lambda P, lower, upper, d: P @ (lower.tril() + torch.eye(len(P)).to(P)) @ (upper.triu() + torch.diag(d))
        ),
        "you took lower as it is; L is what is strictly below its diagonal, plus the identity": _other_matrix(
            lambda P, lower, upper, d: P @ lower @ _upper_with(d, upper)
        ),
        "U is what is strictly above the diagonal plus diag(sign · exp(log_d)); you multiplied a matrix with ones on "
        "its diagonal by that": (
            _other_matrix(
                lambda P, lower, upper, d: (
                    P @ _unit_lower(lower) @ torch.diag(d) @ _upper_with(torch.ones_like(d), upper)
                )
            ),
            _other_matrix(
                lambda P, lower, upper, d: (
                    P @ _unit_lower(lower) @ _upper_with(torch.ones_like(d), upper) @ torch.diag(d)
                )
            ),
        ),
        "you added to every entry of a row or matrix; ones and sign · exp(log_d) belong on the diagonals only: "
        "torch.eye, torch.diag": _other_matrix(
            lambda P, lower, upper, d: P @ (lower.tril(-1) + 1) @ (upper.triu(1) + d)
        ),
        "you transposed P: M = P L U, not Pᵀ L U": _other_matrix(
            lambda P, lower, upper, d: P.T @ _unit_lower(lower) @ _upper_with(d, upper)
        ),
        "the permutation P is missing: M = P L U": _other_matrix(
            lambda P, lower, upper, d: _unit_lower(lower) @ _upper_with(d, upper)
        ),
        "the diagonal of U is sign · exp(log_d): you put log_d itself there": _other_matrix(
            lambda P, lower, upper, d: P @ _unit_lower(lower) @ _upper_with(d.sign() * d.abs().log(), upper)
        ),
        "the sign is flipped: that is the log-determinant of the inverse": _other_volume(
            lambda sign, log_d, pixels: -pixels * log_d.sum()
        ),
        "the mean over the channels is not the sum: |det M| is the product of all |d|": _other_volume(
            lambda sign, log_d, pixels: pixels * log_d.mean()
        ),
        "the log-determinant is cut off from the gradient (detach, item, no_grad): log_d would train "
        "as if the volume did not count": _other_volume(lambda sign, log_d, pixels: (pixels * log_d.sum()).detach()),
        "lower and upper are exchanged: L takes what is below the diagonal of lower, U what is above that of upper": (
            lambda P, lower, upper, sign, log_d, pixels: lu_conv(P, upper, lower, sign, log_d, pixels)
        ),
        "you summed exp(log_d); log|det M| is the sum of the logarithms, log_d": _other_volume(
            lambda sign, log_d, pixels: pixels * log_d.exp().sum()
        ),
    },
)


# 5.7 ------------------------------------------------------------------------------------------------------------------


def _scaled(g):
    return _rand(g, 5) * 50 + 200, 64, 256


def dequantized_bits(log_p, dimensions, levels):
    return -log_p / (dimensions * math.log(2)) + math.log2(levels)


def agrees_with_bits_per_dim(answer):
    from genlib import metrics

    log_p = _rand(torch.Generator().manual_seed(2), 4) * 30
    assert torch.allclose(answer(log_p, 12, 256), metrics.bits_per_dim(log_p, (12,), spacing=1 / 256))


bits = Exercise(
    "5.7",
    "dequantized_bits",
    reference=dequantized_bits,
    inputs=_scaled,
    edges={
        "17 levels": (torch.tensor([90.0, -20.0], dtype=torch.float64), 64, 17),
        "a density so high that the bits fall below 0": (torch.tensor([900.0, 30.0], dtype=torch.float64), 64, 17),
    },
    gradients=True,
    properties={
        "the uniform density on the unit cube, log p(x) = 0, costs log₂(levels) bits": (
            lambda answer: torch.allclose(
                answer(torch.zeros(2, dtype=torch.float64), 10, 32), torch.full((2,), 5.0, dtype=torch.float64)
            )
        ),
        "it agrees with metrics.bits_per_dim, told the spacing 1 / levels": agrees_with_bits_per_dim,
    },
    mistakes={
        "the 256 is missing: this is the density of x in the unit cube, log₂(levels) bits better than that of v + u": (
            lambda log_p, dimensions, levels: -log_p / (dimensions * math.log(2))
        ),
        "the sign of the last term is flipped: "
        "the smaller the cells, the higher the density of x, so add log₂(levels)": (
            lambda log_p, dimensions, levels: -log_p / (dimensions * math.log(2)) - math.log2(levels)
        ),
        "the result is in nats: divide by log 2, also in the term of the levels": (
            lambda log_p, dimensions, levels: -log_p / dimensions + math.log(levels)
        ),
        "you mixed units: log(levels) is in nats, and the rest is in bits; use log₂(levels)": (
            lambda log_p, dimensions, levels: -log_p / (dimensions * math.log(2)) + math.log(levels)
        ),
        "log(levels) counts once for each dimension; you counted it once for the whole picture": (
            lambda log_p, dimensions, levels: -(log_p - math.log(levels)) / (dimensions * math.log(2))
        ),
        "log₂(levels) is 8 for 256 levels only: `levels` is an argument": (
            lambda log_p, dimensions, levels: -log_p / (dimensions * math.log(2)) + 8
        ),
        "the result is per dimension, and so is log₂(levels) already: don't multiply it by `dimensions`": (
            lambda log_p, dimensions, levels: -log_p / (dimensions * math.log(2)) + dimensions * math.log2(levels)
        ),
        "log_p is that of the whole picture: divide it by `dimensions`, as the second term is per dimension": (
            lambda log_p, dimensions, levels: -log_p / math.log(2) + math.log2(levels)
        ),
        "that is for the whole picture: divide by the number of dimensions": (
            lambda log_p, dimensions, levels: -log_p / math.log(2) + dimensions * math.log2(levels)
        ),
        "the levels lie 1 / levels apart, since x = (v + u) / levels: log₂(levels), not log₂(levels - 1)": (
            lambda log_p, dimensions, levels: -log_p / (dimensions * math.log(2)) + math.log2(levels - 1)
        ),
        "asked is a number for each picture, shape (B,); you averaged over the batch": (
            lambda log_p, dimensions, levels: dequantized_bits(log_p, dimensions, levels).mean()
        ),
        "log₂(levels) is in bits already; you divided it by log 2 once more": (
            lambda log_p, dimensions, levels: (math.log2(levels) - log_p / dimensions) / math.log(2)
        ),
        "exp(log_p) under- or overflows; log_p is a logarithm already, so divide it by log 2": (
            lambda log_p, dimensions, levels: -log_p.exp().log2() / dimensions + math.log2(levels)
        ),
        "a density may be above 1, and this number below 0: don't cut it off": (
            lambda log_p, dimensions, levels: dequantized_bits(log_p, dimensions, levels).clamp(min=0),
            lambda log_p, dimensions, levels: (-log_p / (dimensions * math.log(2))).clamp(min=0) + math.log2(levels),
        ),
        "nats become bits by dividing by log 2; you multiplied": (
            lambda log_p, dimensions, levels: -log_p * math.log(2) / dimensions + math.log2(levels)
        ),
        "log_p is in nats and stays so: divide it by log 2": (
            lambda log_p, dimensions, levels: -log_p / dimensions + math.log2(levels)
        ),
        "a high density costs few bits: the sign of log_p is flipped": (
            lambda log_p, dimensions, levels: log_p / (dimensions * math.log(2)) + math.log2(levels)
        ),
    },
)


# 5.8 ------------------------------------------------------------------------------------------------------------------


def _pixels(g, size=5, D=6, levels=17, alpha=0.02):
    return 0.05 + (levels - 0.1) * torch.rand(size, D, generator=g, dtype=torch.float64), levels, alpha


def _squeezed(x, levels, alpha):
    return alpha + (1 - 2 * alpha) * x / levels


def _logit(r):
    return r.log() - (1 - r).log()


def logit_layer(x, levels, alpha):
    r = _squeezed(x, levels, alpha)
    log_slope = math.log((1 - 2 * alpha) / levels) - r.log() - (1 - r).log()
    return _logit(r), log_slope.sum(1)


def _other_slope(change):
    """The answer whose z is right, and whose log-determinant is made of r, levels and alpha in another way."""
    return lambda x, levels, alpha: (
        _logit(_squeezed(x, levels, alpha)),
        change(_squeezed(x, levels, alpha), levels, alpha),
    )


def _other_r(shift, scale):
    """The answer in which r = shift + scale x, both made of levels and alpha in another way, and all else follows."""

    def answer(x, levels, alpha):
        r = shift(levels, alpha) + scale(levels, alpha) * x
        return _logit(r), (math.log(scale(levels, alpha)) - r.log() - (1 - r).log()).sum(1)

    return answer


def agrees_with_genlibs_logit(answer):
    from genlib.flow import Logit

    x, levels, alpha = _pixels(torch.Generator().manual_seed(5), 3, 4, 9, 0.05)
    z, log_det = answer(x, levels, alpha)
    right, right_log_det = Logit(levels, alpha)(x)
    assert torch.allclose(z, right)
    assert torch.allclose(log_det, right_log_det)


def logit_agrees_with_autograd(answer):
    x, levels, alpha = _pixels(torch.Generator().manual_seed(6), 2, 4)
    J = answer.watched(jacobian, x[0], levels, alpha)
    assert torch.allclose(answer(x, levels, alpha)[1][0], torch.linalg.slogdet(J)[1])


logit = Exercise(
    "5.8",
    "logit_layer",
    reference=logit_layer,
    inputs=_pixels,
    edges={
        "256 levels, and another alpha": _pixels(torch.Generator().manual_seed(3), 4, 3, 256, 0.1),
        "one number, D = 1": _pixels(torch.Generator().manual_seed(4), 4, 1, 5, 0.02),
        "a picture of 784 numbers": _pixels(torch.Generator().manual_seed(7), 2, 784),
        "alpha = 0, next to the walls": (torch.tensor([[1e-9, 8.0, 17 - 1e-9]], dtype=torch.float64), 17, 0.0),
    },
    gradients=True,
    properties={
        "the log-determinant is that of the Jacobian that autograd finds": logit_agrees_with_autograd,
        "it does what genlib.flow.Logit does": agrees_with_genlibs_logit,
    },
    mistakes={
        "the first step, r = alpha + (1 - 2 alpha) x / levels, has a slope too: (1 - 2 alpha) / levels is missing in "
        "the log-determinant": _other_slope(lambda r, levels, alpha: -(r * (1 - r)).log().sum(1)),
        "(1 - 2 alpha) / levels is the slope for each number: its logarithm counts D times, yours once": _other_slope(
            lambda r, levels, alpha: math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log().sum(1)
        ),
        "dividing by `levels` has a slope too, 1 / levels: it is missing in the log-determinant": _other_slope(
            lambda r, levels, alpha: (math.log(1 - 2 * alpha) - (r * (1 - r)).log()).sum(1)
        ),
        "the factor 1 - 2 alpha of the slope is missing in the log-determinant": _other_slope(
            lambda r, levels, alpha: (-math.log(levels) - (r * (1 - r)).log()).sum(1)
        ),
        "dividing by `levels` makes the slope smaller: subtract log(levels) in the log-determinant": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) * levels) - (r * (1 - r)).log()).sum(1)
        ),
        "the slope of the logit is 1 / (r (1 - r)): you multiplied by r (1 - r), which is that of the sigmoid": (
            _other_slope(lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) + (r * (1 - r)).log()).sum(1))
        ),
        "the slope of the logit is 1 / (r (1 - r)): you left out 1 - r": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) - r.log()).sum(1)
        ),
        "the slope of the logit is 1 / (r (1 - r)): you left out r": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) - (1 - r).log()).sum(1)
        ),
        "(1 - 2 alpha) / levels is a factor of the slope, so its logarithm is added; you subtracted it": _other_slope(
            lambda r, levels, alpha: (-math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log()).sum(1)
        ),
        "that is the determinant; asked is the logarithm of its size": _other_slope(
            lambda r, levels, alpha: ((1 - 2 * alpha) / levels / (r * (1 - r))).prod(1)
        ),
        "the slope of the logit is 1 / (r (1 - r)): the two logarithms are subtracted both; you added "
        "log(1 - r)": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) - r.log() + (1 - r).log()).sum(1)
        ),
        "the sign of the log-determinant is flipped: that is the one of the way back": _other_slope(
            lambda r, levels, alpha: -(math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log()).sum(1)
        ),
        "each z_i has a slope of its own and J is diagonal: sum the logarithms, don't average them": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log()).mean(1)
        ),
        "your log-determinant has one number for each dimension; sum them: one for each example, shape (B,)": (
            _other_slope(lambda r, levels, alpha: math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log())
        ),
        "you summed over the batch as well; each example has a log-determinant of its own, shape (B,)": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log()).sum()
        ),
        "you summed the slopes; log|det J| is the sum of their logarithms": _other_slope(
            lambda r, levels, alpha: ((1 - 2 * alpha) / levels / (r * (1 - r))).sum(1)
        ),
        "that is the logarithm of the summed slopes; asked is the sum of their logarithms": _other_slope(
            lambda r, levels, alpha: ((1 - 2 * alpha) / levels / (r * (1 - r))).sum(1).log()
        ),
        "the product of many slopes under- or overflows; add their logarithms instead": _other_slope(
            lambda r, levels, alpha: ((1 - 2 * alpha) / levels / (r * (1 - r))).prod(1).log()
        ),
        "the log-determinant is that of one step alone; you returned zeros": _other_slope(
            lambda r, levels, alpha: torch.zeros_like(r[:, 0])
        ),
        "the log-determinant is cut off from the gradient (detach, no_grad)": _other_slope(
            lambda r, levels, alpha: (math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log()).sum(1).detach()
        ),
        "alpha is taken off at both ends: the factor is 1 - 2 alpha, you have 1 - alpha": _other_r(
            lambda levels, alpha: alpha, lambda levels, alpha: (1 - alpha) / levels
        ),
        "x lies between 0 and levels: divide by levels, not by levels - 1": _other_r(
            lambda levels, alpha: alpha, lambda levels, alpha: (1 - 2 * alpha) / (levels - 1)
        ),
        "the first alpha is missing: r = alpha + (1 - 2 alpha) x / levels": _other_r(
            lambda levels, alpha: 0.0, lambda levels, alpha: (1 - 2 * alpha) / levels
        ),
        "alpha is missing: r = alpha + (1 - 2 alpha) x / levels": _other_r(
            lambda levels, alpha: 0.0, lambda levels, alpha: 1 / levels
        ),
        "you wrote 17 into your answer: `levels` is an argument": _other_r(
            lambda levels, alpha: alpha, lambda levels, alpha: (1 - 2 * alpha) / 17
        ),
        "you wrote 0.02 into your answer: `alpha` is an argument": _other_r(
            lambda levels, alpha: 0.02, lambda levels, alpha: 0.96 / levels
        ),
        "z is log(r / (1 - r)); you left out the logarithm": (
            lambda x, levels, alpha: (_logit(_squeezed(x, levels, alpha)).exp(), logit_layer(x, levels, alpha)[1])
        ),
        "the slope 1 / (r (1 - r)) belongs at r, not at x / levels": (
            lambda x, levels, alpha: (
                _logit(_squeezed(x, levels, alpha)),
                (math.log((1 - 2 * alpha) / levels) - (x / levels * (1 - x / levels)).log()).sum(1),
            )
        ),
        "z is log(r / (1 - r)); yours has the other sign, log((1 - r) / r)": (
            lambda x, levels, alpha: (
                -_logit(_squeezed(x, levels, alpha)),
                logit_layer(x, levels, alpha)[1],
            )
        ),
        "the sigmoid is the way back; the way there is its inverse, log(r / (1 - r))": (
            lambda x, levels, alpha: (_squeezed(x, levels, alpha).sigmoid(), logit_layer(x, levels, alpha)[1])
        ),
        "log is the natural logarithm; you took that to base 2": (
            lambda x, levels, alpha: tuple(v / math.log(2) for v in logit_layer(x, levels, alpha)),
            _other_slope(lambda r, levels, alpha: (math.log2((1 - 2 * alpha) / levels) - (r * (1 - r)).log2()).sum(1)),
        ),
    },
)


# 5.9 and 5.10: is this a bug? -----------------------------------------------------------------------------------------


def density_bugs():
    return {"A": False, "B": True, "C": False, "D": True, "E": True}


in_the_density = Exercise(
    "5.9",
    "density_bugs",
    reference=density_bugs,
    observe=judged(density_bugs()),
    mistakes=misjudged(
        density_bugs(),
        {
            "A": "no bug. Turning the numbers around only renames the axes: |det| = 1, and log 1 = 0 may be left out.",
            "B": "a bug. log_det is added to each of the D numbers and then summed, so it counts D times: with D = 2 "
            "the density of the moons has the mass 8.",
            "C": "no bug. This log_det is that of the way back, G, at z: by (5.4) and (5.7) it is subtracted.",
            "D": "a bug. Only the numbers that are changed are scaled, but all of s is summed: where the mask is 1 the "
            "network's s acts on nothing and counts all the same. ((1 - mask) * s).sum(1) it must be.",
            "E": "a bug. One number divides all D of x, so the diagonal of J holds 1/width D times: the "
            "log-determinant is -D log width.",
        },
    ),
)


def unit_bugs():
    return {"A": False, "B": True, "C": False, "D": True, "E": False, "F": True}


in_the_bits = Exercise(
    "5.10",
    "unit_bugs",
    reference=unit_bugs,
    observe=judged(unit_bugs()),
    mistakes=misjudged(
        unit_bugs(),
        {
            "A": "no bug. Subtracting ½ is a shift, whose slope is 1; only dividing by 256 has a factor, 8 bits.",
            "B": "a bug. In [0, 1) the levels lie 1/256 apart; without + 8 (or spacing=1/256) each dimension seems "
            "8 bits cheaper than it is.",
            "C": "no bug. The cell of v is [v - ½, v + ½) instead of [v, v + 1): its volume is 1 as well, and no two "
            "cells overlap.",
            "D": "a bug. Divided by 128, the slope is 1/128 and the term log₂ 128 = 7: this model is told to be a bit "
            "worse per dimension than it is.",
            "E": "no bug. 301 points have 300 gaps between them: 12 / 300 is the width of a cell. (12 / 301 would be "
            "wrong.) And at the rim the density is next to 0.",
            "F": "a bug. k / steps goes from 0 to 8/9: the walk never arrives at b. Of 9 points with both ends, "
            "k / (steps - 1) it must be.",
        },
    ),
)


EXERCISES = (density, normal, triangular, additive, affine, lu, bits, logit, in_the_density, in_the_bits)
