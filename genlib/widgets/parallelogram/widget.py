"""A 2x2 matrix as what it does to the unit square: its two columns to drag, area, determinant, orientation."""

from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module


class Parallelogram(Drawing):
    """See ``parallelogram``. ``matrix`` is the matrix as it stands, (2, 2), float64."""

    _esm = module("parallelogram")

    @property
    def alt(self) -> str:
        det = torch.linalg.det(self.matrix).item()
        return (
            f"The unit square with a letter F in it, and the parallelogram that the matrix makes of it; det {det:.2f}."
        )

    @property
    def matrix(self) -> Tensor:
        columns = self.now("columns")
        return torch.tensor(columns, dtype=torch.float64).T.contiguous()

    def still(self) -> bytes:
        from genlib import plots

        return plots.png(plots.flows.parallelogram(self.matrix))


def parallelogram(matrix: Tensor | Sequence[Sequence[float]] = ((1.5, 0.5), (0.25, 1.25))) -> Parallelogram:
    """Drag the two columns of a 2x2 matrix (or move them with the arrow keys) and see what it does to a square.

    Arguments: matrix (2, 2) at the start, its entries in [-2.5, 2.5]; its columns are the images of the two sides.
    Returns: a widget that needs no kernel; its ``matrix`` is the matrix as it stands. Raises: ValueError.
    """
    matrix = torch.as_tensor(matrix, dtype=torch.float64)
    if matrix.shape != (2, 2) or not (matrix.abs() <= 2.5).all():
        raise ValueError("matrix must have shape (2, 2) and entries in [-2.5, 2.5]")
    return Parallelogram(state={"columns": matrix.T.tolist()})
