// Lecture 10 in the browser: exact scores, a network that learns them, samplers, guidance, what bits cost.
import assert from "node:assert/strict";
import { test } from "node:test";

import { packed, random } from "../../genlib/widgets/kit.js";
import { squaredError, walkOf } from "../../genlib/widgets/denoising/frames.js";
import {
  INPUTS,
  Learner,
  Network,
  errorOn,
  freshWeights,
  layersOf,
  scoreMatching,
  trials,
} from "../../genlib/widgets/draw_density/denoiser.js";
import { Mixture, noiseAt } from "../../genlib/widgets/draw_density/mixture.js";
import { POINTS, STEPS, Walk, ddim } from "../../genlib/widgets/draw_density/paths.js";
import { MOST, OWN, Studio } from "../../genlib/widgets/draw_density/studio.js";
import { GRID, Guided, REACH, drawCells, spreadOf } from "../../genlib/widgets/guidance/guided.js";
import * as bits from "../../genlib/widgets/schedules/bits.js";
import { allClose, close, slopes } from "./numerics.js";

const CENTRES = [[1, 0.5], [-1.2, 0.3], [0.2, -1.4]]; // prettier-ignore
const three = () => new Mixture(CENTRES, 0.3);

// Scores --------------------------------------------------------------------------------------------------------------

test("the best guess of the noise is minus σ times the slope of log p_t", () => {
  const [mixture, x, out] = [three(), Float64Array.from([0.4, -0.7]), new Float64Array(2)];
  for (const t of [0.1, 0.4, 0.8]) {
    const noise = noiseAt(t);
    const slope = slopes(() => mixture.eps(x[0], x[1], noise, new Float64Array(2), 0), x);
    mixture.eps(x[0], x[1], noise, out, 0);
    allClose(out, slope.map((v) => -noise.sigma * v), 1e-7); // prettier-ignore
  }
});

test("signal and noise stay on a circle, and log p_t is the map's logarithm", () => {
  const { alpha, sigma } = noiseAt(0.3);
  close(alpha ** 2 + sigma ** 2, 1, 1e-12);
  close(Math.log(alpha ** 2 / sigma ** 2), 6 - 12 * 0.3, 1e-9);
  const [n, reach] = [200, 5];
  const map = three().density({ alpha, sigma }, n, reach);
  close(map.reduce((a, b) => a + b) * ((2 * reach) / n) ** 2, 1, 1e-6);
  const place = [((120.5 / n) * 2 - 1) * reach, (1 - (2 * 90.5) / n) * reach];
  close(Math.log(map[90 * n + 120]), three().eps(...place, { alpha, sigma }, new Float64Array(2), 0), 1e-9);
});

test("draws of a mixture have its mean", () => {
  const [u, out] = [random(1), new Float64Array(2)];
  const sum = [0, 0];
  for (let i = 0; i < 4000; i++) {
    three().draw(u, out, 0);
    for (const c of [0, 1]) sum[c] += out[c] / 4000;
  }
  allClose(sum, [0, -0.2], 0.08);
});

// Learning ------------------------------------------------------------------------------------------------------------

const batchOf = (B) => {
  const u = random(7);
  const many = () => Float64Array.from({ length: 2 * B }, () => u.normal());
  return { x: many(), eps: many(), t: Float64Array.from({ length: B }, (_, n) => (n + 0.5) / B) };
};

test("the gradient of denoising score matching is its slope, for every weight", () => {
  const network = new Network(5, freshWeights(5, random(2))); // five units: four at a time, and one more
  const { x, eps, t } = batchOf(3);
  const { gradient } = scoreMatching(network, x, eps, t);
  const slope = slopes(() => scoreMatching(network, x, eps, t).loss, network.weights, 1e-5);
  allClose(gradient, slope, 1e-6);
  assert.ok(gradient.some((v) => Math.abs(v) > 0.01));
});

test("where there is only noise the network's guess is what it sees, and batches do not mix", () => {
  const network = new Network(6, freshWeights(6, random(3)));
  const at = (x, t) => [...network.eps(Float64Array.from(x), Float64Array.from(t), new Float64Array(x.length))];
  const [first, second] = [at([0.3, -2], [0.2]), at([1.5, 0.7], [0.9])];
  allClose(at([0.3, -2, 1.5, 0.7], [0.2, 0.9]), [...first, ...second], 1e-12);
  allClose(at([1.5, 0.7], [1]), [1.5, 0.7], 0.1);
  assert.equal(layersOf(6)[0].from, INPUTS);
  assert.throws(() => new Network(6, new Float64Array(7)), RangeError);
});

