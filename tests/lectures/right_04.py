"""Right answers to the exercises of lecture 04, otherwise written: each is accepted, or told one true thing."""

import math
from fractions import Fraction

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence


def q_of(mu, logvar):
    return Independent(Normal(mu, (0.5 * logvar).exp()), 1)


def water_in_a_loop(values, sigma, beta):
    rate, distortion = 0.0, 0.0
    for value in values.tolist():
        if value > beta * sigma**2:
            rate += math.log(value / (beta * sigma**2)) / 2
        distortion += min(value, beta * sigma**2) / (2 * sigma**2) + math.log(sigma) + math.log(2 * math.pi) / 2
    return torch.tensor(rate, dtype=torch.float64), torch.tensor(distortion, dtype=torch.float64)


def water_in_numpy(values, sigma, beta):
    v, level = values.numpy(), beta * sigma**2
    with np.errstate(divide="ignore"):
        rate = np.maximum(0, np.log(v / level) / 2).sum()
    return rate, (np.minimum(v, level) / (2 * sigma**2) + np.log(2 * np.pi * sigma**2) / 2).sum()


def water_by_relu(values, sigma, beta):
    rate = torch.relu((values / (beta * sigma**2)).log() / 2).sum()
    lost = torch.where(values > beta * sigma**2, beta / 2, values / (2 * sigma**2))
    return torch.stack([rate, (lost + 0.5 * math.log(2 * math.pi * sigma**2)).sum()])


def free_in_a_loop(kl, least):
    total = 0.0
    for column in kl.T:
        mean = column.sum() / len(column)
        total = total + (mean if mean > least else torch.full((), least))
    return total


def used_in_a_loop(mu, logvar, least):
    found = []
    for m, s in zip(mu.T, logvar.T, strict=True):
        kl = sum(0.5 * (a * a + math.exp(b) - 1 - b) for a, b in zip(m.tolist(), s.tolist(), strict=True))
        found.append(kl / len(m) > least)
    return torch.tensor(found)


def kl_by_torch(mu, logvar, prior_mu, prior_logvar):
    return kl_divergence(q_of(mu, logvar), q_of(prior_mu, prior_logvar))


def bound_in_a_loop(log_px, mu, logvar, prior_mu, prior_logvar):
    rows = []
    for i in range(len(mu)):
        value = log_px[i]
        for m, s, pm, ps in zip(mu[i], logvar[i], prior_mu[i], prior_logvar[i], strict=True):
            value = value - (ps - s + (s - ps).exp() + (m - pm) * (m - pm) / ps.exp() - 1) / 2
        rows.append(value)
    return torch.stack(rows)


def mixture_by_torch(z, mu, logvar, weights, means, logvars):
    p = MixtureSameFamily(Categorical(weights), q_of(means, logvars))
    return (q_of(mu, logvar).log_prob(z) - p.log_prob(z)).mean(0)


def mixture_in_a_loop(z, mu, logvar, weights, means, logvars):
    log_q = q_of(mu, logvar).log_prob(z)
    parts = [w.log() + q_of(m, s).log_prob(z) for w, m, s in zip(weights, means, logvars, strict=True)]
    return sum(log_q - torch.stack(parts).logsumexp(0)) / len(z)


def weighed_in_a_loop(log_w, slope):
    results = []
    for column, slopes in zip(log_w.T, slope.T, strict=True):
        top = column.max()
        w = [math.exp(value - top) for value in column.tolist()]
        results.append(sum((value / sum(w)) ** 2 * s for value, s in zip(w, slopes, strict=True)))
    return torch.stack(results)


