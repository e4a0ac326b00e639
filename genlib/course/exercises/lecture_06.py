"""The exercises of lecture 06 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_06 import (
    Constant,
    MaskedNet,
    Mixed,
    PictureNet,
    SameNet,
    graphs_at_once,
    list_left_alone,
)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rand(g, *shape) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


# 6.1 ------------------------------------------------------------------------------------------------------------------


def split(x, net):
    goes_on, leaves = x.chunk(2, 1)
    mean, log_std = net(goes_on).chunk(2, 1)
    return (leaves - mean) / log_std.exp(), goes_on, -log_std.flatten(1).sum(1)


def _pictures(g, size=3, channels=4, height=3, width=2):
    half = channels // 2
    return _rand(g, size, channels, height, width), PictureNet(_rand(g, channels, half), _rand(g, channels, half))


def _split_parts(x, net):
    """What goes on, what leaves, mean and log-deviation."""
    goes_on, leaves = x.chunk(2, 1)
    return goes_on, leaves, *net(goes_on).chunk(2, 1)


def _split_by(to_z, to_volume):
    """A wrong answer by two functions: (leaves, mean, log_std) -> z, and log_std -> log-determinant."""

    def answer(x, net):
        goes_on, leaves, mean, log_std = _split_parts(x, net)
        return to_z(leaves, mean, log_std), goes_on, to_volume(log_std)

    return answer


def _right_z(leaves, mean, log_std):
    return (leaves - mean) / log_std.exp()


def _right_volume(log_std):
    return -log_std.flatten(1).sum(1)


def _standardised(to_z):
    """A wrong answer whose latents are off."""
    return _split_by(to_z, _right_volume)


def _split_volume(to_volume):
    """A wrong answer whose log-determinant is off."""
    return _split_by(_right_z, to_volume)


def _split_halves_exchanged(x, net):
    leaves, goes_on = x.chunk(2, 1)
    mean, log_std = net(goes_on).chunk(2, 1)
    return (leaves - mean) / log_std.exp(), goes_on, -log_std.flatten(1).sum(1)


def _split_sees_what_leaves(x, net):
    goes_on, leaves = x.chunk(2, 1)
    mean, log_std = net(leaves).chunk(2, 1)
    return (leaves - mean) / log_std.exp(), goes_on, -log_std.flatten(1).sum(1)


def _split_outputs_exchanged(x, net):
    goes_on, leaves, log_std, mean = _split_parts(x, net)
    return (leaves - mean) / log_std.exp(), goes_on, -log_std.flatten(1).sum(1)


def _split_outputs_take_turns(x, net):
    return split(x, lambda h: torch.cat([net(h)[:, 0::2], net(h)[:, 1::2]], 1))


def _split_to_a_density(gaussian):
    """A wrong answer with a log-density for the log-determinant: (leaves, z, mean, log_std) -> it, (B, C/2, H, W)."""

    def answer(x, net):
        goes_on, leaves, mean, log_std = _split_parts(x, net)
        z = _right_z(leaves, mean, log_std)
        return z, goes_on, gaussian(leaves, z, mean, log_std).flatten(1).sum(1)

    return answer


def _split_takes_turns(x, net):
    goes_on, leaves = x[:, 0::2], x[:, 1::2]
    mean, log_std = net(goes_on).chunk(2, 1)
    return (leaves - mean) / log_std.exp(), goes_on, -log_std.flatten(1).sum(1)


def _log_det_is_the_jacobians(answer):
    x, net = _pictures(_seeded(3), 1)
    *_, log_det = answer(x, net)
    J = torch.autograd.functional.jacobian(lambda x: torch.cat(split(x, net)[:2], 1).flatten(), x).flatten(1)
    assert torch.allclose(log_det, torch.linalg.slogdet(J).logabsdet.view(1), atol=1e-6)


scales = Exercise(
    "6.1",
    "split",
    reference=split,
    inputs=_pictures,
    edges={
        "six channels": _pictures(_seeded(2), 2, 6, 2, 2),
        "two channels, one pixel": _pictures(_seeded(4), 2, 2, 1, 1),
        "as many pictures as channels and pixels": _pictures(_seeded(5), 4, 4, 4, 4),
        "standard deviations of exp(-20)": (_rand(_seeded(6), 2, 4, 5, 5), Constant(0.5, -20.0)),
    },
    gradients=True,
    properties={"the log-determinant is that of the Jacobian that autograd finds": _log_det_is_the_jacobians},
    mistakes={
        "the sign of the log-determinant is flipped: you divide by exp(log_std), so the logarithm of each slope is "
        "-log_std": _split_volume(lambda s: s.flatten(1).sum(1)),
        "you multiplied by the standard deviation; to standardise is to divide by it": [
            _standardised(lambda leaves, mean, s: (leaves - mean) * s.exp()),
            _split_by(lambda leaves, mean, s: (leaves - mean) * s.exp(), lambda s: s.flatten(1).sum(1)),
        ],
        "that is the way back, z exp(s) + t: to standardise is to take the mean off, and to divide": [
            _standardised(lambda leaves, mean, s: leaves * s.exp() + mean),
            _split_by(lambda leaves, mean, s: leaves * s.exp() + mean, lambda s: s.flatten(1).sum(1)),
        ],
        "subtract the mean before you divide, not after": _standardised(
            lambda leaves, mean, s: leaves / s.exp() - mean
        ),
        "the mean is taken off what leaves, not the other way around": _standardised(
            lambda leaves, mean, s: (mean - leaves) / s.exp()
        ),
        "the mean is not taken off": _standardised(lambda leaves, mean, s: leaves / s.exp()),
        "you added the mean; to standardise is to take it off": _standardised(
            lambda leaves, mean, s: (leaves + mean) / s.exp()
        ),
        "you divided by the logarithm of the standard deviation": _standardised(
            lambda leaves, mean, s: (leaves - mean) / s
        ),
        "you divided by the variance; to standardise is to divide by the standard deviation": _standardised(
            lambda leaves, mean, s: (leaves - mean) / (2 * s).exp()
        ),
        "you read the log-deviations as log-variances: no ½ belongs there": [
            _standardised(lambda leaves, mean, s: (leaves - mean) / (s / 2).exp()),
            _split_volume(lambda s: _right_volume(s) / 2),
            _split_by(lambda leaves, mean, s: (leaves - mean) / (s / 2).exp(), lambda s: _right_volume(s) / 2),
        ],
        "asked was the log-determinant; there is a log-density in your third value": [
            _split_to_a_density(lambda leaves, z, mean, s: Normal(mean, s.exp()).log_prob(leaves)),
            _split_to_a_density(lambda leaves, z, mean, s: Normal(0.0, 1.0).log_prob(z)),
        ],
        "an epsilon beside the standard deviation: then log_std is no longer its logarithm": [
            _standardised(lambda leaves, mean, s, e=e: (leaves - mean) / (s.exp() + e)) for e in (1e-5, 1e-6, 1e-8)
        ],
        "what leaves is not standardised at all": _standardised(lambda leaves, mean, s: leaves),
        "the mean over channels and pixels is not the sum: each number stretches the volume once more": _split_volume(
            lambda s: -s.flatten(1).mean(1)
        ),
        "you summed over the channels alone; each pixel counts": _split_volume(lambda s: -s.sum(1)),
        "you summed over the pixels alone; each channel counts": _split_volume(lambda s: -s.sum((2, 3))),
        "you summed over the batch as well; each picture has a log-determinant of its own, shape (B,)": _split_volume(
            lambda s: -s.sum()
        ),
        "the logarithm of the slope 1/exp(log_std) is -log_std; you summed the slopes": _split_volume(
            lambda s: (-s).exp().flatten(1).sum(1)
        ),
        "the log-determinant is not 0: what leaves is divided by its standard deviation": _split_volume(
            lambda s: 0 * s.flatten(1).sum(1)
        ),
        "the halves are exchanged: the first half of the channels goes on, the second leaves": _split_halves_exchanged,
        "the network is to see what goes on; you showed it what leaves": _split_sees_what_leaves,
        "the network says the means first, then the logarithms of the standard deviations": _split_outputs_exchanged,
        "the halves are blocks of channels, the first and the second; you took every other one": [
            _split_takes_turns,
            _split_outputs_take_turns,
        ],
        "the means are no logarithms of slopes: you summed all that the network says": lambda x, net: (
            *split(x, net)[:2],
            -net(x.chunk(2, 1)[0]).flatten(1).sum(1),
        ),
        "you averaged over the batch as well; each picture has a log-determinant of its own": _split_volume(
            lambda s: -s.sum((1, 2, 3)).mean().expand(len(s))
        ),
        "the first two are in the wrong order: first what leaves, then what goes on": lambda x, net: (
            split(x, net)[1],
            split(x, net)[0],
            split(x, net)[2],
        ),
        "the log-determinant is cut off from the gradient: the flow would train as if it were constant": (
            lambda x, net: (*split(x, net)[:2], split(x, net)[2].detach())
        ),
    },
)


# 6.2 ------------------------------------------------------------------------------------------------------------------


def bits_at_most(log_p, log_q, dimensions):
    return (log_q - log_p).mean(0) / (dimensions * math.log(2))


def _noises(g, draws=5, size=4, dimensions=6):
    return 3 * _rand(g, draws, size) - 20, _rand(g, draws, size) + 2, dimensions


_two = _noises(_seeded(7))

dequantized = Exercise(
    "6.2",
    "bits_at_most",
    reference=bits_at_most,
    inputs=_noises,
    edges={
        "one draw": _noises(_seeded(8), 1),
        "as many draws as pictures as dimensions": _noises(_seeded(9), 3, 3, 3),
        "uniform noise": (_two[0], torch.zeros(5, 4, dtype=torch.float64), 6),
        "pictures of 784 pixels": (_two[0] - 2000, _two[1], 784),
        "densities of narrow bumps (log p near +100)": (_two[0] + 120, _two[1], 6),
    },
    gradients=True,
    mistakes={
        "the noise's log-density is to be subtracted from the flow's; you added it": (
            lambda p, q, d: -(p + q).mean(0) / (d * math.log(2))
        ),
        "log q is missing: with noise that is not uniform, log p alone is no bound": (
            lambda p, q, d: -p.mean(0) / (d * math.log(2))
        ),
        "log p is missing": lambda p, q, d: q.mean(0) / (d * math.log(2)),
        "that is minus what it costs: bits are -log₂": lambda p, q, d: (p - q).mean(0) / (d * math.log(2)),
        "these are nats: divide by log 2": lambda p, q, d: (q - p).mean(0) / d,
        "you multiplied by log 2; nats become bits when they are divided by it": (
            lambda p, q, d: (q - p).mean(0) / d * math.log(2)
        ),
        "per dimension: divide by their number": lambda p, q, d: (q - p).mean(0) / math.log(2),
        "you divided by the number of draws twice, or by that of pictures: dimensions are an argument": [
            lambda p, q, d: (q - p).mean(0) / (len(p) * math.log(2)),
            lambda p, q, d: (q - p).mean(0) / (p.shape[1] * math.log(2)),
        ],
        "you summed over the draws; an expectation is their mean": (lambda p, q, d: (q - p).sum(0) / (d * math.log(2))),
        "you averaged over the pictures as well; each has its own number, shape (B,)": [
            lambda p, q, d: (q - p).mean() / (d * math.log(2)),
            lambda p, q, d: (q - p).mean().expand(p.shape[1]) / (d * math.log(2)),
        ],
        "the draws are not averaged; asked was one number for each picture, (B,)": (
            lambda p, q, d: (q - p) / (d * math.log(2))
        ),
        "you took the first draw alone; an expectation is the mean of all": (
            lambda p, q, d: (q - p)[0] / (d * math.log(2))
        ),
        "the draws come from q already: their plain mean is the expectation, no weights": [
            lambda p, q, d: ((q - p) * q.exp()).mean(0) / (d * math.log(2)),
            lambda p, q, d: ((q - p) * q.exp()).sum(0) / (d * math.log(2)),
            lambda p, q, d: ((q - p) * q.softmax(0)).sum(0) / (d * math.log(2)),
        ],
        "that is a ratio of two means, of p and of q; (6.2) is the mean of the logarithms": (
            lambda p, q, d: (q.logsumexp(0) - p.logsumexp(0)) / (d * math.log(2))
        ),
        "only log p is divided: brackets are missing": [
            lambda p, q, d: (q - p / (d * math.log(2))).mean(0),
            lambda p, q, d: q.mean(0) - p.mean(0) / d / math.log(2),
        ],
        "these are nats of the whole picture: divide by the number of dimensions and by log 2": (
            lambda p, q, d: (q - p).mean(0)
        ),
        "how many pixels there are is an argument; you put in a number of your own": [
            lambda p, q, d, n=n: (q - p).mean(0) / (n * math.log(2)) for n in (6, 256, 784)
        ],
        "log p and log q are logarithms already; you took another one": [
            lambda p, q, d: (q - p).mean(0).log2() / d,
            lambda p, q, d: (q.log2() - p.log2()).mean(0) / d,
        ],
        "you averaged over axis 1, the pictures; the draws are axis 0": (
            lambda p, q, d: (q - p).mean(1) / (d * math.log(2))
        ),
        "that is the importance-weighted bound, a tighter one; (6.2) is the mean of the logarithms": (
            lambda p, q, d: -((p - q).logsumexp(0) - math.log(len(p))) / (d * math.log(2))
        ),
        "log₂ 10 is not asked: you took the logarithm to base 10 for that to base 2": (
            lambda p, q, d: (q - p).mean(0) / (d * math.log(10))
        ),
        "the values are right, but the gradient for log q is cut off: the noise could not learn": (
            lambda p, q, d: (q.detach() - p).mean(0) / (d * math.log(2))
        ),
    },
)


# 6.3 ------------------------------------------------------------------------------------------------------------------


def peak_memory():
    values = 2_000 * 64 * 4 / 1e6
    return 32 * (values + 2.56), values + 2.56


peak = Exercise(
    "6.3",
    "peak_memory",
    reference=peak_memory,
    tol=1e-3,
    mistakes={
        "a number has 4 bytes: 2,000 examples of 64 numbers are 0.512 MB": lambda: (32 * 2.688, 2.688),
        "a MB was to be a million bytes; you divided by 2²⁰": lambda: (32 * (0.48828 + 2.56), 0.48828 + 2.56),
        "the networks are missing in both: each needs 2.56 MB": lambda: (32 * 0.512, 0.512),
        "the networks are missing in what is stored: all 32 need 2.56 MB": lambda: (32 * 0.512, 3.072),
        "the network is missing in what is rebuilt: one of them needs its 2.56 MB": lambda: (98.304, 0.512),
        "rebuilt: the networks are passed one after another, so only one needs its 2.56 MB at a time": (
            lambda: (98.304, 0.512 + 32 * 2.56)
        ),
        "rebuilt: the inputs are held one at a time, not all 32": lambda: (98.304, 32 * 0.512 + 2.56),
        "rebuilt: the output that an input was rebuilt from is let go; you counted both": (
            lambda: (98.304, 2 * 0.512 + 2.56)
        ),
        "stored: asked are the inputs of the 32 layers; the last output is the input of none": (
            lambda: (33 * 0.512 + 32 * 2.56, 3.072)
        ),
        "stored: all 32 networks hold their 2.56 MB until the way back; you counted one": (
            lambda: (32 * 0.512 + 2.56, 3.072)
        ),
        "the two are in the wrong order: first stored, then rebuilt": lambda: (3.072, 98.304),
        "these are bytes; asked were MB": lambda: (98.304e6, 3.072e6),
        "the inputs are missing, or are those of one example: 2,000 of 64 numbers come to 0.512 MB": [
            lambda: (32 * 2.56, 2.56),
            lambda: (32 * (0.000256 + 2.56), 0.000256 + 2.56),
        ],
        "rebuilt: the one layer's input is held as well, not its network's 2.56 MB alone": lambda: (98.304, 2.56),
        "each layer holds 0.512 MB once: a number has 4 bytes, and outputs are not held beside inputs": (
            lambda: (32 * (2 * 0.512 + 2.56), 2 * 0.512 + 2.56)
        ),
        "an input has 64 numbers of 4 bytes for each example; you counted half of that": (
            lambda: (32 * (0.256 + 2.56), 0.256 + 2.56)
        ),
        "a network needs its 2.56 MB for all examples together; you counted them for each": (
            lambda: (32 * (0.512 + 2_000 * 2.56), 0.512 + 2_000 * 2.56)
        ),
        "three digits were asked; you rounded more coarsely": [
            lambda: (98.0, 3.0),
            lambda: (98.0, 3.072),
            lambda: (98.304, 3.0),
            lambda: (98.0, 3.1),
            lambda: (98.304, 3.1),
        ],
        "these are kilobytes; asked were MB": lambda: (98.304e3, 3.072e3),
    },
)


# 6.4 ------------------------------------------------------------------------------------------------------------------


def backward_by_inverting(layers, z, grad_z, grad_log_det):
    for layer in reversed(layers):
        x = layer.inverse(z)[0].detach().requires_grad_()
        (grad_z,) = torch.autograd.grad(layer(x), x, (grad_z, grad_log_det))
        z = x.detach()
    return z, grad_z


def _chain(g, depth=3, size=4, D=3, reach=0.7, bend=1.0):
    matrices = [torch.linalg.qr(_rand(g, D, D)).Q @ torch.diag(_rand(g, D).exp()) for _ in range(depth)]
    layers = [Mixed(matrix, bend * a) for matrix, a in zip(matrices, (0.9, 0.5, 1.3, 0.7, 1.1), strict=False)]
    x = reach * _rand(g, size, D)
    for layer in layers:
        x = layer(x)[0]
    return layers, x, _rand(g, size, D), _rand(g, size)


def _jacobians(z, x):
    """Of each example, (B, D, D), by one way back for each of the D numbers; the graph stays."""
    rows = [torch.autograd.grad(z[:, i].sum(), x, retain_graph=True)[0] for i in range(z.shape[1])]
    return torch.stack(rows, 1)


def _walked(at="rebuilt", share=1.0, turned=False, order=reversed):
    """A wrong answer: where the Jacobian is taken, the log-determinant's share, transposed or not, in which order."""

    def answer(layers, z, grad_z, grad_log_det):
        for layer in order(layers):
            before = layer.inverse(z)[0].detach()
            x = (before if at == "rebuilt" else z).detach().requires_grad_()
            again, log_det = layer(x)
            if turned:
                of_z = torch.einsum("bij,bj->bi", _jacobians(again, x), grad_z)
            else:
                of_z = torch.autograd.grad(again, x, grad_z, retain_graph=True)[0]
            grad_z = of_z + torch.autograd.grad(log_det, x, share * grad_log_det)[0]
            z = before
        return z, grad_z

    return answer


