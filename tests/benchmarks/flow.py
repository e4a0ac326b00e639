"""What a step and a draw of our flows cost beside those of other libraries.

The same networks (parameters within 5 %, which is checked), the same batch, the same optimizer. normflows builds its
networks with leaky ReLUs; here they get what ours have. Then the log-determinant by LU, beside a full matrix.
"""

import torch
import torch.nn.functional as F
from torch import nn

from genlib.flow import Glow, InvertibleConv1x1, RealNVP
from tests.benchmarks.measure import compare, draw, parameters, step

# --- RealNVP: couplings with a multilayer perceptron each. All return the model, -log p(x), and how to sample.


def ours(D, hidden, couplings):
    model = RealNVP((D,), couplings=couplings, hidden=hidden)
    return model, lambda x: model.loss(x)["loss"], model.sample


def normflows(D, hidden, couplings):
    import normflows as nf

    flows = []
    for _ in range(couplings):
        net = nf.nets.MLP([D // 2, hidden, hidden, D], init_zeros=True)
        activate(net, nn.SiLU)
        flows += [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(D, mode="swap")]
    model = nf.NormalizingFlow(nf.distributions.DiagGaussian(D, trainable=False), flows)
    return model, lambda x: -model.log_prob(x).mean(), lambda n: model.sample(n)[0]


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
    return model, lambda x: -model.log_prob(x).mean(), model.sample


def zuko(D, hidden, couplings):
    from zuko.flows import RealNVP as Theirs

    model = Theirs(D, transforms=couplings, hidden_features=(hidden, hidden), activation=nn.SiLU)
    return model, lambda x: -model().log_prob(x).mean(), lambda n: model().sample((n,))


def activate(network, make):
    """Another activation in place of all leaky ReLUs."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.LeakyReLU):
                setattr(module, name, make())


# --- Glow


def our_glow(shape, scales, depth, channels):
    model = Glow(shape, scales=scales, depth=depth, channels=channels)
    return model, lambda x: model.loss(x)["loss"], model.sample


def normflows_glow(shape, scales, depth, channels):
    import normflows as nf

    (C, H, W), bases, merges, flows = shape, [], [], []
    for i in range(scales):  # theirs go from latents to data, the coarsest scale first
        inside = C * 2 ** (scales + 1 - i)
        blocks = [nf.flows.GlowBlock(inside, channels, split_mode="channel", scale=True) for _ in range(depth)]
        flows.append([*blocks, nf.flows.Squeeze()])
        if i > 0:
            merges.append(nf.flows.Merge())
        share = inside if i == 0 else inside // 2
        latent = (share, H // 2 ** (scales - i), W // 2 ** (scales - i))
        bases.append(nf.distributions.DiagGaussian(latent, trainable=False))
    model = nf.MultiscaleFlow(bases, flows, merges)
    activate(model, nn.ReLU)
    return model, lambda x: -model.log_prob(x, None).mean(), lambda n: model.sample(n)[0]


# --- LU against slogdet


class Dense(nn.Module):
    """A 1x1 convolution by a full matrix, its log-determinant computed."""

    def __init__(self, C):
        super().__init__()
        self.W = nn.Parameter(torch.linalg.qr(torch.randn(C, C))[0])

    def forward(self, x):
        return F.conv2d(x, self.W[:, :, None, None]), x.shape[2] * x.shape[3] * torch.linalg.slogdet(self.W)[1]


def layer(module, x):
    def run():
        module.zero_grad(set_to_none=True)
        z, log_det = module(x)
        (z.square().mean() - log_det.mean()).backward()

    return run


def log_det_alone(log_det, *parameters):
    def run():
        for p in parameters:
            p.grad = None
        log_det().backward()

    return run


def versus(title, mine, theirs, x, peer, main):
    (model, loss, sample), (other, their_loss, their_sample) = mine, theirs
    title = f"{title}, {parameters(model, other)}, batch {len(x)}"
    what = {"asked": 1.3, "main": main}
    yield compare(f"{title}: training step", step(model, loss, x), step(other, their_loss, x), peer, **what)
    model.eval(), other.eval()
    yield compare(f"{title}: samples", draw(sample, len(x)), draw(their_sample, len(x)), peer, **what)


def rows(peers, quick=False):
    for D, hidden, couplings, batch in ((2, 64, 8, 256), (64, 256, 8, 64), (784, 512, 8, 64)):
        for theirs in (normflows, nflows, zuko):
            if theirs.__name__ in peers:
                mine, other = ours(D, hidden, couplings), theirs(D, hidden, couplings)
                title = f"RealNVP of {D} values, {couplings} couplings of 2×{hidden}"
                yield from versus(title, mine, other, torch.randn(batch, D), theirs.__name__, D == 784)
    if "normflows" in peers:
        for shape, depth, channels in (((1, 28, 28), 4, 64), ((3, 32, 32), 4, 128)):
            size = (shape, 2, depth, channels)
            title = f"Glow {'×'.join(map(str, shape))}, 2 scales of {depth} blocks, {channels} channels"
            x = torch.randn(32, *shape)
            yield from versus(title, our_glow(*size), normflows_glow(*size), x, "normflows", shape[0] == 3)
    for shape in ((2, 12, 4, 4),) if quick else ((16, 48, 4, 4), (64, 48, 8, 8)):
        x = torch.randn(shape)
        mine, dense = layer(InvertibleConv1x1(shape[1]), x), layer(Dense(shape[1]), x)
        what = f"1×1 convolution of {'×'.join(map(str, shape))} with its log-determinant, forward and backward, by LU"
        yield compare(what, mine, dense, "slogdet", quick=quick)
    C = 8 if quick else 48
    conv, W = InvertibleConv1x1(C), nn.Parameter(torch.linalg.qr(torch.randn(C, C))[0])
    mine = log_det_alone(lambda: conv.log_d.sum(), conv.log_d)
    dense = log_det_alone(lambda: torch.linalg.slogdet(W)[1], W)
    yield compare(
        f"log-determinant of a {C}×{C} matrix alone, forward and backward, by LU", mine, dense, "slogdet", quick=quick
    )
