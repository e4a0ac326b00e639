"""Vector quantization: codes, tokens, what they cost and what they keep, and who moves what."""

import copy
import itertools
import math

import pytest
import torch
from torch import nn

from genlib import data
from genlib.likelihoods import Logistic
from genlib.training import fit
from genlib.vae import VAE
from genlib.vq import FSQ, VQVAE, GumbelVAE, Quantizer, cooled, gumbel_softmax, kl_to_uniform, perplexity
from tests import contracts

SHAPE, K, T = (1, 4, 4), 3, 4
HOW = {"channels": 4, "stages": 1}
KINDS = {
    "averages": lambda: VQVAE(SHAPE, K, dim=2, **HOW),
    "gradient": lambda: VQVAE(SHAPE, quantizer=Quantizer(K, 2, learning="gradient"), **HOW),
    "FSQ": lambda: VQVAE(SHAPE, quantizer=FSQ((3,)), **HOW),
    "Gumbel": lambda: GumbelVAE(SHAPE, K, dim=2, **HOW),
}


def integers(n=6, shape=SHAPE, levels=2, seed=0):
    return torch.randint(levels, (n, *shape), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=KINDS)
def model(request):
    torch.manual_seed(0)
    model = KINDS[request.param]()
    model.initialise(integers(64))
    return contracts.shaken(model, 0.3)


def flat(inputs, outputs):
    """x (B, inputs) -> one place, (B, outputs, 1)."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.Unflatten(1, (outputs, 1)))


def all_tokens(model):
    return torch.tensor(list(itertools.product(range(model.codes), repeat=model.T)))


def enumerated(model, x):
    """log p(x) by the sum over all K^T tokens, (B,)."""
    t = all_tokens(model)
    with torch.no_grad():
        log_p = model.decode(model.vectors(t)[:, None]).log_prob(x)  # (K^T, B)
    return log_p.logsumexp(0) - model.T * math.log(model.codes)


# --- bounds and samples


def test_bounds_are_in_order_where_all_tokens_can_be_enumerated(model):
    contracts.bounds_in_order(
        model, integers(), log_prob=lambda x, y: enumerated(model, x), ks=(1, 2, 5, 9), repeats=200
    )


@pytest.mark.parametrize("kind", ["averages", "gradient", "FSQ"])
def test_with_one_token_all_codings_together_are_log_p(kind):
    """T = 1: then K codings are all that there are, and the bound is closed, whatever the encoder chose."""
    torch.manual_seed(0)
    quantizer = {"FSQ": FSQ((2, 2)), "gradient": Quantizer(4, 2, learning="gradient")}.get(kind, Quantizer(4, 2))
    nets = {"encoder": flat(3, 2), "decoder": nn.Sequential(nn.Flatten(), nn.Linear(2, 3))}
    model = contracts.shaken(VQVAE((3,), quantizer=quantizer, **nets))
    x = integers(5, (3,))
    contracts.bounds_in_order(model, x, log_prob=lambda x, y: enumerated(model, x), ks=(1, 2, 4), gap=1e-9, repeats=2)
    with pytest.raises(ValueError, match="only 4 codings"):
        model.elbo(x, k=5)


def test_the_bound_of_the_gumbel_vae_closes_where_q_is_the_posterior():
    torch.manual_seed(0)
    nets = {"encoder": flat(2, 3), "decoder": nn.Sequential(nn.Flatten(), nn.Linear(2, 2))}
    model = contracts.shaken(GumbelVAE((2,), 3, dim=2, **nets))
    x = integers(1, (2,))
    log_p = model.decode(model.vectors(all_tokens(model))[:, None]).log_prob(x)[:, 0]
    with torch.no_grad():
        model.encoder[0].weight.zero_()
        model.encoder[0].bias.copy_(log_p.detach())  # the prior is uniform: the likelihood is the posterior
    contracts.bounds_in_order(model, x, log_prob=lambda x, y: enumerated(model, x), ks=(1,), gap=0.02, repeats=4000)


def test_the_bound_is_distortion_and_code_length(model):
    if isinstance(model, GumbelVAE):
        return
    x = integers()
    distortion = -model.decode(model.vectors(model.tokens(x))).log_prob(x)
    assert torch.allclose(model.elbo(x), -distortion - T * math.log(K))
    learned = model.bound(x, lambda t: torch.full(t.shape[:1], -1.5, dtype=torch.double))
    assert torch.allclose(learned, -distortion - 1.5), "another prior, another code length"


def test_samples_are_those_of_the_mixture():
    """x has 4 binary pixels, two tokens."""
    torch.manual_seed(0)
    for make in (lambda: VQVAE((1, 2, 4), K, dim=2, **HOW), lambda: GumbelVAE((1, 2, 4), K, dim=2, **HOW)):
        model = contracts.shaken(make(), 0.8)
        contracts.samples_match_density(model, log_prob=lambda x, y, m=model: enumerated(m, x), n=20_000)


# --- tokens there and back


class Same(nn.Module):
    """x (B, 2, 3) as it is: three places of two numbers."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.one * x


