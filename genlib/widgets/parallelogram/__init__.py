"""A 2x2 matrix as what it does to the unit square: its two columns to drag, area, determinant, orientation."""

from genlib.widgets.parallelogram.widget import parallelogram

__all__ = ["parallelogram"]
