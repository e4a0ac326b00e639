// Mass that a map moves along a line, and a flow between its layers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { interpolated } from "../../genlib/widgets/flow_explorer/draw.js";
import { integral, logNormal } from "../../genlib/widgets/kit.js";
import { between, massBelow, onTheWay } from "../../genlib/widgets/mass_on_a_line/draw.js";

const close = (a, b, far = 1e-9) => assert.ok(Math.abs(a - b) <= far, `${a} is not ${b}`);

test("the mass below z is the density's integral", () => {
  const gaussian = (z) => Math.exp(logNormal(z, 0, 1));
  for (const z of [-2.5, -0.3, 0, 1, 3]) close(massBelow(z), integral(gaussian, -12, z, 200000), 1e-4);
  close(massBelow(1.96), 0.9750021, 2e-7);
  close(massBelow(-1.96), 0.0249979, 2e-7);
});

test("values between the points of the grid lie on a line, and stop at its ends", () => {
  const z = [-1, 0, 1];
  const values = [2, 4, 0];
  assert.equal(between(z, values, -0.5), 3);
  assert.equal(between(z, values, 0.25), 3);
  assert.equal(between(z, values, 1), 0);
  assert.equal(between(z, values, 9), 0);
  assert.equal(between(z, values, -9), 2);
});

test("a map moves points and thins the density by its slope, and half of the way is half of the map", () => {
  const state = { z: [-1, 0, 1], density: [0.2, 0.4, 0.2] };
  const map = { x: [3, 0, -3], slope: [-3, -3, -3] };
  assert.deepEqual(onTheWay(state, map, 0), { x: state.z, density: state.density });
  const all = onTheWay(state, map, 1);
  assert.deepEqual(all.x, map.x);
  all.density.forEach((value, i) => close(value, state.density[i] / 3));
  const half = onTheWay(state, map, 0.5); // 0.5 z - 1.5 z = -z
  half.x.forEach((x, i) => close(x, -state.z[i]));
  half.density.forEach((value, i) => close(value, state.density[i]));
});

test("a linear flow is followed exactly, between the grid's points and between the layers", () => {
  const [size, reach] = [5, 2];
  const axis = [-2, -1, 0, 1, 2];
  const lattice = axis.flatMap((u) => axis.map((v) => [u, v]));
  const first = lattice.flatMap(([u, v]) => [u, v, 0]);
  const second = lattice.flatMap(([u, v]) => [2 * u + v, v - 1, Math.log(2)]);
  const points = [0.5, 0.5, -1, 1, 1.5, -0.5, -1, 0];
  const flow = interpolated({ size, reach, names: ["z", "x"], grid: [...first, ...second], points });
  const near = (a, b) => a.forEach((v, i) => close(v, b[i], 1e-3));
  near(flow.follow([0.25, -0.6], 1), [2 * 0.25 - 0.6, -1.6, Math.log(2)]);
  near(flow.follow([0.25, -0.6], 0), [0.25, -0.6, 0]);
  near(flow.follow([1, 1], 0.5), [2, 0.5, Math.log(2) / 2]);
  near(flow.follow([9, 2], 1), [6, 1, Math.log(2)]); // the grid ends at 2
  near(flow.place(7, 1), [-2 + 0, -1]); // grid point (-1, 0)
  close(flow.logDet(7, 0.5), Math.log(2) / 2);
  assert.deepEqual(flow.points(0), [[0.5, 0.5], [-1, 1]]); // prettier-ignore
  assert.deepEqual(flow.points(0.5), [[1, 0], [-1, 0.5]]); // prettier-ignore
});
