"""Models that were there before deep learning, and that need no gradient: they count."""

from genlib.classical.back_off import back_off_bits
from genlib.classical.naive_bayes import NaiveBayes

__all__ = ["NaiveBayes", "back_off_bits"]
