"""Widgets of lecture 08: what Python reads of them, networks of pictures in node, and what is refused."""

import json
import shutil
import subprocess

import pytest
import torch
from torch import nn

from genlib import widgets
from genlib.gan import DCGAN, GAN, CycleGAN
from genlib.widgets.drawing import FOLDER
from genlib.widgets.network import layers, unpacked
from tests.browser.widgets_of_gans import DIGITS, kinds_pad, paler, stored, translators
from tests.drawings.test_plots_and_widgets import still_of

# Networks in the browser ----------------------------------------------------------------------------------------------


def in_node(net, x):
    """What network.js makes of one example, flat."""
    code = f"""
        import {{ network }} from "{(FOLDER / "latent_pad" / "network.js").as_uri()}";
        let text = "";
        for await (const part of process.stdin) text += part;
        const [layers, x] = JSON.parse(text);
        console.log(JSON.stringify([...network(layers)(x, {list(x.shape)})]));
    """
    done = subprocess.run(
        [shutil.which("node"), "--input-type=module", "-e", code],
        input=json.dumps([layers(net), x.flatten().tolist()]),
        capture_output=True,
        text=True,
        check=True,
    )
    return torch.tensor(json.loads(done.stdout))


def seen(gan):
    """The generator with the averages of a batch in its norms, and weights that are not the start's."""
    for p in gan.generator.parameters():
        p.data += 0.1 * torch.randn_like(p)
    gan.generator.train()(torch.randn(50, gan.latent))
    return gan.generator.eval()


NETS = {
    "CycleGAN's translator": lambda: (CycleGAN((1, 16, 12), levels=16, channels=6).forth.eval(), torch.rand(1, 16, 12)),
    "DCGAN's generator": lambda: (seen(DCGAN((1, 16, 16), 8, levels=16)), torch.randn(8)),
    "a generator with batch normalisation": lambda: (
        seen(GAN((1, 8, 8), 5, levels=17, batch_norm=True, hidden=20)),
        torch.randn(5),
    ),
}


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_node_runs_the_networks_of_gans_as_torch_does(name):
    torch.manual_seed(0)
    net, x = NETS[name]()
    assert torch.allclose(in_node(net, x), net(x[None]).flatten(), atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(2, 2, 3, groups=2),
        nn.Conv2d(1, 1, 3, dilation=2),
        nn.Conv2d(1, 1, (3, 1)),
        nn.Conv2d(1, 1, 3, padding="same"),
        nn.Conv2d(1, 1, 3, padding=(1, 0)),
        nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"),
        nn.ConvTranspose2d(1, 1, 3, stride=2, output_padding=1),
        nn.BatchNorm2d(1, track_running_stats=False),
        nn.InstanceNorm2d(1, affine=True),
        nn.GRU(1, 1),
    ],
)
def test_what_network_js_does_not_know_is_not_pretended(layer):
    assert layers(nn.Sequential(nn.ReLU(), layer)) is None


# There and back -------------------------------------------------------------------------------------------------------


def test_a_choice_and_what_is_painted_are_translated():
    widget = paler()
    assert torch.allclose(widget.picture, DIGITS[0] / 16)
    assert torch.allclose(widget.translated, DIGITS[0] / 32)
    assert torch.allclose(widget.returned, DIGITS[0] / 16)
    nothing = (DIGITS[0] / 32).float().mean().item()
    assert widget.off == pytest.approx({"there": 0, "nothing": nothing, "home": 0}, abs=1e-6)
    widget.value = {"choice": 2, "image": None, "noise": 0}
    assert torch.allclose(widget.translated, DIGITS[2] / 32)
    widget.value = {"choice": 2, "image": [[32] * 8] * 8, "noise": 0}
    assert widget.translated.unique().tolist() == [0.5]
    assert widget.off["there"] is None
    assert widget.off["nothing"] is None


def test_the_still_picture_shows_what_was_painted_and_no_truth_for_it():
    widget = translators()
    first, alt = still_of(widget)
    assert alt == "Rows of characters: thin ones, x; bold, G(x); thin again, F(G(x)); and the truth, rendered bold."
    widget.value = {"choice": 0, "image": [[15] * 16] * 16, "noise": 0}
    assert still_of(widget)[0] != first


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"truths": torch.rand(2, 1, 8, 8)}, r"\(n, 1, H, W\) both"),
        ({"pictures": torch.rand(3, 3, 8, 8), "truths": torch.rand(3, 3, 8, 8)}, r"\(n, 1, H, W\) both"),
        ({"truths": 2 * torch.ones(3, 1, 8, 8)}, "ink in 0..1"),
        ({"forth": nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, groups=1, padding_mode="circular"))}, "forth has a lay"),
        ({"back": nn.Sequential(nn.Conv2d(1, 1, 3))}, r"there and back makes \(1, 1, 6, 6\)"),
    ],
)
def test_what_does_not_fit_is_told(wrong, said):
    right = {"forth": nn.Sequential(nn.Tanh()), "back": nn.Sequential(nn.Tanh())}
    right |= {"pictures": torch.rand(3, 1, 8, 8), "truths": torch.rand(3, 1, 8, 8)}
    with pytest.raises(ValueError, match=said):
        widgets.there_and_back(**right | wrong)


