"""A prior over tokens: its bound, its samples, and that it knows the codebook it belongs to."""

import itertools
import math
import time

import pytest
import torch

from genlib import data, metrics
from genlib.autoregressive import MADE, PixelCNN, Transformer
from genlib.hybrid import TokenPrior
from genlib.training import fit
from genlib.vq import FSQ, VQVAE, GumbelVAE
from tests import contracts

SHAPE, K = (1, 2, 4), 3  # two tokens of three
HOW = {"channels": 4, "stages": 1}
TOKENIZERS = {
    "VQ": lambda: VQVAE(SHAPE, K, dim=2, **HOW),
    "FSQ": lambda: VQVAE(SHAPE, quantizer=FSQ((3,)), **HOW),
    "Gumbel": lambda: GumbelVAE(SHAPE, K, dim=2, **HOW),
}
PRIORS = {
    "Transformer": lambda **how: Transformer((2,), K, width=8, layers=1, heads=2, **how),
    "PixelCNN": lambda **how: PixelCNN((1, 1, 2), K, channels=4, layers=1, first_kernel=3, **how),
}


def integers(n=6, seed=0):
    return torch.randint(2, (n, *SHAPE), generator=torch.Generator().manual_seed(seed))


def made(tokenizer="VQ", prior="Transformer", **how):
    torch.manual_seed(0)
    return TokenPrior(TOKENIZERS[tokenizer](), PRIORS[prior](**how))


def shaken(model, shake=0.6):
    model.tokenizer.requires_grad_(True)
    twin = contracts.shaken(model, shake)
    twin.tokenizer.requires_grad_(False)
    return twin


def enumerated(model, x, y=None):
    """log Σ p(t) p(x | t) over all 9 pairs of tokens, (B,)."""
    t = torch.tensor(list(itertools.product(range(K), repeat=2)))
    labels = [None] * len(x) if y is None else [one.expand(9) for one in y]
    with torch.no_grad():
        log_p = model.tokenizer.decode(model.tokenizer.vectors(t)[:, None]).log_prob(x)  # (9, B)
        each = [model.prior.log_prob(t.view(9, *model.prior.shape), one) for one in labels]
    return (log_p + torch.stack(each, 1)).logsumexp(0)


@pytest.mark.parametrize(("tokenizer", "prior"), [*itertools.product(TOKENIZERS, PRIORS)])
def test_the_joint_bound_is_in_order(tokenizer, prior):
    model = shaken(made(tokenizer, prior))
    contracts.bounds_in_order(model, integers(), log_prob=lambda x, y: enumerated(model, x), ks=(1, 3, 5), repeats=300)


def test_the_bound_of_several_codings_asks_each_of_them_with_its_own_label():
    model = shaken(made(classes=3))
    x, y = integers(), torch.arange(6) % 3
    contracts.bounds_in_order(model, x, y, log_prob=lambda x, y: enumerated(model, x, y), ks=(1, 3, 5), repeats=2)
    decode, vectors = model.tokenizer.decode, model.tokenizer.vectors
    with torch.no_grad():
        each = [decode(vectors(t)).log_prob(x) + model.prior.log_prob(t, y) for t in model.tokenizer.codings(x, 5)]
        expected = torch.stack(each).logsumexp(0)
    assert torch.allclose(model.elbo(x, y, k=5), expected)


def test_distortion_and_code_length_are_the_two_parts():
    model = shaken(made())
    x = integers()
    t = model.tokens(x)
    distortion = -model.tokenizer.decode(model.tokenizer.vectors(t)).log_prob(x)
    assert torch.allclose(-model.elbo(x), distortion - model.prior.log_prob(t))
    assert torch.allclose(model.loss(x)["loss"], -model.prior.log_prob(t).mean())


@pytest.mark.parametrize("prior", PRIORS)
def test_samples_are_those_of_the_mixture(prior):
    model = shaken(made(prior=prior), 1.0)
    contracts.samples_match_density(model, log_prob=lambda x, y: enumerated(model, x), n=20_000)


