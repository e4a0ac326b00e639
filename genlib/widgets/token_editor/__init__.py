"""A picture as a grid of tokens that you paint, swap and shuffle, decoded at once."""

from genlib.widgets.token_editor.widget import token_editor

__all__ = ["token_editor"]
