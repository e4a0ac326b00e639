// Mathematics of lecture 06's widgets: what is in memory when, how far an edit got, a sound over again.
import assert from "node:assert/strict";
import test from "node:test";

import { covered } from "../../genlib/widgets/edit_by_arithmetic/errors.js";
import { dabbed, repeated, stroke } from "../../genlib/widgets/listen/sound.js";
import { held, slope } from "../../genlib/widgets/memory_meter/held.js";
import { close as near } from "./numerics.js";

const count = (cells) => cells.filter(Boolean).length;

test("stored activations pile up to the last layer and go on the way back", () => {
  const numbers = Array.from({ length: 9 }, (_, step) => count(held("stored", 4, step)));
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 4, 3, 2, 1]);
  assert.deepEqual(held("stored", 4, 2), [true, true, true, false, false]);
  assert.deepEqual(held("stored", 4, 7), [true, true, false, false, false]);
});

test("of rebuilt ones there is always one, where the pass is", () => {
  for (let step = 0; step <= 8; step++) assert.equal(count(held("rebuilt", 4, step)), 1);
  assert.deepEqual(held("rebuilt", 4, 3), [false, false, false, true, false]);
  assert.deepEqual(held("rebuilt", 4, 5), [false, false, false, true, false]);
});

test("a line through the ends has their slope", () => near(slope([4, 8, 32], [22, 50, 162]), 5, 1e-12));

test("an edit covers all, half or none of the way, or goes the wrong one", () => {
  near(covered(0, 0.2), 1, 1e-12);
  near(covered(0.1, 0.2), 0.5, 1e-12);
  near(covered(0.2, 0.2), 0, 1e-12);
  assert.ok(covered(0.3, 0.2) < 0);
});

test("a sound over again is itself, with silence between", () => {
  const whole = repeated(Float32Array.from([1, -1]), 3, 2);
  assert.deepEqual(Array.from(whole), [1, -1, 0, 0, 1, -1, 0, 0, 1, -1]);
});

test("a dab reaches its neighbours, at the edge too, and leaves what it was given", () => {
  const bands = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  assert.deepEqual(dabbed(bands, [2, 0], 1, 5), [
    [0, 5, 5],
    [0, 5, 5],
  ]);
  assert.deepEqual(dabbed(bands, [1, 1], 0, 5), [
    [0, 0, 0],
    [0, 5, 0],
  ]);
  assert.equal(bands[0][2], 0);
});

test("a stroke leaves no gap, in any direction, and ends where the hand is", () => {
  for (const to of [
    [7, 2],
    [-3, 5],
    [0, -4],
    [2, 2],
  ]) {
    const places = stroke([0, 0], to);
    assert.deepEqual(places.at(-1), to);
    let last = [0, 0];
    for (const at of places) {
      assert.ok(Math.max(...at.map((v, k) => Math.abs(v - last[k]))) <= 1);
      last = at;
    }
  }
  assert.deepEqual(stroke([3, 1], [3, 1]), [[3, 1]]);
});
