"""The VAE beside pythae's: the same sizes, data, batches and optimizer."""

import torch
from torch import nn

from genlib.nets import mlp
from genlib.vae import VAE
from tests.benchmarks.measure import compare, parameters, step

D, L, HIDDEN, BATCH = 784, 32, 512, 128


def ours():
    """pythae's default networks: one hidden layer of 512 ReLUs, there and back."""
    encoder = nn.Sequential(nn.Flatten(), mlp(D, 2 * L, hidden=HIDDEN, layers=1, activation=nn.ReLU))
    decoder = mlp(L, D, hidden=HIDDEN, layers=1, activation=nn.ReLU)
    model = VAE((1, 28, 28), latent=L, encoder=encoder, decoder=decoder)
    return model, lambda x: model.loss(x)["loss"]


def pythae():
    from pythae.models import VAE as Theirs
    from pythae.models import VAEConfig

    model = Theirs(VAEConfig(input_dim=(1, 28, 28), latent_dim=L, reconstruction_loss="bce"))
    return model, lambda x: model({"data": x}).loss


def rows(peers):
    if "pythae" not in peers:
        return
    (model, loss), (other, their_loss) = ours(), pythae()
    x = (torch.rand(BATCH, 1, 28, 28) < 0.2).long()  # each side gets the pixels as it wants them
    what = f"VAE 784-512-32, {parameters(model, other)}, batch {BATCH}: training step"
    mine, theirs = step(model, loss, x), step(other, their_loss, x.float())
    yield compare(what, mine, theirs, "pythae", asked=1.3, main=True)
