"""Networks that several families share. One used once stays in its family."""

from genlib.nets.classifier import Classifier
from genlib.nets.conditioning import TimeAndCondition, TimeFeatures, beside
from genlib.nets.contrastive import Contrastive
from genlib.nets.conv import ConvDecoder, ConvEncoder, ResidualBlock
from genlib.nets.dit import DiT
from genlib.nets.masked import MaskedLinear, made_masks, unit_degrees
from genlib.nets.mlp import mlp
from genlib.nets.residual_mlp import ResidualMLP
from genlib.nets.simple import Affine, Residual
from genlib.nets.unet import UNet
from genlib.nets.unmasker import Unmasker

__all__ = [
    "Affine",
    "Classifier",
    "Contrastive",
    "ConvDecoder",
    "ConvEncoder",
    "DiT",
    "MaskedLinear",
    "Residual",
    "ResidualBlock",
    "ResidualMLP",
    "TimeAndCondition",
    "TimeFeatures",
    "UNet",
    "Unmasker",
    "beside",
    "made_masks",
    "mlp",
    "unit_degrees",
]
