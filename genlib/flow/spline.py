r"""Rational-quadratic splines: a coupling that can bend, where an affine one can only scale and shift.

On [-c, c], K bins, in each a quotient of two quadratics that rises from one knot to the next. With θ in [0, 1] the
place within a bin, h its height, s the slope of its chord, d₀ and d₁ the slopes at its ends:

.. math:: z = z_0 + h\, \frac{s \theta^2 + d_0\, \theta (1 - \theta)}{s + (d_0 + d_1 - 2 s)\, \theta (1 - \theta)},

.. math:: \frac{dz}{dx} = \frac{s^2 \big(d_1 \theta^2 + 2 s\, \theta (1 - \theta) + d_0 (1 - \theta)^2\big)}
          {\big(s + (d_0 + d_1 - 2 s)\, \theta (1 - \theta)\big)^2}

Undone by the root of a quadratic equation. Outside [-c, c] nothing changes.

Reference: Durkan, Bekasov, Murray, Papamakarios. Neural Spline Flows. 2019. arXiv:1906.04032
"""

import math
import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, needed, positive, whole
from genlib.flow.base import ClassGaussian
from genlib.flow.bijection import Compose
from genlib.flow.coupling import Coupling, at_zero
from genlib.flow.flow import Flow
from genlib.flow.realnvp import check_architecture, start, turns
from genlib.nets import mlp
from genlib.noise import StandardNormal

LEAST = 1e-3  # of a bin's width and height, as a share of 2c, and of a slope: what is steeper can't be undone exactly


def rational_quadratic_spline(
    x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    """The spline at each value of x, or its inverse there, and the logarithm of its slope, both of x's shape.

    Arguments: x (…); widths, heights (…, K) and slopes (…, K - 1) of the inner knots, all unbounded: what a network
    says. Zeros give the identity.
    """
    x_knots, y_knots = _knots(widths, bound), _knots(heights, bound)  # (…, K + 1) each
    inner = LEAST + F.softplus(slopes + math.log(math.expm1(1 - LEAST)))  # 1 where the network says 0
    d = F.pad(inner, (1, 1), value=1.0)  # (…, K + 1): at the ends it joins the identity
    inside = (x > -bound) & (x < bound)
    v = torch.where(inside, x, 0.0)[..., None]  # outside, any value will do: it is replaced below
    bin = (v >= (y_knots if inverse else x_knots)[..., 1:-1]).sum(-1, keepdim=True)  # (…, 1), 0..K-1

    def at(values: Tensor, index: Tensor) -> Tensor:
        return values.gather(-1, index)[..., 0]

    x0, x1, z0, z1 = at(x_knots, bin), at(x_knots, bin + 1), at(y_knots, bin), at(y_knots, bin + 1)
    d0, d1, w, h, v = at(d, bin), at(d, bin + 1), x1 - x0, z1 - z0, v[..., 0]
    s = h / w
    bend = d0 + d1 - 2 * s
    if inverse:  # a θ² + b θ + c = 0, by the form of its root that loses no digits
        y = v - z0
        a, b, c = h * (s - d0) + y * bend, h * d0 - y * bend, -s * y
        theta = 2 * c / (-b - (b**2 - 4 * a * c).clamp(min=0).sqrt())
    else:
        theta = (v - x0) / w
    mixed = theta * (1 - theta)
    below = s + bend * mixed
    log_slope = 2 * s.log() + (d1 * theta**2 + 2 * s * mixed + d0 * (1 - theta) ** 2).log() - 2 * below.log()
    out = x0 + theta * w if inverse else z0 + h * (s * theta**2 + d0 * mixed) / below
    log_slope = torch.where(inside, -log_slope if inverse else log_slope, 0.0)
    return torch.where(inside, out, x), log_slope


def _knots(unbounded: Tensor, bound: float) -> Tensor:
    """(…, K) of what a network says -> K + 1 rising places from -bound to bound."""
    K = unbounded.shape[-1]
    share = LEAST + (1 - LEAST * K) * unbounded.softmax(-1)
    inner = 2 * bound * share.cumsum(-1)[..., :-1] - bound
    return F.pad(F.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)  # the ends exactly


class SplineCoupling(Coupling):
    """Half of x passes, and bends the other half, each value by a spline of its own.

    Changes RealNVP's affine map of a value for one of many pieces: in one dimension a single layer can already
    separate two modes.
    Arguments: mask (D,), True where x passes; net: (B, |a|, …) -> (B, (3 bins - 1)|b|, …): widths, heights, slopes;
    bins K; bound c.
    """

    def __init__(self, mask: Tensor, net: nn.Module, bins: int = 8, bound: float = 4.0):
        super().__init__(mask, net)
        whole(2, bins=bins)
        needed(bound=bound)
        positive(bound=bound)
        if bins > 100:
            raise ValueError(f"bins={bins} must be at most 100: narrower ones can't be undone exactly")
        self.bins, self.bound = bins, bound

    def change(self, b: Tensor, how: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        K = self.bins
        pieces = how.view(len(b), b.shape[1], 3 * K - 1, *b.shape[2:]).movedim(2, -1)  # (B, |b|, …, 3K - 1)
        widths, heights, slopes = pieces.split([K, K, K - 1], -1)
        z, log_slope = rational_quadratic_spline(b, widths, heights, slopes, self.bound, inverse)
        return z, log_slope.flatten(1).sum(1)

    def undo(self, b: Tensor, how: Tensor) -> tuple[Tensor, Tensor]:
        self.tell_what_is_lost(b, how)
        return self.change(b, how, inverse=True)

    @torch.no_grad()
    def tell_what_is_lost(self, b: Tensor, how: Tensor) -> None:
        """Warns where rounding z moves x by a hundredth: an almost flat piece sends many x to what is one z in floats.

        A sample is as good as any other that has this z; but an x that went forward may come back elsewhere.
        """
        rounding = torch.finfo(b.dtype).eps * self.bound
        low, high = (self.change(b + by, how, inverse=True)[0] for by in (-rounding, rounding))
        off = ((high - low) / 2).max().item() if b.numel() else 0.0
        if off > 0.01:
            warnings.warn(
                f"SplineCoupling: it is so flat in places that {b.dtype} can't undo it there, x may come back off by "
                f"{off:.1g}; use float64, or a smaller learning rate",
                stacklevel=2,
            )


class SplineFlow(Flow):
    """Spline couplings whose halves take turns, for points (D,) or small pictures (C, H, W).

    Arguments: as of RealNVP; bins and bound of the splines. ``loss`` is in nats for an example.
    """

    def __init__(
        self,
        shape: tuple[int, ...] = (2,),
        levels: int | None = None,
        classes: int | None = None,
        *,
        couplings: int = 4,
        hidden: int = 32,
        layers: int = 2,
        bins: int = 8,
        bound: float = 4.0,
        dropout: float = 0.0,
        alpha: float = 0.02,
    ):
        net: dict[str, Any] = {"hidden": hidden, "layers": layers, "dropout": dropout}
        whole(2, bins=bins)
        check_architecture(SplineFlow, levels, alpha, couplings, **net)
        D = math.prod(as_shape(shape))
        chain = start(shape, levels, alpha)
        for mask in turns(shape, couplings):
            passing, changed = int(mask.sum()), int((~mask).sum())
            chain.append(SplineCoupling(mask, at_zero(mlp(passing, (3 * bins - 1) * changed, **net)), bins, bound))
        base = StandardNormal(D) if classes is None else ClassGaussian(D, classes)
        super().__init__(Compose(*chain), base, shape=shape, levels=levels)