# Tricks ---------------------------------------------------------------------------------------------------------------


def test_the_sheet_holds_each_picture_where_it_is_looked_for():
    widget = widgets.tricks(stored())
    for variant in range(2):
        for seed in range(2):
            for frame in range(3):
                first = 6 * (2 * variant + seed) + 2 * frame  # as `stored` counts them
                made = widget.pictures(variant, seed, frame)
                assert made.shape == (2, 1, 4, 4)
                assert made.flatten(1).unique(dim=1).flatten().tolist() == [first % 16, (first + 1) % 16]


def test_what_is_switched_off_is_read_and_the_still_picture_has_all():
    widget = widgets.tricks(stored())
    assert (widget.off, widget.frame, widget.distances) == (0, 2, [200, 200])
    widget.value = {"off": 1, "frame": 0}
    assert widget.distances == [900, 800]
    assert still_of(widget)[1].startswith("Samples after the last step, a row a variant")


def test_runs_that_are_none_are_told():
    with pytest.raises(ValueError, match="sprite missing"):
        widgets.tricks({name: value for name, value in stored().items() if name != "sprite"})
    with pytest.raises(ValueError, match="2 variants for 0 tricks"):
        widgets.tricks(stored() | {"tricks": []})


# Kinds and truncation on the latent pad -------------------------------------------------------------------------------


def test_a_kind_is_added_and_all_of_them_are_decoded_at_one_place():
    for widget in (kinds_pad(), kinds_pad(decode="in the kernel")):
        assert widget.z.tolist() == [0, 0, 1, 0, 0]
        widget.value = {"coordinates": [1.0, 0.5], "kind": 2, "serial": 1}
        assert widget.kind == 2
        assert widget.z.tolist() == [1, 0.5, 0, 0, 1]
        assert widget.picture[0, :, 0].tolist() == pytest.approx([0.1, 0.1, 0.6])
    pictures = [unpacked(text).view(3, 3)[:, 0].tolist() for text in widget.answer["kinds"]]
    assert pictures[0] == pytest.approx([0.6, 0.1, 0.1])
    assert len(widget.answer["draws"]) == 10
    widget.value = {"coordinates": [1.0, 0.5], "kind": 2, "t": 0.5, "a": [0.0, 0.0], "b": [2.0, 0.0], "path": "line"}
    assert widget.z.tolist() == [1, 0, 0, 0, 1]


def test_draws_keep_their_kind_and_their_noise_within_the_radius():
    widget = kinds_pad()
    widget.value = {"coordinates": [0.0, 0.0], "kind": 1, "radius": 0.5}
    assert widget.radius == 0.5
    rows = widget.draws(500, generator=torch.Generator().manual_seed(0))[:, 0, :, 0]
    noise = 10 * rows[:, 0]  # of the first latent
    assert noise.abs().max() <= 0.5
    assert noise.abs().max() > 0.45
    assert torch.allclose(rows[:, 1] - rows[:, 0], torch.full((500,), 0.5))
    # the second moment of a normal cut off at ±t: 1 − 2 t φ(t) / (2 Φ(t) − 1)
    assert noise.square().mean().item() == pytest.approx(0.0808, abs=4 * 0.0738 / 500**0.5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": torch.eye(2)}, r"they must be \(K, 3\)"),
        ({"kinds": torch.eye(3)[:1]}, "2 to 40"),
        ({"kinds": torch.eye(3), "kind_names": ["a"]}, "1 kind_names for 3 kinds"),
        ({"kind_names": ["a"]}, "but no kinds"),
    ],
)
def test_kinds_that_do_not_fit_are_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        widgets.latent_pad(nn.Sequential(nn.Linear(3, 64)), shape=(1, 8, 8), **wrong)


def test_translators_that_are_shown_stay_as_they_are():
    """In training they would learn from being looked at: batch normalisation counts what it sees."""
    forth, back = nn.Sequential(nn.BatchNorm2d(1)), nn.Sequential(nn.BatchNorm2d(1))
    before = {name: value.clone() for name, value in forth.state_dict().items()}
    widgets.there_and_back(forth, back, torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4))
    assert forth.training
    assert all(torch.equal(value, before[name]) for name, value in forth.state_dict().items())
