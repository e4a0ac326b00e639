// A small network that guesses noise, trained in the browser by denoising score matching: forwards, backwards, Adam.
//   ε̂(x_t, t) = σ x_t + α F(x_t, t):  where there is only noise, x_t is the answer; F is called v elsewhere.
// F sees the place, waves of it of two lengths, and the time, and has two hidden layers. Its weights are one flat
// array, in torch's order: W1 (H, 17), b1, W2 (H, H), b2, W3 (2, H), b3.
import { logSNR, noiseAt } from "./mixture.js";

export const INPUTS = 17; // x, y, eight waves of them, and seven of the time
const DEPTH = 3;
const RATE = 1e-2; // falls with the root of the steps after the first SWIFT
const SWIFT = 600;
const BATCH = 128;
const AVERAGED = 0.997; // what is shown is a running mean of the weights

export function layersOf(hidden) {
  let at = 0;
  return [[INPUTS, hidden], [hidden, hidden], [hidden, 2]].map(([from, to]) => {
    const layer = { from, to, w: at, b: at + from * to };
    at += from * to + to;
    return layer;
  }); // prettier-ignore
}

const sizeOf = (layers) => layers.at(-1).b + layers.at(-1).to;

// Weights as torch starts a linear layer: uniform within 1 / √(inputs).
export function freshWeights(hidden, { uniform }) {
  const layers = layersOf(hidden);
  const weights = new Float64Array(sizeOf(layers));
  for (const { from, to, w } of layers) {
    for (let i = 0; i < from * to + to; i++) weights[w + i] = (2 * uniform() - 1) / Math.sqrt(from);
  }
  return weights;
}

// Like SiLU, a x that fades out below 0, without an exponential: ½ a (1 + a / √(1 + a²)); and its slope.
function bend(sums, values, slopes) {
  for (let i = 0; i < sums.length; i++) {
    const a = sums[i];
    const root = 1 / Math.sqrt(1 + a * a);
    const u = a * root;
    values[i] = 0.5 * a * (1 + u);
    slopes[i] = 0.5 * (1 + u + u * root * root);
  }
}

// y (B, to) = x (B, from) Wᵀ + b, four outputs at a time.
function linear({ from, to, w, b }, weights, x, y, B) {
  for (let n = 0; n < B; n++) {
    const q = n * from;
    for (let o = 0; o < to; o += 4) {
      if (o + 4 > to) {
        for (let rest = o; rest < to; rest++) {
          let sum = weights[b + rest];
          for (let i = 0, p = w + rest * from; i < from; i++) sum += weights[p + i] * x[q + i];
          y[n * to + rest] = sum;
        }
        continue;
      }
      const [p0, p1, p2, p3] = [w + o * from, w + (o + 1) * from, w + (o + 2) * from, w + (o + 3) * from];
      let [s0, s1, s2, s3] = [weights[b + o], weights[b + o + 1], weights[b + o + 2], weights[b + o + 3]];
      for (let i = 0; i < from; i++) {
        const v = x[q + i];
        s0 += weights[p0 + i] * v;
        s1 += weights[p1 + i] * v;
        s2 += weights[p2 + i] * v;
        s3 += weights[p3 + i] * v;
      }
      y[n * to + o] = s0;
      y[n * to + o + 1] = s1;
      y[n * to + o + 2] = s2;
      y[n * to + o + 3] = s3;
    }
  }
}

// What the network is told of a place and a time, into out[at]…: x, y, λ/4, sines and cosines of πt, 2πt, 3πt, then of
// 1.5x, 3x, 1.5y and 3y.
function see(x, y, t, out, at) {
  out[at] = x;
  out[at + 1] = y;
  out[at + 2] = logSNR(t) / 4;
  waves(Math.PI * t, 3, out, at + 3);
  waves(1.5 * x, 2, out, at + 9);
  waves(1.5 * y, 2, out, at + 13);
}

// sin a, cos a, sin 2a, cos 2a, … as many pairs, each from the one before.
function waves(a, many, out, at) {
  const [s, c] = [Math.sin(a), Math.cos(a)];
  let [sine, cosine] = [s, c];
  for (let k = 0; k < many; k++) {
    out[at + 2 * k] = sine;
    out[at + 2 * k + 1] = cosine;
    [sine, cosine] = [sine * c + cosine * s, cosine * c - sine * s];
  }
}

export class Network {
  constructor(hidden, weights) {
    this.layers = layersOf(hidden);
    if (weights.length !== sizeOf(this.layers)) throw new RangeError("no weights of this network");
    this.hidden = hidden;
    this.weights = Float64Array.from(weights);
    this.room = 0;
  }

  // Arrays for B examples, kept from call to call.
  reserve(B) {
    if (B <= this.room) return;
    const many = (width) => new Float64Array(B * width);
    this.room = B;
    this.inputs = many(INPUTS);
    this.sums = this.layers.map(({ to }) => many(to));
    this.values = this.layers.slice(0, -1).map(({ to }) => many(to));
    this.slopes = this.layers.slice(0, -1).map(({ to }) => many(to));
    this.deltas = this.layers.map(({ from }) => many(from));
  }

  // x (B, 2) at times t (B) -> ε̂ (B, 2), in `out`.
  eps(x, t, out, B = t.length, weights = this.weights) {
    this.reserve(B);
    const { inputs } = this;
    for (let n = 0; n < B; n++) see(x[2 * n], x[2 * n + 1], t[n], inputs, n * INPUTS);
    let below = inputs;
    this.layers.forEach((layer, k) => {
      const sums = this.sums[k].subarray(0, B * layer.to);
      linear(layer, weights, below, sums, B);
      if (k === DEPTH - 1) return;
      bend(sums, this.values[k], this.slopes[k]);
      below = this.values[k];
    });
    const F = this.sums[DEPTH - 1];
    for (let n = 0; n < B; n++) {
      const { alpha, sigma } = noiseAt(t[n]);
      out[2 * n] = sigma * x[2 * n] + alpha * F[2 * n];
      out[2 * n + 1] = sigma * x[2 * n + 1] + alpha * F[2 * n + 1];
    }
    return out;
  }

