"""What teaches: equations that are checked, exercises that understand a wrong answer, and how notebooks are built."""

from genlib.course.check.cell import check
from genlib.course.check.progress import progress
from genlib.course.verify import verify

__all__ = ["check", "progress", "verify"]
