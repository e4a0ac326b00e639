r"""Samples in one step: learn where a path ends, not only which way it goes.

References: MeanFlow: Geng, Deng, Bai, Kolter, He. Mean flows for one-step generative modeling. 2025. arXiv:2505.13447
Consistency: Song, Dhariwal, Chen, Sutskever. Consistency models. 2023. arXiv:2303.01469
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from genlib.arguments import at_least, count, finite, instance, needed, positive
from genlib.condition import Condition, as_condition
from genlib.diffusion.bounds import spread_times
from genlib.diffusion.flow_matching import FlowMatching, OfIntegersToo, OfVelocity, OnAPath, check_times, drawn_times
from genlib.diffusion.samplers import Callback, steps_down, walk
from genlib.diffusion.schedule import Schedule, along
from genlib.model import Player
from genlib.noise import normal


class MeanFlow(OfIntegersToo):
    r"""The mean velocity between two times of a path, u(x_t, r, t), r ≤ t: so one step from noise is enough.

    .. math:: u(x_t, r, t) = \frac{1}{t - r} \int_r^t v(x_s, s)\, ds, \qquad
              u = v - (t - r) \frac{du}{dt}, \qquad
              \frac{du}{dt} = \frac{\partial u}{\partial x}\, v + \frac{\partial u}{\partial t}

    The second is the first, times t − r and differentiated. It needs no integral: the right side, held fixed, is what u
    is regressed on, with the velocity of one example for v. At r = t, u is the velocity, and a density comes with it.

    Arguments: shape, levels, classes, condition, path, times, network, hidden, layers, channels, dropout as in
    ``FlowMatching``; same, the share of examples with r = t in training; power p: each example is weighed by
    1 / (its squared error + 10⁻³)^p, 0 not at all. ``loss`` is the squared error of a velocity's value, so weighed.
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
        times: str = "uniform",
        same: float = 0.5,
        power: float = 0.0,
        network: str | nn.Module = "mlp",
        hidden: int = 128,
        layers: int = 3,
        channels: Sequence[int] = (24, 48),
        dropout: float = 0.0,
    ):
        how: dict[str, Any] = {"hidden": hidden, "layers": layers, "channels": channels, "dropout": dropout}
        given = as_condition(classes, condition)
        super().__init__(MeanFlow, shape, levels, given, path, 0.0, network, times=2, **how)
        check_times(times)
        finite(same=same, power=power)
        if same > 1:
            raise ValueError(f"same={same} is a share: pass 0..1")
        self.times, self.same, self.power = times, same, power

    def mean_velocity(self, x_t: Tensor, r: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """u(x_t, r, t), (B, *shape), for reals x_t (B, *shape) and times r ≤ t, (B,) both."""
        return self.net(x_t, torch.stack([t, t - r], 1), y)

    def velocity(self, x_t: Tensor, t: Tensor, y: Tensor | None = None, shown: Tensor | None = None) -> Tensor:
        """v(x_t, t) = u(x_t, t, t)."""
        return self.mean_velocity(x_t, t, t, y)

    def with_slope(
        self, x_t: Tensor, r: Tensor, t: Tensor, v: Tensor, y: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """u(x_t, r, t) and du/dt along the velocity v, (B, *shape) both: a product with the Jacobian, in one pass."""

        def u(x_t: Tensor, t: Tensor) -> Tensor:
            return self.mean_velocity(x_t, r, t, y)

        value, slope, *_ = torch.func.jvp(u, (x_t, t), (v, torch.ones_like(t)))
        return value, slope

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The squared error of u against v − (t − r) du/dt, held fixed: a mean over values and the batch."""
        x, y = self.check_batch(x, y)
        data = self.reals(x)
        a, b = (drawn_times(self.times, len(data), data) for _ in range(2))
        t = torch.maximum(a, b)
        r = torch.where(spread_times(len(data), data) < self.same, t, torch.minimum(a, b))
        x_t, v = self.on_path(data, normal(tuple(data.shape), data), t)
        u, slope = self.with_slope(x_t, r, t, v, y)
        target = (v - along(t - r, v) * slope).detach()
        error = (u - target).flatten(1).square().mean(1)
        return {"loss": (error / (error.detach() + 1e-3) ** self.power).mean()}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        steps: int = 1,
        generator: torch.Generator | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """n examples, (n, *shape), by x_r = x_t − (t − r) u(x_t, r, t): one evaluation a step. callback(i, x_t)."""
        count(steps=steps)
        y = self.draw_condition(n, y, generator)

        def step(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
            return x - along(t - r, x) * self.mean_velocity(x, r, t, y)

        x = self.start(n, generator)
        x = walk(step, x, steps_down(steps), callback) if n else x
        return self.finished(x / self.path.alpha(self.last.zero[0]).item())


class ConsistencyModel(OnAPath):
    r"""Where a path ends, from any point of it: f(x_t, t), the same all along the path.

    .. math:: f(x_t, t) = \alpha_0 \hat x + \sigma_0 \hat\epsilon, \qquad f(x_0, 0) = x_0, \qquad
              \mathcal L = \mathbb E\, d\big(f(x_t, t),\; f(x_s, s)\big), \quad s = t - \tfrac1N

    x̂ and ε̂ are made of x_t and of what the network takes for the velocity; at t = 0 that gives x_0 back whatever the
    network says: the boundary condition. The second f is held fixed. With a teacher, a trained ``FlowMatching`` or
    ``MeanFlow``, x_s is where a step of Heun's method leads from x_t (distillation); without, x_s has the same x and ε
    as x_t. The distance is √(‖a − b‖² + c²) − c.

    Arguments: shape, levels, classes, condition, path, network, hidden, layers, channels, dropout as in
    ``FlowMatching``; teacher, which is frozen, and of the same shape, levels, condition and path; rungs N; huber, c for
    each value. ``loss`` is the distance, times N, a mean over the batch.
    Reference, the distance, and that no averaged f is needed: Song, Dhariwal. Improved techniques for training
    consistency models. 2023. arXiv:2310.14189
    """

    unit = "distance, times the rungs"

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int | None = None,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        path: Schedule | None = None,
        teacher: FlowMatching | MeanFlow | None = None,
        rungs: int = 32,
        huber: float = 0.03,
        network: str | nn.Module = "mlp",
        hidden: int = 128,
        layers: int = 3,
        channels: Sequence[int] = (24, 48),
        dropout: float = 0.0,
    ):
        how: dict[str, Any] = {"hidden": hidden, "layers": layers, "channels": channels, "dropout": dropout}
        given = as_condition(classes, condition)
        super().__init__(ConsistencyModel, shape, levels, given, path, 0.0, network, **how)
        count(rungs=rungs)
        at_least(2, rungs=rungs)
        needed(huber=huber)
        positive(huber=huber)
        instance(OfVelocity, teacher=teacher)
        self.rungs, self.huber = rungs, huber
        self.teacher = None if teacher is None else teacher.requires_grad_(False).eval()
        if teacher is not None:
            mine, its = ((m.shape, m.levels, m.condition, repr(m.path)) for m in (self, teacher))
            if mine != its:
                raise ValueError(f"the teacher has shape, levels, condition and path {its}; this model has {mine}")

    def train(self, mode: bool = True) -> Self:
        """The teacher stays as it is."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        return self

    def players(self) -> list[Player]:
        """The teacher learns no more."""
        return [Player("model", list(self.net.parameters()), self.loss)]

    def forward(self, x_t: Tensor, t: Tensor | float, y: Tensor | None = None) -> Tensor:
        """f(x_t, t), (B, *shape): where the path of reals x_t (B, *shape) ends, at times t in 0..1, one or (B,)."""
        return self.end(*self.check_guess(x_t, y, t=t))

    def end(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """The same, unchecked: x̂ and ε̂ solve x_t = α x̂ + σ ε̂ and v = α̇ x̂ + σ̇ ε̂."""
        v, first = self.net(x_t, t, y), torch.zeros_like(t)
        (fall, rise), alpha, sigma = self.path.speeds(t), self.path.alpha(t), self.path.sigma(t)
        below = alpha * rise - fall * sigma
        x = along(rise / below, v) * x_t - along(sigma / below, v) * v
        eps = along(alpha / below, v) * v - along(fall / below, v) * x_t
        return along(self.path.alpha(first), v) * x + along(self.path.sigma(first), v) * eps

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The distance of f at neighbouring times of a path, times N: a mean over the batch."""
        x, y = self.check_batch(x, y)
        r = self.reals(x)
        t = ((spread_times(len(r), r) * self.rungs).floor() + 1) / self.rungs
        s, eps = (t - 1 / self.rungs).clamp(min=0), normal(tuple(r.shape), r)
        x_t, _ = self.on_path(r, eps, t)
        with torch.no_grad():
            x_s = self.on_path(r, eps, s)[0] if self.teacher is None else self._taught(x_t, t, s, y)
            target = self.end(x_s, s, y)
        squared = (self.end(x_t, t, y) - target).flatten(1).square()
        c2 = self.huber**2 * squared.shape[1]
        return {"loss": self.rungs * ((squared.sum(1) + c2).sqrt() - c2**0.5).mean()}

    def _taught(self, x_t: Tensor, t: Tensor, s: Tensor, y: Tensor | None) -> Tensor:
        """Heun's step from t to s."""
        assert self.teacher is not None
        h, here = along(s - t, x_t), self.teacher.velocity(x_t, t, y)
        return x_t + h * (here + self.teacher.velocity(x_t + h * here, s, y)) / 2

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        steps: int = 1,
        generator: torch.Generator | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """n examples, (n, *shape): from noise to the end in one step; with more, noise is put on it anew, less each
        time, and f is asked again. callback(i, x)."""
        count(steps=steps)
        y = self.draw_condition(n, y, generator)

        def step(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
            alpha0, sigma0 = self.path.alpha(torch.zeros_like(t)), self.path.sigma(torch.zeros_like(t))
            ratio = self.path.alpha(s) / alpha0
            more = (self.path.sigma(s).square() - (ratio * sigma0).square()).clamp(min=0).sqrt()
            f = self.end(x, t, y)
            return along(ratio, f) * f + (along(more, f) * normal(f.shape, f, generator) if bool(s[0] > 0) else 0.0)

        x = self.start(n, generator)
        x = walk(step, x, steps_down(steps), callback) if n else x
        return self.finished(x / self.path.alpha(self.last.zero[0]).item())
