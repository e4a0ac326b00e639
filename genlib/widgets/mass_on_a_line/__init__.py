"""Probability mass on a line: a map moves it, stretches it and thins it, and never changes how much there is."""

from genlib.widgets.mass_on_a_line.widget import mass_on_a_line

__all__ = ["mass_on_a_line"]
