"""Small widgets of lecture 09 for several tests: decoders and draws whose result is known."""

import torch
from torch import nn

from genlib import data, widgets
from genlib.vq import VQVAE

SAID = {
    "size": ["small", "large"],
    "colour": ["red", "blue"],
    "shape": ["circle", "square"],
    "place": ["top left", "bottom right"],
}


def stamps(decode=None):
    """Four codes; each decodes to a square of 2 by 2 pixels, of ink 0, 1/3, 2/3 and 1, and changes nothing beyond."""
    net = nn.Sequential(nn.ConvTranspose2d(1, 1, 2, stride=2)).eval()
    net[0].weight.data.fill_(1.0)
    net[0].bias.data.zero_()
    tokens = torch.arange(9).view(1, 3, 3).repeat(2, 1, 1) % 4
    tokens[1] = tokens[1].flip(0)
    codebook = torch.arange(4)[:, None] / 3
    pictures = (tokens / 3).repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None]
    return widgets.token_editor(pictures, tokens, codebook, net if decode is None else lambda z: net(z))


def coloured_tokens():
    """A VQ-VAE of coloured pictures, untrained, of the lecture's kind."""
    torch.manual_seed(0)
    model = VQVAE((3, 16, 16), 40, "categorical", levels=8, channels=4).eval()
    for p in model.parameters():
        p.data += 0.3 * torch.randn_like(p)
    x = data.shapes(4, size=16, levels=8)[0].x
    mean = nn.Sequential(model.decoder, nn.Flatten(), *model.likelihood.mean_layers())
    return widgets.token_editor(x / 7, model.tokens(x), model.codebook_table(), mean)


def drawn(caption, guidance, seed):
    """Two pictures of 4 by 4 tokens, as red as the guidance is high; the second one's colour is wrong. Token i looked
    at word i, as far as there is one."""
    pictures = torch.zeros(2, 3, 8, 8)
    pictures[:, 0] = guidance / 6
    pictures[:, 2] = 0.1 * (seed % 10)
    right = [dict.fromkeys(["size", "colour", "shape", "place", "count"], True) for _ in range(2)]
    right[1]["colour"] = False
    attention = torch.eye(16)[None, :, : len(caption.split())].repeat(2, 1, 1)
    tokens = torch.arange(32).view(2, 16)
    return {"pictures": pictures, "tokens": tokens, "right": right, "read": [caption, "a"], "attention": attention}


def writer(draw=drawn, **how):
    stored = ["a small red circle at the top left", "a large blue square at the bottom right"]
    return widgets.caption(draw, SAID, shape=(3, 8, 8), grid=(4, 4), stored=stored, stored_guidances=(1, 3), **how)


def usage():
    """Without revival one code after the other of eight goes dark, until one is left; with it all stay."""
    alone = torch.tensor([[2] * 8, [4, 4, 4, 4, 0, 0, 0, 0], [8, 8, 0, 0, 0, 0, 0, 0], [16, 0, 0, 0, 0, 0, 0, 0]])
    together = torch.full((4, 8), 2)
    return widgets.perplexity_meter({"no revival": alone, "revival": together}, steps=[0, 10, 20, 40])
