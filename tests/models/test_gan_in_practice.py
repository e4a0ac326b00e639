"""GANs in practice: how a discriminator is told, DCGAN, ACGAN, InfoGAN, CycleGAN, CVAE-GAN; by hand, and as they train.

The faults that must fail are those of public projects: penalties over channels or over a batch, BatchNorm in a critic,
the identity term on the wrong domain, codes that are swapped.
"""

import math

import pytest
import torch
from torch import nn

from genlib.gan import (
    ACGAN,
    DCGAN,
    GAN,
    JUDGES,
    R1,
    CycleGAN,
    FakeHistory,
    GradientPenalty,
    InfoGAN,
    WeightClip,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    judges,
)
from genlib.hybrid import CVAEGAN, mean_feature_distance
from genlib.training import fit
from tests import contracts

# How the discriminator is told, and what it is asked besides ----------------------------------------------------------

ANSWERS = torch.tensor([[0.5, 1.0, -2.0, 4.0], [0.1, 3.0, 5.0, -6.0]])
ASKED = torch.tensor([2, 0])


class Says(nn.Module):
    """A network that gives the same numbers whatever it sees, and notes what it saw."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = nn.Parameter(numbers.clone())

    def forward(self, x):
        self.seen = x
        return self.numbers[: len(x)]


@pytest.mark.parametrize(
    ("judge", "numbers", "by_hand"),
    [
        ("product", ANSWERS[:, 1:], [4.0, 3.0]),
        ("projection", ANSWERS, [4.5, 3.1]),
        ("concatenation", ANSWERS[:, :1], [0.5, 0.1]),
        ("blind", ANSWERS[:, :1], [0.5, 0.1]),
    ],
)
def test_the_four_judges_by_hand(judge, numbers, by_hand):
    net = Says(numbers)
    model = GAN((1, 2, 2), classes=3, judge=judge, hidden=4, discriminator=net)
    x = torch.rand(2, 1, 2, 2)
    assert model.discriminate(x, ASKED).tolist() == pytest.approx(by_hand)
    assert torch.equal(net.seen[:, :1], x)
    assert net.seen.shape == (2, 4 if judge == "concatenation" else 1, 2, 2)
    if judge == "concatenation":  # the label lies beside the picture, on planes of its own
        assert torch.equal(net.seen[:, 1:].mean((2, 3)), torch.eye(3)[ASKED])


@pytest.mark.parametrize("network", [{}, {"network": "conv", "channels": 4}, {"network": "dcgan", "channels": 4}])
@pytest.mark.parametrize("judge", JUDGES)
def test_every_judge_but_the_blind_one_sees_the_label(judge, network):
    torch.manual_seed(0)
    model = GAN((1, 8, 8), latent=3, levels=17, classes=3, judge=judge, **network)
    for p in model.parameters():
        p.data += 0.1 * torch.randn_like(p)  # residual blocks start at 0
    x, y = torch.rand(6, 1, 8, 8), torch.arange(6) % 3
    model.eval()
    same = torch.allclose(model.discriminate(x, y), model.discriminate(x, (y + 1) % 3))
    assert same == (judge == "blind")
    contracts.gradients_reach_every_parameter(model, torch.randint(17, (6, 1, 8, 8)), y)


def test_a_discriminator_that_answers_with_too_little_is_told():
    model = GAN((2,), classes=3, judge="projection", hidden=4, discriminator=nn.Linear(2, 3))
    with pytest.raises(ValueError, match=r"gave shape \(5, 3\); asked are \(B, 4\)"):
        model.discriminate(torch.rand(5, 2), torch.arange(5) % 3)
    with pytest.raises(ValueError, match="judge='inner' is not one of product, projection"):
        GAN((2,), classes=3, judge="inner")


def test_the_optimal_discriminator_is_a_projection_where_classes_are_log_linear():
    """Two Gaussians for each of two labels, exact densities: log p(x, y) / q(x, y) is a₀(x) + a_y(x), and a product
    alone, with an a_y for each label, can say the same: the shared number is what they have in common."""
    x = torch.linspace(-3, 3, 50, dtype=torch.float64)
    normal = torch.distributions.Normal
    real = torch.stack([normal(-1.0, 1.0).log_prob(x), normal(1.0, 1.0).log_prob(x)], 1) - math.log(2)
    fake = torch.stack([normal(-0.5, 1.0).log_prob(x), normal(0.5, 1.0).log_prob(x)], 1) - math.log(2)
    best = real - fake  # log D / (1 - D) of the optimal discriminator, (50, 2)
    shared = real.logsumexp(1) - fake.logsumexp(1)  # is it a good x at all?
    of_label = real.log_softmax(1) - fake.log_softmax(1)  # does it look like y?
    for y in (0, 1):
        told = judges.JUDGES["projection"].logit(torch.cat([shared[:, None], of_label], 1), one_hot(y, 50))
        assert torch.allclose(told, best[:, y])
        assert torch.allclose(judges.JUDGES["product"].logit(best, one_hot(y, 50)), best[:, y])
        assert not torch.allclose(judges.JUDGES["blind"].logit(shared[:, None], None), best[:, y])


def one_hot(y, n):
    return torch.eye(2, dtype=torch.float64)[y].expand(n, 2)


# DCGAN ----------------------------------------------------------------------------------------------------------------


def kinds(net):
    return [type(layer).__name__ for layer in net]


def test_dcgan_is_the_network_of_the_paper():
    torch.manual_seed(0)
    model = DCGAN((1, 28, 28), 32, levels=256)
    assert kinds(model.generator) == [
        *("Linear", "Unflatten", "BatchNorm2d", "ReLU", "ConvTranspose2d", "BatchNorm2d", "ReLU", "ConvTranspose2d"),
        *("Tanh", "Affine"),
    ]
    judge = ["Affine", "Conv2d", "LeakyReLU", "Conv2d", "BatchNorm2d", "LeakyReLU", "Flatten", "Linear"]
    assert kinds(model.discriminator) == judge
    assert [tuple(p.shape) for p in model.generator.parameters() if p.ndim > 1] == [
        (32 * 7 * 7, 32),
        (32, 16, 4, 4),
        (16, 1, 4, 4),
    ]
    for net in (model.generator, model.discriminator):
        first = next(p for p in net.parameters() if p.ndim > 1)
        assert first.std().item() == pytest.approx(0.02, rel=0.2)
    fake = model.generate(torch.randn(50, 32))
    assert fake.shape == (50, 1, 28, 28)
    assert 0 <= fake.min() < fake.max() <= 1
    assert model.discriminator[0](torch.tensor([0.0, 1.0])).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("trick", "player", "gone", "instead"),
    [
        ({"norm_generator": False}, "generator", "BatchNorm2d", "ReLU"),
        ({"norm_discriminator": False}, "discriminator", "BatchNorm2d", "LeakyReLU"),
        ({"regulariser": GradientPenalty()}, "discriminator", "BatchNorm2d", "LeakyReLU"),
        ({"spectral": True}, "discriminator", "BatchNorm2d", "LeakyReLU"),
        ({"resampling": "nearest"}, "generator", "ConvTranspose2d", "Upsample"),
        ({"resampling": "nearest"}, "discriminator", "BatchNorm1d", "AvgPool2d"),
        ({"activation": "tanh"}, "generator", "ReLU", "Tanh"),
        ({"tanh": False}, "generator", "Tanh", "ReLU"),
    ],
)
def test_each_trick_can_be_taken_away(trick, player, gone, instead):
    model = DCGAN((1, 8, 8), 4, levels=17, channels=4, **trick)
    found = kinds(getattr(model, player))
    assert gone not in found
    assert instead in found
    assert model.sample(3).shape == (3, 1, 8, 8)
    relu = DCGAN((1, 8, 8), 4, channels=4, slope=0.0).discriminator
    assert relu[1](torch.tensor([-2.0, 3.0])).tolist() == [0, 3]


def test_dcgan_tells_which_pictures_it_can_not_make():
    for wrong, words in (
        ({"shape": (1, 10, 10)}, "10x10 can't be halved 2 times"),
        ({"activation": "gelu"}, "activation='gelu' is not one of relu, tanh"),
        ({"resampling": "bicubic"}, "resampling='bicubic' is not one of stride, nearest"),
    ):
        with pytest.raises(ValueError, match=words):
            DCGAN(**{"shape": (1, 8, 8)} | wrong)
    with pytest.raises(ValueError, match="10x10 can't be halved"):
        GAN((1, 10, 10), network="dcgan")


def slopes_depend_on_others(model):
    """Whether the slope of the judge at one example changes when the other examples of the batch do."""
    x = torch.randn(8, *model.shape)
    other = torch.cat([x[:1], torch.randn(7, *model.shape)])
    slopes = []
    for batch in (x, other):
        batch = batch.requires_grad_()
        (slope,) = torch.autograd.grad(model.train().discriminate(batch)[0], batch)
        slopes.append(slope[0])
    return not torch.allclose(*slopes)


def test_a_penalty_of_slopes_gets_a_critic_that_judges_each_example_alone():
    """BatchNorm in the critic (Keras-GAN, issue 253): the slope at one picture would depend on all others."""
    torch.manual_seed(0)
    for how in ({"regulariser": GradientPenalty()}, {"regulariser": R1()}):
        assert not slopes_depend_on_others(DCGAN((1, 8, 8), 4, channels=4, **how))
        assert not slopes_depend_on_others(GAN((1, 8, 8), 4, network="dcgan", channels=4, **how))
    assert slopes_depend_on_others(DCGAN((1, 8, 8), 4, channels=4))


def test_the_penalty_is_one_norm_and_one_place_a_picture():
    """The faults that public projects had: the norm over channels only, one norm for the whole batch, one α a pixel."""
    torch.manual_seed(0)
    w = torch.randn(2, 4, 4, dtype=torch.float64)
    critic = lambda x: (x * w).sum((1, 2, 3))  # noqa: E731
    real, fake = torch.randn(2, 6, 2, 4, 4, dtype=torch.float64)
    assert gradient_penalty(critic, real, fake).item() == pytest.approx((w.norm().item() - 1) ** 2)
    over_channels = (w.norm(dim=0) - 1).square().mean()
    over_batch = (math.sqrt(6) * w.norm() - 1) ** 2
    assert abs(over_channels.item() - (w.norm().item() - 1) ** 2) > 0.1
    assert abs(over_batch.item() - (w.norm().item() - 1) ** 2) > 0.1
    seen = []

    def looking(x):
        seen.append(x.detach())
        return critic(x)

    gradient_penalty(looking, real, fake)
    place = ((seen[0] - fake) / (real - fake)).flatten(1)  # the u of each pixel
    assert torch.allclose(place, place[:, :1].expand_as(place), atol=1e-9)
    assert place[:, 0].std() > 0.05


# ACGAN ----------------------------------------------------------------------------------------------------------------


def acgan(**how):
    torch.manual_seed(0)
    return ACGAN((1, 4, 4), 3, levels=17, classes=3, hidden=8, **how)


def test_acgan_adds_the_same_cross_entropy_to_both_players():
    net = Says(ANSWERS)
    model = ACGAN((1, 2, 2), 3, classes=3, hidden=8, discriminator=net, weight=0.7)
    x = torch.rand(2, 1, 2, 2)
    nats = -(ANSWERS[:, 1:].log_softmax(1)[[0, 1], ASKED]).mean().item()
    judge, maker = (player.loss(x, ASKED) for player in model.players())
    logits = ANSWERS[:, 0]
    assert maker["classes"].item() == pytest.approx(nats)
    assert judge["classes"].item() == pytest.approx(2 * nats)  # of real and of generated ones
    assert maker["loss"].item() == pytest.approx(generator_loss(logits).item() + 0.7 * nats)
    assert judge["loss"].item() == pytest.approx(discriminator_loss(logits, logits).item() + 1.4 * nats)
    assert torch.equal(model.classify(x), ANSWERS[:, 1:])


def test_acgans_judge_does_not_see_the_label_unless_it_is_told():
    x, y = torch.rand(6, 1, 4, 4), torch.arange(6) % 3
    blind, told = acgan().eval(), acgan(judge="projection").eval()
    assert torch.equal(blind.discriminate(x, y), blind.discriminate(x, y.roll(1)))
    assert not torch.allclose(told.discriminate(x, y), told.discriminate(x, y.roll(1)))
    assert acgan().discriminator_features is None
    assert told.classify(torch.zeros(5, 1, 4, 4, dtype=torch.long)).shape == (5, 3)


# InfoGAN --------------------------------------------------------------------------------------------------------------


def infogan(**how):
    torch.manual_seed(0)
    return InfoGAN((2,), 4, hidden=16, **{"categories": 3, "values": 2} | how)


def test_codes_are_drawn_given_and_given_back():
    model = infogan()
    z = model.draw_latent(20_000, generator=torch.Generator().manual_seed(0))
    category, values = model.codes_of(z)
    assert z.shape == (20_000, 4 + 3 + 2)
    assert torch.equal(z[:, 4:7].sum(1), torch.ones(20_000))
    assert (category.bincount() / 20_000 - 1 / 3).abs().max() < 0.02
    assert -1 <= values.min() < -0.99
    assert 0.99 < values.max() <= 1
    assert values.var(0).tolist() == pytest.approx([1 / 3] * 2, rel=0.05)
    asked, told = torch.tensor([2, 0]), torch.tensor([[0.5, -0.5], [1.0, 0.0]])
    back = model.codes_of(model.draw_latent(2, category=asked, values=told))
    assert torch.equal(back[0], asked)
    assert torch.equal(back[1], told)
    assert model.sample(2, category=asked, values=told).shape == (2, 2)
    read = model.encode(torch.randn(5, 2))
    assert read.category.probs.shape == (5, 3)
    assert read.values.mean.shape == (5, 2)


def test_codes_that_there_are_not_are_refused():
    for how, words in (
        ({"category": torch.tensor([3, 0])}, r"y holds 0\.\.3"),
        ({"category": torch.tensor([0])}, "y has shape"),
        ({"values": torch.zeros(2, 3)}, r"values have shape \(2, 3\); this model takes \(2, 2\)"),
    ):
        with pytest.raises(ValueError, match=words):
            infogan().draw_latent(2, **how)
    with pytest.raises(ValueError, match="has no categories"):
        infogan(categories=0).draw_latent(2, category=torch.tensor([0, 0]))


def test_infogans_bound_by_hand():
    answers = torch.tensor([[0.0, 1.0, 0.0, -1.0, 0.2, 0.4]]).repeat(8, 1)
    model = infogan(discriminator=Says(answers), weight=0.3, scale=0.5, lr_generator=None)
    z = model.draw_latent(8)
    category, values = model.codes_of(z)
    parts = model.guesses(answers[:, 1:], None, z)
    nats = -torch.tensor([1.0, 0.0, -1.0]).log_softmax(0)[category].mean()
    normal = torch.distributions.Normal(torch.tensor([0.2, 0.4]), 0.5)
    assert parts["category"].item() == pytest.approx(nats.item(), abs=1e-6)
    assert parts["values"].item() == pytest.approx(-normal.log_prob(values).sum(1).mean().item(), abs=1e-5)
    assert model.guesses(answers[:, 1:], None) == {}  # nobody knows the code of real data
    for player in model.players():
        parts = player.loss(torch.randn(8, 2))
        game = parts["loss"] - 0.3 * (parts["category"] + parts["values"])
        zeros = torch.zeros(8)
        told = discriminator_loss(zeros, zeros) if player.name == "discriminator" else generator_loss(zeros)
        assert game.item() == pytest.approx(told.item(), abs=1e-5)


def test_the_information_is_that_of_a_channel_that_is_known():
    """A generator that shows the category with noise, and the true posterior for Q: the bound is I(c; x)."""

    class Shows(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, z):
            flip = (z[:, 0] > 0.8416).float()  # with probability 0.2 the other one is shown
            return torch.stack([(z[:, 2] - flip).abs(), torch.zeros(len(z))], 1)

    class Reads(nn.Module):
        def forward(self, x):
            p = torch.stack([x[:, 0] * 0.8 + (1 - x[:, 0]) * 0.2, x[:, 0] * 0.2 + (1 - x[:, 0]) * 0.8], 1)
            return torch.cat([torch.zeros(len(x), 1), p.flip(1).log()], 1)

    model = InfoGAN((2,), 1, categories=2, generator=Shows(), discriminator=Reads())
    exact = math.log(2) + 0.8 * math.log(0.8) + 0.2 * math.log(0.2)
    g = torch.Generator().manual_seed(0)
    assert model.information(40_000, generator=g) == pytest.approx(exact, abs=0.02)


def test_infogan_finds_two_clusters_and_says_which():
    """Two far groups of points, two categories: each becomes one of them, and real points are read as theirs."""
    torch.manual_seed(0)
    x = 0.3 * torch.randn(2000, 2) + 2 * torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(1000, 1)
    model = InfoGAN((2,), 2, categories=2, hidden=32, regulariser=R1(0.1))
    adam = lambda parameters, lr: torch.optim.Adam(parameters, lr, betas=(0.5, 0.99))  # noqa: E731
    fit(model, x, steps=500, batch_size=128, lr=2e-3, optimizer=adam, bar=False)
    read = model.encode(x).category.probs.argmax(1)
    assert max((read == torch.arange(2000) % 2).float().mean(), (read != torch.arange(2000) % 2).float().mean()) > 0.95
    assert model.information() > 0.6  # of log 2 = .69 nats


@pytest.mark.parametrize(
    "make",
    [
        lambda: GAN((1, 4, 4), 3, levels=17, classes=3, hidden=8, batch_norm=True),
        lambda: DCGAN((1, 4, 4), 3, levels=17, classes=3, channels=4),
        lambda: InfoGAN((1, 4, 4), 3, levels=17, classes=3, hidden=8, batch_norm=True),
        lambda: CVAEGAN((1, 4, 4), 3, levels=17, classes=3, hidden=8),
    ],
)
def test_samples_do_not_depend_on_each_other_nor_move_what_is_trained(make):
    """With BatchNorm, also in the midst of training."""
    torch.manual_seed(0)
    model = make().train()
    x, y = torch.randint(17, (6, 1, 4, 4)), torch.arange(6) % 3
    for player in model.players():
        player.loss(x, y)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    alone = model.sample(1, y[:1])
    assert alone.shape == (1, 1, 4, 4)
    model.sample(5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(part.training for part in model.modules())
    assert torch.equal(model.sample(6, y, generator=seeded()), model.eval().sample(6, y, generator=seeded()))


def seeded():
    return torch.Generator().manual_seed(5)


# CycleGAN -------------------------------------------------------------------------------------------------------------


class Line(nn.Module):
    """a x + b."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(a)), nn.Parameter(torch.tensor(b))

    def forward(self, x):
        return self.a * x + self.b


