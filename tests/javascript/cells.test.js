// The kit's integrals, colours and grids of cells.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Cells, integral, logNormal, mix, underNormal } from "../../genlib/widgets/kit.js";

const close = (a, b, far = 1e-9) => assert.ok(Math.abs(a - b) <= far, `${a} is not ${b}`);
const gaussian = (x) => Math.exp(logNormal(x, 1, 0.3));

test("integrals and means over a Gaussian", () => {
  close(integral(gaussian, -2, 4), 1);
  const fourth = underNormal((e) => e ** 4);
  close(fourth, 3);
  close(logNormal(0.5, 0.5, 2), -Math.log(2 * Math.sqrt(2 * Math.PI)));
});

test("a colour between two", () => {
  assert.equal(mix("#000000", "#ff8040", 0), "#000000");
  assert.equal(mix("#000000", "#ff8040", 1), "#ff8040");
  assert.equal(mix("#ffffff", "#0072b2", 0.5), "#80b9d9");
  assert.equal(mix("#050505", "#000000", 0.5), "#030303");
});

test("the cells of a grid are counted row by row", () => {
  const done = [];
  const write = (name) => (...values) => done.push([name, ...values]); // prettier-ignore
  const context = { fillRect: write("fill"), strokeRect: write("stroke"), fillText: write("text") };
  const cells = new Cells(context, 3, 10, 2);
  assert.deepEqual(cells.corner(4), [12, 12]);
  cells.fill(5, "red");
  cells.outline(0, "blue", 4);
  cells.label(2, "!", "black", "9px sans-serif");
  assert.deepEqual(done, [["fill", 22, 12, 10, 10], ["stroke", 4, 4, 6, 6], ["text", "!", 27, 7]]); // prettier-ignore
});
