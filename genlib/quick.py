"""GENLIB_QUICK=1 shortens every training to a few steps, so that the plumbing of a notebook is tested in seconds."""

import os


def quick() -> bool:
    """Whether the environment variable GENLIB_QUICK asks for short runs."""
    return os.environ.get("GENLIB_QUICK", "") not in ("", "0")


def steps(n: int) -> int:
    """The number of training steps to take: n, or at most 5 when GENLIB_QUICK is set."""
    return min(n, 5) if quick() else n
