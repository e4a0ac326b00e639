// The arena: gradients against differences, its losses against their formulas, Adam, its data, its turns.
import assert from "node:assert/strict";
import { test } from "node:test";

import { DATA, Game, PRESETS, distance, noise } from "../../genlib/widgets/game_arena/game.js";
import { Past } from "../../genlib/widgets/game_arena/history.js";
import { LOSSES, losses } from "../../genlib/widgets/game_arena/losses.js";
import { adam, backward, forward, fresh, layout, player, r1 } from "../../genlib/widgets/game_arena/network.js";
import { packed, random, sigmoid } from "../../genlib/widgets/kit.js";
import { allClose, close, slopes } from "./numerics.js";

const SLOPE = 0.2;
const net = (outputs, seed) => {
  const layers = layout(2, 5, outputs);
  return player(layers, fresh(layers, random(seed), 1).map((w) => 2 * w), SLOPE); // prettier-ignore
};
const nets = () => ({ G: net(2, 3), D: net(1, 4) });
const batch = (n, seed) => Float64Array.from({ length: 2 * n }, random(seed).normal);

test("a network of known weights", () => {
  const layers = layout(1, 1, 1); // y = w3 leaky(w2 leaky(w1 x + b1) + b2) + b3
  const one = player(layers, [2, -1, 3, 0.5, -1, 0.25], SLOPE);
  allClose(forward(one, Float64Array.of(1, 0)).at(-1), [-(3 * 1 + 0.5) + 0.25, -(0.2 * (3 * -0.2 + 0.5)) + 0.25]);
});

test("backward gives the gradients of weights and inputs", () => {
  const one = net(2, 1);
  const x = batch(4, 2);
  const out = Float64Array.from({ length: 8 }, (_, i) => Math.sin(i + 1));
  const total = () => forward(one, x)[3].reduce((sum, v, i) => sum + v * out[i], 0);
  const gradient = new Float64Array(one.weights.length);
  const input = backward(one, forward(one, x), out, gradient);
  allClose(gradient, slopes(total, one.weights), 1e-7);
  allClose(input, slopes(total, x), 1e-7);
});

test("R1 is half the mean squared slope, and so is its gradient", () => {
  const one = net(1, 5);
  const x = batch(3, 6);
  const value = () => r1(one, forward(one, x), 0.7, new Float64Array(one.weights.length));
  const steep = backward(one, forward(one, x), new Float64Array(3).fill(1));
  close(value(), (0.7 / 2) * (steep.reduce((sum, d) => sum + d * d, 0) / 3), 1e-12);
  const gradient = new Float64Array(one.weights.length);
  r1(one, forward(one, x), 0.7, gradient);
  allClose(gradient, slopes(value, one.weights), 1e-6);
  assert.ok(gradient.some((g) => Math.abs(g) > 1e-3));
});

for (const kind of Object.keys(LOSSES)) {
  test(`${kind}: the slopes are those of the losses`, () => {
    for (const [f, slope] of Object.values(LOSSES[kind])) {
      for (const a of [-2.3, -0.4, 0.6, 1.7]) close(slope(a), (f(a + 1e-6) - f(a - 1e-6)) / 2e-6, 1e-8);
    }
  });

  test(`${kind}: both players' gradients, and the pull on the fakes`, () => {
    const both = nets();
    const [x, z] = [batch(6, 7), noise(6, random(8))];
    const judged = losses(both, x, z, kind, 0.3).judge();
    const lossD = () => losses(both, x, z, kind, 0.3).judge().loss;
    allClose(judged.gradient, slopes(lossD, both.D.weights), 1e-6);
    const made = losses(both, x, z, kind, 0).maker();
    const lossG = () => losses(both, x, z, kind, 0).maker().loss;
    allClose(made.gradient, slopes(lossG, both.G.weights), 1e-6);
    const fake = losses(both, x, z, kind, 0).fake;
    const onFake = () => forward(both.D, fake)[3].reduce((sum, a) => sum + LOSSES[kind].maker[0](a), 0) / 6;
    allClose(made.pull, slopes(onFake, fake), 1e-7);
  });
}

test("a discriminator that can't tell pays log 4", () => {
  const both = nets();
  both.D.weights.fill(0);
  close(losses(both, batch(6, 1), noise(6, random(2)), "minimax", 0).judge().loss, Math.log(4));
  close(sigmoid(-800), 0);
  close(sigmoid(800), 1);
});

test("Adam's first step is the learning rate, against the gradient", () => {
  const one = net(1, 9);
  const before = [...one.weights];
  adam(one, before.map((_, i) => (i % 2 ? 3 : -0.01)), 0.1); // prettier-ignore
  allClose(one.weights, before.map((w, i) => w + (i % 2 ? -0.1 : 0.1)), 1e-6); // prettier-ignore
});

