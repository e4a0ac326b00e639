r"""What can be measured in a picture of a character: how far it leans, and how thick its strokes are.

.. math:: \text{slant} = \frac{\sum p\,(u - \bar u)(v - \bar v)}{\sum p\,(v - \bar v)^2}, \qquad
          \text{thickness} = \frac{2 \sum p}{\sum |\nabla p|}

with the ink p in 0..1, u to the right and v upwards. The slant is that of the line that tells best where the ink of a
row lies: sideways per upwards, as the factor of ``glyphs`` is, but a rotation and the character's own form lean it,
too. The sum of |∇p| is the length of all edges, however soft they are (the coarea formula); a stroke of length l and
width w has about l w of ink and 2 l of edge, so that the thickness is w, in pixels.

Reference, on the slant: LeCun, Bottou, Bengio, Haffner. Gradient-based learning applied to document recognition. 1998
"""

import torch
import torch.nn.functional as F
from torch import Tensor

FAINT = 1e-6  # ink or edges in all: below that there is nothing to measure


def slant(x: Tensor) -> Tensor:
    """Sideways per upwards, (n, 1, H, W) of ink in 0..1 -> (n,); 0 where there is none, or in one row only."""
    p = x[:, 0].double()
    v, u = torch.meshgrid(*(torch.arange(side, dtype=p.dtype, device=p.device) for side in p.shape[1:]), indexing="ij")
    ink = p.sum((1, 2), keepdim=True).clamp(min=FAINT)
    u, v = (at - (p * at).sum((1, 2), keepdim=True) / ink for at in (u, -v))  # rows are counted downwards
    across, upwards = (p * u * v).sum((1, 2)), (p * v**2).sum((1, 2))
    return torch.where(upwards > FAINT, across / upwards.clamp(min=FAINT), 0)


def thickness(x: Tensor) -> Tensor:
    """The mean width of the strokes in pixels, (n, 1, H, W) of ink in 0..1 -> (n,); 0 where there is no ink."""
    p = F.pad(x[:, 0].double(), (1, 1, 1, 1))  # paper all around, so that a stroke at the rim has its edges
    right, down = p[:, :-1, 1:] - p[:, :-1, :-1], p[:, 1:, :-1] - p[:, :-1, :-1]
    edges = (right**2 + down**2).sqrt().sum((1, 2))
    return torch.where(edges > FAINT, 2 * p.sum((1, 2)) / edges.clamp(min=FAINT), 0)
