r"""Planar layer: space is pushed along one direction, the more the closer to a hyperplane.

.. math:: z = x + u \tanh(w^\top x + b), \qquad |\det J| = \big|1 + (1 - \tanh^2(w^\top x + b))\, w^\top u\big|

A full D x D Jacobian whose determinant costs O(D): it is the identity plus a matrix of rank one. It is invertible where
wᵀu > -1, which u is made to obey, but its inverse has no formula: a flow of these has a density and no fast samples.

Reference: Rezende, Mohamed. Variational Inference with Normalizing Flows. 2015. arXiv:1505.05770
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.flow.bijection import Bijection, InverseError


class Planar(Bijection):
    """(B, D) -> (B, D), density only: ``inverse`` raises InverseError. Learned: w, v (D,), b."""

    def __init__(self, D: int):
        super().__init__()
        self.w, self.v = nn.Parameter(torch.randn(D) / D**0.5), nn.Parameter(0.1 * torch.randn(D))
        self.b = nn.Parameter(torch.zeros(()))

    def u(self) -> Tensor:
        """v, moved along w until wᵀu = softplus(wᵀv) - 1 > -1."""
        wv = self.w @ self.v
        return self.v + (F.softplus(wv) - 1 - wv) * self.w / self.w.square().sum()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        u, bent = self.u(), torch.tanh(x @ self.w + self.b)  # (D,), (B,)
        return x + u * bent[:, None], torch.log1p((1 - bent**2) * (self.w @ u))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        raise InverseError("Planar: its inverse has no formula; a flow of planar layers gives densities, not samples")
