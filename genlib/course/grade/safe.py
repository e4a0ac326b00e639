"""Texts from outside, made so that whoever opens what we write is safe: in a terminal, Markdown, HTML, a spreadsheet.

Names, errors and answers are the learners'. A name may hold a new line, the codes that colour or clear a terminal, half
a letter, marks that turn the direction of writing; a cell of a table may be a formula.
"""

import re
import unicodedata

JOINS = "\u200c\u200d"  # these join letters in Persian, Hindi and emoji
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # what begins one; the last four are the wide forms of the first
# Some spreadsheets part a line at a semicolon, a tab or a bar as well, so a formula could begin there too.
_BEGINS_FORMULA = re.compile(rf"(^|[;,\t|])([\s\"'`]*)(?=[{_FORMULA}])")


def line(text: object, most: int = 500) -> str:
    """One line that every terminal can show as it is: no control characters, nothing that turns its direction."""
    shown = " ".join(_seen(str(text)[: 2 * most]).split())
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def lines(text: object, most: int = 20_000) -> str:
    """The same for a text of several lines, which stay, and stay indented."""
    return "\n".join(_seen(part.expandtabs(4)).rstrip() for part in str(text)[:most].splitlines())


def _seen(text: str) -> str:
    """What is to be seen of a text; the rest becomes spaces and signs of replacement."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(letter if _shows(letter) else " " if letter.isspace() else "\ufffd" for letter in whole)


def _shows(letter: str) -> bool:
    """Whether it is a letter to be seen, or an ordinary space."""
    return letter == " " or letter in JOINS or unicodedata.category(letter)[0] not in "CZ"


def cell(value: object) -> object:
    """A cell of a table that no spreadsheet takes for a formula, however it parts the lines; numbers stay numbers."""
    if isinstance(value, int | float):
        return value
    return _BEGINS_FORMULA.sub(r"\1\2'", line(value, 30_000))


def heading(text: object) -> str:
    """A text within a line of Markdown that stands there as it is: no markup, no HTML, no address to click on."""
    escaped = re.sub(r"([\\`*_\[\]|~$:]|(?<=www)\.)", r"\\\1", line(text, 200))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def block(text: object) -> str:
    """Lines of text as a block of Markdown in which nothing has a meaning.

    Its fence is longer than any within, and a tag of HTML gets a space, for whoever opens the file as a web page.
    """
    shown = re.sub(r"<(?=[a-zA-Z/!?])", "< ", lines(text))
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"
