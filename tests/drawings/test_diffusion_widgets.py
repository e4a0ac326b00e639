"""Widgets of lecture 10: what Python reads of them agrees with genlib's own denoisers, and what is refused."""

import pytest
import torch

from genlib import plots, widgets
from genlib.diffusion import ClassifierFree, LinearLogSNR, MixtureDenoiser, ddim, steps_down
from genlib.widgets.mixture import best_eps, log_density, noise_at
from genlib.widgets.network import packed, unpacked
from tests.browser.widgets_of_diffusion import DIGITS, guided, ideal, scrubber
from tests.drawings.test_plots_and_widgets import still_of

SCHEDULE = LinearLogSNR(6, -6)
CENTRES = torch.tensor([[1.0, 0.5], [-1.2, 0.3], [0.2, -1.4]])


def test_the_mixture_of_the_widgets_is_that_of_the_library():
    x, oracle = torch.randn(7, 2), MixtureDenoiser(CENTRES, 0.3, schedule=SCHEDULE)
    for t in (0.1, 0.5, 0.9):
        assert torch.allclose(best_eps(x, t, CENTRES, 0.3), oracle(x, t).eps, atol=1e-5)
        assert torch.allclose(log_density(x, t, CENTRES, 0.3), oracle.log_prob(x, t), atol=1e-5)
        alpha, sigma = noise_at(torch.tensor(t))
        assert torch.allclose(alpha, SCHEDULE.alpha(torch.tensor(t)))
        assert torch.allclose(sigma, SCHEDULE.sigma(torch.tensor(t)))


# Draw your own density ------------------------------------------------------------------------------------------------


def test_the_data_are_a_preset_or_what_is_drawn():
    widget = widgets.draw_density()
    assert widget.points.norm(dim=1).tolist() == pytest.approx([2] * 8, abs=1e-3)
    assert widget.width == 0.15
    for preset, count in (("two moons", 60), ("the letter S", 64), ("your own", 0)):
        assert widgets.draw_density(preset=preset).points.shape == (count, 2)
    own = widgets.draw_density(CENTRES, width=0.3)
    assert (own.preset, own.width, own.steps) == ("your own", 0.3, 0)
    assert torch.allclose(own.points, CENTRES)
    own.value = {"preset": "your own", "points": [[1, 2]], "steps": 7, "weights": own.state["weights"]}
    assert own.points.tolist() == [[1, 2]]
    assert own.steps == 7


def test_a_network_that_says_nothing_guesses_what_it_sees():
    """ε̂ = σ x_t + α F, with all weights 0: F = 0; with a last bias, F is that bias."""
    widget, x = widgets.draw_density(CENTRES), torch.randn(5, 2)
    weights = 0 * unpacked(widget.state["weights"])
    weights[-2:] = torch.tensor([0.5, -1.0])
    widget.value = {"weights": packed(weights)}
    alpha, sigma = noise_at(torch.tensor(0.4))
    assert torch.allclose(widget.learned(x, 0.4), sigma * x + alpha * torch.tensor([0.5, -1.0]), atol=1e-6)
    assert torch.allclose(
        widget.exact(x, 0.4), MixtureDenoiser(CENTRES, 0.12, schedule=SCHEDULE)(x, 0.4).eps, atol=1e-5
    )


def test_the_still_picture_shows_the_learned_score_when_there_is_one():
    widget = widgets.draw_density()
    first, alt = still_of(widget)
    assert alt.endswith("arrows of its exact score.")
    widget.value = {"steps": 3, "weights": widget.state["weights"]}
    second, alt = still_of(widget)
    assert second != first
    assert "after 3 steps" in alt
    assert still_of(widgets.draw_density(preset="your own"))[1] == "An empty plane, to be drawn on."


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"preset": "three moons"}, "not one of eight Gaussians"),
        ({"points": torch.zeros(3, 3)}, r"must be \(n, 2\)"),
        ({"points": torch.zeros(0, 2)}, "n in 1..300"),
        ({"points": torch.zeros(301, 2)}, "n in 1..300"),
        ({"points": torch.full((2, 2), 4.0)}, "reach to 4"),
        ({"points": torch.full((2, 2), torch.nan)}, "reach to nan"),
        ({"width": 0.01}, "0.05..1"),
    ],
)
def test_points_that_can_not_be_shown_are_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        widgets.draw_density(**wrong)


