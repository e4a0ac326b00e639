"""The smallest GAN, as a plane of arrows: one fake point against one slope."""

from genlib.widgets.dirac_game.widget import dirac_game

__all__ = ["dirac_game"]
