"""Metrics against closed forms, hand-computed cases, scipy and exhaustive counting."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import torch
from torch import nn

from genlib import data, metrics


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def with_moments(n, mean, cov, seed=0):
    """n points whose sample mean and covariance are exactly these: then closed forms hold without sampling error."""
    x = torch.randn(n, len(mean), generator=generator(seed), dtype=torch.double)
    x = x - x.mean(0)
    x = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T.cov()), x.T, upper=False).T  # covariance I
    return mean + x @ torch.linalg.cholesky(cov).T


def random_covariance(d, seed):
    a = torch.randn(d, d + 2, generator=generator(seed), dtype=torch.double)
    return a @ a.T / d


# --- bits per dimension


def test_bits_per_dim():
    assert metrics.bits_per_dim(-64 * math.log(17), (1, 8, 8)) == pytest.approx(math.log2(17))
    assert metrics.bits_per_dim(torch.tensor([-math.log(2)]), (1,)).item() == pytest.approx(1)
    for shape in ((), (0, 3)):
        with pytest.raises(ValueError, match="holds no values"):
            metrics.bits_per_dim(-1.0, shape)
    for spacing in (0, -1, math.nan):
        with pytest.raises(ValueError, match="distance of neighbouring levels"):
            metrics.bits_per_dim(-1.0, (1,), spacing=spacing)


@pytest.mark.parametrize(("low", "high"), [(0, 256), (0, 1), (-1, 1)])
def test_bits_do_not_depend_on_how_the_levels_were_scaled(low, high):
    # A piecewise constant density that gives level v its probability P(v): its bits are exactly those of P.
    P = torch.rand(256, generator=generator(), dtype=torch.double)
    P = P / P.sum()
    width = (high - low) / 256  # of one level, so that the density on it is P(v) / width
    bits = metrics.bits_per_dim((P / width).log(), (1,), spacing=width)
    assert torch.allclose(bits, -P.log2(), atol=1e-12)


def test_every_dimension_brings_its_own_jacobian():
    # 17 levels in 64 dimensions, all equally likely: on [0, 1]^64 the density is 1 and its logarithm 0.
    assert metrics.bits_per_dim(0.0, (1, 8, 8), spacing=1 / 17) == pytest.approx(math.log2(17), abs=1e-12)


def test_dequantised_bits_are_an_upper_bound_with_the_right_spacing():
    # A logistic density of v + u, and the same in [0, 1]: equal bits, above those of the integers that it implies.
    v, u = torch.arange(-40, 41).double(), (torch.arange(400) + 0.5).double() / 400
    base = torch.distributions.TransformedDistribution(
        torch.distributions.Uniform(torch.zeros(()).double(), 1),
        [
            torch.distributions.SigmoidTransform().inv,
            torch.distributions.AffineTransform(torch.tensor(0.3).double(), torch.tensor(1.5).double()),
        ],
    )
    P = base.cdf(v + 1) - base.cdf(v)  # the probability of each integer
    log_p = base.log_prob(v[:, None] + u)  # (81, 400)
    integers = (P * metrics.bits_per_dim(P.log(), (1,))).sum()
    unscaled = (P * metrics.bits_per_dim(log_p, (1,)).mean(1)).sum()
    scaled = (P * metrics.bits_per_dim(log_p + math.log(256), (1,), spacing=1 / 256).mean(1)).sum()
    assert scaled == pytest.approx(unscaled.item(), abs=1e-12)
    assert 0 < unscaled - integers < 0.05


# --- Fréchet distance


def test_frechet_distance_of_gaussians_in_closed_form():
    # Diagonal covariances commute: d² = |μa - μb|² + Σ (σa - σb)².
    mean_a, mean_b = torch.tensor([0.0, 1.0, -2.0]).double(), torch.tensor([0.5, 1.0, 3.0]).double()
    std_a, std_b = torch.tensor([1.0, 2.0, 0.1]).double(), torch.tensor([3.0, 2.0, 0.5]).double()
    a, b = with_moments(50, mean_a, (std_a**2).diag()), with_moments(70, mean_b, (std_b**2).diag(), seed=1)
    expected = ((mean_a - mean_b) ** 2).sum() + ((std_a - std_b) ** 2).sum()
    assert metrics.frechet_distance(a, b) == pytest.approx(expected.item(), abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_frechet_distance_agrees_with_scipy(seed):
    d = 6
    cov_a, cov_b = random_covariance(d, seed), random_covariance(d, seed + 10)
    a, b = with_moments(40, torch.zeros(d).double(), cov_a), with_moments(60, torch.ones(d).double(), cov_b, seed=1)
    root = scipy.linalg.sqrtm((cov_a @ cov_b).numpy())
    expected = d + np.trace(cov_a.numpy() + cov_b.numpy() - 2 * root.real)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, abs=1e-9)
    assert metrics.frechet_distance(b, a) == pytest.approx(expected, abs=1e-9)


def test_frechet_distance_survives_features_that_never_vary():
    # Dead features of a ReLU make the covariance singular, where a matrix square root by iteration fails.
    a = torch.randn(30, 4, generator=generator()) * torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(a, a + torch.tensor([0.0, 0.0, 0.0, 3.0])) == pytest.approx(9, abs=1e-6)
    assert metrics.frechet_distance(a[:, :1], a[:, :1] + 2) == pytest.approx(4, abs=1e-6)  # a single feature


# --- precision and recall


def test_precision_and_recall_by_hand():
    real, fake = torch.tensor([[0.0], [1.0], [3.0], [10.0]]), torch.tensor([[0.5], [4.5], [5.5], [30.0]])
    # k = 1. Balls of the real: 0 ± 1, 1 ± 1, 3 ± 2, 10 ± 7; of the fakes: 0.5 ± 4, 4.5 ± 1, 5.5 ± 1, 30 ± 24.5.
    assert metrics.precision_recall(real, fake, k=1) == (3 / 4, 1.0)
    assert metrics.precision_recall(fake, real, k=1) == (1.0, 3 / 4)  # exchanging the sets exchanges the numbers


def test_precision_and_recall_agree_with_counting_by_loops():
    real, fake = torch.randn(700, 3, generator=generator()), 1.3 * torch.randn(600, 3, generator=generator(1))

    def share(points, support, k):
        radius = [sorted((s - t).norm().item() for t in support)[k] for s in support]
        return sum(any((p - s).norm() <= r for s, r in zip(support, radius, strict=True)) for p in points) / len(points)

    small = metrics.precision_recall(real[:40], fake[:30], k=3)
    assert small == pytest.approx((share(fake[:30], real[:40], 3), share(real[:40], fake[:30], 3)))
    large = metrics.precision_recall(real, fake)  # several batches of distances
    by_batch = torch.cdist(fake.double(), real.double()) <= torch.cdist(real.double(), real.double()).kthvalue(4).values
    assert large.precision == pytest.approx(by_batch.any(1).double().mean().item())


def test_precision_and_recall_tell_bad_samples_from_missing_ones():
    real = torch.randn(500, 2, generator=generator()) * 0.2 + 3 * torch.tensor([[1.0], [-1.0]]).repeat(250, 2)
    collapsed = real[::2] + 0.02 * torch.randn(250, 2, generator=generator(1))  # one of two modes, realistic
    scattered = 8 * torch.rand(500, 2, generator=generator(2)) - 4  # everywhere, mostly where no data are
    precision, recall = metrics.precision_recall(real, collapsed)
    assert precision > 0.95
    assert 0.4 < recall <= 0.5
    precision, recall = metrics.precision_recall(real, scattered)
    assert precision < 0.2
    assert recall > 0.9


def test_copies_of_the_data_are_inside():
    x = torch.randn(50, 3, generator=generator())
    assert metrics.precision_recall(x, x) == (1.0, 1.0)


# --- maximum mean discrepancy


def test_mmd_by_hand():
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]])
    k = [math.exp(-(d**2) / 2) for d in range(3)]  # h = 1, distances 0, 1, 2
    assert metrics.mmd(x, y, bandwidth=1.0) == pytest.approx(k[1] + k[2] - 2 * (k[0] + k[2] + k[1] + k[1]) / 4)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_mmd_is_unbiased(shift):
    # Gaussians N(0, I), N(m, I): the mean of the kernel is (h² / (h² + 2))^(d/2) exp(-|m|² / 2(h² + 2)), m = 0 within.
    d, h, g = 3, 1.5, generator()
    scale = (h**2 / (h**2 + 2)) ** (d / 2)
    expected = 2 * scale * (1 - math.exp(-(shift**2) / (2 * (h**2 + 2))))
    estimates = torch.tensor(
        [
            metrics.mmd(
                torch.randn(20, d, generator=g),
                torch.randn(30, d, generator=g) + torch.tensor([shift, 0, 0]),
                bandwidth=h,
            )
            for _ in range(400)
        ]
    )
    assert (estimates.mean() - expected).abs() < 4 * estimates.std() / 20
    assert estimates.min() < 0 or shift  # a biased estimate, with k(x, x) counted, would never be below 0


def test_mmd_with_the_median_distance():
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]])  # distances 0, 1, 1, 1, 2, 2
    assert metrics.mmd(x, y) == metrics.mmd(x, y, bandwidth=1.0)
    with pytest.raises(ValueError, match="bandwidth=0"):
        metrics.mmd(torch.zeros(3, 1), torch.zeros(3, 1))


# --- modes


def test_mode_coverage_by_hand():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    samples = torch.tensor([[0.0, 2.9], [0.0, 3.1], [9.0, 0.0], [10.0, 0.0], [5.0, 5.0]])
    coverage = metrics.mode_coverage(samples, centres, sigma=1.0)
    assert (coverage.modes, coverage.share, coverage.counts.tolist()) == (2, pytest.approx(3 / 5), [1, 2, 0])
    assert metrics.mode_coverage(samples, centres, sigma=1.0, least=2).modes == 1
    assert metrics.mode_coverage(samples, centres, sigma=1.0, within=4).counts.tolist() == [2, 2, 0]


def test_mode_coverage_of_the_truth_and_of_a_collapse():
    truth = data.toy("eight_gaussians", n=20_000)
    angle = torch.arange(8) * math.pi / 4
    centres = 2 * torch.stack([angle.cos(), angle.sin()], 1)
    modes, share, counts = metrics.mode_coverage(truth.x, centres, sigma=0.2)
    inside = 1 - math.exp(-4.5)
    assert modes == 8
    assert abs(share - inside) < 4 * math.sqrt(inside * (1 - inside) / 20_000)
    assert counts.sum() == round(share * 20_000)
    assert metrics.mode_coverage(truth.x[truth.y < 3], centres, sigma=0.2, least=20).modes == 3


# --- all of them


def test_features_are_a_callable_or_a_tensor():
    images = torch.randn(1200, 1, 4, 4, generator=generator())
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.Tanh())
    a, b = images[:700], images[700:] + 0.3
    for metric in (metrics.frechet_distance, metrics.precision_recall, metrics.mmd):
        assert metric(a, b, features=net) == pytest.approx(metric(net(a), net(b)), abs=1e-6)


def test_bad_input_is_refused_with_advice():
    x = torch.randn(5, 2, generator=generator())
    for metric in (metrics.frechet_distance, metrics.precision_recall, metrics.mmd):
        with pytest.raises(ValueError, match="flatten"):
            metric(x[:, :, None], x)
        with pytest.raises(ValueError, match=r"must return \(B, d\)"):
            metric(x, x, features=lambda x: x[:, 0])
        with pytest.raises(ValueError, match="2 against 1 features"):
            metric(x, x[:, :1])
        with pytest.raises(ValueError, match="at least"):
            metric(x, x[:1])
        with pytest.raises(ValueError, match="NaN"):
            metric(x, x.log())
    with pytest.raises(ValueError, match="at least 6"):
        metrics.precision_recall(x, x, k=5)
    with pytest.raises(ValueError, match="k=0"):
        metrics.precision_recall(x, x, k=0)
    with pytest.raises(ValueError, match="sigma=0"):
        metrics.mode_coverage(x, x, sigma=0)
    with pytest.raises(ValueError, match="2 against 1"):
        metrics.mode_coverage(x, x[:, :1], sigma=1)


# --- what latents hold


def test_active_units_are_those_whose_means_move():
    means = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.2, 0.05])
    assert metrics.active_units(means).tolist() == [True, True, False]
    assert metrics.active_units(means + 5).tolist() == [True, True, False], "where they are does not matter"
    assert metrics.active_units(means, threshold=0.5).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="at least two"):
        metrics.active_units(means[:1])


def test_mutual_information_is_0_for_one_q_and_log_n_for_needles_and_between_them_that_of_quadrature():
    same = torch.zeros(50, 2), torch.ones(50, 2)
    assert metrics.mutual_information(*same) == pytest.approx(0, abs=1e-9)
    apart = torch.arange(50.0)[:, None].expand(50, 2), torch.full((50, 2), 0.01)
    assert metrics.mutual_information(*apart) == pytest.approx(math.log(50), abs=1e-6)
    means, sds = torch.tensor([[0.0], [1.0], [3.0]]).double(), torch.tensor([[0.5], [1.0], [0.7]]).double()
    z = torch.linspace(-10, 12, 20001, dtype=torch.float64)
    log_q = torch.distributions.Normal(means, sds).log_prob(z)  # (3, n)
    bar = log_q.logsumexp(0) - math.log(3)
    exact = torch.trapezoid(log_q.exp() * (log_q - bar), z).mean().item()
    found = metrics.mutual_information(means, sds, draws=20_000, generator=torch.Generator().manual_seed(0))
    assert found == pytest.approx(exact, abs=0.02)
    many = torch.randn(450, 2), torch.full((450, 2), 0.3)
    assert 0 < metrics.mutual_information(*many) < math.log(450), "more than one piece"
    with pytest.raises(ValueError, match="positive"):
        metrics.mutual_information(means, 0 * sds)


def codes_and_factors(n=4000):
    generator = torch.Generator().manual_seed(0)
    factors = {"a": torch.rand(n, generator=generator), "b": torch.randint(4, (n,), generator=generator)}
    noise = torch.randn(n, 3, generator=generator)
    return factors, noise


def test_a_latent_for_each_factor_has_the_gap_and_two_turned_ones_have_none():
    factors, noise = codes_and_factors()
    true = torch.stack([factors["a"], factors["b"] + 0.001 * noise[:, 1], noise[:, 2]], 1)
    table = metrics.information_table(true, factors)
    assert table["a"][0] == pytest.approx(1, abs=1e-6)
    assert table["b"][1] > 0.85, "a bin may straddle two values"
    assert table["a"][1:].max() < 0.02
    assert metrics.mig(true, factors) > 0.85
    turned = torch.stack([factors["a"], -2 * factors["a"], factors["b"] + 0.0 * noise[:, 1]], 1)
    assert metrics.information_table(turned, factors)["a"][:2].min() > 0.99
    assert metrics.mig(turned, {"a": factors["a"]}) == pytest.approx(0, abs=1e-6)
    assert metrics.mig(noise, factors) < 0.02
    for bad, words in (({"c": torch.ones(4000)}, "the same everywhere"), ({"a": torch.rand(5)}, "n values")):
        with pytest.raises(ValueError, match=words):
            metrics.information_table(true, bad)
    with pytest.raises(ValueError, match="two latents"):
        metrics.mig(true[:, :1], factors)


def test_a_linear_probe_finds_what_is_mixed_and_not_what_is_folded():
    factors, noise = codes_and_factors()
    mixed = torch.stack([factors["a"] + noise[:, 0], factors["a"] - noise[:, 0], noise[:, 1]], 1)
    half = {name: values[:2000] for name, values in factors.items()}, {n: v[2000:] for n, v in factors.items()}
    scores = metrics.linear_probe(mixed[:2000], half[0], mixed[2000:], half[1])
    assert scores["a"] == pytest.approx(1, abs=1e-6)
    assert scores["b"] == pytest.approx(0.25, abs=0.05), "chance"
    folded = (factors["a"] - 0.5).abs()[:, None]
    assert metrics.linear_probe(folded[:2000], half[0], folded[2000:], half[1])["a"] < 0.05
    one_hot = torch.nn.functional.one_hot(factors["b"]).float()
    assert metrics.linear_probe(one_hot[:2000], half[0], one_hot[2000:], half[1])["b"] == 1


# --- judging samples


def test_the_extrapolated_frechet_distance_has_no_bias_in_n():
    d, exact = 20, torch.zeros(20).double()
    b = with_moments(2000, exact, torch.eye(d).double())
    plain, extrapolated = [], []
    for seed in range(12):
        a = torch.randn(400, d, generator=generator(seed), dtype=torch.double) + 0.3
        plain.append(metrics.frechet_distance(a, b))
        extrapolated.append(metrics.frechet_extrapolated(a, b, generator=generator(seed)))
    truth = d * 0.3**2
    plain, extrapolated = torch.tensor(plain), torch.tensor(extrapolated)
    error = extrapolated.std() / math.sqrt(12)
    assert plain.mean() - truth > 4 * plain.std() / math.sqrt(12)
    assert abs(extrapolated.mean() - truth) < max(4 * error, 0.05)
    assert abs(extrapolated.mean() - truth) < (plain.mean() - truth) / 3


def test_the_extrapolation_is_the_line_through_its_two_ends(monkeypatch):
    """Where d²(n) is 5 + 70 / n exactly, it gives 5, from any points."""
    monkeypatch.setattr(metrics, "frechet_distance", lambda a, b: 5 + 70 / len(a))
    a = torch.randn(300, 2, generator=generator())
    for points in (2, 15):
        assert metrics.frechet_extrapolated(a, a, points=points) == pytest.approx(5)
    with pytest.raises(ValueError, match="points=1"):
        metrics.frechet_extrapolated(a, a, points=1)


def test_kernel_distance_by_hand():
    x, y = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), torch.tensor([[0.0, 0.0], [2.0, -1.0]])

    def k(u, v):
        return (float(u @ v) / 2 + 1) ** 3

    within_x = sum(k(x[i], x[j]) for i in range(3) for j in range(3) if i != j) / 6
    between = sum(k(u, v) for u in x for v in y) / 6
    assert metrics.kernel_distance(x, y) == pytest.approx(within_x + k(y[0], y[1]) - 2 * between)


@pytest.mark.parametrize(("degree", "shift"), [(1, 0.7), (2, 0.7), (3, 0.0)])
def test_kernel_distance_is_unbiased(degree, shift):
    """One feature: (uv + 1)^2 = 1 + 2uv + u²v², so that the truth is 2 (Δ mean)² + (Δ mean of squares)²."""
    truth = {1: shift**2, 2: 2 * shift**2 + shift**4, 3: 0.0}[degree]
    found = []
    for seed in range(400):
        z = torch.randn(25, 1, generator=generator(seed), dtype=torch.double)
        found.append(metrics.kernel_distance(z[:15], z[15:] + shift, degree=degree))
    found = torch.tensor(found)
    assert abs(found.mean() - truth) < 4 * found.std() / 20


def test_kernel_distance_sees_what_two_moments_do_not():
    g = generator()
    lopsided = -torch.rand(2000, 1, generator=g).log() - 1  # mean 0, variance 1, third moment 2
    round_ = torch.randn(2000, 1, generator=g)
    assert metrics.frechet_distance(lopsided, round_) < 0.02
    assert metrics.kernel_distance(lopsided, round_) > 2  # (Δ third moment)² = 4


def test_the_nearest_training_example():
    train = torch.randn(700, 3, generator=generator())
    found = metrics.nearest(train[[5, 600]] + 1e-4, train)
    assert found.which.tolist() == [5, 600]
    assert found.distance.tolist() == pytest.approx([1e-4 * math.sqrt(3)] * 2, rel=0.05)
    many = metrics.nearest(torch.randn(1100, 3, generator=generator(1)), train)  # several batches
    assert many.which.shape == (1100,)
    point = torch.randn(1100, 3, generator=generator(1))[1050]
    assert many.distance[1050].item() == pytest.approx((point - train).norm(dim=1).min().item(), rel=1e-5)


def test_copies_are_told_from_new_draws():
    train, test, fresh = (torch.randn(600, 2, generator=generator(seed)) for seed in range(3))
    assert metrics.copied(train + 1e-3, train, test) > 0.97
    assert metrics.copied(test + 1e-3, train, test) < 0.03
    assert metrics.copied(fresh, train, test) == pytest.approx(0.5, abs=0.1)
    assert metrics.copied(fresh, train, train) == 0.5
    with pytest.raises(ValueError, match="600 training and 599 test"):
        metrics.copied(fresh, train, test[1:])


def test_what_a_classifier_takes_samples_for():
    x = torch.tensor([0, 1, 1, 3, 3, 3]).repeat(200).view(-1, 1)
    classify = lambda x: nn.functional.one_hot(x[:, 0], 4)  # noqa: E731
    y = torch.tensor([0, 1, 2, 3, 3, 0]).repeat(200)
    right, classes = metrics.judged(x, y, classify)
    assert right == pytest.approx(4 / 6)
    assert classes.tolist() == pytest.approx([1 / 6, 2 / 6, 0, 3 / 6])
    assert metrics.judged(x, None, classify).right is None


def test_spread_is_the_trace_of_the_covariance_within_classes():
    a = with_moments(50, torch.zeros(3).double(), torch.tensor([1.0, 4.0, 0.25]).double().diag())
    b = with_moments(30, 9 * torch.ones(3).double(), 2 * torch.eye(3).double(), seed=1)
    y = torch.tensor([0] * 50 + [5] * 30)
    assert metrics.spread(a) == pytest.approx(5.25)
    assert metrics.spread(torch.cat([a, b]), y) == pytest.approx((5.25 + 6) / 2)
    assert metrics.spread(torch.cat([a, b])) > 50
    assert metrics.spread(a[:1].expand(9, 3)) == pytest.approx(0)
    with pytest.raises(ValueError, match="a class has a single sample"):
        metrics.spread(a[:3], torch.tensor([0, 0, 1]))
    with pytest.raises(ValueError, match="at least two samples"):
        metrics.spread(torch.zeros(3))


def test_sharpness_by_hand():
    i, j = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    ramp, board = (3 * i + 2 * j)[None, None], ((i + j) % 2)[None, None]
    assert metrics.sharpness(ramp) == pytest.approx(0)
    assert metrics.sharpness(board) == pytest.approx(4)
    assert metrics.sharpness((16 * board).long(), span=16) == pytest.approx(4)
    noise = torch.randn(50, 1, 28, 28, generator=generator())
    assert metrics.sharpness(noise) == pytest.approx(math.sqrt(20), rel=0.02)  # 4² + 4 variances
    blurred = nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)
    assert metrics.sharpness(blurred) < 0.5 * metrics.sharpness(noise)
    for wrong, span in ((noise[0], 1.0), (noise[..., :2], 1.0), (noise, 0.0)):
        with pytest.raises(ValueError, match="give pictures"):
            metrics.sharpness(wrong, span=span)


def test_what_sees_what():
    """Four ways to fool a metric, on points whose truth is known: each is caught by another number."""
    g = generator(7)

    def draw(n):
        return torch.tensor([[3.0, 0.0], [-3.0, 0.0]])[torch.randint(2, (n,), generator=g)] + torch.randn(
            n, 2, generator=g
        )

    train, test, honest = draw(500), draw(500), draw(500)
    copies = train + 1e-3 * torch.randn(500, 2, generator=g)
    one_mode = honest[honest[:, 0] > 0].repeat(3, 1)[:500] + 1e-3 * torch.randn(500, 2, generator=g)
    noisy = torch.cat([honest[:490], 40 * torch.randn(10, 2, generator=g)])

    def table(x):
        return metrics.frechet_distance(x, test), *metrics.precision_recall(test, x), metrics.copied(x, train, test)

    honest_distance, precision, recall, share = table(honest)
    assert honest_distance < 0.3
    assert min(precision, recall) > 0.9
    assert share < 0.6
    distance, precision, recall, share = table(copies)  # all but one are pleased
    assert distance < 0.3
    assert min(precision, recall) > 0.9
    assert share > 0.95
    distance, precision, recall, _ = table(one_mode)
    assert precision > 0.9
    assert recall < 0.7
    distance, precision, recall, _ = table(noisy)  # ten points of five hundred
    assert distance > 10 * honest_distance
    assert precision > 0.9


# --- plans


@pytest.mark.parametrize("seed", range(4))
def test_the_optimal_plan_is_the_cheapest_and_its_prices_prove_it(seed):
    cost = torch.randn(5, 5, generator=generator(seed), dtype=torch.double)  # some below 0
    cheapest = min(sum(cost[i, j].item() for i, j in enumerate(order)) for order in itertools.permutations(range(5)))
    to, u, v = metrics.optimal_plan(cost)
    assert sorted(to.tolist()) == [0, 1, 2, 3, 4]
    assert cost[torch.arange(5), to].sum().item() == pytest.approx(cheapest)
    assert (u[:, None] + v <= cost + 1e-12).all()
    assert (u.sum() + v.sum()).item() == pytest.approx(cheapest)


def test_the_plan_agrees_with_scipys():
    cost = torch.rand(40, 40, generator=generator(), dtype=torch.double).round(decimals=1)  # with many ties
    rows, columns = scipy.optimize.linear_sum_assignment(cost.numpy())
    to = metrics.optimal_plan(cost).to
    assert cost[torch.arange(40), to].sum().item() == pytest.approx(cost.numpy()[rows, columns].sum())
    for wrong in (torch.zeros(2, 3), torch.zeros(3), torch.full((2, 2), math.nan)):
        with pytest.raises(ValueError, match="give a finite table"):
            metrics.optimal_plan(wrong)
    assert metrics.optimal_plan(torch.zeros(1, 1)).to.tolist() == [0]


def test_wasserstein_in_the_plane():
    x = torch.randn(30, 2, generator=generator())
    assert metrics.wasserstein(x, x[torch.randperm(30)]) == pytest.approx(0)
    shift = torch.tensor([3.0, -4.0])
    assert metrics.wasserstein(x, x.flip(0) + shift) == pytest.approx(5, abs=1e-6)
    line = torch.randn(2, 25, 1, generator=generator(1))
    sorted_ = (line[0].sort(0).values - line[1].sort(0).values).abs().mean()
    assert metrics.wasserstein(*line) == pytest.approx(sorted_.item(), abs=1e-6)
    with pytest.raises(ValueError, match="30 and 29 points"):
        metrics.wasserstein(x, x[1:])
