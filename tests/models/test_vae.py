"""VAEs and autoencoders: small ones by enumeration and quadrature, the contracts, and what they reach on digits."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent

from genlib import data, metrics
from genlib.nets import ConvDecoder, ConvEncoder, mlp
from genlib.training import fit
from genlib.vae import VAE, Autoencoder, StandardNormal, gaussian_kl, vae
from tests import contracts


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make(likelihood="bernoulli", shape=(1, 3, 3), **how):
    levels = {"bernoulli": 2, "categorical": 3, "gaussian": None}[likelihood]
    torch.manual_seed(0)
    return VAE(shape, likelihood=likelihood, levels=levels, **{"hidden": 16} | how)


def examples(model, n=6):
    if model.levels is None:
        return torch.randn(n, *model.shape, generator=generator())
    return torch.randint(model.levels, (n, *model.shape), generator=generator())


def labels(model, n=6):
    return None if model.classes is None else torch.arange(n) % model.classes


KINDS = {
    "bernoulli": {},
    "bernoulli, several draws": {"k": 5},
    "bernoulli, conditional": {"classes": 3},
    "bernoulli, convolutions": {"shape": (1, 8, 8), "network": "conv", "channels": 4},
    "bernoulli, convolutions, conditional": {"shape": (1, 8, 8), "network": "conv", "channels": 4, "classes": 3},
    "categorical": {"likelihood": "categorical", "dropout": 0.1},
    "categorical, convolutions": {"likelihood": "categorical", "shape": (2, 8, 8), "network": "conv", "channels": 4},
    "gaussian, learned scale": {"likelihood": "gaussian"},
    "gaussian, fixed scale, conditional": {"likelihood": "gaussian", "scale": 0.3, "classes": 2},
    "gaussian points": {"likelihood": "gaussian", "shape": (2,), "latent": 3},
}


@pytest.fixture(params=KINDS, ids=list(KINDS))
def model(request):
    return make(**KINDS[request.param])


class Given(nn.Module):
    """p(x | z) at one z, dressed as a model."""

    def __init__(self, model, z):
        super().__init__()
        self.model, self.z = model, z
        self.shape, self.levels, self.classes = model.shape, model.levels, model.classes

    def log_prob(self, x, y=None):
        return self.model.decode(self.z.expand(len(x), -1).double(), y).log_prob(x)


class Hidden(nn.Module):
    """The standard normal under another name, so that nobody knows the KL in closed form."""

    def __init__(self, latent):
        super().__init__()
        self.inner = StandardNormal(latent)

    def log_prob(self, z):
        assert z.ndim == 2  # a prior may be any model of points
        return self.inner.log_prob(z)

    def sample(self, n, *, generator=None):
        return self.inner.sample(n, generator=generator)


def by_quadrature(model, x, y=None, points=401):
    """log p(x | y) = log ∫ p(x | z) p(z) dz, (B,), for one latent dimension."""
    z = torch.linspace(-8, 8, points, dtype=torch.double)[:, None, None]  # (n, 1, 1)
    with torch.no_grad():
        return model.log_joint(x, z.expand(-1, len(x), -1), y).logsumexp(0) + math.log(16 / (points - 1))


# --- densities


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"classes": 2},
        {"likelihood": "categorical", "shape": (1, 2, 3)},
        {"shape": (1, 4, 4), "network": "conv", "channels": 2},
    ],
)
def test_decoders_sum_to_one(how):
    contracts.sums_to_one(Given(make(**how), torch.tensor([0.7, -1.2])))


@pytest.mark.parametrize("how", [{"scale": "learned"}, {"scale": 0.4}, {"scale": 0.4, "classes": 2}])
def test_gaussian_decoders_integrate_to_one(how):
    contracts.integrates_to_one(Given(make("gaussian", (2,), **how), torch.tensor([0.7, -1.2])))


@pytest.mark.parametrize("how", [{}, {"classes": 2}, {"likelihood": "categorical", "shape": (1, 2, 2)}])
def test_samples_and_integral_agree(how):
    model = contracts.shaken(make(latent=1, **how), 2.0)
    contracts.samples_match_density(model, log_prob=lambda x, y: by_quadrature(model, x, y, points=101))
    with torch.no_grad():
        everything = contracts.all_examples(model)
        total = by_quadrature(model, everything, None if model.classes is None else 0 * everything[:, 0, 0, 0])
    assert abs(total.exp().sum().item() - 1) < 1e-9


def test_gaussian_samples_follow_the_integral():
    model = contracts.shaken(make("gaussian", (2,), latent=1, scale=0.5), 1.0)

    def log_prob(x, y):
        return torch.cat([by_quadrature(model, part, points=101) for part in x.split(10_000)])

    contracts.samples_match_density(model, log_prob=log_prob, low=-8, high=8, cells=20)


# --- bounds


@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "gaussian"])
def test_bounds_are_in_order(likelihood):
    model = contracts.shaken(make(likelihood, latent=1), 2.0)
    x = examples(model).double() if likelihood == "gaussian" else examples(model)
    contracts.bounds_in_order(model, x, log_prob=lambda x, y: by_quadrature(model, x))
    model = contracts.shaken(make(likelihood, latent=1), 0.5)
    contracts.bounds_in_order(model, x, log_prob=lambda x, y: by_quadrature(model, x), ks=(2000,), gap=0.02, repeats=40)


def test_bounds_of_a_conditional_model():
    model = contracts.shaken(make(latent=1, classes=3), 2.0)
    contracts.bounds_in_order(model, examples(model), labels(model), log_prob=lambda x, y: by_quadrature(model, x, y))


def test_the_bound_is_tight_where_z_says_nothing_and_q_is_the_prior():
    model = make(latent=1)
    for net in (model.encoder, model.decoder):
        nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(model.encoder[-1].bias)
    model, x = model.double(), examples(model)
    contracts.bounds_in_order(
        model,
        x,
        log_prob=lambda x, y: model.decode(torch.zeros(len(x), 1).double()).log_prob(x),
        ks=(1, 4),
        gap=1e-9,
        repeats=2,
    )


def test_without_a_closed_form_the_kl_is_estimated_and_its_mean_is_the_same():
    model = make(latent=3)
    twin = make(latent=3, prior=Hidden(3))
    twin.load_state_dict(model.state_dict(), strict=False)
    x = examples(model)
    with torch.no_grad():
        q = model.encode(x)
        z = q.sample((20_000,))
        estimates = twin.kl(q, z)  # (n, B)
        closed = model.kl(q, z)
    assert closed.shape == (6,)
    assert torch.allclose(closed, gaussian_kl(q.mean, 2 * q.stddev.log()))
    error = estimates.std(0) / math.sqrt(20_000)
    assert ((estimates.mean(0) - closed).abs() < 5 * error).all()
    assert (error > 0).all()
    assert twin.sample(4, generator=generator()).equal(model.sample(4, generator=generator()))


def test_another_posterior_gets_torchs_closed_form_or_an_estimate():
    model = make(latent=2)
    full = torch.distributions.MultivariateNormal(torch.ones(6, 2), torch.eye(2) * 0.5)
    heavy = Independent(torch.distributions.StudentT(5.0, torch.zeros(6, 2)), 1)
    z = heavy.sample()
    assert torch.allclose(model.kl(heavy, z), heavy.log_prob(z) - model.prior.log_prob(z))
    z = full.sample()
    assert torch.allclose(model.kl(full, z), full.log_prob(z) - model.prior.log_prob(z))


def test_the_reparameterized_gradient_of_the_elbo_is_the_analytic_one():
    """The linear-Gaussian ELBO is known; its gradient must be the mean of the gradients of draws."""
    from genlib.vae import LinearGaussianVAE

    torch.manual_seed(0)
    model = LinearGaussianVAE((3,), latent=2).double()
    x = torch.randn(2, 3, generator=generator()).double()
    parameters = list(model.parameters())
    exact = torch.autograd.grad(model.exact_elbo(x).sum(), parameters)
    n = 2000
    draws = [torch.autograd.grad(model.elbo(x).sum(), parameters) for _ in range(n)]
    for truth, values in zip(exact, zip(*draws, strict=True), strict=True):
        values = torch.stack(values)
        assert ((values.mean(0) - truth).abs() <= 5 * values.std(0) / math.sqrt(n) + 1e-9).all()


# --- the rules


def test_gradients_reach_every_parameter(model):
    contracts.gradients_reach_every_parameter(model, examples(model), labels(model))


def test_the_same_seed_gives_the_same_result(model):
    contracts.same_seed_same_result(model.eval(), examples(model), labels(model))


def test_bad_input_is_refused(model):
    contracts.refuses_bad_input(model, examples(model), labels(model))


def test_shapes(model):
    x, y, L = examples(model), labels(model), model.latent
    q = model.encode(x, y)
    assert (q.batch_shape, q.event_shape) == ((6,), (L,))
    z = q.sample((4,))
    p = model.decode(z, y)
    assert (p.batch_shape, tuple(p.event_shape)) == ((4, 6), model.shape)
    assert p.log_prob(x).shape == (4, 6)
    assert p.mean.shape == (4, 6, *model.shape)
    assert p.sample().shape == (4, 6, *model.shape)
    assert model.log_joint(x, z, y).shape == (4, 6)
    assert model.elbo(x, y).shape == model.elbo(x, y, k=3).shape == (6,)
    parts = model.loss(x, y)
    assert set(parts) == {"loss", "reconstruction", "kl"}
    assert all(part.ndim == 0 for part in parts.values())
    assert model.sample(3).dtype == model.sample(3, means=False).dtype == x.dtype
    if model.levels is not None:
        assert model.sample(50).max() < model.levels


def test_the_encoder_gives_means_and_log_variances():
    model, halves = make(latent=3), torch.randn(5, 6, generator=generator())
    model.encoder = nn.Sequential(nn.Linear(9, 6, bias=False))
    nn.init.zeros_(model.encoder[0].weight)
    model.encoder.append(Add(halves))
    q = model.encode(examples(model, 5))
    assert torch.allclose(q.mean, halves[:, :3])
    assert torch.allclose(q.variance, halves[:, 3:].exp(), atol=1e-6)


class Add(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, h):
        return h + self.what


def test_further_axes_of_z_are_further_draws(model):
    model.eval()
    x, y = examples(model), labels(model)
    z = torch.randn(3, 6, model.latent, generator=generator())
    one_by_one = torch.stack([model.log_joint(x, part, y) for part in z])
    assert torch.allclose(model.log_joint(x, z, y), one_by_one, atol=1e-4)


def test_examples_do_not_see_one_another(model):
    model.eval()
    x, y = examples(model), labels(model)
    alone = model.encode(x[:1], None if y is None else y[:1])
    assert torch.allclose(model.encode(x, y).mean[:1], alone.mean, atol=1e-5)


def test_loss_is_the_bound_and_its_parts(model):
    model.eval()
    x, y = examples(model), labels(model)
    torch.manual_seed(3)
    parts = model.loss(x, y)
    torch.manual_seed(3)
    bound = model.elbo(x, y, k=model.k).mean()
    assert torch.allclose(parts["loss"], -bound, atol=1e-4)
    parameters = [p for p in model.parameters() if p.requires_grad]
    ways = zip(torch.autograd.grad(parts["loss"], parameters), torch.autograd.grad(bound, parameters), strict=True)
    assert all(torch.allclose(g, -h, atol=1e-3) for g, h in ways)
    if model.k == 1:
        assert torch.allclose(parts["loss"], parts["reconstruction"] + parts["kl"], atol=1e-4)
        model.beta = 3.0
        torch.manual_seed(3)
        assert torch.allclose(model.loss(x, y)["loss"], parts["reconstruction"] + 3 * parts["kl"], atol=1e-4)
        torch.manual_seed(3)
        assert torch.allclose(-model.elbo(x, y).mean(), parts["loss"], atol=1e-4)  # a bound, whatever beta is
    else:
        assert parts["loss"] < parts["reconstruction"] + parts["kl"]


def test_many_draws_in_several_pieces_give_the_same_bound(monkeypatch):
    model = make().eval()
    x, pieces = examples(model), []
    with torch.no_grad():
        torch.manual_seed(0)
        whole = model.elbo(x, k=5000)
        monkeypatch.setattr(vae, "AT_ONCE", 2000 * x.numel())
        monkeypatch.setattr(model, "_log_weights", lambda *a: pieces.append(a[-1]) or VAE._log_weights(model, *a))
        assert torch.allclose(model.elbo(x, k=5000), whole, atol=0.1)
    assert pieces == [2000, 2000, 1000]


def test_under_autocast_sums_are_float32():
    model = make("categorical").eval()
    x = examples(model)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        bound, q = model.elbo(x, k=5), model.encode(x)
        assert model.loss(x)["loss"].dtype == torch.float32
    assert bound.dtype == q.mean.dtype == torch.float32
    with torch.no_grad():
        assert torch.allclose(q.mean, model.encode(x).mean, atol=0.05)
        assert (bound - model.elbo(x, k=500)).abs().max() < 2


# --- pictures


def test_the_means_of_a_sample_belong_to_the_same_z(model):
    y = labels(model)
    means = model.eval().sample(6, y, means=True, generator=generator())
    z = model.prior.sample(6, generator=generator())
    assert torch.allclose(means, model.decode(z, y).mean, atol=1e-6)
    if model.levels:
        assert means.min() >= 0
        assert means.max() <= model.levels - 1


def test_levels_have_the_mean_and_variance_of_their_samples():
    p = make("categorical").decode(torch.zeros(1, 2)).base_dist
    many = p.sample((100_000,)).double()
    error = many.std(0) / math.sqrt(100_000)
    assert ((many.mean(0) - p.mean).abs() < 5 * error).all()
    assert torch.allclose(many.var(0), p.variance.double(), atol=0.02)


@pytest.mark.parametrize("how", [{}, {"likelihood": "categorical", "dropout": 0.5}, {"likelihood": "gaussian"}])
@pytest.mark.parametrize("classes", [None, 3])
def test_the_mean_decoder_is_plain_layers_that_say_the_same(how, classes):
    model = make(**how, classes=classes)
    y = None if classes is None else 2
    decoder = model.mean_decoder(y)
    known = (nn.Linear, nn.SiLU, nn.Sigmoid, nn.Softmax, nn.Unflatten, nn.Flatten)
    assert isinstance(decoder, nn.Sequential)
    assert all(isinstance(layer, known) for layer in decoder)
    z = torch.randn(5, 2, generator=generator())
    mean = model.eval().decode(z, None if y is None else torch.full((5,), y)).mean.flatten(1)
    scale = (model.levels or 2) - 1
    assert torch.allclose(decoder(z), mean / scale, atol=1e-6)


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("kind", ["VAE", "Autoencoder"])
def test_the_mean_decoder_is_a_copy(kind, classes):
    if kind == "Autoencoder" and classes:
        pytest.skip("an autoencoder has no labels")
    model = make(classes=classes) if kind == "VAE" else Autoencoder((1, 2, 3), latent=2)
    before = copy.deepcopy(model.state_dict())
    decoder = model.mean_decoder(2) if classes else model.mean_decoder()
    decoder.double()  # what .cpu() does to a model on another device: it changes parameters in place
    with torch.no_grad():
        for p in decoder.parameters():
            p.add_(1)
    assert all(not p.isnan().any() and p.dtype == torch.float64 for p in decoder.parameters())
    for name, value in model.state_dict().items():
        assert value.dtype == before[name].dtype, name
        assert torch.equal(value, before[name]), name
    assert all(layer.training for layer in model.modules()), "the model was put into evaluation mode"


def test_the_mean_decoder_needs_the_right_label_and_a_plain_decoder():
    with pytest.raises(ValueError, match="classes=3"):
        make(classes=3).mean_decoder()
    with pytest.raises(ValueError, match="classes=None"):
        make().mean_decoder(1)
    with pytest.raises(ValueError, match="use decode"):
        make(shape=(1, 8, 8), network="conv", channels=4).mean_decoder()


# --- the start


@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "gaussian"])
def test_the_start_knows_how_often_each_pixel_has_each_level(likelihood):
    model = make(likelihood)
    nn.init.zeros_(model.decoder[-1].weight)
    x = examples(model, 5000)
    model.initialise(x)
    mean = model.decode(torch.zeros(1, 2)).mean[0]
    assert torch.allclose(mean, x.float().mean(0), atol=2e-3)
    model.initialise(examples(model, 5000) * 0)  # only once: a trained model must not lose its bias
    assert torch.equal(model.decode(torch.zeros(1, 2)).mean[0], mean)
    twin = make(likelihood)
    twin.load_state_dict(model.state_dict())
    twin.initialise(x * 0)
    assert torch.equal(twin.decode(torch.zeros(1, 2)).mean[0], mean)


def test_the_start_of_a_convolution_knows_the_mean_over_the_picture():
    model = make("categorical", shape=(2, 8, 8), network="conv", channels=4)
    x = examples(model, 200)
    x[:, 1] = 2
    nn.init.zeros_(model.decoder[-2].weight)
    model.initialise(x)
    mean = model.decode(torch.zeros(1, 2)).mean[0]
    assert torch.allclose(mean[1], torch.full((8, 8), 2.0), atol=0.02)
    assert torch.allclose(mean[0], x[:, 0].float().mean().expand(8, 8), atol=0.02)


# --- networks of one's own


def test_residual_networks_may_be_passed_in():
    encoder, decoder = ConvEncoder((1, 9, 8), 6, channels=4), ConvDecoder(3, (1, 9, 8), channels=4)
    model = VAE((1, 9, 8), latent=3, encoder=encoder, decoder=decoder)
    contracts.gradients_reach_every_parameter(model, examples(model))
    model.initialise(examples(model))
    assert model.elbo(examples(model), k=3).shape == (6,)


def test_networks_may_be_passed_in():
    encoder = nn.Sequential(nn.Flatten(), mlp(9, 8))
    decoder = nn.Sequential(mlp(4, 9), nn.Unflatten(1, (1, 3, 3)))
    model = VAE((1, 3, 3), latent=4, encoder=encoder, decoder=decoder)
    contracts.gradients_reach_every_parameter(model, examples(model))
    assert model.sample(3).shape == (3, 1, 3, 3)


def test_networks_of_the_wrong_size_are_refused_with_their_shape():
    model = VAE((1, 3, 3), latent=4, encoder=nn.Sequential(nn.Flatten(), mlp(9, 4)), decoder=mlp(4, 8))
    with pytest.raises(ValueError, match=r"encoder gave shape \(6, 4\)"):
        model.loss(examples(model))
    with pytest.raises(ValueError, match=r"decoder gave shape \(2, 8\)"):
        model.sample(2)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"latent": 0}, "at least one latent"),
        ({"likelihood": "poisson"}, "choose one of bernoulli"),
        ({"levels": 17}, "binary pixels"),
        ({"likelihood": "categorical"}, "levels=17 for the digits"),
        ({"likelihood": "gaussian", "levels": 17}, "real values"),
        ({"scale": -1.0}, "positive standard deviation"),
        ({"scale": "free"}, "positive standard deviation"),
        ({"k": 0}, "at least one draw"),
        ({"beta": -1.0}, "0 or more"),
        ({"beta": 2.0, "k": 5}, "1 for the importance-weighted"),
        ({"network": "unet"}, 'choose "mlp" or "conv"'),
        ({"network": "conv", "shape": (9,)}, "takes pictures"),
        ({"network": "conv"}, "can't be halved twice"),
        ({"network": "conv", "shape": (1, 8, 8), "dropout": 0.1}, 'network="mlp" only'),
    ],
)
def test_bad_arguments_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        VAE(**{"shape": (1, 3, 3)} | how)


def test_bad_calls_are_refused():
    model = make()
    with pytest.raises(ValueError, match="at least one draw"):
        model.elbo(examples(model), k=0)
    with pytest.raises(ValueError, match=r"takes \(\.\.\., B, 2\)"):
        model.decode(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="real values, such as"):
        make("gaussian").loss(torch.zeros(2, 1, 3, 3, dtype=torch.long))


# --- autoencoders


@pytest.mark.parametrize("how", [{"levels": 17}, {}, {"levels": 2, "network": "conv", "channels": 4}])
def test_an_autoencoder(how):
    torch.manual_seed(0)
    model = Autoencoder((1, 8, 8), latent=3, **how)
    levels = how.get("levels")
    x = torch.randint(levels, (4, 1, 8, 8)) if levels else torch.randn(4, 1, 8, 8)
    contracts.gradients_reach_every_parameter(model, x)
    z = model.encode(x)
    assert z.shape == (4, 3)
    assert model.decode(z.expand(2, 4, 3)).shape == (2, 4, 1, 8, 8)
    reached = (model(x) - (x / (levels - 1) if levels else x)).square().sum() / 4
    assert torch.allclose(model.loss(x)["loss"], reached)
    if levels:
        assert model(x).min() >= 0
        assert model(x).max() <= 1
    if "network" not in how:
        assert torch.allclose(model.mean_decoder()(z), model.decode(z).flatten(1), atol=1e-6)


def test_an_autoencoder_refuses_what_does_not_fit():
    model, x = Autoencoder((1, 8, 8), levels=17), torch.zeros(2, 1, 8, 8, dtype=torch.long)
    with pytest.raises(ValueError, match="takes no labels"):
        model.loss(x, torch.zeros(2))
    with pytest.raises(ValueError, match=r"takes \(B, 1, 8, 8\)"):
        model.loss(x[..., 1:])
    with pytest.raises(ValueError, match=r"integers 0\.\.16"):
        model.loss(x.float())
    with pytest.raises(ValueError, match="pass levels="):
        Autoencoder((1, 8, 8)).encode(x)
    with pytest.raises(ValueError, match=r"\(\.\.\., B, 2\)"):
        model.decode(torch.zeros(2, 5))
    with pytest.raises(ValueError, match="at least 1"):
        Autoencoder((1, 8, 8), latent=0)


# --- what they reach


def test_on_the_digits_two_latents_reach_what_the_lecture_claims():
    train, test = data.digits()
    torch.manual_seed(0)
    model = VAE(train.shape, latent=2, likelihood="categorical", levels=17, layers=2, dropout=0.2)
    fit(model, train, steps=500, batch_size=128, lr=3e-3, weight_decay=0.05, bar=False, device="cpu")
    with torch.no_grad():
        bits = [metrics.bits_per_dim(model.elbo(test.x, k=k).mean(), train.shape).item() for k in (1, 20)]
    assert bits[1] < bits[0] < 2.28
    assert bits[0] > 1.9  # and the bound is no miracle
