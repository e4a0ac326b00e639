"""A density that you draw, noised and learned in the browser, beside its exact score."""

from genlib.widgets.draw_density.widget import draw_density

__all__ = ["draw_density"]
