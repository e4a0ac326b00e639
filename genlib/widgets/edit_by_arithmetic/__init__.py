"""Pictures edited by adding vectors to their latents, beside the true pictures."""

from genlib.widgets.edit_by_arithmetic.widget import edit_by_arithmetic

__all__ = ["edit_by_arithmetic"]