def by_lines(**how):
    """Points on a line: G doubles, F subtracts 1 and halves; the judges say x and 3 y."""
    model = CycleGAN((1,), network="mlp", **how)
    model.forth, model.back = Line(2.0, 0.0), Line(0.5, -0.5)
    model.judge_x, model.judge_y = Line(1.0, 0.0), Line(3.0, 0.0)
    return model


X, Y = torch.tensor([[1.0], [3.0]]), torch.tensor([[4.0], [-2.0]])


def test_the_translators_losses_by_hand():
    parts = by_lines(cycle=7.0, identity=0.5).translators_loss(X, Y)
    fake_y, fake_x = 2 * X, Y / 2 - 0.5  # 2, 6 and 1.5, -1.5
    assert parts["adversarial"].item() == pytest.approx(
        ((fake_x - 1).square().mean() / 2 + (3 * fake_y - 1).square().mean() / 2).item()
    )
    cycle = (X - 0.5 - X).abs().mean() + (Y - 1 - Y).abs().mean()
    assert parts["cycle"].item() == pytest.approx(cycle.item())
    identity = (2 * Y - Y).abs().mean() + (0.5 * X - 0.5 - X).abs().mean()  # G leaves Y alone, F leaves X alone
    on_the_wrong_domain = (2 * X - X).abs().mean() + (0.5 * Y - 0.5 - Y).abs().mean()
    assert parts["identity"].item() == pytest.approx(identity.item())
    assert abs(identity - on_the_wrong_domain) > 0.5
    whole = parts["adversarial"] + 7 * parts["cycle"] + 0.5 * parts["identity"]
    assert parts["loss"].item() == pytest.approx(whole.item())
    assert "identity" not in by_lines().translators_loss(X, Y)


