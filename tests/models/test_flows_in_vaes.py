"""A flow as the prior of a VAE, and one as its posterior: densities, bounds, gradients, and what they are good for."""

import math

import pytest
import torch
from torch import nn

from genlib.flow import MaskedAffine, RealNVP
from genlib.hybrid import IAFVAE, FlowPriorVAE
from genlib.training import fit
from genlib.vae import VAE, Gaussian, VampPrior
from tests import contracts

SHAPE = (1, 2, 2)
KINDS = {
    "flow prior": lambda **how: FlowPriorVAE(SHAPE, 2, couplings=2, units=8, hidden=8, **how),
    "IAF posterior": lambda **how: IAFVAE(SHAPE, 2, steps=2, units=8, hidden=8, **how),
    "both": lambda **how: IAFVAE(
        SHAPE, 2, steps=2, units=8, hidden=8, prior=RealNVP((2,), couplings=2, hidden=8), **how
    ),
}


@pytest.fixture(params=KINDS)
def model(request):
    """Moved away from its start, at which every flow is the identity, but not so far that a grid would miss it."""
    torch.manual_seed(0)
    return contracts.shaken(KINDS[request.param](), 0.15)


def integers(n=6):
    return torch.randint(2, (n, *SHAPE), generator=torch.Generator().manual_seed(0))


def by_quadrature(model, x, y=None, points=161):
    """log p(x), (B,), by a sum over [-8, 8]², for two latents."""
    line = torch.linspace(-8, 8, points, dtype=torch.double)
    z = torch.cartesian_prod(line, line)[:, None]  # (n, 1, 2)
    with torch.no_grad():
        step = 2 * math.log(16 / (points - 1))
        return torch.cat([model.log_joint(one[None], z).logsumexp(0) + step for one in x])


def test_bounds_are_in_order_and_come_close(model):
    with torch.no_grad():
        p = model.log_prior(torch.cartesian_prod(*[torch.linspace(-8, 8, 161, dtype=torch.double)] * 2))
    assert p.exp().sum() * 0.01 == pytest.approx(1, abs=1e-6), "the square holds the prior"
    contracts.bounds_in_order(model, integers(), log_prob=lambda x, y: by_quadrature(model, x), gap=0.05, repeats=200)


def test_samples_are_those_of_the_integral(model):
    contracts.samples_match_density(model, log_prob=lambda x, y: by_quadrature(model, x), n=20_000)


def test_every_parameter_is_trained(model):
    contracts.gradients_reach_every_parameter(model, integers(32))


class Posterior(nn.Module):
    """q(z | x) of one x, dressed as a model of points."""

    shape, levels, classes = (2,), None, None

    def __init__(self, model):
        super().__init__()
        self.model = model

    def log_prob(self, z, y=None):
        return self.model.encode(integers(1)).log_prob(z[:, None])[:, 0]

    def sample(self, n, y=None, *, generator=None):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.model.encode(integers(1)).sample((n,))[:, 0]


def test_the_pushed_q_is_a_density_and_that_of_its_draws():
    torch.manual_seed(0)
    q = Posterior(KINDS["IAF posterior"]())
    contracts.integrates_to_one(q, shake=0.3)
    contracts.samples_match_density(q, shake=0.3, cells=30)


def test_log_q_of_its_own_draws_is_what_the_inverse_says():
    """Without a pass, (k, B) of them; a copy of the draws is not known and is taken back step by step."""
    torch.manual_seed(0)
    model = contracts.shaken(IAFVAE(SHAPE, 5, steps=3, units=16, hidden=8), 0.4)
    q = model.encode(integers(4))
    for shape in ((), (7,), (2, 3)):
        z = q.rsample(shape)
        assert z.shape == (*shape, 4, 5)
        known, found = q.log_prob(z), q.log_prob(z.clone())
        assert known.shape == (*shape, 4)
        assert torch.allclose(known, found, atol=1e-9)
    gaussian = VAE.encode(model, integers(4))
    assert not torch.allclose(q.log_prob(z), gaussian.log_prob(z))


