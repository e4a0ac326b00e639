"""genlib train: by name, on one process or two, and what it says when it can't."""

import errno
import os
import re
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from genlib import data
from genlib.classical import NaiveBayes
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
