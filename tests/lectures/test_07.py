"""What lecture 07 says about its runs, by its own cells, over three seeds; and that its bugs are bugs."""

import itertools
import math
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib import metrics
from genlib.course.exercises import lecture_07
from genlib.course.given.lecture_07 import two_steps
from genlib.gan import GAN, R1, losses, theory
from genlib.training import fit

SOURCE = Path(__file__).parents[2] / "notebooks" / "source" / "07_gan_optimality.md"


def from_lecture(start: str, end: str, **names) -> dict:
    """The names that a piece of the lecture's code defines."""
    text = SOURCE.read_text(encoding="utf-8")
    piece = re.search(re.escape(start) + ".*?(?=" + re.escape(end) + ")", text, re.DOTALL)[0]
    space = {"torch": torch, "nn": nn, "F": F, "math": math, "losses": losses, "theory": theory, "GAN": GAN}
    space |= {"device": "cpu", "steps": lambda n: n} | names
    exec(piece, space)
    return space


def test_both_orders_of_the_game_have_one_saddle_point():
    p_data = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    half = torch.full((4,), 0.5, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        D = torch.rand(4, generator=generator, dtype=torch.float64)
        p_g = torch.rand(4, generator=generator, dtype=torch.float64).log().softmax(0)
        assert theory.value(p_data, p_data, D) <= -math.log(4) + 1e-12
        assert theory.value(p_data, p_g, half) == pytest.approx(-math.log(4), abs=1e-12)


def test_alternating_steps_creep_outwards():
    farthest = from_lecture("def farthest", "\n\n\nfor turns")["farthest"]
    assert farthest(0.5, 1_000) < 0.9
    assert farthest(0.5, 400_000) > 5


def test_a_forgotten_detach_does_harm_once_D_has_more_turns():
    play = from_lecture("heap = torch.tensor", "\n```")
    off = {
        (turns, detach): [(play["play"](seed, turns=turns, detach=detach).mean(0) - play["heap"]).abs().mean().item()
                          for seed in range(3)]
        for turns, detach in ((1, False), (5, True), (5, False))
    }  # fmt: skip
    assert max(off[1, False]) < 0.2, "with one turn each it does not show"
    assert all(without > 1.5 * sound for without, sound in zip(off[5, False], off[5, True], strict=True)), off
    assert sum(off[5, False]) > 0.45 + 2 * sum(off[5, True]), "much on the average; how much in a run is a machine's"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("lr_D", "weight"), [(5e-4, 0.0), (5e-3, 0.1)])
def test_collapsed_or_healthy_the_losses_end_alike_and_a_fresh_D_does_better(seed, lr_D, weight):
    ring = from_lecture("angles = torch.arange(8)", "\n\n\ntorch.manual_seed(0)\nbeginner")
    fresh_loss = from_lecture("def fresh_loss", "\n\n\ntorch.manual_seed(0)", draw_ring=ring["draw_ring"])["fresh_loss"]
    torch.manual_seed(seed)
    regulariser = R1(weight) if weight else None
    gan = GAN((2,), hidden=64, lr_generator=5e-3, lr_discriminator=lr_D, regulariser=regulariser)
    history = fit(
        gan,
        ring["draw_ring"](20_000),
        steps=400,
        seed=seed,
        optimizer=lambda parameters, lr: torch.optim.Adam(parameters, lr=lr, betas=(0.5, 0.99), fused=True),
        schedule="constant",
        clip_norm=None,
        warmup=0,
        bar=False,
    )
    penalty = weight * history["discriminator.penalty"] if weight else 0
    late = (history["discriminator.loss"] - penalty)[-50:].mean().item()
    assert abs(late - math.log(4)) < 0.12
    assert abs(history["generator.loss"][-50:].mean().item() - math.log(2)) < 0.12
    modes = metrics.mode_coverage(gan.sample(2000), ring["centres"], ring["sigma"], least=20).modes
    assert modes >= 7 if weight else modes <= 3
    assert fresh_loss(gan) < late - 0.1


def test_balance_more_turns_and_R1_cure_the_collapse_and_noise_does_not():
    """The tournament of section 10: six games each, of six seeds."""
    ring = from_lecture("angles = torch.arange(8)", "\n\n\ntorch.manual_seed(0)\nbeginner")
    many = from_lecture("class Many(nn.Module)", "\n```", draw_ring=ring["draw_ring"], itertools=itertools)
    recipes = from_lecture("disease = {", "\nresults, panels")["recipes"]
    found = {}
    for name, recipe in recipes.items():
        fakes = many["tournament"](**recipe)
        found[name] = [metrics.mode_coverage(f, ring["centres"], ring["sigma"], least=10).modes for f in fakes]
    for sick in ("G outruns D", "instance noise"):
        assert min(found[sick]) <= 2, found
        assert sum(modes <= 4 for modes in found[sick]) >= 4, found
    for cure in ("balance", "four turns of D", "R1 of weight 3"):
        assert min(found[cure]) >= 6, found
        assert sum(modes == 8 for modes in found[cure]) >= 4, found


