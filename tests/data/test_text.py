"""Text: the grammar's closed forms against brute force, and English that does not leak from one part to the other."""

import math

import numpy as np
import pytest
import torch

from genlib import data
from genlib.data import GRAMMAR, Grammar


@pytest.fixture(scope="module")
def everything():
    """Every sentence of the grammar, with its probability."""
    return list(GRAMMAR.sentences())


def test_the_probabilities_of_all_sentences_sum_to_one_and_no_sentence_comes_about_twice(everything):
    assert abs(math.fsum(p for _, p in everything) - 1) < 1e-9
    assert len({sentence for sentence, _ in everything}) == len(everything)


def test_entropy_and_length_in_closed_form_are_those_of_the_enumeration(everything):
    assert abs(GRAMMAR.entropy() + math.fsum(p * math.log(p) for _, p in everything)) < 1e-9
    assert abs(GRAMMAR.mean_length() - math.fsum(p * len(sentence) for sentence, p in everything)) < 1e-9
    assert max(len(sentence) for sentence, _ in everything) == GRAMMAR.max_length
    nats = GRAMMAR.bits_per_character() * math.log(2) * (GRAMMAR.mean_length() + 1)
    assert abs(nats - GRAMMAR.entropy()) < 1e-12


def test_log_prob_is_the_probability_of_the_enumeration(everything):
    for sentence, p in everything[::500]:
        assert abs(GRAMMAR.log_prob(sentence) - math.log(p)) < 1e-9


def test_log_prob_adds_up_what_comes_about_in_two_ways():
    twice = Grammar({"S": [(0.25, "A b"), (0.75, "a B")], "A": [(1.0, "a")], "B": [(0.5, "b"), (0.5, "c")]}, start="S")
    assert abs(twice.log_prob("a b") - math.log(0.25 + 0.375)) < 1e-12
    assert twice.log_prob("a d") == -math.inf


def test_samples_have_the_entropy_within_four_standard_errors():
    train, _ = data.text(n=4000, seed=5)
    surprise = -train.log_prob(train.x)
    assert surprise.dtype == torch.float64
    assert abs(surprise.mean() - train.entropy) < 4 * surprise.std() / math.sqrt(len(train))
    length = train.factors["length"].double()
    assert abs(length.mean() - GRAMMAR.mean_length() - 1) < 4 * length.std() / math.sqrt(len(train))


def test_samples_are_as_frequent_as_they_are_probable():
    train, _ = data.text(n=8000)
    found = train.as_text(train.x)
    for sentence in ("the cat sleeps", "the dogs sleep", "the small cat sings"):
        p = math.exp(GRAMMAR.log_prob(sentence))
        assert abs(found.count(sentence) / 8000 - p) < 4 * math.sqrt(p * (1 - p) / 8000)


def test_sentences_as_tokens_end_once_and_translate_back():
    train, test = data.text(n=100)
    assert (len(train), len(test)) == (100, 25)
    assert train.shape == (GRAMMAR.max_length + 1,)
    assert train.levels == len(train.vocabulary) == int(train.x.max()) + 1
    assert train.y is None
    sentences = train.as_text(train.x)
    assert torch.equal(train.as_tokens(sentences), train.x)
    assert (train.x != 0).sum(1).add(1).tolist() == train.factors["length"].tolist()
    assert all(train.x[i, len(sentence) :].eq(0).all() for i, sentence in enumerate(sentences))
    assert all(sentence.startswith("the ") for sentence in sentences)
    with pytest.raises(ValueError, match="vocabulary lacks"):
        train.as_tokens(["the zebra"])
    with pytest.raises(ValueError, match="there is room for 67"):
        train.as_tokens(["the cat " * 20])


def test_what_is_no_sentence_has_no_probability():
    train, _ = data.text(n=4)
    good = train.as_tokens(["the cat that sees the dogs sleeps"])
    assert train.log_prob(good).isfinite().all()
    for bad in ("the cat that sees the dogs sleep", "the cat", "", "the cat sleeps ", "the cat  sleeps"):
        assert train.log_prob(train.as_tokens([bad])).item() == -math.inf
    after_the_end = good.clone()
    after_the_end[0, -1] = 3
    assert train.log_prob(after_the_end).item() == -math.inf
    assert train.log_prob(torch.ones(1, 67, dtype=torch.long)).item() == -math.inf


def test_sentences_never_change():
    train, test = data.text(n=4, seed=0)
    assert train.as_text(train.x)[:2] == [
        "the small dog that sees the robots sees the small dogs",
        "the cats like the old dogs",
    ]
    assert not torch.equal(data.text(n=40, seed=1)[0].x, data.text(n=40, seed=0)[0].x)
    assert not torch.equal(train.x[:1], test.x)


def test_a_grammar_that_can_not_be_is_refused():
    with pytest.raises(ValueError, match="must sum to one"):
        Grammar({"S": [(0.5, "a"), (0.4, "b")]}, start="S")
    with pytest.raises(ValueError, match="lead back to themselves"):
        Grammar({"S": [(0.5, "a"), (0.5, "a S")]}, start="S")


def test_english_is_python_s_help_in_ascii_and_the_parts_share_no_paragraph():
    train, test = data.text("english")
    assert train.shape == test.shape == (128,)
    assert len(train) > 1500
    assert 0.05 < len(test) / len(train) < 0.3
    assert train.levels == len(train.vocabulary) == 96
    assert 0 <= int(train.x.min()) <= int(train.x.max()) < 96
    mine, theirs = ("".join(part.as_text(part.x)) for part in (train, test))
    assert "expression" in mine
    shared = {p for p in mine.split("\n\n") if len(p) > 128} & {p for p in theirs.split("\n\n") if len(p) > 128}
    assert not shared
    assert data.text("english", length=64)[0].shape == (64,)
    # English in 96 characters is far from uniform: the entropy of single characters, in bits.
    p = np.bincount(train.x.flatten().numpy(), minlength=96) / train.x.numel()
    assert 4 < -(p[p > 0] * np.log2(p[p > 0])).sum() < 5.2


def test_bad_wishes_are_refused():
    for wish, message in [
        ({"name": "poem"}, 'choose "grammar" or "english"'),
        ({"n": 1}, "at least 4"),
        ({"seed": -1}, "0 or more"),
        ({"name": "english", "length": 2}, "8 to 4096"),
    ]:
        with pytest.raises(ValueError, match=message):
            data.text(**wish)