@pytest.mark.parametrize("quantizer", [Quantizer(5, 2), Quantizer(5, 2, learning="gradient"), FSQ((4, 3))])
def test_tokens_come_back_from_what_they_stand_for(quantizer):
    """With networks that change nothing, rounding is all that happens, and what was rounded stays."""
    torch.manual_seed(0)
    model = VQVAE((2, 3), likelihood="gaussian", quantizer=quantizer, encoder=Same(), decoder=Same())
    model.initialise(torch.randn(50, 2, 3))
    if isinstance(quantizer, FSQ):  # its codes are no fixed points of tanh; far out each number is at its end
        ends = torch.tensor([0, 3, 8, 11])  # (first or last level of 4) and (first or last of 3)
        t = ends[torch.randint(4, (20, 3))]
        assert torch.equal(model.tokens(100 * (model.from_tokens(t) + 0.01)), t)
    else:
        t = torch.randint(5, (20, 3))
        assert torch.equal(model.tokens(model.from_tokens(t)), t)
    x = torch.randn(7, 2, 3)
    assert torch.equal(model.from_tokens(model.tokens(x)), model(x))


def test_tokens_of_another_codebook_are_refused(model):
    good = model.tokens(integers())
    assert good.shape == (6, T)
    for bad, words in (
        (good + K, rf"t holds .*; this codebook has the tokens 0\.\.{K - 1}"),
        (good - K, "t holds"),
        (good[:, 1:], r"t has shape \(6, 3\)"),
        (good.double(), "t holds torch.float64"),
        (good.tolist(), "t is a list"),
    ):
        with pytest.raises(ValueError, match=words):
            model.from_tokens(bad)


def test_the_nearest_code_is_nearest_and_each_index_is_its_own(model):
    if isinstance(model, GumbelVAE):
        return
    q = model.quantizer
    table = q.table()
    assert table.shape == (q.codes, q.dim)
    assert len(table.unique(dim=0)) == q.codes
    assert torch.equal(q.lookup(torch.arange(q.codes)), table)
    z = torch.randn(50, q.dim, dtype=torch.double)
    assert torch.equal(q.distances(z).argmin(-1), q.nearest(z))
    if isinstance(q, Quantizer):
        assert torch.allclose(q.distances(z), torch.cdist(z, table).square(), atol=1e-9)


@pytest.mark.parametrize("levels", [(8, 4, 4), (5, 3), (2,), (7, 2)])
def test_fsq_rounds_to_the_levels_of_the_paper(levels):
    q = FSQ(levels).double()
    assert q.codes == math.prod(levels)
    z = 4 * torch.randn(4000, 1, len(levels), dtype=torch.double, generator=torch.Generator().manual_seed(0))
    e, t = q(z)
    assert torch.allclose(q.lookup(t), e)
    assert torch.equal(q.nearest(z), t)
    assert e.min() >= -1 - 1e-9
    assert e.max() <= 1 + 1e-9
    for i, L in enumerate(levels):
        values = e[..., i].unique()
        assert len(values) == L
        spread = (values[:, None] == e[..., i].flatten()).double().mean(1)
        assert torch.allclose(spread, spread.flip(0), atol=0.04), "as many below as above"


# --- who moves what


def gradients(model, loss):
    """{who: whether this loss moves it}"""

    def moves(parameters):
        found = torch.autograd.grad(loss, list(parameters), allow_unused=True, retain_graph=True)
        return any(g is not None and bool(g.any()) for g in found)

    parts = {"encoder": model.encoder.parameters(), "decoder": model.decoder.parameters()}
    return {name: moves(p) for name, p in (parts | {"codebook": [model.quantizer.codebook]}).items()}


