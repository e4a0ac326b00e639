// A network in the browser: the layers that genlib/widgets/network.py writes, run on one latent or one picture.
import { floats, sigmoid, softplus } from "../kit.js";
import { arranged, convolution, scaled, standardised, transposed } from "./convolutions.js";

// erf by Abramowitz and Stegun, 7.1.26: off by at most 1.5e-7
const ERF = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
export function erf(x) {
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

const PACKED = ["weight", "bias", "scale", "shift"]; // what travels as text

// A layer with its numbers at hand.
function unpackedLayer(layer) {
  if (layer.type === "residual") return { ...layer, net: network(layer.layers) };
  const numbers = PACKED.filter((name) => typeof layer[name] === "string").map((name) => [name, floats(layer[name])]);
  const ready = { ...layer, ...Object.fromEntries(numbers) };
  return layer.kernel ? { ...ready, taps: arranged(ready) } : ready;
}

// What a convolution says of the levels of a value moves to the end: [C·V, H, W] -> [C, H, W, V].
function levelsLast(x, [CV, H, W], { levels: V }) {
  const [C, size] = [CV / V, H * W];
  const y = new Float64Array(x.length);
  for (let c = 0; c < C; c++) {
    for (let v = 0; v < V; v++) {
      for (let p = 0; p < size; p++) y[(c * size + p) * V + v] = x[(c * V + v) * size + p];
    }
  }
  return { x: y, sizes: [C, H, W, V] };
}

// Of a layer that knows channels or rows: x -> {x, sizes}, sizes as torch's shape without the batch.
const SHAPED = {
  linear: (x, sizes, layer) => ({ x: linear(x, layer), sizes: sizes.with(-1, layer.outputs) }),
  shape: (x, _, { sizes }) => ({ x, sizes: sizes.at(-1) === -1 ? [x.length] : sizes }),
  softmax(x, sizes) {
    softmax(x, sizes.at(-1));
    return { x, sizes };
  },
  convolution,
  transposed,
  norm(x, sizes, layer) {
    scaled(x, sizes, layer);
    return { x, sizes };
  },
  instance(x, sizes, layer) {
    standardised(x, sizes, layer);
    return { x, sizes };
  },
  levels: levelsLast,
  residual: (x, sizes, { net }) => ({ x: net(x, sizes).map((v, i) => v + x[i]), sizes }),
};

function pointwise(layer) {
  if (layer.type === "leaky") return (v) => (v < 0 ? layer.slope * v : v);
  if (layer.type === "affine") return (v) => layer.scale * v + layer.shift;
  return POINTWISE[layer.type];
}

// The layers as a function of one example: a latent (L), or a picture with its sizes [C, H, W].
export function network(layers) {
  const ready = layers.map(unpackedLayer);
  return (example, sizes = [example.length]) => {
    let now = { x: Float64Array.from(example), sizes };
    for (const layer of ready) {
      if (layer.type in SHAPED) {
        now = SHAPED[layer.type](now.x, now.sizes, layer);
        continue;
      }
      const f = pointwise(layer);
      for (let i = 0; i < now.x.length; i++) now.x[i] = f(now.x[i]);
    }
    return now.x;
  };
}