  // After eps(x, t, …): adds to `gradient` what the slope (B, 2) at F makes of the weights.
  backward(slope, gradient, B) {
    const { layers, weights, deltas } = this;
    let delta = slope;
    for (let k = DEPTH - 1; k >= 0; k--) {
      const { from, to, w, b } = layers[k];
      const below = k ? this.values[k - 1] : this.inputs;
      const next = deltas[k];
      next.fill(0, 0, B * from);
      for (let n = 0; n < B; n++) {
        const q = n * from;
        for (let o = 0; o < to; o++) {
          const d = k === DEPTH - 1 ? delta[n * to + o] : delta[n * to + o] * this.slopes[k][n * to + o];
          const p = w + o * from;
          gradient[b + o] += d;
          for (let i = 0; i < from; i++) gradient[p + i] += d * below[q + i];
          if (k) for (let i = 0; i < from; i++) next[q + i] += d * weights[p + i];
        }
      }
      delta = next;
    }
  }
}

// x and ε (B, 2), t (B): mean |ε̂ − ε|², the sum over both coordinates, and its gradient.
export function scoreMatching(network, x, eps, t) {
  const B = t.length;
  const noisy = new Float64Array(2 * B);
  for (let n = 0; n < B; n++) {
    const { alpha, sigma } = noiseAt(t[n]);
    for (const c of [2 * n, 2 * n + 1]) noisy[c] = alpha * x[c] + sigma * eps[c];
  }
  const guess = network.eps(noisy, t, new Float64Array(2 * B));
  const slope = new Float64Array(2 * B);
  let loss = 0;
  for (let n = 0; n < B; n++) {
    const { alpha } = noiseAt(t[n]);
    for (const c of [2 * n, 2 * n + 1]) {
      const off = guess[c] - eps[c];
      loss += off * off;
      slope[c] = (2 * off * alpha) / B;
    }
  }
  const gradient = new Float64Array(network.weights.length);
  network.backward(slope, gradient, B);
  return { loss: loss / B, gradient };
}

// What learns: a network, Adam's memory, and the mean of the weights, which is what is shown.
export class Learner {
  constructor(hidden, weights, seedRandom) {
    this.network = new Network(hidden, weights);
    this.draws = seedRandom;
    this.shown = Float64Array.from(weights);
    this.steps = 0;
    this.m = new Float64Array(weights.length);
    this.v = new Float64Array(weights.length);
    this.batch = { x: new Float64Array(2 * BATCH), eps: new Float64Array(2 * BATCH), t: new Float64Array(BATCH) };
  }

  // One step on data drawn from a mixture; returns its loss.
  step(mixture) {
    const { draws, batch } = this;
    const first = draws.uniform();
    for (let n = 0; n < BATCH; n++) {
      mixture.draw(draws, batch.x, 2 * n);
      batch.t[n] = (n + first) / BATCH; // one in each of as many equal parts
      for (const c of [2 * n, 2 * n + 1]) batch.eps[c] = draws.normal();
    }
    const { loss, gradient } = scoreMatching(this.network, batch.x, batch.eps, batch.t);
    this.follow(gradient, RATE * Math.min(1, Math.sqrt(SWIFT / (this.steps + 1))));
    return loss;
  }

  // Adam, β = (0.9, 0.99), and the running mean.
  follow(gradient, lr) {
    const { m, v, shown } = this;
    const { weights } = this.network;
    const step = (this.steps += 1);
    const [c1, c2] = [1 - 0.9 ** step, 1 - 0.99 ** step];
    const keep = Math.min(AVERAGED, (1 + step) / (10 + step));
    for (let i = 0; i < gradient.length; i++) {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i];
      v[i] = 0.99 * v[i] + 0.01 * gradient[i] ** 2;
      weights[i] -= (lr * m[i]) / c1 / (Math.sqrt(v[i] / c2) + 1e-8);
      shown[i] = keep * shown[i] + (1 - keep) * weights[i];
    }
  }

  // ε̂ by the mean of the weights.
  eps(x, t, out, B = t.length) {
    return this.network.eps(x, t, out, B, this.shown);
  }
}

// Draws on which a network is judged, the same ones each time: noisy points at times spread evenly, or all at one.
export function trials(mixture, n, { uniform, normal }, at = null) {
  const made = { x: new Float64Array(2 * n), t: new Float64Array(n), best: new Float64Array(2 * n), floor: 0 };
  for (let i = 0; i < n; i++) {
    mixture.draw({ uniform, normal }, made.x, 2 * i);
    made.t[i] = at ?? (i + 0.5) / n;
    const noise = noiseAt(made.t[i]);
    const eps = [normal(), normal()];
    for (const c of [0, 1]) made.x[2 * i + c] = noise.alpha * made.x[2 * i + c] + noise.sigma * eps[c];
    mixture.eps(made.x[2 * i], made.x[2 * i + 1], noise, made.best, 2 * i);
    for (const c of [0, 1]) made.floor += (eps[c] - made.best[2 * i + c]) ** 2 / n;
  }
  return made;
}

// Mean |ε̂ − E[ε | x_t]|² on trials.
export function errorOn(learner, { x, t, best }) {
  const guess = learner.eps(x, t, new Float64Array(x.length));
  let total = 0;
  for (let c = 0; c < x.length; c++) total += (guess[c] - best[c]) ** 2;
  return total / t.length;
}
