"""Data: the fixed split of the digits, and densities in the plane that are what they say."""

import copy
import hashlib
import importlib
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset, random_split

from genlib import data
from genlib.data import Dataset
from genlib.launch import data_sets


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
    with pytest.raises(ValueError, match="eight_gaussians, grid, moons"):
        data.toy("circle")


def test_a_dataset_shows_itself_and_escapes_what_it_shows():
    train, _ = data.digits()
    assert (
        repr(train) == "Dataset(digits, training part: 1,437 examples of shape (1, 8, 8), integers 0..16, 10 classes)"
    )
    assert "<b>" not in Dataset(name="<b>", x=torch.zeros(2, 1))._repr_html_()


def test_what_is_stored_as_bytes_is_handed_out_as_integers():
    bytes_ = Dataset(name="bytes", x=torch.arange(256, dtype=torch.uint8).view(64, 1, 2, 2), levels=256)
    assert bytes_[0][0].dtype == bytes_[:3][0].dtype == bytes_[torch.tensor([1, 5])][0].dtype == torch.long
    assert torch.equal(bytes_[63][0], torch.tensor([[[252, 253], [254, 255]]]))
    fixed = bytes_.binarized("threshold")
    assert fixed.x.dtype == torch.uint8
    assert torch.equal(fixed[:][0], (bytes_[:][0] > 127).long())


TOYS = [
    "banana",
    "checkerboard",
    "eight_gaussians",
    "grid",
    "moons",
    "pinwheel",
    "rings",
    "spirals",
    "two_gaussians",
]
WIDE = ["banana", "two_gaussians"]  # with tails beyond 3.2


def grid(limit: float, points: int):
    """The middles of points x points little squares from -limit to limit, and the area of one."""
    u = (torch.arange(points, dtype=torch.float64) + 0.5) * (2 * limit / points) - limit
    return torch.stack(torch.meshgrid(u, u, indexing="xy"), -1).view(-1, 2), (2 * limit / points) ** 2


@pytest.mark.parametrize("name", TOYS)
def test_toy_densities_integrate_to_one_with_and_without_labels(name):
    toy = data.toy(name, n=2)
    x, cell = grid(12.8, 640) if name in WIDE else grid(3.2, 160)
    assert abs(float(toy.log_prob(x).exp().sum() * cell) - 1) < 1e-6
    for k in range(min(len(toy.class_names), 8)):
        y = torch.full((len(x),), k)
        assert abs(float(toy.log_prob(x, y).exp().sum() * cell) - 1) < 1e-6


@pytest.mark.parametrize("name", TOYS)
def test_toy_samples_match_their_density(name):
    toy = data.toy(name, n=100_000, seed=1)
    # In each of 16 x 16 boxes: the share of samples against the integral of the density, label by label.
    x, cell = grid(3.2, 160)
    seen = (toy.x.abs() < 3.2).all(1)
    box = ((x + 3.2) / 0.4).long() @ torch.tensor([1, 16])
    where = ((toy.x + 3.2) / 0.4).long() @ torch.tensor([1, 16])
    for k in range(min(len(toy.class_names), 8)):
        p = torch.zeros(256, dtype=torch.float64)
        p.index_add_(0, box, toy.log_prob(x, torch.full((len(x),), k)).exp() * cell)
        mine = toy.y == k
        share = torch.bincount(where[mine & seen], minlength=256) / mine.sum()
        error = (p * (1 - p) / mine.sum()).sqrt()
        assert ((share - p).abs() < 5 * error + 1e-3).all()


@pytest.mark.parametrize("name", [name for name in TOYS if name != "checkerboard"])  # flat, with cliffs
def test_toy_densities_can_be_followed_uphill(name):
    toy = data.toy(name, n=200)
    x = toy.x.requires_grad_()
    (slope,) = torch.autograd.grad(toy.log_prob(x).sum(), x)
    assert slope.isfinite().all()
    assert (slope != 0).any()


