"""Lecture 06: what it calls a bug is one, and what it concludes from its runs holds, over three seeds."""

import math
import time

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal

from genlib import data, metrics, pretrained, vae
from genlib.condition import Images
from genlib.course.exercises import lecture_06
from genlib.data.glyphs import redrawn, small
from genlib.data.mel import mel_spectrogram
from genlib.data.tones import SAMPLE_RATE, quantise, waveform
from genlib.data.vowels import FLOOR
from genlib.flow import AffineCoupling, Compose, Glow, Reversible, VariationalDequantize, WaveGlow, halves
from genlib.hybrid import IAFVAE, FlowPriorVAE
from genlib.nets import mlp
from genlib.training import fit

SHAPE = (1, 16, 16)
FACES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Bold")
RANGES = {"rotation": (0, 0), "size": (15, 18), "slant": (-0.35, 0.35), "thickness": (0, 2)}


@pytest.fixture(scope="module")
def letters():
    """(train, test) with their factors, and both as small pictures."""
    train, test = data.glyphs(3000, classes="ABCDEFGHKR", fonts=FACES, ranges=RANGES)
    return train, test, small(train.x), small(test.x)


@pytest.fixture(scope="module", params=range(3))
def trained(request, letters):
    """The lecture's Glow, by half as many steps."""
    torch.manual_seed(request.param)
    model = Glow(SHAPE, levels=16, scales=2, depth=3, channels=32)
    fit(model, letters[2], steps=150, batch_size=64, lr=3e-3, seed=request.param, bar=False)
    return model.eval()


@pytest.fixture(scope="module")
def other(letters):
    """The lecture's VAE, the one that all flows are compared with."""
    torch.manual_seed(0)
    model = vae.VAE(SHAPE, 16, vae.Gaussian(0.1, learned=False))
    fit(model, letters[2] / 15, steps=400, lr=3e-3, bar=False)
    return model.eval()


# What the exercises say -----------------------------------------------------------------------------------------------


def test_what_is_called_a_bug_of_a_flow_is_one():
    """A: the density without what leaves has no mass of 1. B: a permutation undone by itself. D, F as the text says."""
    assert lecture_06.flow_bugs() == {"A": True, "B": True, "C": False, "D": True, "E": False, "F": True}
    order = torch.tensor([2, 0, 1])
    x = torch.randn(4, 3)
    assert not torch.equal(x[:, order][:, order], x)
    assert torch.equal(x[:, order][:, order.argsort()], x)
    weight = torch.randn(3, 3, dtype=torch.float64)
    J = torch.autograd.functional.jacobian(
        lambda x: F.conv2d(x.view(1, 3, 2, 2), weight[:, :, None, None]).flatten(), torch.randn(12).double()
    )
    assert torch.allclose(torch.linalg.slogdet(J).logabsdet, torch.linalg.slogdet(weight).logabsdet * 4)


def test_what_is_called_a_bug_of_practice_is_one_and_the_others_are_none():
    right = lecture_06.practice_bugs()
    assert right == {"A": True, "B": True, "C": True, "D": False, "E": False, "F": True}
    grid = torch.linspace(-30, 30, 60_001, dtype=torch.float64)
    for T in (0.5, 1.0, 2.0):  # D: its density integrates to 1, through a flow z = 3x with log-determinant log 3
        log_p = Normal(0.0, 1.0).log_prob(3 * grid / T) - math.log(T) + math.log(3)
        assert torch.trapezoid(log_p.exp(), grid).item() == pytest.approx(1, abs=1e-6)
    walk = [k / 8 for k in range(9)]
    assert (walk[0], walk[-1]) == (0, 1)
    log_p, log_q = Normal(0.0, 3.0).sample((50, 200)), Normal(0.0, 3.0).sample((50, 200))
    ratio_of_means = log_p.logsumexp(0) - log_q.logsumexp(0)
    assert (ratio_of_means > (log_p - log_q).logsumexp(0) - math.log(50)).float().mean() < 0.5, "another number"
    assert ratio_of_means.mean() > (log_p - log_q).mean() - 1


