r"""Flow matching: a velocity that carries noise to data, learned by regression on the velocities of single examples.

.. math:: x_t = \alpha_t x + \sigma_t \epsilon, \qquad
          \mathcal L = \mathbb E_{t, x, \epsilon} \big\|v(x_t, t) - (\dot\alpha_t x + \dot\sigma_t \epsilon)\big\|^2

The least of it is the mean of what it is regressed on, given x_t: and the flow of that mean has, at each time, the
density of x_t. Nothing is simulated while it is trained. Time runs from 0, data, to 1, noise, as in all of this folder
(Lipman et al. count the other way).

References: Lipman, Chen, Ben-Hamu, Nickel, Le. Flow matching for generative modeling. 2022. arXiv:2210.02747
Liu, Gong, Liu. Flow straight and fast: learning to generate and transfer data with rectified flow. 2022.
arXiv:2209.03003. Albergo, Vanden-Eijnden. Building normalizing flows with stochastic interpolants. 2022.
arXiv:2209.15571
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, count, finite, instance, must_be_tensor, share, whole
from genlib.condition import Condition, Labels, as_condition
from genlib.diffusion.bounds import ode_log_prob, spread_times
from genlib.diffusion.couplings import COUPLINGS, Coupling, independent, within
from genlib.diffusion.networks import Told, chosen
from genlib.diffusion.prediction import times_like
from genlib.diffusion.samplers import SOLVERS, Callback, Velocity, steps_down
from genlib.diffusion.schedule import Schedule, Straight, along
from genlib.model import GenerativeModel
from genlib.nets import TimeAndCondition
from genlib.noise import StandardNormal, normal, uniform
from genlib.quantize import Dequantize, quantize

TIMES = ("uniform", "middle")


@dataclasses.dataclass(frozen=True)
class Noise(Condition):
    """What a flow starts from at t = 1: y (n, *shape), real values; drawn from N(0, I) where nobody says."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        as_shape(self.shape)

    @property
    def asks(self) -> str:
        return f"where the flow starts, (n, {', '.join(map(str, self.shape))}) of real values"

    def check(self, y: Tensor, n: int, *, values: bool = True) -> Tensor:
        must_be_tensor("y", y)
        if tuple(y.shape) != (n, *self.shape):
            raise ValueError(f"y has shape {tuple(y.shape)}; it must be {(n, *self.shape)}: {self.asks}")
        if not y.is_floating_point():
            raise ValueError(f"y holds {y.dtype}; pass {self.asks}")
        if values and not bool(y.isfinite().all()):
            raise ValueError("y holds values that are not finite")
        return y

    def draw(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Standard normal, on the generator's device."""
        return normal((n, *self.shape), torch.zeros(()), generator)


class OnAPath(GenerativeModel):
    """What models on a path from data to noise share: the path, reals for integers, and a network that is told time
    and condition. ``of`` is the class whose arguments these are; times, how many the network is told."""

    def __init__(
        self,
        of: type,
        shape: tuple[int, ...],
        levels: int | None,
        condition: Condition | None,
        path: Schedule | None,
        drop: float,
        network: str | nn.Module,
        *,
        times: int = 1,
        told: bool = True,
        **how: Any,
    ):
        super().__init__()
        whole(2, levels=levels)
        instance(Schedule, path=path)
        share(drop=drop)
        self.shape, self.levels, self.condition, self.drop = as_shape(shape), levels, condition, drop
        if drop and condition is None:
            raise ValueError(f"drop={drop} hides a condition from time to time: pass classes= or condition=")
        features = TimeAndCondition(condition if told else None, times=times)
        self.net = Told(chosen(of, self.shape, features.width, 1, network, **how), features)
        self.path = path or Straight()
        self.last = StandardNormal(math.prod(self.shape))
        self.dequantize = None if levels is None else Dequantize(levels)

    def reals(self, x: Tensor) -> Tensor:
        """Data as the network sees them: integers v as 2 (v + u)/V − 1, u uniform on [0, 1) and drawn anew."""
        return x if self.dequantize is None else self.scaled(self.dequantize(x))

    def scaled(self, x: Tensor) -> Tensor:
        """Of a model of integers, reals in [0, V) as numbers −1..1."""
        return x if self.levels is None else 2 * x / self.levels - 1

    def finished(self, r: Tensor) -> Tensor:
        """The way back: the integers in whose cells numbers −1..1 lie."""
        return r if self.levels is None else quantize((r + 1) / 2 * self.levels, self.levels)

    def on_path(self, r: Tensor, eps: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """(x_t, dx_t/dt) between reals r and noise (B, *shape) at times t (B,)."""
        (fall, rise), alpha, sigma = self.path.speeds(t), self.path.alpha(t), self.path.sigma(t)
        return along(alpha, r) * r + along(sigma, r) * eps, along(fall, r) * r + along(rise, r) * eps

    def start(self, n: int, generator: torch.Generator | None) -> Tensor:
        """What sampling starts from, (n, *shape)."""
        return self.path.last_scale * normal((n, *self.shape), self.last.zero, generator)

    def shown(self, n: int) -> Tensor | None:
        """For which of n examples the condition is told in this training step; None, for all."""
        return torch.rand(n, device=self.last.zero.device) >= self.drop if self.training and self.drop else None

    def check_guess(self, x_t: Tensor, y: Tensor | None, **times: Tensor | float) -> tuple[Any, ...]:
        """x_t, times and y as the network takes them. Raises: ValueError for what is none of these."""
        self.check_shape(x_t)
        if not x_t.is_floating_point():
            raise ValueError(f"x_t holds {x_t.dtype}; points on a path are reals, such as model.reals(x) and noise")
        x_t = self.in_precision(x_t)
        y = None if y is None else self.check_condition(y, len(x_t))
        found = [times_like(t, x_t) for t in times.values()]
        for name, t in zip(times, found, strict=True):
            if not bool(((t >= 0) & (t <= 1)).all()):
                raise ValueError(f"{name} holds {t.min():g}..{t.max():g}; pass times between 0, data, and 1, noise")
        return x_t, *found, y

    def extra_repr(self) -> str:
        return f"shape={self.shape}, levels={self.levels}, condition={self.condition}, path={self.path}"


class OfVelocity(OnAPath):
    """A model that has a velocity: then it has a density, too."""

    def velocity(self, x_t: Tensor, t: Tensor, y: Tensor | None = None, shown: Tensor | None = None) -> Tensor:
        """v(x_t, t), (B, *shape); y None: without a condition."""
        return self.net(x_t, t, y, *([] if shown is None else [shown]))

    def forward(self, x_t: Tensor, t: Tensor | float, y: Tensor | None = None) -> Tensor:
        """The velocity at reals x_t (B, *shape) and times t in 0..1, one or (B,); y None: without a condition.

        Raises: ValueError for what is none of these; steps 1..T, for instance, are no times.
        """
        return self.velocity(*self.check_guess(x_t, y, t=t))

    def ode_log_prob(
        self,
        x: Tensor,
        y: Tensor | None = None,
        *,
        steps: int = 50,
        probes: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """log p(x), (B,), nats, of the flow: exact but for the solver's error, which falls with the fourth power of
        ``steps``; with few it is no log-probability. Of a model of integers x = v + u are reals in [0, levels), and the
        mean over u is a bound on log P(v). probes: the trace by so many random directions, see ``bounds``."""
        self.check_shape(x)
        y = self.check_condition(y, len(x))
        if not x.is_floating_point():
            raise ValueError(f"x holds {x.dtype}; ode_log_prob is a density of reals: pass v + u, u uniform on [0, 1)")
        return self.never_nan(self._log_prob(self.check_reals(x), y, steps, probes, generator))

    def _log_prob(
        self, x: Tensor, y: Tensor | None, steps: int, probes: int | None, generator: torch.Generator | None
    ) -> Tensor:
        S, D = self.path.last_scale, math.prod(self.shape)
        alpha = self.path.alpha(self.last.zero[0]).double().item()
        log_scale = math.log(alpha) + (0.0 if self.levels is None else math.log(2 / self.levels))

        def end(x_1: Tensor) -> Tensor:
            return self.last.log_prob(x_1.flatten(1) / S) - D * math.log(S)

        velocity = self._given(None if isinstance(self.condition, Noise) else y)
        log_p = ode_log_prob(velocity, alpha * self.scaled(x), end, steps=steps, probes=probes, generator=generator)
        return log_p + D * log_scale

    def _given(self, y: Tensor | None, guidance: float = 1.0) -> Velocity:
        """The velocity of p(x | y), with guidance w: v + w (v(y) − v), where v is that without y."""
        if y is None or guidance == 1:
            return lambda x, t: self.velocity(x, t, y)

        def guided(x: Tensor, t: Tensor) -> Tensor:
            without = self.velocity(x, t)
            return without if guidance == 0 else without + guidance * (self.velocity(x, t, y) - without)

        return guided

    def _carried(
        self, x: Tensor, velocity: Velocity, steps: int, solver: str | Callable[..., Tensor], callback: Callback | None
    ) -> Tensor:
        """From t = 1 to data, by that solver."""
        x = solver_of(solver)(velocity, x, steps_down(steps), callback=callback) if len(x) else x
        return self.finished(x / self.path.alpha(self.last.zero[0]).item())


class OfIntegersToo(OfVelocity):
    """Its data may be integers: then it has a bound."""

    def elbo(
        self,
        x: Tensor,
        y: Tensor | None = None,
        *,
        steps: int = 20,
        probes: int = 1,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """A lower BOUND on log P(x) of integers, (B,), in nats, from one u each: log p(x + u), up to the solver's
        error; the trace by so many probes, without bias. Raises: ValueError for a model of reals."""
        count(steps=steps, probes=probes)
        if self.dequantize is None:
            raise ValueError("elbo is for a model of integers (levels=); reals have a density: ode_log_prob")
        x, y = self.check(x, y)
        x = x + uniform(tuple(x.shape), self.last.zero, generator)
        return self.never_nan(self._log_prob(x, y, steps, probes, generator))


def solver_of(solver: str | Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A solver by name, or one's own. Raises: ValueError for what is none."""
    if isinstance(solver, str) and solver in SOLVERS:
        return SOLVERS[solver]
    if not callable(solver):
        raise ValueError(f"solver={solver!r}: choose one of {', '.join(SOLVERS)}, or pass a sampler of your own")
    return solver


def drawn_times(which: str, n: int, like: Tensor) -> Tensor:
    """n times for training: "uniform", or "middle", sigmoid of a normal value, where paths cross most."""
    return spread_times(n, like) if which == "uniform" else torch.sigmoid(normal((n,), like))


class FlowMatching(OfIntegersToo):
    r"""A velocity from noise to data: of reals, or of integers 0..levels-1, which it sees as numbers −1..1.

    Arguments: shape of one example; levels; classes, for p(x | y), or any condition; path, a schedule, ``Straight`` by
    default; coupling, "independent", "transport" (the cheapest pairing of a batch, within each class) or a function
    (x, ε) -> ε in another order; times of training, "uniform" or "middle"; network, "mlp" with ``layers`` residual
    layers of ``hidden`` units, "unet" with ``channels`` for each level of a picture, or a module of your own,
    (x_t (B, *shape), features (B, 64)) -> (B, *shape); dropout; drop, the share of examples whose condition is hidden
    in training, so that ``sample`` can be guided. ``loss`` is the squared error of a velocity's value.

    References: "middle": Esser et al. Scaling rectified flow transformers for high-resolution image synthesis. 2024.
    arXiv:2403.03206; the rest at the head of this file.
    """

    unit = "squared error of a velocity's value"

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int | None = None,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        path: Schedule | None = None,
        coupling: str | Coupling = "independent",
        times: str = "uniform",
        network: str | nn.Module = "mlp",
        hidden: int = 128,
        layers: int = 3,
        channels: Sequence[int] = (24, 48),
        dropout: float = 0.0,
        drop: float = 0.0,
    ):
        given = as_condition(classes, condition)
        how: dict[str, Any] = {"hidden": hidden, "layers": layers, "channels": channels, "dropout": dropout}
        super().__init__(FlowMatching, shape, levels, given, path, drop, network, **how)
        check_times(times)
        self.coupling, self.times = _coupling(coupling, given), times

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The squared error of v, a mean over values and the batch; one draw of t each, spread over the batch."""
        x, y = self.check_batch(x, y)
        r = self.reals(x)
        t, eps = drawn_times(self.times, len(r), r), normal(tuple(r.shape), r)
        x_t, v = self.on_path(r, within(self.coupling, r, eps, y), t)
        return {"loss": F.mse_loss(self.velocity(x_t, t, y, self.shown(len(r))), v)}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        steps: int = 50,
        solver: str | Callable[..., Tensor] = "euler",
        guidance: float = 1.0,
        generator: torch.Generator | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """n examples, (n, *shape), by so many steps of a solver: "euler" (one evaluation a step), "midpoint", "heun"
        (two), "runge_kutta" (four); twice as many with guidance.

        guidance w: 0 without y, 1 with it, more exaggerates (a model that was trained with ``drop``). callback(i, x_t)
        sees each step, as reals. Raises: ValueError for guidance that can't be had.
        """
        count(steps=steps)
        finite(guidance=guidance)
        y = self.draw_condition(n, y, generator)
        if guidance != 1 and not self.drop:
            raise ValueError(f"guidance={guidance} needs a model that was trained with drop=, such as drop=0.1")
        return self._carried(self.start(n, generator), self._given(y, guidance), steps, solver, callback)


class Reflow(OfVelocity):
    r"""Flow matching on pairs: x, and where its path starts, y. Reals only.

    .. math:: \mathcal L = \mathbb E_{t, (x, y)} \big\|v(x_t, t) - (\dot\alpha_t x + \dot\sigma_t y)\big\|^2

    Pairs that ``rectify`` took from a trained flow do not cross, but for its errors: so the new flow is straighter, and
    one step may do. Pairs of two data sets make a flow from the one to the other. ``condition`` is ``Noise``: ``loss``
    takes y, and ``sample`` starts from it, or from noise that it draws. ``loss`` is the squared error of a velocity's
    value.

    Arguments: shape; path; times, network, hidden, layers, channels, dropout as in ``FlowMatching``.
    Reference: Liu, Gong, Liu. 2022. arXiv:2209.03003
    """

    unit = "squared error of a velocity's value"

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        path: Schedule | None = None,
        times: str = "uniform",
        network: str | nn.Module = "mlp",
        hidden: int = 128,
        layers: int = 3,
        channels: Sequence[int] = (24, 48),
        dropout: float = 0.0,
    ):
        how: dict[str, Any] = {"hidden": hidden, "layers": layers, "channels": channels, "dropout": dropout}
        super().__init__(Reflow, shape, None, Noise(as_shape(shape)), path, 0.0, network, told=False, **how)
        check_times(times)
        self.times = times

    def velocity(self, x_t: Tensor, t: Tensor, y: Tensor | None = None, shown: Tensor | None = None) -> Tensor:
        """v(x_t, t): where the path started it isn't told."""
        return self.net(x_t, t)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The squared error of v, a mean over values and the batch of pairs."""
        x, y = self.check_batch(x, y)
        assert y is not None
        t = drawn_times(self.times, len(x), x)
        x_t, v = self.on_path(x, y, t)
        return {"loss": F.mse_loss(self.velocity(x_t, t), v)}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        steps: int = 1,
        solver: str | Callable[..., Tensor] = "euler",
        generator: torch.Generator | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """n examples, (n, *shape), each carried from its y, by so many steps of a solver. callback(i, x_t)."""
        count(steps=steps)
        y = self.draw_condition(n, y, generator)
        assert y is not None
        return self._carried(self.path.last_scale * y, lambda x, t: self.velocity(x, t), steps, solver, callback)


@torch.no_grad()
def rectify(
    model: FlowMatching,
    n: int,
    y: Tensor | None = None,
    *,
    steps: int = 50,
    solver: str | Callable[..., Tensor] = "euler",
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """n pairs (x, ε), (n, *shape) both: the noise, and where the trained flow carries it. To train a ``Reflow`` on.

    Raises: ValueError for a model of integers: rounded, they are no longer where the flow ended.
    """
    instance(FlowMatching, model=model)
    count(steps=steps)
    if model.levels is not None:
        raise ValueError("rectify is for a model of reals: integers are not where its flow ends, but their cells")
    y = model.draw_condition(n, y, generator)
    eps = model.start(n, generator)
    return model._carried(eps, model._given(y), steps, solver, None), eps / model.path.last_scale


@torch.no_grad()
def straightness(velocity: Velocity, x: Tensor, *, steps: int = 50) -> Tensor:
    r"""How far from straight the paths are that start at x (B, *shape), (B,): 0 where one Euler step does.

    .. math:: \int_0^1 \big\|(x_1 - x_0) - v(x_t, t)\big\|^2 dt

    Reference: Liu, Gong, Liu. 2022. arXiv:2209.03003 (their S)
    """
    count(steps=steps)
    speeds: list[Tensor] = []

    def watched(x: Tensor, t: Tensor) -> Tensor:
        speeds.append(velocity(x, t))
        return speeds[-1]

    end = SOLVERS["euler"](watched, x, steps_down(steps))
    return torch.stack([(x - end - v).flatten(1).square().sum(1) for v in speeds]).mean(0)


def check_times(times: str) -> None:
    """Raises ValueError for a name that is none."""
    if times not in TIMES:
        raise ValueError(f'times={times!r}: choose "uniform" or "middle"')


def _coupling(coupling: str | Coupling, condition: Condition | None) -> Coupling:
    if isinstance(coupling, str) and coupling in COUPLINGS:
        coupling = COUPLINGS[coupling]
    if not callable(coupling):
        raise ValueError(f"coupling={coupling!r}: choose one of {', '.join(COUPLINGS)}, or pass a function (x, ε) -> ε")
    if coupling is not independent and condition is not None and not isinstance(condition, Labels):
        raise ValueError(f"coupling={coupling!r} pairs examples of the same label; of {condition} no two are the same")
    return coupling
