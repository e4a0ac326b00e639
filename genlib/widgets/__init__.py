"""What moves. Each is a function that returns a widget for a notebook cell."""

from genlib.widgets.competition import competition
from genlib.widgets.paint import paint

__all__ = ["competition", "paint"]
