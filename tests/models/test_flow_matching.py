"""Flow matching, few steps and masks: against closed forms, quadrature and enumeration."""

import itertools
import math

import pytest
import torch
from torch import nn

from genlib.condition import Tokens, Vectors
from genlib.diffusion import (
    DDPM,
    ConsistencyModel,
    Cosine,
    FlowMatching,
    LinearLogSNR,
    MaskedDiffusion,
    MeanFlow,
    MixtureDenoiser,
    Reflow,
    Straight,
    ddim,
    euler,
    heun,
    independent,
    midpoint,
    probability_flow,
    rectify,
    runge_kutta,
    steps_down,
    straightness,
    transport,
)
from genlib.diffusion.couplings import within
from genlib.training import fit
from tests import contracts

PATHS = [Straight(), Straight(1e-3, 2e-3), Cosine(), LinearLogSNR(5, -5)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def circle(K=5):
    angle = torch.arange(K, dtype=torch.double) * (2 * math.pi / K)
    return torch.stack([angle.cos(), angle.sin()], 1)


def exact_velocity(model):
    """That of a mixture on its path: α̇ E[x | x_t] + σ̇ E[ε | x_t]."""

    def velocity(x, t):
        guess, (fall, rise) = model(x, t), model.schedule.speeds(t)
        return fall[:, None] * guess.x + rise[:, None] * guess.eps

    return velocity


# --- paths


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_speeds_are_derivatives(path):
    t = torch.linspace(0.0, 1.0, 9, dtype=torch.double).requires_grad_()
    for values, speed in zip((path.alpha(t), path.sigma(t)), path.speeds(t), strict=True):
        (slope,) = torch.autograd.grad(values.sum(), t, retain_graph=True)
        assert torch.allclose(speed, slope, atol=1e-12)


def test_the_straight_path_begins_at_the_data_and_ends_at_the_noise():
    ends = torch.tensor([0.0, 1.0], dtype=torch.double)
    assert Straight().alpha(ends).tolist() == [1, 0]
    assert Straight().sigma(ends).tolist() == [0, 1]
    assert Straight().last_scale == 1
    assert not Straight().ends
    short, t = Straight(0.01, 0.02), torch.linspace(0, 1, 7, dtype=torch.double).requires_grad_()
    assert short.ends
    (slope,) = torch.autograd.grad(short.log_snr(t).sum(), t)
    assert torch.allclose(short.slope(t), slope)
    sigma2, f = short.sigma(t) ** 2, short.drift(t)
    (grow,) = torch.autograd.grad(sigma2.sum(), t)
    assert torch.allclose(short.diffusion(t), grow - 2 * f * sigma2)
    with pytest.raises(ValueError, match="leave nothing between"):
        Straight(0.5, 0.5)
    with pytest.raises(ValueError, match="begins without noise"):
        DDPM((2,), schedule=Straight())


@pytest.mark.parametrize("path", [Straight(1e-3, 1e-3), Cosine()], ids=str)
def test_the_velocity_of_the_path_is_the_probability_flow(path):
    model = MixtureDenoiser(circle(), 0.2, schedule=path)
    x, t = torch.randn(6, 2, dtype=torch.double, generator=generator()), torch.linspace(0.1, 0.9, 6).double()
    assert torch.allclose(exact_velocity(model)(x, t), probability_flow(model)(x, t))


def test_on_the_straight_path_ddim_is_euler():
    model = MixtureDenoiser(circle(), 0.2, schedule=Straight())
    z = torch.randn(50, 2, dtype=torch.double, generator=generator())
    for steps in (3, 8):  # the first step starts at σ = 1, α = 0, where x̂ is the mean of all
        times = steps_down(steps)
        times[0] = 1 - 1e-9
        assert (ddim(model, z, times) - euler(exact_velocity(model), z, times)).abs().max() < 1e-6


# --- solvers


@pytest.mark.parametrize(("solver", "order"), [(euler, 1), (midpoint, 2), (heun, 2), (runge_kutta, 4)])
def test_orders_of_solvers(solver, order):
    """On dx/dt = x² cos t, whose solution is known: twice the steps, 2^order times less error."""
    x = torch.ones(1, 1, dtype=torch.double)
    velocity = lambda x, t: torch.cos(t)[:, None] * x**2  # noqa: E731
    truth = 1 / (1 + math.sin(1))
    few, more = (abs(solver(velocity, x, steps_down(n)).item() - truth) for n in (32, 64))
    assert abs(math.log2(few / more) - order) < 0.25


@pytest.mark.parametrize("solver", [euler, midpoint, heun, runge_kutta])
def test_a_solver_evaluates_and_calls_back_as_often_as_it_says(solver):
    asked, frames = [], []
    solver(
        lambda x, t: asked.append(t[0].item()) or -x,
        torch.ones(2, 1),
        steps_down(3),
        callback=lambda i, x: frames.append(i),
    )
    assert frames == [0, 1, 2]
    assert len(asked) == 3 * {euler: 1, midpoint: 2, heun: 2, runge_kutta: 4}[solver]
    assert min(asked) >= 0


# --- couplings


def test_transport_is_the_cheapest_of_all_orders():
    x, eps = torch.randn(5, 2, generator=generator()), torch.randn(5, 2, generator=generator(1))
    costs = {p: (x - eps[list(p)]).square().sum().item() for p in itertools.permutations(range(5))}
    best = min(costs, key=costs.get)
    assert torch.equal(transport(x, eps), eps[list(best)])
    assert independent(x, eps) is eps


def test_transport_stays_within_a_label():
    x, eps = torch.randn(40, 2, generator=generator()), torch.randn(40, 2, generator=generator(1))
    y = torch.arange(40) % 3
    paired = within(transport, x, eps, y)
    for label in range(3):
        mine = y == label
        assert torch.equal(paired[mine], transport(x[mine], eps[mine]))
    with pytest.raises(ValueError, match="no two are the same"):
        FlowMatching((2,), condition=Vectors(2), coupling="transport")


# --- the flow and its density


def test_the_density_of_a_flow_integrates_to_one_and_its_samples_match_it():
    torch.manual_seed(0)
    model = contracts.shaken(FlowMatching((2,), hidden=12, layers=1, path=Straight()), 0.3)
    axis = torch.linspace(-7, 7, 61, dtype=torch.double)
    log_p = model.ode_log_prob(torch.cartesian_prod(axis, axis), steps=6)
    assert log_p.exp().sum().item() * (axis[1] - axis[0]).item() ** 2 == pytest.approx(1, abs=2e-3)
    contracts.samples_match_density(
        Solved(model), log_prob=lambda x, y: model.ode_log_prob(x, steps=5), n=10_000, low=-6, high=6, cells=8
    )


class Solved(nn.Module):
    """A flow whose samples are exact, up to a solver of order four."""

    def __init__(self, model):
        super().__init__()
        self.model, self.shape, self.classes, self.levels = model, model.shape, None, None

    def sample(self, n, y=None, *, generator=None):
        return self.model.sample(n, steps=8, solver="runge_kutta", generator=generator)


@pytest.mark.parametrize("path", [Straight(), Cosine()], ids=str)
def test_the_flow_of_an_exact_velocity_has_the_mixtures_density(path):
    class Exact(FlowMatching):
        def velocity(self, x_t, t, y=None, shown=None):
            return exact(x_t, t.clamp(1e-6, 1 - 1e-6))

    mixture = MixtureDenoiser(circle(), 0.3, schedule=path)
    exact = exact_velocity(mixture)
    model = Exact((2,), hidden=4, layers=1, path=path).double().eval()
    x = torch.randn(8, 2, dtype=torch.double, generator=generator())
    start = path.alpha(torch.zeros((), dtype=torch.double))
    truth = mixture.log_prob(start * x, 1e-9) + 2 * start.log()
    errors = [(model.ode_log_prob(x, steps=steps) - truth).abs().max().item() for steps in (2, 30, 100)]
    assert errors[2] < 5e-3 < errors[0]
    probed = model.ode_log_prob(x.repeat(200, 1), steps=10, probes=1, generator=generator()).view(200, 8)
    exactly = model.ode_log_prob(x, steps=10)
    assert ((probed.mean(0) - exactly).abs() < 4 * probed.std(0) / 200**0.5 + 1e-9).all(), "Hutchinson is unbiased"
    assert probed.std(0).max() > 0.01, "and not exact"


def test_integers_are_cells_and_the_bound_holds():
    """Σ_v exp(bound) ≤ 1, and log P(v) by quadrature over the cell lies above the mean bound."""
    torch.manual_seed(0)
    model = contracts.shaken(FlowMatching((1,), 3, hidden=12, layers=1), 0.3)
    v = torch.arange(3)[:, None]
    u = (torch.arange(200, dtype=torch.double) + 0.5) / 200
    cells = v.double()[:, :, None] + u  # (3, 1, 200)
    log_p = model.ode_log_prob(cells.reshape(-1, 1), steps=20).view(3, 200)
    log_P = (log_p.logsumexp(1) - math.log(200)).detach()
    bound = model.elbo(v.repeat(800, 1), generator=generator()).view(800, 3)
    error = bound.std(0) / 800**0.5
    assert (bound.mean(0) <= log_P + 4 * error).all()
    assert ((bound.mean(0) - log_p.mean(1)).abs() < 5 * error + 1e-3).all(), "it is the mean over u"
    assert log_P.exp().sum() < 1
    with pytest.raises(ValueError, match="elbo is for a model of integers"):
        FlowMatching((2,)).elbo(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="a density of reals"):
        model.ode_log_prob(v)


# --- training finds the mean velocity


def points(n=4000, seed=0):
    g = generator(seed)
    return (circle()[torch.randint(5, (n,), generator=g)] + 0.2 * torch.randn(n, 2, generator=g)).float()


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    model = FlowMatching((2,), hidden=64, layers=2)
    fit(model, points(), steps=400, batch_size=256, lr=5e-3, schedule="cosine", seed=0, bar=False)
    return model.eval()


def near(x):
    return (torch.cdist(x, circle().float()).min(1).values < 0.6).float().mean().item()


def test_the_regression_finds_the_marginal_velocity(trained):
    mixture = MixtureDenoiser(circle().float(), 0.2, schedule=Straight())
    x, t = points(1000, 1), torch.full((1000,), 0.5)
    x_t, v = trained.on_path(x, torch.randn(1000, 2, generator=generator(2)), t)
    with torch.no_grad():
        exact = exact_velocity(mixture)(x_t, t)
        error, around = ((trained(x_t, 0.5) - exact).square().mean(), (v - exact).square().mean())
    assert error < 0.05 * around, "the network follows the mean, not the single velocities"
    assert near(trained.sample(1000, generator=generator())) > 0.85
    assert near(trained.sample(1000, steps=1, generator=generator())) < 0.3


def test_reflow_is_straighter_and_needs_one_step(trained):
    x, eps = rectify(trained, 4000, steps=20, generator=generator())
    assert torch.equal(trained.sample(4000, steps=20, generator=generator()), x)
    assert abs(eps.std() - 1) < 0.05
    torch.manual_seed(0)
    again = Reflow((2,), hidden=64, layers=2)
    again.net.load_state_dict(trained.net.state_dict())
    fit(again, (x, eps), steps=150, batch_size=256, lr=3e-3, schedule="cosine", seed=0, bar=False)
    again.eval()
    z = torch.randn(500, 2, generator=generator(3))
    curved, straight = (straightness(lambda x, t, m=m: m.velocity(x, t), z).mean() for m in (trained, again))
    assert straight < 0.05 * curved
    assert near(again.sample(1000, generator=generator())) > 0.8
    drawn = again.sample(500, z)
    assert torch.equal(drawn, again.sample(500, z)), "it starts where it is told"
    for c in (lambda d: d.square(), lambda d: d.abs()):  # convex costs of transport do not rise, up to errors
        assert (
            c(drawn - z).sum(1).mean()
            < 1.02 * c(points(500, 4) - torch.randn(500, 2, generator=generator(5))).sum(1).mean()
        )
    with pytest.raises(ValueError, match="for a model of reals"):
        rectify(FlowMatching((2,), 3), 4)
    with pytest.raises(ValueError, match="must be of type FlowMatching"):
        rectify(again, 4)


def test_straightness_by_hand():
    """v = −x, from 1 to about e: the mean square of what the speed of each step differs from their mean."""
    x, steps = torch.ones(1, 1, dtype=torch.double), 4
    speeds = torch.tensor([(1 + 1 / steps) ** k for k in range(steps)], dtype=torch.double)
    expected = speeds.var(correction=0)
    assert straightness(lambda x, t: -x, x, steps=steps).item() == pytest.approx(expected.item())


# --- few steps


def test_the_identity_of_mean_flow_by_differentiation_and_quadrature():
    """On dx/dt = −2x + t, whose paths are known: u of (1), and du/dt = (v − u)/(t − r)."""
    v = lambda x, t: -2 * x + t  # noqa: E731

    def path(x, t, s):  # from (x, t) to time s
        return (x - t / 2 + 0.25) * torch.exp(-2 * (s - t)) + s / 2 - 0.25

    def u(x, r, t):
        return (x - path(x, t, r)) / (t - r)

    x, r, t = (torch.tensor([a], dtype=torch.double) for a in (0.7, 0.2, 0.8))
    s = (torch.arange(2000, dtype=torch.double) + 0.5) / 2000 * (t - r) + r
    assert u(x, r, t).item() == pytest.approx(v(path(x, t, s), s).mean().item(), abs=1e-6)
    value, slope = torch.func.jvp(lambda x, t: u(x, r, t), (x, t), (v(x, t), torch.ones_like(t)))
    assert torch.allclose(value, v(x, t) - (t - r) * slope)


def test_the_slope_of_mean_flow_is_that_along_the_path():
    torch.manual_seed(0)
    model = contracts.shaken(MeanFlow((2,), hidden=8), 0.3)
    x, v = torch.randn(3, 2, dtype=torch.double), torch.randn(3, 2, dtype=torch.double)
    r, t, h = torch.full((3,), 0.2).double(), torch.full((3,), 0.7).double(), 1e-6
    u, slope = model.with_slope(x, r, t, v)
    ahead, behind = (model.mean_velocity(x + d * v, r, t + d) for d in (h, -h))
    assert torch.allclose(slope, (ahead - behind) / (2 * h), atol=1e-5)
    assert torch.equal(u, model.mean_velocity(x, r, t))
    assert torch.allclose(model(x, 0.7), model.mean_velocity(x, t, t))


@pytest.mark.parametrize("path", [Straight(), Cosine()], ids=str)
def test_the_boundary_of_consistency_holds_for_any_network(path):
    torch.manual_seed(0)
    model = contracts.shaken(ConsistencyModel((2,), hidden=8, path=path))
    x = torch.randn(4, 2, dtype=torch.double)
    assert torch.allclose(model(x, 0.0), x)
    assert not torch.allclose(model(x, 0.5), x)


def test_a_consistency_model_whose_teacher_is_exact_is_the_end_of_its_path():
    """One Gaussian at the origin: the flow shrinks x_t by a known factor, and with f right the loss is nearly 0."""
    scale, path = 0.5, Straight()

    def spread(t):
        return (path.alpha(t) ** 2 * scale**2 + path.sigma(t) ** 2).sqrt()

    class Known(ConsistencyModel):
        def end(self, x_t, t, y=None):
            return x_t * (scale / spread(t))[:, None] * self.factor ** t[:, None]

    class Teacher(FlowMatching):
        def velocity(self, x_t, t, y=None, shown=None):
            (fall, rise), s2 = path.speeds(t), spread(t) ** 2
            return x_t * ((fall * path.alpha(t) * scale**2 + rise * path.sigma(t)) / s2)[:, None]

    torch.manual_seed(0)
    x = scale * torch.randn(256, 1)
    losses = {}
    for factor in (1.0, 1.3):
        model = Known((1,), hidden=4, teacher=Teacher((1,), hidden=4), rungs=64)
        model.factor = factor
        losses[factor] = model.loss(x)["loss"].item()
    assert losses[1.0] < 0.1 * losses[1.3]
    model.factor = 1.0
    for steps in (1, 3):
        drawn = model.sample(20_000, steps=steps, generator=generator())
        assert drawn.std().item() == pytest.approx(scale, rel=0.03)


def test_teachers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the teacher has shape"):
        ConsistencyModel((2,), teacher=FlowMatching((3,)))
    with pytest.raises(ValueError, match="the teacher has shape"):
        ConsistencyModel((2,), teacher=FlowMatching((2,), path=Cosine()))
    with pytest.raises(ValueError, match=r"teacher=.* must be of type"):
        ConsistencyModel((2,), teacher=nn.Linear(2, 2))
    teacher = FlowMatching((2,), hidden=8, dropout=0.5)
    model = ConsistencyModel((2,), hidden=8, teacher=teacher).train()
    assert not teacher.training
    assert not any(p.requires_grad for p in teacher.parameters())
    assert any(p.requires_grad for p in model.parameters())


# --- masks


@pytest.fixture(scope="module")
def masked():
    torch.manual_seed(0)
    return contracts.shaken(MaskedDiffusion((3,), 3, width=8, layers=1, heads=2), 1.0)


def conditional(model, x, S):
    """log p(x_i | rest) of every value where S is masked, (B, D)."""
    masked = torch.zeros_like(x, dtype=torch.bool)
    masked[:, list(S)] = True
    return model(x, masked).log_softmax(-1).gather(-1, x[..., None])[..., 0]


def by_orders(model, x):
    """log p(x in that order) for all orders, (orders, B)."""
    D = x.shape[1]
    return torch.stack(
        [
            sum(conditional(model, x, order[k:])[:, order[k]] for k in range(D))
            for order in itertools.permutations(range(D))
        ]
    )


@torch.no_grad()
def test_the_bound_is_the_mean_over_orders_and_lies_below_the_likelihood(masked):
    x = torch.cartesian_prod(*[torch.arange(3)] * 3)
    D, orders = 3, by_orders(masked, x)
    subsets = [S for k in range(1, D + 1) for S in itertools.combinations(range(D), k)]
    weights = {S: 1 / (len(S) * math.comb(D, len(S))) for S in subsets}
    bound = sum(w * conditional(masked, x, S)[:, list(S)].sum(1) for S, w in weights.items())
    assert torch.allclose(bound, orders.mean(0))
    exact = orders.logsumexp(0) - math.log(len(orders))  # of sampling one by one in a random order
    assert exact.exp().sum().item() == pytest.approx(1)
    assert (bound <= exact + 1e-12).all()
    assert (bound < exact - 1e-4).any()
    drawn = masked.elbo(x.repeat(2000, 1), draws=1, generator=generator()).view(2000, 27)
    assert ((drawn.mean(0) - bound).abs() < 5 * drawn.std(0) / 2000**0.5).all()


@torch.no_grad()
def test_samples_one_by_one_have_the_likelihood_of_the_mean_over_orders(masked):
    x = torch.cartesian_prod(*[torch.arange(3)] * 3)
    p = (by_orders(masked, x).logsumexp(0) - math.log(6)).exp()
    n = 40_000
    drawn = masked.sample(n, generator=generator())
    counts = (drawn @ torch.tensor([9, 3, 1])).bincount(minlength=27)
    chi2 = ((counts - n * p).square() / (n * p)).sum().item()
    assert chi2 < 26 + 5 * (2 * 26) ** 0.5
    once = masked.sample(n, tokens=3, generator=generator(1))  # all at once: the product of the marginals
    hole = torch.ones(1, 3, dtype=torch.bool)
    marginal = masked(torch.zeros(1, 3, dtype=torch.long), hole).softmax(-1)[0]
    product = torch.einsum("a,b,c->abc", *marginal).flatten()
    counts = (once @ torch.tensor([9, 3, 1])).bincount(minlength=27)
    assert ((counts - n * product).square() / (n * product)).sum().item() < 26 + 5 * (2 * 26) ** 0.5


@torch.no_grad()
def test_an_order_by_certainty_keeps_consistent_beliefs_and_one_by_draws_does_not():
    """Two dependent coins with exact conditionals: by the largest belief the joint is kept, by what was drawn not."""
    joint = torch.tensor([[0.5, 0.1], [0.05, 0.35]], dtype=torch.double)

    class Exact(nn.Module):
        def forward(self, tokens, features=None):
            p = torch.empty(len(tokens), 2, 2, dtype=torch.double)
            for i in range(2):
                table = joint if i == 0 else joint.T
                other = tokens[:, 1 - i]
                known = table[:, other.clamp(max=1)].T
                p[:, i] = torch.where((other < 2)[:, None], known, table.sum(1))
            return (p / p.sum(-1, keepdim=True)).log()

    model = MaskedDiffusion((2,), 2, width=4, heads=1).double()
    model.net, n = Exact(), 60_000

    def share(order):
        drawn = model.sample(n, order=order, generator=generator())
        return (2 * drawn[:, 0] + drawn[:, 1]).bincount(minlength=4) / n

    truth = joint.flatten()
    error = 5 * (truth * (1 - truth) / n).sqrt()
    assert ((share("confidence") - truth).abs() < error).all()
    assert ((share("random") - truth).abs() < error).all()
    assert ((share("drawn") - truth).abs() > error).any()


def test_what_was_given_is_kept_and_the_rest_is_drawn():
    torch.manual_seed(0)
    model = MaskedDiffusion((1, 2, 3), 4, 3, width=8, layers=1, heads=2).eval()
    given, known = torch.randint(4, (5, 1, 2, 3)), torch.rand(5, 1, 2, 3) < 0.5
    seen = []
    for tokens, order in itertools.product((1, 2, 4, 9), ("random", "confidence", "drawn")):
        x = model.sample(
            5, torch.arange(5) % 3, tokens=tokens, order=order, given=given, known=known, generator=generator(),
            callback=lambda i, x, masked: seen.append((i, masked.sum().item())),
        )  # fmt: skip
        assert torch.equal(x[known], given[known])
        holes = (~known).flatten(1).sum(1)
        assert seen[-1] == (-(-holes.max().item() // tokens) - 1, 0)
        assert seen[0][1] == (holes - tokens).clamp(min=0).sum()
        seen.clear()
    for bad, said in (
        ({"given": given}, "belong together"),
        ({"given": given, "known": known.long()}, "known is torch.int64"),
        ({"given": given[:2], "known": known[0]}, "give as many"),
        ({"tokens": 0}, "tokens=0"),
        ({"order": "left"}, "order='left'"),
        ({"temperature": -1.0}, "temperature=-1.0"),
    ):
        with pytest.raises(ValueError, match=said):
            model.sample(5, **bad)
    greedy = model.sample(3, torch.zeros(3, dtype=torch.long), temperature=0.0, order="confidence")
    assert (greedy == greedy[0]).all()


def test_a_hole_is_not_seen(masked):
    x = torch.randint(3, (6, 3), generator=generator())
    hole = torch.tensor([[True, False, True]]).expand(6, 3)
    other = torch.where(hole, (x + 1) % 3, x)
    assert torch.equal(masked(x, hole), masked(other, hole))
    assert torch.equal(masked(x, hole), masked(torch.where(hole, -7, x), hole)), "there x may be anything"
    with pytest.raises(ValueError, match=r"masked is torch\.int64"):
        masked(x, hole.long())
    with pytest.raises(ValueError, match="x holds"):
        masked(x + 3, hole)


def test_masked_diffusion_learns_that_two_values_are_equal():
    """x₁ = x₂, uniform on 4 values: log 4 nats. Filled in one by one they stay equal, both at once they do not."""
    torch.manual_seed(0)
    x = torch.arange(400)[:, None].expand(400, 2) % 4
    model = MaskedDiffusion((2,), 4, width=16, layers=1, heads=2)
    fit(model, x, steps=250, batch_size=64, lr=5e-3, seed=0, bar=False)
    model.eval()
    with torch.no_grad():
        bound = model.elbo(x, draws=20).mean().item()
    assert -math.log(4) - 0.1 < bound < -math.log(4) + 0.02

    def equal(**how):
        drawn = model.sample(2000, generator=generator(), **how)
        return (drawn[:, 0] == drawn[:, 1]).float().mean().item()

    assert equal() > 0.97
    assert equal(tokens=2) == pytest.approx(0.25, abs=0.05)


# --- conditions, seeds and arguments that do not go together


def test_guidance_of_a_velocity():
    torch.manual_seed(0)
    model = contracts.shaken(FlowMatching((2,), classes=3, drop=0.3, hidden=8))
    x, t, y = torch.randn(4, 2).double(), torch.full((4,), 0.4).double(), torch.tensor([0, 1, 2, 0])
    without, given = model(x, 0.4), model(x, 0.4, y)
    for w in (0, 1, 3):
        assert torch.allclose(model._given(y, w)(x, t), without + w * (given - without)), w
    with pytest.raises(ValueError, match="needs a model that was trained with drop="):
        FlowMatching((2,), classes=3).sample(2, guidance=2.0)


def test_pictures_given_words():
    torch.manual_seed(0)
    y = torch.randint(5, (4, 3))
    flow = FlowMatching((1, 4, 4), 5, condition=Tokens(3, 5), network="unet", channels=(4,))
    assert flow.sample(4, y, steps=2).shape == (4, 1, 4, 4)
    tokens = MaskedDiffusion((1, 4, 4), 5, condition=Tokens(3, 5), width=8, layers=1, heads=2)
    assert tokens.sample(4, y, tokens=8).shape == (4, 1, 4, 4)


def test_arguments_that_do_not_go_together_are_refused():
    for kind, how, said in (
        (FlowMatching, {"coupling": "optimal"}, "coupling='optimal'"),
        (FlowMatching, {"times": "late"}, "times='late'"),
        (FlowMatching, {"path": "straight"}, "must be of type Schedule"),
        (FlowMatching, {"drop": 0.1}, "pass classes="),
        (FlowMatching, {"channels": (8,)}, "has no convolutions"),
        (MeanFlow, {"same": 1.5}, "same=1.5 is a share"),
        (MeanFlow, {"power": -1.0}, "power=-1.0"),
        (ConsistencyModel, {"rungs": 1}, "rungs=1"),
        (ConsistencyModel, {"huber": 0.0}, "huber=0.0"),
        (MaskedDiffusion, {"width": 6, "heads": 4}, "can't be shared"),
    ):
        with pytest.raises(ValueError, match=said):
            kind((2,), **how)
    with pytest.raises(ValueError, match="solver='rk4'"):
        FlowMatching((2,)).sample(2, solver="rk4")
    with pytest.raises(ValueError, match="t holds 3"):
        FlowMatching((2,))(torch.zeros(1, 2), 3.0)


def test_a_solver_of_your_own():
    torch.manual_seed(0)
    model = FlowMatching((2,), hidden=8).eval()
    own = model.sample(3, steps=4, solver=lambda v, x, times, callback=None: heun(v, x, times), generator=generator())
    assert torch.equal(own, model.sample(3, steps=4, solver="heun", generator=generator()))
