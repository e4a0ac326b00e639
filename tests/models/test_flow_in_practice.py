"""Flows in practice: masked steps read in two directions, activations rebuilt, noise that is learned."""

import math
import os
import subprocess
import sys

import pytest
import torch

from genlib import data, metrics
from genlib.flow import (
    IAF,
    MAF,
    ActNorm,
    AffineCoupling,
    Compose,
    Flow,
    Glow,
    InvertibleConv1x1,
    Logit,
    MaskedAffine,
    Permute,
    RealNVP,
    Reversible,
    VariationalDequantize,
    halves,
)
from genlib.flow.elementwise import Flatten
from genlib.nets import mlp
from genlib.noise import StandardNormal
from genlib.training import fit
from tests import contracts


@pytest.fixture(autouse=True)
def the_same_weights_whatever_ran_before():
    torch.manual_seed(0)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


# --- masked steps


def test_no_value_is_changed_by_itself_or_a_later_one_except_by_its_own_scale():
    """Full columns below the diagonal: x_1 reaches every later value, through hidden layers of any width."""
    for hidden, layers in ((32, 1), (32, 2), (32, 3)):
        step = contracts.shaken(MaskedAffine(5, hidden=hidden, layers=layers))
        reached = torch.zeros(5, 5, dtype=torch.bool)
        for x in draw(20, 5):
            jacobian = torch.autograd.functional.jacobian(lambda x, step=step: step(x[None])[0][0], x)
            assert (jacobian.triu(1) == 0).all()
            s, _ = step.scale_and_shift(x[None])
            assert torch.allclose(jacobian.diagonal(), s[0].exp())
            reached |= jacobian != 0
        assert reached[:, 0].all()


def test_a_maf_is_exact_in_one_pass_and_an_iaf_is_the_same_read_backwards():
    """With the same steps in reversed order, what one calls its latents the other calls its data."""
    maf = contracts.shaken(MAF((4,), depth=2, hidden=8))
    iaf = IAF((4,), depth=2, hidden=8).double()
    steps = [layer for layer in maf.bijection.layers if isinstance(layer, MaskedAffine)]
    for theirs, mine in zip(reversed(steps), iaf.bijection.layers[::2], strict=True):
        mine.bijection.load_state_dict(theirs.state_dict())
    x = draw(8, 4)
    z, log_det = maf(x)
    there, change = iaf(z)
    assert torch.allclose(there, x)
    assert torch.allclose(change, -log_det)


def test_each_direction_is_fast_where_it_says_so(monkeypatch):
    """Passes of the network: one a step where it is fast; where it is slow one for each value, and one for log_det."""
    passes = []
    once = MaskedAffine.scale_and_shift
    monkeypatch.setattr(MaskedAffine, "scale_and_shift", lambda step, *x: passes.append(1) or once(step, *x))
    for kind, density, samples in ((MAF, 3, 3 * 11), (IAF, 3 * 11, 3)):
        model = kind((10,), depth=3, hidden=12)
        model.log_prob(torch.randn(2, 10))
        assert len(passes) == density
        passes.clear()
        model.sample(2)
        assert len(passes) == samples
        passes.clear()


def test_a_maf_learns_the_moons_better_than_one_gaussian():
    train, test = data.toy("moons", n=1500), data.toy("moons", n=500, seed=1)
    model = MAF((2,), depth=4, hidden=32)
    fit(model, train.x, steps=300, lr=3e-3, seed=0, bar=False)
    gaussian = torch.distributions.MultivariateNormal(train.x.mean(0), train.x.T.cov())
    assert model.log_prob(test.x).mean() > gaussian.log_prob(test.x).mean() + 0.3


@pytest.mark.parametrize("wrong", [{"D": 0}, {"D": 3, "hidden": 0}, {"D": 3, "layers": 0}])
def test_sizes_that_make_no_network_are_refused(wrong):
    with pytest.raises(ValueError, match="must be at least 1"):
        MaskedAffine(**wrong)


# --- activations rebuilt


