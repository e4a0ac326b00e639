"""Figures and widgets of lecture 02, without a browser: what they return, what they refuse, what a callback does."""

import pytest
import torch
import torch.nn.functional as F

from genlib import data, plots, widgets
from genlib.widgets.network import unpacked
from genlib.widgets.receptive_field.widget import depends_on
from tests.drawings.test_plots_and_widgets import assert_whole, still_of

LEVELS = 17


def digits(n: int) -> torch.Tensor:
    return data.digits()[1].x[:n]


def figures() -> dict:
    x, known = digits(9), torch.arange(64).view(1, 8, 8) < 28
    probabilities = torch.rand(64, LEVELS).softmax(-1)
    seen = depends_on(9, 9, position=(4, 4), layers=2)
    sizes = torch.rand(9, 9) * seen
    lines = [("the old cats that see the dog sleep " * 3, "a sentence"), ("the", "not a sentence")]
    draw = plots.autoregressive
    return {
        "kernels": draw.kernels({"mask A, 3×3": torch.ones(3, 3).tril(), "mask B, 5×5": torch.ones(5, 5).tril()}),
        "connections": draw.connections(
            {"to units": torch.ones(20, 9), "units": torch.ones(9, 20)}, rows="t", columns="f"
        ),
        "connections with numbers": draw.connections(
            {"to units": torch.ones(20, 9)}, rows="t", columns="f", ticks=[(range(20), range(9))]
        ),
        "effective receptive field": draw.effective_receptive_field(
            {"PixelCNN, 9 layers": (sizes, 40), "one layer: A": (sizes, 40)}
        ),
        "receptive field": draw.receptive_field(seen, seen, (4, 4)),
        "diagonals": draw.diagonals(5, 6),
        "covered": draw.covered(x, x > 3, levels=LEVELS, columns=3, rows=["given"] * 3),
        "under the cover": draw.under_the_cover(
            x[:2], known, x[:8].view(2, 4, 1, 8, 8), levels=LEVELS, rows=["MADE", "PixelCNN"]
        ),
        "sampling step": draw.sampling_step(x[0, 0], probabilities, 27, levels=LEVELS),
        "all drawn": draw.sampling_step(x[0, 0], probabilities, 64, levels=LEVELS),
        "completion": draw.completion(x[0, 0], x[1:], 36, levels=LEVELS),
        "continuations": draw.continuations("the old", lines, [("end", 0.7), ("␣", 0.2)]),
        "attention": draw.attention({"^the cat": torch.rand(4, 8), "^the cats": torch.rand(4, 9)}),
    }  # fmt: skip


def test_under_the_cover_only_the_second_picture_of_a_row_is_covered():
    x, known = digits(6), torch.arange(64).view(1, 8, 8) < 28
    figure = plots.autoregressive.under_the_cover(x[:2], known, x[2:].view(2, 2, 1, 8, 8), levels=LEVELS)
    shown = [picture.get_array() for picture in figure.axes[0].images]
    assert [picture.mask.sum() for picture in shown] == [0, 36, 0, 0] * 2  # what is masked has the colour of a cover
    for picture, k in zip(shown, (0, 0, 2, 3, 1, 1, 4, 5), strict=True):
        assert (picture == x[k, 0].numpy()).all(), "where it is not masked"


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = figures()[name]
    assert_whole(figure, width=(50, 1200), height=(50, 1200))


# What a pixel depends on ----------------------------------------------------------------------------------------------


def by_gradient(height, width, *, position, layers, kernel=3, network="pixelcnn", masks="ABB"):
    """The same by autograd: kernels that are their masks, nothing that is not linear, so that paths are counted."""
    half = kernel // 2
    rows, columns = torch.meshgrid(*[torch.arange(-half, half + 1)] * 2, indexing="ij")
    past = (rows < 0) | ((rows == 0) & (columns < 0))
    full = {"A": past, "B": past | ((rows == 0) & (columns == 0))}
    x = torch.zeros(1, 1, height, width, dtype=torch.double, requires_grad=True)

    def conv(h, mask):
        return F.conv2d(h, mask[None, None].double(), padding=half)

    horizontal = vertical = x
    for layer in range(layers):
        kind = masks[min(layer, 2)]
        if network == "gated":
            vertical = conv(vertical, rows <= 0)
            above = F.pad(vertical, (0, 0, 1, 0))[:, :, :-1]
            horizontal = conv(horizontal, full["B" if layer else "A"] & (rows == 0)) + above
        else:
            horizontal = conv(horizontal, full[kind])
    horizontal[0, 0, position[0], position[1]].backward()
    return x.grad[0, 0] > 0


