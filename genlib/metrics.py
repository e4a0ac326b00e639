r"""Numbers that compare models. Units are converted here and nowhere else.

A likelihood is measured by ``bits_per_dim``. Samples are measured by where they lie: against the data in a space of
features (``frechet_distance``, ``precision_recall``, ``mmd``), or against the modes of a mixture (``mode_coverage``).
The features are yours: a tensor (n, d), or pass images and ``features=``, a callable such as the last hidden layer of
our own small classifier. Then say so, "Fréchet distance on our classifier's features": FID is the name of one
network's features, Inception's, and values of different features can't be compared.

No single number sees everything. Copies of the training data please all distances but ``nearest``; a class that is
missing shows in recall and ``judged``, a class that is one picture in ``spread``, blur in ``sharpness``.

Latents are measured by what they hold: how many are in use (``active_units``), how much they tell of x
(``mutual_information``), and how much each of them tells of factors that are known (``information_table``, ``mig``,
``linear_probe``).
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

Features = Callable[[Tensor], Tensor]  # x (B, *shape) -> (B, d)


def bits_per_dim(log_prob: Tensor | float, shape: tuple[int, ...], *, spacing: float = 1.0) -> Tensor | float:
    r"""Bits per dimension of a log-probability (or of a bound on it) in nats.

    .. math:: \mathrm{bits/dim} = -\frac{\log p(x) + D \log a}{D \log 2}, \qquad D = \text{number of values in } x

    Nats of what? With spacing a = 1, of integers: log p(x) is a probability (autoregressive models, a VAE's bound) or
    the density of dequantised integers v + u, u uniform on [0, 1). A model of rescaled reals x = a (v + u) + c is told
    its spacing a, how far apart two neighbouring levels lie in x: 1/256 for 256 levels in [0, 1], 2/256 in [-1, 1].
    The change of variables from x to v + u has the Jacobian a in each dimension, which adds the term D log a; without
    it, a model of [0, 1] seems 8 bits/dim better than the same model of 0..255. The density of dequantised integers
    gives an upper bound on the bits of the integers themselves (Jensen: the logarithm of a mean over u).

    Arguments: log_prob in nats, any shape (one number an example, or a mean); shape of one example, such as (1, 8, 8);
    spacing a > 0. Returns: the shape of log_prob, in bits per dimension; lower is better.
    Raises: ValueError if shape has no dimension to divide by, or spacing is not positive.
    Reference: Theis, van den Oord, Bethge. A note on the evaluation of generative models. 2016. arXiv:1511.01844
    """
    dimensions = math.prod(shape)
    if len(shape) == 0 or dimensions < 1:
        raise ValueError(f"shape {tuple(shape)} holds no values; give the shape of one example, such as (1, 8, 8)")
    if not spacing > 0:
        raise ValueError(f"spacing={spacing}: give the distance of neighbouring levels in x, such as 1 / 256")
    return -log_prob / (dimensions * math.log(2)) - math.log2(spacing)


def frechet_distance(a: Tensor, b: Tensor, *, features: Features | None = None) -> float:
    r"""The squared Fréchet distance of two sets of features, each taken for a Gaussian.

    .. math:: d^2 = |\mu_a - \mu_b|^2 + \mathrm{tr}\Big(\Sigma_a + \Sigma_b - 2 (\Sigma_a \Sigma_b)^{1/2}\Big)

    It sees means and covariances and nothing else, and with few samples it is too large: compare only values from the
    same numbers of samples, and have many more of them than features.

    Arguments: a (n, d), b (m, d), or images and features=. Returns: d², in squared units of the features, >= 0.
    Raises: ValueError if the features don't fit or a set has fewer than two.
    Reference: Dowson, Landau. The Fréchet distance between multivariate normal distributions. 1982.
    On Inception's features: Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter. GANs trained by a two time-scale
    update rule converge to a local Nash equilibrium. 2017. arXiv:1706.08500
    """
    a, b = _two_sets(a, b, features, least=2)
    (mean_a, cov_a), (mean_b, cov_b) = ((s.mean(0), s.T.cov().reshape(s.shape[1], -1)) for s in (a, b))
    # Σa Σb has the eigenvalues of R Σb R, R = Σa^(1/2). That one is symmetric: they are real, below 0 only by rounding.
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T  # R (d, d)
    trace_root = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    squared = ((mean_a - mean_b) ** 2).sum() + cov_a.trace() + cov_b.trace() - 2 * trace_root
    return squared.clamp(min=0).item()


class PrecisionRecall(NamedTuple):
    """precision: the share of fakes that could be real; recall: the share of the real that could be fake."""

    precision: float
    recall: float


def precision_recall(real: Tensor, fake: Tensor, k: int = 3, *, features: Features | None = None) -> PrecisionRecall:
    r"""How much of what is generated is realistic (precision), and how much of the real is generated (recall).

    .. math:: \mathrm{precision} = \frac{1}{m} \sum_j \big[\exists i: |f_j - r_i| \le \rho_k(r_i)\big], \qquad
              \rho_k(r_i) = \text{distance of } r_i \text{ to its } k\text{-th nearest other real point}

    The union of the balls stands for where the data live; recall is the same with real and fake exchanged. Both grow
    with k, and both depend on the numbers of samples: compare values from equal numbers, and say which.

    Arguments: real (n, d), fake (m, d), or images and features=; k >= 1. Time O((n + m)² d), memory O(n + m).
    Raises: ValueError if the features don't fit or a set has no k neighbours.
    Reference: Kynkäänniemi, Karras, Laine, Lehtinen, Aila. Improved precision and recall metric for assessing
    generative models. 2019. arXiv:1904.06991
    """
    if k < 1:
        raise ValueError(f"k={k}: the radius of a ball is the distance to the k-th neighbour, so k must be at least 1")
    real, fake = _two_sets(real, fake, features, least=k + 1)
    return PrecisionRecall(precision=_share_inside(fake, real, k), recall=_share_inside(real, fake, k))


def mmd(x: Tensor, y: Tensor, *, bandwidth: float | None = None, features: Features | None = None) -> float:
    r"""The squared maximum mean discrepancy of two sets of samples: the unbiased estimate, with a Gaussian kernel.

    .. math:: \widehat{\mathrm{MMD}}^2 = \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j)
              + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j) - \frac{2}{nm} \sum_{i, j} k(x_i, y_j), \qquad
              k(u, v) = e^{-|u - v|^2 / 2h^2}

    Its mean is 0 where both come from the same distribution, so that it is below 0 about as often as above.

    Arguments: x (n, d), y (m, d), or images and features=; bandwidth h > 0. Without one, h is the median distance
    among all the points; it changes with the samples, so give a number when you compare models.
    Returns: the estimate; no unit, at most 2. Time and memory O((n + m)²).
    Raises: ValueError if the features don't fit, a set has fewer than two, or the bandwidth is not positive.
    Reference: Gretton, Borgwardt, Rasch, Schölkopf, Smola. A kernel two-sample test. 2012. JMLR 13:723-773
    """
    x, y = _two_sets(x, y, features, least=2)
    if bandwidth is None:
        bandwidth = torch.pdist(torch.cat([x, y])).median().item()
    if not bandwidth > 0:
        raise ValueError(f"bandwidth={bandwidth}: it must be positive; take a typical distance between two points")

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        return torch.exp(-(_distances(u, v) ** 2) / (2 * bandwidth**2))

    return _unbiased_mmd(kernel, x, y)


def frechet_extrapolated(
    a: Tensor,
    b: Tensor,
    *,
    features: Features | None = None,
    points: int = 15,
    generator: torch.Generator | None = None,
) -> float:
    r"""The squared Fréchet distance as it would be with ever more of a: a line through its values, at 1/n = 0.

    .. math:: \mathbb E\, d^2(n) \approx d^2_\infty + \frac{c}{n}

    The bias falls as 1/n, to first order, and c depends on the model: at one n the better of two models may look worse.
    So d² is computed with ``points`` numbers n of examples of a, spread evenly in 1/n from a quarter of them to all,
    each time others, and fitted by least squares. b stays whole, and so does the bias that it brings. Sampling error
    can take the result below 0.

    Arguments: a (n, d), what is generated, b (m, d), the data, or images and features=; points >= 2.
    Reference: Chong, Forsyth. Effectively unbiased FID and Inception Score and where to find them. 2020.
    arXiv:1911.07023
    """
    if points < 2:
        raise ValueError(f"points={points}: a line needs two at least")
    a, b = _two_sets(a, b, features, least=20)
    inverse = torch.linspace(4 / len(a), 1 / len(a), points, dtype=torch.float64)
    sizes = (1 / inverse).round().long().clamp(max=len(a))
    orders = [torch.randperm(len(a), generator=generator)[:n].to(a.device) for n in sizes.tolist()]
    values = torch.tensor([frechet_distance(a[order], b) for order in orders], dtype=torch.float64)
    line = torch.stack([torch.ones(points, dtype=torch.float64), 1 / sizes.double()], 1)
    return torch.linalg.lstsq(line, values[:, None]).solution[0, 0].item()


def kernel_distance(x: Tensor, y: Tensor, *, degree: int = 3, features: Features | None = None) -> float:
    r"""The squared maximum mean discrepancy with the kernel of a polynomial: the unbiased estimate.

    .. math:: k(u, v) = \Big(\frac{u \cdot v}{d} + 1\Big)^3

    It sees the moments of the features up to the degree, where the Fréchet distance sees two; and its mean does not
    depend on the numbers of samples: a few hundred say the same as thousands, with more scatter. It is below 0 about as
    often as above where both come from the same distribution. On Inception's features it is called KID.

    Arguments: x (n, d), y (m, d), or images and features=; degree >= 1. Memory O(nm).
    Reference: Bińkowski, Sutherland, Arbel, Gretton. Demystifying MMD GANs. 2018. arXiv:1801.01401
    """
    if degree < 1:
        raise ValueError(f"degree={degree}: the polynomial's degree must be at least 1")
    x, y = _two_sets(x, y, features, least=2)

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        return (u @ v.T / u.shape[1] + 1) ** degree

    return _unbiased_mmd(kernel, x, y)


class Nearest(NamedTuple):
    """Of each sample: distance to the nearest of the others (n,), and which one that is, its index (n,)."""

    distance: Tensor
    which: Tensor


def nearest(samples: Tensor, others: Tensor, *, features: Features | None = None) -> Nearest:
    """The nearest training example of each sample, to look at side by side: is it a copy?

    Arguments: samples (n, d), others (m, d), or images and features=; pixels are features too: x.flatten(1).
    """
    samples, others = _two_sets(samples, others, features, least=1)
    found = [_distances(s, others).min(1) for s in samples.split(500)]
    return Nearest(torch.cat([f.values for f in found]), torch.cat([f.indices for f in found]))


def copied(samples: Tensor, train: Tensor, test: Tensor, *, features: Features | None = None) -> float:
    r"""The share of samples that lie nearer to the training data than to as many test data; 1/2 if they know neither.

    .. math:: \frac1n \sum_i \big[\min_j |s_i - x^{train}_j| < \min_j |s_i - x^{test}_j|\big]

    A model that learned the distribution has no reason to lie nearer to the one than to the other: both are draws of
    it. Copies have a share of 1. A tie counts one half. Standard error √(1/4n), at least.

    Arguments: samples (n, d), train and test (m, d) of equal size (take some of the larger), or images and features=.
    Reference, a test of the same idea: Meehan, Chaudhuri, Dasgupta. A non-parametric test to detect data-copying in
    generative models. 2020. arXiv:2004.05675
    """
    if len(train) != len(test):
        raise ValueError(f"{len(train)} training and {len(test)} test examples: with more of one, one is nearer to it")
    to_train, to_test = (nearest(samples, part, features=features).distance for part in (train, test))
    return ((to_train < to_test).double() + (to_train == to_test).double() / 2).mean().item()


class Judged(NamedTuple):
    """right: the share taken for what they were asked to be, None where nothing was asked; classes (K,): the share of
    the samples that is taken for each."""

    right: float | None
    classes: Tensor


@torch.no_grad()
def judged(x: Tensor, y: Tensor | None, classify: Callable[[Tensor], Tensor]) -> Judged:
    """What a classifier takes samples for, which were asked to be y (n,), or nothing.

    A high share says that pictures are easy to classify, not that they are good, nor that they differ. classify,
    x (B, *shape) -> logits (B, K).
    """
    logits = torch.cat([classify(batch) for batch in x.split(500)])
    said = logits.argmax(1)
    shares = said.bincount(minlength=logits.shape[1]).double() / len(said)
    return Judged(None if y is None else (said == y).double().mean().item(), shares)


def spread(features: Tensor, y: Tensor | None = None) -> float:
    r"""How different samples are: the total variance of their features, (n, d), within the classes y where they are
    given.

    .. math:: \frac{1}{K} \sum_k \mathrm{tr}\, \widehat{\mathrm{Cov}}(f \mid y = k)

    Hold it against that of data: 0 where each class is one picture. In squared units of the features.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"the features have shape {tuple(features.shape)}; give (n, d) of at least two samples")
    f = features.detach().double()
    groups = [f] if y is None else [f[y == k] for k in y.unique()]
    if min(len(group) for group in groups) < 2:
        raise ValueError("a class has a single sample, whose spread nobody knows: take more")
    return sum(group.var(0).sum().item() for group in groups) / len(groups)


