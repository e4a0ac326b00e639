"""A character that you choose or paint, translated, translated back, and the rendered truth beside it."""

from genlib.widgets.there_and_back.widget import there_and_back

__all__ = ["there_and_back"]
