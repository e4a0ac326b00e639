"""An exercise understands answers.

declaring: what an exercise is: its number, a right answer, properties, mistakes, and the verdict on an answer.
calling: running an answer, and what it did: a value, an exception, gradients. limits: how long it may take.
comparing: what differs from the right answer, and in which words.
"""

from genlib.course.exercise.declaring import Exercise, Verdict

__all__ = ["Exercise", "Verdict"]
