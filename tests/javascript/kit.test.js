// The kit's mathematics: numbers, windows onto the plane, random draws, questions to the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Frame,
  bytes,
  clamp,
  eased,
  floats,
  gliding,
  grey,
  packed,
  questions,
  random,
  shrunk,
  signed,
  ticks,
} from "../../genlib/widgets/kit.js";
import { close } from "./numerics.js";

test("numbers have a real minus sign and no negative zero", () => {
  assert.equal(signed(-1.005, 1), "−1.0");
  assert.equal(signed(2.5), "2.50");
  assert.equal(signed(-0.004), "0.00");
  assert.equal(signed(-0), "0.00");
  assert.equal(signed(-3, 0), "−3");
  assert.equal(clamp(5, 0, 2), 2);
  assert.equal(clamp(-5, 0, 2), 0);
});

test("ticks are multiples of the step, both ends included", () => {
  assert.deepEqual(ticks(-1, 1, 0.5), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(ticks(0.1, 0.35, 0.1), [0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(-2.7, 2.7, 1), [-2, -1, 0, 1, 2]);
});

test("a frame leads into pixels and back", () => {
  const frame = new Frame({ x: [-2, 6], y: [1, 5], width: 200, height: 120, left: 30, right: 10, top: 5, bottom: 15 });
  assert.deepEqual(frame.at([-2, 1]), [30, 105]);
  assert.deepEqual(frame.at([6, 5]), [190, 5]);
  const [x, y] = frame.back(frame.at([1.25, 3.5]));
  close(x, 1.25);
  close(y, 3.5);
  // The same picture, shown twice as large.
  const node = { getBoundingClientRect: () => ({ left: 100, top: 50, width: 400, height: 240 }) };
  const [u, v] = frame.pointer({ clientX: 100 + 2 * 30, clientY: 50 + 2 * 105 }, node);
  close(u, -2);
  close(v, 1);
  assert.equal(frame.path([[-2, 1], [6, 5]]), "M30.0 105.0L190.0 5.0"); // prettier-ignore
  assert.equal(frame.area([[-2, 3], [6, 3]], 1), "M30.0 55.0L190.0 55.0L190.0 105.0L30.0 105.0Z"); // prettier-ignore
});

test("random numbers can be drawn again and are distributed as they say", () => {
  const first = random(7);
  const again = random(7);
  const draws = Array.from({ length: 20000 }, () => first.uniform());
  assert.deepEqual(
    draws.slice(0, 5),
    Array.from({ length: 5 }, () => again.uniform()),
  );
  assert.notEqual(random(8).uniform(), draws[0]);
  assert.ok(draws.every((u) => u >= 0 && u < 1));
  const tenths = Array(10).fill(0);
  for (const u of draws) tenths[Math.floor(10 * u)] += 1;
  for (const count of tenths) close(count / 20000, 0.1, 0.01);
  const normal = Array.from({ length: 20000 }, () => first.normal());
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  close(mean(normal), 0, 0.03);
  close(mean(normal.map((v) => v * v)), 1, 0.05);
  close(mean(normal.map((v) => v ** 4)), 3, 0.4);
});

test("float32 values survive the way to Python's form and back", () => {
  const values = [0, -1.5, 3.1415927, 1e-20];
  assert.deepEqual(floats(packed(values)), Float32Array.from(values));
  assert.deepEqual(bytes("AP8Q"), Uint8Array.from([0, 255, 16]));
});

test("level 0 is paper and the last level ink", () => {
  assert.equal(grey(0, 17), "rgb(255,255,255)");
  assert.equal(grey(16, 17), "rgb(0,0,0)");
});

test("one question at a time, and the newest follows", () => {
  const told = [];
  const kernel = questions((question) => told.push(question));
  kernel.hear({ t: 1 });
  kernel.ask({ t: 1 }); // answered already
  assert.deepEqual(told, []);
  kernel.ask({ t: 2 });
  kernel.ask({ t: 3 });
  kernel.ask({ t: 4 });
  assert.deepEqual(told, [{ t: 2 }]);
  assert.equal(kernel.waiting(), true);
  kernel.hear({ t: 1 }); // the answer to an older one
  assert.equal(told.length, 1);
  kernel.hear({ t: 2 });
  assert.deepEqual(told, [{ t: 2 }, { t: 4 }]);
  kernel.hear({ t: 4 });
  assert.equal(kernel.waiting(), false);
});

test("what has too little room shrinks whole before it wraps", () => {
  assert.deepEqual(shrunk(900, 800), { zoom: 1, width: 800 });
  assert.deepEqual(shrunk(640, 800), { zoom: 0.8, width: 800 }); // as wide as it was, but smaller
  const { zoom, width } = shrunk(300, 800);
  close(zoom, 0.6);
  close(width * zoom, 300); // no smaller, so it wraps
});

test("what glides leaves gently, arrives exactly and can be stopped", () => {
  close(eased(0), 0);
  close(eased(0.5), 0.5);
  close(eased(1), 1);
  assert.ok(eased(0.1) < 0.05 && eased(0.9) > 0.95);
  const frames = [];
  const page = { calm: false };
  globalThis.requestAnimationFrame = (frame) => frames.push(frame);
  globalThis.cancelAnimationFrame = () => (frames.length = 0);
  globalThis.matchMedia = () => ({ matches: page.calm });
  const shown = [];
  const { glide, stop, moving } = gliding((values) => shown.push(values), 100);
  let ended = 0;
  glide([0, 10], [1, 0.1], () => (ended += 1));
  for (const now of [1000, 1050, 1100]) frames.pop()(now);
  assert.deepEqual(shown, [[0, 10], [0.5, 5.05], [1, 0.1]]); // prettier-ignore
  assert.deepEqual([ended, moving()], [1, false]);
  glide([0], [1], () => (ended += 1));
  stop();
  assert.deepEqual([frames.length, ended, moving()], [0, 1, false]);
  page.calm = true; // who wants no motion sees the end at once
  glide([0], [1], () => (ended += 1));
  assert.deepEqual(shown.at(-1), [1]);
  assert.deepEqual([frames.length, ended], [0, 2]);
});
