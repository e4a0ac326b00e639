r"""What must hold of every model, as functions that raise AssertionError and say what is wrong.

A model's test calls the ones that apply, on a small instance: 3×3 binary pixels, or points in the plane, where
everything can be enumerated or integrated. tests/test_contracts.py shows that each contract passes honest models and
fails on planted faults.

Most of them examine ``shaken(model)``: a copy in float64 and eval mode with noise on every parameter. A fresh model
hides its faults: a last layer that starts at zero makes any mask causal and any coupling layer the identity. The noise
depends on nothing but the parameters' shapes; ``shake=0`` examines the model with its own parameters, in float64.

Randomness comes from fixed generators. Where a contract is statistical, it rejects at ``errors`` standard errors
(5: once in about three million honest tests, and always or never for the same model).
"""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from genlib.model import GenerativeModel

TOO_MANY = 2**16  # examples to enumerate


# --- densities


def sums_to_one(model: nn.Module, *, tol: float = 1e-9, shake: float = 0.5) -> None:
    r"""Σ_x exp log p(x | y) = 1 over all levels^D examples, for every label.

    Needs: model.shape, model.levels, log_prob(x, y) -> (B,). Evaluated in uneven batches, so that a probability
    normalised over the batch instead of over the values doesn't pass.
    """
    model = shaken(model, shake)
    x = all_examples(model)
    for y in _labels(model):
        total = _evaluate(model.log_prob, x, y).exp().sum().item()
        assert abs(total - 1) <= tol, f"the probabilities of all {len(x)} examples{_given(y)} sum to {total:.9g}, not 1"


def integrates_to_one(
    model: nn.Module, *, low: float = -10, high: float = 10, points: int = 400, tol: float = 1e-4, shake: float = 0.5
) -> None:
    r"""∫ exp log p(x | y) dx = 1 over the square [low, high]², by the midpoint rule on points² cells, for every label.

    Needs: shape (2,), log_prob(x, y) -> (B,). The square must hold the mass, and a cell must be small against the
    density's features; the message tells which of the two is in doubt.
    """
    model = shaken(model, shake)
    x, area = _grid(model, low, high, points)
    for y in _labels(model):
        density = _evaluate(model.log_prob, x, y).exp() * area
        total = density.sum().item()
        edge = (x.abs() - (high + low) / 2).amax(1) > 0.48 * (high - low)
        assert abs(total - 1) <= tol, (
            f"the density{_given(y)} integrates to {total:.6f} over [{low}, {high}]², not 1; {density[edge].sum():.1e} "
            f"of it lies at the edge (if that is much, widen low, high), the heaviest cell holds {density.max():.1e}"
        )


def samples_match_density(
    model: nn.Module,
    *,
    log_prob: Callable[[Tensor, Tensor | None], Tensor] | None = None,
    n: int = 50_000,
    low: float = -10,
    high: float = 10,
    cells: int = 50,
    seed: int = 0,
    errors: float = 5,
    shake: float = 0.5,
) -> None:
    r"""n samples fall where the density says: Pearson's χ² over all examples, or over cells² cells of a square.

    For every label, and for a conditional model also without labels, when they must be uniform. The density counts only
    up to a factor; that it has the right one is for ``sums_to_one`` and ``integrates_to_one`` to say.

    Needs: sample(n, y, generator=), and log_prob(x, y), or log_prob= where the model has none, such as a quadrature
    over a VAE's latent; then the model is examined as it is, for log_prob knows its parameters. Discrete models
    (model.levels) are enumerated, others have shape (2,) and their density at 8² points of each cell.
    """
    model = shaken(model, 0 if log_prob else shake)
    log_prob = log_prob or model.log_prob
    discrete = getattr(model, "levels", None) is not None
    x, _ = (all_examples(model), None) if discrete else _grid(model, low, high, 8 * cells)
    log_p = [_evaluate(log_prob, x, y) for y in _labels(model)]
    cases = list(zip(_labels(model), log_p, strict=True))
    if len(cases) > 1:
        normalised = torch.stack([p.log_softmax(0) for p in log_p])
        cases.append((None, normalised.logsumexp(0)))  # labels drawn uniformly: the mean over them
    for y, p in cases:
        labels = None if y is None else torch.full((n,), y)
        samples = model.sample(n, labels, generator=_generator(seed))
        assert samples.shape == (n, *model.shape), f"sample({n}) has shape {tuple(samples.shape)}, not (n, *shape)"
        if discrete:
            _all_levels(model, samples)
            counts = torch.bincount(_index(model, samples), minlength=len(x))
            probability = p.softmax(0)
        else:
            inside = ((samples >= low) & (samples < high)).all(1)
            assert inside.double().mean() > 0.99, (
                f"{(~inside).sum()} of {n} samples{_given(y)} lie outside [{low}, {high}]²: widen low, high if the "
                "density reaches there, or else the sampler spreads too far"
            )
            cell = ((samples[inside] - low) / (high - low) * cells).long().clamp(max=cells - 1)  # (n, 2)
            counts = torch.bincount(cell[:, 0] * cells + cell[:, 1], minlength=cells**2)
            probability = p.softmax(0).view(cells, 8, cells, 8).sum((1, 3)).flatten()
        _counts_match(counts, probability, errors, f"the samples{_given(y)}")


