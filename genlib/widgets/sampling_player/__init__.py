"""A picture while it is drawn: what stands already, how the next pixel is distributed, what each one cost."""

from genlib.widgets.sampling_player.widget import sampling_player

__all__ = ["sampling_player"]