def sharpness(x: Tensor, *, span: float = 1.0) -> float:
    r"""How steep the edges of pictures are: the root of the mean square of what a Laplacian makes of them.

    .. math:: \sqrt{\mathbb E\, (4 x_{ij} - x_{i-1,j} - x_{i+1,j} - x_{i,j-1} - x_{i,j+1})^2} \;/\; \mathrm{span}

    Hold it against that of data: blur has less, noise has more. Between pixels that have all four neighbours.
    Arguments: x (n, C, H, W), of any numbers; span, how far apart black and white are in them, such as levels - 1.
    """
    if x.ndim != 4 or min(x.shape[2:]) < 3 or not span > 0:
        raise ValueError(f"x has shape {tuple(x.shape)}, span={span}: give pictures (n, C, H, W), 3x3 at least")
    p = x.double()
    edges = 4 * p[..., 1:-1, 1:-1] - p[..., :-2, 1:-1] - p[..., 2:, 1:-1] - p[..., 1:-1, :-2] - p[..., 1:-1, 2:]
    return edges.square().mean().sqrt().item() / span


class Plan(NamedTuple):
    """to (n,): row i goes to column to[i]; u (n,) and v (n,), prices that prove that no plan is cheaper."""

    to: Tensor
    u: Tensor
    v: Tensor


