"""A latent space to walk in: a point that you drag, and what a decoder makes of it."""

from genlib.widgets.latent_pad.widget import latent_pad

__all__ = ["latent_pad"]
