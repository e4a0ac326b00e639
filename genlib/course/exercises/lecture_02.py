"""The exercises of lecture 02 and the mistakes that people make in them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_02 import work

# 2.1 ------------------------------------------------------------------------------------------------------------------


def _predictions(generator, batch=4, length=6, levels=5) -> tuple[Tensor, Tensor]:
    """Scores of the levels for each place, and the levels that stand there."""
    logits = torch.randn(batch, length, levels, generator=generator, dtype=torch.float64)
    return logits, torch.randint(levels, (batch, length), generator=generator)


def _picked(values: Tensor, x: Tensor) -> Tensor:
    """values[b, i, x[b, i]], (B, D)."""
    return values.gather(-1, x[..., None])[..., 0]


def log_prob_of(logits, x):
    return _picked(logits.log_softmax(-1), x).sum(-1)


_g = torch.Generator().manual_seed(2)


def sequences_sum_to_one(answer):
    x = torch.cartesian_prod(*[torch.arange(3)] * 4)  # (81, 4)
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64).expand(81, -1, -1)
    total = answer(logits, x).exp().sum()
    assert torch.allclose(total, torch.ones_like(total)), f"they sum to {total:.4g}"


def shifted_scores_change_nothing(answer):
    logits, x = _predictions(torch.Generator().manual_seed(6))
    assert torch.allclose(answer(logits + torch.arange(6.0)[:, None], x), answer(logits, x))


chain = Exercise(
    "2.1",
    "log_prob_of",
    reference=log_prob_of,
    inputs=_predictions,
    gradients=True,
    edges={
        "pictures of 784 pixels (p(x) near e^-1200)": _predictions(_g, 2, 784, 5),
        "logits in the thousands": (1000 * _predictions(_g)[0], _predictions(_g)[1]),
    },
    properties={
        "the probabilities of all 3^4 sequences of four places and three levels sum to 1 (one set "
        "of logits)": sequences_sum_to_one,
        "a number added to all scores of a place changes nothing": shifted_scores_change_nothing,
    },
    mistakes={
        "you averaged over the pixels; the logarithm of a product is the sum": (
            lambda logits, x: _picked(logits.log_softmax(-1), x).mean(-1)
        ),
        "the sign is flipped: this is the loss, -log p(x); a log-probability is never positive": (
            lambda logits, x: -log_prob_of(logits, x)
        ),
        "you added up raw scores; they become log-probabilities by log_softmax over the levels, the last axis": (
            lambda logits, x: _picked(logits, x).sum(-1)
        ),
        "you normalised over the places (axis 1); the levels of one place compete, the last axis": (
            lambda logits, x: _picked(logits.log_softmax(1), x).sum(-1)
        ),
        "the product of probabilities underflows: e^-1200 is 0 on a computer; add up logarithms instead": (
            lambda logits, x: _picked(logits.softmax(-1), x).prod(-1).log()
        ),
        "softmax and then log: large scores make the probability 0 and its logarithm -inf; use log_softmax": (
            lambda logits, x: _picked(logits.softmax(-1), x).log().sum(-1)
        ),
        "these are probabilities; asked was the logarithm, and for real pictures the exponential is 0": (
            lambda logits, x: log_prob_of(logits, x).exp()
        ),
        "you added up probabilities; it is their logarithms that add up": (
            lambda logits, x: _picked(logits.softmax(-1), x).sum(-1)
        ),
        "this is in bits; asked were nats, the natural logarithm": (
            lambda logits, x: log_prob_of(logits, x) / math.log(2)
        ),
        "you shifted by one: here logits[:, i] is already the prediction for x[:, i]": (
            lambda logits, x: _picked(logits[:, :-1].log_softmax(-1), x[:, 1:]).sum(-1)
        ),
        "you took the most probable level of each place; asked is the level that stands there, x": (
            lambda logits, x: logits.log_softmax(-1).max(-1).values.sum(-1)
        ),
        "softmax twice: cross_entropy and log_softmax take raw scores and make probabilities of them themselves": (
            lambda logits, x: log_prob_of(logits.softmax(-1), x)
        ),
        "this is one number for the whole batch; keep one for each picture, shape (B,)": (
            lambda logits, x: log_prob_of(logits, x).mean(),
            lambda logits, x: log_prob_of(logits, x).sum(),
            lambda logits, x: -log_prob_of(logits, x).mean(),
            lambda logits, x: -log_prob_of(logits, x).sum(),
        ),
        "you added up over the batch (axis 0); the places of one picture add up, the last axis of (B, D)": (
            lambda logits, x: _picked(logits.log_softmax(-1), x).sum(0)
        ),
        "this still has one value for each place; the sum over the places is missing": (
            lambda logits, x: _picked(logits.log_softmax(-1), x)
        ),
        "a small number under the logarithm: what is less probable all costs the same; use log_softmax": tuple(
            lambda logits, x, small=small: _picked((logits.softmax(-1) + small).log(), x).sum(-1)
            for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
        )
        + tuple(
            lambda logits, x, small=small: _picked(logits.softmax(-1).clamp(min=small).log(), x).sum(-1)
            for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
        ),
        "the values are right, but no gradient flows: this is to be trained; leave out detach and no_grad": (
            lambda logits, x: log_prob_of(logits, x).detach()
        ),
        "this is cross_entropy as it comes: the mean over batch and places of -log p; keep (B,), sum, flip": (
            lambda logits, x: F.cross_entropy(logits.flatten(0, 1), x.flatten())
        ),
    },
)


# 2.2 ------------------------------------------------------------------------------------------------------------------


def causal_mask(size, kind):
    mask = torch.ones(size, size)
    centre = size // 2
    mask[centre, centre + (kind == "B") :] = 0
    mask[centre + 1 :] = 0
    return mask


def kinds_differ_at_the_centre(answer):
    difference = answer(5, "B") - answer(5, "A")
    assert difference[2, 2] == 1
    assert difference.abs().sum() == 1


def sees_only_the_past(answer):
    x = torch.zeros(1, 1, 5, 5, requires_grad=True)
    h = x
    for kind in "ABB":
        h = F.conv2d(h, answer(3, kind)[None, None].to(h.dtype), padding=1)
    h[0, 0, 2, 2].backward()
    assert (x.grad.flatten()[12:] == 0).all(), "it sees itself or the future"
    assert x.grad[0, 0, 2, 1] > 0, "it does not see the pixel to its left"


def row_of_the_centre_open(size, kind):
    mask = torch.ones(size, size)
    mask[size // 2 + 1 :] = 0
    mask[size // 2, size // 2] = float(kind == "B")
    return mask


def row_of_the_centre_closed(size, kind):
    mask = torch.ones(size, size)
    mask[size // 2 :] = 0
    mask[size // 2, size // 2] = float(kind == "B")
    return mask


def rows_above_half_open(size, kind):
    mask = causal_mask(size, kind)
    mask[:, size // 2 + 1 :] = 0
    return mask


def rows_below_open(size, kind):
    mask = torch.ones(size, size)
    mask[size // 2, size // 2 + (kind == "B") :] = 0
    return mask


masks = Exercise(
    "2.2",
    "causal_mask",
    reference=causal_mask,
    inputs=lambda g: [(5, "A"), (3, "B"), (7, "A")][g.initial_seed() % 3],
    edges={
        'kind "B" and size 5': (5, "B"),
        'kind "A" and a kernel of one pixel': (1, "A"),
        'kind "B" and a kernel of one pixel': (1, "B"),
    },
    properties={
        "both kinds are the same but for the centre": kinds_differ_at_the_centre,
        "a picture that passes A and then B twice: "
        "what comes out at a pixel depends on earlier pixels only": sees_only_the_past,
    },
    mistakes={
        'the kinds are swapped: "A" hides the centre (it is what must be predicted), "B" shows it': (
            lambda size, kind: causal_mask(size, "A" if kind == "B" else "B")
        ),
        "the whole row of the centre is open: to the right of it is the future": row_of_the_centre_open,
        "you left the future open and closed the past: rows above come first": (
            lambda size, kind: causal_mask(size, kind).flip(0, 1)
        ),
        "the row of the centre is closed altogether: "
        "what stands to the left is past and may be seen": row_of_the_centre_closed,
        "the rows above are open on the left only: "
        "the whole row above is past, the right end too": rows_above_half_open,
        "you scan by columns: the transpose of this mask goes row by row": lambda size, kind: causal_mask(size, kind).T,
        "kind makes no difference: the centre must be 0 for A and 1 for B; here it is always 0": (
            lambda size, kind: causal_mask(size, "A")
        ),
        "kind makes no difference: the centre must be 0 for A and 1 for B; here it is always 1": (
            lambda size, kind: causal_mask(size, "B")
        ),
        "the rows below the centre are still open: they are the future": rows_below_open,
        "0 and 1 are swapped: the mask multiplies the kernel, so 1 lets through": (
            lambda size, kind: 1 - causal_mask(size, kind)
        ),
        "this is triangular as in attention, where places are a line; in a picture the whole row above is past": (
            lambda size, kind: torch.ones(size, size).tril(0 if kind == "B" else -1)
        ),
    },
)


# 2.3 ------------------------------------------------------------------------------------------------------------------


def blind_pixels():
    return sum(max(0, 8 - 3 - k) for k in range(1, 5))


blind = Exercise(
    "2.3",
    "blind_pixels",
    reference=blind_pixels,
    properties={
        "it is a whole number of pixels, and not more than there are earlier ones": lambda answer: 0 <= answer() <= 34,
    },
    mistakes={
        "the pixel one row up, one column to the right is still seen, you counted it as blind (or columns from 0)": (
            lambda: 5 + 4 + 3 + 2
        ),
        "that is everything above and to the right; some of it lies within reach: one column for each row up": (
            lambda: 4 * 5
        ),
        "that is how many earlier pixels it does see; asked is how many it never sees": lambda: 34 - 10,
        "that is how many earlier pixels there are: four rows of eight, and two in its own row": lambda: 34,
        "that is the row just above alone; the rows higher up have blind pixels too": lambda: 4,
        "four blind pixels in each row above: but each row up brings one more column within reach": lambda: 4 * 4,
        "no: move to the right only while moving up. Try the pixel at the right end of the row above": lambda: 0,
        "too few: of the row just above alone, 8 - 3 - 1 = 4 are blind, and the rows higher up have blind pixels too": (
            lambda: 3
        ),
        "a row is missing: the fifth row has four rows above it, and in the topmost of them 1 pixel is blind": (
            lambda: 4 + 3 + 2
        ),
        "you counted its own row: what stands to the right there is the future, not a blind spot": (
            lambda: 5 + 4 + 3 + 2 + 1
        ),
        "that is for the pixel in column 4; columns count from 1, so five lie to the right of column 3": (
            lambda: 3 + 2 + 1
        ),
    },
)


# 2.4 ------------------------------------------------------------------------------------------------------------------


def _log_densities(generator) -> tuple[Tensor, int, float]:
    log_p = 40 * torch.randn(4, generator=generator, dtype=torch.float64) - 150
    return log_p, 64, 1 / 17


def bits_per_dimension(log_p, dimensions, spacing):
    return -log_p / (dimensions * math.log(2)) - math.log2(spacing)


def uniform_costs_8_bits(answer):
    value = torch.as_tensor(answer(torch.zeros(1, dtype=torch.float64), 64, 1 / 256)).flatten()[0].item()
    assert abs(value - 8) < 1e-6, f"it gives {value:.4g}"


def ten_times_the_probability_saves_bits(answer):
    log_p = torch.tensor([-100.0], dtype=torch.float64)
    saved = answer(log_p, 64, 1.0) - answer(log_p + math.log(10), 64, 1.0)
    assert abs(saved.item() * 64 - math.log2(10)) < 1e-6


bits = Exercise(
    "2.4",
    "bits_per_dimension",
    reference=bits_per_dimension,
    inputs=_log_densities,
    edges={
        "integers (spacing 1)": (torch.tensor([-100.0, -2000.0]).double(), 784, 1.0),
        "256 levels in [-1, 1]": (torch.tensor([3000.0, -10.0]).double(), 3072, 2 / 256),
        "a density too good to be true (negative bits)": (torch.tensor([[[900.0]], [[40.0]]]).double(), 64, 0.25),
        "a single log-density": (torch.tensor(-70.0).double(), 9, 0.5),
    },
    gradients=True,
    properties={
        "a uniform density on [0, 1]^D, log p = 0, costs 8 bits per dimension for 256 levels": uniform_costs_8_bits,
        "ten times the probability of a whole picture saves log2(10) bits, "
        "shared by its dimensions": ten_times_the_probability_saves_bits,
    },
    mistakes={
        "this is in nats: divide by log 2 to get bits": (
            lambda log_p, dimensions, spacing: -log_p / dimensions - math.log(spacing)
        ),
        "the spacing is in bits but log p still in nats: divide it by log 2": (
            lambda log_p, dimensions, spacing: -log_p / dimensions - math.log2(spacing)
        ),
        "the spacing's logarithm is natural; bits need base 2": (
            lambda log_p, dimensions, spacing: -log_p / (dimensions * math.log(2)) - math.log(spacing)
        ),
        "log p is that of the whole picture: divide it by the number of dimensions": (
            lambda log_p, dimensions, spacing: -log_p / math.log(2) - math.log2(spacing)
        ),
        "this is for a whole picture, in bits; divide by the number of dimensions": (
            lambda log_p, dimensions, spacing: -log_p / math.log(2) - dimensions * math.log2(spacing)
        ),
        "the spacing is missing: a density of rescaled pixels has other units, 8 bits per dimension for [0, 1]": (
            lambda log_p, dimensions, spacing: -log_p / (dimensions * math.log(2))
        ),
        "the sign of the spacing's term is wrong: squeezing the levels together makes the density larger": (
            lambda log_p, dimensions, spacing: -log_p / (dimensions * math.log(2)) + math.log2(spacing)
        ),
        "the spacing counts once for each dimension; you divided it by their number": (
            lambda log_p, dimensions, spacing: -(log_p + math.log(spacing)) / (dimensions * math.log(2))
        ),
        "the sign is flipped: bits are paid for what is improbable, so less probable must mean more bits": (
            lambda log_p, dimensions, spacing: log_p / (dimensions * math.log(2)) + math.log2(spacing)
        ),
        "you multiplied by log 2; one nat is 1 / log 2 = 1.44 bits": (
            lambda log_p, dimensions, spacing: -log_p * math.log(2) / dimensions - math.log2(spacing)
        ),
        "the spacing goes in as its logarithm to base 2, not as it is": (
            lambda log_p, dimensions, spacing: -log_p / (dimensions * math.log(2)) - spacing
        ),
    },
)


# 2.5 ------------------------------------------------------------------------------------------------------------------


def _scores(generator, batch=40, levels=5) -> tuple[Tensor, float, Tensor]:
    logits = torch.randn(batch, levels, generator=generator, dtype=torch.float64)
    u = torch.rand(batch, generator=generator, dtype=torch.float64)
    return logits, [0.5, 2.0, 0.8][generator.initial_seed() % 3], u


def _from(p: Tensor, u: Tensor) -> Tensor:
    """How many of the running sums of p (B, V) are at most u (B,)."""
    return (p.cumsum(-1) <= u[:, None]).sum(-1).clamp(max=p.shape[-1] - 1)


def draw_level(logits, temperature, u):
    if temperature == 0:
        return logits.argmax(-1)
    p = (logits / temperature).softmax(-1)
    sums = p.cumsum(-1)
    return (sums / sums[:, -1:] <= u[:, None]).sum(-1)


_logits, _, _u = _scores(torch.Generator().manual_seed(11))


def temperature_0_takes_the_best(answer):
    close = torch.tensor([[0, 1e-6, -1, -2, -3.0]], dtype=torch.float64)  # the best by a hair
    logits, u = torch.cat([_logits, close]), torch.cat([_u, torch.zeros(1, dtype=torch.float64)])
    drawn = torch.as_tensor(answer(logits, 0.0, u))
    wrong = int((drawn != logits.argmax(-1)).sum())
    assert not wrong, f"in {wrong} of {len(u)} rows yours is another; score / 0 is infinite or NaN, so return before it"


def u_reaches_both_ends(answer):
    logits = torch.tensor([[0.0, 0, 0, 0], [0, 0, 0, -20]], dtype=torch.float64)[[0, 0, 1]]
    drawn = answer(logits, 1.0, torch.tensor([0.0, 1 - 1e-12, 1 - 1e-12], dtype=torch.float64))
    assert drawn.tolist() == [0, 3, 3], f"it gives {drawn.tolist()}"


def never_draws_the_impossible(answer):
    logits = torch.tensor([[-math.inf, 0, 0], [0, -math.inf, 0]], dtype=torch.float64)
    drawn = answer(logits, 1.0, torch.tensor([0.0, 0.5], dtype=torch.float64)).tolist()
    assert drawn == [1, 2], (
        f"for p = (0, ½, ½), u = 0 and p = (½, 0, ½), u = 0.5 it draws levels {drawn[0]} and {drawn[1]}, not 1 and 2"
    )


def rounding_still_draws_a_level(answer):
    """In float32 the running sums of about every third row end below the largest u that torch.rand can return."""
    logits = torch.randn(200, 17, generator=torch.Generator().manual_seed(3))
    logits[:, [0, 15, 16]] = -math.inf
    drawn = answer(logits, 1.0, torch.full((200,), 1 - 2**-24)).tolist()
    wrong = next((level for level in drawn if not 0 < level < 15), None)
    assert wrong is None, f"it draws level {wrong}, and possible are 1 to 14: divide the running sums by the last one"


def shares_are_the_probabilities(answer):
    logits = torch.tensor([0.0, 1, -1, 0.5], dtype=torch.float64)
    u = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    shares = torch.bincount(answer(logits.expand(2000, -1), 0.7, u), minlength=4) / 2000
    assert torch.allclose(shares.double(), (logits / 0.7).softmax(-1), atol=0.002)


drawing = Exercise(
    "2.5",
    "draw_level",
    reference=draw_level,
    inputs=_scores,
    edges={"temperature 1": (_logits, 1.0, _u)},
    properties={
        "temperature 0 gives the most probable level, whatever u": temperature_0_takes_the_best,
        "u = 0 gives level 0, and u just below 1 the last level": u_reaches_both_ends,
        "a level of probability 0 is never drawn, not even by u = 0": never_draws_the_impossible,
        "in float32 the running sums may end below the largest u: "
        "still a level is drawn, and none of probability 0": rounding_still_draws_a_level,
        "of 2,000 uniform u, each level gets the share softmax(logits / T) "
        "(within 0.002)": shares_are_the_probabilities,
    },
    mistakes={
        "you multiplied by the temperature (p^T, not p^(1/T)); a low one must make differences larger: divide": (
            lambda logits, temperature, u: _from((logits * temperature).softmax(-1), u)
        ),
        "the temperature has no effect: divide the scores by it before the softmax": (
            lambda logits, temperature, u: _from(logits.softmax(-1), u)
        ),
        "you divided probabilities by the temperature; their sum is no longer 1. Divide the scores": (
            lambda logits, temperature, u: _from(logits.softmax(-1) / temperature, u)
        ),
        "this takes the most probable level always; u decides": lambda logits, temperature, u: logits.argmax(-1),
        "u is given: it decides, not torch's own randomness (multinomial draws numbers that nobody can repeat)": (
            lambda logits, temperature, u: torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0]
        ),
        "one too few: the level is how many running sums lie at or below u, so u = 0 gives level 0": (
            lambda logits, temperature, u: (draw_level(logits, temperature, u) - 1).clamp(min=0)
        ),
        "one too few, and -1 is no level: the level is how many running sums lie at or below u; take nothing off": (
            lambda logits, temperature, u: draw_level(logits, temperature, u) - 1
        ),
        "one too many: the level is how many running sums lie at or below u, so u = 0 gives level 0": (
            lambda logits, temperature, u: draw_level(logits, temperature, u) + 1
        ),
        "you counted the running sums above u; the level is how many lie at or below it": (
            lambda logits, temperature, u: ((logits / temperature).softmax(-1).cumsum(-1) > u[:, None]).sum(-1)
        ),
        "you counted the running sums above u, up to the last level; the level is how many lie at or below it": (
            lambda logits, temperature, u: (
                ((logits / temperature).softmax(-1).cumsum(-1) > u[:, None]).sum(-1).clamp(max=logits.shape[-1] - 1)
            )
        ),
        "you compared u with the probabilities themselves; compare it with their running sums (cumsum)": (
            lambda logits, temperature, u: (
                ((logits / temperature).softmax(-1) <= u[:, None]).sum(-1).clamp(max=logits.shape[-1] - 1)
            )
        ),
        "you compared u with running sums of the scores; make probabilities of them first (softmax)": (
            lambda logits, temperature, u: _from(logits / temperature, u)
        ),
        "the softmax runs over the batch (axis 0); the levels compete, the last axis": (
            lambda logits, temperature, u: _from((logits / temperature).softmax(0), u)
        ),
        "the running sums run over the batch (axis 0); they run over the levels, the last axis": (
            lambda logits, temperature, u: (
                ((logits / temperature).softmax(-1).cumsum(0) <= u[:, None]).sum(-1).clamp(max=logits.shape[-1] - 1)
            )
        ),
        "all pictures are drawn with the first of the u; each has its own": (
            lambda logits, temperature, u: draw_level(logits, temperature, u[:1].expand_as(u))
        ),
    },
)


# 2.6 ------------------------------------------------------------------------------------------------------------------


def _layer(generator, row=2, column=3, size=3, height=6) -> tuple:
    """Square, so that swapped rows and columns run through and are told; the property below is not square."""
    features = torch.randn(2, 3, height, 6, generator=generator, dtype=torch.float64)
    weight = torch.randn(4, 3, size, size, generator=generator, dtype=torch.float64)
    return features, weight, torch.randn(4, generator=generator, dtype=torch.float64), row, column


def conv_at(features, weight, bias, row, column):
    k = weight.shape[-1]
    window = F.pad(features, (k // 2,) * 4)[:, :, row : row + k, column : column + k]
    return torch.einsum("bcij,ocij->bo", window, weight) + bias


def agrees_with_conv2d(answer):
    features, weight, bias, _, _ = _layer(torch.Generator().manual_seed(4), height=5)
    whole = F.conv2d(features, weight, bias, padding=1)
    for r in range(5):
        for c in range(6):
            assert torch.allclose(answer(features, weight, bias, r, c), whole[:, :, r, c]), f"not at ({r}, {c})"


def works_on_one_window(answer):
    generator = torch.Generator().manual_seed(6)
    features, weight = (torch.randn(*shape, generator=generator) for shape in ((1, 2, 64, 64), (4, 2, 3, 3)))
    operations, written = answer.watched(work, features, weight, torch.zeros(4), 30, 20)
    one = 2 * weight.numel()  # a product and a sum for each number of the kernel
    times = operations / one
    assert times < 64, f"the work of {times:.0f} pixels: cut the window out first, then multiply"
    copies = written / features.numel()  # a padded copy of the picture is one, and a little
    assert copies < 4, f"it writes as many numbers as {copies:.0f} pictures have: cut the one window out first"


def sees_only_its_window(answer):
    features, weight, bias, _, _ = _layer(torch.Generator().manual_seed(5))
    other = features.clone()
    other[:, :, :, :2] = 1e9
    other[:, :, 4:] = 1e9
    assert torch.allclose(answer(other, weight, bias, 2, 3), answer(features, weight, bias, 2, 3))


def window_begins_at_the_pixel(features, weight, bias, row, column):
    k = weight.shape[-1]
    window = F.pad(features, (0, k - 1, 0, k - 1))[:, :, row : row + k, column : column + k]
    return torch.einsum("bcij,ocij->bo", window, weight) + bias


def picture_wraps_around(features, weight, bias, row, column):
    k = weight.shape[-1]
    rolled = features.roll((k // 2 - row, k // 2 - column), (2, 3))[:, :, :k, :k]
    return torch.einsum("bcij,ocij->bo", rolled, weight) + bias


def border_is_repeated(features, weight, bias, row, column):
    k = weight.shape[-1]
    window = F.pad(features, (k // 2,) * 4, mode="replicate")[:, :, row : row + k, column : column + k]
    return torch.einsum("bcij,ocij->bo", window, weight) + bias


def own_features_only(features, weight, bias, row, column):
    k = weight.shape[-1]
    return features[:, :, row, column] @ weight[:, :, k // 2, k // 2].T + bias


cached = Exercise(
    "2.6",
    "conv_at",
    reference=conv_at,
    inputs=_layer,
    edges={
        "the top left corner (the window leaves the picture: pad first)": _layer(_g, 0, 0),
        "the right end of the last row": _layer(_g, 5, 5),
        "a kernel of 5 pixels": _layer(_g, 1, 4, 5),
        "a kernel of 1 pixel": _layer(_g, 3, 1, 1),
    },
    properties={
        "at every pixel it agrees with torch's conv2d, of which it is one column": agrees_with_conv2d,
        "one pixel of a picture of 64×64 takes the work for one window, not for the whole picture": works_on_one_window,
        "the values of pixels outside the window do not matter": sees_only_its_window,
    },
    mistakes={
        "the bias is missing": (
            lambda features, weight, bias, row, column: conv_at(features, weight, 0 * bias, row, column)
        ),
        "the window begins at the pixel; "
        "it must have the pixel in its middle: pad by size // 2 on all sides": window_begins_at_the_pixel,
        "the kernel is flipped: torch's conv2d does not flip it (mathematicians would)": (
            lambda features, weight, bias, row, column: conv_at(features, weight.flip(-1, -2), bias, row, column)
        ),
        "row and column are swapped: features are (B, C, H, W), rows come first": (
            lambda features, weight, bias, row, column: conv_at(features, weight, bias, column, row)
        ),
        "the picture wraps around at the border; outside of it there are zeros": picture_wraps_around,
        "the border is repeated outside the picture; conv2d with padding puts zeros there": border_is_repeated,
        "rows and columns of the window are swapped against the kernel's": (
            lambda features, weight, bias, row, column: conv_at(features, weight.transpose(-1, -2), bias, row, column)
        ),
        "you took the pixel's own features only; the kernel reaches over a window around it": own_features_only,
        "the bias counts once, not once for each number of the window": (
            lambda features, weight, bias, row, column: conv_at(
                features, weight, bias * weight[0].numel(), row, column
            ),
            lambda features, weight, bias, row, column: conv_at(
                features, weight, bias * weight.shape[-1] ** 2, row, column
            ),
        ),
        "row and column count from 0 here, as in [:, :, row, column]; yours is the pixel before": (
            lambda features, weight, bias, row, column: conv_at(
                F.pad(features, (1, 0, 1, 0)), weight, bias, row, column
            )
        ),
    },
)


# 2.7 ------------------------------------------------------------------------------------------------------------------


def _heads(generator, batch=2, length=5, width=4) -> tuple[Tensor, ...]:
    return tuple(torch.randn(batch, length, width, generator=generator, dtype=torch.float64) for _ in range(3))


def _attend(q, k, v, *, scale=None, future=True, diagonal=0, dim=-1):
    """Attention, with what can go wrong in it."""
    T = q.shape[1]
    scores = q @ k.transpose(1, 2) * (q.shape[-1] ** -0.5 if scale is None else scale)  # (B, T, T)
    if future:
        scores = scores.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1 + diagonal), -math.inf)
    return scores.softmax(dim) @ v


def causal_attention(q, k, v):
    return _attend(q, k, v)


def first_place_sees_itself(answer):
    q, k, v = _heads(torch.Generator().manual_seed(5))
    assert torch.allclose(answer(q, k, v)[:, 0], v[:, 0])


def later_places_change_nothing_before(answer):
    q, k, v = _heads(torch.Generator().manual_seed(6))
    later = [t.clone() for t in (q, k, v)]
    for t in later:
        t[:, 3:] += 1
    assert torch.allclose(answer(*later)[:, :3], answer(q, k, v)[:, :3])


def equal_keys_give_the_mean(answer):
    q, k, v = _heads(torch.Generator().manual_seed(7))
    mean = v.cumsum(1) / torch.arange(1, 6)[:, None]
    assert torch.allclose(answer(q, k[:, :1].expand_as(k), v), mean)


def zero_times_infinity(q, k, v):
    T = q.shape[1]
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    return (scores + torch.ones(T, T).triu(1) * -math.inf).softmax(-1) @ v


def zeroed_after_the_softmax(q, k, v):
    T = q.shape[1]
    weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
    return weights.tril() @ v if T else v


def past_is_hidden(q, k, v):
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    return scores.masked_fill(torch.ones_like(scores).bool().tril(-1), -math.inf).softmax(-1) @ v


def _exponentials(q, k, v):
    e = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).exp().tril()
    return e / e.sum(-1, keepdim=True) @ v


def weights_without_values(q, k, v):
    T = q.shape[1]
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    return scores.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), -math.inf).softmax(-1)


attention = Exercise(
    "2.7",
    "causal_attention",
    reference=causal_attention,
    inputs=_heads,
    gradients=True,
    edges={"a sequence of one token": _heads(_g, 3, 1), "large scores": tuple(30 * t for t in _heads(_g))},
    properties={
        "the first place sees only itself: it gets v of the first place, whatever q and k are": first_place_sees_itself,
        "what is put at later places doesn't change what comes out at earlier ones": later_places_change_nothing_before,
        "where all keys are the same, it is the mean of the values so far": equal_keys_give_the_mean,
    },
    mistakes={
        "nothing is masked: every place sees the whole sequence, and the prediction would be a copy": (
            lambda q, k, v: _attend(q, k, v, future=False)
        ),
        "the scale is missing: divide the scores by the square root of the width d": (
            lambda q, k, v: _attend(q, k, v, scale=1.0)
        ),
        "you divided by d; the standard deviation of a sum of d products is the square root of d": (
            lambda q, k, v: _attend(q, k, v, scale=1 / q.shape[-1])
        ),
        "the place itself is masked too: the first one sees nothing at all, and 0/0 is NaN": (
            lambda q, k, v: _attend(q, k, v, diagonal=-1)
        ),
        "one place of the future is open: triu(2) begins two places on; triu(1) is all that comes after": (
            lambda q, k, v: _attend(q, k, v, diagonal=1)
        ),
        "0 times -inf is NaN, so adding a mask times -inf spoils the past too; use masked_fill": zero_times_infinity,
        "you normalised over the queries (axis 1); the keys compete for each query, the last axis": (
            lambda q, k, v: _attend(q, k, v, dim=1)
        ),
        "you set weights to 0 after the softmax, so that they no longer sum to 1; "
        "set scores to -inf before": zeroed_after_the_softmax,
        "you set the future's scores to 0: e^0 = 1 is a weight like others. Set them to -inf": (
            lambda q, k, v: (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).tril().softmax(-1) @ v
        ),
        "the mask is upside down: you left the future and hid the past": past_is_hidden,
        "queries and keys are swapped: row i of the scores belongs to query i": lambda q, k, v: _attend(k, q, v),
        "you divided by the root of the number of places; d is the width, the last axis": (
            lambda q, k, v: _attend(q, k, v, scale=q.shape[1] ** -0.5)
        ),
        "you multiplied by the square root of d; divide": lambda q, k, v: _attend(q, k, v, scale=q.shape[-1] ** 0.5),
        "this is the mean of the values so far, with equal weights; the scores q·k decide": (
            lambda q, k, v: v.cumsum(1) / torch.arange(1, v.shape[1] + 1, dtype=v.dtype)[:, None]
        ),
        "e^score is infinite for large scores, and ∞/∞ is NaN; softmax takes the largest score off first": (
            lambda q, k, v: _exponentials(q, k, v)
        ),
        "these are the weights, (B, T, T); they still have to average the values: weights @ v": weights_without_values,
    },
)


# 2.8 and 2.9: is this a bug? ------------------------------------------------------------------------------------------


def bits_bugs():
    return {"A": True, "B": False, "C": False, "D": True, "E": False, "F": True}


in_the_bits = Exercise(
    "2.8",
    "bits_bugs",
    reference=bits_bugs,
    observe=judged(bits_bugs()),
    mistakes=misjudged(
        bits_bugs(),
        {
            "A": "a bug. In [-1, 1) neighbouring levels lie a = 2/256 apart, and -log2(a) is 7: this reports one bit "
            "too many. The 8 belongs to [0, 1).",
            "B": "no bug. A shift changes no distance: a = 1/256, and log 256 / log 2 = 8 is -log2(a). It is (2.9), "
            "turned into bits at the end.",
            "C": "no bug. cross_entropy takes its mean over the batch and over all 3,072 values of each picture, so "
            "this is nats for each dimension already, and division by log 2 makes bits of them.",
            "D": "a bug. Averaged logits are no chain rule in any order: a factor sees in one order what another sees "
            "in the other, so the sum over all pictures is not 1, and this is no likelihood.",
            "E": "no bug. A mean of probabilities, one for each order, is a mixture, and a mixture sums to 1 again; "
            "logsumexp takes the mean after exp, without underflow.",
            "F": "a bug. 240 of the 1,024 pixels are paper that was put there, and cost next to nothing: as a number "
            "for 28×28 pictures it must be shared by 784 pixels, and is 1.31 times as large.",
        },
    ),
)


def drawing_bugs():
    return {"A": False, "B": True, "C": True, "D": False, "E": False, "F": True}


in_the_drawing = Exercise(
    "2.9",
    "drawing_bugs",
    reference=drawing_bugs,
    observe=judged(drawing_bugs()),
    mistakes=misjudged(
        drawing_bugs(),
        {
            "A": "no bug. Probabilities to the power 1/T are (2.10) but for its denominator, and multinomial takes "
            "weights that need not sum to 1.",
            "B": "a bug. multinomial divides its weights by their sum, so a common factor 1/T falls out again: T has "
            "no effect. Divide the logits.",
            "C": "a bug. The gradient at a masked weight is not 0, so the first step of the optimizer fills the "
            "masked part again, and the layer looks ahead.",
            "D": "no bug. Every pass begins with clean weights, whatever the optimizer did before: the outputs are "
            "those of F.conv2d(x, weight * mask). It changes a parameter in place, which is only ugly.",
            "E": "no bug. In float32, e^(-1e9) is exactly 0 beside any score of the past, and each row has its own "
            "place left: the same weights as with -inf.",
            "F": "a bug. With one query, is_causal=True lines it up with the first key, so it sees the oldest token "
            "alone. All that is in the cache is past: no mask is needed (2.14).",
        },
    ),
)


EXERCISES = (chain, masks, blind, bits, drawing, cached, attention, in_the_bits, in_the_drawing)
