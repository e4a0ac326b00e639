r"""How much of x is left at time t, and how much noise has come: x_t = α(t) x + σ(t) ε.

.. math:: \lambda(t) = \log \frac{\alpha(t)^2}{\sigma(t)^2}

Time runs from 0, nearly x, to 1, nearly noise. The log signal-to-noise ratio λ falls all the way, and says everything:
with α² + σ² = 1 (variance preserving) α² = sigmoid(λ), σ² = sigmoid(−λ); with α = 1 (variance exploding) σ = exp(−λ/2).
As a differential equation dx = f(t) x dt + g(t) dw,

.. math:: f = \frac{d \log \alpha}{dt}, \qquad g^2 = -\sigma^2 \frac{d\lambda}{dt}

Its speeds are those of a point that moves from x to ε while both stay: dx_t/dt = α̇ x + σ̇ ε.

At λ = ∞, where σ = 0, a score does not exist: each schedule starts a little above x. ``Straight`` alone goes from x to
ε, all the way, unless it is told to stop short: a velocity exists there, too.

References: Kingma, Salimans, Poole, Ho. Variational diffusion models. 2021. arXiv:2107.00630
Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole. Score-based generative modeling through stochastic differential
equations. 2021. arXiv:2011.13456
"""

import math

import torch
from torch import Tensor

from genlib.arguments import fraction, needed, positive, share


class Schedule:
    """λ(t) and its slope; α, σ, f and g² follow. t has any shape and values 0..1; results have its shape."""

    preserving = True  # α² + σ² = 1; False: α = 1, or as the schedule says

    def log_snr(self, t: Tensor) -> Tensor:
        """λ(t)."""
        raise NotImplementedError

    def slope(self, t: Tensor) -> Tensor:
        """dλ/dt, below 0 everywhere."""
        raise NotImplementedError

    def alpha(self, t: Tensor) -> Tensor:
        return self.log_snr(t).sigmoid().sqrt() if self.preserving else torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        return (-self.log_snr(t)).sigmoid().sqrt() if self.preserving else (-self.log_snr(t) / 2).exp()

    def drift(self, t: Tensor) -> Tensor:
        """f(t) = d log α/dt: by how much, relative to itself, x shrinks."""
        return 0.5 * self.sigma(t).square() * self.slope(t) if self.preserving else torch.zeros_like(t)

    def diffusion(self, t: Tensor) -> Tensor:
        """g²(t) = −σ² dλ/dt: how much variance comes in."""
        return -self.sigma(t).square() * self.slope(t)

    def speeds(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """(dα/dt, dσ/dt)."""
        alpha, sigma, f = self.alpha(t), self.sigma(t), self.drift(t)
        return f * alpha, (f - self.slope(t) / 2) * sigma

    @property
    def ends(self) -> bool:
        """Whether there is some noise at t = 0, and something of x at t = 1: λ is finite."""
        return bool(self.log_snr(torch.tensor([0.0, 1.0], dtype=torch.float64)).isfinite().all())

    @property
    def last_scale(self) -> float:
        """The standard deviation of what sampling starts from at t = 1, for data of variance one."""
        one = torch.ones((), dtype=torch.float64)
        return math.hypot(self.alpha(one).item(), self.sigma(one).item())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value:g}' for name, value in vars(self).items())})"


