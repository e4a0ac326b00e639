// Two classes in the plane with exact scores, what a guided score samples, and what p(x) p(y | x)^w would be.
import { random } from "../kit.js";
import { Mixture, noiseAt } from "../draw_density/mixture.js";
import { POINTS, Walk } from "../draw_density/paths.js";

export const REACH = 3.2;
export const GRID = 110; // the tilted density is summed over GRID × GRID cells

// classes: [[K][2], [K][2]], the centres of both; asked: whose score is exaggerated, 0 or 1.
export class Guided {
  constructor(classes, width, asked) {
    this.given = new Mixture(classes[asked], width);
    this.all = new Mixture(classes.flat(), width);
    this.share = classes[asked].length / classes.flat().length;
    this.room = [new Float64Array(2), new Float64Array(2)];
  }

  // ε̂ + w (ε̂ given y − ε̂), at x (n, 2) and times t (n), into out.
  eps(x, t, w, out) {
    const [all, given] = this.room;
    let [noise, last] = [null, NaN];
    for (let n = 0; n < t.length; n++) {
      if (t[n] !== last) [noise, last] = [noiseAt(t[n]), t[n]];
      this.all.eps(x[2 * n], x[2 * n + 1], noise, all, 0);
      this.given.eps(x[2 * n], x[2 * n + 1], noise, given, 0);
      for (const c of [0, 1]) out[2 * n + c] = all[c] + w * (given[c] - all[c]);
    }
    return out;
  }

  // All points from noise to data.
  walk(w) {
    const walk = new Walk();
    const eps = (x, t, out) => this.eps(x, t, w, out);
    while (walk.done < POINTS) walk.advance(eps, 0);
    return walk;
  }

  // p(x) p(y | x)^w at the middles of the cells, row by row from above, with sum one: log p(x) + w log p(y | x).
  tilted(w) {
    const clean = { alpha: 1, sigma: 0 };
    const [given, all] = [this.given, this.all].map((mixture) => mixture.density(clean, GRID, REACH));
    const logs = given.map((p, i) => {
      if (all[i] < 1e-300 || (w > 0 && p < 1e-300)) return -Infinity;
      return Math.log(all[i]) + (w > 0 ? w * Math.log(Math.min(1, (this.share * p) / all[i])) : 0);
    });
    const most = logs.reduce((a, b) => Math.max(a, b), -Infinity);
    const values = logs.map((v) => Math.exp(v - most));
    const total = values.reduce((a, b) => a + b, 0);
    return values.map((v) => v / total);
  }
}

// Points drawn from probabilities of cells, flat (n, 2): by the inverse of their sums, spread within each cell.
export function drawCells(values, n) {
  const u = random(4);
  const sums = new Float64Array(values.length);
  values.reduce((sum, v, i) => (sums[i] = sum + v), 0);
  const side = (2 * REACH) / GRID;
  const places = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    const wanted = ((k + u.uniform()) / n) * sums.at(-1);
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    places[2 * k] = ((low % GRID) + u.uniform()) * side - REACH;
    places[2 * k + 1] = REACH - (Math.floor(low / GRID) + u.uniform()) * side;
  }
  return places;
}

// The mean of points (n, 2), and the root of their mean squared distance from it.
export function spreadOf(places) {
  const n = places.length / 2;
  const mean = [0, 0];
  for (let c = 0; c < 2 * n; c++) mean[c % 2] += places[c] / n;
  let squares = 0;
  for (let c = 0; c < 2 * n; c++) squares += (places[c] - mean[c % 2]) ** 2 / n;
  return { mean, spread: Math.sqrt(squares) };
}
