"""What a step and a draw of our flows cost beside those of other libraries: python tests/benchmarks/flow.py

normflows, nflows and zuko are no dependencies: those that are not installed are left out. In one run, on this machine:
the same networks (parameters within 5 %, which is checked), the same batch, the same optimizer; the two sides are
measured in turns in CPU time of one thread, and the median of the pairs' ratios is told. Above 1: we are faster.
One difference is left: normflows' networks have leaky ReLUs, the others SiLUs.
"""

import importlib
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from genlib.flow import Glow, InvertibleConv1x1, RealNVP

REPEATS = 9


# --- RealNVP: couplings with a multilayer perceptron each


def ours(D, hidden, couplings):
    model = RealNVP((D,), couplings=couplings, hidden=hidden)
    return model, model.log_prob, model.sample


def normflows(D, hidden, couplings):
    import normflows as nf

    flows = []
    for _ in range(couplings):
        net = nf.nets.MLP([D // 2, hidden, hidden, D], init_zeros=True)
        flows += [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(D, mode="swap")]
    model = nf.NormalizingFlow(nf.distributions.DiagGaussian(D, trainable=False), flows)
    return model, model.log_prob, lambda n: model.sample(n)[0]


def nflows(D, hidden, couplings):
    from nflows.distributions import StandardNormal
    from nflows.flows import Flow
    from nflows.nn.nets import MLP
    from nflows.transforms import AffineCouplingTransform, CompositeTransform

    class Net(MLP):
        def __init__(self, inputs, outputs):
            super().__init__((inputs,), (outputs,), [hidden, hidden], activation=F.silu)

        def forward(self, x, context=None):
            return super().forward(x)

    def coupling(i):
        return AffineCouplingTransform(torch.arange(D) % 2 == i % 2, Net)

    model = Flow(CompositeTransform([coupling(i) for i in range(couplings)]), StandardNormal((D,)))
    return model, model.log_prob, model.sample


def zuko(D, hidden, couplings):
    from zuko.flows import RealNVP as Theirs

    model = Theirs(D, transforms=couplings, hidden_features=(hidden, hidden), activation=nn.SiLU)
    return model, lambda x: model().log_prob(x), lambda n: model().sample((n,))


# --- Glow


def our_glow(shape, scales, steps, channels):
    model = Glow(shape, scales=scales, steps=steps, channels=channels)
    return model, model.log_prob, model.sample


def normflows_glow(shape, scales, steps, channels):
    import normflows as nf

    (C, H, W), bases, merges, flows = shape, [], [], []
    for i in range(scales):  # theirs go from latents to data, the coarsest scale first
        inside = C * 2 ** (scales + 1 - i)
        blocks = [nf.flows.GlowBlock(inside, channels, split_mode="channel", scale=True) for _ in range(steps)]
        flows.append([*blocks, nf.flows.Squeeze()])
        if i > 0:
            merges.append(nf.flows.Merge())
        share = inside if i == 0 else inside // 2
        latent = (share, H // 2 ** (scales - i), W // 2 ** (scales - i))
        bases.append(nf.distributions.DiagGaussian(latent, trainable=False))
    model = nf.MultiscaleFlow(bases, flows, merges)
    return model, lambda x: model.log_prob(x, None), lambda n: model.sample(n)[0]


# --- LU against slogdet


class Dense(nn.Module):
    """A 1x1 convolution by a full matrix, its log-determinant computed."""

    def __init__(self, C):
        super().__init__()
        self.W = nn.Parameter(torch.linalg.qr(torch.randn(C, C))[0])

    def forward(self, x):
        return F.conv2d(x, self.W[:, :, None, None]), x.shape[2] * x.shape[3] * torch.linalg.slogdet(self.W)[1]


def layer(make, shape):
    module, x = make(shape[1]), torch.randn(shape)

    def run():
        module.zero_grad(set_to_none=True)
        z, log_det = module(x)
        (z.square().mean() - log_det.mean()).backward()

    return run


def log_det_alone(lu, C):
    conv, W = InvertibleConv1x1(C), nn.Parameter(torch.randn(C, C))

    def run():
        (conv.log_d.sum() if lu else torch.linalg.slogdet(W)[1]).backward()

    return run


# --- measuring


def step(model, log_prob, x):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)  # the same for all

    def run():
        optimizer.zero_grad(set_to_none=True)
        (-log_prob(x).mean()).backward()
        optimizer.step()

    return run


def draw(sample, n):
    @torch.no_grad()
    def run():
        sample(n)

    return run


def seconds(run, times):
    start = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - start) / times


def compare(what, mine, theirs, bar):
    for _ in range(2):
        mine(), theirs()
    once = max(seconds(mine, 1), seconds(theirs, 1))
    times = max(1, int(0.05 / once))  # what is short is repeated, so that a pair takes about 0.1 s
    pairs = [(seconds(mine, times), seconds(theirs, times)) for _ in range(REPEATS)]
    ratios = [b / a for a, b in pairs]
    a, b = (1e3 * statistics.median(side) for side in zip(*pairs, strict=True))
    asked = f"; asked: {bar}" if bar else ""
    print(f"{what}: {a:.2f} against {b:.2f} ms, {statistics.median(ratios):.2f}x ({min(ratios):.2f} to", end=" ")
    print(f"{max(ratios):.2f}){asked}", flush=True)


def versus(title, mine, theirs, x, name):
    (model, log_prob, sample), (other, their_log_prob, their_sample) = mine, theirs
    sizes = [sum(p.numel() for p in m.parameters() if p.requires_grad) for m in (model, other)]
    if abs(sizes[0] / sizes[1] - 1) > 0.05:
        raise ValueError(f"{title}: {sizes[0]:,} against {sizes[1]:,} parameters of {name}")
    title = f"{title}, {sizes[0]:,} parameters (theirs {sizes[1]:,}), batch {len(x)}"
    compare(f"{title}, step / {name}", step(model, log_prob, x), step(other, their_log_prob, x), "at least 1.3")
    model.eval(), other.eval()
    compare(f"{title}, sampling / {name}", draw(sample, len(x)), draw(their_sample, len(x)), "at least 1.3")


def installed(name):
    try:
        return importlib.import_module(name) is not None
    except ImportError:
        print(f"{name} is not installed: left out", file=sys.stderr)
        return False


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    peers = {f.__name__: f for f in (normflows, nflows, zuko) if installed(f.__name__)}
    for D, hidden, couplings, batch in ((2, 64, 8, 256), (64, 256, 8, 64), (784, 512, 8, 64)):
        x = torch.randn(batch, D)
        for name, theirs in peers.items():
            mine = ours(D, hidden, couplings)
            versus(f"RealNVP D={D} {couplings}x({hidden}, {hidden})", mine, theirs(D, hidden, couplings), x, name)
    if "normflows" in peers:
        for shape, steps, channels in (((1, 28, 28), 4, 64), ((3, 32, 32), 4, 128)):
            size = (shape, 2, steps, channels)
            title = f"Glow {shape} 2 scales x {steps} steps, {channels} channels"
            versus(title, our_glow(*size), normflows_glow(*size), torch.randn(32, *shape), "normflows")
    compare("log-determinant with backward, C=48, LU / slogdet", log_det_alone(True, 48), log_det_alone(False, 48), "")
    for shape in ((16, 48, 4, 4), (64, 48, 8, 8)):
        mine, theirs = layer(InvertibleConv1x1, shape), layer(Dense, shape)
        compare(f"1x1 convolution with backward, {shape}, LU / slogdet", mine, theirs, "")