# --- bijections


def inverts(
    bijection: nn.Module,
    x: Tensor,
    y: Tensor | None = None,
    *,
    z: Tensor | None = None,
    tol: float = 1e-8,
    shake: float = 0.5,
) -> None:
    """inverse undoes forward and forward undoes inverse, and their log-determinants are each other's negatives.

    Needs: forward(x) -> (z, log_det (B,)), inverse(z) -> (x, log_det (B,)); with y, forward(x, y) and inverse(z, y).
    Arguments: x (B, *shape), anywhere in the domain; z, where the inverse starts, by default standard normal, for an
    inverse may be right on the data only.
    """
    bijection, given = shaken(bijection, shake), () if y is None else (y,)
    x = x.double()
    with torch.no_grad():
        image, _ = bijection(x, *given)
        z = torch.randn(image.shape, generator=_generator(), dtype=torch.double) if z is None else z.double()
        for name, v, start, there, back in (
            ("inverse(forward(x))", "x", x, bijection.forward, bijection.inverse),
            ("forward(inverse(z))", "z", z, bijection.inverse, bijection.forward),
        ):
            middle, log_det = there(start, *given)
            end, log_det_back = back(middle, *given)
            for value in (log_det, log_det_back):
                assert value.shape == (len(start),), f"log_det has shape {tuple(value.shape)}, not ({len(start)},)"
            _close(end, start, tol, f"{name} is not {v}")
            _close(log_det_back, -log_det, tol, f"{name}: the two log-determinants are not each other's negatives")


def log_det_is_jacobian(
    bijection: nn.Module, x: Tensor, y: Tensor | None = None, *, tol: float = 1e-8, shake: float = 0.5
) -> None:
    """log_det is log |det J| of autograd's Jacobian, forward at x and inverse at forward(x), example by example.

    The Jacobian is taken of one example alone, log_det in the batch: one that looks at the others doesn't pass.
    Needs: as ``inverts``. Arguments: x (B, *shape), a few examples: D² derivatives each.
    """
    bijection, given = shaken(bijection, shake), () if y is None else (y,)
    with torch.no_grad():
        x = x.double()
        z, _ = bijection(x, *given)
    for name, way, start in (("forward", bijection.forward, x), ("inverse", bijection.inverse, z)):
        with torch.no_grad():
            _, log_det = way(start, *given)
        assert log_det.shape == (len(start),), f"{name}: log_det has shape {tuple(log_det.shape)}, not ({len(start)},)"
        truth = []
        for i, v in enumerate(start):
            alone = () if y is None else (y[i : i + 1],)
            jacobian = torch.autograd.functional.jacobian(lambda v, a=alone, way=way: way(v[None], *a)[0].flatten(), v)
            truth.append(torch.linalg.slogdet(jacobian.reshape(v.numel(), v.numel())).logabsdet)
        _close(log_det, torch.stack(truth), tol, f"{name}: log_det is not log |det J| of autograd's Jacobian")


# --- autoregressive models


