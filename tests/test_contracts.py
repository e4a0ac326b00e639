"""Contracts: honest models pass every one that applies, and each planted fault fails those that the table names.

The honest models are as small as their mathematics allows. A fault is one of them with one line wrong. Its row names
the contract that is there for it, then all others that reject it: the table is compared with what happens, cell by
cell. To see it drawn: ``python -m tests.test_contracts``.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal

from genlib.classical import NaiveBayes
from genlib.model import GenerativeModel, Player
from tests import contracts


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


# --- an autoregressive model of binary pixels


class TinyAutoregressive(GenerativeModel):
    r"""log p(x | y) = Σ_i log p(x_i | x_<i, y): three masked layers with one unit for each pixel.

    Mask A lets unit i see what comes before i, mask B also i itself: A, B, B is causal, and sees all that came before.
    """

    levels, masks = 2, ("A", "B", "B")

    def __init__(self, shape=(1, 3, 3), classes=3):
        super().__init__()
        self.shape, self.classes, D = shape, classes, math.prod(shape)
        self.weight = nn.Parameter(randn(3, D, D))
        self.bias = nn.Parameter(0.5 * randn(classes or 1, D, seed=1))

    def layers(self):
        """The three masked weights (D, D)."""
        D = math.prod(self.shape)
        return [w * torch.ones(D, D).tril(-1 if m == "A" else 0) for w, m in zip(self.weight, self.masks, strict=True)]

    def forward(self, x, y=None):
        h, (w1, w2, w3) = 2.0 * x.flatten(1).to(self.weight) - 1, self.layers()  # (B, D) of -1 and 1
        logits = torch.tanh(torch.tanh(h @ w1.T) @ w2.T) @ w3.T + self.row(y)
        return logits.view(-1, *self.shape)  # of x_i = 1

    def row(self, y):
        return self.bias[:1] if y is None else self.bias[y]

    def log_prob(self, x, y=None):
        self.check(x, y)
        return self.log_likelihood(x, y)

    def log_likelihood(self, x, y):
        logits = self(x, y)
        return -F.binary_cross_entropy_with_logits(logits, x.to(logits), reduction="none").flatten(1).sum(1)

    def loss(self, x, y=None):
        self.check(x, y, values=False)
        return {"loss": -self.log_likelihood(x, y).mean()}

    @torch.no_grad()
    def sample(self, n, y=None, *, temperature=1.0, given=None, known=None, uniforms=None, cached=True, generator=None):
        D, labels = math.prod(self.shape), self.draw_condition(n, y, generator)
        self.check_options(n, temperature, given, known, uniforms)
        if uniforms is None:
            uniforms = torch.rand(n, D, generator=generator, dtype=self.weight.dtype)
        x, cache = torch.zeros(n, D, dtype=torch.long), self.start(n, labels)
        for i in range(D):
            logit = self.step(i, x, cache) if cached else self(x.view(n, *self.shape), labels).flatten(1)[:, i]
            x[:, i] = (uniforms[:, i] >= torch.sigmoid(-logit / temperature)).long()  # inverse CDF: 0 comes first
            if known is not None:
                x[:, i] = torch.where(known.flatten(1)[:, i], given.flatten(1)[:, i], x[:, i])
        return x.view(n, *self.shape)

    def start(self, n, y):
        """The cache: weights, biases, and the units of every layer, (n, D) each, filled from left to right."""
        return self.layers(), self.row(y).expand(n, -1), [self.weight.new_zeros(n, self.weight.shape[1]) for _ in "012"]

    def step(self, i, x, cache):
        """The logit of pixel i, (n,): one new unit in each layer, the others are remembered. O(D) instead of O(D²)."""
        (w1, w2, w3), bias, (h0, h1, h2) = cache
        if i > 0:
            h0[:, i - 1] = 2.0 * x[:, i - 1] - 1  # what was drawn last
        h1[:, i] = torch.tanh(h0[:, :i] @ w1[i, :i])
        h2[:, i] = torch.tanh(h1[:, : i + 1] @ w2[i, : i + 1])
        return h2[:, : i + 1] @ w3[i, : i + 1] + bias[:, i]

    def check_options(self, n, temperature, given, known, uniforms):
        if not temperature > 0:
            raise ValueError(
                f"temperature={temperature}: it must be positive; towards 0 the likelier value always wins"
            )
        if (given is None) != (known is None):
            raise ValueError("given (the values) and known (which of them to keep) go together: pass both or none")
        for name, value, shape in (
            ("given", given, (n, *self.shape)),
            ("known", known, (n, *self.shape)),
            ("uniforms", uniforms, (n, math.prod(self.shape))),
        ):
            if value is not None and tuple(value.shape) != shape:
                raise ValueError(f"{name} has shape {tuple(value.shape)}; for n={n} samples it must be {shape}")


class SeesItself(TinyAutoregressive):
    masks = ("B", "B", "B")  # A, B, B is right


class MasksSwapped(TinyAutoregressive):
    masks = ("B", "A", "A")  # causal still, but the pixel just before is lost


class MasksTransposed(TinyAutoregressive):
    def layers(self):
        return [w.T for w in super().layers()]  # sees the future instead of the past


class MeanOverPixels(TinyAutoregressive):
    def log_likelihood(self, x, y):
        return super().log_likelihood(x, y) / 9  # a mean where independent terms add


class JointInsteadOfConditional(TinyAutoregressive):
    def log_likelihood(self, x, y):
        return super().log_likelihood(x, y) - math.log(3)  # log p(x, y), not log p(x | y)


class NormalisedOverTheBatch(TinyAutoregressive):
    def log_likelihood(self, x, y):
        return super().log_likelihood(x, y).log_softmax(0)  # over whoever is in the batch


class StaleCache(TinyAutoregressive):
    def step(self, i, x, cache):
        if i > 1:
            cache[2][0][:, i - 2] = 2.0 * x[:, i - 2] - 1  # one step late
        return super().step(i, torch.zeros_like(x), cache)


class NoTemperatureInTheCache(TinyAutoregressive):
    def sample(self, n, y=None, *, temperature=1.0, cached=True, **how):
        return super().sample(n, y, temperature=1.0 if cached else temperature, cached=cached, **how)


class OneUniformForAllPixels(TinyAutoregressive):
    def sample(self, n, y=None, *, uniforms=None, generator=None, **how):
        if uniforms is None:
            uniforms = torch.rand(n, 1, generator=generator, dtype=torch.double).expand(-1, 9)
        return super().sample(n, y, uniforms=uniforms, generator=generator, **how)


class KnownIsPasted(TinyAutoregressive):
    def sample(self, n, y=None, *, given=None, known=None, **how):
        x = super().sample(n, y, **how)  # drawn as if nothing were known
        return x if known is None else torch.where(known, given, x)


class KnownIsForgotten(TinyAutoregressive):
    def sample(self, n, y=None, *, given=None, known=None, **how):
        return super().sample(n, y, **how)


class LastLabelNeverDrawn(TinyAutoregressive):
    def draw_condition(self, n, y, generator=None):
        if y is None:
            return torch.randint(self.classes - 1, (n,), generator=generator)  # randint's end is exclusive already
        return super().draw_condition(n, y, generator)


class LabelsFromElsewhere(TinyAutoregressive):
    def draw_condition(self, n, y, generator=None):
        return super().draw_condition(n, y)  # the generator is not passed on


class LabelIgnoredByTheDensity(TinyAutoregressive):
    def log_likelihood(self, x, y):
        return super().log_likelihood(x, torch.zeros_like(y))


class AcceptsAnything(TinyAutoregressive):
    def check(self, x, y, *, values=True):
        return x, y


class AcceptsAnyLevel(TinyAutoregressive):
    def check_examples(self, x, *, values=True):
        return super().check_examples(x, values=False)


class AcceptsAnyLabel(TinyAutoregressive):
    def check_condition(self, y, n, *, values=True):
        return super().check_condition(y, n, values=False)


class WordsOfItsOwn(TinyAutoregressive):
    def check(self, x, y, *, values=True):
        try:
            return super().check(x, y, values=values)
        except ValueError:
            raise ValueError("there is something wrong with your arguments") from None


# --- a flow in the plane


class AffineCoupling(nn.Module):
    """Half of x passes, and scales and shifts the other half: z_b = x_b exp(s(x_a)) + t(x_a)."""

    def __init__(self, first, seed):
        super().__init__()
        self.first = first  # the half that passes, 0 or 1
        self.hidden, self.out = nn.Parameter(randn(8, 1, seed=seed)), nn.Parameter(0.4 * randn(2, 8, seed=seed + 1))
        self.offset = nn.Parameter(randn(8, seed=seed + 2))

    def net(self, a):
        s, t = (torch.tanh(a @ self.hidden.T + self.offset) @ self.out.T).split(1, dim=1)
        return s, t  # (B, 1) each

    def halves(self, x):
        return x[:, self.first, None], x[:, 1 - self.first, None]

    def join(self, a, b):
        return torch.cat([a, b] if self.first == 0 else [b, a], 1)

    def forward(self, x):
        a, b = self.halves(x)
        s, t = self.net(a)
        return self.join(a, b * s.exp() + t), s.sum(1)

    def inverse(self, z):
        a, b = self.halves(z)
        s, t = self.net(a)
        return self.join(a, (b - t) * (-s).exp()), -s.sum(1)


class TinyFlow(GenerativeModel):
    """Four couplings and a Gaussian with learned variances."""

    shape, Layer = (2,), AffineCoupling

    def __init__(self):
        super().__init__()
        self.couplings = nn.ModuleList(self.Layer(i % 2, seed=10 * i) for i in range(4))
        self.logvar = nn.Parameter(torch.tensor([0.4, -0.4], dtype=torch.double))

    def forward(self, x):
        log_det = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, change = coupling(x)
            log_det = log_det + change
        return x, log_det

    def inverse(self, z):
        log_det = z.new_zeros(len(z))
        for coupling in reversed(self.couplings):
            z, change = coupling.inverse(z)
            log_det = log_det + change
        return z, log_det

    def base(self):
        return Normal(torch.zeros_like(self.logvar), (self.logvar / 2).exp())

    def log_prob(self, x, y=None):
        self.check(x, y)
        return self.log_density(x)

    def log_density(self, x):
        z, log_det = self(x)
        return self.base().log_prob(z).sum(1) + log_det

    def loss(self, x, y=None):
        return {"loss": -self.log_prob(x, y).mean()}

    @torch.no_grad()
    def sample(self, n, y=None, *, generator=None):
        self.draw_condition(n, y, generator)
        return self.inverse(self.spread() * self.noise(n, generator))[0]

    def spread(self):
        return (self.logvar / 2).exp()

    def noise(self, n, generator):
        return torch.randn(n, 2, generator=generator, dtype=self.logvar.dtype)


class LogDetBroadcast(TinyFlow):
    def log_density(self, x):
        z, log_det = self(x)
        return (self.base().log_prob(z) + log_det[:, None]).sum(1)  # counted once for each dimension


class NormaliserForgotten(TinyFlow):
    def log_density(self, x):
        z, log_det = self(x)
        return -(z**2 / self.logvar.exp()).sum(1) / 2 + log_det  # without log √2πσ²


class LogDetForgotten(TinyFlow):
    def log_density(self, x):
        return self.base().log_prob(self(x)[0]).sum(1)


class LogvarAsStd(TinyFlow):
    def spread(self):
        return self.logvar.exp()  # the density says exp(logvar / 2)


class ShiftBeforeScale(AffineCoupling):
    def inverse(self, z):
        a, b = self.halves(z)
        s, t = self.net(a)
        return self.join(a, b * (-s).exp() - t), -s.sum(1)  # undoes the two in the wrong order


class NoMinus(AffineCoupling):
    def inverse(self, z):
        x, log_det = super().inverse(z)
        return x, -log_det  # the inverse shrinks what forward stretches


class MeanOverTheBatch(AffineCoupling):
    def forward(self, x):
        z, log_det = super().forward(x)
        return z, log_det.mean().expand(len(x))


class CentresTheBatch(AffineCoupling):
    def net(self, a):
        return super().net(a - a.mean(0))  # the statistics of the batch: one example depends on the others


class DeadParameter(AffineCoupling):
    def __init__(self, first, seed):
        super().__init__(first, seed)
        self.scale = nn.Parameter(torch.ones(1).double())  # made, and never used


class DetachedNet(AffineCoupling):
    def net(self, a):
        s, t = super().net(a)
        return s.detach(), t.detach()  # right in every value, and never trained


class WithLayer:
    """A planted fault in the couplings: the flow that is made of them."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self):
        return type(self.layer.__name__, (TinyFlow,), {"Layer": self.layer})()


