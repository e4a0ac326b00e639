"""The contracts of what models are given, dtypes, nothing at all and values without a density: each has teeth.

As in test_contracts.py: the honest model passes, and each planted fault is found, by the complaint for it.
"""

import pytest
import torch

from genlib.autoregressive import MADE
from genlib.flow import RealNVP
from genlib.model import GenerativeModel
from tests import contracts

PIXELS = torch.arange(64).view(4, 1, 4, 4) % 5
LABELS = torch.tensor([0, 2, 1, 2])
POINTS = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))


class BytesAreScaled(MADE):
    def loss(self, x, y=None):
        return super().loss(x % 2 if x.dtype == torch.uint8 else x, y)


class SmallLabelsAreTheFirst(MADE):
    def check_condition(self, y, n, *, values=True):
        taken = super().check_condition(y, n, values=values)
        return taken if y.dtype == torch.long else taken * 0


class OnlyInt64(MADE):
    def check_examples(self, x, *, values=True):
        if x.dtype != torch.long:
            raise TypeError("expected int64")
        return super().check_examples(x, values=values)


class AsNarrowAsItsInput(RealNVP):
    def log_prob(self, x, y=None):
        return super().log_prob(x, y).to(x.dtype)


class MeanOfNothing(MADE):
    def loss(self, x, y=None):
        return {"loss": -self.log_prob(x, y).mean()}


class OneAtLeast(MADE):
    def sample(self, n, y=None, **how):
        if n == 0:
            raise ValueError("n=0: ask for at least one example")
        return super().sample(n, y, **how)


class RoundsUp(MADE):
    def sample(self, n, y=None, **how):
        return super().sample(int(n) if isinstance(n, float) else n, y, **how)


class SumsAll(MADE):
    def log_prob(self, x, y=None):
        return super().log_prob(x, y) if len(x) else torch.zeros(())


class NaNFarOut(RealNVP):
    def never_nan(self, log_p):
        return log_p


class HidesItsWeights(RealNVP):
    def check_weights(self):
        pass


class TakesNaN(RealNVP):
    def check_reals(self, x, *, values=True):
        return super().check_reals(x, values=False)


def made(kind):
    torch.manual_seed(0)
    return kind((1, 4, 4), 5, 3, hidden=8)


def flow(kind, **how):
    torch.manual_seed(0)
    return kind((2,), couplings=2, hidden=8, **how)


HONEST = [
    (contracts.takes_every_dtype, lambda: made(MADE), PIXELS, LABELS),
    (contracts.takes_every_dtype, lambda: flow(RealNVP), POINTS, None),
    (contracts.handles_none, lambda: made(MADE), PIXELS, LABELS),
    (contracts.handles_none, lambda: flow(RealNVP), POINTS, None),
    (contracts.never_nan, lambda: made(MADE), PIXELS, LABELS),
    (contracts.never_nan, lambda: flow(RealNVP), POINTS, None),
]
FAULTS = [
    (contracts.takes_every_dtype, lambda: made(BytesAreScaled), PIXELS, LABELS, "loss of torch.uint8 .* is another"),
    (contracts.takes_every_dtype, lambda: made(SmallLabelsAreTheFirst), PIXELS, LABELS, "int64 and .* is another"),
    (contracts.takes_every_dtype, lambda: made(OnlyInt64), PIXELS, LABELS, "expected int64"),
    (
        contracts.takes_every_dtype,
        lambda: flow(AsNarrowAsItsInput),
        POINTS,
        None,
        "is torch.float32, of the model's own",
    ),
    (contracts.handles_none, lambda: made(MeanOfNothing), PIXELS, LABELS, "loss took a batch of no examples"),
    (contracts.handles_none, lambda: made(OneAtLeast), PIXELS, LABELS, "ask for at least one"),
    (contracts.handles_none, lambda: made(RoundsUp), PIXELS, LABELS, "sample took n=2.5"),
    (contracts.handles_none, lambda: made(SumsAll), PIXELS, LABELS, r"log_prob of no examples has shape \(\)"),
    (contracts.never_nan, lambda: flow(NaNFarOut), POINTS, None, "log_prob (is NaN where|of broken weights)"),
    (contracts.never_nan, lambda: flow(HidesItsWeights), POINTS, None, "log_prob of broken weights"),
    (contracts.never_nan, lambda: flow(TakesNaN), POINTS, None, "log_prob took an x of"),
]


@pytest.mark.parametrize(("contract", "make", "x", "y"), HONEST)
def test_honest_models_pass(contract, make, x, y):
    assert isinstance(make(), GenerativeModel)
    contract(make(), x, y)


@pytest.mark.parametrize(("contract", "make", "x", "y", "complaint"), FAULTS)
def test_planted_faults_are_found(contract, make, x, y, complaint):
    with pytest.raises((AssertionError, TypeError, ValueError), match=complaint):
        contract(make(), x, y)
