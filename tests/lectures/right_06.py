"""Right answers to the exercises of lecture 06, otherwise written: each is accepted, or told one true thing."""

import math
import statistics
from decimal import Decimal

import numpy as np
import torch
from torch.distributions import Normal


def split_by_torch(x, net):
    C = x.shape[1] // 2
    said = net(x[:, :C])
    q = Normal(said[:, :C], said[:, C:].exp())
    z = (x[:, C:] - q.loc) / q.scale
    return z, x[:, :C], Normal(0.0, 1.0).log_prob(z).sum((1, 2, 3)) * 0 - said[:, C:].sum((1, 2, 3))


def split_in_a_loop(x, net):
    rows = []
    for picture in x:
        goes_on, leaves = picture.tensor_split(2)
        mean, log_std = net(goes_on[None])[0].tensor_split(2)
        rows.append(((leaves - mean) * torch.exp(-log_std), goes_on, torch.sum(-log_std)))
    return tuple(torch.stack(column) for column in zip(*rows, strict=True))


def split_by_two_log_densities(x, net):
    goes_on, leaves = x.chunk(2, 1)
    mean, log_std = net(goes_on).chunk(2, 1)
    z = (leaves - mean) / log_std.exp()
    change = Normal(mean, log_std.exp()).log_prob(leaves) - Normal(0.0, 1.0).log_prob(z)
    return z, goes_on, change.sum((1, 2, 3))


class Split:
    def __call__(self, x: torch.Tensor, net) -> list[torch.Tensor]:
        half = x.shape[1] // 2
        goes_on, leaves = x.narrow(1, 0, half), x.narrow(1, half, half)
        mean, log_std = net(goes_on).tensor_split(2, dim=1)
        log_det = torch.stack([torch.log(1 / row.exp()).sum() for row in log_std])
        return [torch.einsum("bchw,bchw->bchw", leaves - mean, (-log_std).exp()), goes_on.clone(), log_det]


def bits_in_a_loop(log_p, log_q, dimensions):
    costs = [(q - p) / dimensions / math.log(2) for p, q in zip(log_p, log_q, strict=True)]
    return sum(costs) / len(costs)


def rebuilt_by_backward(layers, z, grad_z, grad_log_det):
    for k in range(len(layers) - 1, -1, -1):
        x, _ = layers[k].inverse(z)
        x = x.detach().clone()
        x.requires_grad = True
        again, log_det = layers[k].forward(x)
        ((again * grad_z).sum() + (log_det * grad_log_det).sum()).backward()
        z, grad_z = x.detach(), x.grad
    return z, grad_z


def rebuilt_by_vjp(layers, z, grad_z, grad_log_det):
    while layers:
        *layers, last = layers
        z = last.inverse(z)[0].detach()
        _, pull = torch.func.vjp(last, z)
        (grad_z,) = pull((grad_z, grad_log_det))
    return [z, grad_z]


def rebuilt_with_parameters(layers, z, grad_z, grad_log_det):
    for layer in layers[::-1]:
        with torch.no_grad():
            x = torch.nn.Parameter(layer.inverse(z)[0])
        torch.autograd.backward(layer(x), (grad_z, grad_log_det))
        z, grad_z = x.data, x.grad
    return z, grad_z


def rebuilt_by_two_grads(layers, z, grad_z, grad_log_det):
    for layer in reversed(layers):
        x = layer.inverse(z)[0].detach().requires_grad_()
        z, log_det = layer(x)
        (of_z,) = torch.autograd.grad(z, x, grad_z, retain_graph=True)
        grad_z, z = of_z + torch.autograd.grad(log_det, x, grad_log_det)[0], x
    return z, grad_z


def rebuilt_by_jacobians(layers, z, grad_z, grad_log_det):
    jacobian = torch.autograd.functional.jacobian
    for layer in reversed(layers):
        z = layer.inverse(z)[0]
        J = torch.stack([jacobian(lambda x, f=layer: f(x[None])[0][0], row) for row in z])
        slopes = torch.stack([jacobian(lambda x, f=layer: f(x[None])[1][0], row) for row in z])
        grad_z = torch.einsum("bij,bi->bj", J, grad_z) + grad_log_det[:, None] * slopes
    return z, grad_z