def _one_layer_only(layers, z, grad_z, grad_log_det):
    return backward_by_inverting(layers[-1:], z, grad_z, grad_log_det)


def _log_det_once(layers, z, grad_z, grad_log_det):
    z, grad_z = backward_by_inverting(layers[-1:], z, grad_z, grad_log_det)
    return backward_by_inverting(layers[:-1], z, grad_z, 0 * grad_log_det)


def _log_det_of_the_first(layers, z, grad_z, grad_log_det):
    z, grad_z = backward_by_inverting(layers[1:], z, grad_z, 0 * grad_log_det)
    return backward_by_inverting(layers[:1], z, grad_z, grad_log_det)


def _stays_at_the_end(layers, z, grad_z, grad_log_det):
    for layer in reversed(layers):
        x = layer.inverse(z)[0].detach().requires_grad_()
        (grad_z,) = torch.autograd.grad(layer(x), x, (grad_z, grad_log_det))
    return x.detach(), grad_z


def _by_the_inverse(layers, z, grad_z, grad_log_det):
    for layer in reversed(layers):
        z = layer.inverse(z)[0].detach().requires_grad_()
        grad_z = torch.linalg.solve(_jacobians(layer(z)[0], z), grad_z[..., None])[..., 0]
    return z.detach(), grad_z


