"""VQGAN: two players, a weight that is a ratio of gradients, features that see what pixels don't."""

import pytest
import torch
from torch import nn

from genlib import data
from genlib.hybrid import VQGAN
from genlib.hybrid.vqgan import feature_distance, gradient_ratio, patch_critic
from genlib.nets import Classifier
from genlib.training import fit

SHAPE = (1, 8, 8)
HOW = {"dim": 2, "channels": 4, "stages": 1, "critic": 4}


def integers(n=16, levels=5, seed=0):
    return torch.randint(levels, (n, *SHAPE), generator=torch.Generator().manual_seed(seed))


def made(judge=None, **how):
    torch.manual_seed(0)
    return VQGAN(SHAPE, 6, "categorical", levels=5, judge=judge, **HOW | how)


def judge():
    torch.manual_seed(1)
    return Classifier(SHAPE, 5, 3, channels=4)


def length_of_gradients(model, rec, adversarial):
    weights = model.decoder[-2].weight
    return [torch.autograd.grad(term, weights, retain_graph=True)[0].norm() for term in (rec, adversarial)]


@pytest.mark.parametrize("with_judge", [False, True])
def test_the_critics_gradient_is_as_long_as_that_of_the_reconstruction(with_judge):
    """At the last layer, w = 1: whatever the units; the critic's score is made large, and a thousand times as large."""
    for scale in (100.0, 100_000.0):
        model = made(judge() if with_judge else None, adversarial=1.0)
        with torch.no_grad():
            model.critic[-1].weight *= scale
        parts = model.maker_loss(integers())
        rec = parts["reconstruction"] + (parts["features"] if with_judge else 0)
        of_rec, of_critic = length_of_gradients(model, rec, parts["weight"] * parts["adversarial"])
        assert of_critic == pytest.approx(of_rec.item(), rel=0.02)
        total = parts["reconstruction"] + 0.25 * parts["commitment"] + parts["weight"] * parts["adversarial"]
        assert torch.allclose(parts["loss"], total + (parts["features"] if with_judge else 0))
    plain = made(adaptive=False, adversarial=0.3)
    assert plain.maker_loss(integers())["weight"] == pytest.approx(0.3)


def test_the_ratio_by_hand():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    ratio = gradient_ratio((w * torch.tensor([3.0, 4.0])).sum(), (w * torch.tensor([0.0, 2.0])).sum(), w, delta=0.5)
    assert ratio == pytest.approx(5 / 2.5)
    assert not ratio.requires_grad
    none = gradient_ratio(w.sum(), (0 * w).sum(), w, delta=1e-9)
    assert none == pytest.approx(1e4), "a critic that says nothing does not blow up"


def test_the_critic_has_no_word_before_its_start_and_fit_counts():
    model = made(start=3)
    x = integers(32)
    assert model.maker_loss(x)["weight"] == 0
    history = fit(model, x, steps=6, batch_size=16, bar=False, test=x)
    weights = history["tokenizer.weight"]
    assert (weights[:3] == 0).all()
    assert (weights[3:6] > 0).all()
    assert model.updates == 6
    assert list(history.test["tokenizer.weight"].values())[-1] > 0, "in evaluation λ is known, too"


def test_each_player_moves_its_own():
    model = made(judge())
    players = {player.name: player for player in model.players()}
    assert set(players) == {"critic", "tokenizer"}
    names = {id(p): name for name, p in model.named_parameters()}
    owned = [{names[id(p)].split(".")[0] for p in player.parameters} for player in players.values()]
    assert owned == [{"critic"}, {"encoder", "decoder"}]
    players["critic"].loss(integers())["loss"].backward()
    assert all(p.grad is None for name, p in model.named_parameters() if not name.startswith("critic"))
    before = [p.clone() for p in model.judge.parameters()]
    fit(model, integers(32), steps=3, batch_size=16, bar=False)
    assert all(torch.equal(a, b) for a, b in zip(before, model.judge.parameters(), strict=True))
    assert not model.train().judge.training


def test_the_critics_turn_moves_no_average_of_the_codes():
    model = made().train()
    model.critic_loss(integers())
    assert not model.quantizer.batch_counts.any()
    model.maker_loss(integers())
    assert model.quantizer.batch_counts.any()


def test_the_critic_judges_patches():
    critic = patch_critic(1, 4)
    x = torch.randn(1, 1, 32, 32)
    assert critic(x).shape == (1, 1, 8, 8)
    y = x.clone()
    y[..., 16:, 16:] += 1
    changed = (critic(x) != critic(y))[0, 0]
    assert changed[4:, 4:].all()
    assert not changed[:3].any()
    assert not changed[:, :3].any(), "what is far away is no business of a patch"


def test_features_are_compared_at_every_place():
    torch.manual_seed(0)
    j = judge()
    x = torch.randn(6, *SHAPE)
    assert feature_distance(j, x, x) == 0
    near, far = (feature_distance(j, x, x + s * torch.randn(x.shape)) for s in (0.01, 1.0))
    assert 0 < near < far < 12
    y = x.clone().requires_grad_()
    feature_distance(j, x + 0.1, y).backward()
    assert y.grad.flatten(1).any(1).all()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"perceptual": 2.0}, "perceptual=2.0 would change nothing"),
        ({"judge": Classifier((1, 4, 4), 5, 3)}, "the judge knows pictures of shape"),
        ({"judge": nn.Linear(1, 1)}, "must be of type Classifier"),
        ({"start": -1}, "start=-1"),
    ],
)
def test_what_can_not_be_is_refused(how, words):
    with pytest.raises(ValueError, match=words):
        made(**how)


def test_a_critic_sharpens():
    """Digits, few codes: what the VQ-VAE blurs has less contrast between neighbours than the data; the critic's has
    more of it, at a price in distortion."""
    train, test = data.digits()
    x = test.x.long()
    edges, distortion = [], []
    for critic in (0.0, 2.0):
        torch.manual_seed(0)
        how = {"levels": 17, "dim": 4, "channels": 8, "stages": 2, "critic": 8, "adversarial": critic}
        model = VQGAN(train.shape, 8, "logistic", **how)
        fit(model, train, steps=250, batch_size=64, lr=3e-3, bar=False)
        with torch.no_grad():
            again = model(x)
            distortion.append((again - x).square().mean().item())
        edges.append((again[..., 1:] - again[..., :-1]).abs().mean().item())
    real = (x[..., 1:] - x[..., :-1]).abs().float().mean().item()
    assert edges[0] < 0.9 * real
    assert abs(edges[1] - real) < abs(edges[0] - real)
    assert distortion[1] > distortion[0]
