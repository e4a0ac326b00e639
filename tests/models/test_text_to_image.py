"""Pictures from words: one sequence, its two parts, guidance, reranking; and the contrastive model that ranks."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from genlib import data
from genlib.condition import Labels, Tokens
from genlib.hybrid import TextToImage
from genlib.hybrid.text_to_image import OneSequence
from genlib.nets import Contrastive
from genlib.training import fit
from genlib.vq import VQVAE
from tests import contracts

SHAPE, K, L, V = (1, 2, 4), 3, 2, 4  # two words of four, two tokens of three


def integers(n=6, seed=0):
    return torch.randint(2, (n, *SHAPE), generator=torch.Generator().manual_seed(seed))


def captions(n=6, seed=1):
    return torch.randint(V, (n, L), generator=torch.Generator().manual_seed(seed))


def made(shake=0.0, **how):
    torch.manual_seed(0)
    model = TextToImage(VQVAE(SHAPE, K, dim=2, channels=4, stages=1), Tokens(L, V), width=8, layers=1, heads=2, **how)
    if not shake:
        return model
    model.tokenizer.requires_grad_(True)
    twin = contracts.shaken(model, shake)
    twin.tokenizer.requires_grad_(False)
    return twin


def pairs():
    return torch.tensor(list(itertools.product(range(K), repeat=2)))


def test_each_place_takes_its_own_kind_and_all_sequences_sum_to_one():
    model = made(0.6)
    words = torch.tensor(list(itertools.product(range(V), repeat=L)))
    both = torch.stack([torch.cat([w, t + V]) for w in words for t in pairs()])
    with torch.no_grad():
        assert model.sequence.log_prob(both).exp().sum() == pytest.approx(1, abs=1e-9)
        mixed = both.clone()
        mixed[:, 0] = V
        assert model.sequence.log_prob(mixed).max() < -1e30
    drawn = model.sequence.sample(200)
    assert drawn[:, :L].max() < V
    assert drawn[:, L:].min() >= V
    contracts.is_causal(model.sequence, both[:8], sees_all=True)
    contracts.cached_sampling_equals_naive(model.sequence)


def test_the_bound_given_a_caption_is_in_order():
    model = made(0.6)
    x, y = integers(), captions()
    with torch.no_grad():
        decoded = model.tokenizer.decode(model.tokenizer.vectors(pairs())[:, None]).log_prob(x)  # (9, B)
        prior = torch.stack([model.log_prior(pairs(), one.expand(9, -1)) for one in y], 1)
        truth = (decoded + prior).logsumexp(0)
    assert torch.allclose(prior.logsumexp(0), torch.zeros(6, dtype=torch.double)), "p(t | c) sums to one"
    contracts.bounds_in_order(model, x, y, log_prob=lambda x, y: truth, ks=(1, 3, 5), repeats=2)


def test_the_two_parts_of_the_loss_are_the_two_sums():
    model = made(0.6, words=0.5, blank=0.0).train()
    x, y = integers(), captions()
    with torch.no_grad():
        parts = {name: value.item() for name, value in model.loss(x, y).items()}
        t = model.tokenizer.tokens(x)
        both, picture = -model.sequence.log_prob(model.joined(y, t)).mean(), -model.log_prior(t, y).mean()
    assert parts["caption"] + parts["picture"] == pytest.approx(both.item())
    assert parts["loss"] == pytest.approx(0.5 * parts["caption"] + parts["picture"])
    assert parts["picture"] == pytest.approx(picture.item())


def test_blank_captions_are_seen_in_training_alone_and_cost_nothing():
    seen = []
    model = made(blank=0.5)
    model.sequence.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, :L]))
    x, y = integers(400), captions(400) % (V - 1) + 1
    model.train().loss(x, y)
    blank = (seen[-1] == 0).all(1)
    assert 150 < blank.sum() < 250
    assert torch.equal(seen[-1][~blank], y[~blank])
    model.eval().loss(x, y)
    assert torch.equal(seen[-1], y)
    with torch.no_grad():
        model.train()
        torch.manual_seed(3)
        part = model.loss(x, y)["caption"]
        kept = (seen[-1] != 0).any(1)
        each = model.sequence.log_prob_each(model.joined(y, model.tokenizer.tokens(x)))[:, :L].sum(1)
    assert part == pytest.approx(-(each * kept).mean().item(), rel=1e-4)


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("cached", [True, False])
def test_guidance_moves_the_logits_away_from_those_without_a_caption(guidance, cached):
    """The distribution that each token was drawn from, against both passes by hand."""
    model = made(0.8)
    y, drawn_from = captions(5), {}

    def look(t, x, p):
        drawn_from[t] = (x, p)

    model.sample(5, y, guidance=guidance, cached=cached, callback=look)
    x = drawn_from[L + 1][0]
    blank = x.clone()
    blank[:, :L] = 0
    with torch.no_grad():
        told, nothing = model.sequence(x), model.sequence(blank)
    for t in (L, L + 1):
        logits = (nothing + guidance * (told - nothing))[:, t, V:]
        assert torch.allclose(drawn_from[t][1][:, V:], logits.softmax(-1), atol=1e-6)
        assert not drawn_from[t][1][:, :V].any()
    assert torch.equal(x[:, :L], y), "the caption is kept"
    assert model.sequence.guidance == 1.0


def test_samples_of_a_caption_are_those_of_the_mixture():
    model = made(1.0)
    y = torch.tensor([3, 1])

    class Given(torch.nn.Module):
        shape, levels, classes = SHAPE, 2, None

        def sample(self, n, labels=None, *, generator=None):
            return model.sample(n, y.expand(n, -1), generator=generator)

    def log_prob(x, _):
        with torch.no_grad():
            decoded = model.tokenizer.decode(model.tokenizer.vectors(pairs())[:, None]).log_prob(x)
            return (decoded + model.log_prior(pairs(), y.expand(9, -1))[:, None]).logsumexp(0)

    contracts.samples_match_density(Given(), log_prob=log_prob, n=20_000)


def test_without_a_caption_it_writes_its_own():
    model = made(1.0)
    assert model.sample(7).shape == (7, *SHAPE)
    with pytest.raises(ValueError, match="candidates and ranker belong together"):
        model.sample(7, candidates=2, ranker=Contrastive(SHAPE, 2, condition=Tokens(L, V), channels=4, stages=1))


class Brightest(Contrastive):
    """A ranker that likes what is bright, whatever the caption."""

    def score(self, x, y):
        assert len(x) == len(y)
        return x.flatten(1).double().mean(1)


def test_of_the_candidates_the_one_that_is_scored_highest_is_kept():
    model = made(1.0)
    ranker = Brightest(SHAPE, 2, condition=Tokens(L, V), channels=4, stages=1)
    y = captions(40)
    one = model.sample(40, y, means=True, generator=torch.Generator().manual_seed(0))
    best = model.sample(40, y, means=True, candidates=8, ranker=ranker, generator=torch.Generator().manual_seed(0))
    assert best.shape == one.shape
    assert best.round().mean() > one.round().mean()
    many = model.sample(320, y.repeat_interleave(8, 0), means=True, generator=torch.Generator().manual_seed(0))
    brightness = many.round().flatten(1).mean(1).view(40, 8)
    assert torch.equal(best, many.view(40, 8, *SHAPE)[torch.arange(40), brightness.argmax(1)])
    for how in ({"candidates": 2}, {"ranker": ranker}):
        with pytest.raises(ValueError, match="candidates and ranker belong together"):
            model.sample(4, y[:4], **how)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: TextToImage(made().tokenizer, Labels(3)), "must be of type Tokens"),
        (lambda: made(blank=1.0), "blank=1.0"),
        (lambda: made().sample(2, captions(2), guidance=-1.0), "guidance=-1.0"),
        (lambda: made().sample(2, captions(2) + V), "y holds"),
        (lambda: made().loss(integers(2)), "this model is conditional"),
        (lambda: made().sample(2, captions(2), guidance=math.inf), "guidance=inf must be finite"),
        (lambda: made().sample(2, captions(2), given=captions(2)), "given= and known= say what the captions y say"),
        (lambda: made().sample(2, captions(2), known=captions(2) > 0), "pass one of the two"),
        (lambda: made().log_prior(captions(4) % K, captions(3)), r"y has shape \(3, 2\); it must be \(4, 2\)"),
        (lambda: made().log_prior(captions(4) % K, captions(4)[:, 0]), r"y has shape \(4,\); it must be \(4, 2\)"),
        (lambda: made().log_prior(captions(4) % K, captions(4) + V), "y holds"),
    ],
)
def test_what_makes_no_sense_is_refused(act, words):
    with pytest.raises(ValueError, match=words):
        act()


def test_it_knows_its_codebook_again():
    model = made()
    fit(model, (integers(32), captions(32)), steps=2, batch_size=16, bar=False)
    model.sample(2, captions(2))
    with torch.no_grad():
        codes = model.tokenizer.quantizer.codebook
        codes.copy_(codes.roll(1, 0))  # the same codes under other numbers
    with pytest.raises(ValueError, match="train a prior for this one"):
        model.sample(2, captions(2))


def test_it_learns_to_draw_what_it_is_told():
    """Four captions, four pictures, by their tokens: after some steps each is drawn when it is asked for."""
    x = torch.tensor([[0] * 8, [1] * 8, [1, 1, 0, 0] * 2, [0, 0, 1, 1] * 2]).view(4, *SHAPE)
    y = torch.tensor([[1, 1], [1, 2], [2, 1], [2, 2]])
    torch.manual_seed(0)
    tokenizer = VQVAE(SHAPE, K, dim=2, channels=8, stages=1)
    fit(tokenizer, x.repeat(64, 1, 1, 1), steps=150, batch_size=64, lr=1e-2, bar=False)
    model = TextToImage(tokenizer, Tokens(L, V), width=16, layers=1, heads=2)
    fit(model, (x.repeat(64, 1, 1, 1), y.repeat(64, 1)), steps=200, batch_size=64, lr=1e-2, bar=False)
    drawn = model.sample(200, y.repeat(50, 1), means=True).round().long()
    assert (drawn == x.repeat(50, 1, 1, 1)).flatten(1).all(1).double().mean() > 0.8


# --- the contrastive model


def test_the_contrastive_loss_by_hand():
    torch.manual_seed(0)
    model = Contrastive(SHAPE, 2, condition=Tokens(L, V), channels=4, stages=1, width=6).eval()
    x, y = integers(5), captions(5)
    u, v = model.pictures(x), model.captions(y)
    assert torch.allclose(u.norm(dim=1), torch.ones(5), atol=1e-5)
    s = u @ v.T / 0.07
    rows = -torch.stack([F.log_softmax(s[i], 0)[i] for i in range(5)]).mean()
    columns = -torch.stack([F.log_softmax(s[:, i], 0)[i] for i in range(5)]).mean()
    parts = model.loss(x, y)
    assert torch.allclose(parts["loss"], (rows + columns) / 2, atol=1e-4)
    assert torch.allclose(model.score(x, y), (u * v).sum(1))
    with torch.no_grad():
        model.given[1].weight.zero_()
        assert model.loss(x, y)["loss"] > 0.99 * math.log(5), "who says the same of all is at log B at best"


def test_it_learns_which_caption_belongs():
    train, test = data.shapes(600)
    y, wanted = train.factors["caption"], test.factors["caption"]
    words = len(train.factor_names["caption"])
    torch.manual_seed(0)
    model = Contrastive(train.shape, 256, condition=Tokens(8, words), channels=8, width=32)
    fit(model, (train.x, y), steps=120, batch_size=64, lr=3e-3, bar=False)
    with torch.no_grad():
        own, other = model.score(test.x, wanted), model.score(test.x, wanted.roll(1, 0))
    assert (own > other).double().mean() > 0.85


def test_one_sequence_is_a_transformer_of_both_vocabularies():
    sequence = OneSequence(2, 4, 3, 5, width=8, layers=1, heads=2)
    assert sequence.shape == (5,)
    assert sequence.levels == 9
