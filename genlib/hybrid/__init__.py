"""Models made of two families: the only folder that may import several."""

from genlib.hybrid.pixel_vae import PixelVAE

__all__ = ["PixelVAE"]
