"""An exercise understands answers.

declaring: what an exercise is: its number, a right answer, properties, mistakes, and the verdict on an answer.
answer: a learner's answer, as its judge knows it. calling: running one, and what it did: a value, a stop, gradients.
plain: the strict form of what comes back. state: the global state in which it runs. limits: how long it may take.
comparing: what differs from the right answer, and in which words.
"""

from genlib.course.exercise.declaring import Exercise, Verdict

__all__ = ["Exercise", "Verdict"]
