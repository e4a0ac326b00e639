// Mass that a map moves along a line, and a flow between its layers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { following, interpolated, steps, wayOf } from "../../genlib/widgets/flow_explorer/flow.js";
import { integral, logNormal } from "../../genlib/widgets/kit.js";
import { between, onTheWay } from "../../genlib/widgets/mass_on_a_line/draw.js";
import { countIn, falling, massBelow, sand, zOf } from "../../genlib/widgets/mass_on_a_line/grains.js";

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
  near([...flow.lattice(1).slice(21, 24)], [-2 + 0, -1, Math.log(2)]); // grid point 7, (-1, 0)
  close(flow.lattice(0.5)[23], Math.log(2) / 2, 1e-6);
  assert.deepEqual([...flow.points(0)], [0.5, 0.5, -1, 1]);
  assert.deepEqual([...flow.points(0.5)], [1, 0, -1, 0.5]);
  assert.deepEqual(steps(flow, [0.3, 0.1], 2).length, 1);
  close(steps(flow, [0.3, 0.1], 2)[0], Math.log(2), 1e-6);
});

// Three layers: away to the right, ten times larger, and back as it was.
const far = (() => {
  const axis = [-2, 0, 2];
  const lattice = axis.flatMap((u) => axis.map((v) => [u, v]));
  const layers = [([u, v]) => [u, v], ([u, v]) => [u + 50, v], ([u, v]) => [10 * u, 10 * v], ([u, v]) => [u, v]];
  const logs = [0, 0, Math.log(100), 0];
  const grid = layers.flatMap((layer, k) => lattice.flatMap((z) => [...layer(z), logs[k]]));
  const drawn = [[1, 1], [-1, -1], [0.5, -1]]; // prettier-ignore
  const points = layers.flatMap((layer) => drawn.flatMap(layer));
  return interpolated({ size: 3, reach: 2, names: ["z", "a", "b", "c"], grid, points });
})();

test("the view follows the points and the point's way through every layer, without a jump", () => {
  const look = following(far, 4, 3.2);
  const at = (depth, z) => look(depth, wayOf(far, z, depth).slice(-21));
  assert.deepEqual(at(0, [0, 0]), { x: [-3.2, 3.2], y: [-3.2, 3.2] });
  for (const z of [
    [0, 0],
    [1.9, -1.9],
  ])
    // prettier-ignore
    for (let depth = 0; depth <= 3; depth += 0.05) {
      const { x, y } = at(depth, z);
      close(x[1] - x[0], y[1] - y[0], 1e-9); // a square
      const points = [...far.points(depth)];
      const inside = (v, [low, high]) => v >= low - 1e-6 && v <= high + 1e-6;
      if (Number.isInteger(depth))
        assert.ok(points.every((v, i) => inside(v, i % 2 ? y : x)), `points at ${depth}`); // prettier-ignore
      const [u, v] = far.follow(z, depth);
      assert.ok(inside(u, x) && inside(v, y), `the point at ${depth}`);
      const later = at(Math.min(3, depth + 1e-4), z);
      close(later.x[0], x[0], 0.05);
    }
  const [near, large] = [at(1, [0, 0]), at(2, [0, 0])];
  assert.ok(near.x[0] > -10 && near.x[1] > 51, "it went along");
  assert.ok(large.x[1] - large.x[0] > 20, "it went out");
});

test("the way has twenty points a layer, and each layer's log|det| is told", () => {
  assert.equal(wayOf(far, [1, 0], 0).length, 1);
  assert.equal(wayOf(far, [1, 0], 3).length, 61);
  close(wayOf(far, [1, 0], 1.5).at(-1)[0], far.follow([1, 0], 1.5)[0]);
  const told = steps(far, [1, 0], 4);
  [0, Math.log(100), -Math.log(100)].forEach((value, k) => close(told[k], value, 1e-6));
});

test("grains are equal shares of the mass, spread evenly below the curve", () => {
  close(zOf(0.975), 1.959964, 1e-5);
  close(zOf(0.5), 0, 1e-6);
  const grains = sand(500);
  for (const [low, high] of [
    [0.5, 1],
    [-1, 1],
    [1.5, 4],
  ])
    // prettier-ignore
    close(countIn(grains, [low, high]) / 500, massBelow(high) - massBelow(low), 1 / 500 + 1e-9);
  const middle = grains.filter(([z]) => Math.abs(z) < 1);
  for (const level of [0.25, 0.5, 0.75]) close(middle.filter(([, u]) => u < level).length / middle.length, level, 0.02);
  assert.deepEqual(sand(0), []);
});

test("grains wait above, fall along the thread, and come to rest, the lowest first", () => {
  for (const u of [0, 0.4, 0.999]) {
    assert.deepEqual(falling(u, 0), [0, 0]);
    assert.deepEqual(falling(u, 1), [2, 1]);
    let last = 0;
    for (let time = 0; time <= 1; time += 0.01) {
      const [stretch, share] = falling(u, time);
      assert.ok(share >= 0 && share <= 1 && stretch + share >= last - 1e-12, "it never rises");
      last = stretch + share;
    }
  }
  const [low, high] = [falling(0.1, 0.3), falling(0.9, 0.3)];
  assert.ok(low[0] + low[1] > high[0] + high[1]);
});