def optimal_plan(cost: Tensor) -> Plan:
    r"""The cheapest way to send n rows to n columns, one to each, and the prices that prove it.

    .. math:: \min_\pi \sum_i c_{i \pi(i)} = \max_{u, v} \Big\{ \sum_i u_i + \sum_j v_j : u_i + v_j \le c_{ij} \Big\}

    A linear program: between n points and n points of equal mass, a plan that splits masses is never cheaper than the
    best one that does not (Birkhoff). The Hungarian method: rows come one by one; each finds its column on the cheapest
    path of exchanges, and prices rise just so far that the path is open. Time O(n³).

    Arguments: cost (n, n), finite. Reference: Kuhn. The Hungarian method for the assignment problem. 1955.
    """
    if cost.ndim != 2 or cost.shape[0] != cost.shape[1] or not bool(cost.isfinite().all()):
        raise ValueError(f"cost has shape {tuple(cost.shape)}; give a finite table (n, n)")
    n, c = len(cost), cost.detach().double().cpu()
    u, v = torch.zeros(n + 1, dtype=torch.float64), torch.zeros(n + 1, dtype=torch.float64)
    row_of = [-1] * (n + 1)  # of each column; column n is where a new row waits
    for row in range(n):
        row_of[n], j = row, n
        slack, before, reached = torch.full((n,), math.inf, dtype=torch.float64), [n] * n, [False] * (n + 1)
        while row_of[j] >= 0:
            reached[j] = True
            closer = c[row_of[j]] - u[row_of[j]] - v[:n]
            for k in range(n):
                if not reached[k] and closer[k] < slack[k]:
                    slack[k], before[k] = closer[k], j
            open_ = torch.where(torch.tensor(reached[:n]), math.inf, slack)
            step, nearest_one = open_.min(0)
            for k in range(n + 1):
                if reached[k]:
                    u[row_of[k]] += step
                    v[k] -= step
                elif k < n:
                    slack[k] -= step
            j = int(nearest_one)
        while j != n:  # everyone on the path moves on by one
            row_of[j] = row_of[before[j]]
            j = before[j]
    to = torch.empty(n, dtype=torch.long)
    to[torch.tensor(row_of[:n], dtype=torch.long)] = torch.arange(n)
    return Plan(to, u[:n], v[:n])