test("the kinds of data lie where they should", () => {
  const u = random(3);
  const draw = (name, n = 4000) => Array.from({ length: n }, () => DATA[name](u));
  const mean = (points, k) => points.reduce((sum, p) => sum + p[k], 0) / points.length;
  close(mean(draw("one Gaussian"), 0), 1, 0.03);
  close(mean(draw("one Gaussian"), 1), 0.8, 0.03);
  close(draw("two Gaussians").filter(([x]) => x < 0).length / 4000, 0.5, 0.03);
  for (const [x, y] of draw("ring")) close(Math.hypot(x, y), 1.7, 0.4);
  for (const [x, y] of draw("line")) close(y, 0.6 * x, 0.5);
  const angles = draw("eight Gaussians").map(([x, y]) => Math.round((4 * Math.atan2(y, x)) / Math.PI) & 7);
  for (let k = 0; k < 8; k++) close(angles.filter((angle) => angle === k).length / 4000, 1 / 8, 0.02);
});

test("the distance of two sets is 0 for the same one and grows with a shift", () => {
  const points = batch(200, 1);
  close(distance(points, points.slice()), 0);
  const along = Array.from({ length: 8 }, (_, k) => Math.abs(Math.cos((k * Math.PI) / 8)));
  const shifted = points.map((v, i) => (i % 2 ? v : v + 2));
  close(distance(points, shifted), (2 * along.reduce((a, b) => a + b)) / 8, 1e-9);
});

const begun = (settings = {}) => {
  const weights = { G: packed(net(2, 3).weights), D: packed(net(1, 4).weights) };
  const given = { data: "ring", loss: "minimax", tame: "no", lrG: 0.002, lrD: 0.002, turns: 3 };
  return new Game({ hidden: 5, slope: SLOPE, weights, settings: { ...given, ...settings }, painted: [] });
};

test("turns are counted, the same game plays the same, and another view takes it over", () => {
  const [first, second] = [begun(), begun()];
  for (const game of [first, second]) for (let k = 0; k < 4; k++) assert.equal(game.round(), true);
  assert.deepEqual([first.D.turns, first.G.turns, first.past.moments.length], [12, 4, 4]);
  assert.deepEqual(first.value, second.value);
  first.step("D");
  assert.notDeepEqual(first.value.weights, second.value.weights);
  second.take(first.value);
  assert.deepEqual(first.value, second.value);
});

test("clipped weights are clipped, and infinite ones are told", () => {
  const clipped = begun({ tame: "clip weights" });
  clipped.step("D");
  assert.ok(clipped.D.weights.every((w) => Math.abs(w) <= 0.1));
  const wild = begun({ loss: "least-squares", lrD: 1e200 });
  assert.equal(wild.step("D") && wild.step("D") && wild.step("D"), false);
});

test("painted points become the data", () => {
  const game = begun();
  assert.equal(game.hasData(), true);
  game.paint([1, -2]);
  assert.equal(game.settings.data, "your own");
  assert.equal(game.painted.length, 3);
  const drawn = game.points(50, random(1));
  for (let i = 0; i < 100; i += 2) assert.ok(Math.hypot(drawn[i] - 1, drawn[i + 1] + 2) < 0.8);
  for (let k = 0; k < 400; k++) game.paint([0, 0]);
  assert.equal(game.painted.length, 900);
});

test("the past is thinned, keeps both ends, and costs no more for a long game", () => {
  const past = new Past(10);
  for (let k = 0; k < 1000; k++) past.round(() => k);
  assert.ok(past.moments.length <= 10 && past.moments.length > 4, `${past.moments}`);
  assert.equal(past.moments[0], 0);
  assert.ok(past.moments.at(-1) >= 1000 - past.every);
  const apart = past.moments.slice(1).map((k, i) => k - past.moments[i]);
  assert.ok(apart.every((step) => step === past.every), `${apart}`); // prettier-ignore
  past.cut(2);
  assert.equal(past.moments.length, 3);
  past.clear();
  past.round(() => 7);
  assert.deepEqual([past.moments, past.every], [[7], 1]);
});

test("a game looked back at is as it was, and goes on from there", () => {
  const game = begun();
  const values = [];
  for (let k = 0; k < 6; k++) {
    game.round();
    values.push(game.value);
  }
  const then = game.asOf(game.past.moments[2]);
  assert.deepEqual(then.value, values[2]);
  assert.deepEqual(game.value, values[5], "looking changes nothing");
  game.goBack(2);
  assert.deepEqual(game.value, values[2]);
  assert.equal(game.past.moments.length, 3);
  game.round();
  assert.deepEqual([game.past.moments.length, game.G.turns, game.D.turns], [4, 4, 12]);
});

test("every situation is one that the menus can show, and no two are the same", () => {
  const all = Object.values(PRESETS);
  for (const { settings, see } of all) {
    assert.ok(settings.data in DATA && settings.loss in LOSSES);
    assert.ok(["no", "R1", "clip weights"].includes(settings.tame));
    assert.ok([settings.lrG, settings.lrD].every((lr) => lr >= 1e-4 && lr <= 0.0317));
    assert.ok(settings.turns >= 1 && settings.turns <= 10 && see.length > 20);
  }
  assert.equal(new Set(all.map(({ settings }) => JSON.stringify(settings))).size, all.length);
});
