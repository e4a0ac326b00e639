"""The benchmarks run and write what they should. Nothing here asks how long anything takes."""

import os
import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn

from genlib import data, pretrained, widgets
from genlib.lectures import ROOT
from genlib.nets import Classifier
from tests.benchmarks import bounds, diffusion, gans, growth, measure, report, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder as the quick run leaves it, and what it printed."""
    folder = tmp_path_factory.mktemp("bench")
    shutil.copy(ROOT / "README.md", folder)
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_the_quick_run_writes_the_page_the_figure_and_the_readmes_lines(written):
    folder, printed = written
    page = (folder / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for title in (
        "Cached sampling",
        "Training and imports",
        "Memory of a training step",
        "The floor",
        "How cost grows",
    ):
        assert f"## {title}" in page
        assert title in printed
    for model in ("PixelCNN", "GatedPixelCNN", "Transformer", "PixelRNN", "RealNVP", "Glow", "VAE", "`import genlib`"):
        assert model in page
    assert (folder / "docs" / "benchmarks_growth.png").stat().st_size > 10_000
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.split(report.BEGIN)[0] == README.split(report.BEGIN)[0]
    assert readme.split(report.END)[1] == README.split(report.END)[1]
    assert "plain loop" in readme.split(report.BEGIN)[1].split(report.END)[0]


def test_the_readme_says_in_three_lines_what_the_rows_say():
    def row(what, peer, ratio):
        return measure.Row(what, peer, 1.0, ratio, ratio, main=True)

    rows = [row("a", "zuko", 1.5), row("b", "nflows", 2), row("c", "naive", 90), row("d", "a plain loop", 0.9)]
    assert report.short([*rows, measure.Row("e", "zuko", 1.0, 9, 9)]).splitlines() == [
        "- VAEs and flows beside zuko, nflows, the same networks: they take **1.50** to **2.00×** our time.",
        "- Cached autoregressive sampling: without the cache the same samples take **90.0×** our time.",
        "- d: a plain loop takes **0.90×** our time.",
    ]
    assert "| ---" not in README.split(report.BEGIN)[1].split(report.END)[0], "tables stand in docs/benchmarks.md"


def test_no_page_names_the_machine(written):
    page = (written[0] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert str(ROOT) not in page
    assert os.uname().nodename not in page


def test_the_readme_names_the_command():
    section = README.split("## Measured")[1].split("\n## ")[0]
    assert "`make bench`" in section
    assert (
        "tests.benchmarks"
        in subprocess.run(["make", "--dry-run", "bench"], cwd=ROOT, capture_output=True, text=True).stdout
    )
    assert section.index(report.BEGIN) < section.index(report.END)


def test_a_ratio_is_the_others_over_ours_and_pairs_are_kept_together():
    ours, theirs = iter([1.0, 2.0, 4.0]), iter([2.0, 2.0, 20.0])
    row = measure.pairs("a row", lambda: next(ours), lambda: next(theirs), "peer", repeats=3)
    assert (row.ours, row.theirs, row.ratio, row.low, row.high) == (2, 2, 2, 1, 5)
    assert report.line(row) == "a row · 2.00 ms · peer: 2.00 ms · 2.00 (1.00 to 5.00)"


def test_models_of_different_sizes_are_not_compared():
    assert measure.parameters(nn.Linear(9, 9), nn.Linear(9, 9)) == "90 parameters"
    with pytest.raises(ValueError, match="no comparison"):
        measure.parameters(nn.Linear(9, 9), nn.Linear(9, 10))


def test_the_floor_knows_every_product_of_a_step():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5))
    with steps.Products() as products:
        model(torch.randn(2, 3)).sum().backward()
    assert len(products.calls) == 5  # two forward; two gradients of weights, one of the hidden layer
    products.again()


def test_the_slope_is_the_power():
    assert growth.slope([1, 2, 4, 8], [9.0, 4.0, 16.0, 64.0]) == pytest.approx(2)


def test_runs_of_gans_are_kept_and_give_what_the_tables_and_the_widget_read(tmp_path, monkeypatch, capsys):
    train, test = data.numerals(100)
    reference = gans.Reference(Classifier(gans.PICTURE, 16, 10).eval(), test)
    monkeypatch.setattr(gans, "SCORED", 40)
    two = {"all five": gans.DCGANS["all five"], "ReLU in D": gans.DCGANS["ReLU in D"]}
    runs = gans.kept_runs(two, train, reference, tmp_path, seeds=1, steps=50)
    figures = runs["all five"][0]["figures"]
    assert figures.keys() >= gans.UNCONDITIONAL_COLUMNS.keys()
    assert figures != runs["ReLU in D"][0]["figures"]
    monkeypatch.setattr(gans, "one_run", None)  # a second call makes nothing anew
    again = gans.kept_runs(two, train, reference, tmp_path, seeds=1, steps=50)
    assert again["all five"][0]["figures"] == figures
    gans.table(gans.UNCONDITIONAL_COLUMNS, runs, figures)
    assert f"| all five | {figures['frechet']:.0f} ± 0 |" in capsys.readouterr().out
    widget = widgets.tricks({**gans.stored(runs), "tricks": [{"name": "LeakyReLU in D", "instead": "ReLU"}]})
    first = runs["all five"][0]["pictures"][0].long()
    assert torch.equal(widget.pictures(0, 0, 0)[:, 0], first)


def test_every_row_of_the_tables_of_gans_can_be_made():
    for make in (*gans.DCGANS.values(), *gans.LOSSES.values(), *gans.CONDITIONAL.values()):
        model = make()
        assert (model.condition is not None) == (model.shape == (1, 8, 8))
    assert len(gans.TRICKS) == len(gans.DCGANS) - 1


def test_recipes_are_run_from_other_starts_kept_and_printed_a_line_each(tmp_path, capsys):
    def make(seed):
        return gans.values_and_factors(gans.from_recipe("infogan_fours", seed, steps=2), seed)

    gans.run_by_run("values", tmp_path, 2, make)
    gans.run_by_run("values", tmp_path, 2, lambda seed: pytest.fail("a second call makes nothing anew"))
    first, again = (part.strip().splitlines() for part in capsys.readouterr().out.split("### values")[1:])
    assert first == again
    assert first[0] == "| run | L_I | 1 and slant | 2 and slant | 1 and thickness | 2 and thickness |"
    assert [line[:4] for line in first[2:]] == ["| 0 ", "| 1 "]
    assert first[2] != first[3].replace("| 1 ", "| 0 ", 1)


def test_what_stands_in_the_tables_of_codes_and_translations():
    found = gans.categories(pretrained.load("infogan_digits"), pretrained.load("classifier_digits"), 0)
    assert found["purity"] > 0.4
    assert 1 < found["digits found"] <= 10
    start, truth = gans.thin_and_truth(data.numerals(300)[1])
    assert gans.translated(lambda x: truth, start, truth) == (0, 1)
    forth = pretrained.load("cyclegan_thin_bold").translate
    nothing, made = (gans.translated(f, start, truth)[0] for f in (lambda x: x, forth))
    assert made < 0.5 * nothing


def test_where_there_is_no_number_a_dash_stands():
    assert bounds.row("flow", [[1.0, float("nan")], [2.0, float("nan")]]) == "| flow | 1.50 ± 0.71 | – |"


@pytest.mark.parametrize("section", [diffusion.plane, diffusion.networks])
def test_the_tables_of_diffusion_are_markdown_of_one_width(section):
    tables: list[list[str]] = [[]]
    for line in section(quick=True):
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    assert tables[0]
    for table in filter(None, tables):
        assert len({line.count("|") for line in table}) == 1
        assert set(table[1]) == set("| -")
