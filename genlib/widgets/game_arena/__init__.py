"""A GAN in the plane that plays in the browser: step one player, watch both, paint your own data."""

from genlib.widgets.game_arena.widget import game_arena

__all__ = ["game_arena"]
