"""What lecture 01 brings to the library: soft counts, its figures, and the widget of the two divergences."""

import math
import re

import pytest
import torch
import torch.nn.functional as F

from genlib import data, plots, widgets
from genlib.autoregressive import PixelCNN, receptive_field
from genlib.classical import NaiveBayes
from genlib.course.build import read_source
from genlib.course.exercises.lecture_01 import EXERCISES, em_step, kl_by_hand, kl_of_gaussians
from genlib.lectures import find
from genlib.training import fit
from tests.drawings.test_plots_and_widgets import assert_whole

# Counting with shares -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    train, _ = data.digits()
    return train


def model(**keywords):
    return NaiveBayes((1, 8, 8), levels=17, classes=10, **keywords).double()


def test_shares_of_zero_and_one_are_labels(digits):
    hard = model().count(digits.x, digits.y, smoothing=0.3)
    soft = model().count(digits.x, F.one_hot(digits.y, 10).double(), smoothing=0.3)
    assert torch.allclose(hard.logits, soft.logits)
    assert torch.allclose(hard.log_prior, soft.log_prior)


def test_counting_with_shares_is_the_m_step_of_the_exercise(digits):
    start = model().count(digits.x[:200], digits.y[:200], smoothing=0.5)
    seen = F.one_hot(digits.x.flatten(1), 17).double()
    theta, prior = em_step(seen, start.logits.softmax(-1), start.log_prior.exp(), 0.5)
    step = model().count(digits.x, start.log_posterior(digits.x).exp(), smoothing=0.5)
    assert torch.allclose(step.logits.softmax(-1), theta)
    assert torch.allclose(step.log_prior.exp(), prior)