@pytest.mark.parametrize("network", ["pixelcnn", "gated"])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("layers", [1, 2, 5])
@pytest.mark.parametrize("position", [(0, 0), (2, 6), (4, 3)])
def test_the_dependence_is_that_of_a_network(network, kernel, layers, position):
    how = {"position": position, "layers": layers, "kernel": kernel, "network": network}
    assert torch.equal(depends_on(6, 7, **how), by_gradient(6, 7, **how))


@pytest.mark.parametrize("masks", ["AAA", "BBB"])
def test_the_dependence_with_wrong_masks(masks):
    how = {"position": (3, 3), "layers": 3, "masks": masks}
    assert torch.equal(depends_on(6, 7, **how), by_gradient(6, 7, **how))
    assert depends_on(6, 7, **how)[3, 3] == (masks == "BBB")
    assert depends_on(6, 7, **how)[3, 2] == (masks == "BBB")  # with A in every layer, the left neighbour is missed


def test_receptive_field_follows_what_the_browser_tells():
    widget = widgets.receptive_field(9, 9, layers=2)
    before, alt = still_of(widget)
    assert alt
    assert widget.seen.sum() == 11
    widget.value = {"position": [8, 8], "layers": 12, "kernel": 3, "network": "gated", "masks": "ABB"}
    assert widget.seen.sum() == 80
    assert still_of(widget)[0] != before


@pytest.mark.parametrize(
    "wrong", [{"network": "gpt"}, {"masks": "ABA"}, {"kernel": 4}, {"layers": 0}, {"position": (9, 0)}]
)
def test_receptive_field_refuses_what_does_not_fit(wrong):
    with pytest.raises(ValueError, match=r"choose network|must lie in"):
        widgets.receptive_field(**wrong)


# Pictures while they are drawn ----------------------------------------------------------------------------------------


def test_the_player_holds_its_pictures_and_shows_the_step():
    x = digits(2)
    p = torch.rand(2, 1, 8, 8, LEVELS).softmax(-1)
    widget = widgets.sampling_player(x, p, levels=LEVELS, titles=["a", "b"], step=5)
    before, alt = still_of(widget)
    assert alt
    assert (widget.step, widget.picture) == (5, 0)
    assert widget.state["images"] == x[:, 0].tolist()
    assert torch.equal(unpacked(widget.state["probabilities"]).view(p.shape), p)
    widget.value = {"step": 64, "picture": 1}
    assert (widget.step, widget.picture) == (64, 1)
    assert still_of(widget)[0] != before


def test_the_player_refuses_what_does_not_fit():
    x = digits(2)
    with pytest.raises(ValueError, match="probabilities"):
        widgets.sampling_player(x, torch.rand(2, 64, LEVELS), levels=LEVELS)
    with pytest.raises(ValueError, match="1 titles for 2"):
        widgets.sampling_player(x, torch.rand(2, 1, 8, 8, LEVELS), levels=LEVELS, titles=["a"])


def test_a_completion_is_asked_for_again_when_something_moves():
    asked = []

    def complete(x, known, temperature, seed):
        asked.append((x, known, temperature, seed))
        return torch.where(known, x, seed).expand(8, 1, 8, 8)

    x = digits(3)
    widget = widgets.completion(x, complete, levels=LEVELS, given=10)
    assert torch.equal(asked[-1][0], x[0])
    assert asked[-1][1].flatten().tolist() == [True] * 10 + [False] * 54
    before, alt = still_of(widget)
    assert alt
    widget.value = {"picture": 2, "given": 60, "temperature": 0, "seed": 3}
    assert torch.equal(asked[-1][0], x[2])
    assert asked[-1][1].sum() == 60
    assert asked[-1][2:] == (0.0, 3)
    assert (widget.drawn.flatten(1)[:, 60:] == 3).all()
    assert widget.state["answered"] == widget.value
    assert still_of(widget)[0] != before


