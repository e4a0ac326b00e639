// Grains of sand under a density, and how they fall through a map.
import { clamp } from "../kit.js";

// The mass of N(0, 1) below z (Abramowitz and Stegun 7.1.26, off by at most 1.5e-7).
export function massBelow(z) {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp((-z * z) / 2);
  return z > 0 ? 1 - tail : tail;
}

// The z below which a share of the mass lies, by halving.
export function zOf(mass) {
  let [low, high] = [-6, 6];
  for (let k = 0; k < 50; k++) {
    const middle = (low + high) / 2;
    if (massBelow(middle) < mass) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// n grains [z, u], evenly spread: each stands for 1/n of the mass. At u times the density, they fill the area below the
// curve evenly; and since a map takes z and leaves u, they fill that below the new density too.
const GOLDEN = (Math.sqrt(5) - 1) / 2;
export const sand = (n) => Array.from({ length: n }, (_, i) => [zOf((i + 0.5) / n), (0.5 + i * GOLDEN) % 1]);

// How many of the grains lie in an interval of z.
export const countIn = (grains, [low, high]) => grains.filter(([z]) => z >= low && z < high).length;

// Where a grain is while all of them fall, at a time from 0 to 1: those at the foot of the heap go first. Its three
// stretches are told as [stretch, share]: 0, down to the axis of z; 1, along the thread to x; 2, down to its place.
const WAIT = 0.55; // the share of the time in which one after the other sets off
export function falling(u, time) {
  const own = clamp((time - WAIT * u) / (1 - WAIT), 0, 1);
  const fallen = 3 * own ** 1.6; // faster and faster
  const stretch = Math.min(2, Math.floor(fallen));
  return [stretch, Math.min(1, fallen - stretch)];
}
