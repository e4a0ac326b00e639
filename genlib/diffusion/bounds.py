r"""What a denoiser says of log p(x): a bound in three terms, and a number by an equation.

.. math:: -\log p(x) \;\le\;
   \underbrace{\mathrm{KL}\big(q(x_1 \mid x)\,\|\,p(x_1)\big)}_{\text{prior}}
   + \underbrace{\tfrac12 \int_0^1 -\lambda'(t)\,
     \mathbb E\,\|\epsilon - \hat\epsilon(x_t, t)\|^2\, dt}_{\text{diffusion}}
   + \underbrace{\mathbb E[-\log p(x \mid x_0)]}_{\text{reconstruction}}

The integral depends on the schedule through its ends alone: with λ for t as the variable, −λ'(t) dt = −dλ. With a
ladder of T rungs, −λ'(t) dt becomes exp(λ_s − λ_t) − 1 from each time t to the one before it, s = t − 1/T.

References: Kingma, Salimans, Poole, Ho. Variational diffusion models. 2021. arXiv:2107.00630
Chen, Rubanova, Bettencourt, Duvenaud. Neural ordinary differential equations. 2018. arXiv:1806.07366 (the trace)
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.arguments import count, whole
from genlib.diffusion.samplers import AnyDenoiser, Velocity
from genlib.diffusion.schedule import Schedule, along
from genlib.noise import normal, uniform


def noised(x: Tensor, t: Tensor, schedule: Schedule, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """(x_t, ε): α x + σ ε for reals x (B, *shape) at times t (B,)."""
    eps = normal(tuple(x.shape), x, generator)
    return along(schedule.alpha(t), x) * x + along(schedule.sigma(t), x) * eps, eps


def spread_times(n: int, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """n times in [0, 1), each uniform, one in each of n equal parts: a mean over them varies less. In random order, so
    that which example gets which says nothing (Kingma et al. 2021, there in order)."""
    first = uniform((1,), like, generator)
    even = (first + torch.arange(n, device=like.device, dtype=like.dtype) / max(1, n)) % 1
    return even[uniform((n,), like, generator).argsort()]


def prior_term(x: Tensor, schedule: Schedule) -> Tensor:
    """KL(q(x_1 | x) ‖ N(0, S²)) in nats, (B, *shape) -> (B,): what is left of x at the end."""
    one = torch.ones((), dtype=x.dtype, device=x.device)
    alpha, sigma, scale = schedule.alpha(one), schedule.sigma(one), schedule.last_scale
    each = (sigma.square() + (alpha * x).square()) / scale**2 - 1 - 2 * (sigma / scale).log()
    return each.flatten(1).sum(1) / 2


def diffusion_term(
    denoiser: AnyDenoiser, x: Tensor, t: Tensor, *, steps: int | None = None, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """The integrand at times t (B,), which are uniform over the draws: (nats (B,), squared error of ε̂ (B,)).

    With ``steps``, T rungs of a ladder instead of the integral.
    """
    schedule = denoiser.schedule
    if steps is None:
        weight = -schedule.slope(t) / 2
    else:
        s = (t * steps).floor().clamp(max=steps - 1) / steps
        t = s + 1 / steps
        weight = steps / 2 * torch.expm1(schedule.log_snr(s) - schedule.log_snr(t))
    x_t, eps = noised(x, t, schedule, generator)
    error = (eps - denoiser(x_t, t).eps).flatten(1).square().sum(1)
    return weight * error, error


def gaussian_reconstruction(x: Tensor, schedule: Schedule) -> Tensor:
    """E[−log N(x; x_0/α_0, (σ_0/α_0)² I)] in nats for reals, (B, *shape) -> (B,): the same for every x."""
    zero = torch.zeros((), dtype=x.dtype, device=x.device)
    variance = (schedule.sigma(zero) / schedule.alpha(zero)).square()
    return (x[0].numel() / 2 * (2 * math.pi * math.e * variance).log()).expand(len(x))


def level_logits(x_t: Tensor, t: Tensor, centres: Tensor, schedule: Schedule) -> Tensor:
    """log N(x_t; α c_v, σ²) of each value, up to a constant: (B, *shape) -> (B, *shape, V), for the centres c (V,)."""
    alpha, sigma = along(schedule.alpha(t), x_t)[..., None], along(schedule.sigma(t), x_t)[..., None]
    return -((x_t[..., None] - alpha * centres) / sigma).square() / 2


def ode_log_prob(
    velocity: Velocity,
    x: Tensor,
    end: Callable[[Tensor], Tensor],
    *,
    steps: int = 100,
    probes: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""log p(x) of a flow dx/dt = v(x, t) that carries p to a known density at t = 1: (B,), nats.

    .. math:: \log p(x) = \log p_1(x_1) + \int_0^1 \operatorname{tr} \frac{\partial v}{\partial x}(x_t, t)\, dt

    Solved by ``steps`` steps of the classical Runge-Kutta method: exact but for the solver's error, of order four. With
    few steps it is no log-probability at all: compare with twice as many. end, log p_1, (B, *shape) -> (B,); probes:
    the trace, which takes D gradients, is estimated by that many random directions (Hutchinson), without bias.
    """
    count(steps=steps)
    whole(probes=probes)
    signs = None if probes is None else normal((probes, *x.shape), x, generator).sign()
    total, h = x.new_zeros(len(x)), 1 / steps

    def rates(x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        return _with_trace(velocity, x, torch.full((len(x),), t, dtype=x.dtype, device=x.device), signs)

    for i in range(steps):
        t = i * h
        v1, d1 = rates(x, t)
        v2, d2 = rates(x + h / 2 * v1, t + h / 2)
        v3, d3 = rates(x + h / 2 * v2, t + h / 2)
        v4, d4 = rates(x + h * v3, min(1.0, t + h))
        x = x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
        total = total + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return end(x) + total


def _with_trace(velocity: Velocity, x: Tensor, t: Tensor, signs: Tensor | None) -> tuple[Tensor, Tensor]:
    """v(x, t) and the trace of its Jacobian, (B,), by a gradient for each direction."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        v = velocity(x, t)
        trace = x.new_zeros(len(x))
        if signs is None:
            for i, each in enumerate(v.flatten(1).unbind(1)):
                (row,) = torch.autograd.grad(each.sum(), x, retain_graph=True)
                trace = trace + row.flatten(1)[:, i]
            return v.detach(), trace
        for sign in signs:
            (along_sign,) = torch.autograd.grad((v * sign).sum(), x, retain_graph=True)
            trace = trace + (along_sign * sign).flatten(1).sum(1) / len(signs)
    return v.detach(), trace