# The scrubber ---------------------------------------------------------------------------------------------------------


def test_the_scrubber_walks_as_ddim_does():
    widget, denoiser = scrubber(), ideal()
    widget.value = {"mode": "from noise", "choice": 2, "at": 1.0}
    assert widget.steps == 10
    noise = torch.tensor(widget.state["noises"]).view(6, 1, 8, 8)
    x_0 = ddim(denoiser, noise, steps_down(10))
    x_t, x, eps = widget.frames
    assert torch.allclose(x_t, x_0 / SCHEDULE.alpha(torch.zeros(())), atol=0.02)
    assert x is None
    assert eps is None
    nearest = torch.cdist(x_t.flatten(1), (DIGITS / 8 - 1).flatten(1)).min(1).values
    assert nearest.max() < 0.6, "the ideal denoiser gives its six digits back, with σ = 0.05 on 64 pixels"


def test_a_known_picture_is_guessed_at_every_level_of_noise():
    widget = scrubber()
    truth = (DIGITS / 8 - 1).float()
    off = []
    for at in (0.0, 0.5, 1.0):
        widget.value = {"mode": "a known picture", "choice": 2, "at": at}
        x_t, x, eps = widget.frames
        t = torch.tensor(1 - at)
        assert torch.allclose(x_t, SCHEDULE.alpha(t) * x + SCHEDULE.sigma(t) * eps, atol=0.04), "two bytes of one guess"
        off.append((x - truth).square().mean().item())
    assert off[0] > 0.1 > 0.01 > off[2]


def test_reals_need_no_levels_and_the_still_picture_is_drawn():
    one = widgets.denoising(DIGITS / 8 - 1, ideal(), steps=(1, 2, 10))
    assert one.state["walks"] == scrubber().state["walks"]
    assert still_of(one)[1].startswith("Rows of pictures that get clearer")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pictures": DIGITS[0]}, r"must be \(n, 1, H, W\)"),
        ({"pictures": DIGITS.expand(6, 3, 8, 8)}, r"must be \(n, 1, H, W\)"),
        ({"pictures": DIGITS}, "say levels="),
        ({"steps": (4, 2)}, "must rise"),
        ({"steps": ()}, "must rise"),
        ({"steps": (0, 2)}, "from 1 at least"),
    ],
)
def test_pictures_that_do_not_fit_are_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        widgets.denoising(**{"pictures": DIGITS / 8 - 1, "denoiser": ideal(), "steps": (1, 2)} | wrong)