class HiddenSeed(TinyFlow):
    def noise(self, n, generator):
        torch.manual_seed(0)  # "for reproducibility"
        return torch.randn(n, 2).double()


class NoGenerator(TinyFlow):
    def noise(self, n, generator):
        return torch.randn(n, 2).double()


class NobodysParameter(TinyFlow):
    def players(self):
        return [Player("couplings", self.couplings.parameters(), self.loss)]  # logvar was forgotten


class LabelsWelcome(TinyFlow):
    def check_condition(self, y, n, *, values=True):
        return y


# --- a variational autoencoder whose truth is known


class LinearVAE(GenerativeModel):
    r"""p(z) = N(0, I), p(x | z) = N(W z + b, σ² I), q(z | x) = N(V x + c, diag exp(logvar)), so that p(x) is Gaussian.

    W has orthogonal columns, so that the posterior has a diagonal covariance and q can be it. ``off`` moves q away.
    """

    shape = (2,)

    def __init__(self, off=0.0):
        super().__init__()
        W, b, sigma = torch.tensor([[1.2, -0.4], [0.8, 0.6]]).double(), torch.tensor([0.5, -0.3]).double(), 0.7
        precision = torch.eye(2) + W.T @ W / sigma**2  # of the posterior; diagonal
        V = torch.linalg.solve(precision, W.T) / sigma**2
        self.W, self.b, self.log_sigma = (nn.Parameter(v) for v in (W, b, torch.tensor(math.log(sigma)).double()))
        self.V, self.c = nn.Parameter(V), nn.Parameter(-V @ b + off)
        self.logvar = nn.Parameter(-precision.diagonal().log() + off)

    def encode(self, x, y=None):
        return Independent(Normal(x @ self.V.T + self.c, (self.logvar / 2).exp()), 1)

    def decode(self, z, y=None):
        return Independent(Normal(z @ self.W.T + self.b, self.log_sigma.exp()), 1)

    def prior(self):
        return Independent(Normal(self.b.new_zeros(2), self.b.new_ones(2)), 1)

    def kl(self, x):
        """KL(q(z | x) || p(z)) in nats, (B, L): one column for each latent."""
        mu = self.encode(x).base_dist.loc
        return (mu**2 + self.logvar.exp() - 1 - self.logvar) / 2

    def draw(self, q, k):
        """k reparameterized latents, (k, B, L)."""
        mu, std = q.base_dist.loc, q.base_dist.scale
        return mu + std * torch.randn(k, *mu.shape, dtype=mu.dtype)

    def elbo(self, x, y=None, k=1):
        self.check(x, y)
        q = self.encode(x)
        z = self.draw(q, k)
        if k == 1:
            return self.decode(z[0]).log_prob(x) - self.kl(x).sum(1)
        log_weight = self.decode(z).log_prob(x) + self.prior().log_prob(z) - q.log_prob(z)  # (k, B)
        return self.average(log_weight)

    def average(self, log_weight):
        return log_weight.logsumexp(0) - math.log(len(log_weight))

    def log_prob(self, x, y=None):
        self.check(x, y)
        covariance = self.W @ self.W.T + (2 * self.log_sigma).exp() * torch.eye(2)
        return MultivariateNormal(self.b, covariance).log_prob(x)

    def loss(self, x, y=None):
        return {"loss": -self.elbo(x, y).mean()}

    @torch.no_grad()
    def sample(self, n, y=None, *, generator=None):
        self.draw_condition(n, y, generator)
        z, noise = torch.randn(2, n, 2, generator=generator, dtype=self.b.dtype)
        return self.emit(self.decode(z), noise)

    def emit(self, p, noise):
        return p.base_dist.loc + p.base_dist.scale * noise


