"""Latent diffusion: latents scaled and back, the bound's parts, the coder left alone, two coders."""

import math

import pytest
import torch
from torch import nn

from genlib.diffusion import DDPM, LinearLogSNR
from genlib.hybrid import LatentDiffusion
from genlib.hybrid.latent_diffusion import layout
from genlib.training import fit
from genlib.vae import VAE, Gaussian
from genlib.vq import VQVAE

PIXELS = (1, 4, 4)


def made(coder="vae", **how):
    torch.manual_seed(0)
    coder = VAE(PIXELS, 3, hidden=8) if coder == "vae" else VQVAE(PIXELS, 6, dim=3, channels=4, stages=1)
    return LatentDiffusion(coder, DDPM(layout(coder), hidden=8, **how))


def pictures(n=64):
    return torch.randint(2, (n, *PIXELS), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("coder", ["vae", "vqvae"])
def test_latents_are_scaled_by_a_first_batch_and_samples_come_back(coder):
    model, x = made(coder), pictures(256)
    model.initialise(x)
    u = model.to_latent(x)
    assert u.shape == (256, *model.prior.shape)
    assert u.transpose(0, 1).flatten(1).mean(1).abs().max() < 0.3
    assert (u.transpose(0, 1).flatten(1).std(1) - 1).abs().max() < 0.2
    before = model.mean.clone()
    model.initialise(1 - x)
    assert torch.equal(model.mean, before), "once"
    drawn = model.sample(5, steps=2)
    assert drawn.shape == (5, *PIXELS)
    assert not drawn.is_floating_point()
    means = model.sample(5, steps=2, means=True)
    assert means.is_floating_point()
    if coder == "vqvae":
        exact = model.from_latent(u[:8], means=True)
        assert torch.allclose(exact, model.coder(x[:8])), "each vector goes to its nearest code"


class Codes(nn.Module):
    """q(z | x) = N(x, e^{-1} I)."""

    def forward(self, x):
        return torch.cat([x, torch.full_like(x, -1.0)], 1)


def test_the_bound_adds_up_with_the_prior_of_the_latents():
    """A prior that knows the latents' density gives the VAE's own bound, in nats of x, however it is scaled."""
    torch.manual_seed(0)
    coder = VAE((2,), 2, Gaussian(0.5, learned=False), encoder=Codes(), decoder=nn.Linear(2, 2)).double()
    prior = DDPM((2,), schedule=LinearLogSNR(9, -9), hidden=8).double()
    model = LatentDiffusion(coder, prior).double()
    model.mean.copy_(torch.tensor([0.3, -1.0]))
    model.scale.copy_(torch.tensor([2.0, 0.5]))

    def of_normal(u, y=None, *, draws=1):  # log p(u) for which z = m + s u is standard normal
        z = model.mean + model.scale * u
        return -(z.square() / 2 + math.log(2 * math.pi) / 2 - model.scale.log()).sum(1)

    prior.elbo = of_normal
    x = torch.randn(4000, 2, dtype=torch.double)
    difference = model.elbo(x).mean() - coder.elbo(x).mean()
    spread = (model.elbo(x) - coder.elbo(x)).std() / len(x) ** 0.5
    assert abs(difference) < 4 * spread


def test_the_coder_is_left_alone_and_the_bound_rises():
    model, x = made(), pictures()
    before = [p.clone() for p in model.coder.parameters()]
    torch.manual_seed(0)
    untrained = model.elbo(x, draws=20).mean()
    trained = fit(model, x, steps=150, batch_size=32, lr=1e-2, bar=False)
    assert all(torch.equal(a, b) for a, b in zip(before, model.coder.parameters(), strict=True))
    assert not model.train().coder.training
    assert trained
    assert model.eval().elbo(x, draws=20).mean() > untrained


def test_what_does_not_go_together_is_refused():
    vae = VAE(PIXELS, 3, hidden=8)
    for make, said in (
        (lambda: LatentDiffusion(nn.Linear(2, 2), DDPM((3,))), "must be a VAE or a VQVAE"),
        (lambda: LatentDiffusion(vae, vae), "must be a DDPM"),
        (lambda: LatentDiffusion(vae, DDPM((4,))), r"shape \(4,\); latents are reals of \(3,\)"),
        (lambda: LatentDiffusion(vae, DDPM((3,), 5)), "5 levels"),
        (lambda: LatentDiffusion(VAE(PIXELS, 3, classes=2, hidden=8), DDPM((3,))), "take one without"),
        (lambda: made("vqvae").elbo(pictures()), "have no density given x"),
    ):
        with pytest.raises(ValueError, match=said):
            make()
