"""Vector quantization: pictures as tokens of a codebook, and back."""

from genlib.likelihoods import Logistic
from genlib.vq.fsq import FSQ
from genlib.vq.gumbel_vae import GumbelVAE, cooled, gumbel_softmax, kl_to_uniform
from genlib.vq.quantizer import Codes, Quantizer, perplexity
from genlib.vq.vqvae import VQVAE

__all__ = [
    "FSQ",
    "VQVAE",
    "Codes",
    "GumbelVAE",
    "Logistic",
    "Quantizer",
    "cooled",
    "gumbel_softmax",
    "kl_to_uniform",
    "perplexity",
]
