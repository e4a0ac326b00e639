"""The GAN: hand-computed losses and penalties, the proof's quantities, two players that don't leak, eight modes."""

import math

import pytest
import torch
from torch import nn

from genlib import data, metrics
from genlib.condition import Images, Labels, Tokens
from genlib.gan import (
    GAN,
    KINDS,
    R1,
    GradientPenalty,
    InstanceNoise,
    WeightClip,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    jensen_shannon,
    kl,
    optimal_discriminator,
    r1,
    value,
    wasserstein_1d,
)
from genlib.nets import mlp
from genlib.training import fit
from tests import contracts

REAL, FAKE = torch.tensor([0.0, 2.0], dtype=torch.float64), torch.tensor([-1.0, 0.5], dtype=torch.float64)
D = {a: 1 / (1 + math.exp(-a)) for a in (0.0, 2.0, -1.0, 0.5)}
BY_HAND = {
    "minimax": (
        -(math.log(D[0.0]) + math.log(D[2.0])) / 2 - (math.log(1 - D[-1.0]) + math.log(1 - D[0.5])) / 2,
        (math.log(1 - D[-1.0]) + math.log(1 - D[0.5])) / 2,
    ),
    "non-saturating": (
        -(math.log(D[0.0]) + math.log(D[2.0])) / 2 - (math.log(1 - D[-1.0]) + math.log(1 - D[0.5])) / 2,
        -(math.log(D[-1.0]) + math.log(D[0.5])) / 2,
    ),
    "least-squares": ((1 + 1) / 4 + (1 + 0.25) / 4, (4 + 0.25) / 4),
    "wasserstein": (-0.25 - 1.0, 0.25),
    "hinge": ((1 + 0) / 2 + (0 + 1.5) / 2, 0.25),
}


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_what_one_computes_by_hand(kind):
    judge, maker = BY_HAND[kind]
    assert discriminator_loss(REAL, FAKE, kind).item() == pytest.approx(judge)
    assert generator_loss(FAKE, kind).item() == pytest.approx(maker)