test("learning lowers the error, and the loss is what can't be avoided plus that error", () => {
  const mixture = three();
  const learner = new Learner(24, freshWeights(24, random(4)), random(5));
  const judged = trials(mixture, 300, random(6));
  const before = errorOn(learner, judged);
  const losses = Array.from({ length: 150 }, () => learner.step(mixture));
  const after = errorOn(learner, judged);
  assert.ok(after < 0.35 * before, `${before} -> ${after}`);
  const late = losses.slice(-50).reduce((a, b) => a + b) / 50;
  close(late, judged.floor + after, 0.12);
  assert.equal(learner.steps, 150);
});

test("trials at one time are all at that time, and nobody is better than the best guess", () => {
  const judged = trials(three(), 500, random(6), 0.4);
  assert.ok(judged.t.every((t) => t === 0.4));
  const { alpha, sigma } = noiseAt(0.4);
  const spread = 2 * (1 - sigma ** 2 / (alpha ** 2 * 0.09 + sigma ** 2)); // if one knew which Gaussian it was
  assert.ok(judged.floor > 0.8 * spread);
});

// Ways ----------------------------------------------------------------------------------------------------------------

test("a step of DDIM keeps the guess; with η = 1 it has the variance of q(x_s | x_t, x)", () => {
  const [from, to] = [noiseAt(0.6), noiseAt(0.5)];
  const [x, guess] = [Float64Array.from([0.3, -1]), Float64Array.from([0.8, 0.1])];
  const clean = [0, 1].map((c) => (x[c] - from.sigma * guess[c]) / from.alpha);
  const next = x.slice();
  ddim(next, guess, from, to, 0, [9, 9]);
  allClose(next, clean.map((v, c) => to.alpha * v + to.sigma * guess[c]), 1e-12); // prettier-ignore
  const [still, moved] = [x.slice(), x.slice()];
  ddim(still, guess, from, to, 1, [0, 0]);
  ddim(moved, guess, from, to, 1, [1, 0]);
  const a = from.alpha / to.alpha;
  close((moved[0] - still[0]) ** 2, (to.sigma / from.sigma) ** 2 * (from.sigma ** 2 - a ** 2 * to.sigma ** 2), 1e-12);
});

// All points of both ways, under an exact score.
const walked = (mixture, eta) => {
  const walk = new Walk();
  const eps = (x, t, out) => t.forEach((time, n) => mixture.eps(x[2 * n], x[2 * n + 1], noiseAt(time), out, 2 * n));
  while (walk.done < POINTS) walk.advance(eps, eta);
  return walk;
};

test("under the exact score both ways end at the data, in equal shares", () => {
  for (const eta of [0, 1]) {
    const ends = walked(three(), eta).all(0);
    const counts = CENTRES.map(() => 0);
    for (let n = 0; n < POINTS; n++) {
      const far = CENTRES.map(([x, y]) => Math.hypot(ends[2 * n] - x, ends[2 * n + 1] - y));
      const k = far.indexOf(Math.min(...far));
      assert.ok(far[k] < 1.4, `η = ${eta}: a point is ${far[k]} from every centre`);
      counts[k] += 1;
    }
    for (const count of counts) assert.ok(Math.abs(count - POINTS / 3) < 4 * Math.sqrt((POINTS * 2) / 9), counts);
  }
});

test("a way begins at the noise, and stands between two steps in between", () => {
  const walk = walked(three(), 0);
  const start = walk.all(1);
  close(start.reduce((sum, v) => sum + v * v, 0) / start.length, 1, 1e-6);
  assert.deepEqual(walk.trail(3, 1).at(0), walk.at(3, 1));
  assert.equal(walk.trail(3, 0).length, STEPS + 2);
  const [a, b, middle] = [walk.at(3, 0.5), walk.at(3, 0.5 - 1 / STEPS), walk.at(3, 0.5 - 0.5 / STEPS)];
  allClose(middle, a.map((v, c) => (v + b[c]) / 2), 1e-6); // prettier-ignore
});

// The studio ----------------------------------------------------------------------------------------------------------

const studioOf = () =>
  new Studio({
    presets: { three: CENTRES },
    widths: { three: 0.3 },
    preset: "three",
    points: [],
    width: 0.2,
    hidden: 8,
    weights: packed(freshWeights(8, random(1))),
    seed: 1,
  });

