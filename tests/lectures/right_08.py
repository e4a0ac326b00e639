"""Right answers to the exercises of lecture 08, otherwise written: each is accepted, or told one true thing."""

import math

import numpy as np
import scipy.linalg
import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from torch.distributions import Categorical, Normal


def frechet_by_scipy(a, b):
    a, b = a.numpy(), b.numpy()
    S, T = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(S @ T + 1e-13 * np.eye(len(S)))
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(S + T - 2 * root.real)


def frechet_by_a_symmetric_root(a, b):
    S, T = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(S)
    R = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    roots = torch.linalg.eigvalsh(R @ T @ R).clamp(min=0).sqrt()
    return torch.sum((a.mean(0) - b.mean(0)) ** 2) + torch.trace(S) + torch.trace(T) - 2 * roots.sum()


def frechet_by_singular_values(a, b):
    """The eigenvalues of A'A B'B have the roots that are the singular values of A B'."""
    A, B = ((s - s.mean(0)) / (len(s) - 1) ** 0.5 for s in (a, b))
    return (
        (a.mean(0) - b.mean(0)).square().sum()
        + A.square().sum()
        + B.square().sum()
        - 2 * torch.linalg.svdvals(A @ B.T).sum()
    )


def shares_in_a_loop(real, fake, k):
    def share(points, support):
        inside = 0
        for point in points:
            for i, centre in enumerate(support):
                others = sorted((centre - other).norm().item() for j, other in enumerate(support) if j != i)
                if (point - centre).norm().item() <= others[k - 1]:
                    inside += 1
                    break
        return inside / len(points)

    return share(fake, real), share(real, fake)


def shares_in_numpy(real, fake, k):
    real, fake = real.numpy(), fake.numpy()

    def share(points, support):
        within = np.linalg.norm(support[:, None] - support[None], axis=2)
        reach = np.partition(within, k, axis=1)[:, k]
        return (np.linalg.norm(points[:, None] - support[None], axis=2) <= reach).any(1).mean()

    return [share(fake, real), share(real, fake)]


def acgan_by_bce(real, fake, real_classes, fake_classes, y):
    bce = F.binary_cross_entropy_with_logits
    of_fake = -fake_classes.log_softmax(1)[range(len(y)), y].mean()
    of_real = -real_classes.log_softmax(1).gather(1, y[:, None]).mean()
    judge = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake)) + of_real + of_fake
    return [judge, bce(fake, torch.ones_like(fake)) + of_fake]


def acgan_by_distributions(real, fake, real_classes, fake_classes, y):
    C_real, C_fake = (-Categorical(logits=logits).log_prob(y).mean() for logits in (real_classes, fake_classes))
    judge = torch.logaddexp(-real, 0 * real).mean() - F.logsigmoid(-fake).mean()
    return torch.stack([judge + C_real + C_fake, C_fake - F.logsigmoid(fake).mean()])


def bound_in_a_loop(logits, means, category, values, scale):
    total = 0.0
    for row, mean, c, value in zip(logits, means, category, values, strict=True):
        total = total + row.log_softmax(0)[c]
        for m, v in zip(mean, value, strict=True):
            total = total - (v - m) ** 2 / (2 * scale**2) - math.log(scale) - 0.5 * math.log(2 * math.pi)
    return total / len(logits) + math.log(logits.shape[1]) + len(means[0]) * math.log(2)


def bound_by_distributions(logits, means, category, values, scale):
    q = torch.distributions.Independent(Normal(means, scale), 1)
    H = np.log(logits.size(-1)) + np.log(2) * values.size(-1)
    return (Categorical(logits=logits).log_prob(category) + q.log_prob(values)).mean() + H


def bound_by_gaussian_nll(logits, means, category, values, scale):
    variance = torch.full_like(means, scale**2)
    nats = F.gaussian_nll_loss(means, values, variance, full=True, reduction="none").sum(1)
    return (math.log(logits.shape[1]) + math.log(2) * values.shape[1]) - (
        F.cross_entropy(logits, category) + nats.mean()
    )