def test_at_a_sure_discriminator_minimax_is_flat_and_the_others_are_not():
    slopes = {}
    for kind in KINDS:
        logit = torch.tensor([-12.0], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(generator_loss(logit, kind), logit)
        slopes[kind] = slope.item()
    assert slopes["minimax"] == pytest.approx(-1 / (1 + math.exp(12)))
    assert slopes["non-saturating"] == pytest.approx(-1, abs=1e-5)
    assert slopes["wasserstein"] == slopes["hinge"] == -1
    assert slopes["least-squares"] == -13


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(logit):
    for kind in KINDS:
        a = torch.tensor([logit])
        assert discriminator_loss(a, a, kind).isfinite()
        assert generator_loss(a, kind).isfinite()


def test_penalties_of_a_linear_critic():
    w = torch.tensor([3.0, -4.0], dtype=torch.float64)
    critic = lambda x: x @ w + 7  # noqa: E731
    x, z = torch.randn(50, 2, dtype=torch.float64), torch.randn(50, 2, dtype=torch.float64)
    assert gradient_penalty(critic, x, z).item() == pytest.approx((5 - 1) ** 2)
    assert r1(critic, x).item() == pytest.approx(25 / 2)


def test_the_gradient_penalty_looks_between_and_r1_at_the_data():
    square = lambda x: (x**2).sum(1) / 2  # the slope at x is x  # noqa: E731
    real, fake = torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    assert gradient_penalty(square, real, fake, uniforms=torch.tensor([0.25])).item() == pytest.approx(0.25)  # at 1.5
    assert r1(square, real).item() == pytest.approx(4.5)


def test_penalties_train_the_critic_and_nothing_else():
    critic = mlp(2, 1, hidden=8)
    real, fake = torch.randn(6, 2), torch.randn(6, 2, requires_grad=True)
    gradient_penalty(lambda x: critic(x)[:, 0], real, fake).backward()
    assert fake.grad is None
    assert all(p.grad is not None for p in list(critic.parameters())[:-1])


def test_a_limit_of_the_weights_is_enforced_after_a_step_and_adds_no_penalty():
    net = nn.Linear(30, 30)
    inside = net.weight.abs() < 0.01
    kept = net.weight[inside].clone()
    clip = WeightClip(0.01)
    clip.after_step(net.parameters())
    assert largest(net) == pytest.approx(0.01)
    assert torch.equal(net.weight[inside], kept)
    assert clip.penalty(net, REAL, FAKE) is None
    for wrong, how in ((WeightClip, 0.0), (R1, -1.0), (GradientPenalty, math.nan), (InstanceNoise, -0.1)):
        with pytest.raises(ValueError, match=f"{how}"):
            wrong(how)


def largest(net):
    return max(p.abs().max().item() for p in net.parameters())


# The proof's quantities -----------------------------------------------------------------------------------------------

P = torch.tensor([0.5, 0.25, 0.25, 0.0], dtype=torch.float64)
Q = torch.tensor([0.25, 0.25, 0.0, 0.5], dtype=torch.float64)


def test_no_discriminator_beats_the_optimal_one():
    best = optimal_discriminator(P, Q)
    assert torch.equal(best, torch.tensor([2 / 3, 0.5, 1.0, 0.0], dtype=torch.float64))
    g = torch.Generator().manual_seed(0)
    for _ in range(200):
        other = (best + 0.2 * torch.randn(4, generator=g, dtype=torch.float64)).clamp(1e-9, 1 - 1e-9)
        assert value(P, Q, other) < value(P, Q, best)
    assert optimal_discriminator(torch.zeros(2), torch.zeros(2)).tolist() == [0.5, 0.5]


def test_value_at_the_optimum_is_the_jensen_shannon_divergence():
    at_best = value(P, Q, optimal_discriminator(P, Q))
    assert at_best.item() == pytest.approx(-math.log(4) + 2 * jensen_shannon(P, Q).item())
    assert jensen_shannon(P, P).item() == 0
    far = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert jensen_shannon(*far).item() == pytest.approx(math.log(2))
    assert kl(*far).item() == math.inf


def normal(x, mean, sigma):
    return (-((x - mean) ** 2) / (2 * sigma**2)).exp() / (sigma * math.sqrt(2 * math.pi))


def test_quadrature_weights_make_sums_of_densities():
    x = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    p, q, w = normal(x, 0, 1), normal(x, 1, 1.5), x[1] - x[0]
    exact = math.log(1.5) + (1 + 1) / (2 * 1.5**2) - 0.5  # KL of two Gaussians
    assert kl(p, q, w).item() == pytest.approx(exact, abs=1e-9)
    assert value(p, q, optimal_discriminator(p, q), w).item() == pytest.approx(
        -math.log(4) + 2 * jensen_shannon(p, q, w).item(), abs=1e-9
    )


def test_a_trained_discriminator_finds_the_formula():
    """Trained on quadrature weights, D is within 0.01 of D* where there is density, and V within 1e-3."""
    torch.manual_seed(0)
    x = torch.linspace(-7, 7, 701, dtype=torch.float64)[:, None]
    p, q, w = normal(x, -1, 0.8), normal(x, 1.2, 1.1), x[1, 0] - x[0, 0]
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=400, line_search_fn="strong_wolfe", tolerance_change=1e-12)

    def minus_v():
        optimizer.zero_grad()
        logit = net(x)
        loss = ((p * nn.functional.softplus(-logit) + q * nn.functional.softplus(logit)) * w).sum()
        loss.backward()
        return loss

    optimizer.step(minus_v)
    D, best = net(x).sigmoid().detach(), optimal_discriminator(p, q)
    there = (p + q) > 1e-3 * (p + q).max()
    assert (D - best)[there].abs().max() < 0.01
    assert abs(value(p, q, D, w) - value(p, q, best, w)) < 1e-3


def test_wasserstein_on_a_line():
    x = torch.tensor([0.0, 3.0, 1.0])
    assert wasserstein_1d(x, x[[2, 0, 1]] + 5).item() == 5
    assert wasserstein_1d(x, torch.tensor([1.0, 1.0, 2.0])).item() == pytest.approx((1 + 0 + 1) / 3)
    with pytest.raises(ValueError, match="same size"):
        wasserstein_1d(x, x[:2])


# The model ------------------------------------------------------------------------------------------------------------