def test_an_answer_that_stores_all_graphs_is_told_so():
    def by_storing(layers, z, grad_z, grad_log_det):
        for layer in reversed(layers):
            z = layer.inverse(z)[0]
        x = z.detach().requires_grad_()
        out, total = x, 0.0
        for layer in layers:
            out, log_det = layer(out)
            total = total + log_det
        return x.detach(), torch.autograd.grad((out, total), x, (grad_z, grad_log_det))[0]

    verdict = lecture_06.rebuilding.check(by_storing)
    assert verdict.mark == "✗"
    assert "the graph of one layer at a time" in verdict.text


# Memory, and its limit ------------------------------------------------------------------------------------------------


def couplings(depth, kind, strength, seed):
    torch.manual_seed(seed)
    layers = [AffineCoupling(halves(64) if k % 2 else ~halves(64), mlp(32, 64, hidden=64)) for k in range(depth)]
    for coupling in layers:
        coupling.net[-1].weight.data.mul_(strength / coupling.net[-1].weight.std())
    return kind(*layers)


def drift(strength, seed, left_out=slice(0)):
    """Largest error of a rebuilt input, and the share of the gradient; left_out: of the networks' 64 outputs."""
    some, grads = torch.randn(100, 64, generator=torch.Generator().manual_seed(seed)), []
    for kind in (Compose, Reversible):
        chain = couplings(8, kind, strength, seed)
        for coupling in chain.layers:
            for p in coupling.net[-1].parameters():
                p.data[left_out] = 0
        z, log_det = chain(some)
        (torch.tanh(z).sum() - log_det.sum()).backward()
        grads.append(torch.cat([p.grad.flatten() for p in chain.parameters()]))
    with torch.no_grad():
        back = chain.inverse(z)[0]
    return (back - some).abs().max().item(), ((grads[0] - grads[1]).norm() / grads[0].norm()).item()


@pytest.mark.parametrize("seed", range(3))
def test_rebuilding_is_exact_until_networks_say_much_and_neither_shifts_nor_scales_alone_break_it(seed):
    assert max(drift(0.1, seed)) < 1e-5
    off, of_gradient = drift(1.0, seed)
    assert off > 1
    assert of_gradient > 1e-2
    assert max(drift(1.0, seed, left_out=slice(32))) < 1e-2, "shifts alone"
    assert max(drift(1.0, seed, left_out=slice(32, 64))) < 1e-2, "scales alone"
    with torch.no_grad():
        log_scales = couplings(1, Compose, 1.0, seed)(torch.randn(100, 64))[1]
    assert log_scales.abs().max() > 1, "they do scale"