class Linear(Schedule):
    r"""DDPM's: β rises on a line, and α² = exp(−∫β).

    Reference: Ho, Jain, Abbeel. Denoising diffusion probabilistic models. 2020. arXiv:2006.11239 (β from 10⁻⁴ to .02 in
    1,000 steps, which is .1 to 20 in unit time).
    """

    def __init__(self, beta_first: float = 0.1, beta_last: float = 20.0, start: float = 1e-3):
        positive(beta_first=beta_first, beta_last=beta_last)
        fraction(start=start)
        self.beta_first, self.beta_last, self.start = beta_first, beta_last, start

    def _integral(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """∫β up to t, and its slope; times 0..1 are start..1 on the line."""
        u = self.start + (1 - self.start) * t
        beta = self.beta_first + (self.beta_last - self.beta_first) * u
        return u * (self.beta_first + beta) / 2, (1 - self.start) * beta

    def log_snr(self, t: Tensor) -> Tensor:
        total, _ = self._integral(t)
        return -total - torch.log(-torch.expm1(-total))  # log α²/(1 − α²), without a difference of near numbers

    def slope(self, t: Tensor) -> Tensor:
        total, beta = self._integral(t)
        return beta / torch.expm1(-total)


class Cosine(Schedule):
    r"""α = cos(π u/2), σ = sin(π u/2): signal and noise on a quarter of a circle, u from ``start`` to 1 − ``end``.

    Reference: Nichol, Dhariwal. Improved denoising diffusion probabilistic models. 2021. arXiv:2102.09672 (which
    keeps u off 0 by .008 and off 1 by a clamp of β)
    """

    def __init__(self, start: float = 0.008, end: float = 0.008):
        fraction(start=start, end=end)
        if start + end >= 1:
            raise ValueError(f"start={start} and end={end} leave nothing between them")
        self.start, self.end = start, end

    def _angle(self, t: Tensor) -> Tensor:
        return math.pi / 2 * (self.start + (1 - self.start - self.end) * t)

    def log_snr(self, t: Tensor) -> Tensor:
        return -2 * self._angle(t).tan().log()

    def slope(self, t: Tensor) -> Tensor:
        return -2 * math.pi * (1 - self.start - self.end) / (2 * self._angle(t)).sin()


class LinearLogSNR(Schedule):
    """λ falls on a line: every time step takes away the same factor of the signal-to-noise ratio.

    Reference: Kingma et al. 2021, arXiv:2107.00630, who learn its two ends.
    """

    def __init__(self, first: float = 7.5, last: float = -5.0):
        _falls(first, last)
        self.first, self.last = first, last

    def log_snr(self, t: Tensor) -> Tensor:
        return self.first + (self.last - self.first) * t

    def slope(self, t: Tensor) -> Tensor:
        return torch.full_like(t, self.last - self.first)


class VarianceExploding(Schedule):
    """α = 1; σ grows by the same factor in equal times, from sigma_first to sigma_last.

    Reference: Song, Ermon. Generative modeling by estimating gradients of the data distribution. 2019. arXiv:1907.05600
    """

    preserving = False

    def __init__(self, sigma_first: float = 0.01, sigma_last: float = 50.0):
        positive(sigma_first=sigma_first, sigma_last=sigma_last)
        _falls(sigma_last, sigma_first, names=("sigma_last", "sigma_first"))
        self.sigma_first, self.sigma_last = sigma_first, sigma_last

    def log_snr(self, t: Tensor) -> Tensor:
        return -2 * (math.log(self.sigma_first) + t * math.log(self.sigma_last / self.sigma_first))

    def slope(self, t: Tensor) -> Tensor:
        return torch.full_like(t, -2 * math.log(self.sigma_last / self.sigma_first))


class EDM(Schedule):
    r"""α = 1, σ = (a + t (b − a))^ρ with a^ρ = sigma_first, b^ρ = sigma_last: more steps where there is little noise.

    Reference: Karras, Aittala, Aila, Laine. Elucidating the design space of diffusion-based generative models. 2022.
    arXiv:2206.00364
    """

    preserving = False

    def __init__(self, sigma_first: float = 0.002, sigma_last: float = 80.0, rho: float = 7.0):
        positive(sigma_first=sigma_first, sigma_last=sigma_last, rho=rho)
        _falls(sigma_last, sigma_first, names=("sigma_last", "sigma_first"))
        self.sigma_first, self.sigma_last, self.rho = sigma_first, sigma_last, rho

    def _root(self, t: Tensor) -> tuple[Tensor, float]:
        """σ^(1/ρ), a line in t, and its slope."""
        a, b = self.sigma_first ** (1 / self.rho), self.sigma_last ** (1 / self.rho)
        return a + t * (b - a), b - a

    def log_snr(self, t: Tensor) -> Tensor:
        return -2 * self.rho * self._root(t)[0].log()

    def slope(self, t: Tensor) -> Tensor:
        root, rise = self._root(t)
        return -2 * self.rho * rise / root


class Straight(Schedule):
    r"""α = 1 − u, σ = u: x_t goes on a line from x to ε, at one speed all the way; u from ``start`` to 1 − ``end``.

    With both 0 it begins at x and ends at ε. Flow matching takes it so; scores and bounds of diffusion, which divide by
    σ and by α, ask for ends, such as Straight(1e-3, 1e-3).

    References: Liu, Gong, Liu. Flow straight and fast: learning to generate and transfer data with rectified flow.
    2022. arXiv:2209.03003. Lipman, Chen, Ben-Hamu, Nickel, Le. Flow matching for generative modeling. 2022.
    arXiv:2210.02747
    """

    preserving = False

    def __init__(self, start: float = 0.0, end: float = 0.0):
        needed(start=start, end=end)
        share(start=start, end=end)
        if start + end >= 1:
            raise ValueError(f"start={start} and end={end} leave nothing between them")
        self.start, self.end = start, end

    @property
    def _speed(self) -> float:
        return 1 - self.start - self.end

    def sigma(self, t: Tensor) -> Tensor:
        return self.start + self._speed * t

    def alpha(self, t: Tensor) -> Tensor:
        return 1 - self.sigma(t)

    def log_snr(self, t: Tensor) -> Tensor:
        return 2 * (self.alpha(t).log() - self.sigma(t).log())

    def slope(self, t: Tensor) -> Tensor:
        return -2 * self._speed / (self.alpha(t) * self.sigma(t))

    def drift(self, t: Tensor) -> Tensor:
        return -self._speed / self.alpha(t)

    def diffusion(self, t: Tensor) -> Tensor:
        return 2 * self._speed * self.sigma(t) / self.alpha(t)

    def speeds(self, t: Tensor) -> tuple[Tensor, Tensor]:
        speed = torch.full_like(t, self._speed)
        return -speed, speed


def along(values: Tensor, like: Tensor) -> Tensor:
    """(B,) -> (B, 1, …), to be multiplied with a batch like that one."""
    return values.view(-1, *[1] * (like.ndim - 1))


def _falls(first: float, last: float, names: tuple[str, str] = ("first", "last")) -> None:
    if not first > last:
        raise ValueError(f"{names[0]}={first} must be above {names[1]}={last}")
