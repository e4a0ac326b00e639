"""genlib train: by name, on one process or two, and what it says when it can't."""

import errno
import inspect
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from genlib import data, launch
from genlib.classical import NaiveBayes
from genlib.cli import app
from genlib.cli import train as train_command
from genlib.launch import TrainError, find_data, find_model, make, reached, read_settings
from genlib.training import History


def genlib(*words, cwd):
    command = [sys.executable, "-m", "genlib.cli", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=200)


SETTINGS = ["--data", "digits", "--steps", 40, "--batch-size", 64, "--lr", 0.1, "--accelerator", "cpu"]


def test_one_process_and_two_reach_the_same_and_a_second_call_goes_on(tmp_path):
    weights = {}
    for devices in (1, 2):
        done = genlib("train", "NaiveBayes", *SETTINGS, "--devices", devices, "--out", f"runs{devices}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.count("History(40 steps") == 1, done.stdout
        file = tmp_path / f"runs{devices}" / "NaiveBayes_digits.safetensors"
        weights[devices] = safetensors.torch.load_file(file)["logits"]
    assert torch.allclose(weights[1], weights[2], atol=1e-4)
    model = NaiveBayes((1, 8, 8), 17, 10)
    model.load_state_dict(safetensors.torch.load_file(file))
    _, test = data.digits()
    assert model.loss(test.x, test.y)["loss"] < 165  # 181 before training
    again = genlib("train", "NaiveBayes", *SETTINGS, "--out", "runs1", cwd=tmp_path)
    assert again.returncode == 0
    assert torch.equal(
        safetensors.torch.load_file(tmp_path / "runs1/NaiveBayes_digits.safetensors")["logits"], weights[1]
    )
    other = genlib("train", "NaiveBayes", *SETTINGS, "--seed", 5, "--out", "runs1", cwd=tmp_path)
    assert other.returncode == 2
    assert "seed was 0, is 5" in other.stderr


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_weights_that_can_not_be_written_are_told_in_one_line_and_the_run_is_kept(tmp_path, monkeypatch, number):
    from genlib import launch

    def train():
        return launch.train_model(
            "NaiveBayes", "digits", out=tmp_path, accelerator="cpu", devices=1, nodes=1, precision="32-true", seed=0,
            steps=2, batch_size=64, lr=0.1, bar=False,
        )  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr(launch, "write", lambda *_: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
        with pytest.raises(TrainError, match=rf"could not be written \({os.strerror(number)}\)"):
            train()
    assert len(train()) == 2
    assert (tmp_path / "NaiveBayes_digits.safetensors").exists()


def test_names_that_are_not_there_are_told():
    with pytest.raises(TrainError, match=r"there is no model 'Nope'; there are .*NaiveBayes"):
        find_model("Nope")
    with pytest.raises(TrainError, match=r"there is no data set 'nope'; there are .*digits"):
        find_data("nope")
    with pytest.raises(TrainError, match="takes integers, and moons holds real values"):
        make(NaiveBayes, find_data("moons")[0])


def test_a_model_is_made_for_its_data():
    model = make(NaiveBayes, find_data("digits")[0])
    assert (model.shape, model.levels, model.classes) == ((1, 8, 8), 17, 10)


def test_arguments_of_the_model_can_be_set():
    words = ["smoothing=0.5", "hidden=(64, 32)", "likelihood=bernoulli", "classes=None"]
    assert read_settings(words) == {"smoothing": 0.5, "hidden": (64, 32), "likelihood": "bernoulli", "classes": None}
    train, _ = find_data("digits")
    assert make(NaiveBayes, train, classes=None).classes is None
    with pytest.raises(TrainError, match="NaiveBayes takes no channels; it takes shape, levels, classes"):
        make(NaiveBayes, train, channels=3)
    with pytest.raises(TrainError, match=r"--set channels: write --set NAME=VALUE"):
        read_settings(["channels"])


def test_binarized_pixels_settings_and_averaged_weights(tmp_path):
    words = [*SETTINGS, "--set", "classes=None", "--binarized", "threshold", "--ema", 0.9, "--out", "runs"]
    done = genlib("train", "NaiveBayes", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "128 parameters" in done.stdout, done.stdout
    model = NaiveBayes((1, 8, 8), 2)
    model.load_state_dict(safetensors.torch.load_file(tmp_path / "runs" / "NaiveBayes_digits.safetensors"))
    test = data.digits()[1].binarized("threshold")
    reported = float(
        re.search(r"^test loss ([\d.]+) nats for an example \(averaged weights\)$", done.stdout, re.MULTILINE)[1]
    )
    assert model.loss(test[:][0])["loss"].item() == pytest.approx(reported, rel=1e-3)  # the weights that were written


def test_what_was_reached_is_told_of_the_weights_that_are_kept():
    tests = {"test": {"loss": {10: 9.0, 20: 3.25}}, "test_averaged": {"loss": {10: 8.0, 20: 2.5}}}
    assert reached(History(**tests)) == "test loss 3.25"
    assert reached(History(**tests, averaged=NaiveBayes((3,), 2))) == "test loss 2.5 (averaged weights)"
    assert reached(History(**tests), NaiveBayes.unit) == "test loss 3.25 nats for an example"
    assert reached(History()) == ""


def test_what_this_machine_cannot_do_is_told_in_one_line(tmp_path):
    done = genlib("train", "NaiveBayes", *SETTINGS, "--precision", "16-mixed", cwd=tmp_path)
    assert done.returncode == 2
    assert "genlib: precision='16-mixed' needs a GPU" in done.stderr
    assert "Traceback" not in done.stderr


# Every option of the command is obeyed or refused


class Seen(Exception):
    """Raised in place of training, with all that it was told."""


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What ``fit`` and Fabric are told by ``genlib train`` with these words; nothing is trained."""

    def stop(model, train, **settings):
        raise Seen(model, train, settings)

    def fabric(accelerator, precision, **settings):
        monkeypatch.setattr(launch, "asked_of_fabric", (accelerator, precision, settings), raising=False)
        return SimpleNamespace(launch=lambda: None, global_rank=0)

    monkeypatch.setattr(launch, "fit", stop)
    monkeypatch.setattr(launch, "new_fabric", fabric)

    def call(*words, model="MADE"):
        done = CliRunner().invoke(app, ["train", model, "--out", str(tmp_path), *map(str, words)])
        assert isinstance(done.exception, Seen), done.output
        made, train, settings = done.exception.args
        fabric = settings.pop("fabric", None) and launch.asked_of_fabric
        state = {name: value.sum().item() for name, value in made.state_dict().items()}
        test = settings.pop("test")
        return [repr(made), repr(train), repr(test), state, sorted(settings.items(), key=str), str(fabric)]

    return call


OPTIONS = {
    "model": {"model": "PixelCNN"},
    "data": ["--data", "glyphs"],
    "steps": ["--steps", 7],
    "batch_size": ["--batch-size", 8],
    "lr": ["--lr", 0.5],
    "seed": ["--seed", 3],
    "settings": ["--set", "hidden=8"],
    "binarized": ["--binarized", "threshold"],
    "weight_decay": ["--weight-decay", 0.1],
    "clip_norm": ["--clip-norm", 0.5],
    "ema": ["--ema", 0.9],
    "test_every": ["--test-every", 5],
    "precision": ["--precision", "64-true"],
    "accelerator": ["--accelerator", "cpu"],
    "devices": ["--devices", 2],
    "nodes": ["--nodes", 2],
    "out": ["--out", "elsewhere"],
}


def test_every_option_of_the_command_is_walked():
    assert set(OPTIONS) == set(inspect.signature(train_command).parameters)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_the_command_arrives(told, option, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    plain = told()
    words = OPTIONS[option]
    assert (told(**words) if isinstance(words, dict) else told(*words)) != plain


REFUSED = [
    (["--set", "shape=3"], r"--set shape=3: the data say it, \(1, 8, 8\)"),
    (["--set", "shape=(1,8,8)"], r"--set shape=\(1, 8, 8\): the data say it"),
    (["--set", "hidden=abc"], "MADE can't be made with --set hidden=abc: hidden='abc' must be an integer"),
    (["--set", "hidden=-1"], "hidden=-1 must be at least 1"),
    (["--set", "hidden=1.5"], r"hidden=1\.5 must be an integer"),
    (["--set", "dropout=2"], "dropout=2 must be at least 0 and below 1"),
    (["--set", "order=backwards"], "order must hold each of the 64"),
    (["--set", "classes=ten"], "classes='ten' must be a number of classes"),
    (["--set", "condition=10"], "condition=10 must be of type Condition|pass one of the two"),
    (["--set", "levels=1"], "levels=1 must be at least 2"),
    (["--set", "width=8"], "MADE takes no width; it takes shape, levels"),
    (["--set", "self=1"], "MADE takes no self"),
    (["--set", "hidden=8", "--set", "hidden=9"], "--set hidden=9: hidden is set twice"),
    (["--set", "hidden"], "write --set NAME=VALUE"),
    (["--set", "=8"], "write --set NAME=VALUE"),
    (["--set", "hidden=100000000000000"], "MADE can't be made with --set hidden"),
    (["--binarized", "twice"], 'choose "dynamic" or "threshold"'),
    (["--data", "moons"], "MADE takes integers, and moons holds real values"),
    (["--devices", "0"], "devices=0 must be at least 1"),
    (["--nodes", "-1"], "nodes=-1 must be at least 1"),
    (["--accelerator", "abacus"], "device='abacus': choose"),
    (["--precision", "8"], "precision='8': choose one of"),
]


@pytest.mark.parametrize(("words", "says"), REFUSED)
def test_wrong_words_are_told_in_one_line(words, says, tmp_path):
    done = CliRunner().invoke(app, ["train", "MADE", "--out", str(tmp_path), *words])
    assert done.exit_code == 2, done.output
    assert re.search(says, done.output), done.output
    assert done.output.startswith("genlib: ")
    assert "Traceback" not in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set", "levels=3"], r"train: x holds 0\.\.16; this model takes integers 0\.\.2"),
        (["--set", "classes=3"], r"train: y holds 0\.\.9; pass integers 0\.\.2"),
        (["--steps", "0"], "steps=0 must be at least 1"),
        (["--batch-size", "-3"], "batch_size=-3 must be at least 1"),
        (["--lr", "-0.1"], r"lr=-0\.1 must be above 0"),
        (["--lr", "nan"], "lr=nan must be above 0"),
        (["--test-every", "0"], "test_every=0 must be at least 1"),
        (["--ema", "1"], r"ema=1\.0 must lie between 0 and 1"),
    ],
)
def test_what_does_not_fit_the_data_is_told_before_training(words, says, tmp_path):
    done = CliRunner().invoke(app, ["train", "MADE", "--set", "hidden=8", "--out", str(tmp_path), *words])
    assert done.exit_code == 2, done.output
    assert re.search(says, done.output), done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_file_is_no_folder_to_write_to(tmp_path):
    (tmp_path / "runs").write_text("mine")
    done = CliRunner().invoke(app, ["train", "MADE", "--out", str(tmp_path / "runs")])
    assert done.exit_code == 2
    assert "is no folder" in done.output
    assert (tmp_path / "runs").read_text() == "mine"
