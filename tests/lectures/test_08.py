"""Lecture 08: what it calls a bug is one, and what it concludes from its runs holds, over three seeds.

Of what the lecture loads, the first run is the stored one and the other two are trained here, by fewer steps: what is
asserted shows early.
"""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib import data, metrics, pretrained
from genlib.course.exercises import lecture_08
from genlib.data import strokes
from genlib.data.glyphs import redrawn, small
from genlib.gan import (
    DCGAN,
    R1,
    CycleGAN,
    GradientPenalty,
    Regulariser,
    WeightClip,
    jensen_shannon,
    losses,
    spectrally_normalised,
)
from genlib.nets import mlp
from genlib.training import fit


def adam(parameters, lr):
    return torch.optim.Adam(parameters, lr=lr, betas=(0.5, 0.999))


def falling(progress):
    return min(1.0, 2 * (1 - progress))


HOW = {
    "batch_size": 64, "lr": 1e-3, "schedule": falling, "warmup": 0, "clip_norm": None, "optimizer": adam, "bar": False,
}  # fmt: skip


def run(name, seed, steps):
    """The run of a recipe with that seed: the stored one, or by fewer steps one that is trained here."""
    if seed == 0:
        return pretrained.load(name)
    known = pretrained.AVAILABLE[name]
    torch.manual_seed(seed)
    model, how = known.make(), pretrained.settings_of(known.stages[0]) | {"steps": steps, "seed": seed, "bar": False}
    history = fit(model, known.examples()[0], **how)
    return (history.averaged or model).eval()


@pytest.fixture(scope="module")
def characters():
    """(train, test), and the pictures of both."""
    train, test = data.numerals()
    return train, test, train.x, test.x


@pytest.fixture(scope="module", params=range(3))
def seed(request):
    return request.param


@pytest.fixture(scope="module")
def eye(seed):
    """The lecture's classifier, and two others."""
    return run("classifier_numerals", seed, 150).requires_grad_(False)


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1].item()


@pytest.fixture(scope="module")
def digits():
    train, test = data.digits()
    return train, test, pretrained.load("classifier_digits")


# What the exercises say -----------------------------------------------------------------------------------------------


