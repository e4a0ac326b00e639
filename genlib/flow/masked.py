r"""Masked autoregressive flows: every value is scaled and shifted by what comes before it.

.. math:: z_i = x_i\, e^{s_i(x_1, \dots, x_{i-1})} + t_i(x_1, \dots, x_{i-1}), \qquad
          \log|\det J| = \sum_i s_i(x_1, \dots, x_{i-1})

The Jacobian is triangular. One masked perceptron gives all s_i and t_i in one pass, so the density costs one pass; but
x_i can be taken back only when x_1, …, x_{i-1} are there, so a sample costs D passes. ``Inverse`` exchanges the two: an
inverse autoregressive flow samples in one pass, and needs D passes for the density of what it did not draw itself.

References: Papamakarios, Pavlakou, Murray. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057.
Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving Variational Inference with Inverse Autoregressive
Flow. 2016. arXiv:1606.04934
"""

import math

import torch
from torch import Tensor, nn

from genlib.arguments import as_shape, needed, positive, refuse_unused, whole
from genlib.flow.base import ClassGaussian
from genlib.flow.bijection import Bijection, Compose, Inverse, full_precision
from genlib.flow.coupling import at_zero
from genlib.flow.elementwise import Permute
from genlib.flow.flow import Flow
from genlib.flow.realnvp import start
from genlib.nets import MaskedLinear, made_masks
from genlib.noise import StandardNormal


class MaskedAffine(Bijection):
    """One step of a masked autoregressive flow, (B, D) -> (B, D): forward in one pass, inverse in D.

    Arguments: D; hidden units in each of ``layers`` layers; bound c of the log-scales, s = c tanh(r / c), as in a
    coupling; context, how many numbers c (B, context) both directions are given besides: all s_i and t_i but the first
    hear of them. It starts as the identity.
    """

    def __init__(self, D: int, *, hidden: int = 64, layers: int = 2, bound: float = 2.0, context: int = 0):
        super().__init__()
        whole(D=D, hidden=hidden, layers=layers)
        whole(0, context=context)
        needed(bound=bound)
        positive(bound=bound)
        self.D, self.bound = D, bound
        masks = made_masks(D, hidden, layers)
        masks[-1] = masks[-1].repeat_interleave(2, 0)  # r_i and t_i
        self.linears = at_zero(nn.ModuleList(MaskedLinear(mask) for mask in masks))
        self.given = nn.Linear(context, hidden, bias=False) if context else None

    def scale_and_shift(self, x: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, D) -> s, t, each (B, D); the i-th of them depends on x_1, …, x_{i-1} alone, and on c."""
        if (c is None) != (self.given is None):
            raise ValueError(f"c is {'missing' if c is None else 'given'}: a step with context= takes it, no other")
        h = self.linears[0](x) if self.given is None else self.linears[0](x) + self.given(c)
        for linear in self.linears[1:]:
            h = linear(h.relu())
        r, t = full_precision(h).unflatten(1, (self.D, 2)).unbind(2)
        return self.bound * torch.tanh(r / self.bound), t

    def forward(self, x: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        s, t = self.scale_and_shift(x, c)
        return x * s.exp() + t, s.sum(1)

    def inverse(self, z: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = torch.zeros_like(z)
        for i in range(self.D):  # what stands in x after position i plays no role for s_i and t_i
            s, t = self.scale_and_shift(x, c)
            x = torch.cat([x[:, :i], ((z - t) * (-s).exp())[:, i : i + 1], x[:, i + 1 :]], 1)
        return x, -self.scale_and_shift(x, c)[0].sum(1)


class MAF(Flow):
    """A masked autoregressive flow of points (D,), or of pictures (C, H, W) as vectors: densities in one pass.

    Arguments: shape; levels, x are integers 0..levels-1, None for reals; classes, a Gaussian for each label in latent
    space; depth, the number of steps, each in the reverse order of the one before; hidden, layers of each step's masked
    perceptron; bound of the log-scales; alpha of the logit that pixels with levels pass first. ``loss`` is in nats for
    an example. A sample takes depth x D passes.
    """

    fast = "density"

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int | None = None,
        classes: int | None = None,
        *,
        depth: int = 4,
        hidden: int = 64,
        layers: int = 2,
        bound: float = 2.0,
        alpha: float = 0.02,
    ):
        shape = as_shape(shape)
        whole(depth=depth)
        if levels is None:
            refuse_unused(MAF, "it belongs to the logit of pixels with levels=", alpha=alpha)
        D = math.prod(shape)
        chain = start(shape, levels, alpha)
        for k in range(depth):
            step = MaskedAffine(D, hidden=hidden, layers=layers, bound=bound)
            chain += [Permute(torch.arange(D).flip(0))] if k else []
            chain += [step if self.fast == "density" else Inverse(step)]
        base = StandardNormal(D) if classes is None else ClassGaussian(D, classes)
        super().__init__(Compose(*chain), base, shape=shape, levels=levels)


class IAF(MAF):
    """An inverse autoregressive flow: the steps of a MAF, read in the other direction. A sample takes ``depth`` passes,
    the density of given data depth x D of them, so it is slow to train by likelihood. Arguments: those of MAF."""

    fast = "samples"
