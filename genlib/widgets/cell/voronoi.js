// Codes in the plane: whose cell a point is in, cells as polygons, the two halves of Lloyd's algorithm, and the pulls
// on a vector that is quantized.

export const squared = ([a, b], [c, d]) => (a - c) ** 2 + (b - d) ** 2;

// The number of the code that is nearest; of two as near, the first.
export const nearest = (point, codes) =>
  codes.reduce((best, code, k) => (squared(point, code) < squared(point, codes[best]) ? k : best), 0);

export const assigned = (points, codes) => points.map((point) => nearest(point, codes));

// Each code in the middle of the points that are its own; one that has none stays.
export function means(points, of, codes) {
  return codes.map((code, k) => {
    const own = points.filter((_, i) => of[i] === k);
    if (own.length === 0) return code;
    return [0, 1].map((axis) => own.reduce((sum, point) => sum + point[axis], 0) / own.length);
  });
}

// The mean squared distance of the points from the codes that they were given.
export const distortion = (points, of, codes) =>
  points.reduce((sum, point, i) => sum + squared(point, codes[of[i]]), 0) / points.length;

// The cell of code k within the square of ±edge, as corners: what is nearer to it than to any other code.
export function polygon(k, codes, edge) {
  const square = [[-edge, -edge], [edge, -edge], [edge, edge], [-edge, edge]]; // prettier-ignore
  return codes.reduce((corners, other, j) => (j === k ? corners : nearer(corners, codes[k], other)), square);
}

// What of a polygon is nearer to one place than to another.
function nearer(corners, here, other) {
  if (squared(here, other) === 0) return corners;
  const beyond = (place) => squared(place, here) - squared(place, other); // linear in the place
  return corners.flatMap((corner, i) => {
    const next = corners[(i + 1) % corners.length];
    const [a, b] = [beyond(corner), beyond(next)];
    const kept = a <= 0 ? [corner] : [];
    if (a * b >= 0) return kept;
    const share = a / (a - b);
    return [...kept, corner.map((v, axis) => v + share * (next[axis] - v))];
  });
}

// Downhill, of each of the three terms: |e − w|² of the decoder at the code e of z, which is copied to z (straight
// through); β |z − e|², of z; and |z − e|², of e. w is where the decoder wants the code.
export function pulls({ z, codes, wish, beta }) {
  const k = nearest(z, codes);
  const toward = (from, to, weight) => [0, 1].map((axis) => 2 * weight * (to[axis] - from[axis]));
  return {
    k,
    loss: squared(codes[k], wish),
    decoder: toward(codes[k], wish, 1),
    commitment: toward(z, codes[k], beta),
    codebook: toward(codes[k], z, 1),
  };
}

const RATE = 0.1;

// One step of gradient descent: z by decoder and commitment and, where codes learn, its code by the codebook's term.
export function stepped({ z, codes, wish, beta, learn }) {
  const { k, decoder, commitment, codebook } = pulls({ z, codes, wish, beta });
  const move = (place, by) => place.map((v, axis) => v + RATE * by[axis]);
  const next = z.map((v, axis) => v + RATE * (decoder[axis] + commitment[axis]));
  return { z: next, codes: learn ? codes.with(k, move(codes[k], codebook)) : codes };
}
