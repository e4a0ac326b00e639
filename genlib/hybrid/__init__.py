"""Models made of two families: the only folder that may import several."""

from genlib.hybrid.flow_prior_vae import FlowPriorVAE
from genlib.hybrid.iaf_vae import IAFVAE
from genlib.hybrid.pixel_vae import PixelVAE

__all__ = ["IAFVAE", "FlowPriorVAE", "PixelVAE"]
