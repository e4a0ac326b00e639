"""Networks that several families share. One used once stays in its family."""

from genlib.nets.classifier import Classifier
from genlib.nets.conv import ConvDecoder, ConvEncoder, ResidualBlock
from genlib.nets.mlp import mlp

__all__ = ["Classifier", "ConvDecoder", "ConvEncoder", "ResidualBlock", "mlp"]
