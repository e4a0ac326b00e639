// What a pixel's prediction depends on, what each pixel cost, and where the given part of a picture ends.
import assert from "node:assert/strict";
import { test } from "node:test";

import { tree } from "../../genlib/widgets/continuations/draw.js";
import { border } from "../../genlib/widgets/completion/draw.js";
import { dependsOn, depths, kinds } from "../../genlib/widgets/receptive_field/draw.js";
import { bits } from "../../genlib/widgets/sampling_player/draw.js";

const H = 7;
const W = 8;
const at = (r, c, change = {}) => ({
  height: H,
  width: W,
  position: [r, c],
  layers: 2 * (H + W),
  kernel: 3,
  network: "pixelcnn",
  masks: "ABB",
  ...change,
});
const count = (now, kind) => kinds(now).filter((each) => each === kind).length;

test("the blind spot is that of the formula: W - c - k pixels, k rows above, counted from 1", () => {
  for (let r = 0; r < H; r++) {
    for (let c = 0; c < W; c++) {
      let blind = 0;
      for (let k = 1; k <= r; k++) blind += Math.max(0, W - (c + 1) - k);
      assert.equal(count(at(r, c), "blind"), blind, `row ${r}, column ${c}`);
      assert.equal(count(at(r, c), "leak"), 0);
      assert.equal(count(at(r, c, { network: "gated" }), "seen"), r * W + c, "two stacks see all that comes before");
      assert.equal(count(at(r, c, { network: "gated" }), "leak"), 0);
    }
  }
});

test("one layer sees its own mask, and wrong masks see too much or too little", () => {
  const seen = (masks, layers) => {
    const found = dependsOn(at(3, 3, { masks }), layers);
    return [...found.keys()].filter((i) => found[i]);
  };
  assert.deepEqual(seen("ABB", 1), [18, 19, 20, 26]);
  assert.ok(seen("BBB", 1).includes(3 * W + 3), "B in the first layer sees the pixel itself");
  assert.ok(!seen("AAA", 2).includes(3 * W + 2), "A in every layer steps over the left neighbour");
  assert.equal(count(at(3, 3, { masks: "BBB" }), "leak"), 1);
});

test("kinds follow the number of layers", () => {
  const now = at(3, 3, { layers: 1 });
  assert.equal(count(now, "seen"), 4);
  assert.equal(count(now, "seen") + count(now, "later") + count(now, "blind"), 3 * W + 3);
  assert.equal(count(now, "future"), H * W - 3 * W - 3);
});

test("a pixel costs minus the logarithm of its level's probability", () => {
  const image = [[0, 1], [2, 0]]; // prettier-ignore
  const p = [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.9, 0.1, 0], [1, 0, 0]]; // prettier-ignore
  const costs = bits(image, p);
  assert.deepEqual([costs[0], costs[1], Math.abs(costs[3])], [1, 2, 0]);
  assert.ok(Math.abs(costs[2] - 12 * Math.log2(10)) < 1e-9, "what can't be costs much, but a number");
});

test("the border runs below the rows that are given, and around the row that is given in part", () => {
  assert.deepEqual(border(0, 8, 8), []);
  assert.deepEqual(border(64, 8, 8), []);
  assert.deepEqual(border(36, 8, 8), [[0, 5], [4, 5], [4, 4], [8, 4]]); // prettier-ignore
  assert.deepEqual(border(16, 8, 8).map(([, row]) => row), [2, 2, 2, 2]); // prettier-ignore
});

test("a pixel's number says with how many layers it is first seen", () => {
  const depth = depths(at(3, 3, { layers: 4 }));
  const number = (r, c) => depth[r * W + c];
  assert.deepEqual([number(2, 2), number(2, 3), number(2, 4), number(3, 2)], [1, 1, 1, 1]); // the mask itself
  assert.deepEqual([number(3, 1), number(1, 3), number(0, 3), number(3, 0)], [2, 2, 3, 3]);
  assert.deepEqual([number(2, 5), number(3, 3), number(4, 3)], [0, 0, 0]); // blind, itself, yet to come
  for (let layers = 1; layers <= 4; layers++) {
    const seen = dependsOn(at(3, 3), layers);
    depth.forEach((d, i) => assert.equal(seen[i] === 1, d > 0 && d <= layers));
  }
});

test("texts share a branch as far as they are the same", () => {
  const leaf = (text, many = 1) => ({ text, count: many, branches: [] });
  assert.deepEqual(tree(["sleep", "sleeps", "walk", "sleep"]), [
    { text: "sleep", count: 3, branches: [leaf("s")] },
    leaf("walk"),
  ]);
  assert.deepEqual(tree(["same", "same"]), [leaf("same", 2)]);
  assert.deepEqual(tree(["", "a"]), [leaf("a")]);
});