def test_its_draws_depend_on_x_through_every_step():
    torch.manual_seed(0)
    model = contracts.shaken(IAFVAE(SHAPE, 3, steps=2, units=8, hidden=8), 0.4)
    for step in model.steps:
        u, c = torch.randn(4, 3, dtype=torch.double), torch.randn(4, 6, dtype=torch.double)
        moved, _ = step(u, c)
        assert not torch.allclose(moved, step(u, c + 1)[0])
        assert torch.allclose(step.inverse(moved, c)[0], u)


def test_a_step_takes_a_context_if_and_only_if_it_was_made_for_one():
    for step, given in ((MaskedAffine(3), torch.zeros(2, 4)), (MaskedAffine(3, context=4), None)):
        with pytest.raises(ValueError, match=r"c is (given|missing)"):
            step(torch.zeros(2, 3), given)


def test_both_start_as_a_plain_vae():
    for kind in KINDS:
        torch.manual_seed(1)
        model = KINDS[kind]().double()
        plain = VAE(SHAPE, 2, encoder=model.encoder, decoder=model.decoder).double()
        plain.takes_flat = True
        torch.manual_seed(2)
        bound = model.elbo(integers(), k=3)
        torch.manual_seed(2)
        assert torch.allclose(bound, plain.elbo(integers(), k=3))


def test_they_take_labels():
    for kind in ("flow prior", "IAF posterior"):
        torch.manual_seed(0)
        model = contracts.shaken(KINDS[kind](classes=3), 0.2)
        x, y = integers(), torch.arange(6) % 3
        told, other = (model.log_joint(x, torch.zeros(6, 2), labels) for labels in (y, 0 * y))
        assert not torch.allclose(told, other)
        contracts.gradients_reach_every_parameter(model, x, y)
        assert model.sample(4, y[:4]).shape == (4, *SHAPE)


@pytest.mark.parametrize(
    ("kind", "how", "words"),
    [
        ("flow prior", {"prior": RealNVP((2,))}, "the prior of a FlowPriorVAE is its flow"),
        ("flow prior", {"free_bits": 0.1}, "free_bits"),
        ("IAF posterior", {"free_bits": 0.1}, "ask for a Gaussian"),
        ("IAF posterior", {"prior": VampPrior(SHAPE)}, "ask for a Gaussian"),
    ],
)
def test_what_does_not_go_together_is_refused(kind, how, words):
    with pytest.raises(ValueError, match=words):
        KINDS[kind](**how)


# --- what they are good for


class Product(nn.Module):
    """A decoder without parameters: the mean of x is z_1 z_2, so that the posterior is bent."""

    def forward(self, z):
        return 2 * z.prod(1, keepdim=True)


def test_an_iaf_posterior_follows_a_bend_that_a_gaussian_can_not():
    x = 2 * torch.randn(256, 1, generator=torch.Generator().manual_seed(0)).mul(1.0)
    gaps = []
    for kind, own in ((VAE, {}), (IAFVAE, {"steps": 2, "units": 32})):
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 4))
        model = kind((1,), 2, Gaussian(0.5, learned=False), encoder=encoder, decoder=Product(), **own)
        fit(model, x, steps=400, lr=5e-3, seed=0, bar=False)
        model = model.double()
        with torch.no_grad():
            truth = by_quadrature(model, x[:32].double())
            gaps.append((truth - model.elbo(x[:32].double().repeat(200, 1)).view(200, 32).mean(0)).mean().item())
    assert 0 < gaps[1] < 0.6 * gaps[0]


def test_a_flow_prior_goes_where_the_encoder_puts_its_codes():
    """Trained alone, against an encoder whose codes lie on a ring: the bound rises by the mismatch that it closes."""
    angle = torch.rand(400, generator=torch.Generator().manual_seed(0)) * 2 * math.pi
    ring = torch.stack([angle.cos(), angle.sin()], 1)

    class Codes(nn.Module):
        def forward(self, x):
            return torch.cat([2 * x, torch.full_like(x, -4.0)], 1)  # σ = e^-2

    torch.manual_seed(0)
    model = FlowPriorVAE((2,), 2, Gaussian(0.5, learned=False), encoder=Codes(), decoder=nn.Linear(2, 2))
    with torch.no_grad():
        before = model.elbo(ring).mean()
    model.decoder.requires_grad_(False)
    fit(model, ring, steps=300, lr=5e-3, seed=0, bar=False)
    with torch.no_grad():
        after = model.elbo(ring).mean()
    assert after > before + 0.8
