"""The repository keeps its word: the README is true, the settings agree, the imports go one way, the style holds."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from genlib.course import exercises
from genlib.course.build import EXERCISE, headings, read_source
from genlib.course.build.lint import ragged
from genlib.lectures import LECTURES, ROOT, available, find

PROJECT_FILE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PROJECT_FILE["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)


def tool(name: str) -> Path:
    return Path(sys.executable).parent / name


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower().replace("_", "-")


def table() -> str:
    """The table of lectures that the README must show."""
    lines = []
    for lecture in LECTURES:
        there = lecture in available()
        title = f"[{lecture.title}](notebooks/solutions/{lecture.name}.ipynb)" if there else lecture.title
        minutes = str(lecture.minutes) if there else ""
        count = str(len(exercises.of_lecture(lecture.number))) if there else ""
        status = STATUS.get(lecture.number, "ready") if there else "planned"
        learn = lecture.learn.replace("|", "\\|")  # or the cell would end there
        lines.append(f"| {lecture.number} | {title} | {learn} | {minutes} | {count} | {status} |")
    return "\n".join(lines)


STATUS = {}


def test_the_readme_lists_the_lectures_as_they_are():
    assert table() in README, f"put this into the README:\n{table()}"


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md")))])
def test_the_lines_of_every_table_have_the_cells_of_its_header(page):
    assert ragged((ROOT / page).read_text(encoding="utf-8")) == []


def test_the_links_and_pictures_of_the_readme_exist():
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)]+)\)", README):
        assert text
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_command_that_the_readme_names_exists():
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    for target in re.findall(r"`?make ([a-z-]+)`?", README):
        assert target in targets, target
    known = run(tool("genlib"), "--help").stdout
    for command in re.findall(r"genlib[`]? ([a-z]+)", README):
        if command not in ("it", "is"):
            assert command in known, command


@pytest.mark.parametrize("lecture", available(), ids=lambda lecture: lecture.number)
def test_the_minutes_stand_in_the_lecture_too(lecture):
    source = read_source(lecture)
    text = "\n".join(cell.source for cell in source.cells[:3])
    assert f"**Minutes:** {lecture.minutes}" in text
    stated = [int(m[3]) for m in (EXERCISE.match(t) for _, t in headings(source)) if m]
    assert sum(stated) < lecture.minutes


def test_make_help_lists_the_targets():
    done = run("make", "help")
    for target in ("lab", "test", "build"):
        assert f"make {target}" in done.stdout


# Dependencies ---------------------------------------------------------------------------------------------------------


def constraints(name: str = "constraints.txt") -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return {name_of(line): line.split("==")[1] for line in lines if line and not line.startswith("#")}


def test_what_is_required_is_pinned_in_the_tested_set_and_within_its_range():
    from packaging.requirements import Requirement

    extras = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    tested = constraints("tests/benchmarks/constraints.txt") | constraints()  # the peers, and the set of the course
    assert not {name_of(r) for r in PROJECT["optional-dependencies"]["bench"]} & set(constraints())
    for requirement in map(Requirement, [*PROJECT["dependencies"], *extras]):
        if requirement.name == "genlib":
            continue
        version = tested.get(name_of(requirement.name))
        assert version, f"{requirement.name} is missing in constraints.txt"
        assert requirement.specifier.contains(version), f"{requirement} does not admit {version}"
        assert not any(s.operator in ("==", "<", "<=") for s in requirement.specifier), (
            f"{requirement}: no upper bounds"
        )


def test_the_tested_set_is_what_runs_here():
    from importlib.metadata import version

    tested = constraints(os.environ.get("CONSTRAINTS", "constraints.txt"))  # make test CONSTRAINTS=FILE tests others
    for name in ("torch", "jupyterlab", "nbval", "ipywidgets", "matplotlib", "jupytext", "anywidget"):
        assert version(name).split("+")[0] == tested[name], name


def test_the_conda_environment_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    assert "pip" in conda
    python = next(d for d in conda if d.startswith("python="))
    from packaging.specifiers import SpecifierSet

    assert SpecifierSet(PROJECT["requires-python"]).contains(python.split("=")[1])
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["--constraint constraints.txt", "--editable .[lab]"], (
        "what pyproject.toml says, and nothing beside it"
    )


def test_nothing_names_a_registry_or_a_machine():
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.split()
    assert files, "not a git checkout"
    registry = re.compile(r"(py[p]i|python[h]osted|npm[j]s)\.(org|com)|uv\.lock\b.*sha256")
    for name in files:
        path = ROOT / name
        if path.suffix in (".png", ".safetensors") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        assert not registry.search(text), name
        assert str(ROOT) not in text, f"{name} names a path of this machine"
    assert "uv.lock" not in files


# Style and structure


HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]


# The JavaScript is linted by tests/javascript/test_javascript.py, which that hook calls.
@pytest.mark.parametrize("hook", [h["id"] for h in HOOKS if h["id"] != "javascript"])
def test_what_pre_commit_runs_finds_nothing(hook):
    program, *arguments = shlex.split(next(h["entry"] for h in HOOKS if h["id"] == hook))
    done = run(tool(program), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_can_read_its_settings():
    done = run(tool("pre-commit"), "validate-config")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {h["id"] for h in HOOKS} == {"ruff", "format", "types", "imports", "javascript"}


def test_importing_genlib_is_light_and_the_course_loads_no_lecture():
    code = "import sys, genlib, genlib.model; heavy = {'matplotlib', 'sklearn', 'IPython', 'jupytext', 'nbformat'};"
    code += "print(sorted(heavy & set(sys.modules))); import genlib.course;"
    code += "print([m for m in sys.modules if 'exercises.lecture' in m])"
    assert run(sys.executable, "-c", code).stdout.split("\n")[:2] == ["[]", "[]"]


def test_every_public_function_of_the_library_says_what_it_does():
    import ast

    for path in sorted((ROOT / "genlib").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{path.name} has no docstring"
        in_exercises = path.parent.name == "exercises" and path.stem.startswith("lecture")
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith(("_", "pytest_"))
            if public and not in_exercises:
                assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"


def test_every_lecture_can_be_found_by_number_or_name():
    assert find("1") is find("01") is find("01_discriminative_vs_generative")
    with pytest.raises(ValueError, match="there is no lecture"):
        find("77")


def test_the_packages_javascript_is_installed_with_it():
    done = run(sys.executable, "-c", "from genlib.widgets.drawing import module; print(module('paint'))")
    assert "export function draw(element, state)" in done.stdout
    kinds = PROJECT_FILE["tool"]["setuptools"]["package-data"]["genlib.widgets"]
    folder = ROOT / "genlib" / "widgets"
    assert {path for kind in kinds for path in folder.glob(kind)} == set(folder.rglob("*.js"))


def test_every_widget_exports_draw_and_asks_no_network():
    for path in (ROOT / "genlib" / "widgets").rglob("*.js"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert "http" not in text, f"{path.name} asks the network"
        if path.name == "draw.js":
            assert "export function draw(element, state)" in text, path
