"""Activations that are stored, or rebuilt by inverting: what a chain holds at each step, and what was measured."""

from genlib.widgets.memory_meter.widget import memory_meter

__all__ = ["memory_meter"]
