"""Flows: every bijection and every model against the contracts, in float64; faults that were planted in them; errors.

Faults of couplings, samplers and log-determinants in general are in tests/test_contracts.py. Here are those of the
parts that are not there: 1x1 convolution, ActNorm, Split, Squeeze, spline, logit, planar, bases, dequantization.
"""

import math
import warnings

import pytest
import torch
from torch import nn

from genlib import data, flow, metrics, pretrained
from genlib.flow import (
    IAF,
    MAF,
    NICE,
    ActNorm,
    AdditiveCoupling,
    Affine,
    AffineCoupling,
    ClassGaussian,
    Compose,
    Dequantize,
    Flatten,
    Flow,
    Glow,
    Inverse,
    InverseError,
    InvertibleConv1x1,
    Logistic,
    Logit,
    MaskedAffine,
    Permute,
    Planar,
    RealNVP,
    Reversible,
    SplineCoupling,
    SplineFlow,
    Split,
    Squeeze,
    StandardNormal,
    alternating,
    checkerboard,
    halves,
    rational_quadratic_spline,
    rows,
)
from genlib.model import GenerativeModel, Trainable, looked_at
from genlib.nets import mlp
from genlib.training import fit
from genlib.vae import VAE
from tests import contracts

TOL = 1e-9


@pytest.fixture(autouse=True)
def the_same_weights_whatever_ran_before():
    torch.manual_seed(0)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def conv(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, outputs, 3, padding=1))