def test_what_is_painted_is_completed_in_the_pictures_place():
    x = digits(2)
    widget = widgets.completion(x, lambda x, *_: x.expand(8, 1, 8, 8), levels=LEVELS, given=10)
    chosen, _ = still_of(widget)
    painted = (LEVELS - 1 - x[1, 0]).tolist()
    widget.value = {**widget.state["request"], "image": painted}
    assert (widget.drawn == torch.tensor(painted)).all()
    assert still_of(widget)[0] != chosen
    widget.value = {**widget.state["request"], "picture": 1, "image": None}
    assert torch.equal(widget.drawn[0], x[1])


@pytest.mark.parametrize(("images", "given"), [(torch.zeros(8, 8).long(), 3), (torch.zeros(1, 1, 8, 8).long(), 65)])
def test_completion_refuses_what_does_not_fit(images, given):
    with pytest.raises(ValueError, match=r"takes \(n, 1, H, W\)|has 64 pixels"):
        widgets.completion(images, lambda *_: None, levels=LEVELS, given=given)


def test_a_text_is_continued_again_when_something_moves():
    asked = []

    def write(prompt, temperature, seed):
        asked.append((prompt, temperature, seed))
        return [(prompt + "s", "fine")], [("s", torch.tensor(0.5))]

    widget = widgets.continuations(write, characters=("", *"abc "), prompt="ab", longest=4)
    before, alt = still_of(widget)
    assert alt
    assert widget.state["characters"] == ["a", "b", "c", " "]
    widget.value = {"prompt": "ca", "temperature": 2, "seed": 1}
    assert asked == [("ab", 1.0, 0), ("ca", 2.0, 1)]
    assert widget.lines == [("cas", "fine")]
    assert widget.state["next"] == [["s", 0.5]]
    assert still_of(widget)[0] != before
    for prompt in ("abcab", "x"):
        with pytest.raises(ValueError, match="at most 4 of the characters"):
            widgets.continuations(write, characters="abc ", prompt=prompt, longest=4)


def test_what_a_character_looked_at_is_told_without_writing_anew():
    asked, looked = [], []

    def write(*request):
        asked.append(request)
        return [("abc", "fine")], [("c", 1.0)]

    def attention(text):
        looked.append(text)
        return torch.full((2, 1 + len(text)), 1 / (1 + len(text)))

    widget = widgets.continuations(write, characters="abc ", prompt="ab", attention=attention)
    assert widget.state["heads"] == 2
    assert widget.state["weights"] is None
    widget.value = {**widget.state["request"], "look": "a"}
    assert looked == ["ab", "a"]
    assert widget.state["weights"] == [[0.5, 0.5]] * 2
    assert len(asked) == 1, "the texts stay"
    widget.value = {**widget.state["request"], "prompt": "a", "look": None}
    assert len(asked) == 2
    assert widget.state["weights"] is None
    assert widgets.continuations(write, characters="abc").state["heads"] == 0


def _fails_when_hot(*asked):
    """A completion and a text at once, for both widgets: from temperature 1.5 on they raise."""
    temperature = asked[-2]
    if temperature > 1.5:
        raise RuntimeError("out of memory")
    return asked


@pytest.mark.parametrize("name", ["completion", "continuations"])
def test_a_callback_that_raises_is_told_in_the_widget(name):
    def complete(x, *asked):
        _fails_when_hot(*asked)
        return x.expand(8, 1, 8, 8)

    def write(prompt, *asked):
        _fails_when_hot(*asked)
        return [(prompt, "fine")], []

    if name == "completion":
        widget, rest = widgets.completion(digits(1), complete, levels=LEVELS), {"picture": 0, "given": 3, "seed": 0}
    else:
        widget, rest = widgets.continuations(write, characters="ab"), {"prompt": "a", "seed": 0}
    assert widget.state["error"] == ""
    widget.value = {**rest, "temperature": 2}
    assert widget.state["error"] == "RuntimeError: out of memory"
    assert widget.state["answered"] == widget.value  # the browser waits for this request and for no other
    widget.value = {**rest, "temperature": 1}
    assert widget.state["error"] == ""
    assert widget.state["answered"] == widget.value


def test_a_callback_that_raises_at_once_says_so_in_the_cell():
    with pytest.raises(RuntimeError, match="out of memory"):
        widgets.completion(digits(1), lambda *asked: _fails_when_hot(*asked), levels=LEVELS, temperature=2)
