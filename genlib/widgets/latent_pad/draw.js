// A latent space to walk in: a pad of two directions, sliders for the others, and what the decoder makes of the point.
// state: {shape: [C, H, W], origin: [L], directions: base64 (m, L), names: [m], extent: [x0, x1, y0, y1],
//   layers: the decoder for the browser, or null (then the kernel answers), points: [n][2], labels: [n] or null,
//   classes: [text], images: base64 (N, C·H·W) bytes 0..255 or null, image_labels: [N] or null, prior: whether z ~ N(0, I), hint, value, answer}.
// value: {coordinates: [m], a: [m] or null, b: [m] or null, path: "line" or "circle", t: null or 0..1, serial}.
// answer, from the kernel: {serial, picture: base64 float32, strip: [base64] or null}.
// Tells: value. element.decode(z) runs the decoder, for whoever wants to compare.

const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#5A5A5A", "#B8A500", "#7A3E9D", "#8C510A"];
const PAD = 344;
const STRIP = 9;

const STYLE = `
.gl-pad { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; max-width: 760px; }
.gl-pad .top { display: flex; flex-wrap: wrap; gap: 24px; }
.gl-pad canvas.plane { width: ${PAD}px; height: ${PAD}px; border: 1px solid #999; cursor: crosshair; touch-action: none;
  display: block; background: #fff; }
.gl-pad canvas.plane:focus-visible { outline: 3px solid #56B4E9; }
.gl-pad canvas.out { width: 190px; height: 190px; }
.gl-pad canvas.out, .gl-pad canvas.small { image-rendering: pixelated; border: 1px solid #bbb; display: block; background: #fff; }
.gl-pad canvas.small { width: 52px; height: 52px; }
.gl-pad .side { display: flex; flex-direction: column; gap: 10px; width: 300px; }
.gl-pad .row { display: flex; gap: 6px; align-items: flex-end; flex-wrap: wrap; }
.gl-pad figure { margin: 0; } .gl-pad figcaption { font-size: 11px; text-align: center; min-height: 1.4em; }
.gl-pad .say { font-variant-numeric: tabular-nums; min-height: 2.8em; }
.gl-pad .tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 8px; }
.gl-pad button { font: inherit; padding: 2px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-pad button[aria-pressed=true] { background: #0072B2; color: #fff; border-color: #0072B2; }
.gl-pad .sliders { display: grid; grid-template-columns: max-content 1fr 3.4em; gap: 2px 10px; align-items: center;
  font-variant-numeric: tabular-nums; margin-top: 8px; max-width: ${PAD}px; }
.gl-pad .sliders input { width: 100%; cursor: ew-resize; }
.gl-pad .legend { font-size: 12px; display: flex; flex-wrap: wrap; gap: 2px 10px; max-width: ${PAD}px; margin-top: 4px; }
.gl-pad .hint { margin-top: 6px; color: var(--jp-ui-font-color2, #555); }
.gl-pad .title { font-weight: 600; margin-bottom: 4px; }
`;

function bytes(text) {
  const binary = atob(text);
  const array = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) array[i] = binary.charCodeAt(i);
  return array;
}
const floats = (text) => new Float32Array(bytes(text).buffer);

// erf by Abramowitz and Stegun, 7.1.26: off by at most 1.5e-7
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? -y : y;
}
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const POINTWISE = {
  relu: (x) => Math.max(0, x),
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

// The decoder as a function of z. Every layer acts on the last axis, as in torch; only its width has to be known.
function network(layers) {
  const ready = layers.map((layer) => (layer.type === "linear"
    ? { ...layer, weight: floats(layer.weight), bias: floats(layer.bias) } : layer));
  return (z) => {
    let x = Float64Array.from(z);
    let width = x.length;
    for (const layer of ready) {
      if (layer.type === "linear") {
        const { inputs, outputs, weight, bias } = layer;
        const rows = x.length / inputs;
        const y = new Float64Array(rows * outputs);
        for (let r = 0; r < rows; r++) {
          for (let o = 0; o < outputs; o++) {
            let sum = bias[o];
            for (let i = 0, w = o * inputs, v = r * inputs; i < inputs; i++) sum += weight[w++] * x[v++];
            y[r * outputs + o] = sum;
          }
        }
        x = y;
        width = outputs;
      } else if (layer.type === "shape") {
        const last = layer.sizes.at(-1);
        width = last === -1 ? x.length : last;
      } else if (layer.type === "softmax") {
        for (let start = 0; start < x.length; start += width) {
          let most = -Infinity;
          for (let i = start; i < start + width; i++) most = Math.max(most, x[i]);
          let sum = 0;
          for (let i = start; i < start + width; i++) sum += (x[i] = Math.exp(x[i] - most));
          for (let i = start; i < start + width; i++) x[i] /= sum;
        }
      } else if (layer.type === "leaky") {
        for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] *= layer.slope;
      } else {
        const f = POINTWISE[layer.type];
        for (let i = 0; i < x.length; i++) x[i] = f(x[i]);
      }
    }
    return x;
  };
}