def test_the_discriminators_losses_by_hand():
    parts = by_lines(history=0, regulariser=R1(0.1)).discriminators_loss(X, Y)
    fake_y, fake_x = 2 * X, Y / 2 - 0.5
    of_x = ((X - 1).square().mean() + fake_x.square().mean()) / 2
    of_y = ((3 * Y - 1).square().mean() + (3 * fake_y).square().mean()) / 2
    assert parts["x"].item() == pytest.approx(of_x.item())
    assert parts["y"].item() == pytest.approx(of_y.item())
    assert parts["penalty"].item() == pytest.approx(1 / 2 + 9 / 2)
    assert parts["loss"].item() == pytest.approx((of_x + of_y).item() + 0.5)


def translators(**how):
    torch.manual_seed(0)
    return CycleGAN((1, 8, 8), levels=17, channels=4, blocks=1, **how)


def test_cyclegans_players_share_nothing_and_no_gradient_leaks():
    model = translators(identity=1.0)
    x, y = torch.randint(17, (2, 4, 1, 8, 8))
    judges_, makers = model.players()
    assert not {id(p) for p in judges_.parameters} & {id(p) for p in makers.parameters}
    assert len(judges_.parameters) + len(makers.parameters) == len(list(model.parameters()))
    judges_.loss(x, y)["loss"].backward()
    assert all(p.grad is None for p in makers.parameters)
    assert all(p.grad is not None for p in judges_.parameters)
    contracts.gradients_reach_every_parameter(model, x, y)
    clipped = translators(regulariser=WeightClip(0.01))
    clipped.players()[0].after_step()
    assert max(p.abs().max() for p in clipped.players()[0].parameters) <= 0.01 < clipped.forth[0].weight.abs().max()


