"""A caption that you write, its picture token by token, what each token looked at, and a judge's verdict."""

from genlib.widgets.caption.widget import caption

__all__ = ["caption"]