def models():
    torch.manual_seed(0)
    integers = torch.randint(17, (6, 1, 8, 8))
    labels = torch.randint(3, (6,))
    return {
        "points": (GAN((2,), hidden=16), torch.randn(6, 2), None),
        "r1": (GAN((2,), hidden=16, regulariser=R1(), noise=0.1), torch.randn(6, 2), None),
        "wasserstein": (
            GAN((2,), hidden=16, loss="wasserstein", regulariser=GradientPenalty(1)),
            torch.randn(6, 2),
            None,
        ),
        "digits": (GAN((1, 8, 8), latent=4, hidden=16, levels=17, classes=3, spectral=True), integers, labels),
        "convolutional": (
            GAN((1, 8, 8), latent=4, network="conv", channels=4, levels=17, spectral=True),
            integers,
            None,
        ),
        "sentences": (GAN((2,), hidden=16, condition=Tokens(3, 7)), torch.randn(6, 2), torch.randint(7, (6, 3))),
        "pictures": (GAN((2,), hidden=16, condition=Images((1, 3, 3))), torch.randn(6, 2), torch.randn(6, 1, 3, 3)),
    }


NAMES = list(models())


@pytest.mark.parametrize("name", NAMES)
def test_contracts(name):
    model, x, y = models()[name]
    if model.condition is None or model.classes is not None:  # nobody can draw a sentence
        contracts.same_seed_same_result(model)
        contracts.refuses_bad_input(model, x, y)
    if name not in ("wasserstein", "digits", "convolutional"):  # its last bias cancels; spectral norm: the next test
        contracts.gradients_reach_every_parameter(model, x, y)


@pytest.mark.parametrize("name", ["digits", "convolutional"])
def test_gradients_reach_every_parameter_under_spectral_norm_too(name):
    model, x, y = models()[name]
    for player in model.players():
        loss = player.loss(x, y)["loss"]
        for p, gradient in zip(player.parameters, torch.autograd.grad(loss, player.parameters), strict=True):
            assert gradient.isfinite().all(), p.shape
            assert gradient.any() or name == "convolutional", p.shape  # a residual block of the generator starts at 0


@pytest.mark.parametrize("name", NAMES)
def test_the_players_share_nothing_and_no_gradient_leaks(name):
    model, x, y = models()[name]
    judge, maker = model.players()
    assert not {id(p) for p in judge.parameters} & {id(p) for p in maker.parameters}
    assert len(judge.parameters) + len(maker.parameters) == len(list(model.parameters()))
    judge.loss(x, y)["loss"].backward()
    assert all(p.grad is None for p in maker.parameters), "the discriminator's loss moves the generator"
    assert any(p.grad.abs().sum() > 0 for p in judge.parameters)
    before = [p.detach().clone() for p in judge.parameters]
    optimizer = torch.optim.SGD(maker.parameters, lr=0.1)
    optimizer.zero_grad()
    maker.loss(x, y)["loss"].backward(inputs=list(maker.parameters))
    optimizer.step()
    assert all(torch.equal(p, b) for p, b in zip(judge.parameters, before, strict=True))


def test_samples_have_the_shape_and_the_levels_of_the_data():
    model, _, _ = models()["digits"]
    x = model.sample(50, torch.arange(50) % 3)
    assert x.shape == (50, 1, 8, 8)
    assert x.dtype == torch.long
    assert x.min() >= 0
    assert x.max() <= 16
    assert models()["points"][0].sample(5).shape == (5, 2)


@pytest.mark.parametrize("name", ["digits", "sentences", "pictures"])
def test_the_condition_matters_to_both_players(name):
    model, x, y = models()[name]
    z, other = torch.randn(6, model.latent), y.flip(0).roll(1, 0)
    assert not torch.equal(y, other)
    assert not torch.allclose(model.generate(z, y), model.generate(z, other))
    real = model.as_reals(x)
    assert not torch.allclose(model.discriminate(real, y), model.discriminate(real, other))


def test_of_the_logits_of_all_labels_that_of_the_label_counts():
    model, x, y = models()["digits"]
    model.eval()  # spectral norm stays as it is
    real = model.as_reals(x)
    logits = model.discriminator(real)
    assert logits.shape == (6, 3)
    assert torch.equal(model.discriminate(real, y), logits.gather(1, y[:, None])[:, 0])


