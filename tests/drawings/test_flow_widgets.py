"""Widgets of lecture 06, without a browser: what they return, what they refuse, what a callback does."""

import pytest
import torch

from genlib import plots, widgets
from tests.browser.widgets_of_flows import DIGITS, ear, editor, meter, mixer, shifted
from tests.drawings.test_plots_and_widgets import still_of


@pytest.mark.parametrize("make", [editor, mixer, meter, ear])
def test_it_shows_a_still_picture_and_says_what_it_is(make):
    picture, alt = still_of(make())
    assert plots.shown_width(picture) > 150
    assert len(alt) > 30


# Edit by arithmetic ---------------------------------------------------------------------------------------------------


def test_an_edit_is_compared_with_what_is_meant_and_with_doing_nothing():
    widget = editor()
    meant, before = shifted(0, {"bold": 0.9, "slant": 0.4}), shifted(0, {"bold": 0.5, "slant": 0.0})
    expected = {"left alone": before, "a flow": 0.9 * meant, "no model": torch.full_like(meant, 0.5)}
    for name, x in expected.items():
        assert widget.errors[name] == pytest.approx((x - meant).square().mean().sqrt().item(), abs=1e-4)
    assert torch.equal(torch.tensor(widget.state["pictures"]["truth"]), (255 * meant[0]).int())
    widget.value = {"values": {"bold": 0.5, "slant": 0.0}}
    assert widget.errors["left alone"] == 0
    assert widget.errors["a flow"] > 0
    assert torch.equal(
        torch.tensor(widget.state["pictures"]["before"]), torch.tensor(widget.state["pictures"]["truth"])
    )


def test_the_choice_reaches_the_functions_and_an_error_is_told():
    asked = []

    def truth(choice, values):
        asked.append(choice)
        return torch.zeros(1, 4, 4)

    def edit(choice, values):
        if choice == 1:
            raise ValueError("no such character")
        return torch.zeros(1, 4, 4)

    widget = widgets.edit_by_arithmetic(truth, {"m": edit}, sliders={"s": (0, 1, 2)}, names=["a", "b"])
    widget.value = {"choice": 1}
    assert asked == [0, 0, 1, 1]
    assert widget.state["error"] == "ValueError: no such character"


@pytest.mark.parametrize(
    "wrong",
    [
        {"sliders": {"s": (0, 3, 2)}},
        {"sliders": {"s": (1, 1, 1)}},
        {"sliders": {}},
        {"edits": {}},
        {"choice": 2},
        {"values": {"t": 1}},
        {"values": {"s": 5}},
    ],
)
def test_what_makes_no_editor_is_refused(wrong):
    given = {"edits": {"m": shifted}, "sliders": {"s": (0, 1, 2)}, "names": ["a", "b"]} | wrong
    with pytest.raises(ValueError, match=r"slider|choice"):
        widgets.edit_by_arithmetic(shifted, given.pop("edits"), **given)


# Scale mixer ----------------------------------------------------------------------------------------------------------


def test_each_scale_comes_from_where_it_is_said():
    widget = mixer()
    a, b = (DIGITS[k].flatten() / 16 for k in (0, 1))
    assert torch.equal(widget.latents, torch.cat([a[:48], b[48:]]))
    assert (widget.mixed.flatten() - widget.latents).abs().max() < 1 / 500
    widget.value = {"sources": ["B", "middle", "drawn"], "temperature": 0.0}
    assert torch.equal(widget.latents, torch.cat([b[:32], torch.zeros(32)]))
    assert widget.state["energy"][1:] == [0, 0]
    widget.value = {"a": 2, "sources": ["A", "A", "drawn"], "temperature": 1.0, "seed": 3}
    first = widget.latents
    assert torch.equal(first[:48], DIGITS[2].flatten()[:48] / 16)
    widget.value = widget.value | {"seed": 4}
    assert not torch.equal(widget.latents[48:], first[48:])
    widget.value = widget.value | {"seed": 3, "temperature": 0.5}
    assert torch.allclose(widget.latents[48:], first[48:] / 2), "the same noise, cooler"


@pytest.mark.parametrize("wrong", [{"scales": {"all": 63}}, {"temperature": 2}, {"images": DIGITS[:1] / 16}])
def test_what_can_not_be_mixed_is_refused(wrong):
    given = {"images": DIGITS / 16, "scales": {"all": 64}, "temperature": 0.5} | wrong
    images, scales = given.pop("images"), given.pop("scales")
    with pytest.raises(ValueError, match=r"give|out of range"):
        widgets.scale_mixer(images, DIGITS.flatten(1) / 16, lambda z: z.view(1, 1, 8, 8), scales, **given)


# Memory meter ---------------------------------------------------------------------------------------------------------