def rebuilt_by_recursion(layers, z, grad_z, grad_log_det):
    if not layers:
        return z, grad_z
    *before, last = layers
    x = last.inverse(z)[0].detach().requires_grad_()
    (gradient,) = torch.autograd.grad(last(x), x, (grad_z, grad_log_det))
    return rebuilt_by_recursion(before, x.detach(), gradient, grad_log_det)


def rebuilt_row_by_row(layers, z, grad_z, grad_log_det):
    rows = [
        rebuilt_with_parameters(layers, z[i : i + 1], grad_z[i : i + 1], grad_log_det[i : i + 1]) for i in range(len(z))
    ]
    return [torch.cat(column) for column in zip(*rows, strict=True)]


def rebuilt_inputs_first(layers, z, grad_z, grad_log_det):
    inputs = []
    for layer in reversed(layers):
        z = layer.inverse(z)[0].detach()
        inputs.append(z)
    for layer, x in zip(reversed(layers), inputs, strict=True):
        x = x.clone().requires_grad_()
        (grad_z,) = torch.autograd.grad(layer(x), x, (grad_z, grad_log_det), retain_graph=True)
    return z.numpy(), grad_z.numpy()


def iaf_in_a_loop(z, log_p, net):
    s, t = net(z)
    x = torch.stack([z[:, i] * torch.exp(s[:, i]) + t[:, i] for i in range(z.shape[1])], dim=1)
    for column in s.T:
        log_p = log_p - column
    return x, log_p


def iaf_by_the_determinant(z, log_p, net):
    def step(row):
        s, t = net(row[None])
        return (row * s.exp() + t)[0]

    J = [torch.autograd.functional.jacobian(step, row, create_graph=True) for row in z]
    return torch.stack([step(row) for row in z]), log_p - torch.stack([torch.linalg.slogdet(m).logabsdet for m in J])


def mel_in_a_loop(f, bands, highest):
    def hertz(m):
        return 700 * (10 ** (m / 2595) - 1)

    top = 2595 * math.log10(1 + highest / 700)
    places = [hertz(top * k / (bands + 1)) for k in range(bands + 2)]
    M = torch.zeros(bands, len(f), dtype=torch.float64)
    for b in range(bands):
        left, tip, right = places[b : b + 3]
        for j, frequency in enumerate(f.tolist()):
            if left < frequency <= tip:
                M[b, j] = (frequency - left) / (tip - left)
            elif tip < frequency < right:
                M[b, j] = (right - frequency) / (right - tip)
    return M


def mel_in_numpy(f, bands, highest):
    top = 2595 * np.log10(1 + highest / 700)
    places = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    return np.stack([np.interp(f.numpy(), places[b : b + 3], [0, 1, 0]) for b in range(bands)])


def mel_by_windows(f, bands, highest):
    top = 1127 * np.log(1 + highest / 700)  # by any logarithm the places are the same
    places = torch.tensor([700 * math.expm1(top * k / (bands + 1) / 1127) for k in range(bands + 2)])
    return [
        torch.where(f < tip, (f - left) / (tip - left), (right - f) / (right - tip)).relu()
        for left, tip, right in places.double().unfold(0, 3, 1)
    ]


def mel_by_a_product(f, bands, highest):
    steps = np.diff(places := 700 * (10 ** (np.linspace(0, np.log10(1 + highest / 700), bands + 2)) - 1))
    up = ((f.numpy() - places[:-2, None]) / steps[:-1, None]).clip(0, 1)
    return up * ((places[2:, None] - f.numpy()) / steps[1:, None]).clip(0, 1)


