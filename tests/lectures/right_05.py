"""Right answers to lecture 05's exercises, written otherwise: each is accepted, or told one true thing instead.

A pair (answer, words) is refused, and the line that is told says these words.
"""

import math

import numpy as np
import torch
from torch import Tensor

NO_GRADIENT = "no gradient flows"


# 5.1


def density_point_by_point(x, f, df, log_p_z):
    values = []
    for i in range(len(x)):
        one = x[i : i + 1]
        values.append((log_p_z(f(one)) + torch.log(torch.abs(df(one))))[0])
    return torch.stack(values)


def density_by_the_inverse(x, f, df, log_p_z):
    return log_p_z(f(x)) - torch.log(1 / df(x).abs())


def density_by_half_the_square(x: Tensor, f, df, log_p_z) -> Tensor:
    z, slope = f(x), df(x)
    return log_p_z(z) + 0.5 * torch.log(slope * slope)


class Density:
    def __call__(self, x, f, df, log_p_z):
        return torch.add(log_p_z(f(x)), df(x).abs().log())


def density_in_numpy(x, f, df, log_p_z):
    return log_p_z(f(x)).numpy() + np.log(np.abs(df(x).numpy()))


# 5.2


def incomes_one_by_one(x):
    return [math.exp(-(math.log(v) ** 2) / 2) / (v * math.sqrt(2 * math.pi)) for v in x.tolist()]


def incomes_in_numpy(x):
    x = np.asarray(x)
    return np.exp(-(np.log(x) ** 2) / 2) / x / np.sqrt(2 * np.pi)


def incomes_by_torch_distributions(x):
    return torch.distributions.LogNormal(0.0, 1.0).log_prob(x).exp()


# 5.3


def triangular_in_a_loop(J):
    total = 0
    for i in range(J.shape[-1]):
        total = total + torch.log(torch.abs(J[:, i, i]))
    return total


def triangular_matrix_by_matrix(J: Tensor) -> list[Tensor]:
    return [torch.diag(matrix).abs().log().sum() for matrix in J]


# 5.4


def additive_by_slices(x, net, inverse=False):
    half = x.shape[1] // 2
    z = x.clone()
    z[:, half:] = x[:, half:] + (-1 if inverse else 1) * net(x[:, :half])
    return z, x.new_zeros(len(x))


