r"""Captions and pictures in one space: a small contrastive model, which says how well the two go together.

.. math:: s_{ij} = \frac{u(x_i) \cdot v(y_j)}{\tau}, \qquad
          \mathcal L = -\frac{1}{2B} \sum_i \Big( \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}}
          + \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}} \Big), \qquad |u| = |v| = 1

Of a batch, each picture is to find its caption and each caption its picture. Our own, trained on our own pictures:
nothing that it says can be compared with CLIP, whose recipe it is.

Reference: Radford et al. Learning transferable visual models from natural language supervision. 2021. arXiv:2103.00020
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture, needed, whole
from genlib.condition import Condition, as_condition
from genlib.model import Trainable
from genlib.nets.conv import ConvEncoder
from genlib.quantize import to_signed


class Contrastive(Trainable):
    """Pictures and what they are given, as vectors of length 1 whose products are large where they belong together.

    Arguments: shape of one picture; levels, pixels are integers 0..levels-1; condition, such as ``Tokens(8, 19)``, or
    classes; width of the vectors; channels of the first convolution; stages, how often a picture is halved. ``loss`` is
    in nats: log B for a batch of B at random. A batch that holds a caption twice asks for what can't be told.
    """

    unit = "nats for an example"

    levels: int

    def __init__(
        self,
        shape: tuple[int, int, int],
        levels: int,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        width: int = 64,
        channels: int = 16,
        stages: int = 2,
    ):
        super().__init__()
        whole(2, levels=levels)
        whole(width=width, channels=channels, stages=stages)
        given = as_condition(classes, condition)
        needed(condition=given)
        assert given is not None
        self.shape, self.levels, self.condition = as_picture(shape), levels, given
        self.picture = ConvEncoder(self.shape, width, channels=channels, stages=stages)
        self.given = nn.Sequential(given.encoder(width), nn.Linear(width, width))
        self.log_scale = nn.Parameter(torch.tensor(-math.log(0.07)))  # log 1 / τ

    def pictures(self, x: Tensor) -> Tensor:
        """u(x), (B, width), of length 1."""
        x = self.check_examples(x)
        return F.normalize(self.picture(to_signed(x, self.levels, self.log_scale.dtype)), dim=1)

    def captions(self, y: Tensor) -> Tensor:
        """v(y), (B, width), of length 1."""
        return F.normalize(self.given(self.check_condition(y, len(y))).to(self.log_scale.dtype), dim=1)

    def score(self, x: Tensor, y: Tensor) -> Tensor:
        """u(x) · v(y) of each pair, (B,), -1..1: what a reranker sorts by."""
        return (self.pictures(x) * self.captions(y)).sum(1)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, the mean of both directions, nats; errors, the share of pictures that find another caption."""
        x, y = self.check_batch(x, y)
        assert y is not None
        s = self.pictures(x) @ self.captions(y).T * self.log_scale.clamp(max=math.log(100)).exp()
        own = torch.arange(len(x), device=x.device)
        loss = (F.cross_entropy(s, own) + F.cross_entropy(s.T, own)) / 2
        return {"loss": loss, "errors": (s.argmax(1) != own).to(s).mean()}
