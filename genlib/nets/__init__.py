"""Networks that several families share. One used once stays in its family."""

from genlib.nets.classifier import Classifier
from genlib.nets.conditioning import beside
from genlib.nets.conv import ConvDecoder, ConvEncoder, ResidualBlock
from genlib.nets.masked import MaskedLinear, made_masks, unit_degrees
from genlib.nets.mlp import mlp
from genlib.nets.simple import Affine, Residual

__all__ = [
    "Affine",
    "Classifier",
    "ConvDecoder",
    "ConvEncoder",
    "MaskedLinear",
    "Residual",
    "ResidualBlock",
    "beside",
    "made_masks",
    "mlp",
    "unit_degrees",
]
