r"""A normalising flow: a bijection to latents, and a simple density of them.

.. math:: p(x) = p_Z(f(x))\, |\det J_f(x)|

Whatever the bijection, the density is exact, a sample is one pass back, and every x has its own z.
"""

import math

import torch
from torch import Tensor, nn

from genlib.arguments import as_shape, count, finite, has, instance, whole
from genlib.condition import as_condition
from genlib.flow.base import Base
from genlib.flow.bijection import Bijection, Compose, InverseError
from genlib.model import GenerativeModel
from genlib.quantize import Dequantize


class Flow(GenerativeModel):
    r"""p(x) = p_Z(f(x)) |det J_f(x)| for reals, or for integers through dequantization.

    Arguments: bijection, (B, *shape) -> (B, D), its latents flat; base p_Z, with log_prob(z, y) and sample(n, y); shape
    of one example, by default (D,) of the base; levels, x are integers 0..levels-1, None for reals; noise, a module
    v -> (v + u, log q(u | v)) such as VariationalDequantize, None for uniform noise. With a base that has ``classes``,
    the model is conditional. ``loss`` is in nats for an example.
    """

    unit = "nats for an example"

    def __init__(
        self,
        bijection: Bijection,
        base: Base,
        *,
        shape: tuple[int, ...] | None = None,
        levels: int | None = None,
        noise: nn.Module | None = None,
    ):
        super().__init__()
        instance(Bijection, bijection=bijection)
        has(("D", "log_prob", "sample"), base=base)
        instance(nn.Module, noise=noise)
        if noise is not None and levels is None:
            raise ValueError("noise is for integers: pass levels=, too; a flow of reals needs none")
        self.bijection, self.base = bijection, base
        whole(2, levels=levels)
        self.shape, self.levels = as_shape((base.D,) if shape is None else shape), levels
        self.condition = as_condition(base.classes)
        self.dequantize = None if levels is None else Dequantize(levels)
        self.noise = noise

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reals x (B, *shape) -> (z (B, D), log |det J_f(x)| (B,))."""
        return self.bijection(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, D) -> (x (B, *shape), log |det J| of the inverse at z (B,))."""
        return self.bijection.inverse(z)

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x), or log p(x | y), (B,), nats: the exact density of reals. For a model of integers, in their units:
        x = v + u lies in [0, levels). Integers themselves are refused; ``elbo`` is for them."""
        self.check_shape(x)
        y = self.check_condition(y, len(x))
        if not x.is_floating_point():
            raise ValueError(f"x holds {x.dtype}; log_prob is a density of reals, for integers there is elbo, a bound")
        return self.never_nan(self._log_density(self.check_reals(x), y))

    def elbo(self, x: Tensor, y: Tensor | None = None, k: int = 1) -> Tensor:
        r"""A lower BOUND on log P(x) of integers x, (B,), nats, from k draws of dequantization noise.

        .. math:: \log \frac1k \sum_{j=1}^k \frac{p(x + u_j)}{q(u_j \mid x)}, \qquad u_j \sim q(u \mid x)

        q = 1 for uniform noise. Its mean lies below log P(x) for every k, and comes closer with k.
        """
        x, y = self.check(x, y)
        if self.dequantize is None:
            raise ValueError("this flow models reals: use log_prob, which is exact; or construct it with levels=")
        count(k=k)
        draws = torch.stack([self._bound(x, y) for _ in range(k)])  # (k, B)
        return self.never_nan(draws.logsumexp(0) - math.log(k))

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The mean of -log p(x) of reals, or of minus its bound for integers: nats for an example."""
        x, y = self.check_batch(x, y)
        return {"loss": -(self._log_density(x, y) if self.levels is None else self._bound(x, y)).mean()}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n examples, (n, *shape), integers where the model has levels. Below temperature 1 latents are drawn closer to
        the middle: more typical, less varied, and no longer samples of p."""
        finite(temperature=temperature)
        labels = self.draw_condition(n, y, generator)
        x = self.from_latent(self.base.sample(n, labels, temperature=temperature, generator=generator))
        return x if self.dequantize is None else self.quantize(x)

    def to_latent(self, x: Tensor) -> Tensor:
        """The latents of x, (B, D), all of them. Integers are taken at the middle of their cell, x + 1/2. Raises:
        ValueError for an x that the model gives no place, such as a pixel beyond the levels."""
        self.check_shape(x)
        if not x.is_floating_point():
            x = self.check_examples(x)
            assert self.dequantize is not None
            x = self.dequantize.middle(x)
        z = self.bijection(self.check_reals(x))[0]
        if not z.isfinite().all():
            raise ValueError("x has no latents here: it holds values beyond those that this flow is made for")
        return z

    def from_latent(self, z: Tensor) -> Tensor:
        """The x of latents z (B, D): (B, *shape) reals, in units of the levels where there are any; then ``quantize``
        makes integers of them. Raises: InverseError where x is not finite, or a layer can't be undone."""
        if z.ndim != 2 or z.shape[1] != self.base.D:
            raise ValueError(f"z has shape {tuple(z.shape)}; it must be (B, {self.base.D})")
        x, _ = self.bijection.inverse(self.in_precision(z))
        if not x.isfinite().all():
            raise InverseError(f"{self._first_to_fail(z)} gave values that are not finite")
        return x

    def quantize(self, x: Tensor) -> Tensor:
        """Reals in units of the levels -> integers 0..levels-1."""
        if self.dequantize is None:
            raise ValueError("this flow models reals: it has no levels to quantize to")
        return self.dequantize.quantize(x)

    def _log_density(self, x: Tensor, y: Tensor | None) -> Tensor:
        z, log_det = self.bijection(x)
        return self.base.log_prob(z, y) + log_det  # both (B,): adding before any sum would count log_det D times

    def _bound(self, v: Tensor, y: Tensor | None) -> Tensor:
        """log p(v + u) - log q(u | v) for one draw of the noise, (B,)."""
        if self.noise is not None:
            x, log_q = self.noise(v)
            return self._log_density(x, y) - log_q
        assert self.dequantize is not None
        return self._log_density(self.dequantize(v), y)  # q = 1 on the cell

    def _first_to_fail(self, z: Tensor) -> str:
        if isinstance(self.bijection, Compose) and z.isfinite().all():
            layers = self.bijection.layers
            for i, (x, _) in enumerate(self.bijection.trace_inverse(z)):
                if not x.isfinite().all():
                    number = len(layers) - i + 1
                    return f"layer {number} of {len(layers)}, {type(layers[number - 1]).__name__}:"
        return "the inverse"
