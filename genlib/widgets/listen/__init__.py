"""Sounds of several models from the same spectrogram, seen and heard side by side."""

from genlib.widgets.listen.widget import listen

__all__ = ["listen"]
