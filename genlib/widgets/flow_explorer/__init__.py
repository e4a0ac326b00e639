"""A trained flow of the plane, layer by layer: how it bends a grid, where a point goes, how much the plane swells."""

from genlib.widgets.flow_explorer.widget import flow_explorer

__all__ = ["flow_explorer"]