def penalty_by_lerp(critic, real, fake, u):
    between = torch.lerp(fake, real, u.view(-1, 1, 1, 1)).detach().requires_grad_(True)
    scores = critic(between)
    slope = torch.autograd.grad(scores, between, grad_outputs=torch.ones_like(scores), create_graph=True)[0]
    return torch.mean((torch.sqrt((slope**2).sum(dim=(1, 2, 3))) - 1) ** 2)


def penalty_in_a_loop(critic, real, fake, u):
    total = 0
    for a, b, share in zip(real, fake, u, strict=True):
        at = (share * a + (1 - share) * b)[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(at)[0], at, create_graph=True)
        total = total + (slope.norm() - 1) ** 2
    return total / len(u)


def moved_in_numpy(p, q, cost):
    n, m = cost.shape
    A = np.zeros((n + m, n * m))
    for i in range(n):
        A[i, i * m : (i + 1) * m] = 1
    for j in range(m):
        A[n + j, j::m] = 1
    return linprog(cost.numpy().ravel(), A_eq=A, b_eq=np.concatenate([p, q]), bounds=(0, None), method="highs").fun


def plan_and_its_cost(p, q, cost):
    n, m = cost.shape
    sums = [np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))]
    plan = linprog(cost.reshape(-1), A_eq=np.concatenate(sums), b_eq=torch.cat([p, q])).x.reshape(n, m)
    return float((plan * cost.numpy()).sum())


def moved_by_prices(p, q, cost):
    """The dual: the largest Σ p u + Σ q v under u_i + v_j <= c_ij."""
    n, m = cost.shape
    rows = torch.cat([torch.eye(n).repeat_interleave(m, 0), torch.eye(m).repeat(n, 1)], 1)
    return -linprog(-torch.cat([p, q]), A_ub=rows, b_ub=cost.flatten(), bounds=(None, None)).fun


def cycle_by_l1_loss(G, F_back, x, y, weight, identity):
    fake_y, fake_x = G(x), F_back(y)
    there = F.l1_loss(F_back(fake_y), x) + F.l1_loss(G(fake_x), y)
    return there * weight + F.l1_loss(G(y), y) * identity + F.l1_loss(F_back(x), x) * identity


def permuted_in_a_loop(truth, pi):
    G = [int(pi[int(t)]) for t in truth]
    return G, [G.index(j) for j in range(len(G))]


def permuted_by_scatter(truth, pi):
    G = torch.gather(pi, 0, truth)
    return torch.stack([G, torch.empty_like(G).scatter_(0, G, torch.arange(len(G)))])


def matched_by_one_hot(real, fake, y, K):
    of_class = F.one_hot(y, K).to(real)
    counts = of_class.sum(0).clamp(min=1)[:, None]
    return ((of_class.T @ (real - fake)) / counts).pow(2).sum()


def matched_by_index_add(real, fake, y, K):
    total = torch.zeros(K, real.shape[1], dtype=real.dtype).index_add(0, y, real - fake)
    return (total / torch.bincount(y, minlength=K).clamp(min=1)[:, None]).square().sum()


def matched_in_a_loop(real, fake, y, K):
    total = 0
    for k in range(K):
        if k in y.tolist():
            difference = real[y == k].mean(dim=0) - fake[y == k].mean(dim=0)
            total = total + difference @ difference
    return total


