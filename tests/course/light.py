"""Marking without what the lectures' own cells cost: for tests of what a notebook does, not of what it uses."""

import pytest

from genlib.course.grade import one


def lightly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The course's setup becomes an import, and its functions are left out: that is half of a notebook's time."""
    inner = one.steps

    def steps(notebook, lecture):
        in_order, notes = inner(notebook, lecture)
        assert any("setup" in step for step in in_order)
        kept = [step for step in in_order if "ours" not in step]
        return [{"setup": "import torch"} if "setup" in step else step for step in kept], notes

    monkeypatch.setattr(one, "steps", steps)