def _round_by_round(step, leave_out=0):
    """A wrong answer by what each round passes on: ((z, log_det), x, grad_z, grad_log_det) -> the next grad_z."""

    def answer(layers, z, grad_z, grad_log_det):
        for layer in reversed(layers[leave_out:]):
            x = layer.inverse(z)[0].detach().requires_grad_()
            grad_z = step(layer(x), x, grad_z, grad_log_det)
            z = x.detach()
        return z, grad_z

    return answer


def _passed_on(out, x, *grads):
    return torch.autograd.grad(out, x, grads)[0]


def _times_the_sums_gradient(out, x, grad_z, grad_log_det):
    slopes = torch.autograd.grad(out[0].sum(), x, retain_graph=True)[0]
    return slopes * grad_z + torch.autograd.grad(out[1], x, grad_log_det)[0]


def _through_the_inverse(layers, z, grad_z, grad_log_det):
    for layer in reversed(layers):
        z = z.detach().requires_grad_()
        x, log_det = layer.inverse(z)
        (grad_z,) = torch.autograd.grad((x, log_det), z, (grad_z, grad_log_det))
        z = x.detach()
    return z, grad_z


def _always_the_last_gradient(layers, z, grad_z, grad_log_det):
    for layer in reversed(layers):
        x = layer.inverse(z)[0].detach().requires_grad_()
        gradient = _passed_on(layer(x), x, grad_z, grad_log_det)
        z = x.detach()
    return z, gradient