RIGHT = {
    "water_filling": {
        "a Python loop": water_in_a_loop,
        "NumPy": water_in_numpy,
        "relu and where, a tensor of two": water_by_relu,
        "a list": lambda *three: list(water_in_a_loop(*three)),
        "float numbers": lambda *three: tuple(v.item() for v in water_in_a_loop(*three)),
    },
    "last_betas": {
        "a list": lambda: [36, 16, 1],
        "computed": lambda: tuple(variance / 0.25 for variance in (9, 4, 0.25)),
        "a tensor": lambda: torch.tensor([36.0, 16.0, 1.0]),
        "NumPy": lambda: np.array([3, 2, 0.5]) ** 2 / 0.5**2,
        "fractions": lambda: [Fraction(v, 1) for v in (36, 16, 1)],
    },
    "free_bits": {
        "a Python loop": free_in_a_loop,
        "torch.maximum": lambda kl, least: torch.maximum(kl.mean(0), torch.full((), least)).sum(),
        "where": lambda kl, least: torch.where(kl.mean(0) > least, kl.mean(0), least).sum(),
        "relu": lambda kl, least: (least + torch.relu(kl.mean(dim=0) - least)).sum(),
        "einsum": lambda kl, least: (torch.einsum("bl->l", kl) / len(kl)).clamp_min(least).sum(),
        "NumPy": (lambda kl, least: np.maximum(kl.detach().numpy().mean(0), least).sum(), "no gradient passes"),
    },
    "units_in_use": {
        "a Python loop": used_in_a_loop,
        "torch's KL": lambda mu, logvar, least: (
            kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).mean(0).gt(least)
        ),
        "NumPy": lambda mu, logvar, least: (
            (mu.numpy() ** 2 + np.exp(logvar.numpy()) - 1 - logvar.numpy()).mean(0) / 2 > least
        ),
        "a list": lambda *three: used_in_a_loop(*three).tolist(),
        "numbers": (lambda *three: used_in_a_loop(*three).long(), "asked was torch.bool"),
    },
    "conditional_elbo": {
        "torch's KL": lambda log_px, *four: log_px - kl_by_torch(*four),
        "a Python loop": bound_in_a_loop,
        "ratios of deviations": lambda log_px, m, s, pm, ps: (
            log_px - ((((s - ps) / 2).exp() ** 2 + ((m - pm) / (ps / 2).exp()) ** 2 - 1) / 2 - (s - ps) / 2).sum(dim=1)
        ),
        "a stack": lambda *five: torch.stack(list(bound_in_a_loop(*five))),
        "float64": (lambda *five: bound_in_a_loop(*(part.double() for part in five)), "asked was torch.float32"),
    },
    "kl_to_mixture": {
        "torch's mixture": mixture_by_torch,
        "a Python loop": mixture_in_a_loop,
        "log of a softmax-free sum": lambda z, mu, logvar, w, means, logvars: (
            (
                q_of(mu, logvar).log_prob(z)
                - torch.logsumexp(torch.log(w)[None, None] + q_of(means, logvars).log_prob(z[:, :, None]), dim=2)
            ).sum(0)
            / len(z)
        ),
        "a stack of pictures": lambda z, mu, logvar, *p: torch.stack(
            [mixture_by_torch(z[:, [i]], mu[[i]], logvar[[i]], *p)[0] for i in range(len(mu))]
        ),
        "float32": (lambda *six: mixture_by_torch(*(part.float() for part in six)), "asked was torch.float64"),
    },
    "doubly_reparameterized": {
        "a Python loop": weighed_in_a_loop,
        "einsum": lambda log_w, slope: torch.einsum(
            "kb,kb,kb->b", log_w.softmax(0), (log_w - log_w.logsumexp(0)).exp(), slope
        ),
        "logsumexp": lambda log_w, slope: ((2 * (log_w - torch.logsumexp(log_w, 0))).exp() * slope).sum(dim=0),
        "NumPy": lambda log_w, slope: (log_w.softmax(0).numpy() ** 2 * slope.numpy()).sum(0),
        "float32": (lambda log_w, slope: (log_w.float().softmax(0) ** 2 * slope.float()).sum(0), "torch.float64"),
    },
    "training_bugs": {
        "a tuple": lambda: (True, True, False, False, True),
        "a list": lambda: [True, True, False, False, True],
        "compared": lambda: {letter: letter in "ABE" for letter in "ABCDE"},
        "small letters": lambda: {letter: letter in "abe" for letter in "edcba"},
        "numbers": (lambda: (1, 1, 0, 0, 1), "True or False"),
    },
    "estimate_bugs": {
        "a tuple": lambda: (True, True, False, False, True),
        "a tensor": lambda: torch.tensor([True, True, False, False, True]),
        "compared": lambda: {letter: letter in "ABE" for letter in "ABCDE"},
        "NumPy": lambda: np.array([True, True, False, False, True]),
    },
}
