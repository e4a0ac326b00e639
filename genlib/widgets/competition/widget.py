"""Three competitions for probability mass, on the same images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module


class Competition(Drawing):
    """See ``competition``. ``mass`` is the table as it stands, (n, K)."""

    _esm = module("competition")
    alt = "A table of images and labels with a number for each pair, and the same table as p(y|x), p(x) and p(x|y)."

    @property
    def mass(self) -> Tensor:
        return torch.tensor(self.now("mass"), dtype=torch.float64)

    def still(self) -> bytes:
        from genlib import plots

        x = torch.tensor(self.state["images"])[:, None]  # (n, 1, H, W)
        return plots.png(plots.bayes.joint_table(x, self.mass, self.state["labels"], levels=self.state["levels"]))


def competition(images: Tensor, mass: Tensor, labels: Sequence[str], *, levels: int, largest: int = 20) -> Competition:
    """Who pays when one pair (image, label) is seen more often? Drag a slider; p(y|x), p(x) and p(x|y) follow.

    Arguments: images (n, 1, H, W), integers 0..levels-1; mass (n, K), how often each pair was seen, up to ``largest``;
    labels, K names. Returns: a widget; its ``mass`` is the table as it stands.
    Raises: ValueError where the shapes do not fit or a number is out of range.
    """
    if images.dim() != 4 or mass.shape != (len(images), len(labels)):
        raise ValueError(
            f"images {tuple(images.shape)} and {len(labels)} labels need images (n, 1, H, W) and mass "
            f"({len(images)}, {len(labels)}); mass has {tuple(mass.shape)}"
        )
    if not ((mass >= 0) & (mass <= largest)).all() or mass.sum() == 0:
        raise ValueError(f"mass must lie in 0..{largest}, and not all of it be 0")
    state = {
        "images": images[:, 0].tolist(),
        "levels": levels,
        "labels": list(labels),
        "mass": mass.tolist(),
        "largest": largest,
    }
    return Competition(state=state)