def test_what_is_called_a_bug_is_one():
    """A: the length over channels asks for a slope of √(H W). B: a score depends on the others. E: the bias in n."""
    assert lecture_08.gan_bugs() == {"A": True, "B": True, "C": True, "D": False, "E": True, "F": True}
    slope = torch.ones(1, 1, 8, 8)  # of length 8
    assert (slope.norm(dim=1) - 1).square().mean() == 0
    assert (slope.flatten(1).norm(dim=1) - 1).square().mean() == 49
    critic = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 1))
    x = torch.randn(3, 1, 8, 8, requires_grad=True)
    (of_first,) = torch.autograd.grad(critic(x)[0].sum(), x)
    assert of_first[1:].abs().max() > 0, "the first picture's score has a slope at the others"
    a, b = (torch.randn(4000, 8, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    assert metrics.frechet_distance(a[:100], b) > 3 * metrics.frechet_distance(a[:2000], b)


def test_without_detach_d_learns_the_same():
    """D of gan_bugs: the gradients that reach D are equal."""
    torch.manual_seed(0)
    G, D, x, z = nn.Linear(3, 2), nn.Linear(2, 1), torch.randn(8, 2), torch.randn(8, 3)
    found = [
        torch.autograd.grad(losses.discriminator_loss(D(x), D(fake)), list(D.parameters()))
        for fake in (G(z), G(z).detach())
    ]
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_what_is_called_a_bug_of_codes_is_one():
    assert lecture_08.code_bugs() == {"A": True, "B": True, "C": True, "D": False, "E": True, "F": False}
    slope = torch.full((16, 1, 2, 2), 1 / 8)  # lengths of ¼ = 1/√16 each: the whole batch has the length 1
    assert (slope.norm() - 1) ** 2 == 0
    assert torch.rand(1000, 2).min() >= 0, "B: half of the range is never drawn"


# How to judge ---------------------------------------------------------------------------------------------------------


def test_each_number_sees_something_and_none_sees_everything(eye, characters):
    train, _, x, test_x = characters
    known, honest, label = eye.features(x[:500]), x[1000:1500], train.y

    def numbers(samples):
        f = eye.features(samples)
        to = (part[:500].flatten(1).float() for part in (x, test_x))
        return {
            "frechet": metrics.frechet_distance(f, known),
            "precision": metrics.precision_recall(known, f).precision,
            "recall": metrics.precision_recall(known, f).recall,
            "copied": metrics.copied(samples.flatten(1).float(), *to),
            "rarest": metrics.judged(samples, None, eye).classes.min().item(),
            "sharpness": metrics.sharpness(samples, span=15),
        }

    torch.manual_seed(0)
    places = torch.rand(500, 256).topk(10).indices
    first = torch.stack([x[label == k][0] for k in range(10)])
    fair = numbers(honest)
    found = {
        "copies": numbers(x[:500]),
        "no 7s": numbers(x[1000:][label[1000:] != 7][:500]),
        "blur": numbers(F.avg_pool2d(honest.float(), 3, 1, 1).round().long()),
        "specks": numbers(honest.flatten(1).scatter(1, places, 12).view_as(honest)),
        "one a class": numbers(first.repeat(50, 1, 1, 1)),
    }
    assert found["copies"]["frechet"] < 1e-3 < fair["frechet"]
    assert found["copies"]["precision"] == found["copies"]["recall"] == 1
    assert found["copies"]["copied"] == 1
    assert 0.4 < fair["copied"] < 0.6
    missing = found["no 7s"]
    assert missing["frechet"] > 2 * fair["frechet"]
    assert missing["recall"] < fair["recall"] - 0.03
    assert abs(missing["precision"] - fair["precision"]) < 0.03
    assert abs(missing["sharpness"] - fair["sharpness"]) < 0.03
    assert missing["rarest"] < 0.02 < fair["rarest"]
    for name, sign in (("blur", -1), ("specks", 1)):
        assert found[name]["precision"] < fair["precision"] - 0.1
        assert sign * (found[name]["sharpness"] - fair["sharpness"]) > 0.1
    single = found["one a class"]
    assert single["precision"] > 0.9
    assert single["recall"] < 0.2
    assert single["rarest"] > 0.05
    assert abs(single["sharpness"] - fair["sharpness"]) < 0.06


def test_the_distance_of_few_is_too_large_and_the_line_leads_below_it(eye, characters):
    x = characters[2]
    real, other = eye.features(x[:2000]), eye.features(x[2000:])
    few = sum(metrics.frechet_distance(part, real) for part in other.split(200)) / 10
    whole = metrics.frechet_distance(other, real)
    assert few > 2 * whole
    assert metrics.frechet_extrapolated(other, real, generator=torch.Generator().manual_seed(0)) < whole


def test_noise_costs_precision_and_raises_recall_and_missing_classes_cost_recall(eye, characters):
    train, _, x, _ = characters
    known, f = eye.features(x[:500]), eye.features(x[1000:1500])
    torch.manual_seed(0)
    noise = torch.randn_like(f) * f.std()
    clear, noisy = (metrics.precision_recall(known, f + s * noise) for s in (0, 0.2))
    assert noisy.precision < clear.precision - 0.3
    assert noisy.recall > clear.recall
    few = [metrics.precision_recall(known, eye.features(x[1000:][train.y[1000:] < k][:300])) for k in (10, 4, 1)]
    assert few[0].recall > few[1].recall > few[2].recall
    assert min(p.precision for p in few) > 0.85


# DCGAN ----------------------------------------------------------------------------------------------------------------


def test_dcgan_draws_all_classes_sharply_copies_nothing_and_few_would_pass(eye, seed, characters):
    """By fewer steps than in the lecture, another run with each of the classifiers."""
    _, _, x, test_x = characters
    torch.manual_seed(seed)
    model = DCGAN((1, 16, 16), 32, levels=16)
    early = model.sample(500)
    trained = fit(model, x, steps=300, ema=0.99, seed=seed, **HOW).averaged.eval()
    samples, known = trained.sample(500), eye.features(x[:500])
    assert metrics.frechet_distance(eye.features(samples), known) < 0.5 * metrics.frechet_distance(
        eye.features(early), known
    )
    found, honest = (metrics.precision_recall(known, eye.features(s)) for s in (samples, x[1000:1500]))
    assert found.precision < honest.precision - 0.3
    assert found.recall > 0.6
    assert metrics.judged(samples, None, eye).classes.min() > 0.005
    near = (part[:500].flatten(1).float() for part in (x, test_x))
    assert abs(metrics.copied(samples.flatten(1).float(), *near) - 0.5) < 0.1


def test_in_the_stored_runs_all_tricks_but_leaky_relu_carry():
    runs = pretrained.runs("dcgan_tricks")
    names = ["all five", *(trick["name"] for trick in runs["tricks"])]
    ends = {name: [run["frechet"][-1] for run in each] for name, each in zip(names, runs["runs"], strict=True)}
    every = ends.pop("all five")
    relu = ends.pop(next(name for name in ends if "Leaky" in name))
    assert sum(relu) < 1.1 * sum(every)
    assert len(ends) == 4
    for name, distances in ends.items():
        assert min(distances) > 1.75 * sum(every) / 3, name
    widest = max(ends, key=lambda name: max(ends[name]) - min(ends[name]))
    assert "batch" in widest


def test_kernels_that_the_stride_divides_lie_evenly():
    ones = torch.ones(1, 1, 20)
    for k, s in itertools.product(range(2, 7), (2, 3)):
        laid = F.conv_transpose1d(ones, ones[..., :k], stride=s)[0, 0, 8:30]
        assert (laid.min() == laid.max()) == (k % s == 0)


# Conditions -----------------------------------------------------------------------------------------------------------


def test_the_classifiers_term_drives_out_what_could_be_both():
    p = torch.tensor([[1 / 3, 1 / 6, 0.0], [0.0, 1 / 6, 1 / 3]])
    log_C, shares = (p / p.sum(0)).clamp(min=1e-6).log(), []
    for weight in (0, 0.2, 0.5, 1):
        free = torch.zeros(2, 3, requires_grad=True)
        optimizer = torch.optim.Adam([free], lr=0.05)
        for _ in range(400):
            q = free.softmax(1) / 2
            loss = 2 * jensen_shannon(p.sum(0), q.sum(0)) - weight * (q * log_C).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        shares.append(q.sum(0)[1].item())
    assert shares[0] == pytest.approx(1 / 3, abs=0.01)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.2


def test_acgan_is_judged_right_more_often_and_has_less_spread(digits, seed):
    _, test, reader = digits
    y, found = torch.arange(500) % 10, {}
    for name in ("cgan", "acgan"):
        torch.manual_seed(seed)
        samples = run(f"{name}_digits", seed, 300).sample(500, y)
        with torch.no_grad():
            found[name] = metrics.judged(samples, y, reader).right, metrics.spread(reader.features(samples), y)
    assert found["acgan"][0] >= found["cgan"][0] - 0.01, found
    assert found["acgan"][1] < 0.75 * found["cgan"][1], found
    with torch.no_grad():
        real = metrics.spread(reader.features(test.x), test.y)
    assert found["cgan"][1] > 1.3 * real, "some pictures are no digit"
    if seed == 0:  # the lecture's run
        assert found["acgan"][1] < 0.75 * real


# InfoGAN --------------------------------------------------------------------------------------------------------------


def test_infogans_categories_can_be_read_and_are_mostly_digits(digits, seed):
    reader = digits[2]
    model = run("infogan_digits", seed, 500)
    torch.manual_seed(seed)
    code = torch.arange(10).repeat_interleave(50)
    said = reader(model.sample(500, category=code)).argmax(1)
    counts = torch.zeros(10, 10).index_put((code, said), torch.tensor(1.0), accumulate=True)
    assert model.information() > 0.9 * math.log(10)
    assert counts.max(1).values.sum() / 500 > 0.4


# Moving earth ---------------------------------------------------------------------------------------------------------


def test_a_penalty_brings_the_critic_near_w1_and_clipping_does_not(seed):
    torch.manual_seed(seed)
    heap, fakes = 0.3 * torch.randn(2, 40, 2)
    fakes[:20, 0], fakes[20:, 0] = fakes[:20, 0] - 2, fakes[20:, 0] + 2

    def critic_of(limit, spectral=False):
        torch.manual_seed(seed)
        f = mlp(2, 1, hidden=64, layers=2, activation=lambda: nn.LeakyReLU(0.2))
        f = nn.Sequential(spectrally_normalised(f) if spectral else f, nn.Flatten(0))
        optimizer = torch.optim.Adam(f.parameters(), lr=2e-3, betas=(0.5, 0.9))
        for _ in range(300):
            loss, penalty = losses.difference(f(heap), f(fakes)), limit.penalty(f, heap, fakes)
            loss = loss if penalty is None else loss + limit.weight * penalty
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            limit.after_step(f.parameters())
        f.eval()
        between = torch.lerp(heap, fakes, torch.rand(40, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(f(between).sum(), between)
        return -losses.difference(f(heap), f(fakes)).item(), slope.norm(dim=1)

    exact = metrics.wasserstein(heap, fakes)
    by_penalty, slopes = critic_of(GradientPenalty(10.0))
    assert exact < by_penalty < 1.15 * exact
    assert 0.8 < slopes.mean() < 1.2
    assert critic_of(Regulariser())[0] > 100 * exact
    assert critic_of(WeightClip(0.01))[0] < 0.003 * exact
    by_norm, slopes = critic_of(Regulariser(), spectral=True)
    assert slopes.max() < 1.02
    assert by_norm < 0.7 * exact


# Cycles ---------------------------------------------------------------------------------------------------------------


def test_cyclegan_comes_most_of_the_way_to_the_rendered_truth_but_not_in_every_run(characters):
    """The run that the lecture loads, and two others of the whole recipe: of these one stays behind, or both do.

    Which, differs between machines: their first digits do, and the game makes much of little.
    """
    _, test, _, test_x = characters
    before = test.factors["thickness"][:200] < 0.7
    truth = small(redrawn(test, thickness=torch.full((200,), 2.45)))[before]
    start, ways, own = test_x[:200][before], [], []

    def off(pictures):
        return (pictures - truth).abs().float().mean().item()

    assert off(start) < off(truth.roll(1, 0))
    for seed in range(3):
        made = run("cyclegan_thin_bold", seed, 300).translate(start)
        nearest = torch.cdist(made.flatten(1).float(), truth.flatten(1).float()).argmin(1)
        ways.append(off(made) / off(start))
        own.append((nearest == torch.arange(len(truth))).float().mean().item())
    assert ways[0] < 0.35
    assert own[0] > 0.8, "here G leaves the form alone"
    assert max(ways) < 1, "nearer than doing nothing"
    assert not all(way < 0.45 and kept > 0.7 for way, kept in zip(ways, own, strict=True)), (ways, own)


def test_thickness_comes_back_from_all_bold_and_stands_in_plain_sight(characters):
    """The lecture's run: no hidden message was found."""
    _, test, _, test_x = characters
    model, drawn = pretrained.load("cyclegan_all_bold"), test.factors["thickness"][:400]
    torch.manual_seed(0)
    with torch.no_grad():
        there = model.forth(test_x[:400] / 7.5 - 1)
        kept = correlation(drawn, strokes.thickness((there + 1) / 2))
        back = {
            sigma: correlation(
                drawn, strokes.thickness((model.back((there + sigma * torch.randn_like(there)).clamp(-1, 1)) + 1) / 2)
            )
            for sigma in (0.0, 0.2)
        }
    assert back[0.0] > 0.7, "the thickness comes back"
    assert back[0.2] > back[0.0] - 0.1, "and bears noise"
    assert kept > 0.5, "G(x) keeps the order"


def test_heaps_go_to_heaps_by_permutations_that_chance_chose():
    turn = torch.tensor(
        [[math.cos(math.pi / 4), math.sin(math.pi / 4)], [-math.sin(math.pi / 4), math.cos(math.pi / 4)]]
    )
    heaps = torch.tensor([[1.5, 0.0], [0.0, 1.5], [-1.5, 0.0], [0.0, -1.5]])
    torch.manual_seed(0)
    at = torch.arange(2000) % 4
    X, Y = heaps[at] + 0.1 * torch.randn(2000, 2), (heaps[at] + 0.1 * torch.randn(2000, 2)) @ turn
    landed = set()
    for seed in range(3):
        torch.manual_seed(seed)
        model = CycleGAN((2,), network="mlp", loss="non-saturating", regulariser=R1(0.05))
        fit(model, (X, Y), steps=250, seed=seed, **HOW | {"batch_size": 128, "lr": 2e-3})
        landed.add(tuple(torch.cdist(model.translate(heaps), heaps @ turn).argmin(1).tolist()))
        assert (model.translate_back(model.translate(X)) - X).abs().mean() < 0.4
    assert len(landed) > 1


# CVAE-GAN -------------------------------------------------------------------------------------------------------------


def test_the_cvae_is_soft_and_the_cvae_gan_sharper(digits, seed):
    _, test, reader = digits
    y, found = torch.arange(500) % 10, {}
    for name in ("cvae", "cvaegan"):
        model = run(f"{name}_digits", seed, 200)
        torch.manual_seed(seed)
        samples = model.sample(500, y)
        found[name] = metrics.sharpness(samples, span=16), metrics.judged(samples, y, reader).right
    assert found["cvae"][0] < found["cvaegan"][0] - 0.03, found
    assert found["cvae"][0] < metrics.sharpness(test.x, span=16) - 0.05
    assert min(right for _, right in found.values()) > 0.9, found


def test_a_slant_can_be_measured(characters):
    """What the lecture measures of pictures follows the factor."""
    train, _, x, _ = characters
    assert correlation(strokes.slant(x[:500] / 15), train.factors["slant"][:500]) > 0.5


def test_infogans_values_can_be_read_and_lean_the_pictures_in_the_lectures_run(seed):
    model = run("infogan_fours", seed, 300)
    torch.manual_seed(seed)
    codes = 2 * torch.rand(500, 2) - 1
    slant = strokes.slant(model.sample(500, values=codes) / 15)
    most = max(abs(correlation(codes[:, k], slant)) for k in range(2))
    assert model.information() > 0.4
    assert 0.5 < most < 0.8 if seed == 0 else most < 0.5, most
