"""Three competitions for probability mass, on the same images."""

from genlib.widgets.competition.widget import competition

__all__ = ["competition"]
