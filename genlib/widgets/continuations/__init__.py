"""The beginning of a text is given; a model writes on."""

from genlib.widgets.continuations.widget import continuations

__all__ = ["continuations"]
