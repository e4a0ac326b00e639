"""A training step of the VAE beside that of pythae's: the same sizes, data, batches and optimizer, in one run.

pythae is no dependency of this project: install it beside torch in an environment of its own, and run this file there.
"""

import statistics
import time

import torch
from torch import nn

from genlib.nets import mlp
from genlib.vae import VAE

D, L, HIDDEN, BATCH, STEPS, PAIRS = 784, 32, 512, 128, 30, 15

torch.set_num_threads(1)


def ours():
    """pythae's default networks: one hidden layer of 512 ReLUs, there and back."""
    encoder = nn.Sequential(nn.Flatten(), mlp(D, 2 * L, hidden=HIDDEN, layers=1, activation=nn.ReLU))
    decoder = mlp(L, D, hidden=HIDDEN, layers=1, activation=nn.ReLU)
    return VAE((1, 28, 28), latent=L, encoder=encoder, decoder=decoder)


def theirs():
    from pythae.models import VAE as TheirVAE
    from pythae.models import VAEConfig

    return TheirVAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=L, reconstruction_loss="bce"))


def seconds(model, loss, batches):
    """CPU time of a step: loss, gradients, AdamW. With one thread it is the time alone, whoever else is computing."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    start = time.process_time()
    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        loss(model, batches[step % len(batches)]).backward()
        optimizer.step()
    return (time.process_time() - start) / STEPS


if __name__ == "__main__":
    try:
        peer = theirs()
    except ImportError:
        raise SystemExit("pythae is not installed here, so there is nothing to compare with") from None
    mine = ours()
    sizes = [sum(p.numel() for p in model.parameters()) for model in (mine, peer)]
    assert sizes[0] == sizes[1], sizes
    torch.manual_seed(0)
    binary = [(torch.rand(BATCH, 1, 28, 28) < 0.2).long() for _ in range(10)]
    real = [x.float() for x in binary]
    sides = (
        lambda: seconds(mine, lambda model, x: model.loss(x)["loss"], binary),
        lambda: seconds(peer, lambda model, x: model({"data": x}).loss, real),
    )
    for side in sides:
        side()
    pairs = [(sides[0](), sides[1]()) for _ in range(PAIRS)]
    ratios = [a / b for a, b in pairs]
    milliseconds = [1e3 * statistics.median(side) for side in zip(*pairs, strict=True)]
    print(
        f"VAE step, {sizes[0]:,} parameters, batch {BATCH}, one thread: ours {milliseconds[0]:.1f} ms, "
        f"pythae {milliseconds[1]:.1f} ms; ratio {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f}, {PAIRS} pairs)"
    )
