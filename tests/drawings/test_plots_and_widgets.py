"""Figures and widgets, without a browser: what they return, what they refuse, what a callback does."""

import base64
import io

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from genlib import data, plots, widgets
from genlib.course.lectures import course_map
from genlib.lectures import LECTURES


def size_of(figure: Figure) -> tuple[int, int]:
    """How large a figure stands on a page: half of the pixels that it has."""
    width, height = Image.open(io.BytesIO(plots.png(figure))).size
    return width // 2, height // 2


def cut_texts(figure: Figure) -> list[str]:
    """The texts of a figure that reach over its edge."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    renderer = canvas.get_renderer()
    cut = []
    for ax in figure.axes:
        (left, right), (bottom, top) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
        texts = [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
        texts += [tick.label1 for tick in ax.xaxis.get_major_ticks() if left <= tick.get_loc() <= right]
        texts += [tick.label1 for tick in ax.yaxis.get_major_ticks() if bottom <= tick.get_loc() <= top]
        for text in texts:
            if text.get_visible() and text.get_text() and ax.axison:
                box = text.get_window_extent(renderer)
                if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
                    cut.append(text.get_text())
    return cut


def assert_whole(figure: Figure, *, width: tuple[int, int], height: tuple[int, int]) -> None:
    """A figure draws, its sides lie within these pixels, and none of its texts is cut."""
    across, up = size_of(figure)
    assert width[0] < across < width[1]
    assert height[0] < up < height[1]
    assert cut_texts(figure) == []


def figures() -> dict[str, Figure]:
    train, _ = data.digits()
    moons = data.toy("moons", n=20)
    mass = torch.tensor([[3.0, 1], [0, 2]])
    return {
        "images": plots.images(train.x[:7], levels=17, columns=4),
        "images with titles": plots.images(train.x[:7], levels=17, titles=[f"y = {k}" for k in range(7)]),
        "images with long titles": plots.images(
            train.x[:4], levels=17, titles=["a large yellow square at the bottom left"] * 4, size=1.3
        ),
        "images with rows": plots.images(train.x[:6], levels=17, columns=3, rows=["asked: 1", "asked: 2"]),
        "colour images": plots.images(torch.rand(2, 3, 8, 8)),
        "densities": plots.densities({"p(x)": lambda x: moons.log_prob(x).exp()}, points=moons.x, colours=moons.y),
        "bars": plots.bars({"a long name of a model": 1.5, "b": 2}, unit="bits per dimension", highlight=["b"]),
        "competition": plots.bayes.joint_table(train.x[:2], mass, ["1", "7"], levels=17),
        "pixels": plots.pixels(train.x[0], levels=17, readout={"p(y|x)": {"0": 0.25, "1": 0.75}}),
        "graph": course_map(),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = figures()[name]
    assert_whole(figure, width=(50, 2000), height=(50, 2000))


def test_the_course_map_has_every_lecture():
    texts = " ".join(text.get_text() for text in course_map().axes[0].texts)
    for lecture in LECTURES:
        assert lecture.number in texts


def test_a_figure_is_shown_with_its_alt_text(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    plots.show(plots.bars({"a": 1.0}, unit="nats"), alt="one bar")
    _, metadata = shown[0]._repr_png_()
    assert metadata["alt"] == "one bar"
    assert metadata["width"] == size_of(plots.bars({"a": 1.0}, unit="nats"))[0], "drawn twice as fine as shown"
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(plots.bars({"a": 1.0}, unit="nats"), alt=" ")


def test_a_live_figure_is_displayed_once_and_then_updated(monkeypatch):
    import IPython.display

    class Handle:
        updates = 0

        def update(self, picture):
            Handle.updates += 1
            assert picture._repr_png_()[1]["alt"] == "one bar"

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda picture, display_id: shown.append(picture) or Handle())
    live = plots.Live("one bar")
    for value in (1.0, 2.0, 3.0):
        live.show(plots.bars({"a": value}, unit="nats"))
    assert (len(shown), Handle.updates) == (1, 2)


def test_pictures_show_ink_dark():
    x = torch.tensor([0, 16]).view(1, 1, 1, 2).expand(1, 1, 2, 2)
    picture = Image.open(io.BytesIO(plots.png(plots.images(x, levels=17)))).convert("L")
    left, right = (
        picture.getpixel((picture.width // 4, picture.height // 2)),
        picture.getpixel((3 * picture.width // 4, picture.height // 2)),
    )
    assert left > 240
    assert right < 15


def test_fewer_colours_are_as_good_as_all():
    """A heat map, and a few points in colours of their own: no pixel is far from what was drawn."""
    torch.manual_seed(0)
    points = torch.randn(30, 2)
    figure = plots.densities({"p(x)": lambda x: -(x**2).sum(-1)}, points=points, colours=torch.arange(30) % 8)
    for _ in range(3):  # until the layout, which starts from the drawing before, has come to rest
        plots.png(figure)
    drawn = io.BytesIO()
    with matplotlib.rc_context(plots.STYLE):
        figure.savefig(drawn, format="png")
    small = plots.png(figure)
    before, after = (np.asarray(Image.open(file).convert("RGB"), dtype=int) for file in (drawn, io.BytesIO(small)))
    far = abs(before - after).max(2)
    assert far.max() < 70
    assert (far > 24).mean() < 2e-3
    assert len(small) < 0.5 * len(drawn.getvalue())


def test_images_refuse_another_shape():
    with pytest.raises(ValueError, match=r"\(n, C, H, W\)"):
        plots.images(torch.zeros(8, 8))


# Widgets --------------------------------------------------------------------------------------------------------------


def still_of(widget) -> tuple[bytes, str]:
    bundle, metadata = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    return base64.b64decode(bundle["image/png"]), metadata["image/png"]["alt"]


def test_competition_holds_its_table_and_shows_a_still_picture():
    train, _ = data.digits()
    mass = torch.tensor([[3.0, 1], [0, 2]])
    widget = widgets.competition(train.x[:2], mass, ["1", "7"], levels=17)
    before, alt = still_of(widget)
    assert alt
    assert torch.equal(widget.mass, mass.double())
    widget.value = {"mass": [[3, 1], [5, 2]]}  # what the browser sends
    assert widget.mass[1, 0] == 5
    assert still_of(widget)[0] != before


@pytest.mark.parametrize(
    ("images", "mass", "words"),
    [
        (torch.zeros(2, 8, 8), torch.ones(2, 2), "need images"),
        (torch.zeros(2, 1, 8, 8), torch.ones(2, 3), "need images"),
        (torch.zeros(2, 1, 8, 8), -torch.ones(2, 2), "must lie in 0..20"),
        (torch.zeros(2, 1, 8, 8), torch.zeros(2, 2), "must lie in 0..20"),
    ],
)
def test_competition_refuses_what_does_not_fit(images, mass, words):
    with pytest.raises(ValueError, match=words):
        widgets.competition(images, mass, ["1", "7"], levels=17)


def test_painting_asks_the_readout_again():
    asked = []

    def readout(x):
        asked.append(x)
        return {"ink": {"share": x.float().mean().item() / 16}}

    pad = widgets.paint(torch.zeros(1, 8, 8, dtype=torch.long), levels=17, readout=readout)
    assert pad.state["readout"][0]["values"] == [0.0]
    pad.value = {"image": [[16] * 8] * 8}
    assert pad.state["readout"] == [{"title": "ink", "names": ["share"], "values": [1.0]}]
    assert asked[-1].shape == (1, 8, 8)
    assert asked[-1].dtype == torch.long
    assert torch.equal(pad.image, torch.full((1, 8, 8), 16))
    assert "ink" in still_of(pad)[1]


@pytest.mark.parametrize("image", [torch.zeros(8, 8).long(), torch.zeros(1, 8, 8), torch.full((1, 8, 8), 17)])
def test_paint_refuses_what_is_no_picture(image):
    with pytest.raises(ValueError, match=r"pixels must be|one image of one channel"):
        widgets.paint(image, levels=17)
