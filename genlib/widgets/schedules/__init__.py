"""A curve of the log signal-to-noise ratio to drag, and what each moment of it costs."""

from genlib.widgets.schedules.widget import schedules

__all__ = ["schedules"]
