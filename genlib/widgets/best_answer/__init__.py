"""The best discriminator for two densities on a line: drag one of them, and see what the game is worth."""

from genlib.widgets.best_answer.widget import best_answer

__all__ = ["best_answer"]
