// Points on their way from noise to data: the same start, and where noise is added the same noise, for every score.
import { clamp, random } from "../kit.js";
import { noiseAt } from "./mixture.js";

export const STEPS = 60;
export const POINTS = 160;
const AT_ONCE = 16; // points that walk together

const drawn = random(11);
const START = levelled(Float64Array.from({ length: 2 * POINTS }, () => drawn.normal()));
const FRESH = Float64Array.from({ length: 2 * POINTS * STEPS }, () => drawn.normal());
const NOISE = Array.from({ length: STEPS + 1 }, (_, j) => noiseAt(1 - j / STEPS));

// Both coordinates of places (n, 2) with mean 0 and variance 1: what so few points show by chance is not for the eye.
function levelled(places) {
  const n = places.length / 2;
  const [mean, square] = [new Float64Array(2), new Float64Array(2)];
  places.forEach((v, c) => {
    mean[c % 2] += v / n;
    square[c % 2] += (v * v) / n;
  });
  return places.map((v, c) => (v - mean[c % 2]) / Math.sqrt(square[c % 2] - mean[c % 2] ** 2));
}

// From noise `from` to less, `to`, keeping the guess: DDIM's step with its share eta of new noise. x, guess and fresh
// are (n, 2); x is changed in place. eta = 0 solves the ODE, eta = 1 is a step of the SDE backwards.
export function ddim(x, guess, from, to, eta, fresh) {
  const renewed = eta * to.sigma * Math.sqrt(Math.max(0, 1 - ((from.alpha * to.sigma) / (to.alpha * from.sigma)) ** 2));
  const kept = Math.sqrt(Math.max(0, to.sigma ** 2 - renewed ** 2));
  for (let c = 0; c < x.length; c++) {
    const clean = (x[c] - from.sigma * guess[c]) / from.alpha;
    x[c] = to.alpha * clean + kept * guess[c] + (renewed ? renewed * fresh[c] : 0);
  }
}

// The ways of all points under a score, walked a few points at a time: eps(x, t, out) is (n, 2) at times (n).
export class Walk {
  constructor() {
    this.places = new Float32Array(2 * POINTS * (STEPS + 1)); // [point][step][2]
    this.done = 0; // points that have arrived
    this.left = 0; // points that are still to be walked anew
    this.next = 0;
  }
  again() {
    this.left = POINTS;
  }
  // The next few points, all their steps.
  advance(eps, eta) {
    const first = this.next;
    const x = START.slice(2 * first, 2 * (first + AT_ONCE));
    const [t, guess, fresh] = [new Float64Array(AT_ONCE), new Float64Array(x.length), new Float64Array(x.length)];
    this.keep(first, 0, x);
    for (let j = 0; j < STEPS; j++) {
      t.fill(1 - j / STEPS);
      eps(x, t, guess);
      for (let c = 0; c < x.length; c++) fresh[c] = FRESH[2 * (j * POINTS + first) + c];
      ddim(x, guess, NOISE[j], NOISE[j + 1], eta, fresh);
      this.keep(first, j + 1, x);
    }
    this.next = (first + AT_ONCE) % POINTS;
    this.done = Math.min(POINTS, this.done + AT_ONCE);
    this.left = Math.max(0, this.left - AT_ONCE);
  }
  keep(first, j, x) {
    for (let n = 0; n < AT_ONCE; n++)
      this.places.set(x.subarray(2 * n, 2 * n + 2), 2 * ((first + n) * (STEPS + 1) + j));
  }
  // Where a point is at time t, between two steps on the line between them.
  at(point, t) {
    const at = clamp((1 - t) * STEPS, 0, STEPS);
    const j = Math.min(STEPS - 1, Math.floor(at));
    const p = 2 * (point * (STEPS + 1) + j);
    const [a, b] = [p, p + 1].map((q) => this.places[q] + (at - j) * (this.places[q + 2] - this.places[q]));
    return [a, b];
  }
  // The steps of a point up to time t, as [x, y].
  trail(point, t) {
    const steps = Math.floor(clamp((1 - t) * STEPS, 0, STEPS) + 1e-9);
    const p = 2 * point * (STEPS + 1);
    const way = Array.from({ length: steps + 1 }, (_, j) => [this.places[p + 2 * j], this.places[p + 2 * j + 1]]);
    return [...way, this.at(point, t)];
  }
  // All places at time t, flat (n, 2), of those that have arrived.
  all(t) {
    return Float64Array.from(Array.from({ length: this.done }, (_, point) => this.at(point, t)).flat());
  }
}