def split(shape=(4, 2, 2)):
    C, H, W = shape
    rest = AffineCoupling(halves(C // 2), conv(C // 4, C // 2))
    return Split(shape, Compose(ActNorm(C // 2), rest, Flatten((C // 2, H, W))))


def coupling():
    return AffineCoupling(halves(3), mlp(2, 2, hidden=8))


# name: (how it is made, the shape of one example)
BIJECTIONS = {
    "Affine": (lambda: Affine((3,)), (3,)),
    "Affine of pictures": (lambda: Affine((2, 2, 2)), (2, 2, 2)),
    "Permute": (lambda: Permute(torch.tensor([2, 0, 3, 1])), (4,)),
    "Permute of channels": (lambda: Permute(torch.tensor([2, 0, 1])), (3, 2, 2)),
    "Flatten": (lambda: Flatten((2, 2, 2)), (2, 2, 2)),
    "AdditiveCoupling": (lambda: AdditiveCoupling(halves(5), mlp(3, 2, hidden=8)), (5,)),
    "AffineCoupling": (lambda: AffineCoupling(halves(5), mlp(3, 4, hidden=8)), (5,)),
    "AffineCoupling, the other half": (lambda: AffineCoupling(~halves(5), mlp(2, 6, hidden=8)), (5,)),
    "AffineCoupling, every other one": (lambda: AffineCoupling(alternating(5), mlp(3, 4, hidden=8)), (5,)),
    "AffineCoupling, unbounded": (lambda: AffineCoupling(alternating(4), mlp(2, 4, hidden=8), bound=None), (4,)),
    "AffineCoupling of channels": (lambda: AffineCoupling(halves(4), conv(2, 4)), (4, 2, 2)),
    "AffineCoupling of mixed channels": (lambda: AffineCoupling(alternating(4), conv(2, 4)), (4, 2, 2)),
    "SplineCoupling": (lambda: SplineCoupling(halves(4), mlp(2, 2 * 14, hidden=8), bins=5), (4,)),
    "SplineCoupling of channels": (lambda: SplineCoupling(halves(4), conv(2, 2 * 8), bins=3), (4, 2, 2)),
    "Squeeze": (Squeeze, (2, 4, 4)),
    "ActNorm": (lambda: ActNorm(3), (3, 2, 2)),
    "ActNorm of vectors": (lambda: ActNorm(3), (3,)),
    "InvertibleConv1x1": (lambda: InvertibleConv1x1(4), (4, 2, 3)),
    "Split": (split, (4, 2, 2)),
    "Compose": (lambda: Compose(Affine((3,)), Permute(torch.tensor([2, 0, 1])), coupling()), (3,)),
    "Inverse": (lambda: Inverse(coupling()), (3,)),
    "MaskedAffine": (lambda: MaskedAffine(3, hidden=12), (3,)),
    "Reversible": (lambda: Reversible(Affine((3,)), coupling(), ActNorm(3)), (3,)),
}
# name: (how it is made, the square and the points that its integral needs: a spline's density has kinks)
MODELS = {
    "NICE": (lambda **how: NICE((2,), hidden=8, **how), 25, 600),
    "RealNVP": (lambda **how: RealNVP((2,), couplings=4, hidden=8, **how), 12, 600),
    "SplineFlow": (lambda **how: SplineFlow((2,), couplings=2, hidden=8, bins=5, **how), 9, 800),
    "MAF": (lambda **how: MAF((2,), depth=3, hidden=8, **how), 12, 600),
    "IAF": (lambda **how: IAF((2,), depth=2, hidden=8, **how), 12, 600),
}
PICTURES = {
    "NICE": lambda **how: NICE((1, 4, 4), levels=5, hidden=8, **how),
    "RealNVP": lambda **how: RealNVP((1, 4, 4), levels=5, couplings=4, hidden=8, **how),
    "SplineFlow": lambda **how: SplineFlow((1, 4, 4), levels=5, couplings=2, hidden=8, bins=3, **how),
    "Glow": lambda **how: Glow((1, 4, 4), levels=5, depth=2, channels=8, **how),
    "Glow, learned noise": lambda **how: Glow((1, 4, 4), levels=5, depth=1, channels=8, variational=True, **how),
    "Glow, rebuilt": lambda **how: Glow((1, 4, 4), levels=5, depth=1, channels=8, reversible=True, **how),
    "MAF": lambda **how: MAF((1, 4, 4), levels=5, depth=2, hidden=24, **how),
}


def pixels(n=6, seed=0):
    return torch.randint(5, (n, 1, 4, 4), generator=torch.Generator().manual_seed(seed))


class Trained(nn.Module):
    """A bijection with the loss of a flow."""

    def __init__(self, bijection):
        super().__init__()
        self.bijection = bijection

    def loss(self, x, y=None):
        z, log_det = self.bijection(x)
        return {"loss": (z.flatten(1).pow(2).sum(1) / 2 - log_det).mean()}


class IntegersOnly:
    """The contract on bad input asks a model of integers to refuse reals everywhere; a flow's log_prob takes them."""

    log_prob = None


# --- every bijection, every model


@pytest.mark.parametrize("name", BIJECTIONS)
def test_a_bijection_inverts_and_its_log_det_is_the_jacobian(name):
    make, shape = BIJECTIONS[name]
    bijection, x = make(), draw(6, *shape)
    contracts.inverts(bijection, 1.5 * x, tol=TOL)
    contracts.log_det_is_jacobian(bijection, 1.5 * x, tol=TOL)
    if list(bijection.parameters()):
        contracts.gradients_reach_every_parameter(Trained(bijection), x)


def test_logit_and_sigmoid():
    u = torch.rand(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    for layer, x, z in ((Logit(17, 0.02), 17 * u, draw(6, 3)), (Inverse(Logit(17, 0.02)), draw(6, 3), 17 * u)):
        contracts.inverts(layer, x, z=z, tol=TOL)
        contracts.log_det_is_jacobian(layer, x, tol=TOL)
    ends, _ = Logit(17, 0.02)(torch.tensor([[0.0, 17.0]]))
    assert torch.allclose(ends, torch.tensor([[-1.0, 1.0]]) * math.log(0.98 / 0.02))
    with pytest.raises(ValueError, match=r"alpha=0\.5 must lie in"):
        Logit(17, 0.5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("classes", [None, 3])
def test_a_flow_in_the_plane_keeps_every_contract(name, classes):
    make, width, points = MODELS[name]
    model, x = make(classes=classes), draw(8, 2)
    y = None if classes is None else torch.arange(8) % 3
    contracts.inverts(model, x, tol=TOL)
    contracts.log_det_is_jacobian(model, x, tol=TOL)
    contracts.integrates_to_one(model, low=-width, high=width, points=points, shake=0.3)
    contracts.samples_match_density(model, shake=0.3)
    contracts.gradients_reach_every_parameter(model, x, y)
    contracts.same_seed_same_result(model, x.float(), y)
    contracts.refuses_bad_input(model, x.float(), y)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("classes", [None, 3])
def test_a_flow_of_pictures_keeps_every_contract(name, classes):
    model, v = PICTURES[name](classes=classes), pixels()
    y = None if classes is None else torch.arange(6) % 3
    x = v + torch.rand(v.shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    for _ in range(2):  # as it is made, and after ActNorm's start
        contracts.inverts(model, x, z=draw(6, 16), tol=TOL, shake=0.2)  # more, and the logit comes to its ends
        contracts.log_det_is_jacobian(model, x, tol=TOL, shake=0.2)
        model.initialise(v, y)
    contracts.gradients_reach_every_parameter(model, v, y)
    contracts.same_seed_same_result(model, v, y)
    of_integers = type("OfIntegers", (IntegersOnly, type(model)), {})
    model.__class__ = of_integers
    contracts.refuses_bad_input(model, v, y)
    with pytest.raises(ValueError, match="a density of reals"):
        Flow.log_prob(model, v, y)


def test_a_density_of_planar_layers_integrates_to_one_and_can_not_be_sampled():
    model = Flow(Compose(*(Planar(2) for _ in range(4))), StandardNormal(2))
    contracts.integrates_to_one(model)
    twin = contracts.shaken(model)
    for x in draw(8, 2):
        jacobian = torch.autograd.functional.jacobian(lambda x: twin(x[None])[0][0], x)
        assert abs(torch.linalg.slogdet(jacobian).logabsdet - twin(x[None])[1]).item() <= TOL
    contracts.gradients_reach_every_parameter(model, draw(8, 2))
    with pytest.raises(InverseError, match=r"layer 4 of 4, Planar: .* no formula"):
        model.sample(3)
    for seed in range(20):  # invertible whatever the parameters
        layer = contracts.shaken(Planar(2), shake=3)
        with torch.no_grad():
            layer.v.copy_(5 * draw(2, seed=seed))
            assert layer.w @ layer.u() > -1
            assert layer(3 * draw(100, 2))[1].isfinite().all()


# --- planted faults in the parts that tests/test_contracts.py does not have


class PlacesForgotten(InvertibleConv1x1):
    def _log_det(self, x):
        return self.log_d.sum().expand(len(x))  # every pixel is multiplied by W: H W times


class TriangleNotMasked(InvertibleConv1x1):
    def triangles(self):
        L, U = super().triangles()
        return L + self.lower.triu(1), U  # the determinant of L is no longer 1


class PermutationNotUndone(InvertibleConv1x1):
    def inverse(self, z):
        return super().inverse(z.flip(1))


class NormalisesByTheBatch(ActNorm):
    def forward(self, x):
        std = x.transpose(0, 1).flatten(1).std(1).view(1, -1, 1, 1)
        return x / std, -(x[0, 0].numel() * std.log().sum()).expand(len(x))  # batch normalisation


class PlacesCountedOnce(ActNorm):
    def _log_det(self, x):
        return self.log_scale.sum().expand(len(x))


class DoneNotStandardised(Split):
    def inverse(self, z):
        done, z = z.chunk(2, 1)
        going_on, change = self.rest.inverse(z)
        return torch.cat([going_on, done.reshape(len(z), *self.half_shape)], 1), change


class RestNotCounted(Split):
    def forward(self, x):
        x, log_det = self.expect(x)
        going_on, done = x.chunk(2, 1)
        return torch.cat([done.flatten(1), self.rest(going_on)[0]], 1), log_det


class SqueezedAnotherWay(Squeeze):
    def inverse(self, z):
        B, C, H, W = z.shape
        return z.reshape(B, C // 4, 2 * H, 2 * W), z.new_zeros(B)


class SlopeNotSquared(SplineCoupling):
    def change(self, b, how, inverse=False):
        z, log_det = super().change(b, how, inverse)
        return z, log_det / 2


class NoMinusInUndo(SplineCoupling):
    def undo(self, b, how):
        x, log_det = super().undo(b, how)
        return x, -log_det


class ScaleForgotten(Logit):
    def log_slope(self, z):
        return super().log_slope(z) - 3 * math.log((1 - 2 * self.alpha) / self.levels)  # d(x / levels)/dx


class DecidesAboutItself(AffineCoupling):
    def forward(self, x):
        a, b = self.halves(x)
        b, log_det = self.change(b, self.net(x[:, 2:]))  # what is changed has a say: the Jacobian is not triangular
        return self.join(a, b), log_det


CONV = ((4, 2, 3), lambda kind: kind(4))
SPLIT = ((4, 2, 2), lambda kind: kind((4, 2, 2), split().rest))
SPLINE = ((4,), lambda kind: kind(halves(4), mlp(2, 2 * 14, hidden=8), bins=5))
FAULTS = [
    ("the log-determinant of W counted for one pixel", PlacesForgotten, CONV, {"jacobian"}),
    ("an L that is no triangle", TriangleNotMasked, CONV, {"jacobian", "inverts"}),
    ("the permutation undone on the wrong side", PermutationNotUndone, CONV, {"inverts"}),
    ("normalised by the batch", NormalisesByTheBatch, ((4, 2, 2), lambda kind: kind(4)), {"jacobian", "inverts"}),
    ("ActNorm's scale counted for one pixel", PlacesCountedOnce, ((4, 2, 2), lambda kind: kind(4)), {"jacobian"}),
    ("what left is not put back to its scale", DoneNotStandardised, SPLIT, {"inverts"}),
    ("the rest of the flow is not counted", RestNotCounted, SPLIT, {"jacobian", "inverts"}),
    ("unsqueezed in another order", SqueezedAnotherWay, ((2, 4, 4), lambda kind: kind()), {"inverts"}),
    ("the spline's slope not squared", SlopeNotSquared, SPLINE, {"jacobian"}),
    ("the spline's inverse has the wrong sign", NoMinusInUndo, SPLINE, {"jacobian", "inverts"}),
    ("the logit's scale is forgotten", ScaleForgotten, ((3,), lambda kind: kind(17, 0.02)), {"jacobian"}),
    (
        "a half that decides about itself",
        DecidesAboutItself,
        ((5,), lambda kind: kind(halves(5), mlp(3, 4, hidden=8))),
        {"jacobian", "inverts"},
    ),
]


@pytest.mark.parametrize(("kind", "case", "expected"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_a_planted_fault_is_caught(kind, case, expected):
    shape, make = case
    x = draw(6, *shape) if kind is not ScaleForgotten else 17 * torch.rand(6, *shape).double()
    found = set()
    for name, contract in (("inverts", contracts.inverts), ("jacobian", contracts.log_det_is_jacobian)):
        for honest in (True, False):
            bijection = make(kind.__mro__[1] if honest else kind)
            try:
                contract(bijection, x, tol=TOL)
            except AssertionError:
                assert not honest
                found.add(name)
    assert found == expected


class WidthOfAnotherLabel(ClassGaussian):
    def log_prob(self, z, y):
        return super().log_prob(z, (y + 1) % self.classes)


class NotNormalised(Logistic):
    def log_prob(self, z, y=None):
        return super().log_prob(z, y) + math.log(2)


class TwiceTheNoise(StandardNormal):
    def sample(self, n, y=None, *, temperature=1.0, generator=None):
        return super().sample(n, y, temperature=1.2 * temperature, generator=generator)


def plane(base):
    return Flow(Compose(AffineCoupling(halves(2), mlp(1, 2, hidden=8))), base)


@pytest.mark.parametrize("base", [StandardNormal(2), Logistic(2), ClassGaussian(2, 3)])
def test_bases_are_normalised_and_sampled_as_they_say(base):
    contracts.integrates_to_one(plane(base), low=-30, high=30, points=600, shake=0.3)
    contracts.samples_match_density(plane(base), low=-12, high=12, shake=0.3)


def test_faults_of_bases_are_caught():
    for base, contract in (
        (NotNormalised(2), contracts.integrates_to_one),
        (WidthOfAnotherLabel(2, 3), contracts.samples_match_density),
        (TwiceTheNoise(2), contracts.samples_match_density),
    ):
        with pytest.raises(AssertionError):
            contract(plane(base), low=-15, high=15)


def test_the_log_determinant_added_before_a_sum_is_caught_by_integrating():
    class Broadcast(RealNVP):
        def _log_density(self, x, y):
            z, log_det = self.bijection(x)
            return (-0.5 * z**2 - 0.5 * math.log(2 * math.pi) + log_det[:, None]).sum(1)  # counted twice

    with pytest.raises(AssertionError, match="integrates to"):
        contracts.integrates_to_one(Broadcast((2,), couplings=4, hidden=8))


# --- parts by hand


def test_masks_are_what_they_draw():
    assert halves(5).tolist() == [True, True, True, False, False]
    assert alternating(4).tolist() == [True, False, True, False]
    assert checkerboard((1, 2, 3)).tolist() == [[[True, False, True], [False, True, False]]]
    assert rows((2, 2, 2)).tolist() == [[[True, True], [False, False]]] * 2
    with pytest.raises(ValueError, match="True and False"):
        AdditiveCoupling(torch.ones(3, dtype=torch.bool), nn.Identity())
    with pytest.raises(ValueError, match="holds one value"):
        RealNVP((1,))


def test_in_a_flow_every_value_is_changed_and_every_value_passes():
    for model in (RealNVP((1, 4, 4), levels=5), RealNVP((5,)), NICE((1, 4, 4), levels=5)):
        couplings = [layer for layer in model.bijection.layers if isinstance(layer, flow.Coupling)]
        for before, after in zip(couplings[::2], couplings[1::2], strict=True):
            assert before.passing.tolist() == after.changed.tolist()


def test_squeeze_makes_channels_of_two_checkerboards():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    z, log_det = Squeeze()(x)
    assert z.shape == (1, 4, 2, 2)
    assert z[0, :, 0, 0].tolist() == [0, 1, 4, 5]
    dark = checkerboard((1, 4, 4)).float()[None]
    assert Squeeze()(dark)[0].flatten(2).mean(2).tolist() == [[1, 0, 0, 1]]
    assert log_det.tolist() == [0]


class Alone(Trainable):
    """A layer, as a model whose loss is what comes out of it."""

    def __init__(self, layer, shape):
        super().__init__()
        self.layer, self.shape = layer, shape

    def loss(self, x, y=None):
        return {"loss": self.layer(x)[0].mean()}


def test_actnorm_starts_normal_once_and_is_the_identity_before():
    layer, x = ActNorm(3), 5 * torch.randn(64, 3, 4, 4, generator=torch.Generator().manual_seed(0)) + 2
    model = Alone(layer, (3, 4, 4))
    assert torch.equal(layer(x)[0], x)
    assert not layer.initialised  # an ordinary forward pass starts nothing
    model.initialise(x)
    z = layer(x)[0]
    assert z.mean((0, 2, 3)).abs().max() < 1e-5
    assert (z.std((0, 2, 3)) - 1).abs().max() < 1e-3
    model.initialise(3 * x + 1)  # training that goes on does not start anew
    assert torch.equal(layer(x)[0], z)
    copy = Alone(ActNorm(3), (3, 4, 4))
    copy.load_state_dict(model.state_dict())  # nor do weights that were saved
    copy.initialise(torch.randn(8, 3, 4, 4))
    assert torch.equal(copy.layer(x)[0], z)
    still = Alone(ActNorm(1), (1, 2, 2))
    still.initialise(torch.full((4, 1, 2, 2), 7.0))  # a channel that does not vary
    assert still.layer(torch.full((4, 1, 2, 2), 7.0))[0].abs().max() < 0.01


# --- starts that depend on data


def deep_in(module):
    return [layer for layer in module.modules() if isinstance(layer, ActNorm)]


def test_in_a_flow_each_actnorm_sees_what_those_before_it_make():
    torch.manual_seed(0)
    model, v = Glow((1, 4, 4), levels=5, depth=2, channels=8, classes=3), pixels(64)
    seen = []
    model.initialise(v, torch.arange(64) % 3)
    for layer in deep_in(model):
        layer.register_forward_hook(lambda layer, inputs, outputs: seen.append(outputs[0].transpose(0, 1).flatten(1)))
    model.log_prob(model.dequantize(v), torch.arange(64) % 3)
    assert len(seen) == 4
    for z in seen:  # another draw of the dequantization noise: not quite 0 and 1
        assert z.mean(1).abs().max() < 0.2
        assert (z.std(1) - 1).abs().max() < 0.2


class NoisyPrior(nn.Module):
    """A prior with ActNorm, and with a buffer that every call changes."""

    def __init__(self):
        super().__init__()
        self.flow = Flow(Compose(ActNorm(2), AffineCoupling(halves(2), mlp(1, 2, hidden=8))), StandardNormal(2))
        self.register_buffer("calls", torch.zeros(()))

    def log_prob(self, z, y=None):
        self.calls += 1
        return self.flow.log_prob(z)

    def sample(self, n, y=None, *, generator=None):
        return self.flow.sample(n, generator=generator)


def test_the_start_reaches_a_flow_that_is_the_prior_of_a_vae_and_leaves_no_other_trace():
    torch.manual_seed(0)
    train, _ = data.digits()
    model = VAE((1, 8, 8), likelihood="categorical", levels=17, prior=NoisyPrior())
    (layer,) = deep_in(model)
    mode, state, encoder = model.training, torch.get_rng_state(), [p.clone() for p in model.encoder.parameters()]
    model.initialise(train.x[:256])
    assert layer.initialised
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training == mode
    assert model.prior.calls == 0
    assert all(torch.equal(p, b) for p, b in zip(model.encoder.parameters(), encoder, strict=True))
    z = layer(model.encode(train.x[:256]).rsample())[0]  # what the prior is given in training
    assert z.mean(0).abs().max() < 0.2
    assert (z.std(0) - 1).abs().max() < 0.2


def test_who_has_nothing_that_waits_pays_nothing(monkeypatch):
    model = RealNVP((2,), couplings=2, hidden=8)
    monkeypatch.setattr(RealNVP, "loss", lambda *_: pytest.fail("a pass that nobody needs"))
    model.initialise(draw(4, 2).float())
    started = Alone(ActNorm(2), (2,))
    started.initialise(draw(4, 2).float())
    started.loss = lambda *_: pytest.fail("a second pass")
    started.initialise(draw(4, 2).float())


class Broken(Alone):
    def loss(self, x, y=None):
        raise ValueError("broken")


def test_a_start_that_fails_leaves_no_layer_looking():
    model = Broken(ActNorm(2), (2,))
    with pytest.raises(ValueError, match="broken"):
        model.initialise(draw(4, 2).float())
    model.layer(draw(4, 2).float())
    assert not model.layer.initialised


def test_a_forward_pass_reads_nothing_from_the_device(monkeypatch):
    model, v = Glow((1, 4, 4), levels=5, depth=1, channels=8), pixels()
    model.initialise(v)

    def refuse(self, *_):
        raise RuntimeError("a value was read, which halts a GPU")

    for name in ("item", "__bool__", "__float__", "__int__", "tolist"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    with looked_at():  # as in fit
        model.loss(v)["loss"].backward()


def test_the_1x1_convolution_is_its_matrix():
    layer = contracts.shaken(InvertibleConv1x1(5))
    x = draw(3, 5, 2, 2)
    z, log_det = layer(x)
    assert torch.allclose(z, torch.einsum("ij,bjhw->bihw", layer.weight(), x), atol=1e-12)
    assert torch.allclose(log_det, 4 * torch.linalg.slogdet(layer.weight()).logabsdet.expand(3), atol=1e-12)
    fresh = InvertibleConv1x1(5).double()
    assert torch.allclose(fresh.weight() @ fresh.weight().T, torch.eye(5).double(), atol=1e-6)  # a rotation


def test_the_spline_is_smooth_rises_and_is_the_identity_outside():
    K, g = 6, torch.Generator().manual_seed(0)
    how = [torch.randn(1, n, generator=g, dtype=torch.double) for n in (K, K, K - 1)]
    largest = []
    for n in (100_001, 800_001):
        x = torch.linspace(-5, 5, n, dtype=torch.double, requires_grad=True)
        z, log_slope = rational_quadratic_spline(x, *(h.expand(len(x), -1) for h in how), bound=4.0)
        assert (z.diff() > 0).all()
        (slope,) = torch.autograd.grad(z.sum(), x)
        assert torch.allclose(slope.log(), log_slope, atol=1e-9)
        largest.append(slope.diff().abs().max())
    assert largest[1] < largest[0] / 4  # the slope has no jump, at the knots and at the ends either
    outside = x.abs() >= 4
    assert torch.equal(z[outside], x[outside])
    zeros = [torch.zeros(len(x), n, dtype=torch.double) for n in (K, K, K - 1)]
    assert torch.allclose(rational_quadratic_spline(x, *zeros, bound=4.0)[0], x, atol=1e-12)


def test_a_split_is_a_gaussian_given_the_other_half():
    layer = contracts.shaken(split())
    x = draw(6, 4, 2, 2)
    z, log_det = layer(x)
    s, t = layer.expect.scale_and_shift(layer.expect.net(x[:, :2]))  # z_a = x_a e^s + t: mean -t e^-s, width e^-s
    given = torch.distributions.Normal(-t * (-s).exp(), (-s).exp()).log_prob(x[:, 2:]).flatten(1).sum(1)
    rest, rest_log_det = layer.rest(x[:, :2])
    normal = torch.distributions.Normal(0.0, 1.0)
    ours = normal.log_prob(z).sum(1) + log_det
    assert torch.allclose(ours, given + normal.log_prob(rest).sum(1) + rest_log_det, atol=1e-9)


def test_trace_shows_every_layer_and_ends_where_the_flow_does():
    model, x = contracts.shaken(RealNVP((2,), couplings=3, hidden=8)), draw(5, 2)
    states = model.bijection.trace(x)
    assert len(states) == 4
    assert torch.equal(states[0][0], x)
    z, log_det = model(x)
    assert torch.equal(states[-1][0], z)
    assert torch.equal(states[-1][1], log_det)
    back = model.bijection.trace_inverse(z)
    for (there, _), (here, _) in zip(states, reversed(back), strict=True):
        assert torch.allclose(there, here, atol=TOL)


# --- errors that name the layer


def test_an_inverse_that_would_be_inexact_names_its_layer():
    singular = InvertibleConv1x1(4)
    with torch.no_grad():
        singular.log_d[0] = -18
    chain, z = Compose(Squeeze(), ActNorm(4), singular), torch.randn(2, 4, 2, 2)
    with pytest.raises(InverseError, match="layer 3 of 3, InvertibleConv1x1: its matrix is nearly singular"):
        chain.inverse(z)
    assert chain.double().inverse(z.double())[0].isfinite().all()  # float64 can
    wild = RealNVP((2,), couplings=3, hidden=4, bound=None)
    with torch.no_grad():
        wild.bijection.layers[1].net[-1].bias[0] = -30
    with pytest.raises(InverseError, match=r"layer 2 of 3, AffineCoupling: it shrinks by a factor of 9\.4e-14"):
        wild.sample(3)
    within = Flow(Compose(Affine(2), Compose(Affine(2), Affine(2))), StandardNormal(2))
    with torch.no_grad():
        within.bijection.layers[1].layers[0].log_scale[1] = -40
    with pytest.raises(InverseError, match="layer 2 of 2, layer 1 of 2, Affine: it shrinks"):
        within.sample(3)
    with torch.no_grad():
        wild.bijection.layers[1].net[-1].bias[:] = torch.tensor([0.0, math.inf])
    with pytest.raises(InverseError, match="layer 2 of 3, AffineCoupling: gave values that are not finite"):
        wild.from_latent(torch.randn(3, 2))
    with pytest.raises(ValueError, match="at most 8"):
        AffineCoupling(halves(2), nn.Linear(1, 2), bound=20)


# --- precision


@pytest.mark.parametrize("name", PICTURES)
def test_log_determinants_are_float32_under_autocast(name):
    model, v = PICTURES[name](), pixels()
    model.initialise(v)
    model = contracts.shaken(model, 0.1).float()
    x = v + torch.full(v.shape, 0.5)
    exact = model.log_prob(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z, log_det = model(x)
        assert z.dtype == log_det.dtype == torch.float32
        back, _ = model.inverse(z)
    assert (back - x).abs().max() < 1e-3  # the networks' bfloat16 is the same on both ways: nothing is lost
    assert torch.allclose(model.base.log_prob(z) + log_det, exact, rtol=0.02)


# --- flows of integers


def test_the_bound_is_a_bound_and_closes_with_k():
    model = contracts.shaken(RealNVP((2,), levels=3, couplings=4, hidden=8), 0.3)
    grid = (torch.arange(200, dtype=torch.double) + 0.5) / 200
    u = torch.cartesian_prod(grid, grid)
    v = torch.cartesian_prod(torch.arange(3), torch.arange(3))

    def log_probability(v, y=None):  # the integral of the density over the integer's cell
        with torch.no_grad():
            return torch.stack([model.log_prob(cell + u).logsumexp(0) - math.log(len(u)) for cell in v])

    truth = log_probability(v)
    assert truth.exp().sum() <= 1
    contracts.bounds_in_order(model, v, log_prob=log_probability, ks=(1, 10, 100), gap=0.05, repeats=300)
    counts = torch.zeros(3, 3)
    x = model.sample(20_000, generator=torch.Generator().manual_seed(0))
    counts.index_put_((x[:, 0], x[:, 1]), torch.ones(20_000), accumulate=True)
    inner = truth.view(3, 3)[1, 1].exp()  # cells at the ends also get what lies beyond
    assert abs(counts[1, 1] / 20_000 - inner) < 5 * (inner / 20_000) ** 0.5


def test_an_untrained_bound_is_that_of_uniform_noise():
    class Uniform(nn.Module):  # a base that makes the whole flow uniform on (0, levels)
        classes = None

        def __init__(self, D):
            super().__init__()
            self.D = D

        def log_prob(self, z, y=None):
            return Logistic(self.D).to(z).log_prob(z)

        def sample(self, n, y=None, *, temperature=1.0, generator=None):
            return Logistic(self.D).sample(n, temperature=temperature, generator=generator)

    model = Flow(Compose(Logit(17, alpha=0), Flatten((1, 8, 8))), Uniform(64), shape=(1, 8, 8), levels=17)
    _, test = data.digits()
    bits = metrics.bits_per_dim(model.double().elbo(test.x), test.shape)
    assert torch.allclose(bits, torch.full((360,), math.log2(17), dtype=torch.double))


def test_dequantization_and_back():
    layer, v = Dequantize(17), torch.arange(17)
    noise = layer(v.expand(1000, -1)) - v
    assert noise.min() >= 0
    assert noise.max() < 1
    assert abs(noise.mean() - 0.5) < 0.01
    assert layer.quantize(layer(v)).equal(v)
    assert layer.quantize(torch.tensor([-0.3, 17.0, 99.0])).tolist() == [0, 16, 16]


@pytest.mark.parametrize("name", PICTURES)
def test_encoding_is_exact_all_latents_are_there_and_integers_come_back(name):
    model, v = contracts.shaken(PICTURES[name](), 0.2).float(), pixels(100)
    z = model.to_latent(v)
    assert z.shape == (100, 16)
    x = model.from_latent(z)
    assert (x - v - 0.5).abs().max() < 1e-4
    assert model.quantize(x).equal(v)
    assert model.sample(3).dtype == torch.long


def test_temperature_draws_latents_closer_to_the_middle():
    model = contracts.shaken(RealNVP((2,), couplings=2, hidden=8))
    spread = [model.to_latent(model.sample(2000, temperature=T)).std().item() for T in (0.0, 0.5, 1.0)]
    assert spread == pytest.approx([0, 0.5, 1], abs=0.05)
    with pytest.raises(ValueError, match="must be at least 0"):
        model.sample(2, temperature=-1)


def test_flows_say_what_they_are_for():
    real, whole = RealNVP((2,)), RealNVP((1, 4, 4), levels=5)
    with pytest.raises(ValueError, match="models reals: use log_prob"):
        real.elbo(torch.zeros(3, 2))
    with pytest.raises(ValueError, match="no levels"):
        real.quantize(torch.zeros(3, 2))
    with pytest.raises(ValueError, match="must be at least 1"):
        whole.elbo(pixels(), k=0)
    with pytest.raises(ValueError, match="can be halved 2 times"):
        Glow((1, 6, 6))
    assert isinstance(whole, GenerativeModel)


# --- training


def test_a_spline_learns_two_modes_in_the_plane():
    torch.manual_seed(0)
    train, test = data.toy("two_gaussians", 4000), data.toy("two_gaussians", 4000, seed=1)
    model = SplineFlow(couplings=2, hidden=16)
    fit(model, train, steps=300, batch_size=256, lr=1e-2, bar=False)
    kl = (test.log_prob(test.x) - model.log_prob(test.x)).mean()
    assert kl < 0.03


def test_fit_starts_actnorm_and_learns_digits():
    torch.manual_seed(0)
    train, test = data.digits()
    model = Glow(train.shape, levels=17, depth=2, channels=16)
    before = metrics.bits_per_dim(model.elbo(test.x), test.shape).mean()
    fit(model, train, steps=60, batch_size=64, lr=5e-3, bar=False)
    after = metrics.bits_per_dim(model.elbo(test.x), test.shape).mean()
    assert all(layer.initialised for layer in model.modules() if isinstance(layer, ActNorm))
    assert after < before - 0.5


# KL(truth || flow) in nats must not exceed the first number; affine couplings leave filaments: at least the second.
@pytest.mark.parametrize(
    ("name", "most", "least"),
    [
        ("realnvp_moons", 0.04, 0),
        ("splineflow_moons", 0.03, 0),
        ("splineflow_eight_gaussians", 0.05, 0),
        ("splineflow_rings", 0.05, 0),
        ("realnvp_eight_gaussians", 0.4, 0.1),
        ("realnvp_rings", 0.3, 0.1),
    ],
)
def test_the_weights_of_the_plane_are_as_close_to_the_truth_as_the_lecture_says(name, most, least):
    truth = data.toy(name.split("_", 1)[1], 20_000, seed=2)
    with torch.no_grad():
        kl = (truth.log_prob(truth.x) - pretrained.load(name).log_prob(truth.x)).mean()
    assert least <= kl <= most


# --- what floats can't undo


def rough(seed, scale, bins=8):
    """A spline flow of the plane whose networks say large numbers, so that it is steep here and flat there."""
    torch.manual_seed(seed)
    flow = SplineFlow((2,), couplings=2, hidden=8, bins=bins)
    with torch.no_grad():
        for p in flow.parameters():
            p.add_(scale * torch.randn_like(p))
    return flow


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 2.0])
def test_a_spline_that_comes_back_elsewhere_says_so(seed, scale):
    flow = rough(seed, scale)
    x = torch.rand(2000, 2, generator=torch.Generator().manual_seed(seed)) * 8 - 4
    with torch.no_grad(), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        back = flow.from_latent(flow.to_latent(x))
    off = (back - x).abs().max().item()
    said = any("can't undo it there" in str(w.message) for w in heard)
    assert said or off < 0.02
    assert not said or scale > 0.1, "smooth splines are undone without a word"


def test_rough_splines_are_undone_in_float64_without_a_word():
    flow = rough(0, 1.0).double()
    x = torch.rand(500, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 8 - 4
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (flow.from_latent(flow.to_latent(x)) - x).abs().max() < 1e-3


def test_glows_weights_lie_flat_and_its_pictures_as_convolutions_like_them():
    flow = Glow((1, 8, 8), depth=1, channels=8)
    assert all(p.is_contiguous() for p in flow.parameters())
    squeezed, _ = flow.bijection.layers[0](torch.randn(4, 1, 8, 8))
    assert squeezed.is_contiguous(memory_format=torch.channels_last)
