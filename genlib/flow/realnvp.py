r"""RealNVP: affine couplings whose halves take turns.

.. math:: z_a = x_a, \quad z_b = x_b \odot e^{s(x_a)} + t(x_a)

Changes NICE's shifts for scales and shifts, so that volumes change with x. For pictures the masks are checkerboards and
rows. Here the networks are multilayer perceptrons, which is enough for points and for 8x8 pixels; convolutions and
several scales, as the paper has them, are in glow.py.

Reference: Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. 2017. arXiv:1605.08803
"""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor

from genlib.arguments import as_picture, as_shape, refuse_unused, share, whole
from genlib.flow.base import ClassGaussian
from genlib.flow.bijection import Bijection, Compose
from genlib.flow.coupling import AffineCoupling, at_zero
from genlib.flow.elementwise import Flatten, Logit
from genlib.flow.flow import Flow
from genlib.flow.masks import checkerboard, halves, rows
from genlib.nets import mlp
from genlib.noise import StandardNormal


class RealNVP(Flow):
    """RealNVP of points (D,), or of pictures (C, H, W).

    Arguments: shape; levels, x are integers 0..levels-1, None for reals; classes, a Gaussian for each label in latent
    space; couplings; hidden, layers, dropout, of each coupling's network; bound of the log-scales; alpha of the logit
    that pixels with levels pass first. ``loss`` is in nats for an example.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int | None = None,
        classes: int | None = None,
        *,
        couplings: int = 8,
        hidden: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        bound: float | None = 2.0,
        alpha: float = 0.02,
    ):
        net: dict[str, Any] = {"hidden": hidden, "layers": layers, "dropout": dropout}
        check_architecture(RealNVP, levels, alpha, couplings, **net)
        D = math.prod(as_shape(shape))
        chain = start(shape, levels, alpha)
        for mask in turns(shape, couplings):
            passing, changed = int(mask.sum()), int((~mask).sum())
            chain.append(AffineCoupling(mask, at_zero(mlp(passing, 2 * changed, **net)), bound))
        base = StandardNormal(D) if classes is None else ClassGaussian(D, classes)
        super().__init__(Compose(*chain), base, shape=shape, levels=levels)


def check_architecture(
    of: Callable, levels: int | None, alpha: float, couplings: int, *, hidden: int, layers: int, dropout: float
) -> None:
    """Raises ValueError for what is no size, and for what would change nothing."""
    whole(couplings=couplings, hidden=hidden)
    whole(0, layers=layers)
    share(dropout=dropout)
    if layers == 0:
        refuse_unused(of, "layers=0 has no hidden units", hidden=hidden, dropout=dropout)
    if levels is None:
        refuse_unused(of, "it belongs to the logit of pixels with levels=", alpha=alpha)


def start(shape: tuple[int, ...], levels: int | None, alpha: float) -> list[Bijection]:
    """What comes before the couplings: pixels with levels to reals, pictures to vectors."""
    chain: list[Bijection] = [] if levels is None else [Logit(levels, alpha)]
    return chain if len(shape) == 1 else [*chain, Flatten(shape)]


def turns(shape: tuple[int, ...], couplings: int) -> list[Tensor]:
    """A mask (D,) for each coupling. What one changes the next one lets pass; two and two alternate between kinds."""
    if math.prod(shape) < 2:
        raise ValueError(f"shape {tuple(shape)} holds one value: a coupling needs one that passes and one to change")
    if len(shape) == 1:
        kinds = [halves(*shape)]
    else:
        C, H, W = as_picture(shape)
        kinds = [checkerboard((C, H, W)).flatten(), rows((C, H, W)).flatten()]
    masks = [kinds[i // 2 % len(kinds)] for i in range(couplings)]
    return [mask if i % 2 == 0 else ~mask for i, mask in enumerate(masks)]
