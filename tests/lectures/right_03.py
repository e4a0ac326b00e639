"""Right answers to the exercises of lecture 03, otherwise written: each is accepted, or told one true thing."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence


def kl_in_a_loop(mu, logvar):
    rows = []
    for m_row, s_row in zip(mu, logvar, strict=True):
        total = 0.0
        for m, s in zip(m_row, s_row, strict=True):
            total = total + 0.5 * (m * m + torch.exp(s) - 1 - s)
        rows.append(total)
    return torch.stack(rows)


def q_of(mu, logvar):
    return Independent(Normal(mu, (0.5 * logvar).exp()), 1)


def kl_by_torch(mu, logvar):
    return kl_divergence(q_of(mu, logvar), q_of(torch.zeros_like(mu), torch.zeros_like(mu)))


class Kl:
    def __call__(self, mu: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
        return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)


def z_in_a_loop(mu, logvar, noise):
    rows = [
        [m + math.e ** (s / 2) * e for m, s, e in zip(*row, strict=True)] for row in zip(mu, logvar, noise, strict=True)
    ]
    return torch.stack([torch.stack(row) for row in rows])


def elbo_in_a_loop(x, logits, mu, logvar):
    bounds = []
    for i in range(len(x)):
        bound = -kl_in_a_loop(mu[i : i + 1], logvar[i : i + 1])[0]
        for pixel, logit in zip(x[i], logits[i], strict=True):
            bound = bound + (F.logsigmoid(logit) if pixel == 1 else F.logsigmoid(-logit))
        bounds.append(bound)
    return torch.stack(bounds)


def picture_in_a_loop(z, mu, logvar, x):
    log_q = []
    for m_row, s_row in zip(mu, logvar, strict=True):
        total = torch.zeros(())
        for place, m, s in zip(z, m_row, s_row, strict=True):
            total = total + Normal(m, (s / 2).exp()).log_prob(place)
        log_q.append(total)
    top = max(log_q)
    weights = [(value - top).exp() for value in log_q]
    return sum(weight * picture for weight, picture in zip(weights, x, strict=True)) / sum(weights)


def picture_by_hand(z, mu, logvar, x):
    log_q = -(((z - mu) / (0.5 * logvar).exp()) ** 2 + logvar).sum(-1) / 2
    q = (log_q - log_q.max()).exp()
    return torch.einsum("n,nd->d", q / q.sum(), x)


def best_in_double(z, mu, logvar, x):
    return q_of(mu.double(), logvar.double()).log_prob(z.double()).softmax(0) @ x.double()


def iw_by_hand(log_px, z, mu, logvar):
    log_w = log_px + q_of(0 * mu, 0 * mu).log_prob(z) - q_of(mu, logvar).log_prob(z)
    top = log_w.max(dim=0).values
    return top + torch.log(torch.mean(torch.exp(log_w - top), dim=0))


def iw_in_a_loop(log_px, z, mu, logvar):
    sd, total = torch.exp(logvar / 2), None
    for one, draw in zip(log_px, z, strict=True):
        log_w = one
        for j in range(z.shape[-1]):
            log_w = log_w + Normal(0.0, 1.0).log_prob(draw[:, j]) - Normal(mu[:, j], sd[:, j]).log_prob(draw[:, j])
        total = log_w if total is None else torch.logaddexp(total, log_w)
    return total - math.log(len(z))


def iw_by_torch(log_px, z, mu, logvar):
    eye = torch.eye(z.shape[-1], dtype=z.dtype)
    prior, q = MultivariateNormal(0 * eye[0], eye), MultivariateNormal(mu, torch.diag_embed(logvar.exp()))
    log_w = log_px + prior.log_prob(z) - q.log_prob(z)
    return torch.logsumexp(log_w, dim=0) - torch.tensor(float(len(z)), dtype=z.dtype).log()


def bce(x, logits):
    return F.binary_cross_entropy_with_logits(logits, x.float(), reduction="none")


RIGHT = {
    "optimal_q": {
        "fractions": lambda: (3 / 2, 1 / 4),
        "a list": lambda: [1.5, 0.25],
        "a tensor": lambda: torch.tensor([1.5, 0.25]),
        "tensors of one": lambda: (torch.tensor(1.5), torch.tensor([0.25])),
        "NumPy": lambda: np.array([1.5, 0.25]),
        "computed": lambda: (6 / (1 + 3), 1 / (1 + 3)),
    },
    "false_equality": {
        "a Python loop, numbers": lambda prior, likelihood, q: (
            math.log(sum(float(a * b) for a, b in zip(prior, likelihood, strict=True))),
            sum(float(c * (b.log() - (c / a).log())) for a, b, c in zip(prior, likelihood, q, strict=True)),
        ),
        "NumPy": lambda prior, likelihood, q: np.array(
            [np.log(np.dot(prior, likelihood)), np.dot(q, np.log(likelihood) + np.log(prior) - np.log(q))]
        ),
        "a stack, einsum": lambda prior, likelihood, q: torch.stack(
            [
                torch.einsum("i,i->", prior, likelihood).log(),
                torch.einsum("i,i->", q, (likelihood * prior / q).log()),
            ]
        ),
        "torch's KL": lambda prior, likelihood, q: [
            torch.logsumexp(prior.log() + likelihood.log(), 0),
            q @ likelihood.log() - F.kl_div(prior.log(), q, reduction="sum"),
        ],
        "shape (1,)": lambda prior, likelihood, q: (
            (prior[None] @ likelihood[:, None]).log().squeeze(),
            (q * (likelihood.log() - q.log() + prior.log())).sum(),
        ),
    },
    "gaussian_kl": {
        "a Python loop": kl_in_a_loop,
        "torch's KL": kl_by_torch,
        "a class": Kl(),
        "einsum": lambda mu, logvar: 0.5 * (torch.einsum("bl,bl->b", mu, mu) + (logvar.exp() - logvar - 1).sum(1)),
        "σ first": lambda mu, logvar: ((mu.square() + torch.exp(logvar / 2) ** 2 - logvar).sum(-1) - mu.shape[1]) / 2,
        "float64": (lambda mu, logvar: Kl()(mu.double(), logvar.double()), "asked was torch.float32"),
        "float64 inside": lambda mu, logvar: Kl()(mu.double(), logvar.double()).float(),
        "NumPy": (
            lambda mu, logvar: (
                0.5 * (mu.detach().numpy() ** 2 + logvar.detach().exp().numpy() - 1 - logvar.detach().numpy()).sum(1)
            ),
            "no gradient flows",
        ),
    },
    "reparameterize": {
        "a Python loop": z_in_a_loop,
        "the root of the variance": lambda mu, logvar, noise: mu + noise * logvar.exp().sqrt(),
        "addcmul": lambda mu, logvar, noise: torch.addcmul(mu, torch.exp(logvar / 2), noise),
        "hints of types": lambda mu, logvar, noise: noise.mul(torch.exp(0.5 * logvar)).add(mu),
        "a list of rows": lambda mu, logvar, noise: list(mu + torch.exp(0.5 * logvar) * noise),
        "float64": (
            lambda mu, logvar, noise: mu.double() + (0.5 * logvar).exp() * noise,
            "asked was torch.float32",
        ),
        "NumPy": (
            lambda mu, logvar, noise: (mu + (0.5 * logvar).exp() * noise).detach().numpy(),
            "no gradient reaches mu and logvar",
        ),
    },
    "bernoulli_elbo": {
        "a Python loop": elbo_in_a_loop,
        "with softplus": lambda x, logits, mu, logvar: (x * logits - F.softplus(logits)).sum(1) - Kl()(mu, logvar),
        "the loss with logits": lambda x, logits, mu, logvar: -bce(x, logits).sum(1) - kl_in_a_loop(mu, logvar),
        "torch's Bernoulli": lambda x, logits, mu, logvar: (
            Bernoulli(logits=logits).log_prob(x.float()).sum(-1) - Kl()(mu, logvar)
        ),
        "where": lambda x, logits, mu, logvar: (
            torch.where(x == 1, F.logsigmoid(logits), F.logsigmoid(-logits)).sum(dim=1) - Kl()(mu, logvar)
        ),
        "float64": (
            lambda x, logits, mu, logvar: -bce(x, logits).sum(1).double() - Kl()(mu, logvar),
            "asked was torch.float32",
        ),
    },
    "best_picture": {
        "a Python loop": picture_in_a_loop,
        "torch's Gaussians": lambda z, mu, logvar, x: q_of(mu, logvar).log_prob(z).softmax(0) @ x,
        "logsumexp": lambda z, mu, logvar, x: (
            (lambda log_q: (log_q - log_q.logsumexp(0)).exp())(q_of(mu, logvar).log_prob(z))[:, None] * x
        ).sum(0),
        "the largest taken out by hand, einsum": picture_by_hand,
        "a matrix of one row": lambda z, mu, logvar, x: (q_of(mu, logvar).log_prob(z).softmax(0)[None] @ x)[0],
        "NumPy": lambda z, mu, logvar, x: np.average(x.numpy(), 0, q_of(mu, logvar).log_prob(z).softmax(0).numpy()),
        "float64": (
            lambda z, mu, logvar, x: best_in_double(z, mu, logvar, x),
            "asked was torch.float32",
        ),
        "float64 inside": lambda z, mu, logvar, x: best_in_double(z, mu, logvar, x).float(),
    },
    "iw_bound": {
        "the largest taken out by hand": iw_by_hand,
        "a Python loop": iw_in_a_loop,
        "torch's Gaussians": iw_by_torch,
        "a stack of examples": lambda log_px, z, mu, logvar: torch.stack(
            [iw_by_hand(log_px[:, [i]], z[:, [i]], mu[[i]], logvar[[i]])[0] for i in range(len(mu))]
        ),
        "float32": (lambda *given: iw_by_hand(*(part.float() for part in given)), "asked was torch.float64"),
    },
    "loss_bugs": {
        "a tuple": lambda: (True, False, True, False, True),
        "a list": lambda: [True, False, True, False, True],
        "a dict in another order": lambda: {"E": True, "D": False, "C": True, "B": False, "A": True},
        "small letters": lambda: {"a": True, "b": False, "c": True, "d": False, "e": True},
        "a tensor": lambda: torch.tensor([True, False, True, False, True]),
        "NumPy": lambda: np.array([True, False, True, False, True]),
        "numbers": (lambda: (1, 0, 1, 0, 1), "True or False"),
    },
    "bound_bugs": {
        "a tuple": lambda: (False, True, True, False, True),
        "a list": lambda: [False, True, True, False, True],
        "compared": lambda: {letter: letter in "BCE" for letter in "ABCDE"},
        "a tensor": lambda: torch.tensor([False, True, True, False, True]),
        "numbers": (lambda: [0, 1, 1, 0, 1], "True or False"),
    },
}
