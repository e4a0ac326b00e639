"""First guesses hit: what a reader looks for stands where they would look, in functions that fit on a screen."""

import ast
import itertools
import re
from pathlib import Path

import pytest

from genlib.lectures import ROOT

# What somebody looks for: the file that they would open first, and what has to stand in it.
GUESSES = {
    "reparameterization": ("genlib/vae/reparameterization.py", "def reparameterize("),
    "the KL divergence of a VAE": ("genlib/vae/gaussians.py", "def gaussian_kl("),
    "a causal mask": ("genlib/autoregressive/masks.py", "def causal_mask("),
    "the schedule of the learning rate": ("genlib/training/fit.py", "def rate("),
    "averaged weights (EMA)": ("genlib/training/fit.py", "AveragedModel("),
    "the non-saturating loss": ("genlib/gan/losses.py", '"non-saturating"'),
    "the Fréchet distance": ("genlib/metrics.py", "def frechet_distance("),
    "binarization": ("genlib/data/dataset.py", "def binarized("),
    "dequantization": ("genlib/quantize.py", "def dequantize("),
    "exercise 3.2": ("genlib/course/exercises/lecture_03.py", '"3.2",'),
    "`genlib check`": ("genlib/course/check/notebook.py", "def "),
    "how to add a widget": ("genlib/widgets/__init__.py", "How to add a widget"),
}


@pytest.mark.parametrize("what", GUESSES)
def test_a_first_guess_hits(what):
    file, text = GUESSES[what]
    assert text in (ROOT / file).read_text(encoding="utf-8")
    if text.startswith("def ") and len(text) > 4:  # and it stands nowhere else
        places = [
            p for p in (ROOT / "genlib").rglob("*.py") if re.search(rf"^\s*{re.escape(text)}", p.read_text(), re.M)
        ]
        others = [p for p in places if "exercises" not in p.parts and p != ROOT / file]
        assert not others or text == "def rate(", others


def functions() -> list[tuple[Path, ast.FunctionDef]]:
    found = []
    for path in sorted((ROOT / "genlib").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [(path, node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return found


def test_functions_fit_on_a_screen():
    """At most 60 lines of code: arguments that stand on lines of their own and the docstring do not count."""
    assert len(functions()) > 500
    for path, node in functions():
        body = node.body[1:] if ast.get_docstring(node) else node.body
        lines = (body[-1].end_lineno - body[0].lineno + 1) if body else 0
        assert lines <= 60, f"{path.relative_to(ROOT)}: {node.name} has {lines} lines"


def test_no_two_widgets_share_a_run_of_more_than_six_lines():
    runs: dict[tuple, str] = {}
    for path in sorted((ROOT / "genlib" / "widgets").glob("*/*.js")):
        text = re.sub(r"^import .*?;$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line not in ("", "}", "};", "});", "},")]
        for run in {tuple(lines[i : i + 7]) for i in range(len(lines) - 6)}:
            other = runs.setdefault(run, path.parent.name)
            assert other == path.parent.name, f"{other} and {path.parent.name} share:\n" + "\n".join(run)


def test_no_two_functions_of_the_library_have_the_same_body():
    """A check that is copied is a check that will be mended in one place only."""
    bodies: dict[str, str] = {}
    for path, node in functions():
        body = node.body[1:] if ast.get_docstring(node) else node.body
        statements = sum(isinstance(n, ast.stmt) for statement in body for n in ast.walk(statement))
        if "exercises" in path.parts or statements < 4:
            continue
        text = "\n".join(ast.unparse(statement) for statement in body)
        where = f"{path.relative_to(ROOT)}: {node.name}"
        assert text not in bodies, f"{where} says what {bodies[text]} says"
        bodies[text] = where


def test_shapes_are_checked_in_one_place():
    """The six copies of one check are one again: only the protocol says "this model takes (B, …)"."""
    said = [p for p in (ROOT / "genlib").rglob("*.py") if "this model takes (B, " in p.read_text(encoding="utf-8")]
    assert [p.name for p in said] == ["model.py"]


def test_words_have_one_meaning():
    """No argument is called clip: gradients have clip_norm, weights WeightClip. Models take depth, games updates, not
    steps, which are those of training; and dashed lines in a figure are heights, not levels."""
    for path, node in functions():
        names = {a.arg for a in itertools.chain(node.args.args, node.args.kwonlyargs)}
        where = f"{path.relative_to(ROOT)}: {node.name}"
        assert "clip" not in names, where
        if path.parent.name in ("autoregressive", "flow", "gan", "vae") and node.name != "anneal":
            assert "steps" not in names, where
        if path.parent.name == "plots" and "levels" in names:
            assert names & {"x", "image", "images", "pictures", "pixels"} or "Tensor" in ast.unparse(node.args), where
