"""LatentPad on a bare page, without a kernel: JavaScript decodes as torch does, and the point can be dragged."""

import pytest
import torch
from torch import nn

from genlib import widgets
from genlib.nets import mlp
from tests.browser.page import at_rest, show, told

SHAPE = (1, 6, 5)


def decoders() -> dict[str, nn.Sequential]:
    """Every layer that the browser knows."""
    torch.manual_seed(0)
    gentle = [nn.Linear(3, 40), nn.SiLU(), nn.Linear(40, 40), nn.GELU(), nn.Dropout(), nn.Linear(40, 40), nn.Tanh()]
    others = [nn.Linear(40, 40), nn.LeakyReLU(0.1), nn.Identity(), nn.Linear(40, 40), nn.GELU("tanh"), nn.Softplus()]
    mean = nn.Linear(17, 1, bias=False)
    levels = nn.Sequential(nn.Linear(40, 30 * 17), nn.Unflatten(1, (30, 17)), nn.Softmax(-1), mean, nn.Flatten())
    nn.init.normal_(levels[0].weight)  # so that the softmax is far from uniform
    return {
        "bernoulli": nn.Sequential(*gentle, *others, nn.Linear(40, 30), nn.Sigmoid(), nn.Unflatten(1, SHAPE)),
        "categorical": nn.Sequential(*gentle, levels),
        "mlp": nn.Sequential(mlp(3, 30, hidden=64, layers=3, activation=nn.ReLU), nn.Sigmoid()),
    }


@pytest.mark.parametrize("name", ["bernoulli", "categorical", "mlp"])
def test_javascript_decodes_as_torch_does(page, name):
    decode = decoders()[name].eval()
    show(page, widgets.latent_pad(decode, shape=SHAPE))
    z = 2 * torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    theirs = page.evaluate("(zs) => zs.map((z) => Array.from(window.root().decode(z)))", z.tolist())
    with torch.no_grad():
        ours = decode(z).flatten(1)
    assert ours.std() > 0.01  # a constant would agree with anything
    assert (torch.tensor(theirs) - ours).abs().max() < 1e-5


def test_dragging_keys_pins_and_the_walk(page):
    torch.manual_seed(0)
    decode = nn.Sequential(nn.Linear(2, 30), nn.Sigmoid()).eval()
    codes, labels = torch.randn(40, 2), torch.arange(40) % 3
    pad = widgets.latent_pad(decode, shape=SHAPE, codes=codes, labels=labels, images=torch.rand(40, *SHAPE))
    show(page, pad)
    look = "() => document.querySelector('canvas.out').toDataURL() + document.querySelector('.say').innerText"
    frame = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    plane, before = page.locator("canvas.plane"), page.evaluate(look)
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 90, steps=10)
    page.mouse.up()
    page.evaluate(frame)
    dragged = page.evaluate(look)
    assert dragged != before
    x0, x1, y0, y1 = pad.state["extent"]
    told = page.evaluate("() => window.told.at(-1).coordinates")
    assert told == pytest.approx([x0 + 250 / box["width"] * (x1 - x0), y1 - 90 / box["width"] * (y1 - y0)], abs=0.05)
    pad.value = page.evaluate("() => window.told.at(-1)")
    assert torch.allclose(pad.z, torch.tensor(told))
    for key in ("a", "ArrowLeft", "ArrowLeft", "Shift+ArrowDown", "b"):
        page.keyboard.press(key)
    page.evaluate(frame)
    value = page.evaluate("() => window.told.at(-1)")
    assert value["a"] == pytest.approx(told)
    assert value["b"] == pytest.approx([told[0] - 0.2, told[1] - 0.5])
    assert page.locator("button", has_text="Walk").is_visible()
    page.locator("button", has_text="circle").click()
    page.evaluate(frame)
    pad.value = page.evaluate("() => window.told.at(-1)")
    assert pad.between(0.5).norm() > (torch.tensor(value["a"]) + torch.tensor(value["b"])).norm() / 2, "no arc"
    page.locator("button", has_text="Walk").click()
    page.wait_for_function("() => window.told.at(-1).t === 1", timeout=15_000)
    pad.value = page.evaluate("() => window.told.at(-1)")
    assert torch.allclose(pad.z, torch.tensor(value["b"]), atol=1e-4)
    assert torch.allclose(pad.picture.flatten(), decode(torch.tensor(value["b"])[None])[0], atol=1e-4)


def test_a_second_view_and_sliders_follow(page):
    decode = decoders()["mlp"].eval()
    show(page, widgets.latent_pad(decode, shape=SHAPE))
    value = {"coordinates": [0.5, -1, 2], "a": None, "b": None, "path": "line", "t": None, "serial": 7}
    page.evaluate("(value) => window.again(value)", value)
    assert "z = (0.50, −1.00, 2.00)" in page.locator(".say").inner_text()
    slider = page.locator("input[type=range]").nth(2)
    assert float(slider.input_value()) == 2
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert "2.10)" in page.locator(".say").inner_text()
    assert page.evaluate("() => window.told.at(-1).serial") == 8


def test_the_nearest_pictures_may_be_others_than_the_codes(page):
    decode = nn.Sequential(nn.Linear(2, 30), nn.Sigmoid()).eval()
    with torch.no_grad():
        images = torch.rand(70, *SHAPE)
        images[33] = decode(torch.zeros(1, 2)).view(SHAPE)  # what is decoded at the start
    pad = widgets.latent_pad(
        decode,
        shape=SHAPE,
        codes=torch.randn(5, 2),
        images=images,
        image_labels=torch.arange(70) % 7,
        classes="abcdefg",
    )
    show(page, pad)
    assert page.locator("figcaption").first.inner_text() == "abcdefg"[33 % 7]
    with pytest.raises(ValueError, match="images and image_labels belong together: 70 and 5"):
        widgets.latent_pad(decode, shape=SHAPE, images=images, image_labels=torch.zeros(5))
    with pytest.raises(ValueError, match="codes and labels belong together: 5 and 70"):
        widgets.latent_pad(decode, shape=SHAPE, codes=torch.randn(5, 2), labels=torch.zeros(70))


def test_the_explorer_measures_what_is_drawn_and_shows_the_shares(page):
    torch.manual_seed(0)
    decode = nn.Sequential(nn.Linear(2, 30), nn.Sigmoid()).eval()
    shares = {"slant": torch.tensor([0.3, 0.05]), "size": torch.tensor([0.0, 0.21])}
    pad = widgets.latent_pad(decode, shape=SHAPE, directions=torch.eye(2), shares=shares, measured=True)
    show(page, pad)
    at_rest(page)
    look = "() => [root().dataset.slant, root().dataset.thickness].map(Number)"
    assert page.evaluate(look) == pytest.approx([pad.measured["slant"], pad.measured["thickness"]], abs=1e-5)
    page.locator("canvas.plane").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(f"Shift+{key}")
    at_rest(page)
    pad.value = told(page)
    assert pad.value["coordinates"] == pytest.approx([0.5, 1.0])
    assert page.evaluate(look) == pytest.approx([pad.measured["slant"], pad.measured["thickness"]], abs=1e-5)
    assert f"{pad.measured['thickness']:.2f} pixels" in page.locator(".measures").inner_text()
    assert page.locator(".share").all_inner_texts() == ["30", "0", "5", "21"]  # a row for each direction
