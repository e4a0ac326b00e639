"""What is special to each autoregressive model, and to sampling value after value."""

import math

import pytest
import torch
import tqdm.auto

from genlib import data, metrics, pretrained
from genlib.autoregressive import (
    MADE,
    GatedPixelCNN,
    PixelCNN,
    PixelRNN,
    Transformer,
    causal_mask,
    distribution,
    draw,
    made_masks,
    receptive_field,
)
from genlib.autoregressive.pixel_rnn import DiagonalLSTM, lstm
from genlib.condition import Images, Labels, Tokens
from tests import contracts

SHAPE = (1, 5, 5)
SMALL = {
    "MADE": lambda **how: MADE(SHAPE, 3, hidden=40, **how),
    "PixelCNN": lambda **how: PixelCNN(SHAPE, 3, channels=8, layers=3, first_kernel=3, **how),
    "GatedPixelCNN": lambda **how: GatedPixelCNN(SHAPE, 3, channels=8, layers=3, first_kernel=3, **how),
    "PixelRNN": lambda **how: PixelRNN(SHAPE, 3, channels=8, layers=1, first_kernel=3, **how),
    "PixelRNN, raster": lambda **how: PixelRNN(SHAPE, 3, channels=8, layers=1, recurrence="raster", **how),
    "Transformer": lambda **how: Transformer(SHAPE, 3, width=8, layers=2, heads=2, **how),
}