def test_each_term_moves_what_it_should():
    torch.manual_seed(0)
    model = KINDS["gradient"]()
    parts = model.loss(integers(32))
    assert gradients(model, parts["reconstruction"]) == {"encoder": True, "decoder": True, "codebook": False}
    assert gradients(model, parts["codebook"]) == {"encoder": False, "decoder": False, "codebook": True}
    assert gradients(model, parts["commitment"]) == {"encoder": True, "decoder": False, "codebook": False}
    total = parts["reconstruction"] + parts["codebook"] + 0.25 * parts["commitment"]
    assert torch.allclose(parts["loss"], total)


def test_the_gradient_passes_the_rounding_as_if_it_were_not_there():
    q = Quantizer(5, 2)
    z = torch.randn(3, 4, 2, requires_grad=True)
    z_q, t = q(z)
    assert torch.allclose(z_q, q.lookup(t))
    weights = torch.randn(3, 4, 2)
    (g,) = torch.autograd.grad((z_q * weights).sum(), z)
    assert torch.equal(g, weights)


def test_both_terms_are_squared_distances_summed_over_an_example():
    q = Quantizer(4, 2, learning="gradient")
    z = torch.randn(3, 5, 2)
    _, t = q(z)
    expected = sum((z[b, i] - q.codebook[t[b, i]]).square().sum() for b in range(3) for i in range(5)) / 3
    terms = q.terms(z, t)
    assert torch.allclose(terms["codebook"], expected)
    assert torch.allclose(terms["commitment"], expected)


# --- how codes move


def test_averages_are_the_means_of_their_vectors():
    """With the same batch again and again the codes end at the means, where the gradient of the first term is 0."""
    torch.manual_seed(0)
    q = Quantizer(3, 2, decay=0.5, revive=0.0, smoothing=0.0)
    z = torch.randn(1, 200, 2)
    q.start_from(z)
    for _ in range(200):
        _, t = q(z)
        q.after_step()
    for k in range(3):
        assert torch.allclose(q.codebook[k], z[0][t[0] == k].mean(0), atol=1e-4)


def test_one_step_of_the_averages_by_hand():
    q = Quantizer(3, 1, decay=0.9, revive=0.0, smoothing=0.1, start="uniform")
    before = q.codebook.clone()
    q.codebook.copy_(torch.tensor([[-10.0], [0.0], [10.0]]))
    q.sums.copy_(q.codebook)
    q(torch.tensor([[[9.0], [8.0], [1.0], [12.0]]]))
    q.after_step()
    N = torch.tensor([0.9, 1.0, 0.9 + 0.3])
    m = torch.tensor([-9.0, 0.1, 9.0 + 2.9])
    smooth = (N + 0.1) / (N.sum() + 0.3) * N.sum()
    assert torch.allclose(q.counts, N)
    assert torch.allclose(q.codebook[:, 0], m / smooth)
    assert before.abs().max() <= 1 / 3, "uniform start within ±1/K"


def test_a_code_that_nothing_goes_to_stays_finite_and_where_it_is():
    torch.manual_seed(0)
    q = Quantizer(4, 2, decay=0.5, revive=0.0)
    q.start_from(torch.randn(1, 100, 2))
    q.codebook[3] = 50.0
    q.sums[3] = 50.0 * q.counts[3]
    for _ in range(200):
        q(torch.randn(1, 100, 2))
        q.after_step()
        assert q.codebook.isfinite().all()
        assert q.codebook[3].abs().max() <= 51


@pytest.mark.parametrize("learning", ["average", "gradient"])
def test_dead_codes_are_revived_at_vectors_of_the_batch(learning):
    torch.manual_seed(0)
    for revive, alive in ((0.05, 16), (0.0, 1)):
        q = Quantizer(16, 2, learning=learning, revive=revive, start="uniform")
        with torch.no_grad():
            q.codebook += 30  # far from all that comes, but the first one
            q.codebook[0] = 0
            q.sums.copy_(q.codebook)
        for _ in range(60):
            z = torch.randn(1, 400, 2)
            _, t = q(z)
            q.after_step()
        _, t = q(torch.randn(1, 4000, 2))
        assert (t.unique().numel() == 1) if alive == 1 else (t.unique().numel() >= 12)