def is_causal(
    model: nn.Module,
    x: Tensor,
    y: Tensor | None = None,
    *,
    outputs: Callable[..., Tensor] | None = None,
    order: Tensor | None = None,
    sees_all: bool = False,
    shake: float = 0.5,
) -> Tensor:
    r"""The output for x_i depends on x_j only if j comes before i. Each x_j is changed in turn: who notices?

    Needs: forward(x[, y]) -> logits, one set for each value: (B, *shape), (B, *shape, levels), (B, levels, *shape) or
    (B, D, …); for anything else outputs=, (model, x) -> (B, D, …).
    Arguments: x (B, *shape), several examples, for a dependence may sleep at one of them; order (D,), the flat
    positions in the order in which they are drawn, raster by default; sees_all, whether every earlier value must be
    noticed, which a PixelCNN with a blind spot, or a mask that is too strict, doesn't do.
    Returns: sees (D, D) bool, [i, j] whether output i notices x_j.
    """
    model = shaken(model, shake)
    D = math.prod(model.shape)
    order = torch.arange(D) if order is None else order
    time = torch.empty(D, dtype=torch.long)
    time[order] = torch.arange(D)  # when a position is drawn

    def output(x: Tensor) -> Tensor:
        with torch.no_grad():
            out = outputs(model, x) if outputs else _by_position(model, model(x) if y is None else model(x, y))
        assert out.isfinite().all(), "the outputs are not finite"
        return out.flatten(2) if out.ndim > 2 else out[..., None]  # (B, D, …)

    x = x.double() if x.is_floating_point() else x
    before = output(x)
    sees = torch.zeros(D, D, dtype=torch.bool)
    for j in range(D):
        changed = x.flatten(1).clone()
        changed[:, j] = changed[:, j] + 1 if x.is_floating_point() else (changed[:, j] + 1) % model.levels
        sees[:, j] = (output(changed.view_as(x)) - before).abs().amax((0, 2)) > 1e-9
    for i, j in sees.nonzero().tolist():
        assert i != j, f"the output for position {i} sees the value that it predicts"
        assert time[j] < time[i], f"the output for position {i} sees position {j}, which is drawn after it"
    if sees_all:
        missed = (~sees & (time[None, :] < time[:, None])).nonzero().tolist()
        assert not missed, f"the output for position {missed[0][0]} does not see position {missed[0][1]} before it" + (
            f", and {len(missed) - 1} more such pairs" if len(missed) > 1 else ""
        )
    return sees