# Guidance -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [0.0, 1.0, 3.0])
def test_guidance_is_that_of_the_library(w):
    widget = guided()
    widget.value = {"w": w, "asked": 1}
    centres = torch.cat(widget.classes)
    every, given = (MixtureDenoiser(m, 0.4, schedule=SCHEDULE) for m in (centres, widget.classes[1]))
    both = lambda x_t, t, y: every(x_t, t) if y is None else given(x_t, t)  # noqa: E731
    denoiser = ClassifierFree(both, SCHEDULE, torch.ones(9), w)
    x = torch.randn(9, 2)
    assert torch.allclose(widget.eps(x, 0.3), denoiser(x, torch.full((9,), 0.3)).eps, atol=1e-4)
    noise = torch.randn(9, 2, generator=torch.Generator().manual_seed(1))
    made = widget.samples(9, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(made, ddim(denoiser, noise, steps_down(60)), atol=1e-3)


def test_the_tilted_density_is_not_what_guidance_samples():
    widget = widgets.guidance(w=4)
    x = torch.randn(50, 2)
    given = MixtureDenoiser(widget.classes[0], 0.4, schedule=LinearLogSNR(30, -6)).log_prob(x, 0.0)
    every = MixtureDenoiser(torch.cat(widget.classes), 0.4, schedule=LinearLogSNR(30, -6)).log_prob(x, 0.0)
    wanted = every + 4 * (given + torch.tensor(0.5).log() - every)
    assert torch.allclose(widget.tilted(x), wanted, atol=1e-3)
    made = widget.samples(2000, generator=torch.Generator().manual_seed(0))
    at = plots.base.lattice((-3.2, 3.2, -3.2, 3.2), 100)
    shares = widget.tilted(at).softmax(0)
    assert made[:, 0].mean() < (shares @ at)[0] - 0.25


def test_the_still_picture_of_guidance_says_w():
    assert "for w = 2, class class A" in still_of(guided())[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pictures": DIGITS}, r"\(6, 1, 8, 8\)"),
        ({"pictures": DIGITS[None], "weights": [0, 1]}, "2 weights"),
        ({"pictures": DIGITS[None], "weights": [0], "notes": ["a", "b"]}, "2 notes"),
        ({"w": 9}, "w=9"),
        ({"width": 0.01}, "width=0.01"),
        ({"classes": [[[0, 0]]]}, "two lists"),
        ({"classes": [[[0, 0]], [[3, 0]]]}, "within ±2.6"),
    ],
)
def test_classes_and_pictures_that_do_not_fit_are_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        widgets.guidance(**wrong)


# Schedules ------------------------------------------------------------------------------------------------------------


def test_the_total_is_what_noisy_data_tell_of_it_and_sees_only_the_ends():
    """Of N(0, 1): x_t is N(0, 1) at every λ, so I(x; x_t) = −log σ, nats."""
    told = lambda log_snr: -0.5 * torch.sigmoid(torch.tensor(-log_snr)).log2()  # noqa: E731
    widget = widgets.schedules(data="one Gaussian", handles=(8, 1, 0, -6))
    assert widget.total == pytest.approx((told(8.0) - told(-6.0)).item(), abs=1e-3)
    assert widgets.schedules(data="one Gaussian", handles=(8, 7, -6)).total == pytest.approx(widget.total, abs=1e-9)
    widget.value = {"handles": [6, 0, -6], "data": "two bumps", "rungs": 3}
    assert (widget.handles, widget.data, widget.rungs) == ([6, 0, -6], "two bumps", 3)
    assert widget.total != pytest.approx((told(6.0) - told(-6.0)).item(), abs=0.1)


def test_the_error_is_that_of_the_librarys_denoiser():
    widget = widgets.schedules(data="two bumps")
    oracle = MixtureDenoiser(torch.tensor([[-1.0], [1.0]]), 0.15, schedule=SCHEDULE)
    g = torch.Generator().manual_seed(0)
    n = 40_000
    x = torch.randint(2, (n, 1), generator=g) * 2 - 1 + 0.15 * torch.randn(n, 1, generator=g)
    for t in (0.2, 0.5):
        eps = torch.randn(n, 1, generator=g)
        alpha, sigma = noise_at(torch.tensor(t))
        off = (eps - oracle(alpha * x + sigma * eps, t).eps).square()
        error = widget.error(torch.tensor([6 - 12 * t], dtype=torch.float64)).item()
        assert error == pytest.approx(off.mean().item(), abs=4 * off.std().item() / n**0.5)


def test_the_still_picture_of_a_schedule_says_its_total():
    widget = widgets.schedules(DIGITS[0] / 8 - 1)
    assert f"{widget.total:.2f} in all" in still_of(widget)[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"data": "five levels"}, "not one of"),
        ({"handles": (1, 2, 3)}, "falling"),
        ({"handles": (3, 1)}, "3 to 20"),
        ({"handles": (13, 1, 0)}, "within -10..12"),
        ({"rungs": 1}, "2..100"),
    ],
)
def test_curves_that_are_none_are_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        widgets.schedules(**wrong)
