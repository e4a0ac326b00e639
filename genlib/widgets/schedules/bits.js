// What a schedule is made of: a curve λ(t) through handles, and what each moment of it costs on data on a line.
//   diffusion term = ½ ∫ −λ'(t) E[(ε − ε̂)²] dt = ½ ∫ E[(ε − ε̂)²] dλ, in nats, with the best ε̂
import { logNormal, sigmoid } from "../kit.js";

export const RANGE = [-10, 12]; // of λ
const FINE = 0.05; // between two λ of the table
export const MOMENTS = 400; // of a curve
const NODES = 700; // of an integral over x_t

export const noiseOf = (lambda) => ({ alpha: Math.sqrt(sigmoid(lambda)), sigma: Math.sqrt(sigmoid(-lambda)) });

// Data on a line: equal Gaussians of one width.
export const DATA = {
  "one Gaussian": { means: [0], width: 1 },
  "two bumps": { means: [-1, 1], width: 0.15 },
  "four levels": { means: [-1.5, -0.5, 0.5, 1.5], width: 0.02 },
};

// log p_t(x) and ∂/∂x of it.
function logDensity(x, { means, width }, { alpha, sigma }) {
  const variance = (alpha * width) ** 2 + sigma ** 2;
  const logs = means.map((m) => logNormal(x, alpha * m, Math.sqrt(variance)));
  const most = Math.max(...logs);
  const shares = logs.map((v) => Math.exp(v - most));
  const total = shares.reduce((a, b) => a + b, 0);
  const near = shares.reduce((sum, share, k) => sum + share * means[k], 0) / total;
  return { log: most + Math.log(total / means.length), slope: (alpha * near - x) / variance };
}

// p_t(x), for pictures of it: many times a frame.
export function density(x, { means, width }, { alpha, sigma }) {
  const variance = (alpha * width) ** 2 + sigma ** 2;
  let sum = 0;
  for (let k = 0; k < means.length; k++) sum += Math.exp(-((x - alpha * means[k]) ** 2) / (2 * variance));
  return sum / (means.length * Math.sqrt(2 * Math.PI * variance));
}

// E[(ε − ε̂)²] = 1 − E[ε̂²] at log signal-to-noise ratio λ, with ε̂ = −σ score: by quadrature over x_t.
export function errorAt(lambda, data) {
  const noise = noiseOf(lambda);
  const sd = Math.hypot(noise.alpha * data.width, noise.sigma);
  const places = data.means.map((m) => noise.alpha * m);
  const [from, to] = [Math.min(...places) - 8 * sd, Math.max(...places) + 8 * sd];
  const step = (to - from) / NODES;
  let sum = 0;
  for (let i = 0; i <= NODES; i++) {
    const { log, slope } = logDensity(from + i * step, data, noise);
    sum += Math.exp(log) * (noise.sigma * slope) ** 2 * step;
  }
  return 1 - sum;
}

// That error for all λ of the range; at(λ) finds it between two of the table.
export function errorTable(data) {
  const values = Array.from({ length: Math.round((RANGE[1] - RANGE[0]) / FINE) + 1 }, (_, k) =>
    errorAt(RANGE[0] + k * FINE, data),
  );
  return (lambda) => {
    const at = Math.min(Math.max((lambda - RANGE[0]) / FINE, 0), values.length - 1);
    const k = Math.min(Math.floor(at), values.length - 2);
    return values[k] + (at - k) * (values[k + 1] - values[k]);
  };
}

// A smooth curve that falls wherever its handles fall (Fritsch and Carlson's cubic): handles are λ at equal distances
// from t = 0 to 1.
export function curveThrough(handles) {
  const n = handles.length - 1;
  const falls = Array.from({ length: n }, (_, k) => (handles[k + 1] - handles[k]) * n);
  const slopes = handles.map((_, k) => {
    if (k === 0 || k === n) return falls[Math.min(k, n - 1)];
    return falls[k - 1] * falls[k] > 0 ? (2 * falls[k - 1] * falls[k]) / (falls[k - 1] + falls[k]) : 0;
  });
  const piece = (t) => {
    const k = Math.min(n - 1, Math.max(0, Math.floor(t * n)));
    return { k, u: t * n - k };
  };
  const at = (t) => {
    const { k, u } = piece(t);
    const [a, b] = [slopes[k] / n, slopes[k + 1] / n];
    const [p, q] = [handles[k], handles[k + 1]];
    return p + u * (a + u * (3 * (q - p) - 2 * a - b + u * (2 * (p - q) + a + b)));
  };
  const slope = (t) => {
    const { k, u } = piece(t);
    const [a, b] = [slopes[k] / n, slopes[k + 1] / n];
    const [p, q] = [handles[k], handles[k + 1]];
    return n * (a + u * (2 * (3 * (q - p) - 2 * a - b) + 3 * u * (2 * (p - q) + a + b)));
  };
  return { at, slope };
}

// What a curve pays: at each moment, in all, spread over t, and with a ladder of T rungs instead of an integral.
export function paid(curve, error, rungs) {
  const moments = Array.from({ length: MOMENTS }, (_, i) => (i + 0.5) / MOMENTS);
  const each = moments.map((t) => -0.5 * curve.slope(t) * error(curve.at(t)));
  const total = each.reduce((a, b) => a + b, 0) / MOMENTS;
  const spread = Math.sqrt(each.reduce((sum, v) => sum + (v - total) ** 2, 0) / MOMENTS);
  const steps = Array.from({ length: rungs }, (_, i) => {
    const [s, t] = [curve.at(i / rungs), curve.at((i + 1) / rungs)];
    return 0.5 * Math.expm1(s - t) * error(t);
  });
  return { moments, each, total, spread, steps, ladder: steps.reduce((a, b) => a + b, 0) };
}

// Handles between the same ends, of schedules by name.
export const SHAPES = {
  "a line": (u, first, last) => first + (last - first) * u,
  cosine: (u, first, last) => {
    const angle = (lambda) => Math.atan(Math.exp(-lambda / 2));
    return -2 * Math.log(Math.tan(angle(first) + (angle(last) - angle(first)) * u));
  },
  "linear β": (u, first, last) => {
    // ∫β up to τ is 0.1 τ + 9.95 τ², and λ = −log(exp(∫β) − 1)
    const time = (lambda) => (Math.sqrt(0.01 + 39.8 * Math.log1p(Math.exp(-lambda))) - 0.1) / 19.9;
    const tau = time(first) + (time(last) - time(first)) * u;
    return -Math.log(Math.expm1(0.1 * tau + 9.95 * tau * tau));
  },
};

// Handles for which every moment pays the same: t is the share that is paid above λ(t).
export function evenly(count, first, last, error) {
  const n = 2000;
  const lambdas = Array.from({ length: n + 1 }, (_, k) => first + ((last - first) * k) / n);
  const sums = [0];
  for (let k = 1; k <= n; k++) sums.push(sums[k - 1] + error((lambdas[k] + lambdas[k - 1]) / 2));
  return Array.from({ length: count }, (_, i) => {
    const wanted = (i / (count - 1)) * sums[n];
    const k = Math.max(1, sums.findIndex((sum) => sum >= wanted - 1e-12));
    const share = (wanted - sums[k - 1]) / (sums[k] - sums[k - 1] || 1);
    return i === 0 ? first : lambdas[k - 1] + share * (lambdas[k] - lambdas[k - 1]);
  }); // prettier-ignore
}