def test_the_five_mistakes_end_where_the_lecture_says():
    space = from_lecture("heap = torch.tensor", "\n```")
    mistakes = from_lecture("mistakes = {", "\npanels = {}")["mistakes"]
    ends = {name: [space["play"](seed, **mistake) for seed in range(3)] for name, mistake in mistakes.items()}
    off = {name: [space["off"](fakes) for fakes in games] for name, games in ends.items()}
    assert max(off["as it should be"]) < 0.3
    assert max(off["3. no detach"]) < 0.3, "with one turn each it does not show"
    for name in ("1. D too strong", "2. D too weak", "4. swapped labels", "5. BatchNorm in D"):
        assert min(off[name]) > 0.6, f"{name}: {off}"
    assert max(fakes.mean(0).norm() for fakes in ends["1. D too strong"]) < 0.5, "they stay where they began"
    at_first = space["heap"].norm()
    assert min((fakes.mean(0) - space["heap"]).norm() for fakes in ends["4. swapped labels"]) > at_first


def test_a_step_that_leaves_the_optimizer_aside_is_refused():
    def by_hand(G, D, optimizer_G, optimizer_D, x, z):
        lecture_07._move(lecture_07._loss_D(D, x, G(z).detach()), optimizer_D)
        optimizer_G.zero_grad()
        F.softplus(-D(G(z))).mean().backward()
        with torch.no_grad():
            for p in G.parameters():
                p -= 0.5 * p.grad

    verdict = lecture_07.step.check(by_hand)
    assert verdict.mark == "✗"
    assert "optimizer" in str(verdict)


@pytest.mark.parametrize("bound", [1e-6, 1e-8])
def test_slopes_that_are_cut_off_are_refused(bound):
    def cut(logits):
        D = logits.sigmoid().clamp(bound, 1 - bound)
        return D, 2 * D - 1

    verdict = lecture_07.gradients.check(cut)
    assert verdict.mark == "✗"
    assert "not cut off" in str(verdict)


def _step_of(letter: str):
    """The snippet of exercise 7.9 as a function; where it is only D's turn, G's is that of A."""
    text = SOURCE.read_text(encoding="utf-8")
    block = re.search(r"```\n(A   opt_D.*?)```", text, re.DOTALL)[1]
    snippets = dict(zip("ABCDE", ("    " + s[4:] for s in re.split(r"\n\n", block.rstrip())), strict=True))
    turn_of_G = "\n".join(snippets["A"].splitlines()[3:])
    code = snippets[letter] + ("\n" + turn_of_G if letter in "BD" else "")

    def step(G, D, opt_G, opt_D, x, z):
        space = {"G": G, "D": D, "opt_G": opt_G, "opt_D": opt_D, "x": x, "z": z}
        space |= {"bce": F.binary_cross_entropy_with_logits}
        space |= {"ones": torch.ones(len(x)).double(), "zeros": torch.zeros(len(x)).double()}
        exec("if True:\n" + code, space)

    return step


@pytest.mark.parametrize(("letter", "bug"), lecture_07.bugs_in_the_step().items())
def test_what_is_called_a_bug_moves_the_weights_elsewhere(letter, bug):
    batch = lecture_07._batch(torch.Generator().manual_seed(0))
    right = two_steps(lecture_07.gan_step, *batch)
    found = two_steps(_step_of(letter), *batch)
    assert all(torch.allclose(a, b) for a, b in zip(found[:2], right[:2], strict=True)) != bug


def test_the_bugs_of_the_penalty_are_bugs():
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64).requires_grad_()
    weight = torch.randn(3, 5, 5, dtype=torch.float64).requires_grad_()

    def f(x):
        return (weight * x).sum((1, 2, 3)).tanh()

    (slope,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    (by_ones,) = torch.autograd.grad(f(x), x, grad_outputs=torch.ones(4).double(), create_graph=True)
    (constant,) = torch.autograd.grad(f(x).sum(), x)
    assert torch.equal(slope, by_ones)
    assert slope.requires_grad
    assert not constant.requires_grad
    assert slope.norm(dim=1).shape == (4, 5, 5)  # a length for each pixel
    even = slope / slope.flatten(1).norm(dim=1)[:, None, None, None]
    even = even / even.norm()  # one length of 1 for the whole batch: each picture's is 1/√B
    assert torch.allclose(even.flatten(1).norm(dim=1), torch.full((4,), 0.5).double())