def _one_graph_and_the_list_left_alone(answer):
    most = answer.watched(graphs_at_once, *_chain(_seeded(11), 5))
    # Two: in a loop, the names of the last round's outputs are only given to the next ones when these are there.
    assert most <= 2, f"of {most} layers the graphs were there at once: detach what you rebuilt, and keep no graph"
    alone = answer.watched(list_left_alone, *_chain(_seeded(11)))
    assert alone, "you changed the list: go through reversed(layers), or layers[::-1]"


rebuilding = Exercise(
    "6.4",
    "backward_by_inverting",
    reference=backward_by_inverting,
    inputs=_chain,
    edges={
        "a single layer": _chain(_seeded(12), 1),
        "five layers": _chain(_seeded(13), 5),
        "one example of as many numbers as layers": _chain(_seeded(14), 2, 1, 2),
        "numbers of size 20": _chain(_seeded(8), 2, reach=20.0, bend=0.1),
        "gradients of a hundred": (*_chain(_seeded(10))[:2], 100 * _rand(_seeded(10), 4, 3), _rand(_seeded(9), 4)),
        "a loss that does not look at the log-determinants": (
            *_chain(_seeded(15))[:3],
            torch.zeros(4, dtype=torch.float64),
        ),
    },
    properties={
        "the graph of one layer at a time, and the list of layers left alone": _one_graph_and_the_list_left_alone
    },
    mistakes={
        "the log-determinant's share is missing: the loss depends on x through it, too": _walked(share=0.0),
        "the log-determinant's share is subtracted; the two ways to the loss add up": _walked(share=-1.0),
        "the log-determinant of every layer counts, not that of one alone": [_log_det_once, _log_det_of_the_first],
        "you multiplied by J; backwards it is the transpose of J (autograd.grad does that)": _walked(turned=True),
        "the Jacobian belongs at the layer's input; you took it at its output": _walked(at="output"),
        "the layers are to be undone from the last to the first": _walked(order=iter),
        "you undid one layer only; there are more": _one_layer_only,
        "z stays where it was in your loop: each layer is to be undone from what the one after it has left": (
            _stays_at_the_end
        ),
        "you divided by the Jacobian, as points go back; a gradient goes back by its transpose": _by_the_inverse,
        "the two are in the wrong order: first the input, then its gradient": (
            lambda *four: backward_by_inverting(*four)[::-1]
        ),
        "asked were the input and its gradient; you returned the gradient alone": (
            lambda *four: backward_by_inverting(*four)[1]
        ),
        "your gradient is right; what belongs beside it is the first input, not the output that you were given": (
            lambda layers, z, *grads: (z, backward_by_inverting(layers, z, *grads)[1])
        ),
        "the first layer is left out: your loop ends one too early": _round_by_round(_passed_on, leave_out=1),
        "each layer is to be given the gradient that the one after it passed on; you gave each the last one, grad_z": (
            _always_the_last_gradient
        ),
        "what a layer passes on takes the place of what it was given; you added the two": _round_by_round(
            lambda out, x, g, of_log_det: g + _passed_on(out, x, g, of_log_det)
        ),
        "grad_z is missing: you took the gradient of the plain sum of the outputs": _round_by_round(
            lambda out, x, g, of_log_det: _passed_on(out, x, torch.ones_like(g), of_log_det)
        ),
        "the log-determinant's share is to have the weight grad_log_det; yours has the weight 1": _round_by_round(
            lambda out, x, g, of_log_det: _passed_on(out, x, g, torch.ones_like(of_log_det))
        ),
        "each example has a grad_log_det of its own; you took the mean of all": _round_by_round(
            lambda out, x, g, of_log_det: _passed_on(out, x, g, of_log_det.mean().expand_as(of_log_det))
        ),
        "grad_log_det is the gradient for the log-determinant, not for x: let autograd carry it on": _round_by_round(
            lambda out, x, g, of_log_det: _passed_on(out[0], x, g) + of_log_det[:, None]
        ),
        "grad_z weighs the outputs before autograd goes back; you multiplied afterwards": _round_by_round(
            _times_the_sums_gradient
        ),
        "grad_z and grad_log_det are the loss's gradients already: sum over examples and numbers, don't average": (
            _round_by_round(
                lambda out, x, g, of_log_det: torch.autograd.grad(
                    (out[0] * g).mean() + (out[1] * of_log_det).mean(), x
                )[0]
            )
        ),
        "a gradient goes back through layer(x); you sent it through layer.inverse": _through_the_inverse,
        "your input is right; your gradient is the one that you were given, at the end": (
            lambda layers, z, grad_z, g: (backward_by_inverting(layers, z, grad_z, g)[0], grad_z)
        ),
    },
)


# 6.5 ------------------------------------------------------------------------------------------------------------------


def iaf_step(z, log_p, net):
    s, t = net(z)
    return z * s.exp() + t, log_p - s.sum(1)


def _noise(g, size=4, D=3):
    return _rand(g, size, D), 2 * _rand(g, size) - 4, MaskedNet(_rand(g, D, D), _rand(g, D, D))


def _stepped(x, log_p):
    """A wrong answer by two functions of (z, s, t) and (log_p, s)."""
    return lambda z, p, net: (x(z, *net(z)), log_p(p, net(z)[0]))


def _right_x(z, s, t):
    return z * s.exp() + t


def _right_p(p, s):
    return p - s.sum(1)


def _gaussian(z):
    """A standard normal's log-density, (B, D) -> (B,)."""
    return Normal(0.0, 1.0).log_prob(z).sum(1)


def _by_the_maf(z, log_p, net):
    x = torch.zeros_like(z)
    for i in range(z.shape[1]):
        s, t = net(x)
        x = torch.cat([x[:, :i], ((z - t) * (-s).exp())[:, i : i + 1], x[:, i + 1 :]], 1)
    return x, log_p + net(x)[0].sum(1)


def _by_x_before(z, log_p, net):
    x = z
    for i in range(z.shape[1]):
        s, t = net(x)
        x = torch.cat([x[:, :i], (z * s.exp() + t)[:, i : i + 1], x[:, i + 1 :]], 1)
    return x, log_p - net(x)[0].sum(1)


def _density_agrees_with_autograd(answer):
    z, log_p, net = _noise(_seeded(16), 1)
    _, after = answer(z, log_p, net)
    J = torch.autograd.functional.jacobian(lambda z: iaf_step(z[None], log_p, net)[0][0], z[0])
    assert torch.allclose(after, log_p - torch.linalg.slogdet(J).logabsdet, atol=1e-8)