def test_a_game_given_sentences_is_trained_and_asks_for_them():
    torch.manual_seed(0)
    model, _, _ = models()["sentences"]
    y = torch.randint(7, (6, 3))
    before = [p.detach().clone() for p in model.parameters()]
    for player in model.players():  # each player has an ear of its own, and trains it
        one_step(player, torch.randn(6, 2), y)
    assert all((p != b).any() for p, b in zip(model.parameters(), before, strict=True))
    assert model.sample(6, y).shape == (6, 2)
    with pytest.raises(ValueError, match=r"pass y, tokens \(n, 3\)"):
        model.sample(6)
    with pytest.raises(ValueError, match=r"y has shape \(6,\)"):
        model.sample(6, torch.zeros(6, dtype=torch.long))


def one_step(player, x, y=None):
    """One update of one player, as fit makes it."""
    optimizer = torch.optim.Adam(player.parameters, 0.05)
    optimizer.zero_grad()
    player.loss(x, y)["loss"].backward(inputs=list(player.parameters))
    optimizer.step()
    if player.after_step is not None:
        player.after_step()


def test_dequantized_data_fill_their_cells():
    model, x, _ = models()["convolutional"]
    reals = model.as_reals(x)
    assert torch.equal((reals * 17).floor().long(), x)
    assert (reals * 17 - x).std() > 0.2
    fake = (x / 16).requires_grad_()
    seen = model.as_seen(fake)  # a perfect generator's pictures look like data
    assert torch.equal((seen * 17).floor().long(), x)
    (slope,) = torch.autograd.grad(seen.sum(), fake)
    assert torch.allclose(slope, torch.tensor(16 / 17))


def test_truncation_draws_from_the_cut_off_normal():
    model = GAN((2,), latent=1, hidden=4)
    z = model.draw_latent(200_000, truncation=0.7, generator=torch.Generator().manual_seed(0))[:, 0]
    assert z.abs().max() <= 0.7
    inside = math.erf(0.7 / math.sqrt(2))
    variance = 1 - 2 * 0.7 * math.exp(-(0.7**2) / 2) / math.sqrt(2 * math.pi) / inside
    assert z.var().item() == pytest.approx(variance, rel=0.02)
    with pytest.raises(ValueError, match="truncation=0"):
        model.sample(3, truncation=0)


def test_settings_that_can_not_be_are_told():
    for wrong, message in (
        ({"loss": "wgan"}, "loss='wgan' is not one of minimax, non-saturating"),
        ({"updates": 0}, "updates=0"),
        ({"latent": 0}, "latent=0"),
        ({"network": "unet"}, "network='unet': choose"),
        ({"network": "conv"}, "takes pictures"),
        ({"noise": -1.0}, r"noise=-1\.0 must be at least 0"),
        ({"classes": 3, "condition": Labels(3)}, "pass one of the two"),
        ({"condition": Labels(3, missing=True)}, "labels that are missing"),
    ):
        with pytest.raises(ValueError, match=message):
            GAN((2,), **wrong)
    with pytest.raises(ValueError, match=r"z has shape \(3, 5\); it must be \(B, 2\)"):
        GAN((2,)).generate(torch.randn(3, 5))
    with pytest.raises(ValueError, match="loss='other' is not one of"):
        generator_loss(FAKE, "other")


def test_own_networks_play_too():
    judge = nn.Sequential(nn.Flatten(), nn.Linear(4, 5))
    maker = nn.Sequential(nn.Linear(3 + 5, 4), nn.Unflatten(1, (1, 2, 2)))
    model = GAN((1, 2, 2), latent=3, classes=5, generator=maker, discriminator=judge)
    assert model.generator is maker
    assert model.discriminator is judge
    contracts.gradients_reach_every_parameter(model, torch.randn(10, 1, 2, 2), torch.arange(10) % 5)


