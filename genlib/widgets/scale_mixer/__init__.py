"""Latents of a flow with several scales, taken scale by scale from two pictures or drawn anew."""

from genlib.widgets.scale_mixer.widget import scale_mixer

__all__ = ["scale_mixer"]
