"""What lecture 02 says of its runs: what the text concludes holds for three seeds, and its snippets do what is said."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib import autoregressive, data, metrics, plots, pretrained
from genlib.autoregressive import MADE, PixelCNN
from genlib.classical import NaiveBayes, back_off_bits
from genlib.course.build import read_source
from genlib.course.exercises.lecture_02 import draw_level, in_the_bits, in_the_drawing, log_prob_of
from genlib.lectures import available
from genlib.training import fit


@pytest.fixture(scope="module")
def lecture():
    """The notebook's own functions and networks: the cells that define them, run alone."""
    source = read_source(next(part for part in available() if part.number == "02"))
    sentences, new_sentences = data.text("grammar")
    names = {"math": math, "torch": torch, "F": F, "nn": nn, "steps": int, "device": "cpu", "itertools": itertools}
    names |= {"sentences": sentences, "new_sentences": new_sentences}
    names |= {"plots": plots, "back_off_bits": back_off_bits, "autoregressive": autoregressive}
    starts = (
        "parts = (sentences.x",
        "class Entrance(",
        "class Layer(",
        "def nats_of_",
        "eight = torch.cartesian_prod(",
        "class Stack(",
        "@torch.no_grad()\ndef draw_slowly",
    )
    for start in starts:
        exec(next(c.source for c in source.cells if c.cell_type == "code" and c.source.startswith(start)), names)
    return names


