// The cheapest assignment, and the critic that proves it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, numbers, optimalPlan } from "../../genlib/widgets/earth_mover/transport.js";
import { random } from "../../genlib/widgets/kit.js";
import { allClose, close } from "./numerics.js";

const orders = (rest) =>
  rest.length ? rest.flatMap((i) => orders(rest.filter((j) => j !== i)).map((more) => [i, ...more])) : [[]];
const draw = random(3).uniform;
const points = (n, at = 0) => Array.from({ length: n }, () => [at + 2 * draw(), 2 * draw()]);

test("no order of the columns is cheaper, and the prices prove it", () => {
  for (let k = 0; k < 5; k++) {
    const cost = Array.from({ length: 5 }, () => Array.from({ length: 5 }, () => draw() - 0.3));
    const { to, u, v } = optimalPlan(cost);
    const total = (order) => order.reduce((sum, j, i) => sum + cost[i][j], 0);
    close(total(to), Math.min(...orders([0, 1, 2, 3, 4]).map(total)));
    close(total(to), [...u, ...v].reduce((a, b) => a + b, 0)); // prettier-ignore
    cost.forEach((row, i) => row.forEach((value, j) => assert.ok(u[i] + v[j] <= value + 1e-12)));
  }
});

test("a heap that is moved as a whole is carried just as far", () => {
  const fakes = points(9);
  const data = fakes.map(([x, y]) => [x + 3, y - 4]).reverse();
  const { distance, length, gap } = numbers({ fakes, data, plan: "best" });
  allClose([distance, length, gap], [5, 5, 5]);
  assert.ok(numbers({ fakes, data, plan: "order" }).length > 5);
  close(numbers({ fakes, data: fakes, plan: "best" }).distance, 0);
});

test("the critic's slope is at most 1, and it scores the heaps W1 apart", () => {
  const found = numbers({ fakes: points(7), data: points(7, 1.5), plan: "best" });
  close(found.gap, found.distance);
  const places = points(40, -1);
  for (const a of places)
    for (const b of places) assert.ok(Math.abs(found.critic(a) - found.critic(b)) <= apart(a, b) + 1e-12);
});