def cached_sampling_equals_naive(
    model: nn.Module, y: Tensor | None = None, *, n: int = 64, seed: int = 0, shake: float = 0.5
) -> None:
    """sample(cached=True) equals sample(cached=False) for the same uniforms, in float64, value for value.

    Plain, at another temperature, and with half of the values known; and a sample depends on its own uniforms only, not
    on the others in the batch, nor on the call before.
    Needs: sample(n, y, uniforms=, cached=, temperature=, given=, known=); y (n,), by default all labels in turn.
    """
    model = shaken(model, shake)
    uniforms, given, known, y = _ingredients(model, n, y, seed)
    cases = {
        "": {},
        " at temperature 0.6": {"temperature": 0.6},
        " with known values": {"given": given, "known": known},
    }
    for case, how in cases.items():
        naive = model.sample(n, y, uniforms=uniforms, cached=False, **how)
        cached = model.sample(n, y, uniforms=uniforms, cached=True, **how)
        differ = (naive != cached).flatten(1)
        assert not differ.any(), (
            f"cached and naive sampling{case} differ in {differ.any(1).sum()} of {n} samples, first at position "
            f"{differ.any(0).nonzero()[0].item()}"
        )
    half = model.sample(n // 2, y if y is None else y[: n // 2], uniforms=uniforms[: n // 2], cached=True)
    whole = model.sample(n, y, uniforms=uniforms, cached=True)
    assert torch.equal(half, whole[: n // 2]), "a sample changes with the others in its batch, or with the call before"


def conditional_sampling_keeps_what_was_given(
    model: nn.Module,
    y: Tensor | None = None,
    *,
    n: int = 20_000,
    order: Tensor | None = None,
    seed: int = 0,
    errors: float = 5,
    shake: float = 0.5,
) -> None:
    """sample(given=, known=) keeps the known values and draws the others from what the model believes given these.

    Known values come back; what ``given`` holds elsewhere doesn't matter; with nothing known it is plain sampling; and
    with the first half known (in ``order``, (D,) flat positions, raster by default) the second half follows
    p(x | first half), which tells a model that continues from one that pastes: Pearson's χ², by enumeration.
    Needs: given (n, *shape) integers, known (n, *shape) bool, uniforms (n, D), log_prob; at most 2^16 examples.
    """
    model = shaken(model, shake)
    uniforms, given, known, y = _ingredients(model, n, y, seed)
    drawn = model.sample(n, y, uniforms=uniforms, given=given, known=known)
    lost = (drawn != given)[known].sum()
    assert lost == 0, f"{lost} of {known.sum()} known values were not kept"
    everything = torch.ones_like(known)
    same = model.sample(n, y, uniforms=uniforms, given=given, known=everything)
    assert torch.equal(same, given), "with every value known, the sample must be what was given"
    free = model.sample(n, y, uniforms=uniforms, given=given, known=~everything)
    plain = model.sample(n, y, uniforms=uniforms)
    assert torch.equal(free, plain), "with no value known, the sample must be the plain one of the same uniforms"
    elsewhere = torch.where(known, given, (given + 1) % model.levels)
    again = model.sample(n, y, uniforms=uniforms, given=elsewhere, known=known)
    assert torch.equal(drawn, again), "what `given` holds where nothing is known changes the sample"

    D = given[0].numel()
    order = torch.arange(D) if order is None else order
    first = torch.zeros(D, dtype=torch.bool)
    first[order[: D // 2]] = True
    x = all_examples(model)
    labels = _labels(model)
    # The prefix that the model believes in least: there, a sample that ignores it can't look right.
    log_p = _evaluate(model.log_prob, x, labels[0])
    prefix = x[log_p.argmin()]
    fits = (x == prefix).flatten(1)[:, first].all(1)
    given, known = prefix.expand_as(given), first.view(model.shape).expand_as(known)
    label = None if labels[0] is None else torch.full((n,), labels[0])
    samples = model.sample(n, label, given=given, known=known, generator=_generator(seed))
    counts = torch.bincount(_index(model, samples), minlength=len(x))
    probability = log_p.masked_fill(~fits, -math.inf).softmax(0)
    _counts_match(counts, probability, errors, "the samples that continue a given first half")


# --- bounds


def bounds_in_order(
    model: nn.Module,
    x: Tensor,
    y: Tensor | None = None,
    *,
    log_prob: Callable[[Tensor, Tensor | None], Tensor] | None = None,
    ks: tuple[int, ...] = (1, 5, 50),
    gap: float | None = None,
    repeats: int = 1000,
    seed: int = 0,
    errors: float = 5,
) -> None:
    r"""E[elbo(x, k=1)] ≤ E[elbo(x, k=5)] ≤ … ≤ log p(x), for each example, within standard errors of the mean.

    A bound that is too low is a bound still. What tells it from the right one is where it ends: with gap=, the last
    bound must come within so many nats of log p(x). For the ELBO itself take a model whose q(z|x) is the posterior
    (ks=(1,), gap=0.01), for the importance-weighted one a large k.

    Needs: elbo(x, y, k=) -> (B,), with fresh noise for every example; log_prob(x, y), exact, or log_prob=. The model is
    examined as it is, in float64: its parameters decide how close the bounds are. x (B, *shape): a few examples, each
    evaluated ``repeats`` times.
    """
    model = shaken(model, 0)
    x = x.double() if x.is_floating_point() else x
    with torch.no_grad():
        names, means, variances = [], [], []
        with torch.random.fork_rng(devices=[]):
            for k in ks:
                torch.manual_seed(seed + k)
                many = (
                    x.repeat(repeats, *[1] * (x.ndim - 1)),
                    None if y is None else y.repeat(repeats, *[1] * (y.ndim - 1)),
                )
                bound = model.elbo(*many, k=k)
                assert bound.shape == (len(many[0]),), f"elbo has shape {tuple(bound.shape)}, not ({len(many[0])},)"
                bound = bound.view(repeats, len(x))
                assert bound.isfinite().all(), f"elbo(k={k}) is not finite"
                names.append("the ELBO" if k == 1 else f"the bound with k={k}")
                means.append(bound.mean(0))
                variances.append(bound.var(0) / repeats)
        truth = (log_prob or model.log_prob)(x, y)
    names, means, variances = [*names, "log p(x)"], [*means, truth], [*variances, torch.zeros_like(truth)]
    for i in range(len(ks)):
        for j in range(i + 1, len(names)):
            error = (variances[i] + variances[j]).sqrt()
            excess = means[i] - means[j] - errors * error
            assert (excess <= 1e-9).all(), (
                f"{names[i]} lies above {names[j]} by {(means[i] - means[j])[excess.argmax()]:.4f} nats "
                f"(standard error {error[excess.argmax()]:.4f})"
            )
    if gap is not None:
        open_by = truth - means[-2] - errors * variances[-2].sqrt()
        assert (open_by <= gap).all(), (
            f"{names[-2]} stays {(truth - means[-2]).max():.4f} nats below log p(x); it should come within {gap}"
        )


# --- every model


def gradients_reach_every_parameter(
    model: nn.Module, x: Tensor, y: Tensor | None = None, *, seed: int = 0, shake: float = 0.5
) -> None:
    """The loss of a player moves every parameter of that player, and every parameter of the model has a player.

    Parameters that want no gradient (requires_grad=False) are left out.

    Needs: players(), each with loss(x, y) -> {"loss": scalar, …}; without players(), the model's loss. In train mode.
    """
    model = shaken(model, shake).train()
    x = x.double() if x.is_floating_point() else x
    names = {p: name for name, p in model.named_parameters()}
    players = model.players() if hasattr(model, "players") else None
    players = [(p.name, list(p.parameters), p.loss) for p in players] if players else [("", list(names), model.loss)]
    moved = set()
    for player, parameters, loss_of in players:
        parameters = [p for p in parameters if p.requires_grad]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            loss = loss_of(x, y)["loss"]
        assert loss.ndim == 0, f"the loss of {player} has shape {tuple(loss.shape)}, not that of a scalar"
        assert loss.isfinite(), f"the loss of {player} is {loss.item()}"
        assert loss.requires_grad, f"no gradient reaches any parameter of {player}: its loss is detached from them"
        for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
            name = names.get(p, "a parameter outside the model")
            assert gradient is not None, f"{name} plays no part in the loss of {player}"
            assert gradient.isfinite().all(), f"the gradient of {name} is not finite"
            assert gradient.any(), f"the gradient of {name} is zero everywhere: the loss of {player} doesn't feel it"
            moved.add(p)
    for p, name in names.items():
        assert p in moved or not p.requires_grad, f"{name} belongs to no player: nobody trains it"


def same_seed_same_result(model: nn.Module, x: Tensor | None = None, y: Tensor | None = None, *, n: int = 64) -> None:
    """All randomness of sample comes from its generator, and of loss from the global one; nobody sets a seed.

    The same generator gives the same samples whatever the global seed, another generator gives others, and the global
    generator stays untouched. Without a generator the global one decides. With x (and y): loss repeats by the global
    seed and doesn't set it.
    """

    def draw(world: int, seed: int | None, act: Callable) -> tuple[Tensor, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(world)
            result = act(generator=_generator(seed)) if seed is not None else act()
            return result, torch.rand(4)  # what the global generator gives next tells whether it was touched

    def sample(**how: torch.Generator) -> Tensor:
        return model.sample(n, **how)

    (a, after), (b, _), (c, _) = draw(1, 1, sample), draw(2, 1, sample), draw(1, 2, sample)
    assert torch.equal(a, b), "the same generator gave two results: something is drawn without it"
    assert not torch.equal(a, c), "two generators gave the same samples: a seed is hidden inside"
    untouched = draw(1, None, lambda: torch.zeros(()))[1]
    assert torch.equal(after, untouched), "sample was given a generator and used, or seeded, the global one as well"
    (a, after_a), (b, _), (c, after_c) = draw(1, None, sample), draw(1, None, sample), draw(2, None, sample)
    assert torch.equal(a, b), "without a generator, the same global seed gave two results"
    assert not torch.equal(a, c), "without a generator, two global seeds gave the same samples: a seed is hidden inside"
    assert not torch.equal(after_a, after_c), "without a generator, sample sets the global seed"
    if x is not None:

        def loss() -> Tensor:
            return model.loss(x, y)["loss"].detach()

        (a, after_a), (b, _), (_, after_c) = draw(1, None, loss), draw(1, None, loss), draw(2, None, loss)
        assert torch.equal(a, b), "the same global seed gave two losses"
        assert not torch.equal(after_a, after_c), "loss sets the global seed"


def refuses_bad_input(model: nn.Module, x: Tensor, y: Tensor | None = None, *, autoregressive: bool = False) -> None:
    """ValueError, in the words that all models share, for labels, shapes, dtypes and values that don't fit.

    Of loss (of every player's, where the model has none of its own), log_prob and elbo, those that the model has, and
    of sample. Models with levels take integers, others reals. Ranges are not asked of a loss, for reading them off a
    GPU would hold up every training step. autoregressive: also the options of autoregressive sampling.
    Arguments: x (B, *shape) and y that the model takes, B at least 2.
    """
    bad = _bad_input(model, x, y)
    out_of_range = _out_of_range(model, x, y)
    if _is_missing(model, "loss"):
        takers = [(f"the loss of {player.name}", player.loss, bad) for player in model.players()]
    else:
        takers = [("loss", model.loss, bad)]
    for name in ("log_prob", "elbo"):
        if not _is_missing(model, name):
            takers.append((name, getattr(model, name), bad | out_of_range))
    for name, take, cases in takers:
        for what, (arguments, says) in cases.items():
            _refuses(lambda take=take, a=arguments: take(*a), f"{name} took {what}", says)
    if not _is_missing(model, "sample"):
        _refuses_bad_labels_in_sample(model, len(x))
    if autoregressive:
        _refuses_bad_options(model, x, y)


def takes_every_dtype(model: nn.Module, x: Tensor, y: Tensor | None = None) -> None:
    """Integers of any dtype, and truth values where there are two, mean what int64 means; reals of any precision what
    the model's means. In loss (of every player), log_prob, elbo and sample, those that the model has.

    Arguments: x (B, *shape) and y that the model takes.
    """
    model = shaken(model)
    integers = (torch.uint8, torch.int8, torch.int16, torch.int32)
    xs, ys = [x], [y]
    if getattr(model, "levels", None) is None:
        x = x.bfloat16().double()  # what all can hold
        xs += [x.to(dtype) for dtype in (torch.float32, torch.bfloat16)]
    else:
        xs += [x.to(dtype) for dtype in integers if model.levels <= torch.iinfo(dtype).max]
        xs += [x.bool()] if model.levels == 2 else []
    if y is not None and not y.is_floating_point():
        ys += [y.to(dtype) for dtype in integers] + ([y.bool()] if model.classes == 2 else [])
    for name, take in _takers(model).items():
        expected = _seeded(take, x, y)
        for other_x, other_y in [(v, y) for v in xs[1:]] + [(x, v) for v in ys[1:]]:
            got = _seeded(take, other_x, other_y)
            dtypes = f"{other_x.dtype}" + ("" if other_y is None else f" and {other_y.dtype}")
            assert got.dtype == expected.dtype, (
                f"{name} of {dtypes} is {got.dtype}, of the model's own {expected.dtype}"
            )
            _close(got.double(), expected.double(), 1e-4, f"{name} of {dtypes} is another")
    if y is not None and not _is_missing(model, "sample"):
        for other in ys[1:]:
            same = [_seeded(lambda _, y: model.sample(len(y), y), x, labels) for labels in (y, other)]
            assert torch.equal(*same), f"sample draws something else for labels in {other.dtype}"


def handles_none(model: nn.Module, x: Tensor, y: Tensor | None = None) -> None:
    """No examples have no densities, bounds and samples, (0, …); a loss of none, and less than none, are refused.

    Arguments: x (B, *shape) and y that the model takes.
    """
    none = (x[:0], None if y is None else y[:0])
    for name, take in _takers(model).items():
        if "loss" in name:
            _refuses(lambda take=take: take(*none), f"{name} took a batch of no examples", "the batch is empty")
        else:
            shape = tuple(take(*none).shape)
            assert shape == (0,), f"{name} of no examples has shape {shape}, not (0,)"
    if _is_missing(model, "sample"):
        return
    for labels in {None, none[1]} if y is None else (None, none[1]):
        drawn = model.sample(0, labels)
        assert tuple(drawn.shape) == (0, *model.shape), f"sample(0) has shape {tuple(drawn.shape)}"
        assert drawn.dtype == x.dtype, f"sample(0) holds {drawn.dtype}, data {x.dtype}"
    for n in (-1, 2.5, "3"):
        _refuses(lambda n=n: model.sample(n), f"sample took n={n!r}", "must be")


FAR = (-1.0, 1e3, -1e6, 1e20, 3e38, -3e38)


def never_nan(model: nn.Module, x: Tensor, y: Tensor | None = None) -> None:
    """A density is a number, or −inf where there is no mass; broken weights, and values that are none, are refused.

    Arguments: x (B, *shape) and y that the model takes. A flow of integers is asked for its density of reals, too.
    """
    model = shaken(model).float()
    broken = copy.deepcopy(model)
    with torch.no_grad():
        for p in broken.parameters():
            p.fill_(math.nan)
    for name in _densities(model):
        takes_reals = name == "log_prob" if _dequantizes(model) else model.levels is None
        given = x.float() if takes_reals else x
        _refuses(
            lambda name=name, given=given: getattr(broken, name)(given, y), f"{name} of broken weights", "not finite"
        )
        if takes_reals:
            _never_nan(name, lambda x, name=name: getattr(model, name)(x, y), given)


def _never_nan(name: str, take: Callable[[Tensor], Tensor], x: Tensor) -> None:
    for far in FAR:
        one = x.clone()
        one.flatten(1)[:, -1] = far
        for what, values in (("all of x is", torch.full_like(x, far)), ("one value of x is", one)):
            assert not take(values).isnan().any(), f"{name} is NaN where {what} {far:g}"
    for bad in (math.nan, math.inf, -math.inf):
        _refuses(lambda bad=bad: take(torch.full_like(x, bad)), f"{name} took an x of {bad}", "not finite")


def _dequantizes(model: nn.Module) -> bool:
    """Whether it is a flow of integers, whose log_prob is of reals and whose elbo is of integers."""
    return getattr(model, "dequantize", None) is not None


def _densities(model: nn.Module) -> list[str]:
    """log_prob and elbo, those that the model has; a flow of reals has no bound."""
    names = [name for name in ("log_prob", "elbo") if not _is_missing(model, name)]
    return [name for name in names if name != "elbo" or getattr(model, "dequantize", "none") is not None]


def _takers(model: nn.Module) -> dict[str, Callable]:
    """What takes (x, y) and gives numbers: the losses, log_prob and elbo, those that the model has."""
    if _is_missing(model, "loss"):
        takers = {f"the loss of {player.name}": player.loss for player in model.players()}
    else:
        takers = {"loss": model.loss}
    takers = {name: lambda x, y, loss=loss: loss(x, y)["loss"] for name, loss in takers.items()}
    names = [name for name in _densities(model) if name != "log_prob" or not _dequantizes(model)]
    return takers | {name: getattr(model, name) for name in names}


def _seeded(take: Callable, x: Tensor, y: Tensor | None) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return take(x, y).detach()


def _bad_input(model: nn.Module, x: Tensor, y: Tensor | None) -> dict[str, tuple[tuple, str]]:
    """{what is wrong: ((x, y), what the error must say)}."""
    shape, labels = "x has shape", torch.zeros(len(x), dtype=torch.long)
    bad = {"an x with a dimension too few": ((x[:, 0], y), shape), "an x that is too small": ((x[..., :-1], y), shape)}
    if getattr(model, "levels", None) is None:
        bad["integers instead of reals"] = ((x.long(), y), "x holds torch.int64")
    else:
        bad["reals instead of integers"] = ((x.float(), y), "x holds torch.float32")
    if y is None:
        return bad | {"labels for a model without classes": ((x, labels), "this model is unconditional")}
    return bad | {
        "no labels for a model with classes": ((x, None), "this model is conditional: pass y"),
        "fewer labels than examples": ((x, y[:-1]), "y has shape"),
        **(
            {"integers for a y of reals": ((x, y.long()), "y holds torch.int64")}
            if y.is_floating_point()
            else {"labels that are no integers": ((x, y.float()), "y holds torch.float32")}
        ),
    }


def _out_of_range(model: nn.Module, x: Tensor, y: Tensor | None) -> dict[str, tuple[tuple, str]]:
    levels, bad = getattr(model, "levels", None), {}
    if levels is not None:
        bad |= {
            "a level that is too high": ((x + levels, y), "x holds"),
            "a level below 0": ((x - levels, y), "x holds"),
        }
    if y is not None and model.classes is not None:
        bad["a label that is too high"] = ((x, y + model.classes), "y holds")
    return bad


def _refuses_bad_labels_in_sample(model: nn.Module, n: int) -> None:
    labels = torch.zeros(n, dtype=torch.long)
    if getattr(model, "condition", None) is None:
        bad = [("labels for a model without classes", labels, "this model is unconditional")]
    elif model.classes is None:
        bad = [("labels for a model that is given more", labels, "y has shape")]
    else:
        bad = [
            ("fewer labels than samples", labels[:-1], "y has shape"),
            ("a label that is too high", labels + model.classes, "y holds"),
        ]
    for what, y, says in bad:
        _refuses(lambda y=y: model.sample(n, y), f"sample took {what}", says)


def _refuses_bad_options(model: nn.Module, x: Tensor, y: Tensor | None) -> None:
    B, D, known = len(x), x[0].numel(), torch.ones_like(x, dtype=torch.bool)
    options = {
        "uniforms of another shape": {"uniforms": torch.rand(B, D + 1)},
        "given values of another shape": {"given": x[..., :-1], "known": known},
        "a known mask of another shape": {"given": x, "known": known[..., :-1]},
        "given values without known": {"given": x},
        "known without given values": {"known": known},
        "a negative temperature": {"temperature": -1.0},
    }
    for what, how in options.items():
        _refuses(lambda how=how: model.sample(B, y, **how), f"sample took {what}")


# --- tools


def shaken(model: nn.Module, shake: float = 0.5) -> nn.Module:
    """A copy in float64 and eval mode, with noise on every parameter: std shake for vectors, else shake / √fan_in."""
    twin, generator = copy.deepcopy(model).double().eval(), _generator(7)
    with torch.no_grad():
        for p in twin.parameters():
            std = (
                shake / math.sqrt(p[0].numel()) if p.ndim > 1 else shake
            )  # so that layers keep the scale of their input
            p += std * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return twin


def all_examples(model: nn.Module) -> Tensor:
    """Every possible x of a discrete model, (levels^D, *shape) integers; the last value changes fastest."""
    D = math.prod(model.shape)
    if model.levels**D > TOO_MANY:
        raise ValueError(f"{model.levels}^{D} examples are too many to enumerate: test a smaller instance")
    index = torch.arange(model.levels**D)
    return (index[:, None] // model.levels ** torch.arange(D - 1, -1, -1) % model.levels).view(-1, *model.shape)


def _index(model: nn.Module, x: Tensor) -> Tensor:
    """Where x stands in all_examples, (B,)."""
    place = model.levels ** torch.arange(x[0].numel() - 1, -1, -1)
    return (x.flatten(1) * place).sum(1)


def _grid(model: nn.Module, low: float, high: float, points: int) -> tuple[Tensor, float]:
    """The midpoints of points² cells, (points², 2), and the area of one."""
    if tuple(model.shape) != (2,):
        raise ValueError(f"the model has shape {tuple(model.shape)}; a grid needs one of shape (2,)")
    width = (high - low) / points
    axis = low + width * (torch.arange(points, dtype=torch.double) + 0.5)
    return torch.cartesian_prod(axis, axis), width**2


def _labels(model: nn.Module) -> list[int | None]:
    return [None] if model.classes is None else list(range(model.classes))


def _given(y: int | None) -> str:
    return "" if y is None else f" with label {y}"


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def _evaluate(log_prob: Callable, x: Tensor, y: int | None) -> Tensor:
    """log p(x | y), (B,), in batches of uneven size: a result must not depend on who else is in the batch."""
    parts, start, size = [], 0, max(7, len(x) // 5)
    while start < len(x):
        batch = x[start : start + size]
        values = log_prob(batch, None if y is None else torch.full((len(batch),), y))
        assert values.shape == (len(batch),), f"log_prob has shape {tuple(values.shape)}, not ({len(batch)},)"
        assert not values.isnan().any(), "log_prob is NaN"
        parts.append(values.double())
        start, size = start + size, size + 1
    return torch.cat(parts)


def _counts_match(counts: Tensor, probability: Tensor, errors: float, what: str) -> None:
    """Pearson's χ² of the counts against the probabilities; cells that expect fewer than 5 are taken together."""
    impossible = counts[probability == 0].sum()
    assert impossible == 0, f"{impossible} of {what} have probability 0"
    n = counts.sum()
    expected = n * probability
    rare = expected < 5
    observed = torch.cat([counts[~rare], counts[rare].sum()[None]]).double()
    expected = torch.cat([expected[~rare], expected[rare].sum()[None]])
    cell = expected > 0
    chi2 = ((observed[cell] - expected[cell]) ** 2 / expected[cell]).sum().item()
    df = int(cell.sum()) - 1
    if df == 0:
        return
    # Wilson and Hilferty (1931): the cube root of χ²/df is close to normal, with these mean and variance.
    z = ((chi2 / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    assert z <= errors, f"{what} do not follow the density: χ² = {chi2:.0f} with {df} degrees of freedom, {z:.1f} sigma"


def _all_levels(model: nn.Module, x: Tensor) -> None:
    assert not x.is_floating_point(), f"samples are {x.dtype}; discrete data are integers"
    assert x.min() >= 0, f"samples hold {x.min()}; levels are 0..{model.levels - 1}"
    assert x.max() < model.levels, f"samples hold {x.max()}; levels are 0..{model.levels - 1}"


def _ingredients(model: nn.Module, n: int, y: Tensor | None, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """uniforms (n, D), values and a mask (n, *shape), and labels where the model needs them."""
    generator, D = _generator(seed), math.prod(model.shape)
    uniforms = torch.rand(n, D, generator=generator, dtype=torch.double)
    given = torch.randint(model.levels, (n, *model.shape), generator=generator)
    known = torch.rand(n, *model.shape, generator=generator) < 0.5
    if y is None and model.classes is not None:
        y = torch.arange(n) % model.classes
    return uniforms, given, known, y


def _by_position(model: nn.Module, out: Tensor) -> Tensor:
    """A network's output as (B, D, …), wherever it keeps the levels."""
    shape, D = tuple(model.shape), math.prod(model.shape)
    if tuple(out.shape[1 : 1 + len(shape)]) == shape:  # (B, *shape, …)
        return out.flatten(1, len(shape))
    if tuple(out.shape[2:]) == shape:  # (B, levels, *shape)
        return out.flatten(2).transpose(1, 2)
    if out.shape[1] == D:
        return out
    raise ValueError(f"an output of shape {tuple(out.shape)} does not show the positions of {shape}: pass outputs=")


def _close(a: Tensor, b: Tensor, tol: float, message: str) -> None:
    assert a.shape == b.shape, f"{message}: shapes {tuple(a.shape)} and {tuple(b.shape)}"
    off = (a - b).abs().max().item()
    assert off <= tol, f"{message}: off by up to {off:.2g}"


def _is_missing(model: nn.Module, name: str) -> bool:
    """Whether a model lacks a method, or leaves it undone, as a GAN leaves loss to its players."""
    own = getattr(type(model), name, None)
    return own is None or own is getattr(GenerativeModel, name, None)


def _refuses(act: Callable, complaint: str, says: str = "") -> None:
    with torch.random.fork_rng(devices=[]):
        error = None
        try:
            act()
        except Exception as raised:
            error = raised
    assert error is not None, f"{complaint} without a word"
    assert isinstance(error, ValueError), f"{complaint}: no ValueError, but {type(error).__name__}: {error}"
    assert len(str(error)) >= 20, f"{complaint}: the error {str(error)!r} doesn't say what to do"
    assert says in str(error), f"{complaint}: the error {str(error)!r} doesn't say {says!r}, as all models do"