def wasserstein(x: Tensor, y: Tensor) -> float:
    """The Wasserstein-1 distance of two samples (n, d) of equal size: the mean length of the shortest plan between
    them. Exact, O(n³): for some hundred points."""
    x, y = _two_sets(x, y, None, least=1)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} points: both samples must be of one size")
    cost = _distances(x, y)
    return cost[torch.arange(len(x)), optimal_plan(cost).to].mean().item()


class ModeCoverage(NamedTuple):
    """modes: how many were found; share: of the points that lie near a mode; counts (K,): the points near each."""

    modes: int
    share: float
    counts: Tensor


def mode_coverage(
    samples: Tensor, centres: Tensor, sigma: float, *, within: float = 3.0, least: int = 1
) -> ModeCoverage:
    r"""How many modes of a Gaussian mixture the samples found, and the share of the samples that lies near one.

    A sample is near its nearest centre if it lies within 3σ of it; a mode with ``least`` such samples is found.
    In the plane, a perfect sampler has a share of 1 - exp(-9/2) = 98.9 %, not 100 %.

    Arguments: samples (n, d); centres (K, d); sigma, the standard deviation of every mode, > 0; within, how many
    of them are near; least, the samples that make a mode found: 1 in the literature, where one stray point is enough.
    Raises: ValueError if samples and centres don't fit, or sigma is not positive.
    Reference: Srivastava, Valkov, Russell, Gutmann, Sutton. VEEGAN: reducing mode collapse in GANs using implicit
    variational learning. 2017. arXiv:1705.07761
    """
    samples, centres = _two_sets(samples, centres, None, least=1)
    if not sigma > 0:
        raise ValueError(f"sigma={sigma}: give the standard deviation of a mode, a positive number")
    distance, nearest = _distances(samples, centres).min(1)  # (n,)
    near = distance <= within * sigma
    counts = torch.bincount(nearest[near], minlength=len(centres))
    return ModeCoverage(modes=int((counts >= least).sum()), share=near.double().mean().item(), counts=counts)


