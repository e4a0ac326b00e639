"""Lecture 05 says what its runs show: over three seeds, with fewer steps where that suffices; its pretrained flows."""

import math
import re

import pytest
import torch

from genlib import data, metrics, pretrained
from genlib.course.build.reading import read_source
from genlib.flow import ActNorm, Affine, AffineCoupling, Compose, Flow, RealNVP, StandardNormal, alternating
from genlib.lectures import find
from genlib.nets import mlp
from genlib.training import fit

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def moons():
    return data.toy("moons", n=20_000)


@pytest.fixture(scope="module")
def entropy():
    fresh = data.toy("moons", n=20_000, seed=1)
    return -fresh.log_prob(fresh.x).mean().item()


def mass(log_prob, reach=6.0, n=300):
    axis = (torch.arange(n) + 0.5) / n * 2 * reach - reach
    with torch.no_grad():
        values = log_prob(torch.cartesian_prod(axis, axis)).double()
    return (values.exp().sum() * (2 * reach / n) ** 2).item()


def trained_moons(moons, seed):
    torch.manual_seed(seed)
    flow = RealNVP((2,), couplings=4, hidden=32)
    fit(flow, moons.x, steps=120, batch_size=256, lr=5e-3, device="cpu", bar=False)
    return flow


@pytest.mark.parametrize("seed", SEEDS)
def test_the_broadcast_looks_like_success_and_the_flipped_sign_does_not(moons, seed):
    flow = trained_moons(moons, seed)
    with torch.no_grad():
        z, log_det = flow(moons.x)
        right = flow.log_prob(moons.x).mean()
        flipped = (flow.base.log_prob(z) - log_det).mean()
        broadcast = (torch.distributions.Normal(0.0, 1.0).log_prob(z) + log_det[:, None]).sum(1).mean()
    assert broadcast > right + 0.5
    assert flipped < right - 0.5

    def twice(x):
        z, log_det = flow(x)
        return flow.base.log_prob(z) + 2 * log_det

    assert mass(flow.log_prob) == pytest.approx(1, abs=0.01)
    assert mass(twice) > 2


def test_the_pretrained_flow_gains_nearly_two_nats_and_more_than_eight_masses_by_broadcasting():
    flow = pretrained.load("realnvp_moons")
    x = data.toy("moons", n=20_000).x
    with torch.no_grad():
        gain = flow(x)[1].mean().item()
    assert 1.6 < gain < 2
    assert mass(lambda x: flow.log_prob(x) + flow(x)[1]) > 8


@pytest.mark.parametrize("seed", SEEDS)
def test_with_the_flipped_sign_the_loss_falls_below_the_entropy_and_further(moons, entropy, seed):
    class Flipped(Flow):
        def loss(self, x, y=None):
            z, log_det = self.bijection(x)
            return {"loss": -(self.base.log_prob(z) - log_det).mean()}

    torch.manual_seed(seed)
    flow = Flipped(Compose(Affine((2,))), StandardNormal(2))
    history = fit(flow, moons.x, steps=300, lr=0.1, schedule="constant", device="cpu", bar=False, seed=seed)
    losses = history["loss"]
    assert losses[100] < entropy - 5
    assert losses[-1] < losses[100] - 20


def with_actnorm():
    layers = []
    for k in range(6):
        mask = alternating(2) if k % 2 == 0 else ~alternating(2)
        layers += [ActNorm(2), AffineCoupling(mask, mlp(1, 2, hidden=32))]
    return Flow(Compose(*layers), StandardNormal(2))


@pytest.mark.parametrize("seed", SEEDS)
def test_actnorm_that_never_saw_data_is_still_clearly_farther_away(moons, entropy, seed):
    last = {}
    for forgets in (True, False):
        torch.manual_seed(seed)
        flow = with_actnorm()
        if forgets:
            flow.initialise = lambda x, y=None: None
        history = fit(flow, 20 * moons.x + 100, steps=160, batch_size=256, lr=5e-3, device="cpu", bar=False, seed=seed)
        last[forgets] = history["loss"][-20:].mean().item() - entropy - 2 * math.log(20)
        assert (history["loss"][0] > 1000) == forgets
    assert 1.5 < last[True] / last[False] < 8


@pytest.mark.parametrize("seed", SEEDS)
def test_more_couplings_come_closer(moons, seed):
    reached = []
    for couplings in (1, 2, 4):
        torch.manual_seed(seed)
        flow = RealNVP((2,), couplings=couplings, hidden=32)
        fit(flow, moons.x, steps=250, batch_size=256, lr=5e-3, device="cpu", bar=False, seed=seed)
        with torch.no_grad():
            reached.append((moons.log_prob(moons.x) - flow.log_prob(moons.x)).mean().item())
    assert reached[0] > reached[1] > reached[2]


@pytest.mark.parametrize("name", ["moons", "eight_gaussians", "rings"])
def test_splines_come_closer_with_a_fifth_of_the_parameters(name):
    fresh, distance, weights = data.toy(name, n=20_000, seed=1), {}, {}
    for kind in ("realnvp", "splineflow"):
        flow = pretrained.load(f"{kind}_{name}")
        with torch.no_grad():
            distance[kind] = (fresh.log_prob(fresh.x) - flow.log_prob(fresh.x)).mean().item()
        weights[kind] = sum(p.numel() for p in flow.parameters())
    assert 0 < distance["splineflow"] < distance["realnvp"]
    assert 0.15 < weights["splineflow"] / weights["realnvp"] < 0.25