def test_with_two_processes_the_codes_follow_the_batch_of_both(monkeypatch):
    """The other process's half of the batch comes in by all_reduce; the vectors to revive codes at are the first's."""
    torch.manual_seed(0)
    z = torch.randn(1, 40, 2)
    q = Quantizer(4, 2, revive=0.0)
    q.start_from(z)
    other, both = copy.deepcopy(q), copy.deepcopy(q)
    q(z[:, ::2]), other(z[:, 1::2]), both(z)
    theirs, sent = [other.batch_counts, other.batch_sums], []
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda mine: mine.add_(theirs.pop(0)))
    monkeypatch.setattr(torch.distributed, "broadcast", lambda mine, source: sent.append((mine, source)))
    q.after_step()
    monkeypatch.undo()
    both.after_step()
    assert torch.allclose(q.codebook, both.codebook, atol=1e-6)
    assert sent[0][0] is q.spare
    assert sent[0][1] == 0


def test_nothing_is_remembered_but_in_training():
    torch.manual_seed(0)
    model = KINDS["averages"]()
    x = integers(16)
    model.eval()
    model.loss(x)
    assert not model.quantizer.batch_counts.any()
    model.train()
    model.loss(x)
    assert model.quantizer.batch_counts.sum() == 16 * T
    before = model.quantizer.codebook.clone()
    model.tokens(x)
    assert torch.equal(before, model.quantizer.codebook), "codes move after a step, and not before"
    model.players()[0].after_step()
    assert not torch.equal(before, model.quantizer.codebook)


@pytest.mark.parametrize("kind", ["averages", "gradient"])
def test_codes_start_at_data_and_fit_moves_them(kind):
    torch.manual_seed(0)
    fresh = KINDS[kind]()
    x = integers(64)
    fresh.initialise(x)
    z = fresh.encode(x).flatten(0, 1)
    assert all((code == z).all(1).any() for code in fresh.quantizer.codebook)
    before = copy.deepcopy(fresh.quantizer.codebook)
    fit(fresh, x, steps=5, batch_size=32, bar=False)
    assert not torch.equal(before, fresh.quantizer.codebook)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Quantizer(1), "codes=1"),
        (lambda: Quantizer(4, 0), "dim=0"),
        (lambda: Quantizer(decay=1.0), "decay"),
        (lambda: Quantizer(revive=1.0), "revive"),
        (lambda: Quantizer(smoothing=-1.0), "smoothing"),
        (lambda: Quantizer(learning="luck"), "learning='luck'"),
        (lambda: Quantizer(start="here"), "start='here'"),
        (lambda: FSQ(()), "levels="),
        (lambda: FSQ((4, 1)), "levels=1"),
        (lambda: VQVAE(SHAPE, 64, quantizer=Quantizer(4, 2)), "codes=64 would change nothing"),
        (lambda: VQVAE(SHAPE, quantizer=FSQ(), beta=1.0, **HOW), "beta=1.0 would change nothing"),
        (lambda: VQVAE((1, 5, 5)), "5x5 can't be halved 2 times"),
        (lambda: VQVAE((1, 4, 4), 4, dim=2, encoder=nn.Conv2d(1, 3, 1)), r"asked are \(B, 2, \*grid\)"),
        (lambda: cooled(0), "updates=0"),
        (lambda: cooled(5, end=0.0), "end=0.0"),
    ],
)
def test_what_can_not_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# --- Gumbel


def test_the_kl_to_uniform_is_that_of_torch():
    logits = torch.randn(5, 4, 7, dtype=torch.double)
    q = torch.distributions.Categorical(logits=logits)
    p = torch.distributions.Categorical(logits=torch.zeros_like(logits))
    assert torch.allclose(kl_to_uniform(logits), torch.distributions.kl_divergence(q, p))


def test_gumbel_noise_draws_from_q_and_a_low_temperature_makes_it_one_code():
    torch.manual_seed(0)
    logits = torch.tensor([0.0, 1.0, -1.0]).expand(40_000, 3)
    g = -(-torch.rand(40_000, 3).log()).log()
    for tau in (0.05, 2.0):
        w = gumbel_softmax(logits, g, tau)
        assert torch.allclose(w.sum(-1), torch.ones(40_000), atol=1e-5)
        share = torch.bincount(w.argmax(-1), minlength=3) / 40_000
        assert torch.allclose(share, logits[0].softmax(0), atol=0.01)
    assert gumbel_softmax(logits, g, 0.05).amax(-1).mean() > 0.95
    assert gumbel_softmax(logits, g, 2.0).amax(-1).mean() < 0.7