def layers(depth=6):
    made = []
    for k in range(depth):
        mask = halves(8) if k % 2 else ~halves(8)
        made += [ActNorm(8), Permute(torch.randperm(8)), AffineCoupling(mask, mlp(4, 8, hidden=16))]
    return made


def of_pictures(kind):
    made = []
    for _ in range(3):
        net = torch.nn.Sequential(torch.nn.Conv2d(2, 8, 3, padding=1), torch.nn.Tanh(), torch.nn.Conv2d(8, 4, 1))
        made += [ActNorm(4), InvertibleConv1x1(4), AffineCoupling(halves(4), net)]
    return kind(*made, Flatten((4, 3, 3)))


def gradients(chain, x):
    x = x.clone().requires_grad_()
    z, log_det = chain(x)
    weights = torch.linspace(-1, 1, len(x), dtype=x.dtype)
    ((z.flatten(1).pow(3).sum(1) + 2 * log_det) * weights).sum().backward()
    found = [x.grad, *(p.grad for p in chain.parameters())]
    chain.zero_grad()
    return found


@pytest.mark.parametrize("kind", ["vectors", "pictures"])
def test_rebuilt_activations_give_the_same_gradients(kind):
    chain = contracts.shaken(Compose(*layers()) if kind == "vectors" else of_pictures(Compose), 0.2)
    rebuilt = Reversible(*chain.layers)
    x = draw(5, 8) if kind == "vectors" else draw(5, 4, 3, 3)
    for expected, found in zip(gradients(chain, x), gradients(rebuilt, x), strict=True):
        assert (expected - found).abs().max() <= 1e-9


def test_a_layer_that_stands_twice_gets_both_shares_and_a_frozen_one_none():
    shared, other = (AffineCoupling(halves(8), mlp(4, 8, hidden=16)) for _ in range(2))
    chain = contracts.shaken(Compose(shared, Permute(torch.arange(8).flip(0)), other, shared), 0.3)
    for p in chain.layers[2].parameters():
        p.requires_grad_(False)
    expected, found = gradients(chain, draw(5, 8)), gradients(Reversible(*chain.layers), draw(5, 8))
    for a, b in zip(expected, found, strict=True):
        assert (a is None and b is None) or (a - b).abs().max() < 1e-9


def test_it_is_a_chain_like_any_other():
    chain = contracts.shaken(Reversible(*layers()), 0.2)
    contracts.inverts(chain, draw(6, 8))
    contracts.log_det_is_jacobian(chain, draw(6, 8))
    with torch.no_grad():
        assert chain(draw(6, 8))[0].grad_fn is None
    with pytest.raises(RuntimeError, match="no gradients of gradients"):
        torch.autograd.grad(chain(draw(6, 8))[0].sum(), next(chain.parameters()), create_graph=True)


