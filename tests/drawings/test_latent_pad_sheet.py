"""What the latent pad sends for its background, where the decoder can't run in the browser."""

import base64

import pytest
import torch

from genlib import widgets


def decode(z):
    return torch.sigmoid(torch.stack([z[:, 0] + 0.3 * z[:, 1], z[:, 1] - 1, z[:, 0] * z[:, 1], z.sum(1)], 1))


def test_the_kernel_sends_a_sheet_of_pictures_row_by_row_from_above():
    widget = widgets.latent_pad(decode, latent=2, shape=(1, 2, 2))
    sheet = torch.frombuffer(bytearray(base64.b64decode(widget.state["sheet"])), dtype=torch.uint8) / 255
    sheet = sheet.view(9, 9, 4)
    x0, x1, y0, y1 = widget.state["extent"]
    for row, column in ((0, 0), (2, 7), (8, 3)):
        z = torch.tensor([[x0 + (x1 - x0) * (column + 0.5) / 9, y1 - (y1 - y0) * (row + 0.5) / 9]])
        assert (sheet[row, column] - decode(z)[0]).abs().max() < 0.003


@pytest.mark.parametrize(("side", "pictures"), [(28, 9), (64, 4), (200, None)])
def test_the_sheet_stays_small(side, pictures):
    widget = widgets.latent_pad(lambda z: torch.zeros(len(z), side**2), latent=2, shape=(1, side, side))
    sheet = widget.state["sheet"]
    assert (None if sheet is None else len(base64.b64decode(sheet))) == (pictures and pictures**2 * side**2)


def test_a_decoder_that_the_browser_runs_needs_none():
    assert widgets.latent_pad(torch.nn.Sequential(torch.nn.Linear(2, 4)), shape=(1, 2, 2)).state["sheet"] is None


@pytest.mark.parametrize("what", ["codes", "origin", "directions", "images"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_has_no_place_in_the_plane_is_told(what, bad):
    given = {"codes": torch.zeros(5, 2), "origin": torch.zeros(2), "directions": torch.eye(2)}
    given |= {"images": torch.zeros(5, 1, 2, 2)}
    given[what].view(-1)[-1] = bad
    with pytest.raises(ValueError, match=f"{what} holds values that are not finite"):
        widgets.latent_pad(torch.nn.Sequential(torch.nn.Linear(2, 4)), shape=(1, 2, 2), **given)