def active_units(means: Tensor, *, threshold: float = 0.01) -> Tensor:
    r"""Which latents are in use: those whose posterior mean moves with x, (n, L) -> (L,) bool.

    .. math:: A_j = \mathrm{Var}_x\big(\mathbb E_{q(z|x)}[z_j]\big) > 0.01

    It asks whether the encoder says anything, not whether it says much: a latent with a variance of 0.05 is active and
    may carry 0.03 nats. Hold it against the KL of each latent.
    Reference: Burda, Grosse, Salakhutdinov. Importance weighted autoencoders. 2016. arXiv:1509.00519
    """
    if means.ndim != 2 or len(means) < 2:
        raise ValueError(f"means have shape {tuple(means.shape)}; give (n, L) of at least two examples")
    return means.detach().var(0) > threshold


@torch.no_grad()
def mutual_information(
    means: Tensor, sds: Tensor, *, draws: int = 10, generator: torch.Generator | None = None
) -> float:
    r"""How many nats z tells of which of n examples it was drawn for, where q(z | x) are Gaussians, (n, L) each.

    .. math:: I(x; z) = \frac1n \sum_i \mathbb E_{q(z | x_i)}\Big[\log \frac{q(z \mid x_i)}{\bar q(z)}\Big],
              \qquad \bar q(z) = \frac1n \sum_j q(z \mid x_j)

    It is what the mean rate holds besides KL(q̄ ‖ p). At most log n, however large the rate: where it comes near, n is
    too small to tell. By Monte Carlo, ``draws`` for each example. Time O(draws · n² · L).
    Reference: Hoffman, Johnson. ELBO surgery. 2016. NIPS workshop
    """
    if means.shape != sds.shape or means.ndim != 2 or not bool((sds > 0).all()):
        raise ValueError(f"means {tuple(means.shape)} and sds {tuple(sds.shape)} must be (n, L) both, and sds positive")
    means, sds = means.detach().double(), sds.detach().double()
    q = torch.distributions.Normal(means, sds, validate_args=False)
    total = 0.0
    for _ in range(draws):
        noise = torch.randn(means.shape, generator=generator, dtype=torch.float64).to(means)
        for i in range(0, len(means), 200):
            z = means[i : i + 200] + sds[i : i + 200] * noise[i : i + 200]
            each = q.log_prob(z[:, None]).sum(-1)  # (200, n): log q(z_i | x_j)
            own = each.diagonal(offset=i)
            total += (own - each.logsumexp(1) + math.log(len(means))).sum().item()
    return total / (draws * len(means))


