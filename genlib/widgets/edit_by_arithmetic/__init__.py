"""Pictures edited by adding vectors to their latents, beside the pictures that are meant."""

from genlib.widgets.edit_by_arithmetic.widget import edit_by_arithmetic

__all__ = ["edit_by_arithmetic"]
