r"""Invertible 1x1 convolution: the channels of each pixel are mixed by one matrix, kept in its LU form.

.. math:: W = P L (U + \mathrm{diag}(d)), \quad z_{:,h,w} = W x_{:,h,w}, \qquad \log|\det J| = H W \sum_c \log |d_c|

P is a permutation, L lower triangular with ones on its diagonal, U strictly upper triangular. The determinant of W is
that of d, up to its sign: C additions, where a determinant of W would cost O(C³).

Reference: Kingma, Dhariwal. Glow: Generative Flow with Invertible 1x1 Convolutions. 2018. arXiv:1807.03039
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.flow.bijection import Bijection, InverseError


class InvertibleConv1x1(Bijection):
    """(B, channels, H, W) -> the same shape; starts as a random rotation.

    Learned: lower, upper (C, C), of which only the triangles count, and log_d (C,). P and the signs of d stay as they
    were at the start. Raises: InverseError where the matrix has become so nearly singular that its inverse is inexact.
    """

    P: Tensor
    sign: Tensor
    below: Tensor

    def __init__(self, channels: int):
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels, dtype=torch.double))
        P, L, U = (part.to(torch.get_default_dtype()) for part in torch.linalg.lu(rotation))
        d = U.diagonal()
        self.register_buffer("P", P)
        self.register_buffer("sign", d.sign())
        self.register_buffer("below", torch.ones_like(P).tril(-1))
        self.lower, self.upper, self.log_d = (
            nn.Parameter(L.tril(-1)),
            nn.Parameter(U.triu(1)),
            nn.Parameter(d.abs().log()),
        )

    def triangles(self) -> tuple[Tensor, Tensor]:
        """L and U + diag(d), (C, C) each."""
        L = self.lower * self.below + torch.eye(len(self.P), dtype=self.P.dtype, device=self.P.device)
        return L, self.upper * self.below.T + torch.diag(self.sign * self.log_d.exp())

    def weight(self) -> Tensor:
        """W, (C, C)."""
        L, U = self.triangles()
        return self.P @ L @ U

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(x.device.type, enabled=False):
            return F.conv2d(x, self.weight()[:, :, None, None]), self._log_det(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(z.device.type, enabled=False):
            L, U = self.triangles()
            # W⁻¹ = U⁻¹ L⁻¹ Pᵀ by two triangular solves: exact to rounding, O(C³) once instead of for each pixel
            W_inverse = torch.linalg.solve_triangular(
                U, torch.linalg.solve_triangular(L, self.P.T, upper=False, unitriangular=True), upper=True
            )
            condition = torch.linalg.matrix_norm(self.P @ L @ U, 1) * torch.linalg.matrix_norm(W_inverse, 1)
            if not condition * torch.finfo(z.dtype).eps < 1e-2:
                raise InverseError(
                    f"InvertibleConv1x1: its matrix is nearly singular (condition {condition:.1e}), and "
                    f"{z.dtype} can't undo it exactly; use float64, or a smaller learning rate"
                )
            return F.conv2d(z, W_inverse[:, :, None, None]), -self._log_det(z)

    def _log_det(self, x: Tensor) -> Tensor:
        places = x.shape[2:].numel()  # H W
        return (places * self.log_d.sum()).expand(len(x))