@pytest.fixture(autouse=True)
def the_same_weights_whatever_ran_before():
    torch.manual_seed(0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def examples(model, n=6):
    return torch.randint(model.levels, (n, *model.shape), generator=generator(1))


@pytest.fixture(params=SMALL)
def model(request):
    torch.manual_seed(0)
    return SMALL[request.param]()


# --- distributions


def test_draw_inverts_the_distribution_function():
    p = torch.tensor([0.2, 0.0, 0.5, 0.3])
    u = torch.tensor([0.0, 0.199, 0.2001, 0.699, 0.701, 0.9999999])
    assert draw(p.expand(6, 4), u).tolist() == [0, 0, 2, 2, 3, 3]
    assert draw(torch.tensor([0.0, 1.0]), torch.tensor(0.0)).item() == 1


def test_temperature_top_k_and_top_p():
    p = torch.tensor([0.1, 0.4, 0.2, 0.3], dtype=torch.double)
    logits = p.log()
    assert torch.allclose(distribution(logits), p)
    assert distribution(logits, 0).tolist() == [0, 1, 0, 0]
    assert torch.allclose(distribution(logits, 0.5), p**2 / (p**2).sum())
    assert torch.allclose(distribution(logits, top_k=2), torch.tensor([0, 4, 0, 3]).double() / 7)
    assert torch.allclose(distribution(logits, top_p=0.5), torch.tensor([0, 4, 0, 3]).double() / 7)
    assert distribution(logits, top_p=0.39).tolist() == [0, 1, 0, 0]
    assert torch.allclose(distribution(logits, top_k=4, top_p=1.0), p)
    assert distribution(torch.zeros(2, 5), top_k=1).sum(-1).tolist() == [1, 1]


# --- what all have in common


def test_float32_logits_agree_and_so_do_the_samples(model):
    uniforms = torch.rand(16, 25, generator=generator())
    x = model.sample(16, uniforms=uniforms)
    step, once = model.eval().cached(16, None), model(x).reshape(16, 25, 3)
    with torch.no_grad():
        for t, i in enumerate(model.order.tolist()):
            logits = step(t, x.flatten(1)[:, model.order[t - 1]] if t else None)
            assert (logits - once[:, i]).abs().max() < 1e-4
    assert (x != model.sample(16, uniforms=uniforms, cached=False)).float().mean() < 0.01


def test_log_prob_is_the_sum_of_its_parts_and_forward_is_network_after_encoding(model):
    x = examples(model)
    assert torch.allclose(model.log_prob(x), model.log_prob_each(x).sum((1, 2, 3)), atol=1e-5)
    by_hand = model(x).log_softmax(-1).gather(-1, x[..., None])[..., 0]
    assert torch.allclose(by_hand, model.log_prob_each(x), atol=1e-5)
    assert torch.allclose(model(x), model.logits(model.encode(x)), atol=1e-6)
    assert torch.allclose(model.loss(x)["loss"], -model.log_prob(x).mean(), atol=1e-4)


def test_the_bias_starts_at_the_marginals_and_the_first_start_counts(model):
    x = torch.zeros(1000, *SHAPE, dtype=torch.long)
    x[:250] = 2
    x[:, 0, 0, 0] = 1
    model.initialise(x)
    p = model.bias.softmax(-1)[0]
    assert torch.allclose(p[3, 3], torch.tensor([0.75, 0.0, 0.25]), atol=2e-3)
    assert torch.allclose(p[0, 0], torch.tensor([0.0, 1.0, 0.0]), atol=3e-3)
    assert (p > 0).all()
    before = model.bias.clone()
    model.initialise(x[:10])
    assert torch.equal(model.bias, before)


def test_the_callback_sees_each_draw(model):
    frames = []
    x = model.sample(3, generator=generator(), callback=lambda *seen: frames.append(seen))
    assert [t for t, *_ in frames] == list(range(25))
    assert torch.equal(frames[-1][1], x)
    for t, so_far, p in frames:
        assert so_far.flatten(1)[:, model.order[t + 1 :]].eq(0).all()
        assert torch.equal(so_far.flatten(1)[:, model.order[: t + 1]], x.flatten(1)[:, model.order[: t + 1]])
        assert p.shape == (3, 3)
        assert torch.allclose(p.sum(-1), torch.ones(3))
    logits = model(x).reshape(3, 25, 3)[:, model.order]
    assert torch.allclose(torch.stack([p for *_, p in frames], 1), logits.softmax(-1), atol=1e-5)


def test_at_temperature_zero_there_is_one_sample_and_options_are_checked(model):
    x = model.sample(4, temperature=0, generator=generator())
    assert (x == x[0]).all()
    assert torch.equal(x, model.sample(4, top_k=1, generator=generator(1)))
    for wrong in ({"top_k": 0}, {"top_k": 4}, {"top_p": 0.0}, {"top_p": 1.5}, {"temperature": math.nan}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            model.sample(2, **wrong)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        model.sample(2, uniforms=torch.ones(2, 25))
    with pytest.raises(ValueError, match=r"integers 0\.\.2"):
        model.sample(2, given=torch.full((2, *SHAPE), 3), known=torch.ones(SHAPE, dtype=torch.bool))


def test_one_mask_for_all_examples_will_do(model):
    known = torch.zeros(SHAPE, dtype=torch.bool)
    known[:, :2] = True
    given = examples(model, 4)
    x = model.sample(4, given=given, known=known, generator=generator())
    assert torch.equal(x[:, :, :2], given[:, :, :2])
    assert torch.equal(x, model.sample(4, given=given, known=known.expand(4, *SHAPE), generator=generator()))


def test_sampling_needs_no_gradient_and_leaves_the_mode_as_it_was(model):
    assert model.training
    x = model.sample(2)
    assert model.training
    assert not x.is_inference()
    assert x.dtype == torch.long


def test_dropout_is_off_while_sampling():
    for model in (MADE(SHAPE, 3, hidden=40, dropout=0.5, input_dropout=0.5), SMALL["PixelCNN"](dropout=0.5)):
        uniforms = torch.rand(8, 25, generator=generator())
        assert torch.equal(model.sample(8, uniforms=uniforms), model.sample(8, uniforms=uniforms, cached=False))


def test_the_receptive_field_is_where_a_change_is_felt(model):
    model = contracts.shaken(model)
    sees = contracts.is_causal(model, examples(model, 30), order=model.order)
    for position in (0, 12, 24):
        field = receptive_field(model, position, n=30)
        assert field.shape == SHAPE
        assert field.flatten()[position:].eq(0).all()
        if not isinstance(model, MADE):  # a rectifier may be off for all examples of one of the two
            assert torch.equal(field.flatten() > 1e-12, sees[position])


# --- conditions


def given(kind, n):
    """A condition and n of it."""
    return {
        "sentences": (Tokens(3, 7), torch.randint(7, (n, 3), generator=generator(2))),
        "pictures": (Images((1, 2, 2)), torch.randn(n, 1, 2, 2, generator=generator(2), dtype=torch.double)),
        "labels, some missing": (Labels(4, missing=True), torch.arange(n) % 5 - 1),
    }[kind]


@pytest.mark.parametrize("kind", ["sentences", "pictures", "labels, some missing"])
@pytest.mark.parametrize("name", SMALL)
def test_a_model_takes_any_condition(name, kind):
    condition, y = given(kind, 64)
    model = SMALL[name](condition=condition)
    contracts.cached_sampling_equals_naive(model, y)
    twin, x = contracts.shaken(model), examples(model, 64)
    assert (twin.log_prob(x, y) - twin.log_prob(x, y.roll(1, 0))).abs().min() > 1e-6
    with pytest.raises(ValueError, match="this model is conditional: pass y"):
        model.loss(x)
    contracts.gradients_reach_every_parameter(model, x, y)
    assert receptive_field(twin, 7, n=64, y=y).flatten()[7:].eq(0).all()


def test_labels_that_nobody_chose_are_drawn_and_sentences_are_not():
    assert SMALL["MADE"](condition=Labels(4, missing=True)).sample(3).shape == (3, *SHAPE)
    with pytest.raises(ValueError, match=r"can't choose what it is given: pass y, tokens \(n, 3\)"):
        SMALL["MADE"](condition=Tokens(3, 7)).sample(3)
    with pytest.raises(ValueError, match="pass one of the two"):
        MADE(SHAPE, 3, 4, condition=Labels(4))


# --- masks, orders, blind spots


def test_the_masks_by_hand():
    assert causal_mask(3, "A")[0, 0].tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert causal_mask(3, "B")[0, 0].tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    middle = causal_mask(3, "A", 3, 6, colours=3)[:, :, 1, 1].int().tolist()
    assert middle == [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]]
    for wrong in ((3, "C"), (4, "A"), (3, "A", 4, 6, 3)):
        with pytest.raises(ValueError, match=r"mask|odd|colours"):
            causal_mask(*wrong)


def test_paths_through_the_masks_of_made_respect_the_order():
    order = torch.randperm(9, generator=generator())
    for layers in (0, 1, 3):
        masks = [mask.long() for mask in made_masks(9, 30, layers, order)]
        assert len(masks) == layers + 1
        paths = masks[0]
        for mask in masks[1:]:
            paths = mask @ paths
        assert torch.equal(paths[order][:, order] > 0, torch.ones(9, 9).tril(-1).bool())


@pytest.mark.parametrize("layers", [0, 2])
def test_made_takes_any_order(layers):
    order = torch.randperm(9, generator=generator())
    units = {"hidden": 60} if layers else {}  # with few units all of a kind may be off
    model = MADE((1, 3, 3), 2, layers=layers, order=order, **units)
    contracts.sums_to_one(model)
    contracts.cached_sampling_equals_naive(model)
    contracts.conditional_sampling_keeps_what_was_given(model, order=order)
    sees = contracts.is_causal(model, contracts.all_examples(model)[::16], order=order, sees_all=True)
    assert sees.sum() == 36
    with pytest.raises(ValueError, match="each of the 9"):
        MADE((1, 3, 3), order=[0, 1, 2])


def test_without_hidden_layers_made_is_logistic_regression():
    model = contracts.shaken(MADE((6,), 2, layers=0))
    x = contracts.all_examples(model)
    weight, bias = model.linears[0].weight.view(6, 2, 6), model.bias
    total = 0
    for t in range(6):
        logit = (2.0 * x[:, :t] - 1).double() @ (weight[t, 1, :t] - weight[t, 0, :t]) + bias[t, 1] - bias[t, 0]
        p = logit.sigmoid()
        total = total + torch.where(x[:, t] == 1, p, 1 - p).log()
    assert torch.allclose(model.log_prob(x), total, atol=1e-9)


def test_stacked_masks_leave_a_blind_spot_and_two_stacks_do_not():
    shape, corner, middle = (1, 5, 5), 4, 2 * 5 + 2  # two rows up and two to the right: seen only through two kernels
    blind = contracts.shaken(PixelCNN(shape, channels=8, layers=6, first_kernel=3))
    gated = contracts.shaken(GatedPixelCNN(shape, channels=8, layers=6, first_kernel=3))
    right_of_it = 1 * 5 + 4  # one row up, two to the right
    assert receptive_field(blind, middle).flatten()[right_of_it] == 0
    assert receptive_field(gated, middle).flatten()[right_of_it] > 0
    assert receptive_field(blind, middle).flatten()[corner] > 0
    for model in (gated, contracts.shaken(PixelRNN(shape, channels=8, layers=1, first_kernel=3))):
        contracts.is_causal(model, examples(model, 20), sees_all=True)


def test_with_mask_b_in_the_first_layer_pixels_see_themselves():
    model = PixelCNN((1, 3, 3), channels=8, layers=1, first_mask="B")
    with pytest.raises(AssertionError, match="sees the value that it predicts"):
        contracts.is_causal(model, examples(model))
    assert model.sample(2, generator=generator()).shape == (2, 1, 3, 3)
    with pytest.raises(AssertionError, match="sum to"):
        contracts.sums_to_one(model)


def test_many_layers_of_mask_a_see_less():
    model = contracts.shaken(PixelCNN((1, 1, 8), channels=8, layers=1, first_kernel=3, mask="A"))
    assert receptive_field(model, 7).flatten()[6] == 0  # mask A everywhere: the left neighbour is lost on the way


@pytest.mark.parametrize("make", [PixelCNN, GatedPixelCNN, PixelRNN])
def test_channels_are_shared_evenly_by_the_colours(make):
    with pytest.raises(ValueError, match="multiples"):
        make((3, 4, 4), channels=32)


# --- recurrence


def test_the_diagonal_lstm_is_the_double_loop():
    torch.manual_seed(0)
    layer = DiagonalLSTM(4, 2, 3, 5).double()
    x = torch.randn(2, 4, 3, 5, dtype=torch.double)
    gates, zero = layer.inputs(x), torch.zeros(2, 4, dtype=torch.double)
    states, memories = {}, {}
    for i in range(3):
        for j in range(5):
            before = torch.cat([states.get((i, j - 1), zero), states.get((i - 1, j), zero)], 1)
            step = lstm(gates[:, :, i, j] + layer.states(before), memories.get((i, j - 1), zero), 2)
            states[i, j], memories[i, j] = step
    by_hand = torch.stack([torch.stack([states[i, j] for j in range(5)], -1) for i in range(3)], -2)
    assert torch.allclose(layer(x), by_hand, atol=1e-12)


def test_an_lstm_step_agrees_with_torch():
    torch.manual_seed(0)
    cell = torch.nn.LSTMCell(3, 4)
    x, h, c = torch.randn(5, 3), torch.randn(5, 4), torch.randn(5, 4)
    i, f, g, o = (x @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh).chunk(4, 1)
    for ours, theirs in zip(lstm(torch.cat([f, i, g, o], 1), c), cell(x, (h, c)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_an_unknown_recurrence_is_refused():
    with pytest.raises(ValueError, match="diagonal"):
        PixelRNN(SHAPE, recurrence="zigzag")


# --- the Transformer and text


def test_after_an_end_there_is_nothing_else():
    torch.manual_seed(0)
    model = Transformer((30,), 5, width=8, layers=1, heads=2, end=0).eval()
    x = model.sample(200, generator=generator())
    ended = (x == 0).cummax(1).values
    assert torch.equal(ended, x == 0)
    assert (x != 0).sum(1).float().std() > 0
    assert torch.equal(x, model.sample(200, generator=generator(), cached=False))
    each = model.log_prob_each(x)
    assert each[:, 1:][ended[:, :-1]].eq(0).all()
    broken = torch.tensor([[1, 0, 2] + [0] * 27, [1, 2, 0] + [0] * 27])
    assert model.log_prob(broken).isneginf().tolist() == [True, False]


def test_a_bar_that_ends_early_is_full(monkeypatch):
    bars = []

    class Bar(tqdm.std.tqdm):
        def close(self):
            bars.append((self.n, self.total))
            super().close()

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    model = Transformer((30,), 5, width=8, layers=1, heads=2, end=0)
    with torch.no_grad():
        model.bias[..., 0] = 50.0  # it ends at once
    model.sample(3)
    assert set(bars) == {(1, 1)}
    bars.clear()
    PixelCNN(SHAPE, 3, channels=8, layers=3, first_kernel=3).sample(2)
    assert set(bars) == {(25, 25)}


def test_sampling_stops_when_all_have_ended():
    model = Transformer((30,), 5, width=8, layers=1, heads=2, end=3)
    with torch.no_grad():
        model.bias[..., 3] = 10.0
    steps = []
    x = model.sample(4, generator=generator(), callback=lambda t, x, p: steps.append(t))
    assert len(steps) < 5
    assert (x[:, -1] == 3).all()
    given = torch.full((4, 30), 3)
    given[:, :6] = 1
    known = torch.arange(30) < 6
    x = model.sample(4, given=given, known=known, generator=generator())
    assert (x[:, :6] == 1).all()


def test_training_on_text_moves_no_probability_past_the_end():
    model = Transformer((6,), 4, width=8, layers=1, heads=2, end=0)
    x = torch.tensor([[1, 2, 0, 0, 0, 0], [3, 3, 3, 3, 3, 0]])
    model.loss(x)["loss"].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    contracts.sums_to_one(Transformer((6,), 4, width=8, layers=1, heads=2, end=0))


def test_bad_arguments_of_a_transformer_are_refused():
    with pytest.raises(ValueError, match="heads"):
        Transformer((8,), 4, width=30, heads=4)
    with pytest.raises(ValueError, match="token"):
        Transformer((8,), 4, end=4)


# --- numbers


DIGITS = {"pixelcnn_digits": 1.85, "gated_digits": 1.88, "transformer_digits": 1.98}


@pytest.mark.parametrize("name", DIGITS)
def test_bits_per_dim_on_the_digits(name):
    _, test = data.digits()
    model = pretrained.load(name)
    with torch.no_grad():
        bits = metrics.bits_per_dim(model.log_prob(test.x), test.shape).mean()
    assert bits <= DIGITS[name]


def test_a_trained_model_draws_the_same_samples_cached_and_naive():
    for name in DIGITS:
        model = pretrained.load(name)
        uniforms = torch.rand(8, 64, generator=generator())
        assert torch.equal(model.sample(8, uniforms=uniforms), model.sample(8, uniforms=uniforms, cached=False))