def test_translations_are_data_of_the_other_domain():
    model = translators().eval()
    x = torch.randint(17, (3, 1, 8, 8))
    there = model.translate(x)
    assert there.dtype == torch.long
    assert there.shape == x.shape
    assert 0 <= there.min() <= there.max() <= 16
    assert model.translate_back(there).shape == x.shape
    assert model.judge_y(model.pixels.reals(x)).shape == (3, 1, 2, 2)  # a score for each patch
    with pytest.raises(ValueError, match="this model is conditional: pass y, pictures"):
        model.translators_loss(x)
    with pytest.raises(ValueError, match=r"y holds 0\.\.17; pass pictures .* integers 0\.\.16"):
        model.translators_loss(x, torch.tensor([0, 17]).repeat(96).view(3, 1, 8, 8))


def test_what_the_cycle_can_not_promise():
    """Y is X; G sends each of four places to another one, F back: no cycle error, p(y) kept, and all are wrong."""
    places = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    turn = nn.Linear(2, 2, bias=False)
    turn.weight.data = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    turn_back = nn.Linear(2, 2, bias=False)
    turn_back.weight.data = turn.weight.data.T.clone()
    model = CycleGAN((2,), network="mlp", identity=1.0)
    model.forth, model.back = turn, turn_back
    parts = model.translators_loss(places, places)
    assert parts["cycle"].item() == 0
    assert {tuple(p) for p in model.translate(places).tolist()} == {tuple(p) for p in places.tolist()}
    assert (model.translate(places) - places).norm(dim=1).min() > 1
    assert parts["identity"].item() > 1  # only this one objects


