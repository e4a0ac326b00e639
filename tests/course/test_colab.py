"""As in Colab: torch and the rest are there, but no genlib. A notebook's first cell installs it, and the rest runs."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest
import yaml

from genlib.course.build import hosted, read_source, reading, repository
from genlib.lectures import ROOT, available

SCRIPT = """
import sys, json, torch, genlib, pathlib
print(json.dumps([genlib.__file__, torch.__file__]))
"""


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    return fresh(tmp_path_factory.mktemp("colab"))


def fresh(folder):
    """The Python of a fresh environment in which everything is there but genlib, and a folder with a clone of it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], capture_output=True, text=True
    ).stdout.strip()
    # A path file lends the packages of the tests' environment; its own path files, and so genlib, do not come along.
    with open(os.path.join(where, "lent.pth"), "w", encoding="utf-8") as file:
        file.write(sysconfig.get_paths()["purelib"] + "\n")
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "clone"], check=True)
    missing = run((python, folder), "-c", "import torch, ipykernel, genlib")
    assert "No module named 'genlib'" in missing.stderr, missing.stderr
    return python, folder


def run(colab, *words, **environment):
    python, folder = colab
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    # Without an index nothing can be fetched: what is there, torch above all, has to do. (0 switches isolation off.)
    settings = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "GENLIB_QUICK": "1", "MPLBACKEND": "agg"}
    settings["GENLIB_SOURCE"] = f"git+file://{folder / 'clone'}"
    return subprocess.run(
        [python, *words], cwd=folder, env=kept | settings | environment, capture_output=True, text=True
    )


def cells(lecture):
    notebook = nbformat.read(lecture.handed_out, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_notebook_begins_with_the_way_to_colab():
    for lecture in available():
        first = cells(lecture)[0]
        assert first.metadata.tags == ["bootstrap"]
        assert f"git+{repository()}" in first.source


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://github.com/someone/genlib", "https://colab.research.google.com/github/someone/genlib/blob/main/"),
        ("https://github.com/OWNER/genlib", None),
        ("https://example.org/genlib", None),
    ],
)
def test_open_in_colab_is_there_when_there_is_an_address(monkeypatch, address, link):
    monkeypatch.setattr(reading, "repository", lambda: address)
    for lecture in available():
        text = read_source(lecture).cells[0].source
        assert ("Open in Colab" in text) == (link is not None) == hosted(address)
        assert link is None or f"{link}notebooks/{lecture.name}.ipynb" in text
        assert not text.count("OWNER")


def test_the_first_cell_installs_the_library_and_the_first_lecture_runs(colab):
    python, folder = colab
    code = cells(available()[0])[0].source
    done = run(colab, "-c", code)
    assert done.returncode == 0, done.stderr[-3000:]
    found, torch = json.loads(run(colab, "-c", SCRIPT).stdout)
    assert str(folder / "venv") in found, "genlib is not the one that was installed"
    assert str(folder) not in torch, "another torch was installed"
    kernels = folder / "share" / "kernels" / "colab"
    kernels.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernels / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "colab", "language": "python"}))
    for lecture in available()[:1]:
        shown = folder / f"{lecture.name}.ipynb"
        execute = (
            "import sys, nbformat, nbclient; nb = nbformat.read(sys.argv[1], 4);"
            "nbclient.NotebookClient(nb, kernel_name='colab', timeout=300).execute(); nbformat.write(nb, sys.argv[2])"
        )
        done = run(colab, "-c", execute, str(lecture.handed_out), str(shown), JUPYTER_PATH=str(folder / "share"))
        assert done.returncode == 0, done.stderr[-3000:]
        outputs = [
            "".join(output.get("text", "") for output in cell.get("outputs", []))
            for cell in nbformat.read(shown, as_version=4).cells
            if cell.cell_type == "code" and "check" in cell.metadata.get("tags", [])
        ]
        assert outputs
        assert all(text.endswith("not solved yet\n") for text in outputs), outputs
    again = run(colab, "-c", code, GENLIB_SOURCE="nowhere")
    assert again.returncode == 0, "a second run of the cell must do nothing"


def test_the_pip_section_of_the_conda_environment_installs(tmp_path):
    """As conda and repo2docker do it: the section is written into a requirements file beside environment.yml."""
    environment = fresh(tmp_path)
    python, clone = environment[0], tmp_path / "clone"
    section = yaml.safe_load((clone / "environment.yml").read_text())["dependencies"][-1]["pip"]
    if other := os.environ.get("CONSTRAINTS"):  # these versions are here, and nothing is fetched
        shutil.copy(ROOT / other, clone / "constraints.txt")
    (clone / "condaenv.requirements.txt").write_text("\n".join(section))
    done = run((python, clone), "-m", "pip", "install", "-r", "condaenv.requirements.txt")
    assert done.returncode == 0, done.stderr[-3000:]
    done = run((python, tmp_path), "-c", "import genlib, jupyterlab; print(genlib.__file__)")
    assert str(clone) in done.stdout, done.stderr
    assert "start" in run((python, tmp_path), "-m", "genlib.cli", "--help").stdout
