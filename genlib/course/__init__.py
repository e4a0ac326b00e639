"""What teaches: equations that are checked, exercises that understand a wrong answer, and how notebooks are built."""

from genlib.course.checking import check
from genlib.course.solved import progress
from genlib.course.verify import verify

__all__ = ["check", "progress", "verify"]