def test_the_history_shows_old_fakes_and_loses_none():
    torch.manual_seed(0)
    history = FakeHistory(50, (1,))
    batches = torch.arange(4000.0).view(400, 10, 1)
    shown = [history(batch) for batch in batches]
    assert torch.equal(shown[0], batches[0])
    ages = torch.cat([(batch - back).flatten() for batch, back in zip(batches, shown, strict=True)])
    old = ages[2000:] > 0
    assert old.double().mean().item() == pytest.approx(0.5, abs=0.05)
    assert (ages >= 0).all()
    # Each is shown when it comes or later, once; only what found a place that was empty is there twice.
    times = torch.cat(shown).flatten().long().bincount(minlength=4000)
    kept = history.kept.flatten().long().unique()
    assert history.used.all()
    assert len(kept) == 50
    assert (times[~torch.isin(torch.arange(4000), kept)] >= 1).all()
    assert ((times == 2).sum() <= 50).all()
    assert torch.equal(history.eval()(batches[3]), batches[3])
    for untouched in (FakeHistory(0, (1,)), FakeHistory(3, (1,)).eval()):
        assert torch.equal(untouched(batches[0]), batches[0])
    assert FakeHistory(3, (1,))(batches[0]).shape == (10, 1)  # a batch that is larger than the history