_far = _noise(_seeded(19))

iaf = Exercise(
    "6.5",
    "iaf_step",
    reference=iaf_step,
    inputs=_noise,
    edges={
        "one number": _noise(_seeded(17), 4, 1),
        "as many examples as numbers": _noise(_seeded(18), 3, 3),
        "densities near exp(-2000)": (_far[0], _far[1] - 2000, _far[2]),
        "densities near exp(+1000), fifty scales of exp(-20)": (
            1e10 * _rand(_seeded(19), 4, 50),
            _far[1] + 1000,
            SameNet(-20.0, 0.5),
        ),
    },
    gradients=True,
    properties={"the density is that of the Jacobian that autograd finds": _density_agrees_with_autograd},
    mistakes={
        "the sum of s is to be subtracted: the step spreads z out by exp(s), and what is spread lies thinner": _stepped(
            _right_x, lambda p, s: p + s.sum(1)
        ),
        "log_p is still that of z: subtract the sum of s": _stepped(_right_x, lambda p, s: p + 0 * s.sum(1)),
        "the mean over the dimensions is not the sum": _stepped(_right_x, lambda p, s: p - s.mean(1)),
        "you summed over the batch as well: each example has its own log-density": _stepped(
            _right_x, lambda p, s: p - s.sum()
        ),
        "you subtracted the scales exp(s); their logarithms are s": _stepped(_right_x, lambda p, s: p - s.exp().sum(1)),
        "you multiplied the density's logarithm; factors become sums": _stepped(
            _right_x, lambda p, s: p * (-s.sum(1)).exp()
        ),
        "the shift t changes no volume: it does not belong to the log-density": lambda z, p, net: (
            _right_x(z, *net(z)),
            p - net(z)[0].sum(1) - net(z)[1].sum(1),
        ),
        "that is the other direction, (z - t) exp(-s)": [
            _stepped(lambda z, s, t: (z - t) * (-s).exp(), lambda p, s: p + s.sum(1)),
            _stepped(lambda z, s, t: (z - t) * (-s).exp(), _right_p),
        ],
        "that is s's sum, the step's log-determinant; asked was the log-density, log_p minus it": _stepped(
            _right_x, lambda p, s: s.sum(1)
        ),
        "you took the sum of s on average over the batch: each example has its own": _stepped(
            _right_x, lambda p, s: p - s.sum(1).mean()
        ),
        "log_p is that of z already; you added a Gaussian's log-density": [
            lambda z, p, net: (*iaf_step(z, p, net)[:1], iaf_step(z, p, net)[1] + _gaussian(z)),
            lambda z, p, net: (*iaf_step(z, p, net)[:1], iaf_step(z, p, net)[1] + _gaussian(iaf_step(z, p, net)[0])),
        ],
        "x is no standard normal's draw: start from log_p, which is z's log-density": [
            lambda z, p, net, sign=sign: (
                iaf_step(z, p, net)[0],
                _gaussian(iaf_step(z, p, net)[0]) + sign * net(z)[0].sum(1),
            )
            for sign in (-1, 1)
        ],
        "s is to be what the network says of z; for the log-density you asked it about x": lambda z, p, net: (
            iaf_step(z, p, net)[0],
            p - net(iaf_step(z, p, net)[0])[0].sum(1),
        ),
        "a scale below 1 makes the density larger: s counts with its sign, without an absolute value": _stepped(
            _right_x, lambda p, s: p - s.abs().sum(1)
        ),
        "you divided by exp(s); the step multiplies by it": [
            _stepped(lambda z, s, t: z * (-s).exp() + t, lambda p, s: p + s.sum(1)),
            _stepped(lambda z, s, t: z * (-s).exp() + t, _right_p),
        ],
        "you subtracted the shift; t is added": _stepped(lambda z, s, t: z * s.exp() - t, _right_p),
        "you read s as the logarithm of a variance; it is that of the scale": [
            _stepped(lambda z, s, t: z * (s / 2).exp() + t, lambda p, s: p - s.sum(1) / 2),
            _stepped(lambda z, s, t: z * (s / 2).exp() + t, _right_p),
            _stepped(_right_x, lambda p, s: p - s.sum(1) / 2),
        ],
        "you scaled by s; the scale is exp(s)": [
            _stepped(lambda z, s, t: z * s + t, _right_p),
            _stepped(lambda z, s, t: z * s + t, lambda p, s: p - s.abs().log().sum(1)),
        ],
        "scale first, then shift: x = z exp(s) + t": [
            _stepped(lambda z, s, t: (z + t) * s.exp(), _right_p),
            lambda z, p, net: ((z - net(z)[1]) * net(z)[0].exp(), p - net(z)[0].sum(1)),
        ],
        "the shift is missing": _stepped(lambda z, s, t: z * s.exp(), _right_p),
        "s and t are exchanged: the network says s first": lambda z, p, net: iaf_step(
            z, p, lambda z: tuple(reversed(net(z)))
        ),
        "that is how a MAF draws, D passes: an IAF asks its network once, about z": [_by_the_maf, _by_x_before],
        "the log-density is to be that of x alone, without the Gaussian: log_p of z is an argument": _stepped(
            _right_x, lambda p, s: -s.sum(1)
        ),
        "you put in a standard normal's density of z; z may come from any flow, and log_p is its log-density": (
            lambda z, p, net: (
                _right_x(z, *net(z)),
                _gaussian(z) - net(z)[0].sum(1),
            )
        ),
        "the log-density is cut off from the gradient: a posterior could not learn its width": (
            lambda z, p, net: (_right_x(z, *net(z)), p - net(z)[0].sum(1).detach())
        ),
    },
)


# 6.6 ------------------------------------------------------------------------------------------------------------------


def mel_filter(f, bands, highest):
    top = 2595 * math.log10(1 + highest / 700)
    mel = torch.linspace(0, top, bands + 2, dtype=f.dtype)
    places = 700 * (10 ** (mel / 2595) - 1)
    left, tip, right = places[:-2, None], places[1:-1, None], places[2:, None]
    return torch.minimum((f - left) / (tip - left), (right - f) / (right - tip)).clamp(min=0)


def _frequencies(g, count=40, bands=5, highest=4000.0):
    return torch.rand(count, generator=g, dtype=torch.float64) * 1.1 * highest, bands, highest


def _triangles(f, places):
    left, tip, right = places[:-2, None], places[1:-1, None], places[2:, None]
    return torch.minimum((f - left) / (tip - left), (right - f) / (right - tip)).clamp(min=0)


def _evenly(bands, highest, to, back, ends=0, dtype=torch.float64):
    """bands + 2 places, evenly spaced after ``to``."""
    return back(torch.linspace(to(0.0), to(highest), bands + 2 + ends, dtype=dtype))


def _mel(f):
    return 2595 * math.log10(1 + f / 700)


def _hertz(m):
    return 700 * (10 ** (m / 2595) - 1)