function paint(canvas, picture, [C, H, W]) {
  canvas.width = W;
  canvas.height = H;
  const context = canvas.getContext("2d");
  const image = context.createImageData(W, H);
  const clip = (v) => 255 * Math.min(1, Math.max(0, v));
  for (let p = 0; p < H * W; p++) {
    for (let c = 0; c < 3; c++) image.data[4 * p + c] = C === 3 ? clip(picture[c * H * W + p]) : 255 - clip(picture[p]); // ink
    image.data[4 * p + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// Weights (for A, for B) of the point at t between two latents: on the line, or on the arc around 0.
function blend(t, path, a, b) {
  if (path === "line") return [1 - t, t];
  const dot = (u, v) => u.reduce((sum, x, i) => sum + x * v[i], 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-6)) return [1 - t, t];
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}

function build(element, state) {
  const m = state.names.length;
  const L = state.origin.length;
  const D = floats(state.directions);
  const size = state.shape.reduce((a, b) => a * b, 1);
  const decode = state.layers ? network(state.layers) : null;
  const images = state.images ? bytes(state.images) : null;
  const n = images ? images.length / size : 0;
  const [x0, x1, y0, y1] = state.extent;
  const view = { value: null, picture: null, asked: 0, answered: 0, heard: -1, again: false, playing: false };
  element.decode = decode;

  const latent = (c) => {
    const z = Float64Array.from(state.origin);
    for (let k = 0; k < m; k++) for (let i = 0; i < L; i++) z[i] += c[k] * D[k * L + i];
    return z;
  };
  const between = (t) => {
    const { a, b, path } = view.value;
    const [za, zb] = [latent(a), latent(b)];
    const [wa, wb] = blend(t, path, za, zb);
    return { z: za.map((v, i) => wa * v + wb * zb[i]), coordinates: a.map((v, i) => wa * v + wb * b[i]) };
  };
  const both = () => view.value.a && view.value.b;
  const here = () => (view.value.t !== null && both() ? between(view.value.t).z : latent(view.value.coordinates));

  const make = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    for (const [name, content] of Object.entries(attributes)) node.setAttribute(name, content);
    node.textContent = text;
    parent.append(node);
    return node;
  };
  element.replaceChildren();
  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-pad" });
  const top = make("div", root, { class: "top" });
  const left = make("div", top);
  const plane = make("canvas", left, {
    class: "plane", width: 2 * PAD, height: 2 * PAD, tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": `the plane of ${state.names[0]} and ${state.names[1]}: arrow keys move, with shift in large steps, Home returns, a and b pin a point`,
  });
  if (state.labels && state.classes.some((name) => name.length > 2)) {
    const legend = make("div", left, { class: "legend" });
    state.classes.forEach((name, k) => {
      const entry = make("span", legend);
      make("span", entry, { style: `color:${COLOURS[k % COLOURS.length]}` }, "● ");
      entry.append(name);
    });
  }
  const sliders = make("div", left, { class: "sliders" });
  const inputs = [];
  const numbers = [];
  for (let k = m > 2 ? 0 : m; k < m; k++) {
    make("label", sliders, { for: `${k}` }, state.names[k]);
    const range = k === 0 ? [x0, x1] : k === 1 ? [y0, y1] : [-3, 3];
    inputs[k] = make("input", sliders, {
      type: "range", min: range[0], max: range[1], step: "any", "aria-label": state.names[k], "data-lm-suppress-shortcuts": "true",
    });
    numbers[k] = make("span", sliders);
    const moved = () => {
      const coordinates = view.value.coordinates.slice();
      coordinates[k] = Number(inputs[k].value);
      go({ coordinates, t: null });
    };
    inputs[k].addEventListener("input", moved);
    inputs[k].addEventListener("keydown", (event) => { // step="any" would move by a hundredth of the range at most browsers
      const by = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1 }[event.key];
      if (!by) return;
      event.preventDefault();
      inputs[k].value = Number(inputs[k].value) + by;
      moved();
    });
  }

  const side = make("div", top, { class: "side" });
  const first = make("div", side);
  make("div", first, { class: "title" }, "what the decoder makes of it");
  const out = make("canvas", first, { class: "out", role: "img", "aria-label": "the decoded picture" });
  const say = make("div", side, { class: "say", "aria-live": "polite" });
  const near = [];
  if (images) {
    const box = make("div", side);
    make("div", box, { class: "title" }, "nearest pictures of the data, by pixels");
    const row = make("div", box, { class: "row" });
    for (let i = 0; i < 5; i++) {
      const figure = make("figure", row);
      near.push({ canvas: make("canvas", figure, { class: "small", role: "img" }), caption: make("figcaption", figure) });
    }
  }
  const tools = make("div", root, { class: "tools" });
  const pinA = make("button", tools, { type: "button" }, "Pin A here");
  const pinB = make("button", tools, { type: "button" }, "Pin B here");
  const line = make("button", tools, { type: "button" }, "line");
  const circle = make("button", tools, { type: "button" }, "circle");
  const play = make("button", tools, { type: "button" }, "Walk from A to B");
  const strip = make("div", root, { class: "row", style: "margin-top:8px" });
  const steps = [...Array(STRIP).keys()].map(() => make("canvas", strip, { class: "small", role: "img", "aria-label": "a picture on the way" }));
  if (state.hint) make("div", root, { class: "hint" }, state.hint);

  // The plane: the prior's density and the codes never change, so they are drawn once.
  const ground = document.createElement("canvas");
  ground.width = ground.height = 2 * PAD;
  const scale = 2 * PAD;
  const px = (x) => ((x - x0) / (x1 - x0)) * scale;
  const py = (y) => scale - ((y - y0) / (y1 - y0)) * scale;
  const logPrior = (z) => -0.5 * (z.reduce((sum, v) => sum + v * v, 0) + L * Math.log(2 * Math.PI));
  (function drawGround() {
    const context = ground.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, scale, scale);
    if (state.prior) {
      const cells = 86;
      const rest = Array(m).fill(0);
      const densities = [];
      for (let r = 0; r < cells; r++) for (let c = 0; c < cells; c++) {
        rest[0] = x0 + ((c + 0.5) / cells) * (x1 - x0);
        rest[1] = y1 - ((r + 0.5) / cells) * (y1 - y0);
        densities.push(logPrior(latent(rest)));
      }
      const most = densities.reduce((a, b) => Math.max(a, b));
      const small = document.createElement("canvas"); // drawn small and blown up: smooth
      small.width = small.height = cells;
      const shade = small.getContext("2d").createImageData(cells, cells);
      densities.forEach((value, i) => shade.data.set([86, 180, 233, 115 * Math.exp(value - most)], 4 * i));
      small.getContext("2d").putImageData(shade, 0, 0);
      context.drawImage(small, 0, 0, scale, scale);
    }
    context.strokeStyle = "rgba(0,0,0,.25)";
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(px(0), 0); context.lineTo(px(0), scale); context.moveTo(0, py(0)); context.lineTo(scale, py(0));
    context.stroke();
    context.fillStyle = "#555";
    context.font = "20px system-ui, sans-serif";
    const step = x1 - x0 > 12 ? 4 : x1 - x0 > 6 ? 2 : 1;
    context.textBaseline = "top";
    context.textAlign = "center";
    for (let v = Math.ceil(x0 / step) * step; v < x1; v += step) if (v) context.fillText(v, px(v), Math.min(py(0) + 6, scale - 24));
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let v = Math.ceil(y0 / step) * step; v < y1; v += step) if (v) context.fillText(v, Math.max(px(0) - 6, 24), py(v));
    context.fillStyle = "#222";
    context.font = "600 22px system-ui, sans-serif";
    context.fillText(state.names[0], scale - 8, Math.min(py(0) - 18, scale - 14));
    context.textAlign = "left";
    context.fillText(state.names[1], Math.max(px(0) + 8, 4), 18);
    const letters = state.labels && state.classes.every((name) => name.length <= 2);
    context.textAlign = "center";
    context.font = "600 17px system-ui, sans-serif";
    state.points.forEach(([x, y], i) => {
      const label = state.labels ? state.labels[i] : 0;
      context.fillStyle = COLOURS[label % COLOURS.length] + "cc";
      if (letters) context.fillText(state.classes[label], px(x), py(y));
      else { context.beginPath(); context.arc(px(x), py(y), 5, 0, 7); context.fill(); }
    });
  })();

  function drawPlane() {
    const context = plane.getContext("2d");
    context.drawImage(ground, 0, 0);
    const { a, b, coordinates, t } = view.value;
    if (both()) {
      context.strokeStyle = "#222";
      context.lineWidth = 3;
      context.beginPath();
      for (let i = 0; i <= 60; i++) {
        const [x, y] = between(i / 60).coordinates;
        context.lineTo(px(x), py(y));
      }
      context.stroke();
    }
    const mark = ([x, y], text) => {
      context.beginPath();
      context.arc(px(x), py(y), text ? 17 : 13, 0, 7);
      context.fillStyle = text ? "#222" : "#fff";
      context.fill();
      context.lineWidth = 5;
      context.strokeStyle = text ? "#fff" : "#222";
      context.stroke();
      context.fillStyle = text ? "#fff" : "#222";
      context.font = "600 20px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      if (text) context.fillText(text, px(x), py(y) + 1);
      else { context.beginPath(); context.arc(px(x), py(y), 4, 0, 7); context.fill(); }
    };
    if (a) mark(a, "A");
    if (b) mark(b, "B");
    mark(t !== null && both() ? between(t).coordinates : coordinates);
  }

  function drawPicture(picture) {
    view.picture = picture;
    paint(out, picture, state.shape);
    if (!images) return;
    const best = [];
    for (let i = 0; i < n; i++) {
      let distance = 0;
      for (let p = 0, q = i * size; p < size; p++, q++) distance += (picture[p] - images[q] / 255) ** 2;
      if (best.length < 5 || distance < best[4][0]) {
        best.push([distance, i]);
        best.sort((u, v) => u[0] - v[0]);
        if (best.length > 5) best.pop();
      }
    }
    best.forEach(([, i], k) => {
      if (near[k].index === i) return;
      near[k].index = i;
      paint(near[k].canvas, Array.from(images.subarray(i * size, (i + 1) * size), (v) => v / 255), state.shape);
      near[k].caption.textContent = state.image_labels ? state.classes[state.image_labels[i]] : "";
    });
  }

  function update() {
    const { a, b, path, coordinates } = view.value;
    drawPlane();
    inputs.forEach((input, k) => { input.value = coordinates[k]; numbers[k].textContent = coordinates[k].toFixed(2); });
    const z = here();
    const place = L <= 8 ? `z = (${[...z].map((v) => v.toFixed(2).replace("-", "−")).join(", ")})`
      : state.names.slice(0, 2).map((name, k) => `${name} ${coordinates[k].toFixed(2)}`).join(", ");
    say.replaceChildren();
    make("div", say, {}, place);
    const nats = (v) => v.toFixed(2).replace("-", "−");
    if (state.prior) make("div", say, {}, `log p(z) = ${nats(logPrior(z))} nats; at the origin ${nats(logPrior(Array(L).fill(0)))}`);
    line.setAttribute("aria-pressed", path === "line");
    circle.setAttribute("aria-pressed", path === "circle");
    for (const button of [line, circle, play]) button.style.display = both() ? "" : "none";
    play.textContent = view.playing ? "Stop" : "Walk from A to B";
    strip.style.display = both() ? "" : "none";
    if (!decode) return;
    drawPicture(decode(z));
    const key = JSON.stringify([a, b, path]);
    if (both() && strip.key !== key) {
      strip.key = key;
      steps.forEach((canvas, i) => paint(canvas, decode(between(i / (STRIP - 1)).z), state.shape));
    }
  }

  // At most one question to the kernel is on its way; the newest place is asked for when the answer is there.
  function tell() {
    if (!decode && view.asked > view.answered) { view.again = true; return; }
    view.asked += 1;
    view.again = false;
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.value, serial: view.asked } }));
  }
  const go = (change, walking = false) => {
    view.playing = walking;
    view.value = { ...view.value, ...change };
    if (!view.frame) view.frame = requestAnimationFrame(() => { view.frame = null; update(); tell(); });
  };
  const clip = (v, low, high) => Math.min(high, Math.max(low, v));
  const at = (event) => {
    const box = plane.getBoundingClientRect();
    const coordinates = view.value.coordinates.slice();
    coordinates[0] = clip(x0 + ((event.clientX - box.left) / box.width) * (x1 - x0), x0, x1);
    coordinates[1] = clip(y1 - ((event.clientY - box.top) / box.height) * (y1 - y0), y0, y1);
    go({ coordinates, t: null });
  };
  let down = false;
  plane.addEventListener("pointerdown", (event) => { down = true; plane.setPointerCapture(event.pointerId); at(event); });
  plane.addEventListener("pointermove", (event) => { if (down) at(event); });
  plane.addEventListener("pointerup", () => { down = false; });
  plane.addEventListener("pointercancel", () => { down = false; });
  const pin = (name) => go({ [name]: view.value.coordinates.slice(), t: null });
  plane.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.5 : 0.1;
    const by = { ArrowRight: [step, 0], ArrowLeft: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (by) {
      const coordinates = view.value.coordinates.slice();
      coordinates[0] = clip(coordinates[0] + by[0], x0, x1);
      coordinates[1] = clip(coordinates[1] + by[1], y0, y1);
      go({ coordinates, t: null });
    } else if (event.key === "Home") go({ coordinates: Array(m).fill(0), t: null });
    else if (event.key === "a" || event.key === "b") pin(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  pinA.addEventListener("click", () => pin("a"));
  pinB.addEventListener("click", () => pin("b"));
  line.addEventListener("click", () => go({ path: "line" }));
  circle.addEventListener("click", () => go({ path: "circle" }));
  play.addEventListener("click", () => {
    view.playing = !view.playing;
    if (!view.playing) { update(); return; }
    const start = performance.now();
    const frame = (now) => {
      if (!view.playing || !element.isConnected) return;
      const t = Math.min(1, Math.max(0, (now - start) / 3000));
      go({ t, coordinates: between(t).coordinates }, t < 1);
      if (t < 1) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });

  view.show = (value) => { view.value = { ...value }; update(); };
  view.hear = (answer) => {
    if (decode || !answer?.picture || answer.serial <= view.heard) return;
    view.heard = answer.serial;
    drawPicture(floats(answer.picture));
    (answer.strip ?? []).forEach((picture, i) => paint(steps[i], floats(picture), state.shape));
    view.answered = answer.serial;
    if (view.again) tell();
  };
  return view;
}

export function draw(element, state) {
  const start = { coordinates: state.names.map(() => 0), a: null, b: null, path: "line", t: null, serial: 0 };
  const same = element.glPad && element.glPad.points === state.points && element.glPad.layers === state.layers;
  if (!same) {
    element.glPad = { view: build(element, state), points: state.points, layers: state.layers };
    element.glPad.view.show(state.value?.coordinates ? state.value : start);
  } else if (state.value?.coordinates && state.value.serial !== element.glPad.view.asked) {
    element.glPad.view.asked = element.glPad.view.answered = state.value.serial;
    element.glPad.view.show(state.value);
  }
  element.glPad.view.hear(state.answer);
}