def test_a_history_is_saved_with_the_weights():
    model = translators()
    x, y = torch.randint(17, (2, 4, 1, 8, 8))
    model.discriminators_loss(x, y)
    again = translators()
    again.load_state_dict(model.state_dict())
    assert again.old_x.used.sum() == 4
    assert torch.equal(again.old_y.kept, model.old_y.kept)


def test_four_clouds_are_translated_and_come_back():
    g = torch.Generator().manual_seed(0)

    def clouds(turned):
        angle = torch.randint(4, (2000,), generator=g) * math.pi / 2 + turned
        return 2 * torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(2000, 2, generator=g)

    x, y = clouds(0.0), clouds(math.pi / 4)
    torch.manual_seed(0)
    model = CycleGAN((2,), network="mlp", loss="non-saturating", regulariser=R1(0.05), history=0)
    adam = lambda parameters, lr: torch.optim.Adam(parameters, lr, betas=(0.5, 0.99))  # noqa: E731
    fit(model, (x, y), steps=400, batch_size=128, lr=2e-3, optimizer=adam, bar=False)
    there = model.translate(x)
    assert (model.translate_back(there) - x).abs().mean() < 0.2
    modes = 2 * torch.tensor([[a, b] for a in (-1, 1) for b in (-1, 1)]) / math.sqrt(2)
    distance, nearest = torch.cdist(there, modes).min(1)
    assert (distance < 0.6).double().mean() > 0.8
    assert len(nearest.unique()) == 4


