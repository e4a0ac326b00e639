"""Levels and reals: there and back, in cells of volume one."""

import pytest
import torch

from genlib.quantize import Dequantize, Pixels, dequantize, from_unit, quantize, to_signed, to_unit


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_there_and_back(levels):
    v = torch.arange(levels)
    assert torch.equal(from_unit(to_unit(v, levels), levels), v)
    assert torch.equal(quantize(dequantize(v), levels), v)
    assert torch.equal(quantize(Dequantize(levels).middle(v), levels), v)
    signed = to_signed(v, levels)
    assert (signed[0], signed[-1]) == (-1, 1)
    assert torch.allclose((signed + 1) / 2, to_unit(v, levels))


def test_the_nearest_level_and_nothing_beyond_the_last():
    assert from_unit(torch.tensor([-0.3, 0.12, 0.13, 0.9, 1.4]), 5).tolist() == [0, 0, 1, 4, 4]
    assert quantize(torch.tensor([-2.0, 0.99, 1.0, 4.9, 5.0, 7.5]), 5).tolist() == [0, 0, 1, 4, 4, 4]
    assert quantize(torch.tensor([0.5]), 5).dtype == from_unit(torch.tensor([0.5]), 5).dtype == torch.long


def test_dequantized_values_fill_their_cells_uniformly():
    torch.manual_seed(0)
    v = torch.tensor([0, 3, 16]).expand(20_000, 3)
    u = dequantize(v, torch.float64) - v
    assert u.min() >= 0
    assert u.max() < 1
    error = (1 / 12 / len(v)) ** 0.5
    assert ((u.mean(0) - 0.5).abs() < 4 * error).all()
    assert ((u.var(0) - 1 / 12).abs() < 0.003).all()
    assert not torch.equal(dequantize(v), dequantize(v)), "drawn anew"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_follows_the_precision_of_its_model_and_leaves_no_trace_in_its_weights(dtype):
    module, v = Dequantize(5).to(dtype), torch.arange(5)
    assert module(v).dtype == module.middle(v).dtype == dtype
    assert torch.equal(module.middle(v), v + torch.tensor(0.5, dtype=dtype))
    assert torch.equal(module.quantize(module(v)), v)
    assert to_unit(v, 5, dtype).dtype == to_signed(v, 5, dtype).dtype == dtype
    assert not module.state_dict()


def test_pixels_for_a_judge_fill_their_cells_and_come_back():
    pixels, v = Pixels(17), torch.arange(17).repeat(200)
    r = pixels.reals(v)
    assert (r.min(), r.max()) == (-1, 1)
    assert torch.equal(pixels.finished(r), v)
    seen = pixels.seen(r.requires_grad_())
    assert torch.equal(((seen + 1) / 2 * 17).floor().long(), v)
    assert ((seen + 1) / 2 * 17 - v).std() > 0.2
    assert torch.allclose(torch.autograd.grad(seen.sum(), r)[0], torch.tensor(16 / 17))
    reals = torch.randn(5)
    assert all(
        torch.equal(same(reals), reals) for same in (Pixels(None).reals, Pixels(None).seen, Pixels(None).finished)
    )