class KLAveraged(LinearVAE):
    def kl(self, x):
        return super().kl(x).mean(1, keepdim=True)  # independent latents add


class KLTwice(LinearVAE):
    def kl(self, x):
        return 2 * super().kl(x)  # a bound still: only its end tells


class PosteriorLogvarAsStd(LinearVAE):
    def draw(self, q, k):
        mu = q.base_dist.loc
        return mu + self.logvar.exp() * torch.randn(k, *mu.shape, dtype=mu.dtype)  # in the sampler only


class ReconstructedAtTheMean(LinearVAE):
    def draw(self, q, k):
        return q.base_dist.loc.expand(k, -1, -1)  # less noise in training, and not the expectation under q


class BestWeight(LinearVAE):
    def average(self, log_weight):
        return log_weight.amax(0)  # the best of k is not a bound


class LogOfWeightsAveraged(LinearVAE):
    def average(self, log_weight):
        return log_weight.mean(0)  # the mean of the logarithm, not the logarithm of the mean


class SamplesAreMeans(LinearVAE):
    def emit(self, p, noise):
        return p.base_dist.loc  # pretty pictures, and not what the density describes


class VarianceOutOfTraining(LinearVAE):
    def decode(self, z, y=None):
        return Independent(Normal(z @ self.W.T + self.b, self.log_sigma.detach().exp()), 1)


