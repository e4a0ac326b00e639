"""Data that is there at once, offline: real digits and densities in the plane."""

from genlib.data.dataset import Dataset
from genlib.data.digits import digits
from genlib.data.toy import toy

__all__ = ["Dataset", "digits", "toy"]