def _by_sides(join):
    """A wrong answer by the two sides of its triangles, from foot to tip and from tip to foot."""

    def answer(f, bands, highest):
        places = _evenly(bands, highest, _mel, _hertz)
        left, tip, right = places[:-2, None], places[1:-1, None], places[2:, None]
        return join((f - left) / (tip - left), (right - f) / (right - tip))

    return answer


def _symmetric(f, bands, highest, width):
    """Triangles that fall off to both sides over the same width, by (left, tip, right)."""
    places = _evenly(bands, highest, _mel, _hertz)
    left, tip, right = places[:-2, None], places[1:-1, None], places[2:, None]
    return (1 - (f - tip).abs() / width(left, tip, right)).clamp(min=0)


def _of_widths(f, bands, highest, widths):
    """The smaller of two sides that are divided by other widths than their own, by (up, down)."""
    places = _evenly(bands, highest, _mel, _hertz)
    left, tip, right = places[:-2, None], places[1:-1, None], places[2:, None]
    up, down = widths(tip - left, right - tip)
    return torch.minimum((f - left) / up, (right - f) / down).clamp(min=0)


def _tips_have_height_one(answer):
    places = _hertz(torch.linspace(0, _mel(3000.0), 8, dtype=torch.float64))
    M = answer(places[1:-1], 6, 3000.0)
    assert torch.allclose(M, torch.eye(6, dtype=torch.float64), atol=1e-6)


mels = Exercise(
    "6.6",
    "mel_filter",
    reference=mel_filter,
    inputs=_frequencies,
    edges={
        "one band": _frequencies(_seeded(20), 30, 1, 1000.0),
        "many bands, up to 11025 Hz": _frequencies(_seeded(21), 50, 30, 11025.0),
        "0 Hz and beyond the last foot": (torch.tensor([0.0, 4500.0, 9000.0], dtype=torch.float64), 3, 4000.0),
    },
    properties={"at its own tip a triangle is 1, at its neighbours' tips 0": _tips_have_height_one},
    mistakes={
        "outside of its feet a triangle is 0; yours goes on below 0": _by_sides(torch.minimum),
        "outside of its feet a triangle is 0; yours rises there, as you took the absolute value": _by_sides(
            lambda up, down: torch.minimum(up, down).abs()
        ),
        "your places are evenly spaced in hertz; they are to be so in mel": lambda f, bands, highest: _triangles(
            f, _evenly(bands, highest, float, lambda m: m)
        ),
        "your places are in hertz, and your f in mel": lambda f, bands, highest: _triangles(
            2595 * torch.log10(1 + f / 700), _evenly(bands, highest, _mel, _hertz)
        ),
        "you left the places in mel; f is in hertz": lambda f, bands, highest: _triangles(
            f, _evenly(bands, highest, _mel, lambda m: m)
        ),
        "mel has the logarithm to base 10; you took the natural one": lambda f, bands, highest: _triangles(
            f, _evenly(bands, highest, lambda f: 2595 * math.log(1 + f / 700), _hertz)
        ),
        "the triangles are straight in hertz; yours are straight in mel": lambda f, bands, highest: _triangles(
            2595 * torch.log10(1 + f / 700), torch.linspace(0, _mel(highest), bands + 2, dtype=f.dtype)
        ),
        "you squared the triangles": lambda f, bands, highest: mel_filter(f, bands, highest) ** 2,
        "you made each band's weights sum to 1; its tip is to be 1": lambda f, bands, highest: (
            mel_filter(f, bands, highest) / mel_filter(f, bands, highest).sum(1, keepdim=True)
        ),
        "you made each triangle's area 1; its tip is to have the height 1": lambda f, bands, highest: (
            mel_filter(f, bands, highest)
            * 2
            / (_evenly(bands, highest, _mel, _hertz)[2:] - _evenly(bands, highest, _mel, _hertz)[:-2])[:, None]
        ),
        "that is the transpose: asked was (bands, F)": lambda f, bands, highest: mel_filter(f, bands, highest).T,
        "these are boxes: 1 between the feet; a triangle falls off from its tip": [
            lambda f, bands, highest: (mel_filter(f, bands, highest) > 0).to(f.dtype),
            _by_sides(lambda up, down: ((up >= 0) & (down >= 0)).double()),
            _by_sides(lambda up, down: ((up >= 0) & (down > 0)).double()),
        ],
        "a triangle is the smaller one of its two sides; you took the larger one": [
            _by_sides(lambda up, down: torch.maximum(up, down).clamp(min=0)),
            _by_sides(lambda up, down: torch.maximum(up, down).clamp(0, 1)),
        ],
        "the falling side is taken alone: before its tip a triangle rises": [
            _by_sides(lambda up, down: down.clamp(0, 1)),
            _by_sides(lambda up, down: down.clamp(min=0)),
        ],
        "yours falls off equally far on both sides; in hertz the right foot is farther from the tip": [
            lambda f, bands, highest: _symmetric(f, bands, highest, lambda left, tip, right: (right - left) / 2),
            lambda f, bands, highest: _symmetric(f, bands, highest, lambda left, tip, right: tip - left),
            lambda f, bands, highest: _symmetric(f, bands, highest, lambda left, tip, right: right - tip),
        ],
        "each side is as wide as from its foot to the tip; you divided by another distance": [
            lambda f, bands, highest: _of_widths(f, bands, highest, lambda up, down: (up + down, up + down)),
            lambda f, bands, highest: _of_widths(f, bands, highest, lambda up, down: (down, up)),
        ],
        "the inverse of log10 is 10 to that power, not exp": lambda f, bands, highest: _triangles(
            f, _evenly(bands, highest, _mel, lambda m: 700 * ((m / 2595).exp() - 1))
        ),
        "your inverse of mel is not yet one: it is 700 (10^(m/2595) - 1)": [
            lambda f, bands, highest: _triangles(f, _evenly(bands, highest, _mel, lambda m: 700 * 10 ** (m / 2595))),
            lambda f, bands, highest: _triangles(f, _evenly(bands, highest, _mel, lambda m: 10 ** (m / 2595) - 1)),
        ],
        "the feet are given, 0 and `highest`; you read them off f": [
            lambda f, bands, highest: mel_filter(f, bands, f.max().item()),
            lambda f, bands, highest: _triangles(
                f, _hertz(torch.linspace(_mel(f.min().item()), _mel(highest), bands + 2, dtype=f.dtype))
            ),
            lambda f, bands, highest: _triangles(
                f, _hertz(torch.linspace(_mel(f.min().item()), _mel(f.max().item()), bands + 2, dtype=f.dtype))
            ),
        ],
        "you made the largest weight of each band 1; the tip, which f may miss, is to be 1": (
            lambda f, bands, highest: (
                mel_filter(f, bands, highest) / mel_filter(f, bands, highest).amax(1, keepdim=True)
            )
        ),
        "you made the weights at each frequency sum to 1; each band's tip is to be 1": lambda f, bands, highest: (
            mel_filter(f, bands, highest) / mel_filter(f, bands, highest).sum(0)
        ),
        "of the bands + 2 places the first is 0 Hz and the last `highest`; yours begin or end elsewhere": [
            lambda f, bands, highest: _triangles(f, _evenly(bands, highest, _mel, _hertz, ends=1))[:bands],
            lambda f, bands, highest: _triangles(f, _evenly(bands, highest, _mel, _hertz, ends=1))[1:],
            lambda f, bands, highest: _triangles(f, _evenly(bands, highest, _mel, _hertz, ends=2))[1:-1],
        ],
        "bands + 2 places, evenly spaced in mel, give so many triangles; you have fewer or more": [
            lambda f, bands, highest, n=n: _triangles(f, _evenly(bands, highest, _mel, _hertz, ends=n))
            for n in (1, 2, -1)
        ],
        "the feet lie at 0 and `highest`; yours end at half of it": lambda f, bands, highest: mel_filter(
            f, bands, highest / 2
        ),
        "the rising side is taken alone: past its tip a triangle falls": [
            _by_sides(lambda up, down: up.clamp(0, 1)),
            _by_sides(lambda up, down: up.clamp(min=0)),
        ],
    },
)