# --- a game


class TinyGAN(GenerativeModel):
    """A linear generator against a linear discriminator: two players, and no loss of its own."""

    shape = (2,)

    def __init__(self):
        super().__init__()
        self.G, self.D = nn.Linear(2, 2).double(), nn.Linear(2, 1).double()

    def fake(self, n):
        return self.G(torch.randn(n, 2, dtype=torch.double))

    def loss_d(self, x, y=None):
        self.check(x, y, values=False)
        return {"loss": F.softplus(-self.D(x)).mean() + F.softplus(self.D(self.fake(len(x)).detach())).mean()}

    def loss_g(self, x, y=None):
        self.check(x, y, values=False)
        return {"loss": F.softplus(-self.D(self.fake(len(x)))).mean()}

    def players(self):
        return [Player("D", self.D.parameters(), self.loss_d), Player("G", self.G.parameters(), self.loss_g)]

    @torch.no_grad()
    def sample(self, n, y=None, *, generator=None):
        self.draw_condition(n, y, generator)
        return self.G(torch.randn(n, 2, generator=generator, dtype=torch.double))


class GeneratorDetached(TinyGAN):
    def loss_g(self, x, y=None):
        self.check(x, y, values=False)
        return {"loss": F.softplus(-self.D(self.fake(len(x)).detach())).mean()}  # detach belongs in D's loss


