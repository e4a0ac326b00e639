"""Codes in the plane and their cells: Lloyd's algorithm step by step, and a gradient that is copied past argmin."""

from genlib.widgets.cell.widget import cell

__all__ = ["cell"]