# Causal in some order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_of_one_for_random_weights_means_causal_in_some_order(lecture, seed):
    pictures, masks = lecture["eight"], lecture["lets_through"]
    w = 3 * torch.randn(512, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * masks
    total = F.logsigmoid((2 * pictures - 1) * torch.einsum("nij,xj->nxi", w, pictures - 0.5)).sum(2).exp().sum(1)
    ordered = torch.zeros(512, dtype=torch.bool)  # by trying all six orders
    for order in itertools.permutations(range(3)):
        ordered |= masks[:, order][:, :, order].triu().eq(0).all(2).all(1)
    assert int(ordered.sum()) == 25
    assert torch.equal((total - 1).abs() < 1e-9, ordered)


# Text -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_gpt_that_is_trained_live_beats_the_best_tables(lecture, seed):
    new = lecture["new_sentences"]
    network = lecture["train_gpt"](lecture["sentences"], 300, seed)
    with torch.no_grad():
        nats = lecture["nats_of_sentences"](network, new.x, new.factors["length"])
    bits = nats.sum().item() / new.factors["length"].sum().item() / math.log(2)
    floor = -new.log_prob(new.x).sum().item() / new.factors["length"].sum().item() / math.log(2)
    assert floor < bits < min(lecture["tables"])


def test_tables_that_back_off_get_better_with_a_longer_memory_and_stay_above_the_floor(lecture):
    tables = lecture["tables"]
    assert tables[4] > tables[8] + 0.02 > tables[16] + 0.04
    assert min(tables) > 0.38
    assert tables[24] > min(tables)


def test_the_network_of_the_notebook_sees_the_past_only(lecture):
    network = lecture["SmallGPT"](5, 6)
    x = torch.randint(5, (1, 6), generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, 3:] = (x[:, 3:] + 1) % 5
    with torch.no_grad():
        assert torch.allclose(network(x)[:, :4], network(other)[:, :4], atol=1e-6)
        assert not torch.allclose(network(x)[:, 4], network(other)[:, 4], atol=1e-6)


# Pictures -------------------------------------------------------------------------------------------------------------


def bits(model, x):
    """Bits per dimension of digits, (n, 1, 8, 8), by a model or a network of the notebook."""
    with torch.no_grad():
        return metrics.bits_per_dim(model.log_prob(x), (1, 8, 8)).mean().item()


@pytest.mark.parametrize("seed", range(3))
def test_to_made_is_one_step_and_from_made_to_pixel_cnn_a_larger_one(seed):
    train, test = data.digits()
    torch.manual_seed(seed)
    pixel_cnn = PixelCNN(train.shape, levels=17, channels=32, layers=3, first_kernel=5)
    made = MADE(train.shape, levels=17, hidden=128, dropout=0.3, input_dropout=0.2)
    for model in (pixel_cnn, made):
        model.initialise(train.x)
    fit(pixel_cnn, train, steps=300, batch_size=32, lr=5e-3, seed=seed, bar=False)
    fit(made, train, steps=200, batch_size=64, lr=4e-3, weight_decay=0.1, seed=seed, bar=False)
    independent = bits(NaiveBayes(train.shape, levels=17).count(train.x, smoothing=0.1), test.x)
    steps = [independent - bits(made, test.x), bits(made, test.x) - bits(pixel_cnn, test.x)]
    assert 0.1 < steps[0] < steps[1], steps


@pytest.mark.parametrize("seed", range(3))
def test_wrong_masks_are_merely_poor_or_too_good_to_be_true(lecture, seed):
    train, test = data.digits()
    found = {}
    for kinds in ("AAAA", "BBBB"):
        torch.manual_seed(seed)
        found[kinds] = lecture["train_stack"](lecture["Stack"](kinds, levels=17), train.x, 180)
    independent = bits(NaiveBayes(train.shape, levels=17).count(train.x, smoothing=0.1), test.x)
    assert independent < bits(found["AAAA"], test.x) < independent + 0.5
    assert bits(found["BBBB"], test.x) < 1  # the right masks reach 1.9
    ink = lecture["draw_slowly"](found["BBBB"], 10, 17).float().mean()
    assert ink < 0.1 * test.x.float().mean()  # empty pages


# Is this a bug? -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_averaged_logits_are_no_likelihood_and_averaged_probabilities_are(seed):
    torch.manual_seed(seed)
    pictures = torch.cartesian_prod(*[torch.arange(2)] * 4).view(-1, 1, 2, 2)
    models = [MADE((1, 2, 2), levels=2, layers=0, order=order).double() for order in ([0, 1, 2, 3], [3, 2, 1, 0])]
    for parameter in (p for model in models for p in model.parameters()):
        nn.init.normal_(parameter, std=2)
    with torch.no_grad():
        averaged = torch.stack([model(pictures).flatten(1, -2) for model in models]).mean(0)
        total = log_prob_of(averaged, pictures.flatten(1)).exp().sum()
        mixture = torch.stack([model.log_prob(pictures) for model in models]).logsumexp(0) - math.log(2)
    assert abs(total - 1) > 1e-3
    assert abs(mixture.exp().sum() - 1) < 1e-9


def test_multinomial_takes_weights_and_a_common_factor_falls_out():
    p = torch.tensor([0.7, 0.2, 0.1]).expand(40_000, 3)

    def shares(weights):
        drawn = torch.multinomial(weights, 1, generator=torch.Generator().manual_seed(0))[:, 0]
        return torch.bincount(drawn, minlength=3) / len(drawn)

    assert torch.allclose(shares(p / 0.5), p[0], atol=0.01)
    assert torch.allclose(shares(p ** (1 / 0.5)), p[0] ** 2 / (p[0] ** 2).sum(), atol=0.01)


def test_a_mask_applied_once_is_filled_by_the_first_step_and_one_in_each_pass_is_not():
    mask = torch.ones(3, 3).flatten().cumsum(0).lt(5).float().view(3, 3)
    x = torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    for each_pass in (False, True):
        conv = nn.Conv2d(1, 1, 3, padding=1)
        conv.weight.data *= mask
        optimizer = torch.optim.Adam(conv.parameters(), lr=0.1)
        conv(x).square().mean().backward()
        optimizer.step()
        if each_pass:
            conv.weight.data *= mask
        assert bool((conv.weight * (1 - mask)).any()) is not each_pass


def test_a_causal_mask_on_one_query_shows_it_the_first_key_alone():
    q, k, v = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(F.scaled_dot_product_attention(q[:, -1:], k, v, is_causal=True), v[:, :1], atol=1e-6)


def test_minus_1e9_is_as_good_as_minus_infinity_in_float32():
    scores, future = torch.randn(4, 6, 6), torch.ones(6, 6).triu(1)
    with_infinity = scores.masked_fill(future == 1, -math.inf).softmax(-1)
    assert torch.equal((scores + torch.full((6, 6), -1e9).triu(1)).softmax(-1), with_infinity)


@pytest.mark.parametrize("exercise", [in_the_bits, in_the_drawing], ids=lambda e: e.name)
def test_judgements_in_another_form_are_told_what_is_wrong_with_it(exercise):
    right = exercise.reference()
    hints = {
        "your function returns 5 values, asked were 6": {k: v for k, v in right.items() if k != "C"},
        "your function returns 3 values, asked were 6": [k for k, bug in right.items() if bug],
        "your function returns 7 values, asked were 6": {**right, "G": False},
        "your function returns a set, asked were 6 values": {k for k, bug in right.items() if bug},
        "value 1: your function returns an int, asked was True or False": {k: int(v) for k, v in right.items()},
        "value 1: your function returns a str, asked was True or False": {k: str(v) for k, v in right.items()},
        "value 5 of your 6 is None: it is still to be filled in": {**right, "E": None},
    }
    for hint, answer in hints.items():
        verdict = exercise.check(lambda answer=answer: answer)
        assert (verdict.mark, verdict.text) == ("✗", hint)


# Drawing --------------------------------------------------------------------------------------------------------------


def test_at_temperature_0_there_is_one_picture_for_each_label():
    model = pretrained.load("conditional_digits")
    y = torch.arange(10).repeat(3)
    drawn = model.sample(30, y, temperature=0)
    assert all(torch.equal(drawn[y == k], drawn[y == k][:1].expand(3, -1, -1, -1)) for k in range(10))


def test_a_clamp_alone_draws_levels_of_probability_0():
    """Why exercise 2.5 divides by the last sum."""
    logits = torch.randn(200, 17, generator=torch.Generator().manual_seed(3))
    logits[:, [0, 15, 16]] = -math.inf
    u = torch.full((200,), 1 - 2**-24)
    clamped = (logits.softmax(-1).cumsum(-1) <= u[:, None]).sum(-1).clamp(max=16)
    assert (clamped == 16).any()
    assert int(draw_level(logits, 1.0, u).max()) <= 14
