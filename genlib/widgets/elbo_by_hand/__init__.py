"""The ELBO of a one-dimensional model, by hand: set the mean and the width of q and watch the gap."""

from genlib.widgets.elbo_by_hand.widget import elbo_by_hand, exact

__all__ = ["elbo_by_hand", "exact"]
