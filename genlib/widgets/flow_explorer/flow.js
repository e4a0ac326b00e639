// A flow of the plane that is known at its layers and on a grid: between them straight lines, and the view onto it.
import { clamp } from "../kit.js";

// values: a list of equally long layers, flat, in one. Returns the layer at a depth, which may lie between two.
function layersOf(values, count) {
  const length = values.length / count;
  return (depth) => {
    const k = clamp(Math.floor(depth), 0, count - 2);
    const share = depth - k;
    const [from, to] = [k * length, (k + 1) * length];
    return Float32Array.from({ length }, (_, i) => values[from + i] + share * (values[to + i] - values[from + i]));
  };
}

// The flow between its layers and between the points of its grid. lattice(depth): [x, y, log|det|] of all the grid's
// points, flat; points(depth): the drawn ones, [x, y], flat; follow(z, depth): where z goes, [x, y, log|det|].
export function interpolated({ size, reach, names, grid, points }) {
  const last = names.length - 1;
  const length = 3 * size * size;
  const value = (i, depth) => {
    const k = clamp(Math.floor(depth), 0, last - 1);
    const [a, b] = [grid[k * length + i], grid[(k + 1) * length + i]];
    return a + (depth - k) * (b - a);
  };
  return {
    lattice: layersOf(grid, last + 1),
    points: layersOf(points, last + 1),
    follow(z, depth) {
      const [r, s] = z.map((w) => clamp(((w + reach) / (2 * reach)) * (size - 1), 0, size - 1.0001));
      const [i, j] = [Math.floor(r), Math.floor(s)];
      const [f, g] = [r - i, s - j];
      // prettier-ignore
      const corners = [[0, 0, (1 - f) * (1 - g)], [1, 0, f * (1 - g)], [0, 1, (1 - f) * g], [1, 1, f * g]];
      const at = ([a, b], part) => value(3 * ((i + a) * size + j + b) + part, depth);
      return [0, 1, 2].map((part) => corners.reduce((sum, corner) => sum + corner[2] * at(corner, part), 0));
    },
  };
}

// The way of z through the layers so far, twenty points a layer.
export const wayOf = (flow, z, depth) =>
  Array.from({ length: Math.floor(20 * depth + 1e-6) + 1 }, (_, k) => flow.follow(z, Math.min(k / 20, depth)));

// The smallest box around points, as [[left, right], [bottom, top]].
function box(points) {
  const range = (part) =>
    points.reduce(([a, b], p) => [Math.min(a, p[part]), Math.max(b, p[part])], [Infinity, -Infinity]);
  return [range(0), range(1)];
}

// A square window around a box, with some room, as [centre x, centre y, half its side].
const ROOM = 1.12;
function windowOn([[left, right], [bottom, top]]) {
  return [(left + right) / 2, (bottom + top) / 2, (ROOM * Math.max(right - left, top - bottom, 1e-3)) / 2];
}

// What the picture shows at a depth: before any layer, [-extent, extent]²; after each, the drawn points; between two,
// something between; and always `way`, the last of z's way. Returns look(depth, way), which gives {x: [from, to], y}.
export function following(flow, count, extent) {
  const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  const bases = Array.from({ length: count }, (_, k) => (k ? windowOn(box(pairs(flow.points(k)))) : [0, 0, extent]));
  return (depth, way) => {
    const k = clamp(Math.floor(depth), 0, count - 2);
    const share = depth - k;
    const [a, b] = [bases[k], bases[k + 1]];
    const [u, v] = [0, 1].map((i) => a[i] + share * (b[i] - a[i]));
    const half = a[2] ** (1 - share) * b[2] ** share;
    const [[left, right], [bottom, top]] = box(way);
    const needed = ROOM * Math.max(right - u, u - left, top - v, v - bottom);
    const side = Math.max(half, needed);
    return { x: [u - side, u + side], y: [v - side, v + side] };
  };
}

// What each layer adds to log|det| at z.
export const steps = (flow, z, count) =>
  Array.from({ length: count - 1 }, (_, k) => flow.follow(z, k + 1)[2] - flow.follow(z, k)[2]);
