"""Right answers to the exercises of lecture 02, written as people write them."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# 2.1 ------------------------------------------------------------------------------------------------------------------


def each_place_in_a_loop(logits, x):
    total = torch.zeros(len(x), dtype=logits.dtype)
    for i in range(x.shape[1]):
        log_p = logits[:, i] - logits[:, i].logsumexp(1, keepdim=True)
        total = total + log_p[torch.arange(len(x)), x[:, i]]
    return total


def a_stack_of_pictures(logits, x):
    return [-F.cross_entropy(scores, levels, reduction="sum") for scores, levels in zip(logits, x, strict=True)]


def by_cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    return -F.cross_entropy(logits.transpose(1, 2), x, reduction="none").sum(1)


def one_hot(logits, x):
    return torch.einsum("biv,biv->b", F.one_hot(x, logits.shape[-1]).to(logits), F.log_softmax(logits, dim=2))


class OfADistribution:
    def __call__(self, logits, x):
        return torch.distributions.Categorical(logits=logits).log_prob(x).sum(-1)


# 2.2 ------------------------------------------------------------------------------------------------------------------


def pixel_by_pixel(size, kind):
    mask, middle = torch.zeros(size, size), size // 2
    for r in range(size):
        for c in range(size):
            if (r, c) < (middle, middle) or (kind == "B" and (r, c) == (middle, middle)):
                mask[r, c] = 1.0
    return mask


def first_ones_then_zeros(size, kind):
    ones = size * size // 2 + (kind == "B")
    return torch.cat([torch.ones(ones), torch.zeros(size * size - ones)]).view(size, size)


def in_numpy(size, kind):
    mask = np.zeros((size, size))
    mask[: size // 2] = 1
    mask[size // 2, : size // 2 + (kind == "B")] = 1
    return mask


# 2.5 ------------------------------------------------------------------------------------------------------------------


def draw_in_a_loop(logits, temperature, u):
    levels = []
    for scores, number in zip(logits, u, strict=True):
        if temperature == 0:
            levels.append(int(scores.argmax()))
            continue
        p = (scores / temperature).softmax(0)
        level, running = int(p.nonzero()[-1]), 0.0
        for candidate, share in enumerate(p.tolist()):
            running += share
            if number.item() < running:
                level = candidate
                break
        levels.append(level)
    return levels


def draw_by_search(logits, temperature, u):
    if temperature == 0:
        return torch.argmax(logits, dim=1)
    sums = torch.softmax(logits / temperature, dim=1).cumsum(1)
    return torch.searchsorted(sums / sums[:, -1:], u[:, None], right=True)[:, 0]


def draw_in_numpy(logits, temperature, u):
    if temperature == 0:
        return logits.numpy().argmax(1)
    scores = logits.double().numpy() / temperature
    p = np.exp(scores - scores.max(1, keepdims=True))
    sums = p.cumsum(1)
    return (sums <= sums[:, -1:] * u.double().numpy()[:, None]).sum(1)


def draw_the_first_above(logits, temperature, u):
    if temperature < 1e-9:
        return logits.max(-1).indices
    sums = (logits / temperature).softmax(-1).cumsum(-1)
    return (sums > u.unsqueeze(-1) * sums[:, [-1]]).int().argmax(-1)


def draw_and_correct(logits, temperature, u):
    if temperature == 0:
        return logits.argmax(-1)
    p = torch.softmax(logits / temperature, -1)
    last = (p > 0).int().cumsum(-1).argmax(-1)  # the last level that is possible
    return torch.minimum((p.cumsum(-1) <= u[:, None]).sum(-1), last)


# 2.6 ------------------------------------------------------------------------------------------------------------------


def conv_in_loops(features, weight, bias, row, column):
    _, _, H, W = features.shape
    k = weight.shape[-1]
    out = bias.expand(len(features), -1).clone()
    for i in range(k):
        for j in range(k):
            r, c = row + i - k // 2, column + j - k // 2
            if 0 <= r < H and 0 <= c < W:
                out = out + features[:, :, r, c] @ weight[:, :, i, j].T
    return out


def conv_of_the_window(features, weight, bias, row, column):
    k = weight.shape[-1]
    p = k // 2
    window = F.pad(features, (p, p, p, p))[:, :, row : row + k, column : column + k]
    return F.conv2d(window, weight, bias)[:, :, 0, 0]


def conv_of_a_view(features, weight, bias, row, column):
    k = weight.shape[-1]
    padded = F.pad(features, [k // 2] * 4)
    window = padded.unfold(2, k, 1).unfold(3, k, 1)[:, :, row, column]  # a view of all windows
    return (window[:, None] * weight).sum((2, 3, 4)) + bias


def conv_in_numpy(features, weight, bias, row, column):
    x, w = features.numpy(), weight.numpy()
    p = w.shape[-1] // 2
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))[:, :, row : row + 2 * p + 1, column : column + 2 * p + 1]
    return np.tensordot(x, w, axes=([1, 2, 3], [1, 2, 3])) + bias.numpy()


def conv_cropped(features, weight, bias, row, column):
    k = weight.shape[-1]
    r, c = row - k // 2, column - k // 2
    top, left = max(0, r), max(0, c)
    piece = features[:, :, top : r + k, left : c + k]
    kernel = weight[:, :, top - r : top - r + piece.shape[2], left - c : left - c + piece.shape[3]]
    return piece.flatten(1) @ kernel.flatten(1).T + bias


# 2.7 ------------------------------------------------------------------------------------------------------------------


def attention_in_loops(q, k, v):
    rows = []
    for i in range(q.shape[1]):
        scores = torch.stack([(q[:, i] * k[:, j]).sum(-1) for j in range(i + 1)], 1) / math.sqrt(q.shape[2])
        rows.append((scores.softmax(1)[..., None] * v[:, : i + 1]).sum(1))
    return torch.stack(rows, 1)


def attention_with_a_large_number(q, k, v):
    T = q.shape[1]
    scores = torch.einsum("bid,bjd->bij", q, k) / q.shape[-1] ** 0.5 - 1e9 * torch.ones(T, T).triu(1)
    return torch.einsum("bij,bjd->bid", F.softmax(scores, dim=-1), v)


def attention_scaled_before(q, k, v):
    past = torch.tril(torch.ones(q.shape[1], q.shape[1])) == 1
    scores = (q / q.shape[-1] ** 0.5) @ k.mT
    return torch.where(past, scores, torch.tensor(float("-inf"), dtype=q.dtype)).softmax(-1) @ v


RIGHT = {
    "log_prob_of": {
        "a loop over places": each_place_in_a_loop,
        "a list of pictures": a_stack_of_pictures,
        "cross_entropy, with type hints": by_cross_entropy,
        "one-hot and einsum": one_hot,
        "a class": OfADistribution(),
        "float32": (lambda logits, x: by_cross_entropy(logits.float(), x), "asked was torch.float64"),
    },
    "causal_mask": {
        "a loop over pixels": pixel_by_pixel,
        "ones, then zeros": first_ones_then_zeros,
        "NumPy, float64": in_numpy,
        "float64": lambda size, kind: pixel_by_pixel(size, kind).double(),
        "a list of rows": lambda size, kind: list(pixel_by_pixel(size, kind)),
        "integers": (lambda size, kind: pixel_by_pixel(size, kind).long(), "asked was torch.float32"),
    },
    "blind_pixels": {
        "a number": lambda: 10,
        "a sum": lambda: 4 + 3 + 2 + 1,
        "a tensor of one": lambda: torch.tensor([10]),
        "a float": lambda: 10.0,
        "an array": lambda: np.arange(5).sum(),
    },
    "bits_per_dimension": {
        "two logarithms to base 2": lambda log_p, d, a: -(log_p * math.log2(math.e) / d) + math.log2(1 / a),
        "the volume first": lambda log_p, d, a: -(log_p + d * math.log(a)) / d / math.log(2),
        "NumPy's logarithm": lambda log_p, d, a: -log_p / (d * np.log(2)) - np.log2(a),
        "with tensors": lambda log_p, d, a: -log_p / (d * torch.tensor(2.0).double().log()) - torch.tensor(a).log2(),
        "float32": (lambda log_p, d, a: (-log_p / (d * math.log(2)) - math.log2(a)).float(), "asked was torch.float64"),
        "NumPy all the way": (
            lambda log_p, d, a: -log_p.detach().numpy() / (d * np.log(2)) - np.log2(a),
            "no gradient flows",
        ),
    },
    "draw_level": {
        "a loop": draw_in_a_loop,
        "searchsorted": draw_by_search,
        "NumPy": draw_in_numpy,
        "the first sum above u": draw_the_first_above,
        "clamped to the last possible level": draw_and_correct,
        "int32": lambda logits, temperature, u: draw_by_search(logits, temperature, u).int(),
    },
    "conv_at": {
        "loops": conv_in_loops,
        "conv2d of the window": conv_of_the_window,
        "a view of all windows": conv_of_a_view,
        "NumPy": conv_in_numpy,
        "cropped, not padded": conv_cropped,
        "float32": (lambda f, w, b, r, c: conv_of_the_window(f, w, b, r, c).float(), "asked was torch.float64"),
    },
    "causal_attention": {
        "a loop": attention_in_loops,
        "torch's own": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        "a large number for infinity, einsum": attention_with_a_large_number,
        "the scale at the query": attention_scaled_before,
    },
    "bits_bugs": {
        "a dict": lambda: {"A": True, "B": False, "C": False, "D": True, "E": False, "F": True},
        "another order, small letters": lambda: {"f": True, "e": False, "d": True, "c": False, "b": False, "a": True},
        "a list": lambda: [True, False, False, True, False, True],
        "a tensor": lambda: torch.tensor([True, False, False, True, False, True]),
        "an array": lambda: np.array([True, False, False, True, False, True]),
    },
    "drawing_bugs": {
        "a dict": lambda: {"A": False, "B": True, "C": True, "D": False, "E": False, "F": True},
        "another order, small letters": lambda: {"f": True, "e": False, "d": False, "c": True, "b": True, "a": False},
        "a tuple": lambda: (False, True, True, False, False, True),
        "a tensor": lambda: torch.tensor([False, True, True, False, False, True]),
    },
}
