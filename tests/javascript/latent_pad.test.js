// The pad: layers of known result, ways between latents, the prior, nearest pictures.
import assert from "node:assert/strict";
import { test } from "node:test";

import { packed } from "../../genlib/widgets/kit.js";
import { network } from "../../genlib/widgets/latent_pad/network.js";
import { blend, logPrior, nearest, space } from "../../genlib/widgets/latent_pad/space.js";
import { truncated } from "../../genlib/widgets/latent_pad/truncated.js";
import { allClose, close } from "./numerics.js";

const linear = (inputs, outputs, weight, bias) => ({
  type: "linear",
  inputs,
  outputs,
  weight: packed(weight),
  bias: packed(bias),
});
const run = (z, ...layers) => [...network(layers)(z)];

test("a linear layer acts on the last axis", () => {
  assert.deepEqual(run([1, 2], linear(2, 3, [1, 0, 0, 1, 1, 1], [0, 0, 0.5])), [1, 2, 3.5]);
  const rows = { type: "shape", sizes: [2, 2] };
  assert.deepEqual(run([1, 2, 3, 4], rows, linear(2, 1, [1, -2], [0])), [-3, -5]);
});

test("pointwise functions", () => {
  const z = [-1.5, 0, 2];
  assert.deepEqual(run(z, { type: "relu" }), [0, 0, 2]);
  allClose(run(z, { type: "leaky", slope: 0.1 }), [-0.15, 0, 2]);
  allClose(run(z, { type: "tanh" }), z.map(Math.tanh));
  allClose(run(z, { type: "softplus" }), z.map((v) => Math.log(1 + Math.exp(v)))); // prettier-ignore
  allClose(run(z, { type: "silu" }), z.map((v) => v / (1 + Math.exp(-v)))); // prettier-ignore
  allClose(run(z, { type: "gelu" }), [-0.100210801, 0, 1.954499736], 1e-6); // x Φ(x)
  allClose(run(z, { type: "gelu_tanh" }), [-0.100210801, 0, 1.954499736], 1e-3);
});

test("softmax sums to one in each row and bears large numbers", () => {
  const rows = { type: "shape", sizes: [2, 2] };
  const made = run([1000, 1001, -5, -5], rows, { type: "softmax" });
  allClose(made, [1 / (1 + Math.E), Math.E / (1 + Math.E), 0.5, 0.5]);
});

test("the line cuts through, the arc keeps the length", () => {
  assert.deepEqual(blend(0.25, "line", [1, 0], [0, 1]), [0.75, 0.25]);
  const [a, b] = [[2, 0, 0], [0, 2, 0]]; // prettier-ignore
  for (const t of [0, 0.3, 0.5, 1]) {
    const [wa, wb] = blend(t, "circle", a, b);
    close(Math.hypot(2 * wa, 2 * wb), 2);
  }
  assert.deepEqual(blend(0.5, "circle", [1, 1], [2, 2]), [0.5, 0.5], "no angle between them");
});

test("coordinates lead into the latent space", () => {
  const { latent, between } = space({ origin: [1, 0, 0], directions: packed([0, 1, 0, 0, 0, 2]) });
  assert.deepEqual([...latent([3, -1])], [1, 3, -2]);
  const middle = between(0.5, { a: [0, 0], b: [2, 4], path: "line" });
  assert.deepEqual([[...middle.z], middle.coordinates], [[1, 1, 4], [1, 2]]); // prettier-ignore
  close(logPrior([0, 0]), -Math.log(2 * Math.PI));
  close(logPrior([3, 4]), -12.5 - Math.log(2 * Math.PI));
});

test("the nearest pictures come first", () => {
  const images = Uint8Array.from([0, 0, 255, 255, 128, 128, 255, 0]);
  assert.deepEqual(nearest([1, 1], images, 3), [1, 2, 3]);
  assert.deepEqual(nearest([0, 0], images, 9), [0, 2, 3, 1]);
});

test("a kind is added to the latent, and what no kind touches is noise", () => {
  const kinds = packed([0, 0, 1, 0, 0, 0, 0, 1]); // two kinds of four latents
  const made = space({ origin: [5, 0, 0, 0], directions: packed([0, 1, 0, 0]), kinds });
  assert.deepEqual([...made.latent([3], 1)], [5, 3, 0, 1]);
  assert.deepEqual(made.free([3]), [5, 3]);
  assert.equal(made.noise, 2);
  assert.deepEqual([...made.withNoise([7, 8], 0)], [7, 8, 1, 0]);
  const middle = made.between(0.5, { a: [0], b: [2], path: "line", kind: 1 });
  assert.deepEqual([...middle.z], [5, 1, 0, 1]);
});

test("a normal number cut off at ±t: the middle is 0, the ends are ±t, a quarter lies below the first quartile", () => {
  close(truncated(0.5, 2), 0, 1e-6);
  close(truncated(1, 0.7), 0.7, 1e-6);
  close(truncated(0, 0.7), -0.7, 1e-6);
  close(truncated(0.25, 8), -0.67449, 1e-4); // as good as not cut off
  close(truncated(0.25, 0.01), -0.005, 1e-6); // as good as uniform
});
