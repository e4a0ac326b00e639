r"""From noise to data: free functions of a denoiser or of a velocity, shared by diffusion and flow matching.

A denoiser is called with (x_t, t) and returns a ``Prediction``; a velocity returns dx/dt. ``times`` fall from 1 to 0,
and are as many as there are evaluations, and one more. callback(i, x) is called after each step.
"""

import itertools
import numbers
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from genlib.diffusion.prediction import Prediction
from genlib.diffusion.schedule import Schedule, along
from genlib.noise import normal

Velocity = Callable[[Tensor, Tensor], Tensor]
Callback = Callable[[int, Tensor], Any]


class AnyDenoiser(Protocol):
    """What the samplers ask for."""

    schedule: Schedule

    def __call__(self, x_t: Tensor, t: Tensor, /) -> Prediction:
        """The guess for x_t (B, *shape) at times t (B,)."""


def steps_down(steps: int) -> Tensor:
    """steps + 1 times at equal distances, from 1 down to 0."""
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def walk(
    step: Callable[[Tensor, Tensor, Tensor], Tensor], x: Tensor, times: Tensor, callback: Callback | None = None
) -> Tensor:
    """What all samplers are: from each time t to the next, s, by x = step(x, t, s); t and s are (B,)."""
    times = times.to(x)  # once: a loop that moves numbers to a GPU would wait for each
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        x = step(x, t.expand(len(x)), s.expand(len(x)))
        if callback is not None:
            callback(i, x)
    return x


def ddim(
    denoiser: AnyDenoiser,
    x: Tensor,
    times: Tensor,
    *,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    r"""Keep the guess x̂, put less noise on it: the old ε̂, and η parts of new.

    .. math:: x_s = \alpha_s \hat x + \sqrt{\sigma_s^2 - \eta^2 \tilde\sigma^2}\; \hat\epsilon
              + \eta \tilde\sigma\, \epsilon', \qquad
              \tilde\sigma^2 = \frac{\sigma_s^2}{\sigma_t^2}
              \Big(\sigma_t^2 - \frac{\alpha_t^2}{\alpha_s^2}\sigma_s^2\Big)

    σ̃² is the variance of q(x_s | x_t, x). η = 0: nothing is random, the steps solve the probability flow's equation;
    η = 1: DDPM's ancestral sampling.

    Reference: Song, Meng, Ermon. Denoising diffusion implicit models. 2021. arXiv:2010.02502
    """
    share_of_noise(eta)
    schedule = denoiser.schedule

    def step(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        guess = denoiser(x, t)
        alpha, sigma = along(schedule.alpha(s), x), along(schedule.sigma(s), x)
        fresh = sigma.square() * (1 - (guess.alpha * sigma / (alpha * guess.sigma)).square())  # σ̃²
        kept = alpha * guess.x + (sigma.square() - eta**2 * fresh).sqrt() * guess.eps
        return kept + eta * fresh.sqrt() * normal(x.shape, x, generator) if eta else kept

    return walk(step, x, times, callback)


def share_of_noise(eta: float) -> None:
    """Raises ValueError for an η that is no number from 0 to 1."""
    if not isinstance(eta, numbers.Real) or not 0 <= eta <= 1:
        raise ValueError(f"eta={eta} must lie between 0, no new noise, and 1, all of it")


def ancestral(
    denoiser: AnyDenoiser,
    x: Tensor,
    times: Tensor,
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """DDPM's sampling: x_s from q(x_s | x_t, x̂), which is DDIM with η = 1."""
    return ddim(denoiser, x, times, eta=1.0, generator=generator, callback=callback)


def probability_flow(denoiser: AnyDenoiser) -> Velocity:
    r"""The velocity whose flow has, at each time, the same density as the noisy data:

    .. math:: \frac{dx}{dt} = f(t)\, x - \tfrac12 g(t)^2 \nabla \log p_t(x)

    Reference: Song et al. 2021, arXiv:2011.13456
    """

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        schedule = denoiser.schedule
        f, g2 = along(schedule.drift(t), x), along(schedule.diffusion(t), x)
        return f * x - 0.5 * g2 * denoiser(x, t).score

    return velocity


def euler(velocity: Velocity, x: Tensor, times: Tensor, *, callback: Callback | None = None) -> Tensor:
    """x + (s − t) v(x, t) from each time t to the next, s: one evaluation a step, error of order one."""
    return walk(lambda x, t, s: x + along(s - t, x) * velocity(x, t), x, times, callback)


def heun(velocity: Velocity, x: Tensor, times: Tensor, *, callback: Callback | None = None) -> Tensor:
    """Euler's step, and the mean of the velocities at its two ends instead: two evaluations, error of order two."""

    def step(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        h, here = along(s - t, x), velocity(x, t)
        return x + h * (here + velocity(x + h * here, s)) / 2

    return walk(step, x, times, callback)


def midpoint(velocity: Velocity, x: Tensor, times: Tensor, *, callback: Callback | None = None) -> Tensor:
    """The velocity where Euler's step has come half way, all the way: two evaluations, error of order two."""

    def step(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        h = along(s - t, x)
        return x + h * velocity(x + h / 2 * velocity(x, t), (t + s) / 2)

    return walk(step, x, times, callback)


def runge_kutta(velocity: Velocity, x: Tensor, times: Tensor, *, callback: Callback | None = None) -> Tensor:
    """The classical method: the velocities at the start, twice half way and at the end, weighed as Simpson's rule
    does: four evaluations, error of order four.

    Reference: Kutta. Beitrag zur näherungsweisen Integration totaler Differentialgleichungen. 1901. Zeitschrift für
    Mathematik und Physik 46
    """

    def step(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        h, middle = along(s - t, x), (t + s) / 2
        v1 = velocity(x, t)
        v2 = velocity(x + h / 2 * v1, middle)
        v3 = velocity(x + h / 2 * v2, middle)
        v4 = velocity(x + h * v3, s)
        return x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)

    return walk(step, x, times, callback)


SOLVERS: dict[str, Callable[..., Tensor]] = {
    "euler": euler,
    "midpoint": midpoint,
    "heun": heun,
    "runge_kutta": runge_kutta,
}
EVALUATIONS = {"euler": 1, "midpoint": 2, "heun": 2, "runge_kutta": 4}  # of the velocity, a step


def reverse_sde(
    denoiser: AnyDenoiser,
    x: Tensor,
    times: Tensor,
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    r"""Euler-Maruyama on the equation that runs the noising backwards:

    .. math:: dx = \big(f x - g^2 \nabla \log p_t(x)\big)\, dt + g\, d\bar w

    Reference: Anderson. Reverse-time diffusion equation models. 1982. Stochastic Processes and their Applications 12
    """
    schedule = denoiser.schedule

    def step(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        h = along(s - t, x)  # below 0
        f, g2 = along(schedule.drift(t), x), along(schedule.diffusion(t), x)
        return x + h * (f * x - g2 * denoiser(x, t).score) + (g2 * -h).sqrt() * normal(x.shape, x, generator)

    return walk(step, x, times, callback)


def langevin(
    score: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    step: float,
    steps: int,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    r"""x + ε ∇ log p(x) + √(2ε) noise, again and again: for small ε and many steps, samples of p, if it mixes.

    Reference: Roberts, Tweedie. Exponential convergence of Langevin distributions and their discrete approximations.
    1996. Bernoulli 2
    """
    for i in range(steps):
        x = x + step * score(x) + (2 * step) ** 0.5 * normal(x.shape, x, generator)
        if callback is not None:
            callback(i, x)
    return x
