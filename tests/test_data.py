"""Data: the fixed split of the digits, and densities in the plane that are what they say."""

import hashlib
import math

import numpy as np
import pytest
import torch

from genlib import data
from genlib.data import Dataset


def test_the_split_of_the_digits_never_changes():
    train, test = data.digits()
    assert (len(train), len(test)) == (1437, 360)
    assert train.shape == test.shape == (1, 8, 8)
    assert train.levels == 17
    assert train.x.dtype == torch.long
    assert int(train.x.min()) == 0
    assert int(train.x.max()) == 16
    digest = hashlib.sha256(torch.cat([train.x.flatten(), train.y, test.x.flatten(), test.y]).numpy().tobytes())
    assert digest.hexdigest()[:16] == "7d4d8a939f52b197"


def test_no_digit_is_in_both_parts():
    train, test = data.digits()
    distance = torch.cdist(test.x.flatten(1).float(), train.x.flatten(1).float()).min(1).values
    assert (distance > 0).all()


def test_every_class_is_in_both_parts():
    for part in data.digits():
        counts = torch.bincount(part.y, minlength=10)
        assert (counts > 0.07 * len(part)).all()


def test_indexing_gives_pairs():
    train, _ = data.digits()
    x, y = train[3]
    assert x.shape == (1, 8, 8)
    assert y.shape == ()
    x, y = train[torch.tensor([1, 5])]
    assert x.shape == (2, 1, 8, 8)
    assert torch.equal(y, train.y[[1, 5]])
    assert train.to("cpu")[:4][0].shape == (4, 1, 8, 8)


def test_threshold_binarization_is_fixed_and_dynamic_is_drawn_anew_with_the_right_mean():
    train, _ = data.digits()
    fixed = train.binarized("threshold")
    assert fixed.levels == 2
    assert torch.equal(fixed[:][0], (train.x > 8).long())
    dynamic = train.binarized("dynamic")
    torch.manual_seed(0)
    draws = torch.stack([dynamic[:50][0] for _ in range(400)])
    assert set(draws.unique().tolist()) == {0, 1}
    assert not torch.equal(draws[0], draws[1])
    p = train.x[:50] / 16
    error = (p * (1 - p) / len(draws)).sqrt()
    assert ((draws.double().mean(0) - p).abs() <= 5 * error + 1e-9).all()


def test_bad_calls_say_what_to_do():
    train, _ = data.digits()
    with pytest.raises(ValueError, match='choose "dynamic" or "threshold"'):
        train.binarized("fixed")
    with pytest.raises(ValueError, match="levels=2"):
        train.binarized("threshold").binarized("dynamic")
    with pytest.raises(ValueError, match="levels=None"):
        data.toy("moons", n=5).binarized()
    with pytest.raises(ValueError, match="eight_gaussians, moons, rings"):
        data.toy("circle")


def test_a_dataset_shows_itself_and_escapes_what_it_shows():
    train, _ = data.digits()
    assert (
        repr(train) == "Dataset(digits, training part: 1,437 examples of shape (1, 8, 8), integers 0..16, 10 classes)"
    )
    assert "<b>" not in Dataset(name="<b>", x=torch.zeros(2, 1))._repr_html_()


TOYS = ["eight_gaussians", "moons", "rings"]


def grid(limit: float, points: int):
    u = torch.linspace(-limit, limit, points, dtype=torch.float64)
    return torch.stack(torch.meshgrid(u, u, indexing="xy"), -1).view(-1, 2), (u[1] - u[0]) ** 2


@pytest.mark.parametrize("name", TOYS)
def test_toy_densities_integrate_to_one_with_and_without_labels(name):
    toy = data.toy(name, n=2)
    x, cell = grid(3.2, 161)
    assert abs(float(toy.log_prob(x).exp().sum() * cell) - 1) < 1e-6
    for k in range(len(toy.class_names)):
        y = torch.full((len(x),), k)
        assert abs(float(toy.log_prob(x, y).exp().sum() * cell) - 1) < 1e-6


@pytest.mark.parametrize("name", TOYS)
def test_toy_samples_match_their_density(name):
    toy = data.toy(name, n=100_000, seed=1)
    # In each of 16 x 16 boxes: the share of samples against the integral of the density, label by label.
    x, cell = grid(3.2 - 0.02, 160)
    box = ((x + 3.2) / 0.4).long() @ torch.tensor([1, 16])
    where = ((toy.x + 3.2) / 0.4).long() @ torch.tensor([1, 16])
    for k in range(len(toy.class_names)):
        p = torch.zeros(256, dtype=torch.float64)
        p.index_add_(0, box, toy.log_prob(x, torch.full((len(x),), k)).exp() * cell)
        mine = where[toy.y == k]
        share = torch.bincount(mine, minlength=256) / len(mine)
        error = (p * (1 - p) / len(mine)).sqrt()
        assert ((share - p).abs() < 5 * error + 1e-3).all()


def test_the_quadrature_of_the_moons_is_exact():
    toy = data.toy("moons", n=2)
    x = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4 - 2
    nodes, weights = np.polynomial.legendre.leggauss(1500)
    t = torch.from_numpy(math.pi * (nodes + 1) / 2)
    arc = torch.stack([t.cos() - 0.5, t.sin() - 0.25], 1)
    log_kernel = -((x[:, None] - arc) ** 2).sum(-1) / (2 * 0.1**2) - math.log(2 * math.pi * 0.1**2)
    brute = (log_kernel + torch.from_numpy(np.log(weights / 2))).logsumexp(1)
    difference = toy.log_prob(x, torch.zeros(200, dtype=torch.long)) - brute
    assert difference[brute > -20].abs().max() < 1e-9


def test_same_seed_same_points():
    assert torch.equal(data.toy("rings", n=50, seed=3).x, data.toy("rings", n=50, seed=3).x)
    assert not torch.equal(data.toy("rings", n=50, seed=3).x, data.toy("rings", n=50, seed=4).x)