class GeneratorTakesAnything(TinyGAN):
    def loss_g(self, x, y=None):
        return {"loss": F.softplus(-self.D(self.fake(len(x)))).mean()}  # of x it asks only how many


# --- which contracts apply to whom


def counted(classes=None):
    y = None if classes is None else torch.arange(60) % classes
    return NaiveBayes((1, 3, 3), levels=2, classes=classes).count((randn(60, 1, 3, 3, seed=5) > 0).long(), y)


X, Y = (randn(8, 1, 3, 3, seed=3) > 0).long(), torch.arange(8) % 3
POINTS = randn(6, 2, seed=4)


def labels(make):
    return None if make().classes is None else Y


def contracts_of_bounds(make):
    contracts.bounds_in_order(make(), POINTS, ks=(1,), gap=0.02)  # q is the posterior: the ELBO is log p(x)
    contracts.bounds_in_order(make(off=0.3), POINTS, ks=(1, 5, 100), gap=0.02)


AUTOREGRESSIVE = {
    "sums_to_one": lambda make: contracts.sums_to_one(make()),
    "samples_match_density": lambda make: contracts.samples_match_density(make(), n=20_000),
    "is_causal": lambda make: contracts.is_causal(make(), X, labels(make), sees_all=True),
    "gradients_reach_every_parameter": lambda make: contracts.gradients_reach_every_parameter(make(), X, labels(make)),
    "same_seed_same_result": lambda make: contracts.same_seed_same_result(make(), X, labels(make)),
    "conditional_sampling_keeps_what_was_given": lambda make: contracts.conditional_sampling_keeps_what_was_given(
        make()
    ),
    "cached_sampling_equals_naive": lambda make: contracts.cached_sampling_equals_naive(make()),
    "refuses_bad_input": lambda make: contracts.refuses_bad_input(make(), X, labels(make), autoregressive=True),
}
FLOW = {
    "integrates_to_one": lambda make: contracts.integrates_to_one(make()),
    "samples_match_density": lambda make: contracts.samples_match_density(make()),
    "inverts": lambda make: contracts.inverts(make(), POINTS),
    "log_det_is_jacobian": lambda make: contracts.log_det_is_jacobian(make(), POINTS),
    "gradients_reach_every_parameter": lambda make: contracts.gradients_reach_every_parameter(make(), POINTS),
    "same_seed_same_result": lambda make: contracts.same_seed_same_result(make(), POINTS),
    "refuses_bad_input": lambda make: contracts.refuses_bad_input(make(), POINTS),
}
VAE = {
    "integrates_to_one": lambda make: contracts.integrates_to_one(make()),
    "samples_match_density": lambda make: contracts.samples_match_density(make()),
    "bounds_in_order": contracts_of_bounds,
    "gradients_reach_every_parameter": lambda make: contracts.gradients_reach_every_parameter(make(), POINTS),
    "same_seed_same_result": lambda make: contracts.same_seed_same_result(make(), POINTS),
    "refuses_bad_input": lambda make: contracts.refuses_bad_input(make(), POINTS),
}