# CVAE-GAN -------------------------------------------------------------------------------------------------------------


def test_mean_features_by_hand():
    real, fake = torch.tensor([[1.0, 0.0], [3.0, 2.0], [5.0, 0.0]]), torch.tensor([[2.0, 0.0], [2.0, 2.0], [5.0, 3.0]])
    assert mean_feature_distance(real, fake).item() == pytest.approx(0 + 1)
    # Of class 0 (rows 0, 1) the means are equal; of class 3 (row 2) they are 3 apart; 1 and 2 are not there.
    assert mean_feature_distance(real, fake, torch.tensor([0, 0, 3])).item() == pytest.approx(9)
    assert mean_feature_distance(real, real[[1, 0, 2]], torch.tensor([0, 0, 3])).item() == 0
    assert mean_feature_distance(real, real[[2, 1, 0]]).item() == 0
    assert mean_feature_distance(real, real[[2, 1, 0]], torch.tensor([0, 0, 3])).item() > 1


def both(**how):
    torch.manual_seed(0)
    return CVAEGAN((1, 4, 4), 2, **{"levels": 17, "classes": 3, "hidden": 8} | how)


def test_cvaegans_makers_loss_is_the_sum_of_its_parts():
    model = both(features=0.3, matching=0.7, adversarial=5.0)
    x, y = torch.randint(17, (6, 1, 4, 4)), torch.arange(6) % 3
    parts = model.maker_loss(x, y)
    whole = parts["kl"] + parts["reconstruction"] + 0.3 * parts["features"] + 0.7 * parts["matching"]
    assert parts["loss"].item() == pytest.approx((whole + 5 * parts["adversarial"]).item(), rel=1e-6)
    assert all(value >= 0 for value in parts.values())