def kept(chain, x):
    """Numbers that autograd keeps for the way back, parameters not counted."""
    sizes, own = {}, {p.data_ptr() for p in chain.parameters()}

    def pack(tensor):
        if tensor.data_ptr() not in own:
            sizes[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = chain(x)
    del result
    return sum(sizes.values())


def test_what_is_kept_is_flat_or_linear_in_depth():
    many = torch.randn(500, 64)
    stored = [kept(couplings(depth, Compose, 0.1, 0), many) for depth in (4, 8, 16)]
    assert stored[2] - stored[1] == pytest.approx(2 * (stored[1] - stored[0]), rel=0.05)
    rebuilt = [kept(couplings(depth, Reversible, 0.1, 0), many) for depth in (4, 16)]
    assert rebuilt[0] == rebuilt[1] == many.numel()


def test_the_networks_of_exercise_6_3_are_those_that_are_measured_after_it():
    """2,000 examples: what one more coupling keeps, numbers of 4 bytes, is what the exercise says of each, in MB."""
    few, more = (kept(couplings(depth, Compose, 0.1, 0), torch.randn(2000, 64)) for depth in (4, 5))
    assert 4 * (more - few) / 1e6 == pytest.approx(lecture_06.peak_memory()[1], rel=0.01)


# Scales, noise --------------------------------------------------------------------------------------------------------


def test_the_coarse_latents_hold_the_letter_and_both_scales_are_nearly_standard_normal(trained, letters):
    test_x = letters[3][:100]
    with torch.no_grad():
        z, noise = trained.to_latent(test_x), torch.randn(100, 256, generator=torch.Generator().manual_seed(0))
        fine = trained.quantize(trained.from_latent(torch.cat([noise[:, :128], z[:, 128:]], 1)))
        coarse = trained.quantize(trained.from_latent(torch.cat([z[:, :128], noise[:, 128:]], 1)))
        dequantized = trained.to_latent(trained.dequantize(test_x))
    lost = [(part - test_x).abs().float().mean().item() for part in (fine, coarse)]
    assert lost[0] < 0.5 * lost[1], "with half of the steps"
    for part in dequantized.chunk(2, 1):
        assert 0.8 < part.square().mean() < 1.25


def test_the_bits_of_the_scales_add_up_and_the_fine_one_costs_more(trained, letters):
    *before, last = trained.bijection.layers
    normal = Normal(0.0, 1.0)
    with torch.no_grad():
        reals = trained.dequantize(letters[3][:300])
        h, units = Compose(*before)(reals)
        goes_on, leaves = h.chunk(2, 1)
        r, t = last.expect.net(goes_on).chunk(2, 1)
        s = 2 * torch.tanh(r / 2)
        fine = Normal(-t * (-s).exp(), (-s).exp()).log_prob(leaves).sum((1, 2, 3))  # as (6.1) has it
        coarse, inside = last.rest(goes_on)
        coarse = normal.log_prob(coarse).sum(1) + inside
        whole = trained.log_prob(reals)
    assert torch.allclose(units + fine + coarse, whole, atol=0.01)
    assert fine.mean() < coarse.mean() - 10, "in nats; a density that is lower costs more"


def test_a_walk_in_latent_space_has_less_grey_than_pixels_that_fade(trained, letters):
    a, b = letters[3][:100], letters[3][100:200]
    torch.manual_seed(0)
    with torch.no_grad():
        z_a, z_b = (trained.to_latent(trained.dequantize(part)) for part in (a, b))
        straight = (z_a + z_b) / 2
        on_shell = straight * ((z_a.norm(dim=1) + z_b.norm(dim=1)) / 2 / straight.norm(dim=1))[:, None]
        halfway = {"letters": letters[3][:200], "pixels": ((a + b) / 2).round().long()}
        halfway |= {
            name: trained.quantize(trained.from_latent(z))
            for name, z in {"straight": straight, "shell": on_shell}.items()
        }
        log_p = {name: trained.elbo(pictures).mean() for name, pictures in halfway.items()}
    grey = {name: ((pictures > 3) & (pictures < 12)).float().mean() for name, pictures in halfway.items()}
    assert grey["shell"] < grey["straight"] < grey["pixels"] - 0.02
    assert grey["shell"] < grey["letters"] + 0.01, "no more than letters have"
    assert log_p["straight"] > max(log_p["pixels"], log_p["shell"]) + 5, "the likeliest of the three"
    assert straight.square().sum(1).mean() < 0.6 * z_a.square().sum(1).mean()


def test_learned_noise_tightens_the_bound_of_a_flow_that_stays_as_it_is(trained, letters):
    before = {name: p.clone() for name, p in trained.named_parameters()}

    def bits():
        torch.manual_seed(0)
        with torch.no_grad():
            return metrics.bits_per_dim(trained.elbo(letters[3][:200]).mean(), SHAPE).item()

    uniform = bits()
    trained.requires_grad_(False)
    trained.noise = VariationalDequantize(SHAPE, 16, depth=2, channels=16)
    try:
        fit(trained, letters[2], steps=50, batch_size=32, lr=1e-2, warmup=0, bar=False)
        assert bits() < uniform - 0.03
        assert all(torch.equal(before[name], p) for name, p in trained.named_parameters() if name in before)
    finally:
        trained.noise = None
        trained.eval()


def test_training_sorts_what_is_seen_into_one_half(trained, letters, request):
    x, few, losses = letters[2], letters[3][:100], {}
    torch.manual_seed(request.node.callspec.params["trained"])
    untrained = Glow(SHAPE, levels=16, scales=2, depth=3, channels=32).eval()
    untrained.initialise(x[:64])
    noise = torch.randn(100, 256, generator=torch.Generator().manual_seed(0))
    for name, flow in {"trained": trained, "untrained": untrained}.items():
        with torch.no_grad():
            z = flow.to_latent(few)
            fine = flow.quantize(flow.from_latent(torch.cat([noise[:, :128], z[:, 128:]], 1)))
            coarse = flow.quantize(flow.from_latent(torch.cat([z[:, :128], noise[:, 128:]], 1)))
        losses[name] = [error_of(part / 15, few / 15) for part in (fine, coarse)]
    assert losses["trained"][1] > 1.6 * losses["trained"][0]
    assert losses["untrained"][1] < 1.4 * losses["untrained"][0]


# Edits ----------------------------------------------------------------------------------------------------------------


def error_of(pictures, truth):
    return (pictures - truth).square().mean().sqrt().item()


def test_thickness_is_the_flows_and_slant_the_vaes(trained, other, letters):
    train, test, x, test_x = letters
    n = 100
    with torch.no_grad():
        codes = {
            "flow": (trained.to_latent(x), trained.to_latent(test_x[:n])),
            "vae": (other.encode(x / 15).mean, other.encode(test_x[:n] / 15).mean),
        }
        codes["pixels"] = x.flatten(1) / 15, test_x[:n].flatten(1) / 15
        back = {
            "pixels": lambda z: z.clamp(0, 1).view(-1, *SHAPE),
            "flow": lambda z: trained.quantize(trained.from_latent(z)) / 15,
            "vae": lambda z: other.decode(z).mean,
        }
        for factor, low, high, best in (("thickness", 0.2, 1.8, "flow"), ("slant", -0.3, 0.3, "vae")):
            now, values = test.factors[factor][:n], train.factors[factor] - train.factors[factor].mean()
            goal = torch.where(now < (low + high) / 2, high, low)
            truth, found = small(redrawn(test, **{factor: goal})) / 15, {}
            for name, (known, mine) in codes.items():
                slope = values @ known / values.square().sum()
                edited = back[name](mine + (goal - now)[:, None] * slope)
                found[name] = error_of(edited, truth)
                if name == "vae":
                    of_truth = back[name](other.encode(truth).mean)
                    alone = error_of(edited, of_truth)
                    assert error_of(of_truth, truth) > 0.06, "it errs before anything is edited"
            if factor == "thickness":
                assert found["flow"] < 0.95 * found["pixels"]
                assert alone < found["flow"], "its directions are not the worse ones"
            else:
                assert abs(found["flow"] - found["pixels"]) < 0.02, "the latent space adds nothing to pixels"
            untouched = error_of(test_x[:n] / 15, truth)
            assert max(found.values()) < untouched
            assert min(found, key=found.get) == best, found
            if factor == "slant":
                assert min(found.values()) > 0.5 * untouched, "both leave much"


def test_errors_of_three_edits_do_not_add_up_and_the_flows_grows_faster(trained, other, letters):
    train, test, x, _ = letters
    middle = {"thickness": 1.0, "slant": 0.0, "size": 16.5}
    far = {"thickness": 2.0, "slant": 0.3, "size": 18.0}

    def true(values):
        return small(redrawn(test, **{f: torch.full((6,), v) for f, v in values.items()}))

    with torch.no_grad():
        models = {
            "flow": (trained.to_latent, lambda z: trained.quantize(trained.from_latent(z)) / 15),
            "vae": (lambda v: other.encode(v / 15).mean, lambda z: other.decode(z).mean),
        }
        off = {}
        for name, (to_latent, back) in models.items():
            known, z = to_latent(x), to_latent(true(middle))
            steps = {}
            for factor in far:
                values = train.factors[factor] - train.factors[factor].mean()
                steps[factor] = (far[factor] - middle[factor]) * (values @ known) / values.square().sum()
            for names in (("thickness",), ("slant",), ("size",), tuple(far), ()):
                edited = back(z + sum((steps[f] for f in names), torch.zeros(1)))
                off[name, names] = error_of(edited, true(middle | {f: far[f] for f in names}) / 15)
    for name in models:
        single = [off[name, (factor,)] for factor in far]
        assert off[name, tuple(far)] < 0.85 * sum(single)
        assert off[name, tuple(far)] == pytest.approx(math.hypot(*single), rel=0.2)
    assert off["flow", ()] == 0
    assert off["flow", ("slant",)] > off["vae", ("slant",)] > off["vae", ()]


# What likelihood does not know ----------------------------------------------------------------------------------------


def test_what_is_simple_is_likely_and_typicality_sees_a_part_of_it(trained, letters):
    x, test_x = letters[2], letters[3][:200]
    thin = data.glyphs(400, classes="1ILT", fonts=("DejaVuSans",), ranges=RANGES | {"thickness": (0, 0)})[0]
    kinds = {
        "letters": test_x,
        "thin": small(thin.x)[:200],
        "hand": F.pad(data.digits()[1].x[:200].clamp(max=15), (4, 4, 4, 4)),
        "paper": torch.zeros(100, *SHAPE, dtype=torch.long),
        "white": 15 - test_x,
        "turned": test_x[torch.tensor([letters[1].class_names[k] != "H" for k in letters[1].y[:200]])].flip(2).flip(3),
    }
    torch.manual_seed(0)
    with torch.no_grad():
        noisy = {name: trained.dequantize(part) for name, part in kinds.items()}
        log_p = {name: trained.log_prob(part) for name, part in noisy.items()}
        squares = {name: trained.to_latent(part).square().sum(1) for name, part in noisy.items()}
        noisy_x = trained.dequantize(x[:1000])
        known, usual = trained.log_prob(noisy_x), trained.to_latent(noisy_x).square().sum(1)
    means = {name: values.mean() for name, values in log_p.items()}
    assert log_p["paper"].min() > log_p["letters"].max()
    assert means["paper"] > means["letters"] + 70
    assert means["thin"] > means["letters"] + 10
    assert means["hand"] > means["letters"] - log_p["letters"].std()
    assert means["white"] < means["letters"] - 1000
    assert -50 < means["turned"] - means["letters"] < -10
    assert abs(squares["letters"].mean() - 256) < 40
    assert abs(squares["paper"].mean() - usual.mean()) < 2 * usual.std(), "within the shell"
    by_gaussian = (squares["letters"].mean() - squares["paper"].mean()) / 2
    assert by_gaussian < 0.3 * (means["paper"] - means["letters"]), "most is the log-determinant's"
    edges = sum(test_x.diff(dim=d).abs().float().mean((1, 2, 3)) for d in (2, 3))
    for values in (test_x.float().mean((1, 2, 3)), edges):
        assert torch.corrcoef(torch.stack([values, log_p["letters"]]))[0, 1] < -0.25
    foreign = {name: ((v - known.mean()).abs() > 3 * known.std()).float().mean() for name, v in log_p.items()}
    assert foreign["paper"] > 0.9
    assert (log_p["paper"] < known.mean()).sum() == 0, "a test for low likelihood alone passes it"
    assert foreign["letters"] < 0.05
    assert foreign["hand"] < 0.2
    by_length = {n: ((v - usual.mean()).abs() > 3 * usual.std()).float().mean() for n, v in squares.items()}
    assert 0.05 < by_length["hand"] < 0.9, "part of the handwriting"
    assert by_length["paper"] < 0.1
    assert max(by_length["thin"], foreign["thin"]) < 0.3, "next to nothing of the thin strokes"


# Flows in a VAE, and the loss that forgets ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_flow_prior_gains_nats_and_an_iaf_posterior_nothing(letters, seed):
    black, test_black = ((part > 7).long() for part in letters[2:])
    found, from_prior, distortion, rate = {}, {}, {}, {}
    for name, make in {
        "plain": lambda: vae.VAE(SHAPE, 8, hidden=128),
        "prior": lambda: FlowPriorVAE(SHAPE, 8, couplings=4, units=32, hidden=128),
        "posterior": lambda: IAFVAE(SHAPE, 8, steps=2, units=32, hidden=128),
    }.items():
        torch.manual_seed(seed)
        model = make()
        fit(model, black, steps=300, lr=3e-3, seed=seed, bar=False)
        model.eval()
        with torch.no_grad():
            found[name] = -torch.stack([model.elbo(test_black).mean() for _ in range(3)]).mean().item()
            q, few = model.encode(test_black[:200]), 200
            z = q.rsample()
            log_bar = torch.stack([q.log_prob(z[i].expand_as(z)) for i in range(few)]).logsumexp(1) - math.log(few)
            from_prior[name] = (log_bar - model.log_prior(z)).mean().item()
            rate[name] = (q.log_prob(z) - model.log_prior(z)).mean().item()
            distortion[name] = -model.decode(z).log_prob(test_black[:200].float()).mean().item()
    gain = found["plain"] - found["prior"]
    assert distortion["plain"] - distortion["prior"] > 0.6 * gain
    assert abs(rate["plain"] - rate["prior"]) < 1, "the sum of both parts, which has no cap"
    assert gain > 1
    assert from_prior["plain"] - from_prior["prior"] < 0.7 * gain, "the larger part is distortion"
    assert found["posterior"] > found["plain"] - 0.3, "the IAF gains nothing"


class Forgetful(Glow):
    def loss(self, x, y=None):
        z, log_det = self.bijection(self.dequantize(x))
        return {"loss": -(Normal(0.0, 1.0).log_prob(z[:, 128:]).sum(1) + log_det).mean()}


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_without_what_leaves_falls_below_nothing(letters, seed):
    torch.manual_seed(seed)
    model = Forgetful(SHAPE, levels=16, depth=2, channels=16)
    losses = fit(model, letters[2], steps=100, batch_size=32, lr=1e-2, schedule="constant", seed=seed, bar=False)[
        "loss"
    ]
    assert losses[0] > 0 > losses[-1]
    with torch.no_grad():
        fine = model.to_latent(model.dequantize(letters[3][:100]))[:, :128]
    assert fine.square().mean() > 5


@pytest.mark.parametrize("seed", range(3))
def test_waveglow_beats_white_noise_and_is_loud_in_about_the_bands_that_were_asked_for(seed):
    """By two thirds of the lecture's steps."""
    train, test = data.vowels(300)
    torch.manual_seed(seed)
    model = WaveGlow((1, 2048), condition=Images((1, 20, 32)), vector=16, early=None)
    fit(model, (train.x, (mel_spectrogram(train.x) + 4) / 2), steps=100, batch_size=8, lr=8e-3, seed=seed, bar=False)
    few, kinds = test.x[:20], test.y[:20]
    given = (mel_spectrogram(few) + 4) / 2
    with torch.no_grad():
        nats = -model.log_prob(few, given).mean() / 2048
        torch.manual_seed(0)
        spoken = mel_spectrogram(model.sample(20, given, temperature=0.8))
    assert nats < -Normal(few.mean(), few.std()).log_prob(few).mean() - 1
    said, meant = (sounds[:, 0].mean(2) for sounds in (spoken, mel_spectrogram(few)))  # (20, bands): over time
    apart = torch.cdist(said, meant) / 20**0.5  # log-loudness, root mean square over the bands
    assert apart.diag().mean() < apart[kinds[:, None] != kinds].mean() - 0.08


def test_wavenet_is_loud_in_about_the_bands_that_were_asked_for_and_slow():
    test = data.vowels(300)[1]
    few, kinds, model = test.x[:5], test.y[:5], pretrained.load("wavenet_vowels")
    given, level = (mel_spectrogram(few) + 4) / 2, quantise(few, 64)
    wide = waveform(level + 0.5, 64) - waveform(level - 0.5, 64)
    with torch.no_grad():
        nats = -(model.log_prob(level, given) - wide.log().sum((1, 2))).mean() / 2048
    assert FLOOR < nats < -Normal(few.mean(), few.std()).log_prob(few).mean() - 1
    torch.manual_seed(0)
    start = time.process_time()
    spoken = waveform(model.sample(5, given, temperature=0.8), 64)
    assert time.process_time() - start > 2048 / SAMPLE_RATE, "slower than it sounds"
    said, meant = (sounds[:, 0].mean(2) for sounds in (mel_spectrogram(spoken), mel_spectrogram(few)))
    apart = torch.cdist(said, meant) / 20**0.5
    assert apart.diag().mean() < apart[kinds[:, None] != kinds].mean() - 0.15