def additive_as_a_list(x, net, inverse=False):
    a, b = x.split(x.shape[1] // 2, dim=1)
    t = net(a)
    return [torch.hstack((a, b - t if inverse else b + t)), 0 * x.sum(1)]


class Additive:
    def __call__(self, x: Tensor, net, inverse: bool = False) -> tuple[Tensor, Tensor]:
        a, b = torch.tensor_split(x, 2, 1)
        if inverse:
            return torch.cat((a, b.sub(net(a))), -1), torch.zeros(len(x), dtype=x.dtype)
        return torch.cat((a, b.add(net(a))), -1), torch.zeros(len(x), dtype=x.dtype)


def additive_row_by_row(x, net, inverse=False):
    rows = []
    for row in x:
        a, b = row[: len(row) // 2], row[len(row) // 2 :]
        t = net(a[None])[0]
        rows.append(torch.cat([a, b - t if inverse else b + t]))
    return torch.stack(rows), torch.zeros(len(x)).double()


# 5.5


def affine_by_slices(x, net, inverse=False):
    half = x.shape[1] // 2
    out = net(x[:, :half])
    s, t = out[:, :half], out[:, half:]
    z = x.clone()
    z[:, half:] = (x[:, half:] - t) / torch.exp(s) if inverse else x[:, half:] * torch.exp(s) + t
    return z, torch.einsum("bi->b", -s if inverse else s)


def affine_with_logs_of_scales(x, net, inverse=False):
    a, b = x.chunk(2, 1)
    s, t = net(a).chunk(2, 1)
    scale = s.exp()
    if inverse:
        return torch.cat([a, (b - t) / scale], 1), -scale.log().sum(1)
    return torch.cat([a, scale * b + t], 1), scale.log().sum(1)


class Affine:
    def __call__(self, x: Tensor, net, inverse: bool = False) -> list[Tensor]:
        a, b = x.chunk(2, -1)
        s, t = net(a).chunk(2, -1)
        b = torch.addcmul(t, b, s.exp()) if not inverse else (b - t).mul((-s).exp())
        return [torch.cat([a, b], -1), s.sum(-1) * (-1 if inverse else 1)]


def affine_with_a_loop(x, net, inverse=False):
    a, b = x.chunk(2, 1)
    s, t = net(a).chunk(2, 1)
    log_det = torch.zeros(len(x), dtype=x.dtype)
    columns = list(a.T)
    for i in range(a.shape[1]):
        columns.append((b[:, i] - t[:, i]) / s[:, i].exp() if inverse else b[:, i] * s[:, i].exp() + t[:, i])
        log_det = log_det - s[:, i] if inverse else log_det + s[:, i]
    return torch.stack(columns, 1), log_det


# 5.6


def lu_with_eye_like(P, lower, upper, sign, log_d, pixels):
    eye = torch.eye(P.shape[0]).to(P)
    L = eye + lower.tril(-1)
    U = upper.triu(1) + eye * (sign * torch.exp(log_d))
    return torch.linalg.multi_dot([P, L, U]), torch.sum(log_d) * pixels


def lu_by_einsum(P, lower, upper, sign, log_d, pixels):
    i = torch.arange(len(P))
    L = torch.where(i[:, None] > i, lower, 0.0) + torch.where(i[:, None] == i, 1.0, 0.0)
    U = torch.where(i[:, None] < i, upper, 0.0) + torch.diag_embed(sign * log_d.exp())
    return torch.einsum("ij,jk,kl->il", P, L, U), pixels * log_d.sum()


def lu_by_exchanged_rows(P, lower, upper, sign, log_d, pixels):
    L = torch.tril(lower, -1) + torch.eye(len(P))
    U = torch.triu(upper, 1) + torch.diag(sign * log_d.exp())
    return (L @ U)[P.argmax(1)], pixels * log_d.sum()


def lu_as_a_list(P, lower, upper, sign, log_d, pixels):
    L, U = lower.clone(), upper.clone()
    for i in range(len(P)):
        for j in range(len(P)):
            if i <= j:
                L[i, j] = 1.0 if i == j else 0.0
            if i >= j:
                U[i, j] = sign[i] * log_d[i].exp() if i == j else 0.0
    return [P @ (L @ U), (pixels * log_d.sum())[None].squeeze()]


# 5.7


def bits_of_the_integers(log_p, dimensions, levels):
    """By (5.16) first, then into bits."""
    nats = log_p - dimensions * math.log(levels)
    return -nats / dimensions / math.log(2)


def bits_picture_by_picture(log_p, dimensions, levels):
    return [-value / dimensions / math.log(2) + math.log2(levels) for value in log_p]


def bits_by_metrics(log_p, dimensions, levels):
    from genlib import metrics

    return metrics.bits_per_dim(log_p, (dimensions,), spacing=1 / levels)


# 5.8


def logit_by_torch(x, levels, alpha):
    r = alpha + (1 - 2 * alpha) * x / levels
    return torch.logit(r), torch.log((1 - 2 * alpha) / (levels * r * (1 - r))).sum(-1)


def logit_in_terms_of_z(x, levels, alpha):
    r = alpha + (1 - 2 * alpha) * x / levels
    z = torch.log(r / (1 - r))
    softplus = torch.nn.functional.softplus
    return [z, (math.log(1 - 2 * alpha) - math.log(levels) + softplus(z) + softplus(-z)).sum(1)]


def logit_column_by_column(x: Tensor, levels, alpha) -> tuple[Tensor, Tensor]:
    columns, log_det = [], 0
    for i in range(x.shape[1]):
        r = alpha + (1 - 2 * alpha) * x[:, i] / levels
        columns.append(torch.log(r) - torch.log1p(-r))
        log_det = log_det + math.log((1 - 2 * alpha) / levels) - torch.log(r) - torch.log1p(-r)
    return torch.stack(columns, 1), log_det


def logit_with_d_times_the_constant(x, levels, alpha):
    r = alpha + (1 - 2 * alpha) * x / levels
    log_det = x.shape[1] * math.log((1 - 2 * alpha) / levels) - (r * (1 - r)).log().sum(1)
    return (r / (1 - r)).log(), log_det


def logit_by_genlib(x, levels, alpha):
    from genlib.flow import Logit

    return Logit(levels, alpha)(x)


class LogitLayer:
    def __call__(self, x, levels, alpha):
        r = torch.add(alpha, x, alpha=(1 - 2 * alpha) / levels)
        return r.log() - (1 - r).log(), torch.einsum("bi->b", -torch.log(r * (1 - r) * levels / (1 - 2 * alpha)))


RIGHT = {
    "log_density": {
        "a Python loop": density_point_by_point,
        "by the slope of the inverse": density_by_the_inverse,
        "half the logarithm of the square": density_by_half_the_square,
        "a class": Density(),
        "NumPy": (density_in_numpy, NO_GRADIENT),
        "float32": (lambda x, f, df, log_p_z: (log_p_z(f(x)) + df(x).abs().log()).float(), "asked was torch.float64"),
    },
    "density_of_incomes": {
        "a list of numbers": incomes_one_by_one,
        "NumPy": incomes_in_numpy,
        "torch.distributions": incomes_by_torch_distributions,
        "exp of the logarithm": lambda x: torch.exp(-(x.log() ** 2) / 2 - x.log() - 0.5 * math.log(2 * math.pi)),
        "float32": (lambda x: incomes_by_torch_distributions(x.float()), "asked was torch.float64"),
    },
    "triangular_log_det": {
        "a loop over the diagonal": triangular_in_a_loop,
        "a list of matrices": triangular_matrix_by_matrix,
        "einsum": lambda J: torch.einsum("bii->bi", J).abs().log().sum(-1),
        "half the logarithm of squares": lambda J: J.diagonal(0, 1, 2).square().log().sum(1) / 2,
        "elimination": (lambda J: torch.linalg.slogdet(J).logabsdet, "by elimination"),
        "NumPy": (lambda J: np.log(np.abs(np.einsum("bii->bi", J.numpy()))).sum(1), NO_GRADIENT),
    },
    "additive_coupling": {
        "slices and a sign": additive_by_slices,
        "a list": additive_as_a_list,
        "a class": Additive(),
        "row by row": additive_row_by_row,
    },
    "affine_coupling": {
        "slices and einsum": affine_by_slices,
        "the logarithm of each scale": affine_with_logs_of_scales,
        "a class that returns a list": Affine(),
        "a loop over the columns": affine_with_a_loop,
    },
    "lu_conv": {
        "an identity like P": lu_with_eye_like,
        "where and einsum": lu_by_einsum,
        "the rows exchanged by index": lu_by_exchanged_rows,
        "loops, and a list": lu_as_a_list,
    },
    "dequantized_bits": {
        "into integers, then into bits": bits_of_the_integers,
        "a list of tensors": bits_picture_by_picture,
        "metrics": bits_by_metrics,
        "one fraction": lambda log_p, dimensions, levels: (math.log(levels) - log_p / dimensions) / math.log(2),
        "NumPy": (
            lambda log_p, dimensions, levels: -log_p.numpy() / dimensions / np.log(2) + np.log2(levels),
            NO_GRADIENT,
        ),
    },
    "logit_layer": {
        "torch.logit": logit_by_torch,
        "a list, in terms of z": logit_in_terms_of_z,
        "a loop over the columns": logit_column_by_column,
        "D times the constant": logit_with_d_times_the_constant,
        "genlib's": logit_by_genlib,
        "a class and einsum": LogitLayer(),
        "float32": (lambda x, levels, alpha: logit_by_torch(x.float(), levels, alpha), "asked was torch.float64"),
    },
    "density_bugs": {
        "a tuple": lambda: (False, True, False, True, True),
        "a list": lambda: [False, True, False, True, True],
        "small letters in another order": lambda: {"e": True, "d": True, "c": False, "b": True, "a": False},
        "an array": lambda: np.array([False, True, False, True, True]),
        "a tensor": lambda: torch.tensor([False, True, False, True, True]),
    },
    "unit_bugs": {
        "a tuple": lambda: (False, True, False, True, False, True),
        "a list": lambda: [False, True, False, True, False, True],
        "small letters in another order": lambda: {
            "f": 1 > 0,
            "e": False,
            "d": True,
            "c": False,
            "b": True,
            "a": False,
        },
        "an array": lambda: np.array([False, True, False, True, False, True]),
    },
}
