// What tests of mathematics share: numbers that are close, and slopes by differences.
import assert from "node:assert/strict";

export function close(a, b, far = 1e-9) {
  assert.ok(Math.abs(a - b) <= far, `${a} is not ${b}`);
}

export function allClose(a, b, far = 1e-9) {
  assert.equal(a.length, b.length);
  a.forEach((value, i) => close(value, b[i], far));
}

// df/dx of each entry by central differences; x is changed in place and put back.
export function slopes(f, x, h = 1e-6) {
  return Array.from(x, (value, i) => {
    const at = (v) => {
      x[i] = v;
      const result = f();
      x[i] = value;
      return result;
    };
    return (at(value + h) - at(value - h)) / (2 * h);
  });
}