GAN = {
    "gradients_reach_every_parameter": lambda make: contracts.gradients_reach_every_parameter(make(), POINTS),
    "same_seed_same_result": lambda make: contracts.same_seed_same_result(make()),
    "refuses_bad_input": lambda make: contracts.refuses_bad_input(make(), POINTS),
}
DISCRETE = {
    "sums_to_one": lambda make: contracts.sums_to_one(make()),
    "samples_match_density": lambda make: contracts.samples_match_density(make()),
    "gradients_reach_every_parameter": lambda make: contracts.gradients_reach_every_parameter(make(), X, labels(make)),
    "same_seed_same_result": lambda make: contracts.same_seed_same_result(make(), X, labels(make)),
    "refuses_bad_input": lambda make: contracts.refuses_bad_input(make(), X, labels(make)),
}

HONEST = [
    ("TinyAutoregressive", AUTOREGRESSIVE, TinyAutoregressive),
    ("TinyAutoregressive without classes", AUTOREGRESSIVE, lambda: TinyAutoregressive(classes=None)),
    ("TinyFlow", FLOW, TinyFlow),
    ("LinearVAE", VAE, LinearVAE),
    ("TinyGAN", GAN, TinyGAN),
    ("NaiveBayes", DISCRETE, counted),
    ("NaiveBayes with classes", DISCRETE, lambda: counted(3)),
]

SUM, INTEGRAL, SAMPLES, INVERTS = "sums_to_one", "integrates_to_one", "samples_match_density", "inverts"
JACOBIAN, CAUSAL, BOUNDS = "log_det_is_jacobian", "is_causal", "bounds_in_order"
GRADIENTS, SEED = "gradients_reach_every_parameter", "same_seed_same_result"
GIVEN, CACHED, REFUSES = (
    "conditional_sampling_keeps_what_was_given",
    "cached_sampling_equals_naive",
    "refuses_bad_input",
)
ALL = (SUM, INTEGRAL, SAMPLES, INVERTS, JACOBIAN, CAUSAL, BOUNDS, GRADIENTS, SEED, GIVEN, CACHED, REFUSES)

