"""Right answers to the exercises of lecture 07, written as other people write them."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def odds(log_p_data, log_p_g):
    return 1 / (1 + (log_p_g - log_p_data).exp())


def two_classes(log_p_data, log_p_g):
    return torch.stack([log_p_data, log_p_g], dim=1).softmax(dim=1)[:, 0]


def larger_of_the_two(log_p_data, log_p_g):
    most = torch.maximum(log_p_data, log_p_g)
    p, q = torch.exp(log_p_data - most), torch.exp(log_p_g - most)
    return p / (p + q)


def by_logaddexp(log_p_data: Tensor, log_p_g: Tensor) -> Tensor:
    return (log_p_data - torch.logaddexp(log_p_data, log_p_g)).exp()


def point_by_point(log_p_data, log_p_g):
    answers = []
    for a, b in zip(log_p_data.tolist(), log_p_g.tolist(), strict=True):
        answers.append(1 / (1 + math.exp(min(b - a, 700.0))))
    return answers


def in_numpy(log_p_data, log_p_g):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(log_p_g.numpy() - log_p_data.numpy()))


class Discriminator:
    def __call__(self, log_p_data, log_p_g):
        return nn.Sigmoid()(log_p_data - log_p_g)


def shannon_by_loop(p, q):
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        m = (a + b) / 2
        total += (a * math.log(a / m) if a > 0 else 0.0) + (b * math.log(b / m) if b > 0 else 0.0)
    return total / 2


def shannon_without_zeros(p, q):
    m = 0.5 * (p + q)
    return 0.5 * (p * (p / m).log())[p > 0].sum() + 0.5 * (q * (q / m).log())[q > 0].sum()


def shannon_by_where(p, q):
    m = (p + q) / 2
    parts = [torch.where(t > 0, t * torch.log(torch.where(t > 0, t / m, 1)), 0).sum() for t in (p, q)]
    return sum(parts) / 2


def shannon_by_kl_div(p, q):
    m = ((p + q) / 2).log()
    m = torch.where(m.isinf(), 0, m)
    return (F.kl_div(m, p, reduction="sum") + F.kl_div(m, q, reduction="sum")) / 2


def shannon_in_numpy(p, q):
    p, q = p.numpy(), q.numpy()
    m = (p + q) / 2
    with np.errstate(all="ignore"):
        return (np.nansum(p * np.log(p / m)) + np.nansum(q * np.log(q / m))) / 2


def distance_by_loop(x, y):
    total = 0.0
    for a, b in zip(sorted(x), sorted(y), strict=True):
        total = total + abs(a - b)
    return total / len(x)


def distance_by_area(x, y):
    places = torch.cat([x, y]).sort().values
    F_x = (x[:, None] <= places).double().mean(0)
    F_y = (y[:, None] <= places).double().mean(0)
    return ((F_x - F_y).abs()[:-1] * places.diff()).sum()


def bits_of_both(logits):
    D = nn.functional.binary_cross_entropy_with_logits
    return -D(logits, torch.zeros_like(logits)), D(logits, torch.ones_like(logits))


def losses_by_loop(logits):
    minimax = sum(F.logsigmoid(-a) for a in logits) / len(logits)
    return minimax, sum(-F.logsigmoid(a) for a in logits) / len(logits)


def slopes_by_loop(logits):
    of_D = torch.stack([1 / (1 + (-a).exp()) for a in logits])
    return of_D, 2 * of_D - 1


def slopes_by_autograd(logits):
    a = logits.detach().clone().requires_grad_()
    with torch.enable_grad():
        (of_D,) = torch.autograd.grad(F.softplus(a).sum(), a)
        (both,) = torch.autograd.grad((F.softplus(a) + F.softplus(-a)).sum(), a)
    return of_D, both


def growth_by_hand(h, gamma):
    inside = gamma**2 / 4 - 0.25
    if inside < 0:
        return math.hypot(1 - h * gamma / 2, h * math.sqrt(-inside))
    return max(abs(1 + h * (-gamma / 2 + sign * math.sqrt(inside))) for sign in (1, -1))


def growth_in_numpy(h: float, gamma: float) -> float:
    return np.abs(np.linalg.eigvals(np.eye(2) + h * np.array([[0, 0.5], [-0.5, -gamma]]))).max()


def growth_of_the_step(h, gamma):
    step = torch.tensor([[1, h / 2], [-h / 2, 1 - h * gamma]], dtype=torch.float64)
    return torch.linalg.eigvals(step).abs().max()  # a tensor with one number


def growth_by_complex_roots(h, gamma):
    import cmath

    root = cmath.sqrt(gamma**2 / 4 - 1 / 4)
    return max(abs(1 + h * (-gamma / 2 + root)), abs(1 + h * (-gamma / 2 - root)))


def growth_in_float32(h, gamma):
    J = torch.tensor([[0, 0.5], [-0.5, -gamma]])
    return (1 + h * torch.linalg.eigvals(J)).abs().max().item()


def step_with_labels(G, D, optimizer_G, optimizer_D, x, z):
    bce = nn.BCEWithLogitsLoss()
    fake = G(z)
    on_real, on_fake = D(x), D(fake.detach())
    loss_D = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
    optimizer_D.zero_grad(set_to_none=False)
    loss_D.backward()
    optimizer_D.step()
    on_fake = D(fake)
    optimizer_G.zero_grad(set_to_none=False)
    bce(on_fake, torch.ones_like(on_fake)).backward()
    optimizer_G.step()


def step_with_no_grad(G, D, optimizer_G, optimizer_D, x, z):
    with torch.no_grad():
        fake = G(z)
    optimizer_D.zero_grad()
    (-F.logsigmoid(D(x)).mean() - F.logsigmoid(-D(fake)).mean()).backward()
    optimizer_D.step()
    optimizer_G.zero_grad()
    (-F.logsigmoid(D(G(z)))).mean().backward()
    optimizer_G.step()


def step_with_two_backwards(G, D, optimizer_G, optimizer_D, x, z):
    optimizer_D.zero_grad()
    F.softplus(-D(x)).mean().backward()
    F.softplus(D(G(z).detach())).mean().backward()
    optimizer_D.step()
    optimizer_G.zero_grad()
    F.softplus(-D(G(z))).mean().backward()
    optimizer_G.step()


def step_with_D_frozen(G, D, optimizer_G, optimizer_D, x, z):
    optimizer_D.zero_grad()
    loss = -(D(x).sigmoid().log().mean() + (1 - D(G(z).detach()).sigmoid()).log().mean())
    loss.backward()
    optimizer_D.step()
    for p in D.parameters():
        p.requires_grad_(False)
    optimizer_G.zero_grad()
    (-D(G(z)).sigmoid().log().mean()).backward()
    optimizer_G.step()
    for p in D.parameters():
        p.requires_grad_(True)


def step_in_one_batch(G, D, optimizer_G, optimizer_D, x, z):
    on_real, on_fake = D(torch.cat([x, G(z).detach()])).chunk(2)
    optimizer_D.zero_grad()
    (F.softplus(-on_real) + F.softplus(on_fake)).mean().backward()
    optimizer_D.step()
    optimizer_G.zero_grad()
    F.softplus(-D(G(z))).mean().backward()
    optimizer_G.step()


STEP, PENALTY = (False, True, False, True, True), (True, True, False, True, True)

RIGHT = {
    "optimal_discriminator": {
        "the odds": odds,
        "a softmax over two classes": two_classes,
        "the larger of the two subtracted": larger_of_the_two,
        "logaddexp and type hints": by_logaddexp,
        "a Python loop and a list": point_by_point,
        "NumPy": in_numpy,
        "a class": Discriminator(),
        "a lambda": lambda log_p_data, log_p_g: torch.special.expit(log_p_data - log_p_g),
        "float32": (lambda a, b: torch.sigmoid((a - b).float()), "asked was torch.float64"),
    },
    "value_at_one_half": {
        "a formula": lambda: -2 * math.log(2),
        "five decimals": lambda: -1.38629,
        "a tensor with one number": lambda: 2 * torch.tensor(0.5).log(),
        "NumPy": lambda: np.log(0.25),
        "one entry": lambda: torch.tensor([-math.log(4)]),
    },
    "jensen_shannon": {
        "a Python loop": shannon_by_loop,
        "zeros left out": shannon_without_zeros,
        "where": shannon_by_where,
        "kl_div": shannon_by_kl_div,
        "NumPy": shannon_in_numpy,
        "float32": (lambda p, q: shannon_without_zeros(p.float(), q.float()), "asked was torch.float64"),
    },
    "wasserstein_1d": {
        "a Python loop": distance_by_loop,
        "the area between the distribution functions": distance_by_area,
        "argsort": lambda x, y: torch.mean(torch.abs(x[x.argsort()] - y[torch.argsort(y)])),
        "downwards": lambda x, y: F.l1_loss(x.sort(descending=True)[0], y.sort(descending=True)[0]),
        "NumPy": (
            lambda x, y: np.abs(np.sort(x.detach().numpy()) - np.sort(y.detach().numpy())).mean(),
            "no gradient flows",
        ),
        "float32": (lambda x, y: (x.sort()[0] - y.sort()[0]).abs().mean().float(), "asked was torch.float64"),
    },
    "generator_losses": {
        "softplus": lambda logits: (-F.softplus(logits).mean(), F.softplus(-logits).mean()),
        "binary cross-entropy": bits_of_both,
        "a Python loop": losses_by_loop,
        "logaddexp and a stack": lambda logits: torch.stack(
            [-torch.logaddexp(0 * logits, logits).mean(), torch.logaddexp(0 * logits, -logits).mean()]
        ),
        "a list": lambda logits: [F.logsigmoid(-logits).mean(), -F.logsigmoid(logits).mean()],
        "numbers": (
            lambda logits: (F.logsigmoid(-logits).mean().item(), -F.logsigmoid(logits).mean().item()),
            "no gradient flows to the logits",
        ),
    },
    "logit_gradients": {
        "tanh": lambda logits: ((1 + torch.tanh(logits / 2)) / 2, torch.tanh(logits / 2)),
        "a Python loop": slopes_by_loop,
        "2σ - 1, stacked": lambda logits: torch.stack([logits.sigmoid(), 2 * logits.sigmoid() - 1]),
        "expit": lambda logits: [
            torch.special.expit(logits),
            torch.special.expit(logits) - torch.special.expit(-logits),
        ],
        "NumPy": lambda logits: (0.5 + 0.5 * np.tanh(logits.numpy() / 2), np.tanh(logits.numpy() / 2)),
        "autograd": (slopes_by_autograd, "works where autograd is switched off"),
    },
    "growth": {
        "by hand": growth_by_hand,
        "NumPy": growth_in_numpy,
        "the step's matrix, a tensor": growth_of_the_step,
        "complex roots": growth_by_complex_roots,
        "float32": growth_in_float32,
    },
    "gan_step": {
        "labels, fakes made once": step_with_labels,
        "no_grad": step_with_no_grad,
        "two backwards that add up": step_with_two_backwards,
        "D frozen in G's turn": step_with_D_frozen,
        "one batch": step_in_one_batch,
    },
    "bugs_in_the_step": {
        "a dict in another order": lambda: {"E": True, "D": True, "C": False, "B": True, "A": False},
        "a tuple": lambda: STEP,
        "a list": lambda: list(STEP),
        "made by zip": lambda: dict(zip("ABCDE", STEP, strict=True)),
    },
    "bugs_in_the_penalty": {
        "a dict in another order": lambda: {"E": True, "D": True, "C": False, "B": True, "A": True},
        "a tuple": lambda: PENALTY,
        "a list": lambda: list(PENALTY),
        "made by zip": lambda: dict(zip("ABCDE", PENALTY, strict=True)),
    },
}