def test_a_glow_that_rebuilds_trains_like_one_that_stores():
    train, _ = data.digits()
    losses = []
    for reversible in (False, True):
        torch.manual_seed(0)
        model = Glow((1, 8, 8), levels=17, depth=2, channels=8, reversible=reversible)
        fit(model, train, steps=4, seed=0, bar=False)
        torch.manual_seed(1)
        losses.append(model.elbo(train.x[:200]).mean().item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


PEAK = """
import sys, torch
from pathlib import Path
from torch import nn
from genlib.flow import AffineCoupling, Compose, Reversible, halves
torch.set_num_threads(1)
depth, kind = int(sys.argv[1]), {"stored": Compose, "rebuilt": Reversible}[sys.argv[2]]
D, n = 64, 20_000  # 5 MB an activation; the networks hold next to nothing
layers = [AffineCoupling(halves(D) if k % 2 else ~halves(D), nn.Linear(D // 2, D)) for k in range(depth)]
x = torch.randn(n, D)
def told(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])  # kB
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew: imports have one of their own
before = told("VmRSS")
z, log_det = kind(*layers)(x)
(z.square().sum() - log_det.sum()).backward()
print(told("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak of a process")
def test_memory_does_not_grow_with_depth():
    """Peaks of processes of their own, above what they had before: 32 layers beside 4, rebuilt and stored."""

    def peak(depth, kind):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(depth), kind],
            env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"},  # what is freed goes back at once
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        return int(done.stdout)

    deep = peak(32, "rebuilt")
    assert deep <= 1.3 * peak(4, "rebuilt")
    assert peak(32, "stored") > 3 * deep, "the measurement sees what is stored"


# --- noise that is learned


def small(noise=None):
    """A flow of two binary pixels, (1, 1, 2)."""
    chain = Compose(Logit(2, 0.02), Flatten((1, 1, 2)), AffineCoupling(halves(2), mlp(1, 2, hidden=8)))
    return Flow(chain, StandardNormal(2), shape=(1, 1, 2), levels=2, noise=noise)


def exact(model):
    """log P(v) of all four pictures, (4,), by the midpoint rule on each cell."""
    n = 400
    u = (torch.arange(n, dtype=torch.double) + 0.5) / n
    grid = torch.stack(torch.meshgrid(u, u, indexing="ij"), -1).view(-1, 1, 1, 2)
    with torch.no_grad():
        return torch.stack([model.log_prob(v + grid).logsumexp(0) - 2 * math.log(n) for v in FOUR.double()])


FOUR = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).view(4, 1, 1, 2)


def test_the_noise_has_the_density_that_it_says(monkeypatch):
    """Against the Jacobian of ε -> u, in float64, for every picture."""
    noise = contracts.shaken(VariationalDequantize((1, 1, 2), 2, channels=4))
    monkeypatch.setattr(noise.noise, "sample", lambda n: epsilon)
    for v in FOUR:
        epsilon = draw(1, 2).requires_grad_()
        x, log_q = noise(v[None])
        u = (x - v).flatten()
        assert ((u > 0) & (u < 1)).all()
        jacobian = torch.stack([torch.autograd.grad(u_i, epsilon, retain_graph=True)[0][0] for u_i in u])
        expected = noise.noise.log_prob(epsilon) - jacobian.det().abs().log()
        assert torch.allclose(log_q, expected)


def test_learned_noise_is_a_bound_too_and_a_tighter_one():
    """On the same flow, which stays as it is: uniform noise < learned noise < log P, for the four pictures together."""
    model = contracts.shaken(small(), 0.7)
    truth = exact(model)
    assert 0.9 < truth.exp().sum() < 1, "the logit leaves some mass beyond the ends of the pixels"
    many = FOUR.repeat_interleave(5_000, 0)

    def gap():
        with torch.no_grad():
            bound = model.elbo(many).view(4, -1)
        return (truth - bound.mean(1)), bound.std(1) / 5_000**0.5

    before, _ = gap()
    model.noise = VariationalDequantize((1, 1, 2), 2, channels=16).double()
    optimizer = torch.optim.Adam(model.noise.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        model.loss(FOUR.repeat_interleave(64, 0))["loss"].backward()
        optimizer.step()
    after, error = gap()
    assert (after > -5 * error).all(), "above the truth: no bound"
    assert after.mean() < 0.5 * before.mean()


def test_noise_is_for_integers():
    with pytest.raises(ValueError, match="noise is for integers"):
        Flow(Compose(ActNorm(2)), StandardNormal(2), noise=VariationalDequantize((1, 1, 2), 2))
    with pytest.raises(ValueError, match="variational=True would change nothing"):
        Glow((1, 4, 4), variational=True)


def test_learned_noise_helps_a_glow_of_digits():
    """Bits per dimension of the bound after a short training, in the same number of steps."""
    train, test = data.digits()
    bits = []
    for variational in (False, True):
        torch.manual_seed(0)
        model = Glow((1, 8, 8), levels=17, depth=2, channels=16, variational=variational)
        fit(model, train, steps=150, lr=3e-3, seed=0, bar=False)
        with torch.no_grad():
            nats = -model.elbo(test.x[:200], k=4).mean()
        bits.append(float(metrics.bits_per_dim(-nats, (1, 8, 8))))
    assert bits[1] < bits[0]


def test_realnvp_takes_learned_noise_as_a_module():
    model = RealNVP((1, 4, 4), levels=5, couplings=2, hidden=8)
    assert model.noise is None
