"""Autoregressive models: exact likelihoods, one conditional after another."""

from genlib.autoregressive.base import receptive_field
from genlib.autoregressive.gated_pixel_cnn import GatedPixelCNN
from genlib.autoregressive.made import MADE
from genlib.autoregressive.masks import causal_mask
from genlib.autoregressive.pixel_cnn import PixelCNN
from genlib.autoregressive.pixel_rnn import PixelRNN
from genlib.autoregressive.sampling import distribution, draw
from genlib.autoregressive.transformer import Transformer
from genlib.autoregressive.wavenet import WaveNet
from genlib.nets import made_masks

__all__ = [
    "MADE",
    "GatedPixelCNN",
    "PixelCNN",
    "PixelRNN",
    "Transformer",
    "WaveNet",
    "causal_mask",
    "distribution",
    "draw",
    "made_masks",
    "receptive_field",
]
