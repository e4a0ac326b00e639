"""Lecture 06 in a browser."""

LECTURE = "06"


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)
