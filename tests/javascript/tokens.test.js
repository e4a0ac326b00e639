// Codes and tokens: cells and Lloyd's algorithm, the pulls on a vector, tokens mixed up, perplexity, and captions.
import assert from "node:assert/strict";
import { test } from "node:test";

import { assigned, distortion, means, nearest, polygon, pulls, stepped } from "../../genlib/widgets/cell/voronoi.js";
import * as words from "../../genlib/widgets/caption/words.js";
import { random } from "../../genlib/widgets/kit.js";
import { perplexity, ranked, used } from "../../genlib/widgets/perplexity_meter/usage.js";
import * as tokens from "../../genlib/widgets/token_editor/tokens.js";
import { allClose, close } from "./numerics.js";

const { uniform } = random(5);
const place = () => [8 * uniform() - 4, 8 * uniform() - 4];
const places = (n) => Array.from({ length: n }, place);

const area = (corners) =>
  corners.reduce((sum, [x, y], i) => {
    const [u, v] = corners[(i + 1) % corners.length];
    return sum + (x * v - u * y) / 2;
  }, 0);

// Whether a place lies in a convex polygon that runs against the clock.
const within = (corners, [x, y]) =>
  corners.every(([a, b], i) => {
    const [c, d] = corners[(i + 1) % corners.length];
    return (c - a) * (y - b) - (d - b) * (x - a) >= -1e-9;
  });

test("the cells fill the square, and every place lies in the cell of its nearest code", () => {
  for (let round = 0; round < 20; round++) {
    const codes = places(2 + (round % 7));
    const cells = codes.map((_, k) => polygon(k, codes, 4));
    close(cells.reduce((sum, corners) => sum + area(corners), 0), 64, 1e-9); // prettier-ignore
    for (const at of places(30)) assert.ok(within(cells[nearest(at, codes)], at));
  }
});

test("two codes at one place share it, and the first one gets the points", () => {
  const codes = [[1, 1], [1, 1], [-1, 0]]; // prettier-ignore
  assert.deepEqual(assigned([[2, 2], [-2, 0]], codes), [0, 2]); // prettier-ignore
  assert.ok(area(polygon(1, codes, 4)) > 0);
});

test("neither half of Lloyd's algorithm ever raises the distortion, and a code without points stays", () => {
  for (let round = 0; round < 30; round++) {
    const points = places(25);
    let codes = places(5);
    let of = assigned(points, codes);
    let last = distortion(points, of, codes);
    for (let half = 0; half < 12; half++) {
      if (half % 2) of = assigned(points, codes);
      else codes = means(points, of, codes);
      const now = distortion(points, of, codes);
      assert.ok(now <= last + 1e-12);
      last = now;
    }
  }
  assert.deepEqual(means([[1, 2], [3, 4]], [0, 0], [[0, 0], [9, 9]]), [[2, 3], [9, 9]]); // prettier-ignore
});

test("the decoder's pull is that at the code, the two others pull z and e together", () => {
  const given = { z: [0.5, 1], codes: [[0, 0], [3, 3]], wish: [1, -2], beta: 0.5 }; // prettier-ignore
  const found = pulls(given);
  assert.equal(found.k, 0);
  close(found.loss, 5);
  allClose(found.decoder, [2, -4]);
  allClose(found.commitment, [-0.5, -1]);
  allClose(found.codebook, [1, 2]);
  const next = stepped({ ...given, learn: true });
  allClose(next.z, [0.65, 0.5]);
  allClose(next.codes[0], [0.1, 0.2]);
  assert.deepEqual(next.codes[1], [3, 3]);
  assert.deepEqual(stepped({ ...given, learn: false }).codes, given.codes);
});

test("planes of tokens, and what mixes them up", () => {
  const codebook = [10, 11, 20, 21, 30, 31];
  assert.deepEqual([...tokens.planesOf([2, 0, 1], codebook, 2)], [30, 10, 20, 31, 11, 21]);
  const some = Array.from({ length: 49 }, (_, i) => i % 5);
  const mixed = tokens.shuffled(some, 1);
  assert.deepEqual([...mixed].sort(), [...some].sort());
  assert.notDeepEqual(mixed, some);
  assert.deepEqual(mixed, tokens.shuffled(some, 1));
  assert.notDeepEqual(mixed, tokens.shuffled(some, 2));
  const drawn = tokens.uniformTokens(4000, 8, 3);
  for (let k = 0; k < 8; k++) close(drawn.filter((t) => t === k).length / 4000, 1 / 8, 0.025);
  assert.deepEqual(tokens.swapped([1, 2, 3], 0, 2), [3, 2, 1]);
  assert.equal(tokens.changedBy([0, 1, 0.5], [0, 0.9, 0.52], 0.05), 1);
});

test("perplexity is the number of codes that are used equally", () => {
  close(perplexity([3, 3, 3, 3]), 4);
  close(perplexity([7, 0, 0]), 1);
  close(perplexity([1, 3]), 4 / 3 ** 0.75);
  assert.equal(perplexity([0, 0]), 0);
  assert.equal(used([4, 0, 1]), 2);
  assert.deepEqual(ranked([1, 5, 1, 0]), [1, 0, 2, 3]);
});

const TEMPLATE = "a {size} {colour} {shape} at the {place}";
const SAID = { size: ["small", "large"], colour: ["red", "blue"], shape: ["circle"], place: ["top left", "top"] };

test("a caption is filled in and read back", () => {
  const chosen = { size: "large", colour: "red", shape: "circle", place: "top left" };
  const caption = words.filled(TEMPLATE, chosen);
  assert.equal(caption, "a large red circle at the top left");
  assert.deepEqual(words.chosenIn(`  A large red  circle at the top left `, TEMPLATE, SAID), chosen);
  assert.deepEqual(words.chosenIn("a small blue circle at the top", TEMPLATE, SAID).place, "top");
  for (const other of ["red circle", "a red large circle at the top", "a large red circle at the top left left"])
    assert.equal(words.chosenIn(other, TEMPLATE, SAID), null);
  const slots = [null, "size", "colour", "shape", null, null, "place", "place"];
  assert.deepEqual(words.slotsOf(TEMPLATE, chosen), slots);
});

test("what is no caption is told", () => {
  const known = words.vocabulary(TEMPLATE, SAID);
  assert.equal(known.longest, 8);
  assert.equal(words.objection("the red Circle", known), "");
  assert.match(words.objection("a pink circle", known), /“pink” is a word that the model was never told/);
  assert.match(words.objection("a a a a a a a a a", known), /9 words; there is room for 8/);
  assert.match(words.objection("   ", known), /Write some words/);
});
