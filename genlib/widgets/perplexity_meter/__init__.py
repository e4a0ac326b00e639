"""Which codes are in use, over training: bars that light up, and the perplexity."""

from genlib.widgets.perplexity_meter.widget import perplexity_meter

__all__ = ["perplexity_meter"]
