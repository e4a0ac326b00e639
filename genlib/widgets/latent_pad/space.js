// The latent space: the plane in it, the way between two places, the prior; and pictures that are near each other.
import { clamp, floats } from "../kit.js";

const dot = (u, v) => u.reduce((sum, x, i) => sum + x * v[i], 0);

// Weights (for A, for B) of the point at t between two latents: on the line, or on the arc around 0.
export function blend(t, path, a, b) {
  if (path === "line") return [1 - t, t];
  const angle = Math.acos(clamp(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)), -1, 1));
  if (!(Math.sin(angle) > 1e-6)) return [1 - t, t];
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}

// log N(z; 0, I) in nats
export const logPrior = (z) => -0.5 * (dot(z, z) + z.length * Math.log(2 * Math.PI));

// From the coordinates of a place (m) to its latent (L); between: the place at t on the way from a to b. kinds (K, L):
// what is added for each kind, such as its label. free: the latents at a place that no kind has a say in, the noise.
export function space({ origin, directions, kinds = null }) {
  const [L, flat] = [origin.length, floats(directions)];
  const added = kinds === null ? new Float32Array(L) : floats(kinds);
  const noise = origin.map((_, i) => i).filter((i) => !added.some((v, k) => k % L === i && v !== 0));
  const base = (coordinates) => {
    const z = Float64Array.from(origin);
    coordinates.forEach((c, k) => {
      for (let i = 0; i < L; i++) z[i] += c * flat[k * L + i];
    });
    return z;
  };
  const ofKind = (z, kind = 0) => z.map((v, i) => v + added[kind * L + i]);
  const between = (t, { a, b, path, kind }) => {
    const [za, zb] = [base(a), base(b)];
    const [wa, wb] = blend(t, path, za, zb);
    const z = za.map((v, i) => wa * v + wb * zb[i]);
    return { z: ofKind(z, kind), coordinates: a.map((v, i) => wa * v + wb * b[i]) };
  };
  const withNoise = (values, kind) => {
    const z = Float64Array.from(origin);
    noise.forEach((i, k) => (z[i] = values[k]));
    return ofKind(z, kind);
  };
  return {
    latent: (coordinates, kind) => ofKind(base(coordinates), kind),
    free: (coordinates) => noise.map((i) => base(coordinates)[i]),
    noise: noise.length,
    kinds: added.length / L,
    between,
    withNoise,
  };
}

// Which of the images, bytes 0..255 one after another, are nearest to a picture by squared distance, the nearest first.
export function nearest(picture, images, count) {
  const [size, best] = [picture.length, []];
  for (let i = 0; i < images.length / size; i++) {
    let distance = 0;
    for (let p = 0, q = i * size; p < size; p++, q++) distance += (picture[p] - images[q] / 255) ** 2;
    if (best.length === count && distance >= best[count - 1][0]) continue;
    best.push([distance, i]);
    best.sort((u, v) => u[0] - v[0]);
    if (best.length > count) best.pop();
  }
  return best.map(([, i]) => i);
}
