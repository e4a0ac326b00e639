"""Guidance by exact scores in the plane, beside what it does not sample; then pictures of a model."""

from genlib.widgets.guidance.widget import guidance

__all__ = ["guidance"]
