"""Lecture 05 says what its runs show: over three seeds, with fewer steps where that suffices; its pretrained flows."""

import math

import pytest
import torch

from genlib import data, metrics, pretrained
from genlib.flow import ActNorm, Affine, AffineCoupling, Compose, Flow, RealNVP, StandardNormal, alternating
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
        history = fit(flow, 20 * moons.x + 100, steps=250, batch_size=256, lr=3e-3, device="cpu", bar=False, seed=seed)
        last[forgets] = history["loss"][-20:].mean().item() - entropy - 2 * math.log(20)
        assert (history["loss"][0] > 1000) == forgets
    assert 1.5 < last[True] / last[False] < 8


@pytest.mark.parametrize("seed", SEEDS)
def test_masks_that_never_alternate_leave_one_number_as_the_base_has_it(moons, seed):
    torch.manual_seed(seed)
    couplings = [AffineCoupling(alternating(2), mlp(1, 2, hidden=32)) for _ in range(6)]
    flow = Flow(Compose(*couplings), StandardNormal(2))
    fit(flow, moons.x, steps=60, batch_size=256, lr=5e-3, device="cpu", bar=False, seed=seed)
    with torch.no_grad():
        z = flow(moons.x)[0]
    assert torch.equal(z[:, 0], moons.x[:, 0])
    assert moons.x[:, 0].std() < 0.9 < 0.95 < flow.sample(20_000)[:, 0].std()


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
