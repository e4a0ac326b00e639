"""What a machine can see wrong in a deck: its length, its notes, equations and exercises that are not the lecture's."""

import re

from genlib.course.build import EXERCISE
from genlib.course.slides import files
from genlib.course.slides.reading import Slide, equations, read_deck, slide_type
from genlib.lectures import Lecture

KINDS = ("split", "question", "exercise", "statement")
SLIDES, MINUTES = (25, 40), (60, 75)


def faults(lecture: Lecture) -> list[str]:
    """What is wrong with the deck of a lecture, in words."""
    text = files.source(lecture).read_text(encoding="utf-8")
    slides = read_deck(text)
    found = [fault for slide in slides for fault in _faults_of(slide)]
    for name, number, (low, high) in (
        ("slides", len(slides), SLIDES),
        ("minutes in its notes", sum(slide.minutes or 0 for slide in slides), MINUTES),
    ):
        if not low <= number <= high:
            found.append(f"the deck has {number:g} {name}; {low} to {high}, please")
    if [slide.kinds == ("title",) for slide in slides] != [True] + [False] * (len(slides) - 1):
        found.append("there is not one title slide (`# Title`), first")
    return found + _equations(lecture, text) + _exercises(lecture, slides)


def _faults_of(slide: Slide) -> list[str]:
    where = f"slide “{slide.title}”"
    found = [] if slide.minutes else [f"{where} has no note: `Note (2 min): what to say, what to ask`"]
    unknown = set(slide.kinds) - {"title", *KINDS}
    if unknown:
        found.append(f"{where} is of no known kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if re.search(r"!\[|<img|https?:", slide.text):
        found.append(f"{where} has a pasted picture or an address; figures come from code cells")
    for cell in slide.cells:
        if slide_type(cell) == "notes" and "$" in cell.source:
            found.append(f"{where}: the speaker's note can't show TeX; write it in words or Unicode")
    return found


def _equations(lecture: Lecture, deck: str) -> list[str]:
    """A numbered equation says on the slide what it says in the lecture."""
    stated = equations(lecture.source.read_text(encoding="utf-8"))
    found = []
    for number, formulas in equations(deck).items():
        if number not in stated:
            found.append(f"equation ({number}) is not in the lecture")
        elif any(tex != stated[number][0] for tex in formulas):
            found.append(f"equation ({number}) differs from the lecture's, which is: {stated[number][0]}")
    return found


def _exercises(lecture: Lecture, slides: list[Slide]) -> list[str]:
    """An exercise that a slide names (as ``Exercise 3.1 · `name` ``) is one of the lecture."""
    text = lecture.source.read_text(encoding="utf-8")
    headings = [EXERCISE.match(line.removeprefix("### ")) for line in text.splitlines() if line.startswith("### ")]
    known = {(match[1], match[2]) for match in headings if match}
    named = [pair for slide in slides for pair in re.findall(r"Exercise (\d+\.\d+) · `(\w+)`", slide.text)]
    return [f"the lecture has no exercise {number} · {name}" for number, name in named if (number, name) not in known]