def test_box_muller_draws_a_gaussian():
    z = torch.rand(1_000_000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    radius = (-2 * z[:, 0].log()).sqrt()
    x = torch.stack([radius * (2 * math.pi * z[:, 1]).cos(), radius * (2 * math.pi * z[:, 1]).sin()], 1)
    inside = ((x[:, 0] > 0.2) & (x[:, 0] < 1.1) & (x[:, 1] > -1.5) & (x[:, 1] < 0.3)).double().mean()
    ends = torch.special.ndtr(torch.tensor([0.2, 1.1, -1.5, 0.3], dtype=torch.float64))
    share = (ends[1] - ends[0]) * (ends[3] - ends[2])
    assert abs(inside - share) < 4 * (share * (1 - share) / len(x)) ** 0.5


def test_the_spline_of_the_eight_gaussians_is_flat_in_the_gap_and_steep_at_the_data():
    from genlib.flow import rational_quadratic_spline

    coupling = pretrained.load("splineflow_eight_gaussians").bijection.layers[0]

    def slope(x_a, x_b):
        pieces = coupling.net(torch.tensor([[x_a]])).split([8, 8, 7], 1)
        return rational_quadratic_spline(torch.tensor([x_b]), *pieces, 4.0)[1].exp().item()

    with torch.no_grad():
        assert slope(0.0, 0.0) < 0.05
        assert slope(0.0, -2.0) > 1
        assert slope(0.0, 2.0) > 1
        assert slope(2.0, 0.0) > 1
        assert slope(-2.0, 0.0) > 1


def test_without_the_256_a_model_looks_eight_bits_better():
    log_p = torch.zeros(1)
    honest = metrics.bits_per_dim(log_p, (64,), spacing=1 / 256)
    assert (honest - metrics.bits_per_dim(log_p, (64,))).item() == pytest.approx(8)


def test_far_from_the_modes_the_inverse_is_steeper_and_splines_put_fewer_samples_there():
    angles = torch.arange(8) * math.pi / 4
    centres = 2 * torch.stack([angles.cos(), angles.sin()], 1)
    steep, share = {}, {}
    for kind in ("realnvp", "splineflow"):
        flow = pretrained.load(f"{kind}_eight_gaussians")
        x = flow.sample(20_000, generator=torch.Generator().manual_seed(0))
        far = torch.cdist(x, centres).amin(1) > 3 * 0.2
        share[kind] = far.float().mean().item()

        def jacobian(points, flow=flow):
            return torch.func.vmap(torch.func.jacrev(lambda row: flow.bijection(row[None])[0][0]))(points).detach()

        for place, points in {"near": x[~far][:300], "far": x[far][:300]}.items():
            steep[kind, place] = torch.linalg.matrix_norm(torch.linalg.inv(jacobian(points)), 2).median().item()
    assert 0.011 < share["splineflow"] < share["realnvp"]
    assert steep["realnvp", "far"] > 2 * steep["realnvp", "near"]
    assert steep["splineflow", "far"] > steep["realnvp", "far"]


def test_a_thread_as_dense_as_the_middle_of_the_bell_curve_crosses_the_gap_between_the_moons():
    flow, truth = pretrained.load("realnvp_moons"), data.toy("moons", n=20_000)
    z = torch.stack([torch.zeros(401), torch.linspace(-0.1, 0.1, 401)], 1)
    with torch.no_grad():
        x, log_det = flow.bijection.inverse(z)
        gap = truth.log_prob(x).argmin()
        assert log_det[gap].abs() < 0.1
        assert flow.log_prob(x)[gap].exp() == pytest.approx(0.16, abs=0.02)
        assert truth.log_prob(x)[gap].exp() < 0.005
        assert flow.log_prob(truth.x).exp().median() == pytest.approx(0.5, abs=0.1)


# The text itself ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source():
    return read_source(find("05"))


def test_our_density_is_compared_with_the_librarys_where_the_log_determinants_are_not_0(source):
    """Before training every layer is the identity, and a flipped sign would pass."""
    with torch.no_grad():
        assert RealNVP((2,), couplings=8, hidden=64)(torch.randn(9, 2))[1].abs().max() == 0
        assert pretrained.load("realnvp_moons")(torch.randn(9, 2))[1].abs().max() > 0.5
    code = "\n".join(cell.source for cell in source.cells if cell.cell_type == "code")
    assert code.count("flow.log_prob(moons.x[:100])") == 1
    assert code.index("history = fit(flow, moons.x") < code.index("flow.log_prob(moons.x[:100])")


def test_a_letter_means_one_thing(source):
    """π is 3.14…: the density of the noise is p_Z. And x is not the noise, nor z the data."""
    text = "\n".join(cell.source for cell in source.cells)
    assert not re.search(r"\\pi\s*\(|\bpi\(|π\(|log \\pi", text)
    assert "p_Z(f(x))" in text
    assert not re.search(r"\bz = (torch\.)?(moons|digits|test|train)\b", text)
