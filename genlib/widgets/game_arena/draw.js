// A GAN in the plane that plays before your eyes: two small networks, trained here, in the browser.
// state: {hidden, slope, weights: {G, D} base64 float32 in torch's order, settings, painted: [n][2], hint, value}.
// settings: {data, loss, tame, lrG, lrD, turns, speed}. value: {settings, painted, turns: {D, G}, weights, serial}.
// Tells: value, when the game is paused, after single steps and when a setting was changed.
// element.arena has the mathematics, for whoever wants to compare it: {losses, adam, packed}.

const SIZE = 420; // of the plane on the page, in pixels
const REACH = 3; // the plane is -REACH..REACH
const SHOWN = 220; // points of each kind that are drawn
const ARROWS = 55;
const MAP = 48; // the heat map has MAP x MAP cells
const BATCH = 96;
const WEIGHT = 0.3; // of R1
const LIMIT = 0.1; // of clipped weights
const WIDE = 4;
const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];

const STYLE = `
.gl-arena { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; max-width: 860px; }
.gl-arena .top { display: flex; flex-wrap: wrap; gap: 22px; }
.gl-arena canvas.plane { width: ${SIZE}px; height: ${SIZE}px; border: 1px solid #999; cursor: crosshair; touch-action: none;
  display: block; background: #fff; }
.gl-arena canvas.plane:focus-visible { outline: 3px solid #56B4E9; }
.gl-arena canvas.curve { width: 370px; height: 84px; display: block; }
.gl-arena .side { width: 372px; display: flex; flex-direction: column; gap: 7px; }
.gl-arena .row { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.gl-arena button { font: inherit; padding: 2px 9px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-arena button.main { background: #0072B2; border-color: #0072B2; color: #fff; min-width: 5.2em; }
.gl-arena select { font: inherit; color: inherit; background: var(--jp-layout-color1, #fff); border: 1px solid #999;
  border-radius: 4px; padding: 1px 2px; }
.gl-arena .grid { display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: 5px 8px; align-items: center; }
.gl-arena input[type=range] { width: 100%; min-width: 60px; cursor: ew-resize; }
.gl-arena .num { font-variant-numeric: tabular-nums; }
.gl-arena .say { min-height: 2.8em; font-variant-numeric: tabular-nums; max-width: ${SIZE}px; margin-top: 5px; }
.gl-arena .hint { margin-top: 6px; color: var(--jp-ui-font-color2, #555); max-width: 815px; }
.gl-arena .key { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 12px; margin-top: 4px;
  max-width: ${SIZE}px; }
.gl-arena .key i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 5px; }
.gl-arena .title { font-size: 12px; font-weight: 600; }
`;