# What is wrong, in which model, and every contract that rejects it; first the one that is there for it.
FAULTS = [
    (
        "a pixel sees itself: mask B in the first layer",
        AUTOREGRESSIVE,
        SeesItself,
        (CAUSAL, SUM, SAMPLES, GIVEN, CACHED),
    ),
    ("masks A and B swapped: the pixel before is lost", AUTOREGRESSIVE, MasksSwapped, (CAUSAL, SAMPLES, GIVEN, CACHED)),
    ("masks transposed: a pixel sees the future", AUTOREGRESSIVE, MasksTransposed, (CAUSAL, SAMPLES, GIVEN, CACHED)),
    ("the log-likelihood is a mean over pixels", AUTOREGRESSIVE, MeanOverPixels, (SUM, SAMPLES, GIVEN)),
    ("the joint log p(x, y) is called log p(x | y)", AUTOREGRESSIVE, JointInsteadOfConditional, (SUM,)),
    ("probabilities normalised over the batch", AUTOREGRESSIVE, NormalisedOverTheBatch, (SUM, SAMPLES)),
    ("one uniform number for all pixels", AUTOREGRESSIVE, OneUniformForAllPixels, (SAMPLES, GIVEN)),
    ("the last label is never drawn", AUTOREGRESSIVE, LastLabelNeverDrawn, (SAMPLES,)),
    ("the density ignores the label", AUTOREGRESSIVE, LabelIgnoredByTheDensity, (SAMPLES,)),
    ("the cache is one step late", AUTOREGRESSIVE, StaleCache, (CACHED, SAMPLES, GIVEN)),
    ("the cached sampler ignores the temperature", AUTOREGRESSIVE, NoTemperatureInTheCache, (CACHED, REFUSES)),
    ("known pixels are pasted, not conditioned on", AUTOREGRESSIVE, KnownIsPasted, (GIVEN, REFUSES)),
    ("known pixels are forgotten", AUTOREGRESSIVE, KnownIsForgotten, (GIVEN, REFUSES)),
    ("labels are drawn without the generator", AUTOREGRESSIVE, LabelsFromElsewhere, (SEED,)),
    ("shapes, dtypes, labels are not checked", AUTOREGRESSIVE, AcceptsAnything, (REFUSES,)),
    ("levels are not checked", AUTOREGRESSIVE, AcceptsAnyLevel, (REFUSES,)),
    ("the range of labels is not checked", AUTOREGRESSIVE, AcceptsAnyLabel, (REFUSES,)),
    ("errors in words that no other model has", AUTOREGRESSIVE, WordsOfItsOwn, (REFUSES,)),
    ("the log-determinant is broadcast before a sum", FLOW, LogDetBroadcast, (INTEGRAL, SAMPLES)),
    ("the normaliser of the Gaussian is forgotten", FLOW, NormaliserForgotten, (INTEGRAL,)),
    ("the log-determinant is forgotten", FLOW, LogDetForgotten, (INTEGRAL, SAMPLES)),
    ("the sampler takes exp(logvar) for the deviation", FLOW, LogvarAsStd, (SAMPLES,)),
    ("the inverse shifts and scales in the wrong order", FLOW, WithLayer(ShiftBeforeScale), (INVERTS, SAMPLES)),
    ("the inverse's log-determinant has the wrong sign", FLOW, WithLayer(NoMinus), (JACOBIAN, INVERTS)),
    (
        "the log-determinant is averaged over the batch",
        FLOW,
        WithLayer(MeanOverTheBatch),
        (JACOBIAN, INVERTS, INTEGRAL, SAMPLES),
    ),
    ("a layer centres by the mean of the batch", FLOW, WithLayer(CentresTheBatch), (JACOBIAN, INTEGRAL, SAMPLES)),
    ("a dead parameter", FLOW, WithLayer(DeadParameter), (GRADIENTS,)),
    ("a network that is detached from the loss", FLOW, WithLayer(DetachedNet), (GRADIENTS,)),
    ("a parameter that no player trains", FLOW, NobodysParameter, (GRADIENTS,)),
    ("a hidden global seed", FLOW, HiddenSeed, (SEED,)),
    ("the generator is ignored", FLOW, NoGenerator, (SEED,)),
    ("labels are taken by a model without classes", FLOW, LabelsWelcome, (REFUSES,)),
    ("the KL is averaged over latents", VAE, KLAveraged, (BOUNDS,)),
    ("the KL is counted twice", VAE, KLTwice, (BOUNDS,)),
    ("exp(logvar) for the deviation of the posterior", VAE, PosteriorLogvarAsStd, (BOUNDS,)),
    ("the reconstruction is taken at the mean of q", VAE, ReconstructedAtTheMean, (BOUNDS,)),
    ("the best weight instead of their mean", VAE, BestWeight, (BOUNDS,)),
    ("the mean of log-weights, not the log of the mean", VAE, LogOfWeightsAveraged, (BOUNDS,)),
    ("samples are the decoder's means", VAE, SamplesAreMeans, (SAMPLES,)),
    ("the decoder's variance is not trained", VAE, VarianceOutOfTraining, (GRADIENTS,)),
    ("the generator's loss is detached from it", GAN, GeneratorDetached, (GRADIENTS,)),
    ("one of two players takes anything", GAN, GeneratorTakesAnything, (REFUSES,)),
]


def complaint(contract, make):
    """What a contract has against a model, None if nothing. Other exceptions are no verdict, and are not caught."""
    try:
        contract(make)
    except AssertionError as error:
        return str(error)
    return None


def rejected_by(make, applicable):
    return {name for name, contract in applicable.items() if complaint(contract, make) is not None}


def matrix():
    """The table of faults × contracts, as text: ● rejected, · passed, blank where a contract doesn't apply."""
    lines = [f"{i:2d} {name}" for i, name in enumerate(ALL, 1)]
    lines += ["", " " * 52 + "".join(f"{i:3d}" for i in range(1, len(ALL) + 1))]
    for what, applicable, make, _ in FAULTS:
        found = rejected_by(make, applicable)
        cells = ("●" if c in found else "·" if c in applicable else " " for c in ALL)
        lines.append(f"{what:52}" + "".join(f"{cell:>3}" for cell in cells).rstrip())
    return "\n".join(lines)


# --- the proof


@pytest.mark.parametrize(
    ("make", "contract"),
    [
        pytest.param(
            make,
            contract,
            id=f"{name}-{title}",
        )
        for name, applicable, make in HONEST
        for title, contract in applicable.items()
    ],
)
def test_honest_models_pass(make, contract):
    contract(make)


