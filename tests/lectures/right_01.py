"""Right answers to the exercises of lecture 01, written otherwise than the reference."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical, Normal, kl_divergence

GRADIENT = "no gradient flows"  # what is told of NumPy where the answer could be trained


# 1.1 ------------------------------------------------------------------------------------------------------------------


def three_in_loops(joint):
    n, classes = joint.shape
    p_x = torch.stack([joint[i].sum() for i in range(n)])
    rows = torch.stack([joint[i] / joint[i].sum() for i in range(n)])
    columns = torch.stack([joint[:, k] / joint[:, k].sum() for k in range(classes)], 1)
    return [rows, p_x, columns]


def three_in_numpy(joint):
    joint = joint.numpy()
    return joint / joint.sum(1, keepdims=True), joint.sum(1), joint / joint.sum(0)


# 1.3 ------------------------------------------------------------------------------------------------------------------


def posterior_in_loops(log_likelihood, log_prior):
    rows = []
    for row in log_likelihood:
        a = row + log_prior
        rows.append(a - a.max() - (a - a.max()).exp().sum().log())
    return torch.stack(rows)


def posterior_in_numpy(log_likelihood, log_prior):
    a = (log_likelihood + log_prior).detach().numpy()
    return a - np.logaddexp.reduce(a, axis=1, keepdims=True)


def posterior_by_categorical(log_likelihood: Tensor, log_prior: Tensor) -> Tensor:
    return F.log_softmax(log_likelihood + log_prior[None, :], dim=-1)


# 1.5 ------------------------------------------------------------------------------------------------------------------


def count_in_loops(x, y, classes, levels, smoothing):
    counts = torch.full((classes, x.shape[1], levels), float(smoothing))
    for picture, label in zip(x.tolist(), y.tolist(), strict=True):
        for pixel, level in enumerate(picture):
            counts[label, pixel, level] += 1
    return counts / counts.sum(-1, keepdim=True)


def count_in_numpy(x, y, classes, levels, smoothing):
    seen = np.eye(levels)[x.numpy()]
    counts = np.einsum("nk,ndv->kdv", np.eye(classes)[y.numpy()], seen) + smoothing
    return counts / counts.sum(-1, keepdims=True)


def count_by_einsum(x, y, classes, levels, smoothing):
    counts = torch.einsum("nk,ndv->kdv", F.one_hot(y, classes).double(), F.one_hot(x, levels).double())
    return (counts + smoothing) / (torch.bincount(y, minlength=classes)[:, None, None] + smoothing * levels)


def count_into_a_list(x, y, classes, levels, smoothing):
    tables = []
    for k in range(classes):
        n = torch.stack([torch.bincount(column, minlength=levels) for column in x[y == k].T])
        tables.append((n + smoothing) / ((y == k).sum() + smoothing * levels))
    return tables


# 1.7 ------------------------------------------------------------------------------------------------------------------


def gaussian_in_loops(x, means, variances, log_prior):
    columns = [Normal(m, v.sqrt()).log_prob(x).sum(-1) + p for m, v, p in zip(means, variances, log_prior, strict=True)]
    return torch.stack(columns, 1).log_softmax(1)


def gaussian_by_einsum(x, means, variances, log_prior):
    away = x[:, None] - means
    a = -0.5 * torch.einsum("bkd,bkd,kd->bk", away, away, 1 / variances) - 0.5 * variances.log().sum(-1) + log_prior
    return a - a.logsumexp(1, keepdim=True)  # log 2π is the same for all labels, so it cancels


def gaussian_in_numpy(x, means, variances, log_prior):
    x, means, variances, log_prior = (a.detach().numpy() for a in (x, means, variances, log_prior))
    a = -0.5 * ((x[:, None] - means) ** 2 / variances + np.log(2 * np.pi * variances)).sum(-1) + log_prior
    return a - np.logaddexp.reduce(a, axis=1, keepdims=True)


class Gaussian:
    def __call__(self, x: Tensor, means: Tensor, variances: Tensor, log_prior: Tensor) -> Tensor:
        log_density = Normal(means, variances**0.5).log_prob(x.unsqueeze(1)).sum(2)
        return Categorical(logits=log_density + log_prior).logits


# 1.8 ------------------------------------------------------------------------------------------------------------------


def em_in_loops(seen, theta, prior, smoothing):
    shares = []
    for picture in seen:
        a = torch.stack([(picture * table.log()).sum() + p.log() for table, p in zip(theta, prior, strict=True)])
        shares.append(a.softmax(0))
    shares = torch.stack(shares)
    tables = []
    for k in range(len(theta)):
        n = sum(share[k] * picture for share, picture in zip(shares, seen, strict=True)) + smoothing
        tables.append(n / n.sum(1, keepdim=True))
    return torch.stack(tables), shares.sum(0) / len(seen)


def em_in_numpy(seen, theta, prior, smoothing):
    seen, theta, prior = seen.numpy(), theta.numpy(), prior.numpy()
    with np.errstate(divide="ignore"):
        a = np.tensordot(seen, np.log(theta), axes=([1, 2], [1, 2])) + np.log(prior)
    shares = np.exp(a - a.max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    counts = np.tensordot(shares.T, seen, axes=1) + smoothing
    return [counts / counts.sum(-1, keepdims=True), shares.mean(0)]


def em_flat(seen, theta, prior, smoothing):
    a = seen.flatten(1) @ theta.flatten(1).log().T + prior.log()
    shares = (a - a.logsumexp(1, keepdim=True)).exp()
    counts = (shares.T @ seen.flatten(1)).view_as(theta)
    return (counts + smoothing) / (counts.sum(2)[..., None] + smoothing * theta.shape[2]), shares.mean(dim=0)


# 1.10 -----------------------------------------------------------------------------------------------------------------


def kl_in_loops(mean_p, sigma_p, mean_q, sigma_q):
    rows = zip(mean_p, sigma_p, mean_q, sigma_q, strict=True)
    return torch.stack([torch.log(t / s) + (s * s + (m - n) * (m - n)) / (2 * t * t) - 0.5 for m, s, n, t in rows])


def kl_of_variances(mean_p: Tensor, sigma_p: Tensor, mean_q: Tensor, sigma_q: Tensor) -> Tensor:
    ratio = (sigma_p / sigma_q).square()
    return (ratio + ((mean_q - mean_p) / sigma_q).square() - 1 - ratio.log()) / 2


def kl_in_numpy(mean_p, sigma_p, mean_q, sigma_q):
    m, s, n, t = (a.detach().numpy() for a in (mean_p, sigma_p, mean_q, sigma_q))
    return np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5


class Letter:
    def __call__(self):
        return "d"


RIGHT = {
    "three_distributions": {
        "loops and a list": three_in_loops,
        "NumPy": three_in_numpy,
        "einsum and None": lambda joint: (
            joint / torch.einsum("nk->n", joint)[:, None],
            torch.einsum("nk->n", joint),
            joint / torch.einsum("nk->k", joint)[None],
        ),
        "softmax of logarithms": lambda joint: (joint.log().softmax(1), joint.sum(-1), joint.log().softmax(0)),
        "float32": (lambda joint: tuple(v.float() for v in three_in_loops(joint)), "asked was torch.float64"),
    },
    "letter_given_flag": {
        "five decimals": lambda: 0.04721,
        "by the odds": lambda: 1 / (1 + 0.999 / 0.001 * 0.02 / 0.99),
        "a fraction of counts": lambda: 99 / (99 + 1998),
        "a tensor of one": lambda: torch.tensor([0.04721]),
        "NumPy": lambda: np.float32(0.0472103),
    },
    "log_posterior": {
        "loops, with the maximum taken out": posterior_in_loops,
        "F.log_softmax, with types": posterior_by_categorical,
        "a Categorical": lambda a, b: Categorical(logits=a + b).logits,
        "torch.logsumexp, unsqueezed": lambda a, b: a + b - torch.logsumexp(a + b, dim=1).unsqueeze(1),
        "NumPy": (posterior_in_numpy, GRADIENT),
        "float32": (lambda a, b: (a + b).log_softmax(1).float(), "asked was torch.float64"),
    },
    "change_prior": {
        "a loop": lambda posterior, old, new: torch.stack(
            [row * new / old / (row * new / old).sum() for row in posterior]
        ),
        "in logarithms": lambda posterior, old, new: (posterior.log() + new.log() - old.log()).softmax(1),
        "NumPy": lambda posterior, old, new: (lambda w: w / w.sum(1, keepdims=True))((posterior * new / old).numpy()),
        "einsum": lambda posterior, old, new: torch.einsum(
            "bk,k,b->bk", posterior, new / old, 1 / (posterior @ (new / old))
        ),
        "F.normalize": lambda posterior, old, new: F.normalize(posterior * (new / old), p=1, dim=1),
    },
    "count_pixels": {
        "loops": count_in_loops,
        "NumPy, in double precision": count_in_numpy,
        "einsum, in double precision": count_by_einsum,
        "a list of tables, by bincount": count_into_a_list,
    },
    "accept": {
        "turned round": lambda p, u: p > u,
        "a list": lambda p, u: [bool(a < b) for a, b in zip(u, p, strict=True)],
        "NumPy": lambda p, u: u.numpy() < p.numpy(),
        "torch.lt": lambda p, u: torch.lt(u, p),
        "a difference": lambda p, u: p - u > 0,
        "with equality": lambda p, u: u <= p,
    },
    "gaussian_classifier": {
        "a loop of Normals": gaussian_in_loops,
        "einsum, without 2π": gaussian_by_einsum,
        "a class with __call__": Gaussian(),
        "logsumexp": lambda x, m, v, p: (lambda a: a - a.logsumexp(1, True))(gaussian_by_einsum(x, m, v, p) + 3),
        "NumPy": (gaussian_in_numpy, GRADIENT),
    },
    "em_step": {
        "loops": em_in_loops,
        "NumPy, in a list": em_in_numpy,
        "matrices": em_flat,
        "types and a sum": lambda seen, theta, prior, smoothing: em_in_loops(seen, theta, prior, float(smoothing)),
    },
    "kl_by_hand": {
        "five decimals": lambda: 0.44315,
        "one fraction": lambda: math.log(2) - 0.25,
        "a tensor": lambda: torch.tensor(2.0).log() - 1 / 4,
        "torch.distributions": lambda: kl_divergence(Normal(1.0, 1.0), Normal(0.0, 2.0)),
        "NumPy": lambda: np.log(2) - np.array([0.25]),
    },
    "kl_of_gaussians": {
        "a loop": kl_in_loops,
        "variances and types": kl_of_variances,
        "torch.distributions": lambda m, s, n, t: kl_divergence(Normal(m, s), Normal(n, t)),
        "logarithms apart": lambda m, s, n, t: t.log() - s.log() + (s.pow(2) + (n - m).pow(2)) / t.pow(2) / 2 - 0.5,
        "NumPy": (kl_in_numpy, GRADIENT),
    },
    "false_statement": {
        "a capital": lambda: "D",
        "with brackets": lambda: "(d)",
        "with blanks": lambda: " d ",
        "a class with __call__": Letter(),
    },
}
