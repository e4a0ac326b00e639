// The bound by hand, and two estimates of one gradient.
import assert from "node:assert/strict";
import { test } from "node:test";

import { best, bound, gapOf } from "../../genlib/widgets/elbo_by_hand/draw.js";
import { logNormal, random } from "../../genlib/widgets/kit.js";
import { estimates, f, slope } from "../../genlib/widgets/reparameterization/draw.js";

const close = (a, b, far = 1e-9) => assert.ok(Math.abs(a - b) <= far, `${a} is not ${b}`);
const average = (values) => values.reduce((a, b) => a + b, 0) / values.length;

test("with a Gaussian posterior, the bound closes where q is that posterior", () => {
  const precision = 1 + 1 / 0.75 ** 2; // of z given x = 1.5
  const [mean, sd] = [1.5 / 0.75 ** 2 / precision, Math.sqrt(1 / precision)];
  const exact = bound("gaussian", mean, sd);
  close(exact.gap, 0);
  close(exact.logP, logNormal(1.5, 0, Math.sqrt(1 + 0.75 ** 2)));
  const other = bound("gaussian", mean + 0.3, 2 * sd);
  const kl = Math.log(1 / 2) + (4 * sd ** 2 + 0.3 ** 2) / (2 * sd ** 2) - 0.5; // from N(mean + 0.3, 4 sd²)
  close(other.gap, kl, 1e-8);
});

test("the bound is log p(x) less the gap, and the reconstruction less KL(q‖p)", () => {
  for (const [posterior, mean, sd] of [
    ["gaussian", -1, 0.5],
    ["bimodal", 1.4, 0.25],
    ["bimodal", -3, 2],
  ]) {
    // prettier-ignore
    const n = bound(posterior, mean, sd);
    close(n.elbo, n.logP - n.gap, 1e-7);
    close(n.elbo, n.reconstruction - n.kl);
    assert.ok(n.gap >= 0);
    close(n.kl, (mean ** 2 + sd ** 2 - 1) / 2 - Math.log(sd), 1e-8);
  }
  close(bound("bimodal", 1.2, 0.3).elbo, bound("bimodal", -1.2, 0.3).elbo, 1e-9); // the modes mirror each other
});

test("the slope is that of f", () => {
  for (const z of [-3, -0.4, 0, 2.2]) close((f(z + 1e-6) - f(z - 1e-6)) / 2e-6, slope(z), 1e-7);
});

test("both estimates have the true derivative as their mean, and a constant touches the score alone", () => {
  const { normal } = random(3);
  const noise = Array.from({ length: 60000 }, normal);
  const now = { noise, mean: 0.3, sd: 0.8, offset: 0 };
  const all = estimates(now);
  for (const { path, score, exact } of Object.values(all)) {
    close(average(path), exact, 0.05);
    close(average(score), exact, 0.05);
  }
  const expected = (mean, sd) => average(noise.map((e) => f(mean + sd * e)));
  close((expected(0.31, 0.8) - expected(0.29, 0.8)) / 0.02, all.mean.exact, 0.05);
  const more = estimates({ ...now, offset: 4 });
  assert.deepEqual(more.mean.path, all.mean.path);
  assert.equal(more.sd.exact, all.sd.exact);
  close(more.mean.score[0] - all.mean.score[0], (4 * noise[0]) / 0.8);
});

test("the map of the gap is the gap, and the best q has the smallest", () => {
  for (const [posterior, mean, sd] of [
    ["gaussian", -1, 0.5],
    ["bimodal", 1.4, 0.25],
    ["bimodal", -2, 1.9],
  ]) {
    // prettier-ignore
    close(gapOf(posterior)(mean, sd), bound(posterior, mean, sd).gap, 1e-4);
  }
  const precision = 1 + 1 / 0.75 ** 2;
  const gaussian = best("gaussian", -3);
  close(gaussian.mean, 1.5 / 0.75 ** 2 / precision, 1e-3);
  close(gaussian.sd, Math.sqrt(1 / precision), 1e-3);
  close(gaussian.gap, 0, 1e-5);
  const [left, right] = [best("bimodal", -0.1), best("bimodal", 0.1)];
  close(left.mean, -right.mean, 1e-3); // the nearer of the two
  assert.ok(left.mean < -1 && right.mean > 1);
  for (let mean = -3; mean <= 3; mean += 0.25) {
    for (let sd = 0.1; sd <= 2; sd += 0.1) assert.ok(bound("bimodal", mean, sd).gap >= right.gap - 1e-4);
  }
});