def information_table(codes: Tensor, factors: Mapping[str, Tensor], *, bins: int = 10) -> dict[str, Tensor]:
    """How much each latent tells of each factor, {name: (L,)}, as a share 0..1 of what there is to know of the factor.

    I(z_j; v) / H(v), where latents, and factors that are reals, are cut into ``bins`` of equal counts; factors that are
    integers stay as they are. Few examples make it too large: two columns of noise seem to know (bins - 1)² / 2n nats.
    Arguments: codes (n, L), the means of q; factors, (n,) each, none of them constant.
    """
    if codes.ndim != 2 or any(len(v) != len(codes) for v in factors.values()):
        raise ValueError(f"codes have shape {tuple(codes.shape)}; give (n, L), and n values of every factor")
    binned = [_binned(column, bins) for column in codes.detach().T]
    table = {}
    for name, values in factors.items():
        v = _binned(values, bins) if values.is_floating_point() else values.unique(return_inverse=True)[1]
        entropy = _entropy(v)
        if not entropy > 0:
            raise ValueError(f"the factor {name} is the same everywhere: there is nothing to know of it")
        shared = [_entropy(z) + entropy - _entropy(z * (int(v.max()) + 1) + v) for z in binned]
        table[name] = torch.tensor(shared, dtype=torch.float64) / entropy
    return table


def mig(codes: Tensor, factors: Mapping[str, Tensor], *, bins: int = 10) -> float:
    """The mutual information gap: for each factor, how far the latent that tells most of it is ahead of the next one;
    the mean over the factors, 0..1.

    1: each factor has a latent of its own. 0: at least two latents share each of them. It says nothing of a latent that
    holds two factors. Arguments as for ``information_table``; at least two latents.
    Reference: Chen, Li, Grosse, Duvenaud. Isolating sources of disentanglement in variational autoencoders. 2018.
    arXiv:1802.04942
    """
    if codes.ndim == 2 and codes.shape[1] < 2:
        raise ValueError("a gap needs two latents at least")
    best = [shares.topk(2).values for shares in information_table(codes, factors, bins=bins).values()]
    return sum((first - second).item() for first, second in best) / len(best)