test("drawing on a preset begins an empty sheet, which has its limit", () => {
  const [studio, u] = [studioOf(), random(1)];
  studio.paint([1, 1], u);
  assert.equal(studio.preset, OWN);
  assert.equal(studio.points.length, 2);
  for (let k = 0; k < MOST; k++) studio.paint([0, 0], u);
  assert.equal(studio.points.length, MOST);
  assert.equal(studio.mixture.width, 0.2);
});

test("nothing drawn is nothing to learn; what is told is taken as it was", () => {
  const studio = studioOf();
  studio.choose(OWN);
  assert.equal(studio.mixture, null);
  assert.ok(Number.isNaN(studio.error));
  assert.equal(studio.walk(5), false);
  studio.choose("three");
  for (let k = 0; k < 30; k++) assert.ok(studio.learn());
  assert.equal(studio.curve.length, 2);
  const other = studioOf();
  other.take(studio.value);
  assert.equal(other.learner.steps, 30);
  close(other.error, errorOn(studio.learner, studio.trials), 1e-5); // weights travel as float32
});

// Guidance ------------------------------------------------------------------------------------------------------------

const CLASSES = [[[-0.6, 1.2], [-0.6, -1.2]], [[0.6, 1.2], [2, -1.2]]]; // prettier-ignore

test("w = 0 is the model of both classes, w = 1 that of one; more goes on in a straight line", () => {
  const model = new Guided(CLASSES, 0.4, 0);
  const at = (w) => [...model.eps([0.3, 0.2], [0.5], w, new Float64Array(2))];
  const exact = (mixture) => {
    const out = new Float64Array(2);
    mixture.eps(0.3, 0.2, noiseAt(0.5), out, 0);
    return [...out];
  };
  const [none, one] = [exact(model.all), exact(model.given)];
  allClose(at(0), none, 1e-12);
  allClose(at(1), one, 1e-12);
  allClose(at(4), none.map((v, c) => v + 4 * (one[c] - v)), 1e-12); // prettier-ignore
});

test("the tilted density is p at w = 0, p given y at w = 1, and a power of p(y | x) beyond", () => {
  const model = new Guided(CLASSES, 0.4, 1);
  const clean = { alpha: 1, sigma: 0 };
  const shares = (mixture) => {
    const p = mixture.density(clean, GRID, REACH);
    const total = p.reduce((a, b) => a + b);
    return p.map((v) => v / total);
  };
  allClose(model.tilted(0), shares(model.all), 1e-9);
  allClose(model.tilted(1), shares(model.given), 1e-9);
  const [one, three3] = [model.tilted(1), model.tilted(3)];
  const [p, q] = [model.all.density(clean, GRID, REACH), model.given.density(clean, GRID, REACH)];
  const [i, j] = [50 * GRID + 60, 70 * GRID + 75];
  const gained = (k) => Math.log(three3[k] / one[k]);
  close(gained(i) - gained(j), 2 * (Math.log(q[i] / p[i]) - Math.log(q[j] / p[j])), 1e-6);
});

test("draws from cells have the mean of the cells, and guided samples overshoot it", () => {
  const model = new Guided(CLASSES, 0.4, 0);
  const wanted = spreadOf(drawCells(model.tilted(4), 2000));
  const far = 0.1;
  const mean = [0, 0];
  model.tilted(4).forEach((v, k) => {
    mean[0] += v * ((((k % GRID) + 0.5) / GRID) * 2 - 1) * REACH;
    mean[1] += v * (1 - ((Math.floor(k / GRID) + 0.5) / GRID) * 2) * REACH;
  });
  allClose(wanted.mean, mean, far);
  const made = (w) => spreadOf(model.walk(w).all(0)).mean[0];
  assert.ok(made(4) < mean[0] - 0.25, "farther from the other class than p(x) p(y | x)^4");
  close(made(1), -0.6, 0.15);
});

// What bits cost ------------------------------------------------------------------------------------------------------

const gaussian = bits.DATA["one Gaussian"];

test("of one Gaussian the error of ε̂ is α²; of any data it rises from 0 to 1 with λ", () => {
  for (const lambda of [-3, 0, 4]) close(bits.errorAt(lambda, gaussian), bits.noiseOf(lambda).alpha ** 2, 1e-6);
  const table = bits.errorTable(bits.DATA["four levels"]);
  for (const lambda of [-2.3, 1.234, 6.78]) close(table(lambda), bits.errorAt(lambda, bits.DATA["four levels"]), 2e-3);
  close(table(-10), 0, 1e-3);
  close(bits.errorAt(12, bits.DATA["four levels"]), 1, 0.02);
});

