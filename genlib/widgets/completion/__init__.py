"""Part of a picture is given; a model draws the rest, eight times."""

from genlib.widgets.completion.widget import completion

__all__ = ["completion"]
