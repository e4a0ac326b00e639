// Small networks: two hidden layers with leaky ReLUs, forwards and backwards, and Adam.
// The weights are one flat array, in torch's order: W1 (H, i), b1, W2 (H, H), b2, W3 (o, H), b3.

// Where the three layers' weights and biases begin.
export function layout(inputs, hidden, outputs) {
  let at = 0;
  return [[inputs, hidden], [hidden, hidden], [hidden, outputs]].map(([from, to]) => {
    const layer = { from, to, w: at, b: at + from * to };
    at += from * to + to;
    return layer;
  }); // prettier-ignore
}

// x (B, i) -> the values after each layer, [x, (B, H), (B, H), (B, o)].
export function forward({ layers, weights, slope }, x) {
  const B = x.length / layers[0].from;
  const values = [x];
  layers.forEach(({ from, to, w, b }, k) => {
    const input = values[k];
    const output = new Float64Array(B * to);
    for (let n = 0; n < B; n++) {
      for (let o = 0; o < to; o++) {
        let sum = weights[b + o];
        for (let i = 0, p = w + o * from, q = n * from; i < from; i++) sum += weights[p++] * input[q++];
        output[n * to + o] = k < 2 && sum < 0 ? slope * sum : sum;
      }
    }
    values.push(output);
  });
  return values;
}

// The gradient (B, o) at the output -> the one at the input (B, i); that of the weights is added to `gradient`, if
// given. values: what `forward` returned.
export function backward({ layers, weights, slope }, values, out, gradient = null) {
  let delta = out;
  for (let k = 2; k >= 0; k--) {
    const { from, to, w, b } = layers[k];
    const input = values[k];
    const next = new Float64Array(input.length);
    for (let n = 0; n < input.length / from; n++) {
      for (let o = 0; o < to; o++) {
        let d = delta[n * to + o];
        if (k < 2 && values[k + 1][n * to + o] < 0) d *= slope; // a leaky ReLU keeps the sign
        if (d === 0) continue;
        if (gradient) gradient[b + o] += d;
        for (let i = 0, p = w + o * from, q = n * from; i < from; i++, p++, q++) {
          if (gradient) gradient[p] += d * input[q];
          next[q] += d * weights[p];
        }
      }
    }
    delta = next;
  }
  return delta;
}

// R1 = weight / 2 times the mean of |da/dx|² at the points of `values`; its gradient is added to `gradient`.
// The network is linear where it stands, so that da/dx = W1ᵀ m1 W2ᵀ m2 w3, with the leaky ReLUs' slopes in m.
export function r1({ layers, weights, slope }, values, weight, gradient) {
  const [first, second, third] = layers;
  const H = first.to;
  const B = values[1].length / H;
  let total = 0;
  for (let n = 0; n < B; n++) {
    const m1 = (j) => (values[1][n * H + j] < 0 ? slope : 1);
    const m2 = (j) => (values[2][n * H + j] < 0 ? slope : 1);
    const s2 = new Float64Array(H);
    const s1 = new Float64Array(H);
    const g = new Float64Array(first.from);
    for (let i = 0; i < H; i++) s2[i] = m2(i) * weights[third.w + i];
    for (let i = 0; i < H; i++) for (let j = 0; j < H; j++) s1[j] += weights[second.w + i * H + j] * s2[i];
    for (let j = 0; j < H; j++) s1[j] *= m1(j);
    for (let j = 0; j < H; j++) for (let d = 0; d < g.length; d++) g[d] += weights[first.w + j * g.length + d] * s1[j];
    for (const v of g) total += v * v;
    const share = weight / B;
    const u1 = new Float64Array(H);
    const u2 = new Float64Array(H);
    for (let j = 0; j < H; j++) {
      for (let d = 0; d < g.length; d++) {
        gradient[first.w + j * g.length + d] += share * s1[j] * g[d];
        u1[j] += weights[first.w + j * g.length + d] * g[d];
      }
      u1[j] *= m1(j);
    }
    for (let i = 0; i < H; i++) {
      for (let j = 0; j < H; j++) {
        gradient[second.w + i * H + j] += share * s2[i] * u1[j];
        u2[i] += weights[second.w + i * H + j] * u1[j];
      }
      gradient[third.w + i] += share * m2(i) * u2[i];
    }
  }
  return (weight / 2) * (total / B);
}

// A player: a network and what Adam keeps of it.
export const player = (layers, weights, slope) => ({
  layers,
  slope,
  weights: Float64Array.from(weights),
  step: 0,
  turns: 0,
  m: new Float64Array(weights.length),
  v: new Float64Array(weights.length),
});

// One step of Adam, β = (0.5, 0.99), in place.
export function adam(who, gradient, lr) {
  who.step += 1;
  const c1 = 1 - 0.5 ** who.step;
  const c2 = 1 - 0.99 ** who.step;
  for (let i = 0; i < gradient.length; i++) {
    who.m[i] = 0.5 * who.m[i] + 0.5 * gradient[i];
    who.v[i] = 0.99 * who.v[i] + 0.01 * gradient[i] ** 2;
    who.weights[i] -= (lr * who.m[i]) / c1 / (Math.sqrt(who.v[i] / c2) + 1e-8);
  }
}

// Weights as torch starts a linear layer: uniform within 1 / √(inputs); the last layer's times `wide`, so that a
// generator begins with a visible cloud.
export function fresh(layers, draws, wide = 1) {
  const weights = new Float64Array(layers[2].b + layers[2].to);
  layers.forEach(({ from, to, w }, k) => {
    for (let i = 0; i < from * to + to; i++) {
      const stretch = k === 2 && i < from * to ? wide : 1;
      weights[w + i] = (stretch * (2 * draws.uniform() - 1)) / Math.sqrt(from);
    }
  });
  return weights;
}
