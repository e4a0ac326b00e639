// Convolutions and norms of one picture: planes one after another, row by row, in a flat list; sizes are [C, H, W].
// A plane is laid out with room around it and read as one long row, so that the innermost loops are long: fast enough
// for a network of ten million products while a slider moves.

// The kernels as (kernel², outputs, inputs), from torch's (outputs, inputs, …) or, transposed, (inputs, outputs, …).
export function arranged({ type, inputs, outputs, kernel, weight }) {
  const [area, taps] = [kernel * kernel, new Float64Array(weight.length)];
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < inputs; c++) {
      const from = (type === "transposed" ? c * outputs + o : o * inputs + c) * area;
      for (let k = 0; k < area; k++) taps[(k * outputs + o) * inputs + c] = weight[from + k];
    }
  }
  return taps;
}

// y[to + leap · n] += Σ_c factors[c] · x[c · size + from + step · n] for all n < count.
function addPlanes(y, to, leap, x, from, step, { size, count, factors }) {
  let c = 0;
  for (; c + 3 < factors.length; c += 4) {
    const [i, j, k, l] = [from + c * size, from + (c + 1) * size, from + (c + 2) * size, from + (c + 3) * size];
    const [a, b, d, e] = [factors[c], factors[c + 1], factors[c + 2], factors[c + 3]];
    for (let n = 0; n < count; n++) {
      const v = step * n;
      y[to + leap * n] += a * x[i + v] + b * x[j + v] + d * x[k + v] + e * x[l + v];
    }
  }
  for (; c < factors.length; c++) {
    const [a, i] = [factors[c], from + c * size];
    for (let n = 0; n < count; n++) y[to + leap * n] += a * x[i + step * n];
  }
}

// Planes [C, H, W] cut or moved into others of h × w: pixel (r, c) comes from (r + before, c + before).
function laid(x, [C, H, W], [h, w], before) {
  const y = new Float64Array(C * h * w);
  const [low, high] = [Math.max(0, -before), Math.min(w, W - before)];
  for (let p = 0; p < C; p++) {
    for (let r = Math.max(0, -before); r < Math.min(h, H - before); r++) {
      const from = (p * H + r + before) * W + before;
      y.set(x.subarray(from + low, from + high), (p * h + r) * w + low);
    }
  }
  return y;
}

function withBias(x, sizes, bias) {
  const size = x.length / sizes[0];
  for (let k = 0; k < x.length; k++) x[k] += bias[Math.floor(k / size)];
  return { x, sizes };
}

// For each tap of the kernel and each output plane: act(the tap's row, its column, the output plane, its factors).
function everyTap({ inputs, outputs, kernel, taps }, act) {
  for (let k = 0; k < kernel * kernel; k++) {
    for (let o = 0; o < outputs; o++) {
      const start = (k * outputs + o) * inputs;
      act(Math.floor(k / kernel), k % kernel, o, taps.subarray(start, start + inputs));
    }
  }
}

// Returns {x, sizes}.
export function convolution(x, [C, H, W], layer) {
  const { outputs, kernel, stride, padding } = layer;
  const [high, wide] = [H + 2 * padding, W + 2 * padding];
  const [h, w] = [high, wide].map((side) => Math.floor((side - kernel) / stride) + 1);
  const room = laid(x, [C, H, W], [high, wide], -padding);
  const y = new Float64Array(outputs * h * wide); // rows as long as those of the room
  const run = { size: high * wide, count: (h - 1) * wide + w };
  everyTap(layer, (i, j, o, factors) => addPlanes(y, o * h * wide, 1, room, i * wide + j, stride, { ...run, factors }));
  return withBias(laid(y, [outputs, h, wide], [h, w], 0), [outputs, h, w], layer.bias);
}

// Returns {x, sizes}.
export function transposed(x, [C, h, w], layer) {
  const { outputs, kernel, stride, padding } = layer;
  const [high, wide] = [h, w].map((side) => (side - 1) * stride + kernel);
  const [H, W] = [high - 2 * padding, wide - 2 * padding];
  const room = laid(x, [C, h, w], [h, wide], 0);
  const y = new Float64Array(outputs * high * wide);
  const run = { size: h * wide, count: (h - 1) * wide + w };
  everyTap(layer, (i, j, o, factors) =>
    addPlanes(y, o * high * wide + i * wide + j, stride, room, 0, 1, { ...run, factors }),
  );
  return withBias(laid(y, [outputs, high, wide], [H, W], padding), [outputs, H, W], layer.bias);
}

// scale · x + shift, of each channel its own: batch normalisation by its averages. In place.
export function scaled(x, [C], { scale, shift }) {
  const size = x.length / C;
  for (let k = 0; k < x.length; k++) {
    const c = Math.floor(k / size);
    x[k] = scale[c] * x[k] + shift[c];
  }
}

// Each plane with mean 0 and variance 1: instance normalisation. In place.
export function standardised(x, [C], { eps }) {
  const size = x.length / C;
  for (let c = 0; c < C; c++) {
    const plane = x.subarray(c * size, (c + 1) * size);
    const mean = plane.reduce((sum, v) => sum + v, 0) / size;
    const variance = plane.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
    const factor = 1 / Math.sqrt(variance + eps);
    plane.forEach((v, k) => (plane[k] = factor * (v - mean)));
  }
}
