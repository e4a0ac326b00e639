"""Noise that stays, samples that move along, and two estimates of the same gradient."""

from genlib.widgets.reparameterization.widget import reparameterization

__all__ = ["reparameterization"]
