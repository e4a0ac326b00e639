"""The measured rows as Markdown: docs/benchmarks.md, and three lines between two comments of the README."""

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from tests.benchmarks import growth

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
PACKAGES = ("torch", "pythae", "normflows", "nflows", "zuko")


def machine() -> str:
    """In words, so that nobody's machine is named."""
    flags = Path("/proc/cpuinfo")
    virtual = "virtual " if flags.exists() and "hypervisor" in flags.read_text() else ""
    words = f"one thread of {os.cpu_count()} cores of a {virtual}{platform.machine().replace('_', '-')} machine"
    words += f" ({platform.system()}, {torch.backends.cpu.get_cpu_capability()})"
    return words + (f", with an {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "")


def circumstances() -> str:
    """Machine, versions, date: a sentence."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name).split('+')[0]}")
        except PackageNotFoundError:
            continue
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return f"Measured on {today}, {machine()}; Python {platform.python_version()}, {', '.join(found)}."


def number(value: float) -> str:
    """Three figures."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def amount(value: float, unit: str) -> str:
    return f"{number(value / 1000)} s" if unit == "ms" and value >= 1000 else f"{number(value)} {unit}"


def cells(row) -> list[str]:
    """What is compared, ours, the peer's, the ratio with its spread, what is asked."""
    if not row.peer:
        return [row.what, amount(row.ours, row.unit), "", "", ""]
    ratio = f"**{number(row.ratio)}** ({number(row.low)} to {number(row.high)})"
    asked = "" if row.asked is None else f"≥ {row.asked:g}"
    return [row.what, amount(row.ours, row.unit), f"{row.peer}: {amount(row.theirs, row.unit)}", ratio, asked]


def table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in rows)


def line(row) -> str:
    """For the terminal, while it runs."""
    return " · ".join(cell.replace("**", "") for cell in cells(row) if cell)


def growth_table(measured) -> str:
    """A line for each curve: its slope, beside the ideal one, and the points."""
    lines = []
    for title, (label, ideal) in growth.PANELS.items():
        for name, (x, y) in measured[title].items():
            points = ", ".join(f"{a}: {amount(b, 'ms')}" for a, b in zip(x, y, strict=True))
            lines.append([f"{name}: {title}", f"{growth.slope(x, y):.2f}", str(ideal), f"{label} {points}"])
    return table(["what grows", "slope", "ideal", "times"], lines)


def document(sections: dict, measured) -> str:
    """docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        "`make bench` measures all of this and writes this page, its figure and three lines in the README. "
        + circumstances(),
        "Both sides of a comparison are measured in turns in one run, in CPU time of one thread, with the same data, "
        "batch and optimizer and parameters within 5 %. Times are medians; a ratio is the median of the pairs' ratios, "
        "peer / ours, with the least and the largest pair. Above 1, ours is faster.",
    ]
    for title, (text, rows) in sections.items():
        if rows:
            head = ["what is compared", "ours", "the other", "ratio (spread)", "asked"]
            parts += [f"## {title}", text, table(head, [cells(row) for row in rows])]
    parts += [
        "## How cost grows",
        "The slope is that of the logarithms over the last three points: with slope 1, twice as much takes twice as "
        "long. A sample of D = side² values that costs the same for each has slope 2 over the side; without a cache it "
        "would be 4. Attention looks back at everything, so its slope lies between. Several samples at once share what "
        "is paid once, so over the batch less than 1 is good.",
        "![Three panels with logarithmic axes: sampling time over the side of the image and over the batch, time of a "
        "training step over depth, each with a dashed line of the ideal slope.](benchmarks_growth.png)",
        growth_table(measured),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def short(rows) -> str:
    """The README's three lines: beside other libraries, beside sampling without a cache, beside the usual tools."""
    main = [row for row in rows if row.main]
    libraries = [row for row in main if row.peer in PACKAGES]
    naive = [row for row in main if row.peer == "naive"]
    others = [row for row in main if row not in libraries and row not in naive]
    lines = []
    if libraries:
        names = ", ".join(dict.fromkeys(row.peer for row in libraries))
        lines.append(f"- VAEs and flows beside {names}, the same networks: they take {times(libraries)} our time.")
    if naive:
        lines.append(
            f"- Cached autoregressive sampling: without the cache the same samples take {times(naive)} our time."
        )
    if others:
        each = "; ".join(f"{row.what}: {row.peer} takes {times([row])} our time" for row in others)
        lines.append(f"- {each}.")
    return "\n".join(lines)


def times(rows) -> str:
    """The ratios of these rows, from the least to the largest."""
    least, largest = (number(f(row.ratio for row in rows)) for f in (min, max))
    return f"**{least}×**" if least == largest else f"**{least}** to **{largest}×**"


def between(text: str, new: str) -> str:
    """The text with what stands between the two comments replaced."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{new}\n{END}{after}"


def write(folder: Path, sections: dict, measured) -> None:
    """docs/benchmarks.md, docs/benchmarks_growth.png and the README's lines, in this folder."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "benchmarks.md").write_text(document(sections, measured), encoding="utf-8")
    growth.figure(measured).savefig(folder / "docs" / "benchmarks_growth.png", dpi=90, metadata={"Software": None})
    readme = folder / "README.md"
    rows = [row for _, rows in sections.values() for row in rows]
    new = f"{short(rows)}\n\n{circumstances()}"
    readme.write_text(between(readme.read_text(encoding="utf-8"), new), encoding="utf-8")
