"""What a pixel's prediction depends on: masks, layer by layer, walked back from the pixel that is clicked."""

from genlib.widgets.receptive_field.widget import receptive_field

__all__ = ["receptive_field"]