# 6.7 ------------------------------------------------------------------------------------------------------------------


def moved(z, codes, values, change):
    order = values.argsort()
    low, high = order.chunk(2)
    direction = (codes[high].mean(0) - codes[low].mean(0)) / (values[high].mean() - values[low].mean())
    return z + change[:, None] * direction


def _codes(g, count=8, D=3, size=4):
    values = 2 * _rand(g, count) + 1
    codes = _rand(g, count, D) + values[:, None] * _rand(g, D)
    return _rand(g, size, D), codes, values, _rand(g, size)


def _ends(codes, values):
    """Mean codes and mean values of the two halves: high, low, high, low."""
    low, high = values.argsort().chunk(2)
    return codes[high].mean(0), codes[low].mean(0), values[high].mean(), values[low].mean()


def _along(direction):
    """A wrong answer with another direction, (codes, values) -> (D,)."""
    return lambda z, codes, values, change: z + change[:, None] * direction(codes, values)


def _difference(codes, values):
    high, low, *_ = _ends(codes, values)
    return high - low


def _right_direction(codes, values):
    high, low, above, below = _ends(codes, values)
    return (high - low) / (above - below)


def _regression(codes, values):
    centred = values - values.mean()
    return centred @ codes / centred.square().sum()


def _cut(codes, values, above):
    """The direction between the pictures that are above, and the others."""
    return (codes[above].mean(0) - codes[~above].mean(0)) / (values[above].mean() - values[~above].mean())


def _above_the_mean(codes, values):
    return _cut(codes, values, values > values.mean())


def _first_half(codes, values):
    low, high = codes.chunk(2)
    below, above = values.chunk(2)
    return (high.mean(0) - low.mean(0)) / (above.mean() - below.mean())


_skewed = _rand(_seeded(24), 6).exp() ** 2

