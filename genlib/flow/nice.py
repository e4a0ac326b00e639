r"""NICE: couplings that only shift, and one diagonal scale at the end.

.. math:: z_a = x_a, \quad z_b = x_b + t(x_a), \qquad \log|\det J| = \sum_i s_i \text{ of the last layer alone}

Shifts keep every volume: without the last layer, the density could be moved about, and nowhere be made thinner.

Reference: Dinh, Krueger, Bengio. NICE: Non-linear Independent Components Estimation. 2014. arXiv:1410.8516
"""

import math
from typing import Any

from genlib.arguments import as_shape
from genlib.flow.base import ClassGaussian, Logistic
from genlib.flow.bijection import Compose
from genlib.flow.coupling import AdditiveCoupling, at_zero
from genlib.flow.elementwise import Affine
from genlib.flow.flow import Flow
from genlib.flow.realnvp import check_architecture, start, turns
from genlib.nets import mlp


class NICE(Flow):
    """NICE of points (D,), or of pictures (C, H, W), with a logistic base.

    Arguments: shape; levels, x are integers 0..levels-1, None for reals; classes, a Gaussian for each label in latent
    space in place of the logistic; couplings; hidden, layers, dropout, of each coupling's network; alpha of the logit
    that pixels with levels pass first. ``loss`` is in nats for an example.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int | None = None,
        classes: int | None = None,
        *,
        couplings: int = 4,
        hidden: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        alpha: float = 0.02,
    ):
        net: dict[str, Any] = {"hidden": hidden, "layers": layers, "dropout": dropout}
        check_architecture(NICE, levels, alpha, couplings, **net)
        D = math.prod(as_shape(shape))
        chain = start(shape, levels, alpha)
        for mask in turns(shape, couplings):
            chain.append(AdditiveCoupling(mask, at_zero(mlp(int(mask.sum()), int((~mask).sum()), **net))))
        base = Logistic(D) if classes is None else ClassGaussian(D, classes)
        super().__init__(Compose(*chain, Affine(D)), base, shape=shape, levels=levels)