test("half the integral of that error is what x_t tells of x", () => {
  const curve = bits.curveThrough([8, 3, 0, -6]);
  const { total } = bits.paid(curve, bits.errorTable(gaussian), 4);
  const told = (lambda) => -Math.log(bits.noiseOf(lambda).sigma); // of N(0, 1): h(x_t) = h(N(0, 1))
  close(total, told(8) - told(-6), 1e-3);
});

test("the total does not see the curve between its ends; that of a ladder does", () => {
  const table = bits.errorTable(bits.DATA["two bumps"]);
  const curves = Object.values(bits.SHAPES).map((make) =>
    bits.curveThrough(Array.from({ length: 8 }, (_, k) => make(k / 7, 7, -5))),
  );
  const all = curves.map((curve) => bits.paid(curve, table, 6));
  for (const { total } of all) close(total, all[0].total, 0.01);
  assert.ok(Math.abs(all[0].ladder - all[1].ladder) > 0.05);
  for (const { ladder, total } of all) assert.ok(ladder > total, "a ladder pays more");
  const fine = bits.paid(curves[0], table, 1000);
  close(fine.ladder, fine.total, 0.02);
});

test("paid evenly, a guess from one moment is nearly exact", () => {
  const table = bits.errorTable(bits.DATA["two bumps"]);
  const line = bits.paid(bits.curveThrough([7, 4, 1, -2, -5]), table, 4);
  const even = bits.paid(bits.curveThrough(bits.evenly(12, 7, -5, table)), table, 4);
  close(even.total, line.total, 0.02);
  assert.ok(even.spread < 0.4 * line.spread, `${even.spread} against ${line.spread}`);
});

test("a curve goes through its handles, falls where they fall, and its slope is its slope", () => {
  const handles = [6, 5.9, 1, 0.5, -4];
  const curve = bits.curveThrough(handles);
  allClose(handles.map((_, k) => curve.at(k / 4)), handles, 1e-9); // prettier-ignore
  for (let t = 0.01; t < 1; t += 0.01) {
    assert.ok(curve.slope(t) <= 1e-9);
    close(curve.slope(t), (curve.at(t + 1e-6) - curve.at(t - 1e-6)) / 2e-6, 1e-2);
  }
});

test("the schedules' handles are those of α = cos, and of β that rises on a line", () => {
  const [cosine, linear] = [bits.SHAPES.cosine, bits.SHAPES["linear β"]];
  for (const shape of [cosine, linear]) allClose([shape(0, 8, -5), shape(1, 8, -5)], [8, -5], 1e-6);
  const angle = (lambda) => Math.acos(bits.noiseOf(lambda).alpha);
  close(angle(cosine(0.5, 8, -5)), (angle(8) + angle(-5)) / 2, 1e-9);
  const total = (lambda) => Math.log1p(Math.exp(-lambda)); // ∫β
  const time = (lambda) => (-0.1 + Math.sqrt(0.01 + 4 * 9.95 * total(lambda))) / (2 * 9.95);
  close(time(linear(0.3, 8, -5)), time(8) + 0.3 * (time(-5) - time(8)), 1e-9);
});

// Frames --------------------------------------------------------------------------------------------------------------

test("each frame of a stored way is found, and the last has no guess", () => {
  const text = (...values) => Buffer.from(values).toString("base64");
  const table = {
    alphas: [0.5, 1],
    sigmas: [0.9, 0],
    x_t: text(255, 0, 0, 255, 255, 255, 0, 0),
    x: text(255, 255, 0, 0),
    eps: text(0, 255, 255, 0),
  };
  const walk = walkOf(table, 2, 2, { x_t: 3, x: 1, eps: 4 });
  assert.equal(walk.last, 1);
  assert.equal(walk.guesses, 1);
  assert.deepEqual([...walk.frame(0, 0).x_t], [3, -3]);
  assert.deepEqual([...walk.frame(0, 1).x], [-1, -1]);
  assert.deepEqual([...walk.frame(0, 1).eps], [4, -4]);
  assert.deepEqual([...walk.frame(1, 0).x_t], [3, 3]);
  assert.equal(walk.frame(1, 0).x, null);
  assert.throws(() => walkOf({ ...table, eps: text(0) }, 2, 2, { x_t: 3, x: 1, eps: 4 }), RangeError);
  close(squaredError([1, 2], [0, 4]), 2.5);
});
