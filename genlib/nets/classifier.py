"""A small convolutional classifier: a judge of samples, and the features in which they are compared.

Scores that use its features carry its name, never "FID", whose features come from another network and other pictures.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_picture, whole
from genlib.condition import as_condition
from genlib.model import Trainable
from genlib.nets.conv import ConvEncoder
from genlib.quantize import to_signed


class Classifier(Trainable):
    """p(y | x): integer images (B, C, H, W) -> logits (B, classes). A residual encoder, dropout, one linear map.

    Arguments: shape of one image; levels, pixels are integers 0..levels-1; classes, labels are 0..classes-1; channels
    of the first convolution, doubled with each halving of the image; width of ``features``, what the linear map sees.
    ``loss`` is the cross-entropy in nats. y is what is predicted here, and in ``condition`` only so that it is checked.
    """

    unit = "nats for an example"

    levels: int

    def __init__(self, shape: tuple[int, int, int], levels: int, classes: int, *, channels: int = 8, width: int = 32):
        super().__init__()
        whole(2, levels=levels)
        whole(classes=classes, channels=channels, width=width)
        self.shape, self.levels, self.condition = as_picture(shape), levels, as_condition(classes)
        self.encode = nn.Sequential(ConvEncoder(shape, width, channels=channels), nn.SiLU(), nn.Dropout(0.3))
        self.decide = nn.Linear(width, classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers -> (B, width)."""
        x = self.check_examples(x)
        return self.encode(to_signed(x, self.levels, self.decide.weight.dtype))

    def forward(self, x: Tensor) -> Tensor:
        return self.decide(self.features(x))

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The mean of -log p(y | x) in nats, and the share of errors."""
        x, y = self.check_batch(x, y)
        assert y is not None
        logits = self(x)
        return {"loss": F.cross_entropy(logits, y), "errors": (logits.argmax(1) != y).float().mean()}