def test_the_quadrature_of_the_spirals_is_exact():
    toy = data.toy("spirals", n=2)
    x = torch.rand(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4 - 2
    s = (torch.arange(40_000, dtype=torch.float64) + 0.5) / 40_000  # u = s², so that du = 2 s ds
    t = 3 * math.pi * s
    curve = 2.4 * s[:, None] * torch.stack([t.cos(), t.sin()], 1)
    log_kernel = -((x[:, None] - curve) ** 2).sum(-1) / (2 * 0.1**2) - math.log(2 * math.pi * 0.1**2)
    brute = (log_kernel + (2 * s / 40_000).log()).logsumexp(1)
    difference = toy.log_prob(x, torch.zeros(100, dtype=torch.long)) - brute
    assert difference[brute > -10].abs().max() < 1e-6


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


# Elsewhere: in a DataLoader, in another process, in a copy

ALL = {
    "digits": lambda: data.digits()[0],
    "binarized": lambda: data.digits()[1].binarized("dynamic"),
    "text": lambda: data.text("grammar", n=40)[0],
    "english": lambda: data.text("english", length=64)[1],
    "glyphs": lambda: data.glyphs(n=20)[0],
    "numerals": lambda: data.numerals(n=20)[0],
    "shapes": lambda: data.shapes(n=20)[0],
    "two shapes": lambda: data.shapes(n=20, size=32, objects=2)[0],
    "tones": lambda: data.tones(n=20, length=64)[0],
    "vowels": lambda: data.vowels(n=20, length=64)[0],
    "vowels of levels": lambda: data.vowels(n=20, length=64, levels=16)[0],
    "unpaired": lambda: data.digits()[0].unpaired(data.digits()[1]),
    **{name: lambda name=name: data.toy(name, n=20) for name in TOYS},
}


def test_every_data_set_that_needs_no_network_is_here():
    assert set(data_sets()) - {"mnist", "fashion_mnist"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_data_set_goes_through_a_pickle_with_all_that_it_knows(name):
    before = ALL[name]()
    after = pickle.loads(pickle.dumps(before))
    assert repr(after) == repr(before)
    assert torch.equal(after.x, before.x)
    if before.log_prob is not None:
        assert torch.equal(after.log_prob(after.x[:5]), before.log_prob(before.x[:5]))
    assert copy.deepcopy(before)[0][0].shape == before.shape


@pytest.mark.parametrize("name", ALL)
def test_a_dataloader_takes_it_with_labels_and_without(name):
    train = ALL[name]()
    x, y = next(iter(DataLoader(train, 4)))
    assert x.shape == (4, *train.shape)
    assert x.dtype == train[0][0].dtype
    assert (y is None) == (train.y is None)
    if train.paired and train.binarization is None:
        assert torch.equal(x, train[:4][0])
        assert y is None or torch.equal(y, train[:4][1])
    part, _ = random_split(train, [0.5, 0.5])
    shuffled = DataLoader(Subset(part, range(4)), batch_size=2, shuffle=True, drop_last=True)
    assert [len(x) for x, _ in shuffled] == [2, 2]


def test_workers_that_are_spawned_load_it_too():
    loader = DataLoader(data.text("grammar", n=8)[0], 4, num_workers=1, multiprocessing_context="spawn")
    batches = list(loader)
    assert [len(x) for x, _ in batches] == [4, 4]
    assert all(y is None for _, y in batches)
    assert torch.equal(torch.cat([x for x, _ in batches]), loader.dataset.x)


def test_what_is_no_example_of_ours_is_collated_as_ever():
    with pytest.raises(TypeError, match="default_collate"):
        torch.utils.data.default_collate([(torch.zeros(2), None)])


def test_the_digits_are_scikit_learns_and_it_is_not_imported_for_them():
    from sklearn.datasets import load_digits

    raw = load_digits()
    train, test = data.digits()
    order = torch.from_numpy(np.random.RandomState(0).permutation(1797))
    assert torch.equal(torch.cat([train.x, test.x]).flatten(1), torch.from_numpy(raw.data).long()[order])
    assert torch.equal(torch.cat([train.y, test.y]), torch.from_numpy(raw.target).long()[order])
    code = "import sys; from genlib import data; data.digits(); assert not {'sklearn', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_where_the_file_of_the_digits_is_elsewhere_scikit_learn_is_asked(monkeypatch):
    module = importlib.import_module("genlib.data.digits")
    read = module._table()
    monkeypatch.setattr(module.Path, "is_file", lambda _: False)
    assert np.array_equal(module._table(), read)
