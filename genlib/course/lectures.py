"""What notebooks show of the lectures: the map of the course. The lectures themselves stand in genlib/lectures.py."""

from typing import TYPE_CHECKING

from genlib.lectures import LECTURES, ROOT, Lecture, available, choose, find

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LECTURES", "ROOT", "Lecture", "available", "choose", "course_map", "find", "map_in_words"]


def course_map() -> "Figure":
    """The lectures and what each builds on, as a figure; those that are there are filled."""
    from genlib import plots

    titles = {lecture.number: f"{lecture.number}  {lecture.title}" for lecture in LECTURES}
    nodes = {lecture.number: (*lecture.place, titles[lecture.number]) for lecture in LECTURES}
    edges = [(before, lecture.number) for lecture in LECTURES for before in lecture.needs]
    return plots.graph(nodes, edges, marked=[lecture.number for lecture in available()])


def map_in_words() -> str:
    """The map for those who can't see it; it lists the lectures that are there, so that a stale one shows."""
    there = ", ".join(lecture.number for lecture in available())
    return f"The lectures as boxes, and arrows to those that build on them. Filled, because they are there: {there}."