def test_the_temperature_falls_and_is_logged_and_hard_draws_are_codes():
    made = torch.tensor([0, 50, 100, 300])
    assert torch.allclose(cooled(100)(made), torch.tensor([1.0, (1 + 1 / 16) / 2, 1 / 16, 1 / 16]))
    torch.manual_seed(0)
    model = GumbelVAE(SHAPE, K, dim=2, temperature=cooled(4), **HOW)
    history = fit(model, integers(32), steps=6, bar=False)
    assert history["temperature"][:6].tolist() == pytest.approx(cooled(4)(torch.arange(6)).tolist())
    assert model.updates == 6
    assert torch.allclose(history["loss"], history["reconstruction"] + history["kl"], atol=1e-4)
    hard = GumbelVAE(SHAPE, K, dim=2, hard=True, **HOW)
    seen = []
    hard.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    hard.loss(integers(8))["loss"].backward()
    z = seen[0].flatten(2).transpose(1, 2).reshape(-1, 2)
    assert torch.cdist(z, hard.codebook).min(1).values.max() < 1e-5
    assert hard.encoder[0].weight.grad.any(), "the gradient of the mixture passes"


def test_perplexity_counts_codes():
    assert perplexity(torch.tensor([[0, 1], [2, 3]]), 8) == pytest.approx(4)
    assert perplexity(torch.zeros(9, dtype=torch.long), 8) == pytest.approx(1)
    p = torch.tensor([0.75, 0.25])
    assert perplexity(torch.tensor([0, 0, 0, 5]), 8) == pytest.approx(math.exp(-(p * p.log()).sum()))


# --- a likelihood for many levels


@pytest.mark.parametrize("levels", [2, 5, 256])
def test_the_logistic_over_levels_sums_to_one_and_is_drawn_from(levels):
    torch.manual_seed(0)
    likelihood = Logistic(levels, scale=0.2).double()
    m = torch.tensor([[-1.3], [0.0], [0.4], [2.0]], dtype=torch.double)
    p = likelihood.values(m[..., None].expand(4, levels, 1)).log_prob(torch.arange(levels).expand(4, levels)).exp()
    assert torch.allclose(p.sum(1), torch.ones(4, dtype=torch.double), atol=1e-9)
    few = likelihood.values(m.expand(4, 20_000)[..., None])
    drawn = likelihood.draw(few, torch.Generator().manual_seed(0))
    assert not drawn.is_floating_point()
    mean = (p * torch.arange(levels)).sum(1)
    error = ((p * torch.arange(levels) ** 2).sum(1) - mean**2).sqrt() / 20_000**0.5
    assert ((drawn.double().mean(1) - mean).abs() <= 4 * error + 1e-9).all()
    far = likelihood.values(torch.full((1, levels, 1), 90.0, dtype=torch.double)).log_prob(torch.arange(levels)[None])
    assert far.isfinite().all(), "no rounding empties a level"


def test_a_vae_takes_it_too():
    torch.manual_seed(0)
    model = VAE((2,), 2, "logistic", levels=5, hidden=8)
    x = integers(64, (2,), 5)
    model.initialise(x)
    contracts.gradients_reach_every_parameter(model, x)
    contracts.samples_match_density(
        model.double(),
        log_prob=lambda x, y: by_grid(model, x),
        n=20_000,
    )
    with pytest.raises(ValueError, match="needs the number of levels"):
        VAE((2,), 2, "logistic")


def by_grid(model, x):
    line = torch.linspace(-8, 8, 81, dtype=torch.double)
    z = torch.cartesian_prod(line, line)[:, None]
    with torch.no_grad():
        return torch.cat([model.log_joint(one[None], z).logsumexp(0) + 2 * math.log(0.2) for one in x])


# --- what it is good for


def test_a_trained_codebook_keeps_more_than_one_that_stands_still():
    """Two hundred steps on digits: distortion falls, and most codes are in use."""
    train, _ = data.digits()
    torch.manual_seed(0)
    model = VQVAE(train.shape, 32, "categorical", levels=17, dim=4, channels=8, stages=1)
    x = train[torch.arange(500)][0]
    model.initialise(x)
    with torch.no_grad():
        before = -model.elbo(x).mean()
    fit(model, train, steps=200, batch_size=64, lr=3e-3, bar=False)
    with torch.no_grad():
        after = -model.elbo(x).mean()
    assert after < before - 25
    assert perplexity(model.tokens(x), 32) > 12