def test_turns_rates_noise_and_averaging_within_fit():
    torch.manual_seed(0)
    gan = GAN((2,), hidden=8, updates=3, lr_generator=1e-4, lr_discriminator=2e-4, noise=0.5)
    calls = {"discriminator": 0, "generator": 0}
    for name in calls:
        inner = getattr(gan, f"{name}_loss")

        def counted(x, y=None, name=name, inner=inner):
            calls[name] += 1
            return inner(x, y)

        setattr(gan, f"{name}_loss", counted)
    assert [player.lr for player in gan.players()] == [2e-4, 1e-4]
    points = torch.randn(300, 2)
    fade = gan.noise.anneal(10)
    history = fit(gan, points, steps=20, batch_size=32, ema=0.9, callback=fade, callback_every=1, bar=False)
    assert calls == {"discriminator": 60, "generator": 20}
    assert gan.noise.std.item() == 0
    averaged, last = history.averaged.generator[0].weight, gan.generator[0].weight
    assert not torch.equal(averaged, last)
    assert (averaged - last).abs().max() < 0.01
    assert any("penalty" in name or "real" in name for name in history.train)


def watched(gan):
    """The largest weight of the discriminator each time that the generator's turn comes, noted in a list."""
    met, inner = [], gan.generator_loss

    def looking(x, y=None):
        met.append(largest(gan.discriminator))
        return inner(x, y)

    gan.generator_loss = looking
    return met


def test_the_generator_meets_a_clipped_critic():
    """By a loop of our own: each player's turns, and what it does after each step."""
    torch.manual_seed(0)
    gan = GAN((2,), hidden=16, loss="wasserstein", regulariser=WeightClip(0.01), updates=2)
    met, players = watched(gan), gan.players()
    assert largest(gan.discriminator) > 0.1
    for _ in range(5):
        for player in players:
            for _ in range(player.updates):
                one_step(player, torch.randn(32, 2))
    assert len(met) == 5
    assert max(met) <= 0.01
    assert largest(gan.discriminator) <= 0.01
    assert largest(gan.generator) > 0.1  # the limit is the critic's alone


def test_fit_clips_after_each_step():
    torch.manual_seed(0)
    gan = GAN((2,), hidden=16, loss="wasserstein", regulariser=WeightClip(0.01), updates=2)
    met = watched(gan)
    fit(gan, torch.randn(300, 2), steps=20, batch_size=32, lr=1e-2, bar=False)
    assert len(met) == 20
    assert max(met) <= 0.01
    assert largest(gan.discriminator) <= 0.01


def test_instance_noise_blurs_in_training_only():
    noise, x = InstanceNoise(0.5), torch.zeros(10_000, 2)
    assert noise(x).std().item() == pytest.approx(0.5, rel=0.05)
    assert torch.equal(noise.eval()(x), x)
    fade = noise.anneal(10)
    fade(4, None)
    assert noise.std.item() == pytest.approx(0.3)
    fade(12, None)
    assert noise.std.item() == 0
    assert noise.state_dict()["std"] == 0  # a run that goes on knows how far it has faded


def test_spectral_norm_keeps_the_critic_from_stretching():
    torch.manual_seed(0)
    gan = GAN((2,), hidden=32, spectral=True)
    for _ in range(60):
        gan.discriminator(torch.randn(4, 2))  # power iteration goes on while it is used
    gan.eval()
    a, b = torch.randn(500, 2), torch.randn(500, 2)
    change = (gan.discriminate(a) - gan.discriminate(b)).abs() / (a - b).norm(dim=1)
    assert change.max() <= 1.01


@pytest.mark.parametrize("seed", [0, 1])
def test_the_recommended_recipe_covers_eight_modes(seed):
    train = data.toy("eight_gaussians", n=20_000)
    torch.manual_seed(seed)
    gan = GAN((2,), regulariser=R1(0.1))
    adam = lambda parameters, lr: torch.optim.Adam(parameters, lr, betas=(0.5, 0.99))  # noqa: E731
    fit(gan, train, steps=2000, batch_size=256, lr=1e-3, seed=seed, optimizer=adam, bar=False)
    centres, sigma = eight()
    found = metrics.mode_coverage(gan.sample(2000, generator=torch.Generator().manual_seed(0)), centres, sigma)
    assert found.modes == 8
    assert found.share > 0.5


def eight():  # data.toy("eight_gaussians")
    angle = torch.arange(8) * math.pi / 4
    return 2 * torch.stack([angle.cos(), angle.sin()], 1), 0.2
