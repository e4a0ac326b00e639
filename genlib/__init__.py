"""genlib: the mathematics of the course, small enough to read in class."""

__version__ = "0.1.0"
