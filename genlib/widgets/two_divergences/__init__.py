"""Fit a Gaussian to a target with two modes by hand, and watch both Kullback-Leibler divergences."""

from genlib.widgets.two_divergences.widget import two_divergences

__all__ = ["two_divergences"]
