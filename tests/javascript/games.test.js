// The best discriminator for two densities, and the Dirac-GAN.
import assert from "node:assert/strict";
import { test } from "node:test";

import { DATA, GRID, asDensity, bell, between, numbers } from "../../genlib/widgets/best_answer/densities.js";
import { downhill, landscape, slope } from "../../genlib/widgets/best_answer/densities.js";
import { between as atTime, eigenvalues, orbit, speeds } from "../../genlib/widgets/dirac_game/game.js";
import { close } from "./numerics.js";

const STEP = GRID[1] - GRID[0];
const equal = { data: "one bump", drawn: null, mean: 0, width: 1, own: null };

test("two equal densities: D is 1/2, the game is worth −log 4", () => {
  const { p, g, D, V, own, jsd } = numbers(equal);
  for (const density of [p, g]) close(density.reduce((a, b) => a + b, 0) * STEP, 1); // prettier-ignore
  for (const value of D) close(value, 0.5);
  close(V, -Math.log(4));
  close(own, -Math.log(4));
  close(jsd, 0);
});

test("V = 2 JSD − log 4, at most 0, and no other D gets more", () => {
  for (const data of Object.keys(DATA)) {
    const settings = { ...equal, data, mean: 1.3, width: 0.6 };
    const { V, jsd } = numbers(settings);
    close(V, 2 * jsd - Math.log(4), 1e-9);
    assert.ok(jsd > 0.05 && jsd < Math.LN2);
    for (const level of [0.2, 0.5, 0.7]) assert.ok(numbers({ ...settings, own: Array(121).fill(level) }).own < V);
  }
  close(numbers({ ...equal, data: "a box", mean: -5, width: 0.15 }).jsd, Math.LN2, 1e-3);
});

test("a density drawn by hand has the mass 1", () => {
  const drawn = Array.from({ length: 121 }, (_, k) => (k > 40 && k < 60 ? 3 : 0));
  close(between(drawn, -1), 3);
  const density = asDensity(drawn);
  close(density.reduce((a, b) => a + b, 0) * 0.1, 1, 2e-3);
  close(numbers({ ...equal, data: "drawn", drawn: density }).p.reduce((a, b) => a + b, 0) * STEP, 1, 1e-9);
  close(bell(0, 0, 1), 1 / Math.sqrt(2 * Math.PI));
});

const game = { loss: "minimax", order: "simultaneous", penalty: "none", step: 0.1, gamma: 0.5, start: [0.01, 0.005] };

test("the orbit follows the players' own gradients", () => {
  const [a, b] = speeds(game)(0.3, -0.7);
  const V = (t, p) => Math.log(1 / 2) + Math.log(1 / (1 + Math.exp(p * t))); // D(0) = 1/2, 1 - D(θ)
  close(a, -(V(0.3 + 1e-6, -0.7) - V(0.3 - 1e-6, -0.7)) / 2e-6, 1e-8);
  close(b, (V(0.3, -0.7 + 1e-6) - V(0.3, -0.7 - 1e-6)) / 2e-6, 1e-8);
  assert.deepEqual(orbit(game)[0], game.start);
  assert.equal(orbit(game).length, 401);
  assert.ok(orbit({ ...game, loss: "wasserstein", step: 1.5 }).length < 50, "it flies away and is cut");
});

test("near (0, 0) an orbit grows as the eigenvalues say", () => {
  for (const order of ["simultaneous", "alternating"]) {
    for (const penalty of ["none", "R1"]) {
      for (const loss of ["minimax", "non-saturating", "wasserstein"]) {
        const values = eigenvalues({ ...game, order, penalty, loss });
        const product = values[0][1] ? Math.hypot(...values[0]) ** 2 : values[0][0] * values[1][0];
        const path = (start) => orbit({ ...game, order, penalty, loss, start })[1].map((v) => v / 1e-6);
        const [[a, c], [b, d]] = [path([1e-6, 0]), path([0, 1e-6])]; // the columns of one step, as a matrix
        close(a * d - b * c, product, 1e-6);
        close(a + d, values[0][0] + values[1][0], 1e-6);
      }
    }
  }
  assert.equal(eigenvalues({ ...game, penalty: "WGAN-GP" }), null);
});

const pairs = [
  { data: "two bumps", drawn: null, mean: 0.7, width: 0.9, own: null },
  { data: "one bump", drawn: null, mean: -1.3, width: 0.4, own: null },
  { data: "a box", drawn: null, mean: 4.5, width: 2.1, own: null }, // a part of p_g is beyond the line
];

test("the slope of the game's value is that of its differences, though D* is held still", () => {
  for (const one of pairs) {
    const [mean, width] = slope(one);
    const difference = (name) => {
      const value = (by) => numbers({ ...one, [name]: one[name] + by }).V;
      return (value(1e-4) - value(-1e-4)) / 2e-4;
    };
    assert.ok(Math.abs(mean) > 0.01 && Math.abs(width) > 0.01);
    close(mean, difference("mean"), 1e-5);
    close(width, difference("width"), 1e-5);
  }
  const far = slope({ data: "one bump", drawn: null, mean: 5, width: 0.15, own: null });
  assert.ok(far.every(Number.isFinite) && Math.hypot(...far) < 0.01, `${far} where nothing overlaps`);
});

test("p_g walks downhill: to one bump from anywhere near, and nowhere from far away", () => {
  const walk = (start, steps) => {
    let [now, last] = [{ ...start }, Infinity];
    for (let k = 0; k < steps; k++) {
      const { mean, width } = downhill(now, 16);
      now = { ...now, mean, width };
      const { V } = numbers(now);
      assert.ok(V <= last + 1e-9, "uphill");
      last = V;
    }
    return now;
  };
  const found = walk({ data: "one bump", drawn: null, mean: 2, width: 0.6, own: null }, 300);
  close(found.mean, 0, 0.05);
  close(found.width, 1, 0.05);
  const lost = walk({ data: "one bump", drawn: null, mean: 5, width: 0.15, own: null }, 60);
  assert.ok(lost.mean > 4.9, `${lost.mean}`);
});

test("the landscape is 2 JSD at every mean", () => {
  for (const one of pairs) {
    const places = [-3, 0, 1.25];
    const heights = landscape(one, places);
    places.forEach((mean, i) => close(heights[i], 2 * numbers({ ...one, mean }).jsd, 0.01));
  }
});

test("an orbit has a place between its steps, and ends where it ends", () => {
  const path = [[0, 1], [2, 1], [2, -3]]; // prettier-ignore
  assert.deepEqual(atTime(path, 0), [0, 1]);
  assert.deepEqual(atTime(path, 0.25), [0.5, 1]);
  assert.deepEqual(atTime(path, 1.5), [2, -1]);
  assert.deepEqual(atTime(path, 2), [2, -3]);
  assert.deepEqual(atTime([[1, 2]], 0), [1, 2]); // prettier-ignore
});
