"""VAEs and autoencoders: small ones by enumeration and quadrature, the contracts, and what they reach on digits."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent

from genlib import data, launch, metrics
from genlib.condition import Images, Labels, Tokens
from genlib.nets import ConvDecoder, ConvEncoder, mlp
from genlib.training import fit
from genlib.vae import (
    IWAE,
    VAE,
    Autoencoder,
    Bernoulli,
    Categorical,
    Gaussian,
    StandardNormal,
    gaussian_kl,
    mean_decoder,
    vae,
)
from tests import contracts


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make(likelihood="bernoulli", shape=(1, 3, 3), *, model=VAE, **how):
    torch.manual_seed(0)
    levels = 3 if likelihood == "categorical" else None
    return model(shape, likelihood=copy.deepcopy(likelihood), levels=levels, **{"hidden": 16} | how)


def examples(model, n=6):
    if model.levels is None:
        return torch.randn(n, *model.shape, generator=generator())
    return torch.randint(model.levels, (n, *model.shape), generator=generator())


def labels(model, n=6):
    return None if model.classes is None else torch.arange(n) % model.classes


KINDS = {
    "bernoulli": {},
    "bernoulli, several draws": {"model": IWAE, "k": 5},
    "bernoulli, conditional": {"classes": 3},
    "bernoulli, convolutions": {"shape": (1, 8, 8), "network": "conv", "channels": 4},
    "bernoulli, convolutions, conditional": {"shape": (1, 8, 8), "network": "conv", "channels": 4, "classes": 3},
    "categorical": {"likelihood": "categorical", "dropout": 0.1},
    "categorical, convolutions": {"likelihood": "categorical", "shape": (2, 8, 8), "network": "conv", "channels": 4},
    "gaussian, learned scale": {"likelihood": "gaussian"},
    "gaussian, fixed scale, conditional": {"likelihood": Gaussian(0.3, learned=False), "classes": 2},
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


@pytest.mark.parametrize("how", [{"scale": 1.0}, {"scale": 0.4}, {"scale": 0.4, "classes": 2}])
def test_gaussian_decoders_integrate_to_one(how):
    scale = how.pop("scale")
    contracts.integrates_to_one(Given(make(Gaussian(scale), (2,), **how), torch.tensor([0.7, -1.2])))


@pytest.mark.parametrize("how", [{}, {"classes": 2}, {"likelihood": "categorical", "shape": (1, 2, 2)}])
def test_samples_and_integral_agree(how):
    model = contracts.shaken(make(latent=1, **how), 2.0)
    contracts.samples_match_density(model, log_prob=lambda x, y: by_quadrature(model, x, y, points=101))
    with torch.no_grad():
        everything = contracts.all_examples(model)
        total = by_quadrature(model, everything, None if model.classes is None else 0 * everything[:, 0, 0, 0])
    assert abs(total.exp().sum().item() - 1) < 1e-9


def test_gaussian_samples_follow_the_integral():
    model = contracts.shaken(make(Gaussian(0.5, learned=False), (2,), latent=1), 1.0)

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
    k = model.k if isinstance(model, IWAE) else 1
    bound = model.elbo(x, y, k=k).mean()
    assert torch.allclose(parts["loss"], -bound, atol=1e-4)
    parameters = [p for p in model.parameters() if p.requires_grad]
    ways = zip(torch.autograd.grad(parts["loss"], parameters), torch.autograd.grad(bound, parameters), strict=True)
    assert all(torch.allclose(g, -h, atol=1e-3) for g, h in ways)
    if k == 1:
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
        monkeypatch.setattr(model, "log_weights", lambda *a: pieces.append(a[-1]) or VAE.log_weights(model, *a))
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
    decoder = mean_decoder(model, y)
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
    decoder = mean_decoder(model, 2) if classes else mean_decoder(model)
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
    with pytest.raises(ValueError, match="conditional: pass y"):
        mean_decoder(make(classes=3))
    with pytest.raises(ValueError, match=r"holds 3\.\.3"):
        mean_decoder(make(classes=3), 3)
    with pytest.raises(ValueError, match="unconditional"):
        mean_decoder(make(), 1)
    with pytest.raises(ValueError, match="unconditional"):
        mean_decoder(Autoencoder((1, 3, 3)), 1)
    with pytest.raises(ValueError, match="use decode"):
        mean_decoder(make(shape=(1, 8, 8), network="conv", channels=4))


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
        ({"latent": 0}, "latent=0 must be at least 1"),
        ({"likelihood": "poisson"}, "choose one of bernoulli"),
        ({"levels": 17}, "binary pixels"),
        ({"likelihood": "categorical"}, "levels=17 for the digits"),
        ({"likelihood": "gaussian", "levels": 17}, "real values"),
        ({"likelihood": Bernoulli(), "levels": 17}, "binary pixels"),
        ({"likelihood": Categorical(3), "levels": 17}, "number of levels of the data"),
        ({"classes": 3, "condition": Labels(4)}, "pass one of them"),
        ({"beta": -1.0}, "0 or more"),
        ({"network": "unet"}, 'choose "mlp" or "conv"'),
        ({"network": "conv", "shape": (9,)}, "takes pictures"),
        ({"network": "conv"}, "can't be halved twice"),
        ({"network": "conv", "shape": (1, 8, 8), "dropout": 0.1}, 'network="mlp" only'),
    ],
)
def test_bad_arguments_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        VAE(**{"shape": (1, 3, 3)} | how)


def test_by_name_they_are_made_for_their_data():
    train, _ = launch.find_data("digits")
    model = launch.make(launch.find_model("IWAE"), train, k=3, likelihood="categorical", hidden=8)
    assert (model.k, model.levels, model.classes, model.encoder[0].out_features) == (3, 17, 10, 8)
    assert launch.make(launch.find_model("VAE"), train.binarized(), classes=None).classes is None
    with pytest.raises(launch.TrainError, match="IWAE takes no draws; it takes shape, latent, likelihood, k, doubly"):
        launch.make(launch.find_model("IWAE"), train, draws=3)


def test_bad_scales_and_draws_are_refused():
    for scale in (-1.0, 0.0, math.inf):
        with pytest.raises(ValueError, match="positive standard deviation"):
            Gaussian(scale)
    with pytest.raises(ValueError, match="at least one draw"):
        IWAE((1, 3, 3), k=0)
    with pytest.raises(ValueError, match="the importance-weighted bound has no KL term"):
        IWAE((1, 3, 3), k=5, beta=2.0)


def test_bad_calls_are_refused():
    model = make()
    with pytest.raises(ValueError, match="at least one draw"):
        model.elbo(examples(model), k=0)
    with pytest.raises(ValueError, match=r"takes \(\.\.\., B, 2\)"):
        model.decode(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="takes real values"):
        make("gaussian").loss(torch.zeros(2, 1, 3, 3, dtype=torch.long))


# --- the three likelihoods, the names, and what a model says of itself


@pytest.mark.parametrize("name", ["bernoulli", "categorical", "gaussian"])
def test_a_name_is_short_for_a_likelihood(name):
    levels = 3 if name == "categorical" else None
    long = {"bernoulli": Bernoulli, "categorical": lambda: Categorical(3), "gaussian": Gaussian}[name]()
    models = []
    for likelihood in (name, long):
        torch.manual_seed(0)
        models.append(VAE((1, 3, 3), likelihood=likelihood, levels=levels if likelihood == name else None))
    short, other = models
    assert short.levels == other.levels == {"bernoulli": 2, "categorical": 3, "gaussian": None}[name]
    x, bounds = examples(short), []
    for model in models:
        torch.manual_seed(1)
        bounds.append(model.elbo(x))
    assert torch.equal(*bounds)
    assert short.state_dict().keys() == other.state_dict().keys()


def test_draws_by_a_generator_follow_the_distribution():
    numbers = torch.randn(1, 4, 3, generator=generator()).expand(50_000, -1, -1)
    for likelihood in (Bernoulli(), Categorical(3), Gaussian(0.3)):
        values = likelihood.values(numbers[..., : likelihood.per_value])
        drawn = likelihood.draw(values, generator(1)).double()
        error = drawn.std(0) / math.sqrt(50_000)
        assert ((drawn.mean(0) - values.mean[0]).abs() < 5 * error).all(), likelihood
        assert torch.allclose(drawn.var(0), values.variance[0].double(), rtol=0.05), likelihood
        assert torch.equal(likelihood.draw(values, generator(1)).double(), drawn), likelihood


@pytest.mark.parametrize("learned", [True, False])
def test_the_scale_of_a_gaussian_starts_where_it_is_told_and_learns_or_stays(learned):
    torch.manual_seed(0)
    model = VAE((2,), likelihood=Gaussian(0.3, learned=learned), hidden=8)
    assert model.likelihood.sigma.item() == pytest.approx(0.3)
    x = 2 * torch.randn(200, 2, generator=generator())
    fit(model, x, steps=50, lr=0.02, bar=False, device="cpu")
    assert (model.likelihood.sigma.item() == pytest.approx(0.3)) != learned


def test_a_call_gives_what_the_model_makes_of_x(model):
    x, y = examples(model), labels(model)
    torch.manual_seed(1)
    p = model.eval()(x, y)
    torch.manual_seed(1)
    z = model.encode(x, y).rsample()
    assert torch.equal(p.log_prob(x), model.decode(z, y).log_prob(x))
    assert p.mean.shape == x.shape


def test_printed_it_says_what_it_is():
    model = VAE((1, 8, 8), latent=3, likelihood="categorical", levels=17, classes=10, hidden=32)
    assert repr(model).splitlines() == [
        "VAE(shape=(1, 8, 8), latent=3, condition=Labels(K=10, missing=False))",
        "  p(z)      StandardNormal",
        "  p(x | z)  Categorical(values 0..16), from the decoder: Linear 13 → 32, SiLU, Linear 32 → 1088",
        "  q(z | x)  Gaussian(μ, diag σ²), from the encoder: Linear 74 → 32, SiLU, Linear 32 → 6",
    ]
    assert repr(IWAE((1, 8, 8), k=7)).startswith("IWAE(shape=(1, 8, 8), latent=2, condition=None, k=7)\n")
    assert "Bernoulli(values 0 and 1), from the decoder: ConvDecoder" in repr(
        VAE((1, 9, 8), encoder=ConvEncoder((1, 9, 8), 4, channels=4), decoder=ConvDecoder(2, (1, 9, 8), channels=4))
    )
    assert "Gaussian(reals, σ = 0.3, fixed)" in repr(VAE((2,), likelihood=Gaussian(0.3, learned=False)))


# --- conditions: labels that may be missing, a sentence, a picture


GIVEN = {
    "labels, some missing": (Labels(3, missing=True), torch.tensor([0, 1, 2, -1, -1, 1])),
    "a sentence": (Tokens(4, 7), torch.randint(1, 7, (6, 4), generator=generator())),
    "a picture": (Images((1, 2, 2)), torch.randn(6, 1, 2, 2, generator=generator())),
}


@pytest.fixture(params=GIVEN, ids=list(GIVEN))
def given(request):
    return GIVEN[request.param]


@pytest.mark.parametrize("how", [{}, {"shape": (1, 8, 8), "network": "conv", "channels": 4}, {"model": IWAE, "k": 3}])
def test_a_condition_reaches_both_networks_and_every_parameter(given, how):
    condition, y = given
    model = make(condition=condition, **how)
    x = examples(model)
    contracts.gradients_reach_every_parameter(model, x, y)
    model = contracts.shaken(model)
    other = y.flip(0)  # each example gets another condition
    with torch.no_grad():
        assert not torch.isclose(model.encode(x, y).mean, model.encode(x, other).mean).all(1).any()
        z = torch.randn(4, 6, 2, generator=generator()).double()
        means = model.decode(z, y).mean
        assert not torch.isclose(means, model.decode(z, other).mean).flatten(2).all(2).any()
        assert torch.allclose(means[1], model.decode(z[1], y).mean)  # further draws of z have the same y
    assert model.sample(6, y, generator=generator()).equal(model.sample(6, y, generator=generator()))


def test_a_conditional_bound_is_one_and_its_decoder_sums_to_one(given):
    condition, y = given
    model = contracts.shaken(make(condition=condition, latent=1), 1.0)
    contracts.bounds_in_order(model, examples(model, 2), y[3:5], log_prob=lambda x, y: by_quadrature(model, x, y))
    everything = contracts.all_examples(model)
    z = torch.full((len(everything), 1), 0.7).double()
    same = y[3:4].expand(len(everything), *y.shape[1:])
    with torch.no_grad():
        assert model.decode(z, same).log_prob(everything).exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_what_a_condition_is_not_is_refused(given):
    condition, y = given
    model = make(condition=condition)
    x = examples(model)
    for act in (model.loss, model.elbo, lambda x, y: model.sample(6, y)):
        with pytest.raises(ValueError, match="y has shape"):
            act(x, y[:-1])
    for act in (model.loss, model.elbo):
        with pytest.raises(ValueError, match="conditional: pass y"):
            act(x)
    if condition.__class__ is not Labels:
        with pytest.raises(ValueError, match="can't choose"):
            model.sample(6)


def test_a_missing_label_is_neither_of_the_others_and_needs_a_model_that_allows_it():
    model = contracts.shaken(make(condition=Labels(3, missing=True)))
    x = examples(model, 4)[:1].expand(4, -1, -1, -1)
    means = model.encode(x, torch.tensor([0, 1, 2, -1])).mean
    assert torch.cdist(means, means).fill_diagonal_(1).min() > 1e-3
    with pytest.raises(ValueError, match=r"holds -1\.\.2"):
        make(classes=3).elbo(x, torch.tensor([0, 1, 2, -1]))


def test_a_trained_conditional_model_does_as_it_is_told(given):
    """The condition says which of two pictures it is; a few steps, and samples follow."""
    condition, y = given
    picture = torch.arange(9).remainder(2).view(1, 3, 3)
    x = torch.stack([picture if i % 2 else 1 - picture for i in range(6)])
    y = torch.tensor([0, 1, 0, 1, 0, 1]) if y.ndim == 1 else y

    model = make(condition=condition)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        model.loss(x, y)["loss"].backward()
        optimizer.step()
    wrong = (model.eval().sample(6, y, means=True, generator=generator()) - x).abs().mean((1, 2, 3))
    assert wrong.max() < 0.2


@pytest.mark.parametrize("kind", list(GIVEN))
def test_the_decoder_for_a_browser_knows_any_condition(kind):
    condition, y = GIVEN[kind]
    model = contracts.shaken(make(condition=condition))
    z = torch.randn(5, 2, generator=generator()).double()
    mean = model.decode(z, y[3:4].expand(5, *y.shape[1:])).mean.flatten(1)
    assert torch.allclose(mean_decoder(model, y[3])(z), mean, atol=1e-6)


# --- a flow as the prior


def test_a_flow_may_be_the_prior_and_its_start_depends_on_what_the_encoder_says():
    from genlib import flow

    torch.manual_seed(0)
    prior = flow.Flow(flow.Compose(flow.ActNorm(2), flow.Affine((2,))), StandardNormal(2))
    model = VAE((1, 3, 3), prior=prior, hidden=16)
    nn.init.constant_(model.encoder[-1].bias[:2], 3.0)  # codes lie around 3
    x = examples(model, 500)
    model.initialise(x)
    act_norm = prior.bijection.layers[0]
    assert act_norm.initialised
    with torch.no_grad():
        started, _ = act_norm(model.encode(x).sample())
    assert torch.allclose(started.mean(0), torch.zeros(2), atol=0.2)
    assert torch.allclose(started.std(0), torch.ones(2), atol=0.2)
    contracts.gradients_reach_every_parameter(model, x[:50])


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
        assert torch.allclose(mean_decoder(model)(z), model.decode(z).flatten(1), atol=1e-6)


def test_an_autoencoder_refuses_what_does_not_fit():
    model, x = Autoencoder((1, 8, 8), levels=17), torch.zeros(2, 1, 8, 8, dtype=torch.long)
    with pytest.raises(ValueError, match="unconditional"):
        model.loss(x, torch.zeros(2))
    with pytest.raises(ValueError, match=r"takes \(B, 1, 8, 8\)"):
        model.loss(x[..., 1:])
    with pytest.raises(ValueError, match=r"integers 0\.\.16"):
        model.loss(x.float())
    with pytest.raises(ValueError, match="without levels="):
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
