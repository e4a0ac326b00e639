// The linear VAE of the widget "rate and distortion": water-filling, its slope, and what happens to pictures.
import assert from "node:assert/strict";
import test from "node:test";

import { drawn, level, rateOf, reconstructed, terms } from "../../genlib/widgets/rate_distortion/water.js";
import { close as near } from "./numerics.js";

const VALUES = [4, 2, 1, 0.5, 0.25];

test("rate and distortion are those of water-filling", () => {
  const n = terms(VALUES, 4, { beta: 3, sigma: 0.5 }); // water at 0.75
  near(n.water, 0.75, 1e-12);
  near(n.rate, 0.5 * (Math.log(4 / 0.75) + Math.log(2 / 0.75) + Math.log(1 / 0.75)), 1e-12);
  near(n.distortion, (3 * 0.75 + 0.5 + 0.25) / 0.5 + 2.5 * Math.log(2 * Math.PI * 0.25), 1e-12);
  assert.equal(n.used, 3);
});

test("the slope of the curve is minus the price", () => {
  for (const beta of [0.3, 1.7, 6]) {
    const [a, b] = [-1e-6, 1e-6].map((h) => terms(VALUES, 5, { beta: beta * (1 + h), sigma: 0.6 }));
    near((b.distortion - a.distortion) / (b.rate - a.rate), -beta, 1e-3);
  }
});

test("a price of 1 has the least sum, whatever σ is", () => {
  const sum = (beta, sigma) => {
    const { rate, distortion } = terms(VALUES, 5, { beta, sigma });
    return rate + distortion;
  };
  for (const sigma of [0.2, 0.6]) for (const beta of [0.5, 0.9, 1.1, 2]) assert.ok(sum(1, sigma) < sum(beta, sigma));
});

test("under water nothing is told, drawn or left", () => {
  const water = level({ beta: 2, sigma: 0.5 }); // 0.5
  near(rateOf(0.4, water), 0, 1e-12);
  const back = reconstructed([1, 1, 1, 1, 1], VALUES, water);
  [0.875, 0.75, 0.5, 0, 0].forEach((share, j) => near(back[j], share, 1e-12));
  const draw = drawn([1, -1, 1, 1, 1], VALUES, water);
  [Math.sqrt(3.5), -Math.sqrt(1.5), Math.sqrt(0.5), 0, 0].forEach((value, j) => near(draw[j], value, 1e-12));
});
