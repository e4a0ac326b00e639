"""Weights: they are the ones that were trained, they still do what is claimed of them, and their recipes work."""

import dataclasses
import errno
import hashlib
import inspect
import os
import re
from pathlib import Path

import pytest
import torch
import typer.testing
from safetensors import safe_open

from genlib import data, metrics, pretrained, widgets
from genlib.cli import app
from genlib.pretrained import AVAILABLE, FOLDER, WeightsError, read_index
from genlib.training import fit


@pytest.mark.parametrize("name", AVAILABLE)
def test_they_reach_what_is_claimed(name):
    model = pretrained.load(name)
    assert not model.training
    reached = pretrained.reached(AVAILABLE[name], model)
    for measure, value in AVAILABLE[name].reaches.items():
        assert reached[measure] == pytest.approx(value, rel=0.02), measure


@pytest.mark.parametrize("name", AVAILABLE)
def test_the_recipe_that_trains_them_again_can_be_followed(name):
    known = AVAILABLE[name]
    model, (train, test) = known.make(), known.examples()
    assert model.shape == train.shape == test.shape
    x, y = train[torch.arange(8)]
    model.check_examples(x)
    model.check_condition(None if model.condition is None else y, 8)
    for stage in known.stages:
        said = set(pretrained.settings_of(stage))
        assert {"steps", "batch_size", "lr"} <= said <= set(inspect.signature(fit).parameters)


def test_the_files_are_safetensors_and_small_and_each_has_a_name():
    files = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
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
    with pytest.raises(WeightsError, match=r"damaged or was changed; .*genlib retrain classifier_digits"):
        pretrained.load("classifier_digits")
    (tmp_path / "classifier_digits.safetensors").unlink()
    with pytest.raises(WeightsError, match="is missing"):
        pretrained.load("classifier_digits")
    for make_odd in (Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        odd = tmp_path / "classifier_digits.safetensors"
        make_odd(odd)
        with pytest.raises(WeightsError, match=r"can't be read .*genlib retrain classifier_digits"):
            pretrained.load("classifier_digits")
        odd.rmdir() if odd.is_dir() else odd.unlink()
    with pytest.raises(WeightsError, match="there are acgan_digits, cgan_digits"):
        pretrained.load("nope")


TINY = """
[tiny]
model = "vae.VAE"
arguments = { shape = [1, 8, 8], latent = 2, hidden = 8 }
data = "digits"
binarized = "dynamic"
stages = [
    { steps = 60, batch_size = 32, lr = 0.01, ema = 0.9 },
    { steps = 20, batch_size = 64, lr = 0.001, weight_decay = 0.05, schedule = "constant", seed = 1, ema = 0.9 },
]
half = true
sha256 = "none yet"
reaches = { loss = 27.6 }
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """An index with one recipe of two stages, in place of the course's."""
    (tmp_path / "index.toml").write_text(TINY)
    entries = read_index(tmp_path / "index.toml")
    monkeypatch.setattr(pretrained, "AVAILABLE", entries)
    monkeypatch.chdir(tmp_path)
    return entries["tiny"]


def test_retraining_follows_all_stages_and_twice_it_gives_the_same_file(tiny, tmp_path, monkeypatch):
    def retrain(out):
        done = typer.testing.CliRunner().invoke(app, ["retrain", "tiny", "--out", out])
        assert done.exit_code == 0, done.output
        return done.output, (tmp_path / out / "tiny.safetensors").read_bytes()

    torch.manual_seed(5)
    (said, once), (again, twice) = retrain("runs"), retrain("others")
    sha256 = hashlib.sha256(once).hexdigest()
    assert once == twice
    assert f"sha256 {sha256}, in the index it is none yet" in said
    assert retrain("runs")[1] == once  # what is done is not done again, and says the same
    assert re.search(r"test loss [\d.]+, in the index 27.6", again)

    monkeypatch.setattr(pretrained, "AVAILABLE", {"tiny": dataclasses.replace(tiny, sha256=sha256)})
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "runs")
    assert f"sha256 {sha256}, the one in the index" in retrain("runs")[0]
    model = pretrained.load("tiny")  # the file is one that can be shipped
    reached = pretrained.reached(tiny, model)
    assert f"test loss {reached['loss']:.4g}," in said
    assert reached["loss"] == pytest.approx(pretrained.AVAILABLE["tiny"].reaches["loss"], rel=0.02)
    assert {str(t.dtype) for t in safetensors_of(once).values()} == {"torch.float16", "torch.bool"}