// Random numbers that can be drawn again: mulberry32.
function random(seed) {
  let s = seed >>> 0;
  const uniform = () => {
    s = (s + 0x6D2B79F5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  uniform.normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return uniform;
}

const DATA = {
  "one Gaussian": (u) => [1 + 0.4 * u.normal(), 0.8 + 0.4 * u.normal()],
  "two Gaussians": (u) => [(u() < 0.5 ? -1.4 : 1.4) + 0.25 * u.normal(), 0.25 * u.normal()],
  "eight Gaussians": (u) => {
    const angle = (Math.PI / 4) * Math.floor(8 * u());
    return [2 * Math.cos(angle) + 0.1 * u.normal(), 2 * Math.sin(angle) + 0.1 * u.normal()];
  },
  ring: (u) => {
    const angle = 2 * Math.PI * u();
    return [1.7 * Math.cos(angle) + 0.08 * u.normal(), 1.7 * Math.sin(angle) + 0.08 * u.normal()];
  },
  line: (u) => { const t = 4 * u() - 2; return [t + 0.05 * u.normal(), 0.6 * t + 0.05 * u.normal()]; },
};

// Networks ----------------------------------------------------------------------------------------------------------
// Two hidden layers with leaky ReLU. Its weights are one flat array: W1 (H, i), b1, W2 (H, H), b2, W3 (o, H), b3.

function layout(inputs, hidden, outputs) {
  let at = 0;
  return [[inputs, hidden], [hidden, hidden], [hidden, outputs]].map(([from, to]) => {
    const layer = { from, to, w: at, b: at + from * to };
    at += from * to + to;
    return layer;
  });
}
const sizeOf = (layers) => layers[2].b + layers[2].to;

// x (B, i) -> the values after each layer, [x, (B, H), (B, H), (B, o)]
function forward(layers, weights, x, B, slope) {
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

// The gradient (B, o) at the output -> the one at the input (B, i); that of the weights is added to `gradient`, if given.
function backward(layers, weights, values, B, out, slope, gradient) {
  let delta = out;
  for (let k = 2; k >= 0; k--) {
    const { from, to, w, b } = layers[k];
    const input = values[k];
    const next = new Float64Array(B * from);
    for (let n = 0; n < B; n++) {
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
function r1(layers, weights, values, B, weight, slope, gradient) {
  const [first, second, third] = layers;
  const H = first.to;
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

// What each player minimises, as functions of the logit, and the slopes of these functions.
const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
const entropy = { real: [(a) => softplus(-a), (a) => -sigmoid(-a)], fake: [softplus, sigmoid] };
const score = [(a) => -a, () => -1];
const LOSSES = {
  minimax: { ...entropy, maker: [(a) => -softplus(a), (a) => -sigmoid(a)] },
  "non-saturating": { ...entropy, maker: [(a) => softplus(-a), (a) => -sigmoid(-a)] },
  "least-squares": {
    real: [(a) => (a - 1) ** 2 / 2, (a) => a - 1],
    fake: [(a) => a ** 2 / 2, (a) => a],
    maker: [(a) => (a - 1) ** 2 / 2, (a) => a - 1],
  },
  wasserstein: { real: score, fake: [(a) => a, () => 1], maker: score },
  hinge: {
    real: [(a) => Math.max(0, 1 - a), (a) => (a < 1 ? -1 : 0)],
    fake: [(a) => Math.max(0, 1 + a), (a) => (a > -1 ? 1 : 0)],
    maker: score,
  },
};
const averaged = (logits, [f, slope]) => ({
  loss: logits.reduce((sum, a) => sum + f(a), 0) / logits.length,
  slopes: logits.map((a) => slope(a) / logits.length),
});

// Both losses and their gradients on one batch: x (B, 2), z (B, 2), flat.
function losses(nets, x, z, kind, r1Weight) {
  const { G, D, slope } = nets;
  const B = x.length / 2;
  const made = forward(G.layers, G.weights, z, B, slope);
  const fake = made[3];
  const onReal = forward(D.layers, D.weights, x, B, slope);
  const onFake = forward(D.layers, D.weights, fake, B, slope);
  return {
    judge() { // the discriminator's turn: nothing flows back into the generator
      const gradient = new Float64Array(D.weights.length);
      const real = averaged(onReal[3], LOSSES[kind].real);
      const fakes = averaged(onFake[3], LOSSES[kind].fake);
      backward(D.layers, D.weights, onReal, B, real.slopes, slope, gradient);
      backward(D.layers, D.weights, onFake, B, fakes.slopes, slope, gradient);
      const penalty = r1Weight ? r1(D.layers, D.weights, onReal, B, r1Weight, slope, gradient) : 0;
      return { loss: real.loss + fakes.loss + penalty, gradient };
    },
    maker() { // the generator's turn: through the discriminator, whose weights stay
      const gradient = new Float64Array(G.weights.length);
      const own = averaged(onFake[3], LOSSES[kind].maker);
      const pull = backward(D.layers, D.weights, onFake, B, own.slopes, slope, null); // dloss/dx, of the batch mean
      backward(G.layers, G.weights, made, B, pull, slope, gradient);
      return { loss: own.loss, gradient, pull };
    },
    onReal: onReal[3], onFake: onFake[3], fake,
  };
}

// One step of Adam, β = (0.5, 0.99), in place.
function adam(player, gradient, lr) {
  player.step += 1;
  const c1 = 1 - 0.5 ** player.step;
  const c2 = 1 - 0.99 ** player.step;
  for (let i = 0; i < gradient.length; i++) {
    player.m[i] = 0.5 * player.m[i] + 0.5 * gradient[i];
    player.v[i] = 0.99 * player.v[i] + 0.01 * gradient[i] ** 2;
    player.weights[i] -= (lr * player.m[i] / c1) / (Math.sqrt(player.v[i] / c2) + 1e-8);
  }
}
const player = (layers, weights) => ({
  layers, weights: Float64Array.from(weights), step: 0, turns: 0,
  m: new Float64Array(weights.length), v: new Float64Array(weights.length),
});
// As torch starts a linear layer: uniform within 1 / √(inputs); the last one of G times `wide`, to begin with a visible cloud.
function fresh(layers, u, wide = 1) {
  const weights = new Float64Array(sizeOf(layers));
  layers.forEach(({ from, to, w }, k) => {
    for (let i = 0; i < from * to + to; i++) weights[w + i] = ((k === 2 && i < from * to ? wide : 1) * (2 * u() - 1)) / Math.sqrt(from);
  });
  return weights;
}

function unpack(text) {
  const binary = atob(text);
  const array = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) array[i] = binary.charCodeAt(i);
  return new Float32Array(array.buffer);
}
function packed(weights) {
  const array = new Uint8Array(Float32Array.from(weights).buffer);
  let text = "";
  for (const byte of array) text += String.fromCharCode(byte);
  return btoa(text);
}

// Mean distance of two sets (n, 2), sorted along eight directions: the sliced Wasserstein distance.
function distance(a, b) {
  const n = a.length / 2;
  let total = 0;
  for (let k = 0; k < 8; k++) {
    const [c, s] = [Math.cos((k * Math.PI) / 8), Math.sin((k * Math.PI) / 8)];
    const along = (p) => Float64Array.from({ length: n }, (_, i) => c * p[2 * i] + s * p[2 * i + 1]).sort();
    const [u, v] = [along(a), along(b)];
    for (let i = 0; i < n; i++) total += Math.abs(u[i] - v[i]);
  }
  return total / (8 * n);
}

function make(tag, parent, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

function build(element, state) {
  const layersG = layout(2, state.hidden, 2);
  const layersD = layout(2, state.hidden, 1);
  const view = {
    settings: { ...state.settings }, painted: state.painted.map((p) => p.slice()), serial: 0, seed: 1,
    playing: false, slow: false, history: [], cursor: null, said: "", frame: 0, wait: 0, turn: "D",
  };
  const nets = { slope: state.slope };
  let u = random(1);

  // The page --------------------------------------------------------------------------------------------------------
  element.replaceChildren();
  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-arena", role: "group", "aria-label": "Game arena: a GAN in the plane" });
  const top = make("div", root, { class: "top" });
  const left = make("div", top);
  const plane = make("canvas", left, {
    class: "plane", width: 2 * SIZE, height: 2 * SIZE, tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": "The plane with real points, fakes and what D says. P plays or pauses, D and G step one player; "
      + "drag to paint real points, or move with the arrow keys and paint with the space bar",
  });
  const key = make("div", left, { class: "key" });
  for (const [colour, text] of [["#0072B2", "real points"], ["#D55E00", "fakes"], ["#111", "pull of G's loss on the fakes"]]) {
    make("i", make("span", key), { style: `background:${colour}` });
    key.lastChild.append(text);
  }
  make("span", key, {}, "ground: D says real (blue), fake (orange), 1/2 (white)");
  const say = make("div", left, { class: "say", "aria-live": "polite" });
  const side = make("div", top, { class: "side" });
  const buttons = make("div", side, { class: "row" });
  const button = (parent, text, act, attributes = {}) => {
    const node = make("button", parent, { type: "button", ...attributes }, text);
    node.addEventListener("click", act);
    return node;
  };
  const play = button(buttons, "Play", () => toggle(), { class: "main" });
  button(buttons, "Step D", () => single("D"));
  button(buttons, "Step G", () => single("G"));
  button(buttons, "Start again", () => restart(state.weights));
  button(buttons, "New networks", () => restart(null));
  const grid = make("div", side, { class: "grid" });
  const choose = (name, label, options) => {
    make("label", grid, {}, label);
    const node = make("select", grid, { "aria-label": label, "data-lm-suppress-shortcuts": "true", name });
    for (const option of options) make("option", node, { value: option }, option);
    node.addEventListener("change", () => change({ [name]: node.value }));
    return node;
  };
  const slide = (name, label, low, high, step, read, show) => {
    make("label", grid, {}, label);
    const box = make("div", grid, { style: "display:grid;grid-template-columns:1fr 3.6em;gap:4px;align-items:center" });
    const node = make("input", box, {
      type: "range", min: low, max: high, step, name, "aria-label": label, "data-lm-suppress-shortcuts": "true",
    });
    const number = make("span", box, { class: "num" });
    node.addEventListener("input", () => change({ [name]: read(Number(node.value)) }));
    return { node, set: (value) => { node.value = show.back(value); number.textContent = show.text(value); } };
  };
  const log = { back: (v) => Math.log10(v), text: (v) => v.toPrecision(1).replace("e-", "e−") };
  const plain = { back: (v) => v, text: (v) => `${v}` };
  const inputs = {
    data: choose("data", "data", [...Object.keys(DATA), "your own"]),
    loss: choose("loss", "loss", Object.keys(LOSSES)),
    lrD: slide("lrD", "D's learning rate", -4, -1.5, 0.1, (v) => 10 ** v, log),
    tame: choose("tame", "keep D tame", ["no", "R1", "clip weights"]),
    lrG: slide("lrG", "G's learning rate", -4, -1.5, 0.1, (v) => 10 ** v, log),
    turns: slide("turns", "D steps per G", 1, 10, 1, (v) => v, plain),
  };
  const more = make("div", side, { class: "row" });
  const box = (label, act) => {
    const wrap = make("label", more);
    const node = make("input", wrap, { type: "checkbox", "data-lm-suppress-shortcuts": "true" });
    wrap.append(` ${label}`);
    node.addEventListener("change", () => act(node.checked));
    return node;
  };
  box("slow motion", (on) => { view.slow = on; view.turn = "D"; view.wait = 0; });
  const arrows = box("arrows", () => paint(true));
  arrows.checked = true;
  const folds = box("G's grid", () => paint(true));
  button(more, "Clear your own", () => { view.painted = []; change({ data: "your own" }); });
  make("div", side, { class: "title" }, "losses: D blue, G orange");
  const lossCurve = make("canvas", side, { class: "curve", width: 740, height: 168, role: "img", "aria-label": "losses" });
  make("div", side, { class: "title" }, "distance of fakes from data (sliced Wasserstein-1)");
  const farCurve = make("canvas", side, { class: "curve", width: 740, height: 168, role: "img", "aria-label": "distance" });
  make("div", root, { class: "hint" }, state.hint);

  // The game --------------------------------------------------------------------------------------------------------
  const points = (n, v) => {
    const flat = new Float64Array(2 * n);
    const own = view.settings.data === "your own" || !DATA[view.settings.data];
    for (let i = 0; i < n; i++) {
      let p;
      if (!own) p = DATA[view.settings.data](v);
      else if (view.painted.length) {
        const [a, b] = view.painted[Math.floor(v() * view.painted.length)];
        p = [a + 0.04 * v.normal(), b + 0.04 * v.normal()];
      } else p = [0, 0];
      flat.set(p, 2 * i);
    }
    return flat;
  };
  const noise = (n, v) => Float64Array.from({ length: 2 * n }, () => 2 * v() - 1); // z, uniform on a square
  const batch = () => losses(nets, points(BATCH, u), noise(BATCH, u), view.settings.loss, view.settings.tame === "R1" ? WEIGHT : 0);
  const hasData = () => view.settings.data !== "your own" || view.painted.length > 0;

  function step(who) {
    const { lrD, lrG, tame } = view.settings;
    if (who === "D") {
      const { loss, gradient } = batch().judge();
      adam(nets.D, gradient, lrD);
      if (tame === "clip weights") nets.D.weights.forEach((w, i) => { nets.D.weights[i] = Math.min(LIMIT, Math.max(-LIMIT, w)); });
      view.lossD = loss;
    } else {
      const { loss, gradient } = batch().maker();
      adam(nets.G, gradient, lrG);
      view.lossG = loss;
    }
    nets[who].turns += 1;
    if (![...nets[who].weights.subarray(0, 4)].every(Number.isFinite)) { // least squares at a huge rate
      view.playing = false;
      view.said = "The weights became infinite: start again, with smaller learning rates.";
    }
  }
  function round() { // D's turns, then G's
    for (let k = 0; k < view.settings.turns; k++) step("D");
    step("G");
    record();
  }
  function record() {
    if (view.lossD === undefined || view.lossG === undefined) return;
    view.history.push([view.lossD, view.lossG, view.far ?? null]);
    if (view.history.length > 1500) view.history.splice(0, 500);
  }

  // What is drawn ---------------------------------------------------------------------------------------------------
  const context = plane.getContext("2d");
  const px = (v) => ((v + REACH) / (2 * REACH)) * 2 * SIZE;
  const py = (v) => ((REACH - v) / (2 * REACH)) * 2 * SIZE;
  const ground = document.createElement("canvas");
  ground.width = ground.height = MAP;
  const cells = new Float64Array(2 * MAP * MAP);
  for (let r = 0; r < MAP; r++) {
    for (let c = 0; c < MAP; c++) {
      cells.set([-REACH + ((c + 0.5) / MAP) * 2 * REACH, REACH - ((r + 0.5) / MAP) * 2 * REACH], 2 * (r * MAP + c));
    }
  }
  const fixed = noise(SHOWN, random(99)); // the same z in every picture
  const isCritic = () => !["minimax", "non-saturating"].includes(view.settings.loss);

  function heat() {
    const logits = forward(nets.D.layers, nets.D.weights, cells, MAP * MAP, nets.slope)[3];
    let says = sigmoid;
    if (view.settings.loss === "least-squares") says = (a) => Math.min(1, Math.max(0, a));
    if (view.settings.loss === "wasserstein") { // a critic has no zero: its range is stretched over the colours
      const low = Math.min(...logits);
      const high = Math.max(...logits);
      says = (a) => (a - low) / (high - low || 1);
    }
    const image = ground.getContext("2d").createImageData(MAP, MAP);
    for (let i = 0; i < MAP * MAP; i++) {
      const p = says(logits[i]);
      const [colour, share] = p > 0.5 ? [BLUE, 2 * p - 1] : [ORANGE, 1 - 2 * p];
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 - 0.62 * share * (255 - colour[c]);
      image.data[4 * i + 3] = 255;
    }
    ground.getContext("2d").putImageData(image, 0, 0);
  }

  function paint(all) {
    if (all || view.frame % 3 === 0) heat();
    context.imageSmoothingEnabled = true;
    context.drawImage(ground, 0, 0, 2 * SIZE, 2 * SIZE);
    const real = points(SHOWN, random(7));
    const now = losses(nets, real, fixed, view.settings.loss, 0);
    if (folds.checked) drawFolds();
    const dots = (flat, colour, radius) => {
      context.fillStyle = colour;
      context.strokeStyle = "rgba(255,255,255,.8)";
      context.lineWidth = 1.5;
      for (let i = 0; i < flat.length; i += 2) {
        context.beginPath();
        context.arc(px(flat[i]), py(flat[i + 1]), radius, 0, 7);
        context.fill();
        context.stroke();
      }
    };
    if (hasData()) dots(real, "#0072B2", 5);
    dots(now.fake, "#D55E00", 5);
    const { pull } = now.maker(); // of the mean: times n, each point's own
    let strength = 0;
    for (let i = 0; i < SHOWN; i++) strength += Math.hypot(pull[2 * i], pull[2 * i + 1]);
    if (arrows.checked) {
      context.strokeStyle = context.fillStyle = "#111";
      context.lineWidth = 2.5;
      for (let i = 0; i < ARROWS; i++) arrow(now.fake[2 * i], now.fake[2 * i + 1], -SHOWN * pull[2 * i], -SHOWN * pull[2 * i + 1]);
    }
    if (view.cursor) {
      context.strokeStyle = "#111";
      context.lineWidth = 3;
      context.strokeRect(px(view.cursor[0]) - 12, py(view.cursor[1]) - 12, 24, 24);
    }
    view.far = hasData() ? distance(now.fake, real) : NaN;
    const mean = (logits) => logits.reduce((sum, a) => sum + (isCritic() ? a : sigmoid(a)), 0) / logits.length;
    const name = isCritic() ? "mean score" : "mean D";
    const n = (v) => (Number.isFinite(v) ? v.toFixed(2).replace("-", "−") : "–");
    say.replaceChildren();
    make("div", say, {}, `turns: D ${nets.D.turns}, G ${nets.G.turns};  ${name}: real ${n(mean(now.onReal))}, fakes ${n(mean(now.onFake))};  pull ${n(strength)}`);
    make("div", say, {}, view.said || (hasData() ? `distance ${n(view.far)}` : "There are no points yet: paint some on the plane."));
    curves();
  }

  function arrow(x, y, dx, dy) { // as long as the pull is strong; very long ones are cut
    const scale = 0.35 * Math.min(1, 2 / (Math.hypot(dx, dy) || 1));
    const [x0, y0, x1, y1] = [px(x), py(y), px(x + scale * dx), py(y + scale * dy)];
    const long = Math.hypot(x1 - x0, y1 - y0);
    if (long < 3) return;
    const angle = Math.atan2(y1 - y0, x1 - x0);
    const head = Math.min(11, 0.6 * long);
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1 - 0.7 * head * Math.cos(angle), y1 - 0.7 * head * Math.sin(angle));
    context.stroke();
    context.beginPath();
    context.moveTo(x1, y1);
    for (const side of [2.65, -2.65]) context.lineTo(x1 + head * Math.cos(angle + side), y1 + head * Math.sin(angle + side));
    context.fill();
  }

  function drawFolds() { // lines of the noise's square, as G lays them into the plane
    const n = 15;
    const fine = 40;
    context.strokeStyle = "rgba(90,40,0,.35)";
    context.lineWidth = 1.5;
    for (let k = 0; k < 2 * n; k++) {
      const z = new Float64Array(2 * fine);
      for (let i = 0; i < fine; i++) {
        const [a, b] = [(2 * (k % n)) / (n - 1) - 1, (2 * i) / (fine - 1) - 1];
        z.set(k < n ? [a, b] : [b, a], 2 * i);
      }
      const line = forward(nets.G.layers, nets.G.weights, z, fine, nets.slope)[3];
      context.beginPath();
      for (let i = 0; i < fine; i++) context.lineTo(px(line[2 * i]), py(line[2 * i + 1]));
      context.stroke();
    }
  }

  function curves() {
    const recent = view.history.slice(-600);
    const drawn = (canvas, columns, floor) => {
      const c = canvas.getContext("2d");
      const [W, H, L] = [canvas.width, canvas.height, 64];
      c.clearRect(0, 0, W, H);
      const values = recent.flatMap((row) => columns.map(([k]) => row[k])).filter(Number.isFinite).sort((a, b) => a - b);
      let low = Math.min(floor, values[Math.floor(0.01 * values.length)] ?? floor);
      let high = Math.max(values[Math.floor(0.99 * (values.length - 1))] ?? 2, low + 0.5);
      const y = (v) => 10 + (H - 24) * (1 - (Math.min(high, Math.max(low, v)) - low) / (high - low));
      c.font = "22px system-ui, sans-serif";
      c.fillStyle = getComputedStyle(root).color;
      c.textAlign = "right";
      c.textBaseline = "middle";
      for (const v of [low, high]) c.fillText(v.toFixed(1).replace("-", "−"), L - 8, Math.max(14, Math.min(H - 14, y(v))));
      c.strokeStyle = "#999";
      c.lineWidth = 2;
      c.strokeRect(L, 4, W - L - 2, H - 8);
      for (const [k, colour] of columns) {
        c.strokeStyle = colour;
        c.lineWidth = 2.5;
        c.beginPath();
        recent.forEach((row, i) => { if (Number.isFinite(row[k])) c.lineTo(L + ((i + 1) / 600) * (W - L - 2), y(row[k])); });
        c.stroke();
      }
    };
    drawn(lossCurve, [[0, "#0072B2"], [1, "#D55E00"]], 0);
    drawn(farCurve, [[2, "#009E73"]], 0);
  }

  function controls() {
    for (const name of ["data", "loss", "tame"]) inputs[name].value = view.settings[name];
    for (const name of ["lrD", "lrG", "turns"]) inputs[name].set(view.settings[name]);
    play.textContent = view.playing ? "Pause" : "Play";
  }

  // What a person does ----------------------------------------------------------------------------------------------
  function tell() {
    view.serial += 1;
    element.dispatchEvent(new CustomEvent("moved", { detail: {
      settings: { ...view.settings }, painted: view.painted.map((p) => p.slice()), serial: view.serial,
      turns: { D: nets.D.turns, G: nets.G.turns }, weights: { G: packed(nets.G.weights), D: packed(nets.D.weights) },
    } }));
  }
  function change(settings) {
    view.settings = { ...view.settings, ...settings };
    view.said = "";
    controls();
    paint(true);
    tell();
  }
  function restart(weights) {
    const v = random(view.seed += 1);
    nets.G = player(layersG, weights ? unpack(weights.G) : fresh(layersG, v, WIDE));
    nets.D = player(layersD, weights ? unpack(weights.D) : fresh(layersD, v));
    u = random(weights ? 1 : view.seed);
    view.history = [];
    view.lossD = view.lossG = undefined;
    view.said = "";
    if (!view.built) return;
    paint(true);
    tell();
  }
  function single(who) {
    if (!hasData()) return;
    view.playing = false;
    step(who);
    record();
    view.said = who === "D" ? "D moved: look at the ground." : "G moved: look at the fakes.";
    controls();
    paint(true);
    tell();
  }
  function toggle() {
    view.playing = !view.playing && hasData();
    view.said = "";
    controls();
    if (!view.playing) { paint(true); tell(); return; }
    requestAnimationFrame(loop);
  }
  function loop(now) {
    if (!view.playing || !element.isConnected) return;
    view.frame += 1;
    if (view.slow) {
      if (now >= view.wait) {
        step(view.turn);
        view.said = view.turn === "D" ? "D moves: it looks for what tells the two apart." : "G moves: the fakes follow the arrows.";
        if (view.turn === "G") record();
        view.taken = view.turn === "D" ? (view.taken ?? 0) + 1 : 0;
        view.turn = view.turn === "D" && view.taken >= view.settings.turns ? "G" : "D";
        view.wait = now + 550;
        paint(true);
      }
    } else {
      const start = performance.now();
      do round(); while (view.playing && performance.now() - start < 18);
      paint(false);
    }
    if (view.playing) requestAnimationFrame(loop);
    else { controls(); paint(true); tell(); }
  }
  const clip = (v) => Math.min(REACH, Math.max(-REACH, v));
  let down = false;
  const spray = (x, y) => {
    if (view.settings.data !== "your own") { view.painted = []; view.settings.data = "your own"; controls(); }
    const v = random(view.painted.length + 1);
    for (let i = 0; i < 3; i++) view.painted.push([clip(x + 0.08 * v.normal()), clip(y + 0.08 * v.normal())].map((c) => Number(c.toFixed(3))));
    if (view.painted.length > 900) view.painted.splice(0, view.painted.length - 900);
    if (!view.playing) paint(false);
  };
  const brush = (event) => {
    const area = plane.getBoundingClientRect();
    spray(((event.clientX - area.left) / area.width) * 2 * REACH - REACH, REACH - ((event.clientY - area.top) / area.height) * 2 * REACH);
  };
  plane.addEventListener("pointerdown", (event) => { down = true; plane.setPointerCapture(event.pointerId); brush(event); });
  plane.addEventListener("pointermove", (event) => { if (down) brush(event); });
  const release = () => { if (down) { down = false; paint(true); tell(); } };
  plane.addEventListener("pointerup", release);
  plane.addEventListener("pointercancel", release);
  plane.addEventListener("keydown", (event) => {
    const by = { ArrowRight: [0.2, 0], ArrowLeft: [-0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] }[event.key];
    if (by) { view.cursor = [0, 1].map((i) => clip((view.cursor ?? [0, 0])[i] + by[i])); paint(false); }
    else if (event.key === " ") { view.cursor = view.cursor ?? [0, 0]; spray(...view.cursor); paint(true); tell(); }
    else if (event.key === "p") toggle();
    else if (event.key === "d" || event.key === "g") single(event.key.toUpperCase());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  plane.addEventListener("blur", () => { view.cursor = null; paint(false); });

  restart(state.weights);
  view.built = true;
  view.show = (value) => { // what was done in another view of this widget
    view.serial = value.serial;
    view.playing = false;
    view.settings = { ...value.settings };
    view.painted = value.painted.map((p) => p.slice());
    for (const [name, layers] of [["G", layersG], ["D", layersD]]) {
      nets[name] = player(layers, unpack(value.weights[name]));
      nets[name].turns = value.turns[name];
    }
    controls();
    paint(true);
  };
  element.arena = {
    packed,
    losses: (G, D, x, z, kind, weight) => {
      const given = { slope: state.slope, G: player(layersG, G), D: player(layersD, D) };
      const both = losses(given, Float64Array.from(x), Float64Array.from(z), kind, weight);
      const [judge, maker] = [both.judge(), both.maker()];
      return { lossD: judge.loss, lossG: maker.loss, D: [...judge.gradient], G: [...maker.gradient], pull: [...maker.pull] };
    },
    adam: (weights, gradients, lr) => {
      const one = player(layersG, weights);
      for (const gradient of gradients) adam(one, gradient, lr);
      return [...one.weights];
    },
    get far() { return view.far; },
  };
  controls();
  paint(true);
  return view;
}

export function draw(element, state) {
  if (!element.glArena || element.glArena.weights !== state.weights.G) {
    element.glArena = { view: build(element, state), weights: state.weights.G };
    if (state.value?.weights) element.glArena.view.show(state.value);
  } else if (state.value?.weights && state.value.serial !== element.glArena.view.serial) element.glArena.view.show(state.value);
}