def test_cached_and_naive_tokens_give_the_same_pictures():
    model = shaken(made())
    contracts.cached_sampling_equals_naive(model.prior)
    uniforms = torch.rand(20, 2, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    pictures = [
        model.sample(20, uniforms=uniforms, cached=cached, generator=torch.Generator().manual_seed(1))
        for cached in (True, False)
    ]
    assert torch.equal(*pictures)
    cold = model.sample(50, temperature=0, means=True)
    assert len(cold.unique(dim=0)) == 1, "options reach the prior"


def test_a_prior_of_another_size_is_refused():
    for prior in (MADE((2,), K + 1), MADE((3,), K)):
        with pytest.raises(ValueError, match=r"the tokenizer gives 2 tokens of 3"):
            TokenPrior(TOKENIZERS["VQ"](), prior)
    with pytest.raises(ValueError, match=r"tokenizer=None: it must be given"):
        TokenPrior(None, MADE((2,), K))


def test_the_tokenizer_is_frozen_and_fit_leaves_it_as_it_is():
    model = made()
    before = {name: value.clone() for name, value in model.tokenizer.state_dict().items()}
    prior = {name: value.clone() for name, value in model.prior.named_parameters()}
    fit(model, integers(64), steps=4, batch_size=16, bar=False)
    assert all(torch.equal(value, model.tokenizer.state_dict()[name]) for name, value in before.items())
    assert not any(torch.equal(value, dict(model.prior.named_parameters())[name]) for name, value in prior.items())
    assert not model.train().tokenizer.training


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_tokens_of_another_codebook_are_refused(tokenizer):
    """Another encoder under the same codes gives tokens that the prior never saw."""
    x = integers(64)
    torch.manual_seed(0)
    tok = TOKENIZERS[tokenizer]()
    fit(tok, x, steps=30, batch_size=32, lr=1e-2, bar=False)
    model = TokenPrior(tok, PRIORS["Transformer"]())
    model.sample(2)  # a prior that was not trained yet knows no tokens
    fit(model, x, steps=3, batch_size=16, bar=False)
    bound = model.elbo(x)
    model.sample(2)
    again = TokenPrior(TOKENIZERS[tokenizer](), PRIORS["Transformer"]())
    again.load_state_dict(model.state_dict())
    assert again.known
    if tokenizer != "Gumbel":  # which draws its tokens
        assert torch.allclose(again.elbo(x), bound), "saved and loaded it is known again"
    model.double().elbo(x)  # in another precision, too
    with torch.no_grad():
        tok.encoder[-1].bias[0] += 99.0  # other tokens, of the same codes
    for act in (lambda: model.elbo(x), lambda: model.sample(2), lambda: fit(model, x, steps=2, bar=False)):
        with pytest.raises(ValueError, match=r"% of those that it remembers are others now; train a prior"):
            act()


def test_a_prior_shortens_the_code_and_the_bound_is_told_in_bits():
    """On digits: the joint bound beats the uniform one, by what the code gets shorter."""
    train, test = data.digits()
    torch.manual_seed(0)
    tok = VQVAE(train.shape, 32, "categorical", levels=17, dim=4, channels=8, stages=1)
    fit(tok, train, steps=200, batch_size=64, lr=3e-3, bar=False)
    model = TokenPrior(tok, Transformer((16,), 32, width=32, layers=1, heads=2))
    fit(model, train, steps=200, batch_size=64, lr=3e-3, bar=False)
    x = test.x.long()
    with torch.no_grad():
        uniform, learned = tok.elbo(x).mean(), model.elbo(x).mean()
        saved = 16 * math.log(32) - model.loss(x)["loss"]
    assert saved > 5
    assert learned - uniform == pytest.approx(saved.item(), abs=1e-3)
    assert metrics.bits_per_dim(learned, train.shape) < metrics.bits_per_dim(uniform, train.shape)


def test_few_tokens_are_drawn_sooner_than_many_pixels():
    pixels = Transformer((1, 16, 16), 2, width=16, layers=1, heads=2)
    model = TokenPrior(VQVAE((1, 16, 16), 16, channels=4), Transformer((16,), 16, width=16, layers=1, heads=2))
    seconds = []
    for drawn in (model, pixels):
        start = time.process_time()
        drawn.sample(4)
        seconds.append(time.process_time() - start)
    assert seconds[0] < seconds[1] / 3
