"""An image to paint on: what a picture is to a model, and what a model says of it while it changes."""

from genlib.widgets.paint.widget import paint

__all__ = ["paint"]