def test_the_numbers_are_those_that_were_measured():
    widget = meter()
    assert widget.depth == 32
    assert widget.numbers == {"stored": 162, "rebuilt": 12.7, "stored seconds": 0.8, "rebuilt seconds": 1.2}
    widget.value = {"index": 1, "step": 8}
    assert widget.depth == 8
    assert widget.numbers["stored"] == 42
    assert widgets.memory_meter([1, 2], [3, 4], [1, 1], start=0).numbers == {"stored": 3, "rebuilt": 1}


@pytest.mark.parametrize(
    ("depths", "stored", "how"),
    [([4], [1], {}), ([8, 4], [1, 2], {}), ([4, 8], [1], {}), ([4, 8], [0, 1], {}), ([0, 8], [1, 2], {}),
     ([4, 8], [1, 2], {"start": 2}), ([4, 8], [1, 2], {"seconds": {"stored": [1, 2]}})],
)  # fmt: skip
def test_what_was_not_measured_so_is_refused(depths, stored, how):
    with pytest.raises(ValueError, match=r"depths|seconds|start"):
        widgets.memory_meter(depths, stored, [1.0] * len(depths), **how)


# Listen ---------------------------------------------------------------------------------------------------------------


def test_sounds_are_those_of_the_players_and_errors_count_from_the_first():
    widget = ear()
    assert list(widget.sounds) == ["recorded", "WaveGlow", "WaveNet"]
    t = torch.arange(1024) / 8000
    assert torch.allclose(widget.sounds["WaveGlow"], 0.5 * torch.sin(6.283 * 200 * t), atol=1e-6)
    errors = widget.state["errors"]
    assert errors["recorded"] == 0 < errors["WaveGlow"] < errors["WaveNet"]
    assert all(0 < value < 10 for value in widget.state["seconds"].values())
    before = widget.sounds
    widget.value = {"choice": 1, "temperature": 1.0, "seed": 2}
    assert not torch.allclose(widget.sounds["recorded"], before["recorded"], atol=0.1)
    assert torch.allclose(widget.sounds["WaveNet"], 0.3 * torch.sin(6.283 * 400 * t) + 0.02, atol=1e-6)


def test_a_sound_that_was_made_before_takes_the_time_that_it_took():
    t = torch.arange(1024) / 8000
    players = {"recorded": lambda *_: t, "before": lambda *_: (t / 2, 3.0)}
    widget = widgets.listen(players, lambda x: x.view(1, 1, 8, -1).abs(), names=["ee"], rate=8000)
    assert widget.state["seconds"]["before"] == pytest.approx(3 * 8000 / 1024, abs=0.1)
    assert widget.state["seconds"]["recorded"] < 1
    assert torch.equal(widget.sounds["before"], t / 2)


def test_what_is_painted_is_said_by_who_can_and_its_error_counts_from_the_painting():
    widget = ear()
    painted = torch.full((8, 128), -1.0)
    painted[2] = 0.0
    widget.value = {**widget.request, "painted": painted.tolist()}
    assert list(widget.sounds) == ["WaveGlow"]
    assert torch.allclose(widget.sounds["WaveGlow"], 0.5 * painted.exp().flatten(), atol=1e-6)
    assert torch.equal(torch.tensor(widget.state["heard"]["recorded"]), painted)
    said = (0.1 + 0.5 * painted.exp()).log()
    assert widget.state["errors"]["WaveGlow"] == pytest.approx((said - painted).abs().mean().item(), abs=1e-3)
    assert widget.still()
    widget.value = {**widget.request, "painted": [[0.0]]}
    assert widget.state["error"] == "ValueError: a painted spectrogram must be (8, 128) numbers"
    widget.value = {**widget.request, "painted": None}
    assert list(widget.sounds) == ["recorded", "WaveGlow", "WaveNet"]


@pytest.mark.parametrize("painter", ["a", "c"])
def test_only_a_player_can_say_what_is_painted_and_not_the_first(painter):
    players = {"a": lambda *_: torch.zeros(64), "b": lambda *_: torch.zeros(64)}
    with pytest.raises(ValueError, match="they must be players"):
        widgets.listen(players, lambda x: x.view(1, 1, 8, 8), names=["ee"], rate=8000, painters={painter: shifted})


@pytest.mark.parametrize("wrong", [{"names": []}, {"rate": 100}, {"temperature": -1}, {"players": {"one": shifted}}])
def test_what_can_not_be_heard_is_refused(wrong):
    given = {"players": {"a": shifted, "b": shifted}, "names": ["ee"], "rate": 8000} | wrong
    players = given.pop("players")
    with pytest.raises(ValueError, match=r"give two|at least"):
        widgets.listen(players, lambda x: x, **given)
