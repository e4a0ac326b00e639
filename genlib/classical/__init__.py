"""Models that were there before deep learning, and that need no gradient: they count."""

from genlib.classical.naive_bayes import NaiveBayes

__all__ = ["NaiveBayes"]
