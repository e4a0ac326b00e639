"""The one standard normal, and the one rule for generators."""

import math

import pytest
import torch

from genlib import noise
from genlib.noise import StandardNormal

DRAWS = {
    "normal": lambda generator: noise.normal((500, 3), torch.zeros(1), generator),
    "uniform": lambda generator: noise.uniform((500, 3), torch.zeros(1), generator),
    "bernoulli": lambda generator: noise.bernoulli(torch.full((500, 3), 0.3), generator),
    "categorical": lambda generator: noise.categorical(torch.tensor([0.2, 0.5, 0.3]).expand(500, 3, 3), generator),
    "StandardNormal": lambda generator: StandardNormal(3).sample(500, generator=generator),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_generator_decides_what_is_drawn_and_the_global_state_is_left_alone(name):
    def draw(seed):
        return DRAWS[name](torch.Generator().manual_seed(seed))

    before = torch.get_rng_state()
    values = draw(0)
    assert values.shape == (500, 3)
    assert torch.equal(values, draw(0))
    assert not torch.equal(values, draw(1))
    assert torch.equal(torch.get_rng_state(), before)
    DRAWS[name](None)
    assert not torch.equal(torch.get_rng_state(), before), "without a generator the device's own state draws"


@pytest.mark.parametrize("name", DRAWS)
def test_draws_have_the_mean_that_they_should(name):
    mean = {"normal": 0, "uniform": 0.5, "bernoulli": 0.3, "categorical": 1.1, "StandardNormal": 0}[name]
    values = DRAWS[name](torch.Generator().manual_seed(2)).double()
    assert abs(values.mean().item() - mean) < 4 * values.std().item() / math.sqrt(values.numel())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_have_the_precision_of_what_they_are_for(dtype):
    like = torch.zeros(1, dtype=dtype)
    assert noise.normal((2,), like).dtype == noise.uniform((2,), like).dtype == dtype
    assert StandardNormal(2).to(dtype).sample(3).dtype == dtype
    assert noise.bernoulli(torch.full((2,), 0.5, dtype=dtype)).dtype == torch.long


def test_where_it_is_drawn():
    assert noise.device_of(torch.Generator(), torch.device("meta")) == torch.device("cpu")
    assert noise.device_of(None, torch.device("meta")) == torch.device("meta")
    assert noise.device_of(None) is None


def test_the_density_is_torchs_and_integrates_to_one():
    z = 3 * torch.randn(4, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.Normal(torch.zeros(3, dtype=torch.float64), 1.0).log_prob(z).sum(-1)
    assert torch.allclose(StandardNormal(3).log_prob(z), expected, atol=1e-12)
    line = torch.linspace(-9, 9, 2001, dtype=torch.float64)[:, None]
    assert torch.trapezoid(StandardNormal(1).log_prob(line).exp(), line[:, 0]).item() == pytest.approx(1, abs=1e-9)


def test_temperature_scales_the_distance_from_the_mean():
    def draw(temperature):
        generator = torch.Generator().manual_seed(0)
        return StandardNormal(3).sample(10, temperature=temperature, generator=generator)

    assert torch.allclose(draw(0.5), draw(1.0) / 2)
    assert not draw(0).any()