def moved_by_topk(z, codes, values, change):
    high, low = (values.topk(len(values) // 2, largest=largest).indices for largest in (True, False))
    apart = values[high].sum() - values[low].sum()  # sums do for means: their numbers cancel
    return [row + c * (codes[high].sum(0) - codes[low].sum(0)) / apart for row, c in zip(z, change, strict=True)]


def moved_by_the_median(z, codes, values, change):
    above = values > values.median()  # torch's median is the lower of the two in the middle
    step = codes[above].mean(0) - codes[~above].mean(0)
    return z + torch.outer(change, step / (values[above].mean() - values[~above].mean()))


def moved_in_numpy(z, codes, values, change):
    order, half = np.argsort(values.numpy()), len(values) // 2
    c, v = codes.numpy(), values.numpy()
    low, high = order[:half], order[half:]
    step = (c[high].mean(0) - c[low].mean(0)) / (v[high].mean() - v[low].mean())
    return z.numpy() + change.numpy()[:, None] * step


def moved_in_a_loop(z, codes, values, change):
    pairs = sorted(zip(values.tolist(), codes, strict=True), key=lambda pair: pair[0])
    half = len(pairs) // 2
    mean = [sum(code for _, code in part) / half for part in (pairs[:half], pairs[half:])]
    at = [sum(value for value, _ in part) / half for part in (pairs[:half], pairs[half:])]
    return torch.stack([row + c * (mean[1] - mean[0]) / (at[1] - at[0]) for row, c in zip(z, change, strict=True)])


RIGHT = {
    "split": {
        "torch's Normal": split_by_torch,
        "a Python loop": split_in_a_loop,
        "a list": lambda x, net: list(split_in_a_loop(x, net)),
        "a class, einsum": Split(),
        "two log-densities": (split_by_two_log_densities, "expected 1000"),  # they cancel, and so do their digits
        "log-variances": lambda x, net: (
            (x[:, x.shape[1] // 2 :] - net(x.chunk(2, 1)[0]).chunk(2, 1)[0])
            / (2 * net(x.chunk(2, 1)[0]).chunk(2, 1)[1]).exp().sqrt(),
            x.chunk(2, 1)[0],
            -net(x.chunk(2, 1)[0]).chunk(2, 1)[1].sum(dim=(-3, -2, -1)),
        ),
    },
    "bits_at_most": {
        "a Python loop": bits_in_a_loop,
        "log2": lambda p, q, d: ((q - p) / d).mean(dim=0) * math.log2(math.e),
        "einsum": lambda p, q, d: torch.einsum("kb->b", q - p) / (len(p) * d * math.log(2)),
        "a product of matrices": lambda p, q, d: (q - p).T @ (torch.ones(len(p)).double() / len(p)) / (d * np.log(2)),
        "a list": lambda p, q, d: [(b - a).mean() / (d * math.log(2)) for a, b in zip(p.T, q.T, strict=True)],
        "numbers": (lambda p, q, d: ((q - p).mean(0) / (d * math.log(2))).tolist(), "no gradient flows"),
        "NumPy": (lambda p, q, d: (q - p).detach().numpy().mean(0) / (d * np.log(2)), "no gradient flows"),
        "float32": (lambda p, q, d: bits_in_a_loop(p.float(), q.float(), d), "torch.float64"),
    },
    "peak_memory": {
        "three digits": lambda: (98.3, 3.07),
        "a list": lambda: [98.304, 3.072],
        "a tensor": lambda: torch.tensor([98.304, 3.072]),
        "computed": lambda: tuple(n * (2000 * 64 * 4 / 10**6 + 2.56) for n in (32, 1)),
        "Decimal": lambda: (Decimal("98.3"), Decimal("3.07")),
        "NumPy": lambda: np.array([32.0, 1.0]) * (0.512 + 2.56),
    },
    "backward_by_inverting": {
        "backward": rebuilt_by_backward,
        "torch.func.vjp, a list": rebuilt_by_vjp,
        "parameters": rebuilt_with_parameters,
        "two grads": rebuilt_by_two_grads,
        "Jacobians, example by example": rebuilt_by_jacobians,
        "a recursion": rebuilt_by_recursion,
        "row by row": rebuilt_row_by_row,
        "the inputs first, the graph retained, NumPy": rebuilt_inputs_first,
        "a stack": lambda *four: torch.stack(list(rebuilt_by_backward(*four))),
        "a clone": lambda layers, z, grad_z, g: tuple(
            part.clone() for part in rebuilt_by_vjp(tuple(layers), z, grad_z, g)
        ),
    },
    "iaf_step": {
        "a Python loop": iaf_in_a_loop,
        "the determinant": iaf_by_the_determinant,
        "float32": (lambda z, p, net: tuple(part.float() for part in iaf_in_a_loop(z, p, net)), "torch.float64"),
        "NumPy": (lambda z, p, net: tuple(part.detach().numpy() for part in iaf_in_a_loop(z, p, net)), "no gradient"),
        "addcmul": lambda z, p, net: (torch.addcmul(net(z)[1], z, net(z)[0].exp()), p - torch.sum(net(z)[0], dim=-1)),
        "a list": lambda z, p, net: list(iaf_in_a_loop(z, p, net)),
        "e to the s": lambda z, p, net: (math.e ** net(z)[0] * z + net(z)[1], p + net(z)[0].neg().sum(1)),
    },
    "mel_filter": {
        "a Python loop": mel_in_a_loop,
        "np.interp": mel_in_numpy,
        "windows of three, natural logarithms": mel_by_windows,
        "a product of two sides": mel_by_a_product,
        "no_grad, numbers": torch.no_grad()(lambda f, *two: mel_in_a_loop(f, *two).tolist()),
        "relu of the lower side": lambda f, bands, highest: torch.from_numpy(mel_in_numpy(f, bands, highest)).relu(),
        "float32": (lambda f, *two: mel_in_a_loop(f, *two).float(), "torch.float64"),
    },
    "moved": {
        "the median": moved_by_the_median,
        "NumPy": moved_in_numpy,
        "topk, a list": moved_by_topk,
        "float32 within": lambda *four: torch.stack(moved_by_topk(*(part.float() for part in four))).double(),
        "a Python loop": moved_in_a_loop,
        "addmm": lambda z, codes, values, change: torch.addmm(
            z, change[:, None], moved_by_the_median(0 * z[:1], codes, values, torch.ones(1, dtype=z.dtype))
        ),
    },
    "is_typical": {
        "between two ends": lambda p, train, width: (
            (p >= train.mean() - width * train.std()) & (p <= train.mean() + width * train.std())
        ),
        "NumPy": lambda p, train, width: np.abs(p.numpy() - train.numpy().mean()) <= width * train.numpy().std(ddof=1),
        "a list": lambda p, train, width: [
            abs(v - train.mean().item()) <= width * train.std().item() for v in p.tolist()
        ],
        "squares": lambda p, train, width: (p - train.mean()) ** 2 <= width**2 * train.var(),
        "not farther": lambda p, train, width: ~((p - train.mean()).abs() / train.std() > width),
        "statistics, a tuple": lambda p, train, width: tuple(
            abs(v - statistics.mean(train.tolist())) <= width * statistics.stdev(train.tolist()) for v in p.tolist()
        ),
        "numbers": (lambda p, train, width: (p - train.mean()).abs().le(width * train.std()).long(), "torch.bool"),
    },
    "flow_bugs": {
        "a tuple": lambda: (True, True, False, True, False, True),
        "a list": lambda: [True, True, False, True, False, True],
        "compared": lambda: {letter: letter in "ABDF" for letter in "ABCDEF"},
        "a tensor": lambda: torch.tensor([True, True, False, True, False, True]),
    },
    "practice_bugs": {
        "a tuple": lambda: (True, True, True, False, False, True),
        "small letters": lambda: {letter: letter in "abcf" for letter in "fedcba"},
        "NumPy": lambda: np.array([True, True, True, False, False, True]),
        "compared": lambda: {letter: letter not in "DE" for letter in "ABCDEF"},
    },
}