def test_an_argument_may_be_made_itself():
    arguments = {"shape": [2], "schedule": {"model": "diffusion.Cosine", "end": 0.1}, "hidden": 8}
    model = pretrained.Weights("diffusion.DDPM", arguments, "moons", [], "", {}).make()
    assert repr(model.schedule) == "Cosine(start=0.008, end=0.1)"
    assert model.shape == (2,)


def test_a_full_disk_at_the_end_is_told_and_the_same_call_goes_on(tiny, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pretrained, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no space")))
        done = typer.testing.CliRunner().invoke(app, ["retrain", "tiny", "--out", "runs"])
    assert done.exit_code == 2
    assert "could not be written (no space)" in done.output
    assert typer.testing.CliRunner().invoke(app, ["retrain", "tiny", "--out", "runs"]).exit_code == 0


BORROWING = """
[tokens]
model = "vq.VQVAE"
arguments = { shape = [3, 12, 12], codes = 5, likelihood = "logistic", levels = 8, dim = 2, channels = 4 }
data = "shapes"
drawn = { n = 200, size = 12, levels = 8 }
stages = [{ steps = 3, batch_size = 32, lr = 0.01 }]
half = true
sha256 = ""
reaches = {}

[pictures]
model = "hybrid.TextToImage"
arguments = { tokenizer = { weights = "tokens" }, condition = { model = "condition.Tokens", length = 8, vocabulary = 19 }, width = 8, layers = 1 }
data = "shapes"
drawn = { n = 200, size = 12, levels = 8 }
told = "caption"
unseen = [{ colour = 0, shape = 3 }, { colour = 2, shape = 0 }]
stages = [{ steps = 3, batch_size = 32, lr = 0.01 }]
half = true
sha256 = ""
reaches = {}
"""  # noqa: E501


def test_a_recipe_may_borrow_the_weights_of_another_and_does_not_keep_them_again(tmp_path, monkeypatch):
    (tmp_path / "index.toml").write_text(BORROWING)
    entries = read_index(tmp_path / "index.toml")
    monkeypatch.setattr(pretrained, "AVAILABLE", entries)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    for name in ("tokens", "pictures"):
        pretrained.retrain(name, tmp_path, bar=False)
        content = (tmp_path / f"{name}.safetensors").read_bytes()
        entries[name] = dataclasses.replace(entries[name], sha256=hashlib.sha256(content).hexdigest())
    assert not any(key.startswith("tokenizer.") for key in safetensors_of(content))
    assert {str(t.dtype) for t in safetensors_of(content).values()} == {"torch.float16", "torch.bool", "torch.uint8"}
    model, tokenizer = pretrained.load("pictures"), pretrained.load("tokens")
    assert torch.equal(model.tokenizer.codebook_table(), tokenizer.codebook_table())
    assert model.known
    assert model.sample(2, torch.zeros(2, 8, dtype=torch.long)).shape == (2, 3, 12, 12)
    train, test = entries["pictures"].examples()
    assert torch.equal(train.y, train.factors["caption"])
    pairs = [
        set(zip(part.factors["colour"].tolist(), part.factors["shape"].tolist(), strict=True)) for part in (train, test)
    ]
    assert not pairs[0] & {(0, 3), (2, 0)}
    assert pairs[1] >= {(0, 3), (2, 0)}, "they are tested on"
    assert len(train.captions) == len(train) == len(train.y)
    other = tmp_path / "tokens.safetensors"
    entries["pictures"] = dataclasses.replace(entries["pictures"], sha256=entries["tokens"].sha256)
    (tmp_path / "pictures.safetensors").write_bytes(other.read_bytes())
    with pytest.raises(WeightsError, match=r"of another model than hybrid\.TextToImage"):
        pretrained.load("pictures")


def safetensors_of(content):
    import safetensors.torch

    return safetensors.torch.load(content)


def test_retraining_is_what_the_stages_say_done_by_hand(tiny, tmp_path):
    pretrained.retrain("tiny", tmp_path, bar=False)
    written = safetensors_of((tmp_path / "tiny.safetensors").read_bytes())
    train = data.digits()[0].binarized("dynamic")
    torch.manual_seed(0)
    model = tiny.make()
    first = fit(model, train, steps=60, batch_size=32, lr=0.01, ema=0.9, device="cpu", bar=False)
    model.load_state_dict(first.averaged.state_dict())  # the second stage starts from the averaged weights
    how = {"steps": 20, "batch_size": 64, "lr": 0.001, "weight_decay": 0.05, "schedule": "constant", "seed": 1}
    second = fit(model, train, **how, ema=0.9, device="cpu", bar=False)
    for name, value in second.averaged.state_dict().items():
        assert torch.equal(written[name], value.half() if value.is_floating_point() else value), name
    assert tiny.steps == 80


GAME = """
[there_and_back]
model = "gan.CycleGAN"
arguments = { shape = [1, 16, 16], levels = 16, channels = 2, blocks = 0, history = 2 }
data = "numerals"
where = [{ thickness = [0, 0.7], label = [4, 9] }, { thickness = [2.1, 3] }]
stages = [{ steps = 2, batch_size = 4, lr = 0.01, betas = [0.5, 0.999] }]
sha256 = "none yet"
reaches = {}
"""


def test_a_game_between_two_choices_of_the_data_is_trained_by_adam_with_its_betas(tmp_path):
    (tmp_path / "index.toml").write_text(GAME)
    known = read_index(tmp_path / "index.toml")["there_and_back"]
    train, test = known.examples()
    for part, whole in zip((train, test), data.numerals(), strict=True):
        thickness, digit = whole.factors["thickness"], whole.y
        assert not part.paired
        assert torch.equal(part.x, whole.x[(thickness <= 0.7) & (digit >= 4)])
        assert torch.equal(part.y, whole.x[thickness >= 2.1])
    models = []
    for how in (pretrained.settings_of(known.stages[0]), {"steps": 2, "batch_size": 4, "lr": 0.01, "optimizer": adam}):
        torch.manual_seed(0)
        models.append(known.make())
        fit(models[-1], train, **how, bar=False)
    for a, b in zip(*(model.state_dict().values() for model in models), strict=True):
        assert torch.equal(a, b)
    assert {"discriminators.loss", "translators.cycle"} <= set(pretrained.reached(known, models[0].eval()))


def adam(parameters, lr):
    return torch.optim.Adam(parameters, lr=lr, betas=(0.5, 0.999))


def test_an_entry_that_says_too_little_or_too_much_is_refused(tmp_path):
    index = tmp_path / "index.toml"
    for old, new in (("data =", "dataset ="), ('sha256 = "none yet"', ""), ("half = true", "quarter = true")):
        index.write_text(TINY.replace(old, new))
        with pytest.raises(WeightsError, match=r"index\.toml, \[tiny\]"):
            read_index(index)


def test_retraining_what_is_not_there_says_what_is():
    done = typer.testing.CliRunner().invoke(app, ["retrain", "nope"])
    assert done.exit_code == 2
    assert "there are acgan_digits, cgan_digits" in done.output


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


# What was kept of runs ------------------------------------------------------------------------------------------------


def test_stored_runs_are_whole_and_small():
    runs = pretrained.runs("dcgan_tricks")
    assert (FOLDER / "dcgan_tricks.json").stat().st_size < 400_000
    assert len(runs["runs"]) == 1 + len(runs["tricks"]) == 6
    blocks = runs["steps"][-1] // runs["block"]
    for seeds in runs["runs"]:
        assert len(seeds) == 3
        for run in seeds:
            assert len(run["frechet"]) == len(runs["steps"])
            assert len(run["discriminator"]) == len(run["generator"]) == blocks
    widget = widgets.tricks(runs)
    last = len(runs["steps"]) - 1
    sheet = torch.cat([widget.pictures(variant, seed, last) for variant in range(6) for seed in range(3)])
    assert sheet.shape == (18 * runs["shown"], 1, 16, 16)
    assert (sheet.float().flatten(1).std(1) > 0.5).all(), "a picture is blank"


def test_what_docs_say_of_the_tricks_holds_for_each_seed():
    """Without strides, and with tanh and a linear end, about twice as far; fully connected more than that; LeakyReLU
    is not missed; without batch normalisation the seeds differ most."""
    runs = pretrained.runs("dcgan_tricks")["runs"]
    all_five, *without = (torch.tensor([run["frechet"][-1] for run in seeds]).float() for seeds in runs)
    strides, norm, convolutions, activations, leaky = without
    for worse in (strides, norm, convolutions, activations):
        assert worse.min() > 1.7 * all_five.max()
    assert convolutions.min() > strides.max()
    assert leaky.mean() < all_five.mean()
    assert norm.std() > 3 * max(each.std() for each in (all_five, strides, convolutions, activations, leaky))


def test_damaged_and_unknown_runs_say_what_to_do(tmp_path, monkeypatch):
    for name in ("runs.toml", "dcgan_tricks.json"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="there are no runs 'other'; there are dcgan_tricks"):
        pretrained.runs("other")
    with (tmp_path / "dcgan_tricks.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(WeightsError, match=r"damaged or was changed; restore .* tests\.benchmarks\.gans --only DCGAN"):
        pretrained.runs("dcgan_tricks")
    (tmp_path / "dcgan_tricks.json").unlink()
    with pytest.raises(WeightsError, match="missing or can't be read"):
        pretrained.runs("dcgan_tricks")