def test_cvaegans_reconstruction_counts_in_nats():
    model = both(scale=0.5).eval()
    x, y = torch.randint(17, (6, 1, 4, 4)), torch.arange(6) % 3
    torch.manual_seed(5)
    told = model.maker_loss(x, y)["reconstruction"]
    torch.manual_seed(5)
    again = model.generate(model.encode(x, y).rsample(), y)
    normal = torch.distributions.Normal(again, 0.5)
    real = (x / 8.0 - 1).flatten(1)
    nats = (normal.log_prob(again) - normal.log_prob(real)).sum(1).mean()
    assert told.item() == pytest.approx(nats.item(), rel=1e-5)


@pytest.mark.parametrize("judge", JUDGES)
def test_cvaegans_players_share_nothing_and_no_gradient_leaks(judge):
    model = both(judge=judge)
    x, y = torch.randint(17, (6, 1, 4, 4)), torch.arange(6) % 3
    players = model.players()
    moved = [{id(p) for p in player.parameters} for player in players]
    assert sum(map(len, moved)) == len(set.union(*moved)) == sum(p.requires_grad for p in model.parameters())
    for player, own in zip(players[:2], moved, strict=False):
        model.zero_grad()
        player.loss(x, y)["loss"].backward()
        assert all((p.grad is not None) == (id(p) in own) for p in model.parameters()), player.name
    contracts.gradients_reach_every_parameter(model, x, y)
    same = torch.allclose(
        *(model.eval()._logit(model._judged(torch.ones(6, 16), labels), labels) for labels in (y, (y + 1) % 3))
    )
    assert same == (judge == "blind")


def test_cvaegan_learns_to_reconstruct_and_to_be_right():
    """Three classes, each a picture with one bright row, a little noisy: after 300 steps what is made of a label shows
    its row, and what is encoded comes back."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(600) % 3
    x = torch.randint(0, 4, (600, 1, 4, 4), generator=g)
    x[torch.arange(600), 0, y] += 12
    torch.manual_seed(0)
    model = CVAEGAN((1, 4, 4), 2, levels=17, classes=3, hidden=32)
    adam = lambda parameters, lr: torch.optim.Adam(parameters, lr, betas=(0.5, 0.99))  # noqa: E731
    fit(model, (x, y), steps=300, batch_size=64, lr=2e-3, optimizer=adam, bar=False)
    made = model.sample(90, torch.arange(90) % 3)[:, 0].double().mean(2)  # the rows' brightness
    assert (made.argmax(1) == torch.arange(90) % 3).double().mean() > 0.95
    again = model.finished(model.generate(model.encode(x, y).mean, y))
    assert (again - x).abs().double().mean() < 3


def test_codes_and_numbers_of_draws_that_there_are_not_are_told():
    model = InfoGAN((1, 4, 4), 2, categories=3, values=1, levels=256, hidden=8)
    for n in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="n="):
            model.information(n)
    for n in (-1, 2.5, "3"):
        with pytest.raises(ValueError, match="n="):
            model.draw_latent(n)
    assert model.draw_latent(0).shape == (0, 6)
    for z in (torch.zeros(4, 5), torch.zeros(4, 7), torch.tensor(1.0), [1.0] * 6):
        with pytest.raises((ValueError, TypeError), match="z"):
            model.codes_of(z)
    classes, x = ACGAN((1, 4, 4), levels=256, classes=3, hidden=8), torch.zeros(2, 1, 4, 4, dtype=torch.long)
    assert classes.classify(x).shape == (2, 3)
    assert classes.classify(x[:0]).shape == (0, 3)
    for other in (x.tolist(), x[..., :3], x.float() + 0.5, x - 1):
        with pytest.raises((ValueError, TypeError), match="x"):
            classes.classify(other)
