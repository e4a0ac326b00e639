"""Stored runs of a model with all its tricks, and with one of them taken away."""

from genlib.widgets.tricks.widget import tricks

__all__ = ["tricks"]
