"""Models made of two families: the only folder that may import several."""

from genlib.hybrid.cvae_gan import CVAEGAN, mean_feature_distance
from genlib.hybrid.flow_prior_vae import FlowPriorVAE
from genlib.hybrid.iaf_vae import IAFVAE
from genlib.hybrid.latent_diffusion import LatentDiffusion
from genlib.hybrid.pixel_vae import PixelVAE
from genlib.hybrid.text_to_image import TextToImage
from genlib.hybrid.token_prior import TokenPrior
from genlib.hybrid.vqgan import VQGAN

__all__ = [
    "CVAEGAN",
    "IAFVAE",
    "VQGAN",
    "FlowPriorVAE",
    "LatentDiffusion",
    "PixelVAE",
    "TextToImage",
    "TokenPrior",
    "mean_feature_distance",
]
