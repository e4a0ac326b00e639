"""Pictures on their way from noise, and what a denoiser sees in them at each step."""

from genlib.widgets.denoising.widget import denoising

__all__ = ["denoising"]