arithmetic = Exercise(
    "6.7",
    "moved",
    reference=moved,
    inputs=_codes,
    edges={
        "two pictures": _codes(_seeded(22), 2),
        "as many of everything": _codes(_seeded(23), 4, 4, 4),
        "values far from each other on one side": (*_codes(_seeded(25), 6)[:2], _skewed, _codes(_seeded(25))[3]),
        "latents of size 20": (20 * _codes(_seeded(21))[0], *_codes(_seeded(21))[1:]),
        "no change": (*_codes(_seeded(26))[:3], torch.zeros(4, dtype=torch.float64)),
    },
    gradients=False,
    mistakes={
        "the direction is not yet for one unit of the factor: divide by the difference of the mean values": _along(
            _difference
        ),
        "you went the other way: larger minus smaller, in codes and in values, and the change is added": _along(
            lambda codes, values: -_right_direction(codes, values)
        ),
        "you made the direction one long; one unit of the factor is asked, not one unit of the latents": [
            _along(lambda codes, values: _difference(codes, values) / _difference(codes, values).norm()),
            _along(lambda codes, values: _right_direction(codes, values) / _right_direction(codes, values).norm()),
            _along(lambda codes, values: _right_direction(codes, values) / _difference(codes, values).norm()),
        ],
        "that is the slope of a regression: close, but asked was the difference of two means": _along(_regression),
        "the two halves have equally many pictures; you cut at the mean of the values": _along(_above_the_mean),
        "the two halves have equally many pictures; torch's median is one of the values, the last of the lower half": (
            _along(lambda codes, values: _cut(codes, values, values >= values.median()))
        ),
        "the two halves have equally many pictures; you cut at 0": _along(
            lambda codes, values: _cut(codes, values, values > 0)
        ),
        "argsort says which picture comes first, second, …; you read it as each picture's rank": _along(
            lambda codes, values: _cut(codes, values, values.argsort() >= len(values) // 2)
        ),
        "each code belongs to its value: you sorted the values, and left the codes as they stand": _along(
            lambda codes, values: _first_half(codes, values.sort().values)
        ),
        "you multiplied by the difference of the mean values; divide by it": _along(
            lambda codes, values: _difference(codes, values) * (_ends(codes, values)[2] - _ends(codes, values)[3])
        ),
        "you divided by the sum of the mean values; by their difference": _along(
            lambda codes, values: _difference(codes, values) / (_ends(codes, values)[2] + _ends(codes, values)[3])
        ),
        "you divided by the largest value minus the smallest; by the difference of the two means": _along(
            lambda codes, values: _difference(codes, values) / (values.max() - values.min())
        ),
        "each of the D latents moves by its own amount; you averaged over them": _along(
            lambda codes, values: _right_direction(codes, values).mean()
        ),
        "that is the direction alone; move z by it": lambda z, codes, values, change: _right_direction(codes, values),
        "the halves are to be those of larger and smaller values; you cut the list as it stands": _along(_first_half),
        "you took the largest and the smallest value's codes; asked were the means of two halves": _along(
            lambda codes, values: (codes[values.argmax()] - codes[values.argmin()]) / (values.max() - values.min())
        ),
        "you took the upper half's mean alone; the lower half's is to be subtracted": _along(
            lambda codes, values: _ends(codes, values)[0] / (_ends(codes, values)[2] - _ends(codes, values)[3])
        ),
        "your direction is half of what it should be: each mean is over N/2 pictures, and the lower half's is "
        "subtracted, not that of all": _along(
            lambda codes, values: (
                (_ends(codes, values)[0] - codes.mean(0)) / (_ends(codes, values)[2] - _ends(codes, values)[3])
            )
        ),
        "you divided by the standard deviation of the values; by the difference of the two means": [
            _along(lambda codes, values: _difference(codes, values) / values.std()),
            _along(lambda codes, values: _difference(codes, values) / values.std(correction=0)),
        ],
        "you summed the codes of each half; take their mean": _along(
            lambda codes, values: _right_direction(codes, values) * (len(values) // 2)
        ),
        "that is the change alone; add it to z": lambda z, codes, values, change: (
            change[:, None] * _right_direction(codes, values)
        ),
        "the change is missing: each picture moves by as many units as it says": lambda z, codes, values, change: (
            z + _right_direction(codes, values)
        ),
        "each picture has its own change; you took the mean of all": lambda z, codes, values, change: (
            z + change.mean() * _right_direction(codes, values)
        ),
    },
)


# 6.8 ------------------------------------------------------------------------------------------------------------------


def is_typical(log_p, train_log_p, width):
    return (log_p - train_log_p.mean()).abs() <= width * train_log_p.std()


def _likelihoods(g, count=9, size=40, width=0.8):
    return 4 * _rand(g, size) - 100, 2 * _rand(g, count) - 99, width


usual = Exercise(
    "6.8",
    "is_typical",
    reference=is_typical,
    inputs=_likelihoods,
    edges={
        "exactly at the edge": (
            torch.tensor([-9.0, 1.0, 1.1, -9.1]).double(),
            torch.tensor([-9.0, -4, 1]).double(),
            1.0,
        ),
        "two training pictures": (*_likelihoods(_seeded(27), 2)[:2], 1.0),
        "as many new ones as training pictures": (*_likelihoods(_seeded(28), 8, 8)[:2], 0.5),
        "positive log-densities": (_likelihoods(_seeded(29))[0] + 1000, _likelihoods(_seeded(29))[1] + 1000, 1.5),
        "three deviations": (_likelihoods(_seeded(30))[0], _likelihoods(_seeded(30))[1], 3.0),
    },
    mistakes={
        "you refuse low log-densities alone; one that is too high is unusual, too": (
            lambda p, train, width: p - train.mean() >= -width * train.std()
        ),
        "you refuse high log-densities alone; one that is too low is unusual, too": (
            lambda p, train, width: p - train.mean() <= width * train.std()
        ),
        "that is foreign for typical: True where it lies within": [
            lambda p, train, width: ~is_typical(p, train, width),
            lambda p, train, width: (p - train.mean()).abs() >= width * train.std(),
        ],
        "“or” lets nearly everything pass; both must hold, “and”": lambda p, train, width: (
            (p >= train.mean() - width * train.std()) | (p <= train.mean() + width * train.std())
        ),
        "the standard deviation is missing: `width` counts them": (
            lambda p, train, width: (p - train.mean()).abs() <= width
        ),
        "the distance is squared, and what it is compared with is not": [
            lambda p, train, width: (p - train.mean()) ** 2 <= width * train.var(),
            lambda p, train, width: (p - train.mean()) ** 2 <= width * train.std(),
        ],
        "`width` standard deviations on each side; you halved them": (
            lambda p, train, width: (p - train.mean()).abs() <= width * train.std() / 2
        ),
        "asked was of the new pictures, (B,); you judged the training pictures": [
            lambda p, train, width: is_typical(train, train, width),
            lambda p, train, width: is_typical(train, p, width),
        ],
        "those are the typical ones; asked was a bool for each": [
            lambda p, train, width: p[is_typical(p, train, width)],
            lambda p, train, width: is_typical(p, train, width).nonzero()[:, 0],
        ],
        "mean and deviation are to be those of the training pictures; you took the new ones'": [
            lambda p, train, width: (p - p.mean()).abs() <= width * p.std(),
            lambda p, train, width: (p - p.mean()).abs() <= width * train.std(),
            lambda p, train, width: (p - train.mean()).abs() <= width * p.std(),
        ],
        "you took the variance; asked was the standard deviation": (
            lambda p, train, width: (p - train.mean()).abs() <= width * train.var()
        ),
        "that is the standard error of the mean; one picture varies by the standard deviation": (
            lambda p, train, width: (p - train.mean()).abs() <= width * train.std() / len(train) ** 0.5
        ),
        "asked was N - 1 in the denominator of the variance": (
            lambda p, train, width: (p - train.mean()).abs() <= width * train.std(correction=0)
        ),
        "the width is missing: it counts standard deviations": (
            lambda p, train, width: (p - train.mean()).abs() <= train.std()
        ),
        "at most `width` includes the edge, above as below": [
            lambda p, train, width: (p - train.mean()).abs() < width * train.std(),
            lambda p, train, width: is_typical(p, train, width) & (p < train.mean() + width * train.std()),
            lambda p, train, width: is_typical(p, train, width) & (p > train.mean() - width * train.std()),
        ],
        "you measured from the median; asked was the mean": (
            lambda p, train, width: (p - train.median()).abs() <= width * train.std()
        ),
        "the mean is missing: you asked whether log p itself is small": (
            lambda p, train, width: p.abs() <= width * train.std()
        ),
        "that is how many; asked was which, a bool for each": lambda p, train, width: is_typical(p, train, width).sum(),
        "you asked whether it lies between the smallest and the largest training value": (
            lambda p, train, width: (p >= train.min()) & (p <= train.max())
        ),
    },
)


# 6.9 and 6.10: is this a bug? -----------------------------------------------------------------------------------------


def flow_bugs():
    return {"A": True, "B": True, "C": False, "D": True, "E": False, "F": True}


in_flows = Exercise(
    "6.9",
    "flow_bugs",
    reference=flow_bugs,
    observe=judged(flow_bugs()),
    mistakes=misjudged(
        flow_bugs(),
        {
            "A": "a bug. What leaves has a density too: base(leaves) is missing, and with it the bits of what left.",
            "B": "a bug. x[:, order] is undone by order.argsort(); the same order again undoes it only where the "
            "permutation is its own inverse.",
            "C": "no bug. The same matrix acts at each of the H·W pixels, so its log-determinant counts that often, "
            "for every picture alike.",
            "D": "a bug. Integers have no volume: without noise the density may grow without end, and the loss "
            "measures that.",
            "E": "no bug. Squeezing puts numbers elsewhere, its Jacobian is a permutation.",
            "F": "a bug. s and t are made of x_b, which is changed: on the way back nobody has x_b, and the Jacobian "
            "is not triangular. They must come from x_a, which passes.",
        },
    ),
)


def practice_bugs():
    return {"A": True, "B": True, "C": True, "D": False, "E": False, "F": True}


in_practice = Exercise(
    "6.10",
    "practice_bugs",
    reference=practice_bugs,
    observe=judged(practice_bugs()),
    mistakes=misjudged(
        practice_bugs(),
        {
            "A": "a bug. The bound is the logarithm of a mean of ratios p/q, or the mean of their logarithms; a ratio "
            "of two means is neither.",
            "B": "a bug. The step spreads z out by exp(s), so the density of x is lower by the sum of s: minus.",
            "C": "a bug. Dropout is drawn anew in each pass: what is rebuilt with one mask is differentiated with "
            "another.",
            "D": "no bug. At temperature T the latents are T times a standard normal: the density is base(z / T), "
            "divided by T in each of D dimensions.",
            "E": "no bug. k / 8 goes from 0 to 1 in nine steps, both ends included.",
            "F": "a bug. In training mode the batch's own mean and variance make the map, and x is in that batch: "
            "what comes out for x hangs on what else is in it.",
        },
    ),
)


EXERCISES = (scales, dequantized, peak, rebuilding, iaf, mels, arithmetic, usual, in_flows, in_practice)
