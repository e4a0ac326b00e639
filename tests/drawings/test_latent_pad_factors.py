"""The factor explorer: shares beside the latents, and what is measured in the picture, the same in Python and node."""

import json
import shutil
import subprocess

import pytest
import torch
from torch import nn

from genlib import data, widgets
from genlib.data.strokes import slant, thickness
from genlib.widgets.drawing import FOLDER
from tests.drawings.test_plots_and_widgets import still_of

SHARES = {"slant": torch.tensor([0.3, 0.05]), "thickness": torch.tensor([0.0, 0.21])}


def pad(**how):
    torch.manual_seed(0)
    return widgets.latent_pad(nn.Sequential(nn.Linear(2, 64), nn.Sigmoid()).eval(), shape=(1, 8, 8), **how)


def in_node(pictures):
    """(slant, thickness) of each picture (n, 1, H, W), by the widget's JavaScript."""
    file = (FOLDER / "latent_pad" / "strokes.js").as_uri()
    shape = list(pictures.shape[1:])
    code = f"""
        import {{ slant, thickness }} from "{file}";
        let text = "";
        for await (const part of process.stdin) text += part;
        const each = (p) => [slant(p, {shape}), thickness(p, {shape})];
        console.log(JSON.stringify(JSON.parse(text).map(each)));
    """
    done = subprocess.run(
        [shutil.which("node"), "--input-type=module", "-e", code],
        input=json.dumps(pictures.flatten(1).tolist()),
        capture_output=True,
        text=True,
        check=True,
    )
    return torch.tensor(json.loads(done.stdout), dtype=torch.float64)


def test_node_measures_the_same_as_python():
    drawn = data.glyphs(40)[0].x.double() / 255
    odd = torch.cat([torch.zeros(1, 1, 6, 9), torch.rand(3, 1, 6, 9, generator=torch.Generator().manual_seed(0))])
    for pictures in (drawn, odd.double()):
        ours = torch.stack([slant(pictures), thickness(pictures)], 1)
        assert ours.std(0).min() > 0.05
        assert torch.allclose(in_node(pictures), ours, atol=1e-9)


def test_the_widget_says_what_its_picture_measures():
    widget = pad(measured=True, shares=SHARES)
    before = widget.measured
    widget.value = {"coordinates": [2.0, -1.0], "serial": 1}
    assert widget.measured != before
    assert widget.measured["thickness"] == pytest.approx(thickness(widget.picture[None]).item())
    assert widget.measured["slant"] == pytest.approx(slant(widget.picture[None]).item())


def test_the_still_picture_holds_the_table():
    picture, alt = still_of(pad(measured=True, shares=SHARES))
    assert "tells of slant, thickness" in alt
    other, plain = still_of(pad())
    assert picture != other
    assert "tells" not in plain


@pytest.mark.parametrize("bad", [{"slant": torch.ones(3)}, {"slant": torch.tensor([0.1, 1.2])}])
def test_shares_that_do_not_fit_are_told(bad):
    with pytest.raises(ValueError, match="shares must hold 2 numbers"):
        pad(shares=bad)


def test_what_has_colours_is_not_measured():
    with pytest.raises(ValueError, match="one colour"):
        widgets.latent_pad(nn.Sequential(nn.Linear(2, 12)), shape=(3, 2, 2), measured=True)