def test_shares_of_another_shape_are_refused(digits):
    with pytest.raises(ValueError, match=r"must be \(1437, 10\)"):
        model().count(digits.x, torch.ones(1437, 9, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"must be \(1437,\)"):
        model().count(digits.x, torch.ones(5, 10, dtype=torch.float64))


def test_a_few_labels_and_em_are_better_than_a_few_labels(digits):
    _, test = data.digits()
    chosen = torch.cat([(digits.y == k).nonzero()[:5, 0] for k in range(10)])
    alone = model().count(digits.x[chosen], digits.y[chosen], smoothing=0.1)
    before = (alone.log_posterior(test.x).argmax(1) == test.y).double().mean()
    known = torch.zeros(len(digits), 1, dtype=torch.bool)
    known[chosen] = True
    for _ in range(10):
        shares = torch.where(known, F.one_hot(digits.y, 10).double(), alone.log_posterior(digits.x).exp())
        alone.count(digits.x, shares, smoothing=0.1)
    after = (alone.log_posterior(test.x).argmax(1) == test.y).double().mean()
    assert after > before + 0.05


# Figures --------------------------------------------------------------------------------------------------------------


def figures():
    g = torch.Generator().manual_seed(0)
    sets = {"digits": torch.randn(50, generator=g), "letters": torch.randn(50, generator=g).requires_grad_()}
    target = torch.distributions.Normal(torch.tensor(0.0).double(), 1.0).log_prob
    world, visits = ["..", "SG"], torch.tensor([1.0, 0.5, 1, 1])
    at = torch.linspace(0, 1, 11)
    u, v = torch.rand(2, 30, generator=g)
    return {
        "histograms": plots.histograms(
            {"a model": sets, "another": sets}, units={"a model": "nats", "another": "nats"}
        ),
        "two divergences": plots.divergences.forward_and_reverse_kl(target, {"q": (0.5, 2.0), "r": (-2.0, 0.3)}),
        "plans": plots.planning.policies(world, {"a plan": torch.tensor([1, 2, 0, 0])}, {"a plan": visits}),
        "two answers": plots.regression.mixture_density(u, v, at, torch.rand(11, 11, generator=g), v, at),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = figures()[name]
    assert_whole(figure, width=(50, 2000), height=(50, 2000))


def test_the_legend_tells_both_divergences():
    """KL(p‖q) and KL(q‖p) of two Gaussians, as the figure integrates them and as the formula has them."""
    p = torch.distributions.Normal(torch.tensor(1.0).double(), 1.0)
    figure = plots.divergences.forward_and_reverse_kl(p.log_prob, {"q": (0.0, 2.0)}, extent=(-20, 20))
    texts = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    backwards = kl_of_gaussians(*torch.tensor([0.0, 2.0, 1.0, 1.0]).double()).item()
    assert texts == [f"KL(p‖q) = {kl_by_hand():.2f} nats", f"KL(q‖p) = {backwards:.2f} nats"]


# The widget -----------------------------------------------------------------------------------------------------------


def test_the_widget_knows_its_target_and_where_it_stands():
    widget = widgets.two_divergences(weight=0.6, sigma=0.6, gap=4.0)
    x = torch.linspace(-20, 20, 8001, dtype=torch.float64)
    density = widget.log_target(x).exp()
    assert density.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-6)
    assert (density * x).sum() * (x[1] - x[0]) == pytest.approx(0.6 * -2 + 0.4 * 2, abs=1e-6)
    assert (widget.mean, widget.width, widget.gap) == (0.0, 1.0, 4.0)
    widget.value = {"mean": -2.0, "width": 0.6, "gap": 3.0}
    assert (widget.mean, widget.width, widget.gap) == (-2.0, 0.6, 3.0)
    assert widget.log_target(torch.tensor([-1.5])).exp().item() == pytest.approx(
        0.6 / (0.6 * math.sqrt(2 * math.pi)), rel=1e-3
    )


def test_the_widget_has_a_still_with_words():
    bundle, metadata = widgets.two_divergences()._repr_mimebundle_()
    assert bundle["image/png"]
    assert "two modes" in metadata["image/png"]["alt"]


@pytest.mark.parametrize("wrong", [{"weight": 1.0}, {"sigma": 0.0}, {"gap": 9.0}, {"mean": 5.0}, {"width": 0.0}])
def test_the_widget_refuses_what_it_can_not_show(wrong):
    with pytest.raises(ValueError, match="must lie in"):
        widgets.two_divergences(**wrong)


# What the prose concludes from a run, over three seeds ----------------------------------------------------------------


def exercise(name):
    return next(e for e in EXERCISES if e.name == name)


def cell(words):
    """The source of the lecture's first cell of code that has these words in it."""
    cells = read_source(find("01")).cells
    return next(c.source for c in cells if c.cell_type == "code" and words in c.source)


def split(seed):
    """All 1,797 digits, split anew: x and y of 1,437 to train on, x and y of 360 to test on."""
    train, test = data.digits()
    x, y = torch.cat([train.x, test.x]), torch.cat([train.y, test.y])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return x[order[:1437]], y[order[:1437]], x[order[1437:]], y[order[1437:]]


def as_input(x):
    return x.flatten(1) / 16


def logistic_regression(x, y):
    """The classifier of section 2, trained as there: x -> log p(y | x), (B, 10)"""
    W, b = torch.zeros(64, 10, requires_grad=True), torch.zeros(10, requires_grad=True)
    optimizer = torch.optim.AdamW([W, b], lr=0.05, weight_decay=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        F.cross_entropy(as_input(x) @ W + b, y).backward()
        optimizer.step()
    return lambda x: (as_input(x) @ W.detach() + b.detach()).log_softmax(1)


def counted(x, y):
    return NaiveBayes((1, 8, 8), levels=17, classes=10).count(x, y, smoothing=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_naive_bayes_is_too_sure_and_logistic_regression_is_calibrated(seed):
    x, y, new_x, new_y = split(seed)
    surplus = {}
    for name, log_p in {
        "naive Bayes": counted(x, y).log_posterior(new_x),
        "logistic regression": logistic_regression(x, y)(new_x),
    }.items():
        sure, label = log_p.exp().max(1)
        surplus[name] = (sure.mean() - (label == new_y).float().mean()).item()
    assert surplus["naive Bayes"] > 0.03
    assert abs(surplus["logistic regression"]) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_the_label_is_worth_at_most_log_10_for_every_picture_and_ten_histograms_five_times_as_much(seed):
    x, y, new_x, new_y = split(seed)
    model = counted(x, y)
    worth = model.log_prob(new_x, new_y) - model.log_marginal(new_x)
    assert (worth <= -model.log_prior[new_y] + 1e-4).all()
    assert -model.log_prior.min() / math.log(2) < 3.6  # bits; 3.3 for equal frequencies
    pixels = NaiveBayes((1, 8, 8), levels=17).count(x, smoothing=0.1)
    step = (model.log_marginal(new_x) - pixels.log_prob(new_x)).mean()
    assert step > 5 * worth.mean()


@pytest.mark.parametrize("seed", range(3))
def test_a_strong_assumption_that_is_wrong_is_ahead_with_few_examples_and_behind_with_many(seed):
    names = {"torch": torch, "as_input": as_input}
    exec(cell("def diagonal_lda").split("\nsizes = {")[0], names)
    for n, sign in ((64, 1), (128, 1), (1024, -1)):
        runs = [list(names["race_of_gaussians"](0.4, n, 100 * seed + run)) for run in range(20)]
        shares = torch.tensor(runs)  # (runs, racers), naive Bayes first
        lead = sign * (shares[:, :1] - shares[:, 1:])
        assert (lead.mean(0) > 2 * lead.std(0) / len(lead) ** 0.5).all(), (n, lead.mean(0))


@pytest.fixture(scope="module", params=range(3))
def network(request):
    """The network of section 8, trained as there, for fewer steps and from another seed."""
    torch.manual_seed(request.param)
    network = PixelCNN((1, 8, 8), levels=17, layers=2)
    network.initialise(data.digits()[0].x)
    fit(network, data.digits()[0], steps=300, batch_size=32, lr=4e-3, weight_decay=0.1, seed=request.param)
    return network.requires_grad_(False), torch.Generator().manual_seed(request.param)


def test_the_network_reads_five_rows_above_and_fewer_bits_than_naive_bayes(network):
    seen = receptive_field(network[0], 6 * 8 + 3)  # the fourth pixel of the seventh row
    rows_above = [6 - r for r in range(8) if seen[0, r].any()]
    assert (max(rows_above), min(rows_above)) == (5, 0)
    train, test = data.digits()
    assert network[0].log_prob(test.x).mean() > counted(train.x, train.y).log_marginal(test.x).mean() + 10


def test_marks_are_more_probable_than_digits_and_are_never_drawn(network):
    network, g = network
    names = {"data": data, "F": F, "torch": torch, "device": "cpu", "g": g, "test": data.digits()[1]}
    exec(cell("def printed").split("\nplots.show")[0], names)
    marks, digits = names["kinds"]["punctuation"], names["kinds"]["digits"]
    better = (network.log_prob(digits)[:, None] > network.log_prob(marks)).float().mean()
    assert better < 0.1  # the density is wrong about punctuation
    train = data.digits()[0]
    doubt = logistic_regression(train.x, train.y)
    sure = [doubt(x).max(1).values for x in (digits, marks)]
    spread = [(doubt(x).amax(1) - doubt(x).amin(1)).mean() for x in (digits, marks)]
    assert spread[1] < 0.7 * spread[0]  # with hardly any ink its scores are small
    assert (sure[0][:, None] > sure[1]).float().mean() > 0.8  # and the classifier's doubt is right
    own = network.sample(500, generator=g)
    ink = {name: x.sum((1, 2, 3)).float() for name, x in {"marks": marks, "digits": digits, "own": own}.items()}
    inky = ink["marks"].quantile(0.95)
    assert (ink["own"] <= inky).float().mean() < 0.01  # none so far, for any seed


# Two speeds: the main path stands without the deeper sections -------------------------------------------------------


def parts():
    """The lecture's cells in order, each with whether it belongs to a deeper section."""
    deeper = False
    for part in read_source(find("01")).cells:
        if part.cell_type == "markdown":
            for section in re.split(r"^(?=#{1,2} )", part.source, flags=re.M):
                deeper = section.startswith("## Deeper: ") or (deeper and not section.startswith("## "))
                yield section, "markdown", deeper
        else:
            yield part.source, "code", deeper


def test_the_first_cell_draws():
    first = next(source for source, kind, _ in parts() if kind == "code" and "plots.show" in source)
    assert first.startswith("import torch"), "the first picture comes with the setup"
    assert first.count("\n") < 25, "and stands on the first screen"


def test_no_stretch_of_prose_is_longer_than_500_words():
    words = 0
    for source, kind, _ in parts():
        if kind == "code":
            words = 0 if re.search(r"plots\.show|widgets\.|BEGIN SOLUTION", source) else words
            continue
        words += len(re.sub(r"\$\$.*?\$\$|[$*`#|]", " ", source, flags=re.S).split())
        assert words <= 500, source[:80]


# Exercise 1.8 ---------------------------------------------------------------------------------------------------------


def test_one_maximum_for_all_pictures_does_not_pass():
    def answer(seen, theta, prior, smoothing):
        log_joint = torch.einsum("ndv,kdv->nk", seen, theta.log()) + prior.log()
        weights = (log_joint - log_joint.max()).exp()
        shares = weights / weights.sum(1, keepdim=True)
        counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
        return counts / counts.sum(-1, keepdim=True), shares.mean(0)

    verdict = exercise("em_step").check(answer)
    assert (verdict.mark, "one maximum" in verdict.text) == ("✗", True)


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (lambda m, s, n, t: 2 * kl_of_gaussians(m, s, n, t), "twice"),
        (lambda m, s, n, t: kl_of_gaussians(m, s, n, t) + kl_of_gaussians(n, t, m, s), "symmetric"),
        (lambda m, s, n, t: kl_of_gaussians(m, s.exp(), n, t.exp()), "as a logarithm"),
        (lambda m, s, n, t: kl_of_gaussians(m, s, n, t).sum(), "one number"),
        (lambda m, s, n, t: kl_of_gaussians(m, s, -n, t), "not their sum"),
    ],
)
def test_a_slip_in_the_kl_of_gaussians_is_named(slip, words):
    verdict = exercise("kl_of_gaussians").check(slip)
    assert (verdict.mark, words in verdict.text) == ("✗", True), verdict.text
