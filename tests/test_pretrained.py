"""Weights: they are the ones that were trained, and they still do what is claimed of them."""

import shlex

import pytest
import torch
from safetensors import safe_open

from genlib import data, metrics, pretrained
from genlib.cli import app
from genlib.launch import find_data
from genlib.pretrained import AVAILABLE, FOLDER, WeightsError


@pytest.mark.parametrize("name", AVAILABLE)
def test_they_reach_what_is_claimed(name):
    model = pretrained.load(name)
    assert not model.training
    words = shlex.split(AVAILABLE[name].command)
    _, test = find_data(words[words.index("--data") + 1])
    if how := AVAILABLE[name].binarized:
        test = test.binarized(how)
    torch.manual_seed(0)
    x, y = test[torch.arange(len(test))]
    with torch.no_grad():
        reached = model.loss(x, y if model.classes else None)
    for measure, value in AVAILABLE[name].reaches.items():
        assert reached[measure].item() == pytest.approx(value, rel=0.02), measure


@pytest.mark.parametrize("name", AVAILABLE)
def test_the_command_that_trains_them_again_can_be_called(name):
    import typer.testing

    words = shlex.split(AVAILABLE[name].command)
    assert words[:2] == ["genlib", "train"]
    help_ = typer.testing.CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    for word in words:
        if word.startswith("--"):
            assert word in help_


def test_the_files_are_safetensors_and_small_and_each_has_a_name():
    files = sorted(path.stem for path in FOLDER.iterdir())
    assert files == sorted(AVAILABLE)
    for name in AVAILABLE:
        path = FOLDER / f"{name}.safetensors"
        assert path.stat().st_size < 1_000_000
        with safe_open(path, framework="pt") as file:
            assert len(list(file.keys())) > 0


def test_damaged_missing_and_unknown_weights_say_what_to_do(tmp_path, monkeypatch):
    content = bytearray((FOLDER / "classifier_digits.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "classifier_digits.safetensors").write_bytes(content)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(WeightsError, match=r"damaged or was changed; .*genlib train Classifier"):
        pretrained.load("classifier_digits")
    (tmp_path / "classifier_digits.safetensors").unlink()
    with pytest.raises(WeightsError, match="is missing"):
        pretrained.load("classifier_digits")
    with pytest.raises(WeightsError, match="there are classifier_digits"):
        pretrained.load("nope")


def test_the_frechet_distance_on_its_features_ranks_samples_as_an_eye_does():
    from genlib.classical import NaiveBayes

    judge = pretrained.load("classifier_digits")
    train, test = data.digits()
    g = torch.Generator().manual_seed(0)
    specks = NaiveBayes(train.shape, levels=17).count(train.x, smoothing=0.1).sample(360, generator=g)
    shapes = (
        NaiveBayes(train.shape, levels=17, classes=10).count(train.x, train.y, smoothing=0.3).sample(360, generator=g)
    )
    real, fair, poor = (metrics.frechet_distance(train.x, x, features=judge.features) for x in (test.x, shapes, specks))
    assert real < 0.25 * fair
    assert fair < 0.7 * poor