RIGHT = {
    "frechet_distance": {
        "SciPy's sqrtm": frechet_by_scipy,
        "a symmetric root": frechet_by_a_symmetric_root,
        "singular values": frechet_by_singular_values,
        "a number": lambda a, b: frechet_by_a_symmetric_root(a, b).item(),
        "complex roots": lambda a, b: (
            (a.mean(0) - b.mean(0)).square().sum()
            + (a.T.cov() + b.T.cov()).trace()
            - 2 * torch.linalg.eigvals(a.T.cov() @ b.T.cov()).sqrt().real.sum()
        ),
    },
    "precision_recall": {
        "Python loops": shares_in_a_loop,
        "NumPy": shares_in_numpy,
        "kthvalue, a stack": lambda real, fake, k: torch.stack(
            [
                (torch.cdist(p, s) <= torch.cdist(s, s).kthvalue(k + 1).values).any(1).double().mean()
                for p, s in ((fake, real), (real, fake))
            ]
        ),
        "topk, numbers": lambda real, fake, k: [
            (torch.cdist(p, s) <= torch.cdist(s, s).topk(k + 1, largest=False).values[:, -1])
            .any(1)
            .float()
            .mean()
            .item()
            for p, s in ((fake, real), (real, fake))
        ],
    },
    "acgan_losses": {
        "bce": acgan_by_bce,
        "distributions, a stack": acgan_by_distributions,
        "sums over the size": lambda r, f, cr, cf, y: (
            (F.softplus(-r) + F.softplus(f)).sum() / len(r)
            + F.cross_entropy(torch.cat([cr, cf]), torch.cat([y, y])) * 2,
            F.softplus(-f).mean() + F.cross_entropy(cf, y),
        ),
        "numbers": (lambda *five: tuple(loss.item() for loss in acgan_by_bce(*five)), "no gradient flows"),
    },
    "information_bound": {
        "Python loops": bound_in_a_loop,
        "distributions": bound_by_distributions,
        "gaussian_nll_loss": bound_by_gaussian_nll,
        "nll_loss": lambda q, m, c, v, s: (
            bound_by_distributions(q, m, c, v, s) + F.cross_entropy(q, c) - F.nll_loss(F.log_softmax(q, 1), c)
        ),
    },
    "gradient_penalty": {
        "lerp": penalty_by_lerp,
        "picture by picture": penalty_in_a_loop,
        "mse_loss": lambda f, real, fake, u: _by_mse(f, real, fake, u),
        "a mean of one": lambda f, real, fake, u: penalty_by_lerp(f, real, fake, u).view(()),
    },
    "earth_moved": {
        "NumPy": moved_in_numpy,
        "the dual": moved_by_prices,
        "a tensor": lambda p, q, cost: torch.tensor(moved_in_numpy(p, q, cost), dtype=torch.float64),
        "the plan, and what it costs": plan_and_its_cost,
    },
    "cycle_loss": {
        "l1_loss": cycle_by_l1_loss,
        "norms": lambda G, F_, x, y, w, i: (
            w * ((F_(G(x)) - x).norm(p=1) / x.numel() + (G(F_(y)) - y).norm(p=1) / y.numel())
            + i * ((G(y) - y).norm(p=1) / y.numel() + torch.mean(torch.abs(x - F_(x))))
        ),
        "one by one": lambda G, F_, x, y, w, i: sum(
            weight * torch.stack([(a - b).abs().mean() for a, b in zip(made, goal, strict=True)]).mean()
            for weight, made, goal in ((w, F_(G(x)), x), (w, G(F_(y)), y), (i, G(y), y), (i, F_(x), x))
        ),
        "numbers": (lambda *six: cycle_by_l1_loss(*six).item(), "no gradient flows"),
    },
    "permuted_cycle": {
        "Python lists": permuted_in_a_loop,
        "scatter": permuted_by_scatter,
        "NumPy": lambda t, p: (p.numpy()[t.numpy()], np.argsort(p.numpy()[t.numpy()])),
        "two inverses": lambda t, p: (p[t], t.argsort()[p.argsort()]),
    },
    "feature_matching": {
        "one-hot": matched_by_one_hot,
        "a loop": matched_in_a_loop,
        "unique": lambda real, fake, y, K: torch.stack(
            [((real[y == k] - fake[y == k]).mean(0) ** 2).sum() for k in y.unique()]
        ).sum(),
        "index_add": matched_by_index_add,
    },
    "gan_bugs": {
        "a tuple": lambda: (True, True, True, False, True, True),
        "a list": lambda: [True, True, True, False, True, True],
        "compared": lambda: {letter: letter != "D" for letter in "ABCDEF"},
        "a tensor": lambda: torch.tensor([True, True, True, False, True, True]),
    },
    "code_bugs": {
        "compared": lambda: {letter: letter not in "DF" for letter in "ABCDEF"},
        "a tuple": lambda: (True, True, True, False, True, False),
        "small letters": lambda: {letter: letter in "abce" for letter in "fedcba"},
        "NumPy": lambda: np.array([True, True, True, False, True, False]),
    },
}


def _by_mse(critic, real, fake, u):
    at = (fake + u[:, None, None, None] * (real - fake)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    lengths = torch.linalg.vector_norm(slope, dim=(1, 2, 3))
    return F.mse_loss(lengths, torch.ones_like(lengths))