@pytest.mark.parametrize(("applicable", "make", "expected"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_faults_are_rejected_by_those_that_the_table_names(applicable, make, expected):
    found = rejected_by(make, applicable)
    assert expected[0] in found, f"{expected[0]} is there for this fault, and lets it pass"
    assert found == set(expected)


def test_every_contract_is_proved():
    named = {row[3][0] for row in FAULTS}  # each is there for at least one fault, not merely among others
    assert named == set(ALL)
    assert all(callable(getattr(contracts, name)) for name in ALL)
    assert {name for _, applicable, _ in HONEST for name in applicable} == set(ALL)
    assert len({row[0] for row in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(("name", "applicable", "make"), HONEST, ids=[row[0] for row in HONEST])
def test_contracts_leave_no_trace(name, applicable, make):
    model = make()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    mode, state = model.training, torch.get_rng_state()
    for title, contract in applicable.items():
        if title not in (BOUNDS, REFUSES):  # the one builds two models, the other is tested above
            contract(lambda: model)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training == mode
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_the_statistics_do_not_cry_wolf():
    # χ² of honest draws over 150 seeds: none near the limit of 5 sigma, and a spread of about 1, as promised.
    p, z = torch.rand(40, generator=torch.Generator().manual_seed(0)).double(), []
    p = p / p.sum()
    for seed in range(150):
        draws = torch.multinomial(p, 5000, replacement=True, generator=torch.Generator().manual_seed(seed))
        z.append(sigma(torch.bincount(draws, minlength=40), p))
    z = torch.tensor(z)
    assert z.abs().max() < 4
    assert abs(z.mean()) < 0.3
    assert 0.8 < z.std() < 1.2
    for seed in range(8):
        contracts.samples_match_density(TinyAutoregressive(classes=None), n=10_000, seed=seed, errors=4)
        contracts.samples_match_density(TinyFlow(), n=10_000, seed=seed, errors=4)


def sigma(counts, p):
    """How many sigma the contract sees: the limit at which it begins to pass."""
    with pytest.raises(AssertionError, match="sigma") as caught:
        contracts._counts_match(counts, p, -100, "the draws")
    return float(str(caught.value).split()[-2])


def test_a_mask_can_be_drawn():
    sees = contracts.is_causal(TinyAutoregressive(), X, Y)
    assert torch.equal(sees, torch.ones(9, 9).tril(-1).bool())
    lost = contracts.is_causal(MasksSwapped(), X, Y)  # without sees_all it is causal, and passes
    assert torch.equal(lost, torch.ones(9, 9).tril(-2).bool())
    backwards = torch.arange(8, -1, -1)
    sees = contracts.is_causal(MasksTransposed(), X, Y, order=backwards, sees_all=True)
    assert torch.equal(sees, torch.ones(9, 9).triu(1).bool())


@pytest.mark.parametrize("layout", ["positions first", "levels first", "flat"])
def test_causality_is_found_in_any_layout_of_the_logits(layout):
    def outputs(model, x, y):
        logits = TinyAutoregressive.forward(model, x, y)
        two = torch.stack([-logits, logits], -1)  # (B, 1, 3, 3, 2)
        return {"positions first": two, "levels first": two.movedim(-1, 1), "flat": two.view(len(x), 9, 2)}[layout]

    class Laid(TinyAutoregressive):
        def forward(self, x, y=None):
            return outputs(self, x, y)

    contracts.is_causal(Laid(), X, Y, sees_all=True)
    with pytest.raises(AssertionError, match="which is drawn after it"):
        contracts.is_causal(Laid(), X, Y, order=torch.arange(8, -1, -1))


def test_a_density_may_come_from_elsewhere():
    # A model without log_prob of its own, as a VAE: here its truth, given as a function.
    model = LinearVAE(off=0.3)
    contracts.samples_match_density(model, log_prob=model.log_prob)
    contracts.bounds_in_order(model, POINTS, log_prob=lambda x, y: model.log_prob(x, y) + 0.5, ks=(1, 5))
    with pytest.raises(AssertionError, match="the ELBO lies above log p"):
        contracts.bounds_in_order(model, POINTS, log_prob=lambda x, y: model.log_prob(x, y) - 2)


def test_what_is_too_large_or_of_another_shape_is_named():
    with pytest.raises(ValueError, match="test a smaller instance"):
        contracts.sums_to_one(NaiveBayes((1, 8, 8), levels=17))
    with pytest.raises(ValueError, match=r"needs one of shape \(2,\)"):
        contracts.integrates_to_one(TinyAutoregressive())
    with pytest.raises(AssertionError, match=r"lie outside \[-1, 1\]"):
        contracts.samples_match_density(TinyFlow(), low=-1, high=1)
    with pytest.raises(AssertionError, match="widen low, high"):
        contracts.integrates_to_one(TinyFlow(), low=-2, high=2)


if __name__ == "__main__":
    print(matrix())
