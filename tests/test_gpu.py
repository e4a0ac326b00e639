"""What only a GPU can show. `make test-gpu` runs these; `make test` leaves them out."""

import warnings

import pytest
import torch
from torch import nn

from genlib import data
from genlib.classical import NaiveBayes
from genlib.model import GenerativeModel
from genlib.training import fit

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True, scope="module")
def _there_is_one():
    assert torch.cuda.is_available(), "there is no CUDA GPU here: run `make test` instead"


class Net(GenerativeModel):
    def __init__(self):
        super().__init__()
        self.shape, self.net = (64,), nn.Sequential(nn.Linear(64, 256), nn.Tanh(), nn.Dropout(0.1), nn.Linear(256, 64))

    def loss(self, x, y=None):
        return {"loss": (self.net(x) - x).pow(2).mean()}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed", "64-true"])
def test_it_trains_in_every_precision(precision):
    x = torch.randn(2000, 64)
    model = Net()
    history = fit(model, x, steps=300, precision=precision, device="cuda", bar=False)
    assert next(model.parameters()).is_cuda
    assert next(model.parameters()).dtype == (torch.float64 if precision == "64-true" else torch.float32)
    assert history["loss"][-10:].mean() < 0.6 * history["loss"][:10].mean()


def test_it_agrees_with_the_cpu():
    train, test = data.digits()
    losses = []
    for device in ("cpu", "cuda"):
        model = NaiveBayes(train.shape, 17, 10)
        losses.append(fit(model, train, test=test, steps=100, lr=0.1, device=device, bar=False)["loss"])
    assert torch.allclose(*losses, rtol=1e-3)


def test_nothing_waits_for_the_device_within_a_step():
    x, counts = torch.randn(2000, 64), {}
    fit(Net(), x, steps=5, device="cuda", bar=False)  # the first kernels are loaded now
    torch.cuda.set_sync_debug_mode("warn")
    try:
        for steps in (20, 220):
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                fit(Net(), x, steps=steps, device="cuda", bar=False)
            counts[steps] = sum("synchroniz" in str(warning.message) for warning in seen)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert counts[20] > 0, "the counter counts nothing"
    assert counts[220] - counts[20] < 100, counts  # 200 more steps, and a few more refreshes


def test_a_resumed_run_is_exact(tmp_path):
    x, whole = torch.randn(500, 64), Net()
    start = {name: value.clone() for name, value in whole.state_dict().items()}
    settings = {"steps": 40, "device": "cuda", "bar": False, "ema": 0.9}
    fit(whole, x, **settings)

    def stop(step, model):
        if step == 15:
            raise KeyboardInterrupt

    half = Net()
    half.load_state_dict(start)
    path = tmp_path / "run.safetensors"
    fit(half, x, **settings, checkpoint=path, checkpoint_every=10, callback=stop, callback_every=1)
    fit(half, x, **settings, checkpoint=path, checkpoint_every=10)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, half.state_dict()[name]), name
