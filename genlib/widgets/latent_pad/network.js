// A decoder in the browser: the layers that genlib/widgets/network.py writes, run on one latent.
import { floats, sigmoid, softplus } from "../kit.js";

// erf by Abramowitz and Stegun, 7.1.26: off by at most 1.5e-7
const ERF = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ERF.reduce((sum, c) => (sum + c) * t, 0) * Math.exp(-x * x);
  return x < 0 ? -y : y;
}

const POINTWISE = {
  relu: (x) => Math.max(0, x),
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
  softplus,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

function linear(x, { inputs, outputs, weight, bias }) {
  const rows = x.length / inputs;
  const y = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o];
      for (let i = 0, w = o * inputs, v = r * inputs; i < inputs; i++) sum += weight[w++] * x[v++];
      y[r * outputs + o] = sum;
    }
  }
  return y;
}

// Softmax of each row of so many numbers, in place.
function softmax(x, width) {
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    row.forEach((v, i) => (row[i] = Math.exp(v - most)));
    const sum = row.reduce((a, b) => a + b, 0);
    row.forEach((v, i) => (row[i] = v / sum));
  }
}

// The layers as a function of z (L). Every layer acts on the last axis, as in torch; only its width has to be known.
export function network(layers) {
  const ready = layers.map((layer) =>
    layer.type === "linear" ? { ...layer, weight: floats(layer.weight), bias: floats(layer.bias) } : layer,
  );
  return (z) => {
    let x = Float64Array.from(z);
    let width = x.length;
    for (const layer of ready) {
      if (layer.type === "linear") {
        x = linear(x, layer);
        width = layer.outputs;
      } else if (layer.type === "shape") width = layer.sizes.at(-1) === -1 ? x.length : layer.sizes.at(-1);
      else if (layer.type === "softmax") softmax(x, width);
      else {
        const f = layer.type === "leaky" ? (v) => (v < 0 ? layer.slope * v : v) : POINTWISE[layer.type];
        for (let i = 0; i < x.length; i++) x[i] = f(x[i]);
      }
    }
    return x;
  };
}
