r"""A diffusion model: a hierarchical VAE whose encoder only adds noise, and a denoiser that walks back.

.. math:: q(x_t \mid x) = \mathcal N(x_t;\, \alpha_t x,\, \sigma_t^2 I), \qquad
          p(x_s \mid x_t) = q\big(x_s \mid x_t,\, x = \hat x(x_t, t)\big), \qquad
          \mathcal L_{\text{simple}} = \mathbb E_{t, \epsilon} \|\epsilon - \hat\epsilon(x_t, t)\|^2

References: Sohl-Dickstein, Weiss, Maheswaranathan, Ganguli. Deep unsupervised learning using nonequilibrium
thermodynamics. 2015. arXiv:1503.03585
Ho, Jain, Abbeel. Denoising diffusion probabilistic models. 2020. arXiv:2006.11239
Kingma, Salimans, Poole, Ho. Variational diffusion models. 2021. arXiv:2107.00630
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, count, finite, instance, share, whole
from genlib.condition import Condition, as_condition
from genlib.diffusion.bounds import (
    diffusion_term,
    gaussian_reconstruction,
    level_logits,
    noised,
    ode_log_prob,
    prior_term,
    spread_times,
)
from genlib.diffusion.denoiser import Denoiser
from genlib.diffusion.guidance import ClassifierFree
from genlib.diffusion.networks import Told, chosen
from genlib.diffusion.prediction import Prediction, times_like
from genlib.diffusion.samplers import ddim, probability_flow, share_of_noise, steps_down
from genlib.diffusion.schedule import Linear, Schedule, along
from genlib.model import GenerativeModel
from genlib.nets import TimeAndCondition
from genlib.noise import StandardNormal, normal
from genlib.quantize import Pixels, to_signed

# What the loss is, by its weighting.
UNITS = {
    "simple": "squared error of a value's noise",
    "v": "squared error of a value's velocity",
    "bound": "nats for an example",
}


class DDPM(GenerativeModel):
    r"""A diffusion model of reals, or of integers 0..levels-1, which it sees as numbers −1..1.

    Arguments: shape of one example; levels; classes, for p(x | y), or any condition; schedule, DDPM's ``Linear`` by
    default; predicts, what the network says: "eps", "x", "v", "edm" or, of integers, "levels"; weighting of the loss,
    "simple", the squared error of ε̂, "v", that of v̂, which weighs much noise more, or "bound", the bound in nats;
    network, "mlp" with ``layers`` residual layers of ``hidden`` units, "unet" with ``channels`` for each level of a
    picture, or a module of your own: (x_t (B, *shape), features (B, 64)) -> (B, *shape), or (B, *shape, levels) for
    "levels"; dropout; drop, the share of examples whose condition is hidden in training, so that ``sample`` can be
    guided; data_scale, the standard deviation of the data as the network sees them; T, rungs of the ladder, None for
    continuous time.
    """

    centres: Tensor | None

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int | None = None,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        schedule: Schedule | None = None,
        predicts: str = "eps",
        weighting: str = "simple",
        network: str | nn.Module = "mlp",
        hidden: int = 128,
        layers: int = 3,
        channels: Sequence[int] = (24, 48),
        dropout: float = 0.0,
        drop: float = 0.0,
        data_scale: float = 1.0,
        T: int | None = None,
    ):
        super().__init__()
        whole(2, levels=levels)
        whole(T=T)
        instance(Schedule, schedule=schedule)
        if schedule is not None and not schedule.ends:
            raise ValueError(f"schedule={schedule} begins without noise, or ends without x: a bound is infinite there")
        if weighting not in UNITS:
            raise ValueError(f'weighting={weighting!r}: choose "simple", "v" or "bound"')
        self.shape, self.levels, self.condition = as_shape(shape), levels, as_condition(classes, condition)
        self.weighting, self.T, self.drop = weighting, T, drop
        self.unit = UNITS[weighting]
        share(drop=drop)
        if drop and self.condition is None:
            raise ValueError(f"drop={drop} hides a condition from time to time: pass classes= or condition=")
        self.pixels = Pixels(levels)
        features = TimeAndCondition(self.condition)
        per_value = levels if predicts == "levels" and levels is not None else 1
        how: dict[str, Any] = {"hidden": hidden, "layers": layers, "channels": channels, "dropout": dropout}
        told = Told(chosen(DDPM, self.shape, features.width, per_value, network, **how), features)
        centres = None if levels is None else to_signed(torch.arange(levels), levels)
        self.denoiser = Denoiser(told, schedule or Linear(), predicts, data_scale=data_scale, centres=centres)
        self.schedule = self.denoiser.schedule
        self.last = StandardNormal(math.prod(self.shape))
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, x_t: Tensor, t: Tensor | float, y: Tensor | None = None) -> Prediction:
        """The guess for noisy reals x_t (B, *shape) at times t in 0..1, one or (B,); y None: without a condition.

        Raises: ValueError for what is none of these; steps 1..T, for instance, are no times.
        """
        self.check_shape(x_t)
        if not x_t.is_floating_point():
            raise ValueError(f"x_t holds {x_t.dtype}; noisy examples are reals, such as pixels.reals(x) and noise")
        x_t = self.in_precision(x_t)
        t = times_like(t, x_t)
        if not bool(((t >= 0) & (t <= 1)).all()):
            raise ValueError(f"t holds {t.min():g}..{t.max():g}; pass times between 0, data, and 1, noise")
        return self.denoiser(x_t, t, None if y is None else self.check_condition(y, len(x_t)))

    # --- training and the bound

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """ "simple": the squared error of ε̂, a mean over values and the batch; "v": that of v̂. "bound": minus the
        bound, and its terms, in nats for an example. One draw of t each, spread evenly over the batch."""
        x, y = self.check_batch(x, y)
        shown = torch.rand(len(x), device=x.device) >= self.drop if self.training and self.drop else None
        given = _Given(self.denoiser, y, shown)
        if self.weighting == "bound":
            terms = {name: term.mean() for name, term in self._terms(x, given, draws=1).items()}
            return {"loss": terms["prior"] + terms["diffusion"] + terms["reconstruction"], **terms}
        r = self.pixels.reals(x)
        t = spread_times(len(r), r)
        if self.T is not None:
            t = ((t * self.T).floor() + 1) / self.T
        x_t, eps = noised(r, t, self.schedule)
        guess = given(x_t, t)
        if self.weighting == "v":
            return {"loss": F.mse_loss(guess.v, guess.alpha * eps - guess.sigma * r)}
        return {"loss": F.mse_loss(guess.eps, eps)}

    def elbo(self, x: Tensor, y: Tensor | None = None, *, draws: int = 1) -> Tensor:
        """A lower BOUND on log p(x), (B,), in nats, from so many draws of t and ε for each example."""
        x, y = self.check(x, y)
        count(draws=draws)
        if len(x) == 0:
            return self.last.zero.new_zeros(0)
        terms = self._terms(x, _Given(self.denoiser, y), draws)
        return self.never_nan(-(terms["prior"] + terms["diffusion"] + terms["reconstruction"]))

    def terms(self, x: Tensor, y: Tensor | None = None, *, draws: int = 1) -> dict[str, Tensor]:
        """The three terms of minus the bound, (B,) each, in nats: prior, diffusion, reconstruction."""
        x, y = self.check(x, y)
        count(draws=draws)
        return self._terms(x, _Given(self.denoiser, y), draws)

    def _terms(self, x: Tensor, given: "_Given", draws: int) -> dict[str, Tensor]:
        r = self.pixels.reals(x)
        start = spread_times(len(r), r)
        paid = [diffusion_term(given, r, (start + k / draws) % 1, steps=self.T)[0] for k in range(draws)]
        told = [self._reconstruction(x, r) for _ in range(1 if self.levels is None else draws)]
        return {
            "prior": prior_term(r, self.schedule),
            "diffusion": torch.stack(paid).mean(0),
            "reconstruction": torch.stack(told).mean(0),
        }

    def _reconstruction(self, x: Tensor, r: Tensor) -> Tensor:
        """−log p(x | x_0), (B,): of levels, what x_0 says of each pixel, normalised over the levels."""
        if self.centres is None:
            return gaussian_reconstruction(r, self.schedule)
        t = r.new_zeros(len(r))
        x_0, _ = noised(r, t, self.schedule)
        logits = level_logits(x_0, t, self.centres, self.schedule)
        log_p = logits.log_softmax(-1).gather(-1, x[..., None])
        return -log_p.flatten(1).sum(1)

    def ode_log_prob(
        self,
        x: Tensor,
        y: Tensor | None = None,
        *,
        steps: int = 50,
        probes: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """log p(x), (B,), nats, of the probability flow: exact but for the solver's error, which falls with the fourth
        power of ``steps``, and for the noise σ_0 that x has at time 0. For a model of integers x = v + u are reals in
        [0, levels), as for a flow; the mean over u is a bound on log P(v). probes: see ``bounds.ode_log_prob``."""
        self.check_shape(x)
        y = self.check_condition(y, len(x))
        if not x.is_floating_point():
            raise ValueError(f"x holds {x.dtype}; ode_log_prob is a density of reals: pass v + u, u uniform on [0, 1)")
        r, D = self.check_reals(x), math.prod(self.shape)
        zero = torch.zeros((), dtype=r.dtype, device=r.device)
        log_scale = self.schedule.alpha(zero).log()
        if self.levels is not None:
            r = 2 * (r - 0.5) / (self.levels - 1) - 1
            log_scale = log_scale + math.log(2 / (self.levels - 1))
        S = self.schedule.last_scale

        def end(x_1: Tensor) -> Tensor:
            return self.last.log_prob(x_1.flatten(1) / S) - D * math.log(S)

        velocity = probability_flow(_Given(self.denoiser, y))
        log_p = ode_log_prob(
            velocity, self.schedule.alpha(zero) * r, end, steps=steps, probes=probes, generator=generator
        )
        return self.never_nan(log_p + D * log_scale)

    # --- samples

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        steps: int = 100,
        eta: float = 1.0,
        guidance: float = 1.0,
        generator: torch.Generator | None = None,
        callback: Callable[[int, Tensor], Any] | None = None,
    ) -> Tensor:
        """n examples, (n, *shape), by so many evaluations of the network (twice as many with guidance).

        eta: 1 ancestral, 0 DDIM; guidance w: 0 without y, 1 with it, more exaggerates (a model that was trained with
        ``drop``). callback(i, x_t) sees each step, as reals. Raises: ValueError for guidance that can't be had.
        """
        count(steps=steps)
        finite(guidance=guidance)
        share_of_noise(eta)
        y = self.draw_condition(n, y, generator)
        if guidance != 1 and not self.drop:
            raise ValueError(f"guidance={guidance} needs a model that was trained with drop=, such as drop=0.1")
        x = self.schedule.last_scale * normal((n, *self.shape), self.last.zero, generator)
        if n == 0:
            return self.pixels.finished(x)
        denoiser = _Given(self.denoiser, y) if y is None else ClassifierFree(self.denoiser, self.schedule, y, guidance)
        x = ddim(denoiser, x, steps_down(steps), eta=eta, generator=generator, callback=callback)
        t = torch.zeros(n, dtype=x.dtype, device=x.device)
        return self.pixels.finished(x / along(self.schedule.alpha(t), x))

    def extra_repr(self) -> str:
        return f"shape={self.shape}, levels={self.levels}, condition={self.condition}, schedule={self.schedule}"


class _Given:
    """A denoiser whose condition is settled: what bounds and samplers ask for."""

    def __init__(self, denoiser: Denoiser, y: Tensor | None, shown: Tensor | None = None):
        self.denoiser, self.schedule, self.y, self.shown = denoiser, denoiser.schedule, y, shown

    def __call__(self, x_t: Tensor, t: Tensor) -> Prediction:
        return self.denoiser(x_t, t, self.y, self.shown)