def linear_probe(
    codes: Tensor, factors: Mapping[str, Tensor], test_codes: Tensor, test_factors: Mapping[str, Tensor]
) -> dict[str, float]:
    """How well a linear map of all latents together tells each factor of new examples, {name: score}.

    Reals: R², the share of the variance that it explains (1 all, 0 none, below 0 worse than the mean). Integers: the
    share of examples whose class gets the largest of its outputs, fitted to one-hot vectors by least squares.
    """
    one = torch.ones(len(codes), 1, dtype=torch.float64), torch.ones(len(test_codes), 1, dtype=torch.float64)
    X, X_test = (
        torch.cat([c.detach().double().cpu(), ones], 1) for c, ones in zip((codes, test_codes), one, strict=True)
    )
    scores = {}
    for name, values in factors.items():
        v, v_test = values.cpu(), test_factors[name].cpu()
        target = v.double()[:, None] if v.is_floating_point() else torch.nn.functional.one_hot(v).double()
        told = X_test @ torch.linalg.lstsq(X, target, driver="gelsd").solution
        if v.is_floating_point():
            left = (told[:, 0] - v_test.double()).square().mean()
            scores[name] = (1 - left / (v_test.double() - v_test.double().mean()).square().mean()).item()
        else:
            scores[name] = (told.argmax(1) == v_test).double().mean().item()
    return scores


def _binned(values: Tensor, bins: int) -> Tensor:
    """Reals (n,) as integers 0..bins-1, about as many of each; ties stay together."""
    v = values.detach().double().contiguous()
    edges = v.quantile(torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=v.device)[1:-1]).contiguous()
    return torch.bucketize(v, edges)


def _entropy(v: Tensor) -> float:
    """The entropy of integers (n,) by their counts, in nats."""
    p = torch.bincount(v).double() / len(v)
    return -(p[p > 0] * p[p > 0].log()).sum().item()


@torch.no_grad()
def _two_sets(a: Tensor, b: Tensor, features: Features | None, least: int) -> tuple[Tensor, Tensor]:
    """Both as float64 features (n, d), computed in batches where a callable is given; ValueError if they don't fit."""
    sets = []
    for x in (a, b):
        f = x if features is None else torch.cat([features(batch) for batch in x.split(500)])
        if f.ndim != 2:
            how = "the callable must return (B, d)" if features else "pass x.flatten(1), or features= to compute them"
            raise ValueError(f"the features have shape {tuple(f.shape)}, expected (n, d): {how}")
        if len(f) < least:
            raise ValueError(f"{len(f)} samples are too few here: give at least {least}")
        f = f.detach().double()
        if not f.isfinite().all():
            raise ValueError("the features hold NaN or infinity; look for the samples that caused them first")
        sets.append(f)
    if sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(f"{sets[0].shape[1]} against {sets[1].shape[1]} features: both sets need the same ones")
    return sets[0], sets[1]


def _distances(u: Tensor, v: Tensor) -> Tensor:
    """Euclidean distances (n, m). Not by |u|² + |v|² - 2uv, which loses the small ones to rounding."""
    return torch.cdist(u, v, compute_mode="donot_use_mm_for_euclid_dist")


def _unbiased_mmd(kernel: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """From (n, d) and (m, d). What is compared with itself says nothing; counting it biases the simpler estimate."""
    within = []
    for points in (x, y):
        n, table = len(points), kernel(points, points)
        within.append((table.sum() - table.diagonal().sum()) / (n * (n - 1)))
    return (within[0] + within[1] - 2 * kernel(x, y).mean()).item()


def _share_inside(points: Tensor, support: Tensor, k: int) -> float:
    """The share of the points that lie in a ball around a support point, as wide as its k-th neighbour is far."""
    # The nearest of all is the point itself, at distance 0, so the k-th neighbour is the (k + 1)-th smallest.
    radius = torch.cat([_distances(s, support).kthvalue(k + 1).values for s in support.split(500)])  # (n,)
    inside = torch.cat([(_distances(p, support) <= radius).any(1) for p in points.split(500)])
    return inside.double().mean().item()
