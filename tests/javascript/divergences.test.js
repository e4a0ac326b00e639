// Divergences between Gaussians and a mixture, and the table's three normalisations.
import assert from "node:assert/strict";
import { test } from "node:test";

import { probabilities } from "../../genlib/widgets/competition/draw.js";
import { halton } from "../../genlib/widgets/parallelogram/draw.js";
import { descend, divergences, maps } from "../../genlib/widgets/two_divergences/draw.js";
import { close } from "./numerics.js";

const gaussians = (p, q) => Math.log(q[1] / p[1]) + (p[1] ** 2 + (p[0] - q[0]) ** 2) / (2 * q[1] ** 2) - 0.5;

test("with one mode both divergences are those of the formula", () => {
  const found = divergences({ weight: 0.3, sigma: 0.6, gap: 0 }, { mean: 0.7, width: 1.1 });
  close(found.forward, gaussians([0, 0.6], [0.7, 1.1]), 1e-6);
  close(found.reverse, gaussians([0.7, 1.1], [0, 0.6]), 1e-6);
});

test("descent of the forward divergence ends at the target's moments", () => {
  const target = { weight: 0.6, sigma: 0.6, gap: 4 };
  let q = { mean: 1, width: 0.8 };
  let before = divergences(target, q).forward;
  for (let k = 0; k < 400; k++) {
    const next = descend(target, q, "forward");
    q = { mean: next.mean, width: next.width };
    const now = divergences(target, q).forward;
    assert.ok(now <= before + 1e-12, "a step led up");
    before = now;
  }
  close(q.mean, -0.4, 1e-3);
  close(q.width, Math.sqrt(0.36 + 3.84), 1e-3);
});

test("the three normalisations of a table", () => {
  const { label, image, given } = probabilities([[3, 1], [0, 0], [1, 0]]); // prettier-ignore
  assert.deepEqual(label, [[0.75, 0.25], [null, null], [1, 0]]); // prettier-ignore
  assert.deepEqual(image, [0.8, 0, 0.2]);
  assert.deepEqual(given, [[0.75, 1], [0, 0], [0.25, 0]]); // prettier-ignore
  assert.deepEqual(probabilities([[0], [0]]).image, [null, null]);
});

test("Halton's sequence", () => {
  assert.deepEqual([1, 2, 3, 4].map((i) => halton(i, 2)), [0.5, 0.25, 0.75, 0.125]); // prettier-ignore
  close(halton(5, 3), 2 / 3 + 1 / 9);
});

test("the maps of both divergences are the divergences", () => {
  for (const target of [
    { weight: 0.6, sigma: 0.6, gap: 4 },
    { weight: 0.3, sigma: 0.4, gap: 1.5 },
  ]) {
    // prettier-ignore
    const { forward, reverse } = maps(target);
    for (const [mean, width] of [
      [0, 1],
      [-2, 0.6],
      [3.5, 2.5],
      [-0.4, 4],
    ]) {
      // prettier-ignore
      const exact = divergences(target, { mean, width });
      close(forward(mean, width), exact.forward, 1e-6);
      close(reverse(mean, width), exact.reverse, 2e-3 * Math.max(1, exact.reverse));
    }
  }
});
