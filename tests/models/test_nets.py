"""Networks: shapes, gradients, what they refuse, and that they can learn what they are for."""

import pytest
import torch
from torch import nn

from genlib.nets import ConvDecoder, ConvEncoder, ResidualBlock, mlp


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 9, 13)])
def test_encoder_and_decoder_mirror_each_other(shape):
    x = torch.randn(2, *shape)
    encode, decode = ConvEncoder(shape, 5, channels=8), ConvDecoder(5, shape, channels=8)
    z = encode(x)
    assert z.shape == (2, 5)
    assert decode(z).shape == x.shape
    decode(z).square().sum().backward()
    for net in (encode, decode):
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None, name


def test_a_residual_block_starts_as_the_identity_and_learns_to_differ():
    block, x = ResidualBlock(8), torch.randn(2, 8, 4, 4)
    assert torch.equal(block(x), x)
    block(x).sum().backward()
    assert block.conv2.weight.grad.abs().sum() > 0


def test_examples_do_not_see_one_another():
    encode, x = ConvEncoder((1, 8, 8), 3, channels=8), torch.randn(4, 1, 8, 8)
    assert torch.allclose(encode(x)[:1], encode(x[:1]), atol=1e-6)


def test_mlp_is_a_sequence_of_known_layers():
    net = mlp(3, 2, hidden=16, layers=2, activation=nn.Tanh, dropout=0.1)
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear"]
    assert net(torch.randn(7, 3)).shape == (7, 2)
    assert [type(m).__name__ for m in mlp(3, 2, layers=0)] == ["Linear"]


def test_an_autoencoder_of_them_learns_digits():
    from genlib import data

    train, _ = data.digits()
    torch.manual_seed(0)
    x = train.x[:256] / 16
    net = nn.Sequential(ConvEncoder((1, 8, 8), 8, channels=8), ConvDecoder(8, (1, 8, 8), channels=8))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(80):
        loss = (net(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.4 * x.var(0).mean()


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="can't be halved 4 times"):
        ConvEncoder((1, 8, 8), 3, stages=4)
    with pytest.raises(ValueError, match="not that of an image"):
        ConvDecoder(3, (64,))
    with pytest.raises(ValueError, match="at least 1"):
        mlp(0, 3)
