"""Rate against distortion of the linear VAE: eigenvalues under water, a curve, and the pictures that come of it."""

from genlib.widgets.rate_distortion.widget import rate_distortion

__all__ = ["rate_distortion"]
