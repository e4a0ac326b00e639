// Convolutions, norms and whole networks of pictures in the browser, each by hand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { packed } from "../../genlib/widgets/kit.js";
import {
  arranged,
  convolution,
  scaled,
  standardised,
  transposed,
} from "../../genlib/widgets/latent_pad/convolutions.js";
import { network } from "../../genlib/widgets/latent_pad/network.js";
import { apart, asInk, asNumbers, disturbed } from "../../genlib/widgets/there_and_back/errors.js";
import { decades, meanOf, sheetAt } from "../../genlib/widgets/tricks/runs.js";
import { allClose, close } from "./numerics.js";

const layer = (type, inputs, outputs, kernel, stride, padding, weight, bias) => {
  const made = { type, inputs, outputs, kernel, stride, padding, weight, bias };
  return { ...made, taps: arranged(made) };
};

test("a convolution looks around each pixel, beyond the edge at zeros", () => {
  const cross = layer("convolution", 1, 1, 3, 1, 1, [0, 1, 0, 1, 1, 1, 0, 1, 0], [0.5]);
  const { x, sizes } = convolution(Float64Array.from([1, 2, 3, 4, 5, 6]), [1, 2, 3], cross);
  assert.deepEqual(sizes, [1, 2, 3]);
  const sums = [1 + 2 + 4, 2 + 1 + 3 + 5, 3 + 2 + 6, 4 + 1 + 5, 5 + 2 + 4 + 6, 6 + 3 + 5];
  allClose(
    x,
    sums.map((v) => v + 0.5),
  );
});

test("with a stride of two it takes every other place, and adds up its planes", () => {
  const weight = [1, 1, 1, 1, 1, 0, 0, 0].concat([0, 0, 0, 0, 0, 0, 0, -1]);
  const sum = layer("convolution", 2, 2, 2, 2, 0, weight, [0, 1]);
  const x = Float64Array.from([...Array(16).keys(), ...Array(16).fill(10)]);
  const made = convolution(x, [2, 4, 4], sum);
  assert.deepEqual(made.sizes, [2, 2, 2]);
  const squares = [0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 8 + 9 + 12 + 13, 10 + 11 + 14 + 15];
  allClose(made.x, squares.map((v) => v + 10).concat(Array(4).fill(-9))); // prettier-ignore
});

test("a transposed convolution lays its kernel down at every second place", () => {
  const wide = layer("transposed", 1, 1, 4, 2, 1, Array(16).fill(1), [0]);
  const { x, sizes } = transposed(Float64Array.from([1]), [1, 1, 1], wide);
  assert.deepEqual(sizes, [1, 2, 2]);
  allClose(x, [1, 1, 1, 1]);
  const two = transposed(Float64Array.from([1, 10]), [1, 1, 2], wide);
  allClose(two.x, [1, 11, 11, 10, 1, 11, 11, 10]);
});

test("transposed is the other way of the same kernel: both have one scalar product", () => {
  const weight = Array.from({ length: 2 * 3 * 16 }, (_, k) => Math.sin(k));
  const there = layer("convolution", 2, 3, 4, 2, 1, weight, [0, 0, 0]);
  const home = layer("transposed", 3, 2, 4, 2, 1, weight, [0, 0]);
  const x = Float64Array.from({ length: 2 * 6 * 8 }, (_, k) => Math.cos(3 * k));
  const y = Float64Array.from({ length: 3 * 3 * 4 }, (_, k) => Math.sin(5 * k));
  const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  close(dot(convolution(x, [2, 6, 8], there).x, y), dot(x, transposed(y, [3, 3, 4], home).x), 1e-9);
});

test("norms: a scale and a shift for each channel; each plane with mean 0 and variance 1", () => {
  const x = Float64Array.from([1, 2, 3, 4]);
  scaled(x, [2, 1, 2], { scale: [2, -1], shift: [0, 1] });
  assert.deepEqual([...x], [2, 4, -2, -3]);
  standardised(x, [2, 1, 2], { eps: 0 });
  allClose(x, [-1, 1, 1, -1]);
});

test("a network keeps the sizes on its way, and adds a block to what it was given", () => {
  const one = { type: "convolution", inputs: 1, outputs: 1, kernel: 1, stride: 1, padding: 0 };
  const net = network([
    { type: "affine", scale: 2, shift: -1 },
    { type: "shape", sizes: [1, 2, 2] },
    { type: "residual", layers: [{ ...one, weight: packed([3]), bias: packed([1]) }, { type: "relu" }] },
    { type: "norm", scale: packed([10]), shift: packed([0]) },
  ]);
  assert.deepEqual([...net([0, 1, 2, 0.5])], [-10, 50, 130, 10]);
});

test("pixels, and how far pictures are apart", () => {
  const x = asNumbers([[0, 5], [10, 10]], 10); // prettier-ignore
  assert.deepEqual([...x], [-1, 0, 1, 1]);
  assert.deepEqual(asInk(x), [0, 0.5, 1, 1]);
  close(apart([0, 1, 1, 0], [0.5, 1, 0, 0]), 0.375);
  allClose(disturbed(x, [1, -1, 1, -1], 0.25), [-0.5, -0.5, 1, 0.5]);
});

test("a picture lies in the row of its run, behind the earlier frames", () => {
  const state = { runs: [[{}, {}, {}], [{}, {}, {}]], shown: 12 }; // prettier-ignore
  assert.deepEqual(sheetAt({ variant: 0, seed: 2, frame: 0, picture: 5 }, state), [5, 2]);
  assert.deepEqual(sheetAt({ variant: 1, seed: 1, frame: 3, picture: 5 }, state), [41, 4]);
});

test("marks of a logarithmic axis are 1, 2 and 5 times powers of ten", () => {
  const marks = decades([2.2, 3.4]).map((v) => Math.round(10 ** v));
  assert.deepEqual(marks, [200, 500, 1000, 2000]);
  assert.ok(decades([0, 1e9]).length <= 30, "never without end");
  close(meanOf([1, 2, 6]), 3);
});
