"""Networks that several families share. One used once stays in its family."""

from genlib.nets.classifier import Classifier
from genlib.nets.conditioning import beside
from genlib.nets.contrastive import Contrastive
from genlib.nets.conv import ConvDecoder, ConvEncoder, ResidualBlock
from genlib.nets.masked import MaskedLinear, made_masks, unit_degrees
from genlib.nets.mlp import mlp

__all__ = [
    "Classifier",
    "Contrastive",
    "ConvDecoder",
    "ConvEncoder",
    "MaskedLinear",
    "ResidualBlock",
    "beside",
    "made_masks",
    "mlp",
    "unit_degrees",
]
