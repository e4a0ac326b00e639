"""Earth in the plane: the shortest way to carry one heap of points to another, and the critic that proves it."""

from genlib.widgets.earth_mover.widget import earth_mover

__all__ = ["earth_mover"]
