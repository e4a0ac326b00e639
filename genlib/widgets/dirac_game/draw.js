// The smallest GAN: one point θ against one slope ψ. Its field of arrows, an orbit, and the eigenvalues that predict it.
// state: {loss, order, penalty, step, gamma, start: [θ, ψ], hint, value}. value: the same without hint, and a serial.
// The data are one point at 0, the fake is one point at θ, and D's logit is ψx. Tells: value.
// element.game is {orbit, eigenvalues}, for whoever wants to compare.

const SIZE = 400;
const REACH = 2;
const STEPS = 400;
const RING = 168;

const STYLE = `
.gl-dirac { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; max-width: 820px; }
.gl-dirac .top { display: flex; flex-wrap: wrap; gap: 24px; }
.gl-dirac canvas { display: block; background: #fff; border: 1px solid #999; }
.gl-dirac canvas.field { width: ${SIZE}px; height: ${SIZE}px; cursor: crosshair; touch-action: none; }
.gl-dirac canvas.field:focus-visible { outline: 3px solid #56B4E9; }
.gl-dirac canvas.ring { width: ${RING}px; height: ${RING}px; }
.gl-dirac .side { width: 330px; display: flex; flex-direction: column; gap: 9px; }
.gl-dirac .grid { display: grid; grid-template-columns: max-content 1fr 3.4em; gap: 6px 10px; align-items: center; }
.gl-dirac select { font: inherit; color: inherit; background: var(--jp-layout-color1, #fff); border: 1px solid #999;
  border-radius: 4px; padding: 1px 2px; grid-column: 2 / 4; }
.gl-dirac input { width: 100%; cursor: ew-resize; }
.gl-dirac .num { font-variant-numeric: tabular-nums; }
.gl-dirac .below { display: flex; gap: 14px; }
.gl-dirac .say { font-variant-numeric: tabular-nums; }
.gl-dirac .hint { margin-top: 6px; color: var(--jp-ui-font-color2, #555); max-width: 780px; }
`;

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
// The speeds (of θ, of ψ): each player follows its own gradient.
const LOSSES = {
  minimax: (t, p) => [p * sigmoid(p * t), -t * sigmoid(p * t)],
  "non-saturating": (t, p) => [p * sigmoid(-p * t), -t * sigmoid(p * t)],
  wasserstein: (t, p) => [p, -t],
};
const PENALTIES = { none: () => 0, R1: (p) => -p, "WGAN-GP": (p) => -2 * (Math.abs(p) - 1) * Math.sign(p) };
const speeds = ({ loss, penalty, gamma }) => (t, p) => {
  const [a, b] = LOSSES[loss](t, p);
  return [a, b + gamma * PENALTIES[penalty](p)];
};
function orbit(value) {
  const v = speeds(value);
  let [t, p] = value.start;
  const path = [[t, p]];
  for (let k = 0; k < STEPS && Math.hypot(t, p) < 50; k++) {
    if (value.order === "simultaneous") {
      const [a, b] = v(t, p);
      t += value.step * a;
      p += value.step * b;
    } else { // D first, then G, which sees the new D
      p += value.step * v(t, p)[1];
      t += value.step * v(t, p)[0];
    }
    path.push([t, p]);
  }
  return path;
}
// Of one step around (0, 0), as a linear map; null where the penalty has a kink there.
function eigenvalues({ loss, order, penalty, step, gamma }) {
  if (penalty === "WGAN-GP" && gamma > 0) return null;
  const s = loss === "wasserstein" ? 1 : 0.5;
  const damp = penalty === "R1" ? step * gamma : 0;
  const hs = step * s; // D: ψ ← (1 - damp) ψ - hs θ;  G: θ ← θ + hs ψ
  const [a, b, c, d] = order === "simultaneous" ? [1, hs, -hs, 1 - damp] : [1 - hs * hs, hs * (1 - damp), -hs, 1 - damp];
  const half = (a + d) / 2;
  const square = half * half - (a * d - b * c);
  const root = Math.sqrt(Math.abs(square));
  return square < 0 ? [[half, root], [half, -root]] : [[half + root, 0], [half - root, 0]];
}

function make(tag, parent, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, v] of Object.entries(attributes)) node.setAttribute(name, v);
  node.textContent = text;
  parent.append(node);
  return node;
}
const minus = (v, digits) => v.toFixed(digits).replace("-", "−");

function build(element, state) {
  const view = { value: null };
  element.replaceChildren();
  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-dirac", role: "group", "aria-label": "The Dirac-GAN" });
  const top = make("div", root, { class: "top" });
  const field = make("canvas", top, {
    class: "field", width: 2 * SIZE, height: 2 * SIZE, tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": "The plane of θ and ψ with the field and an orbit: drag its start, or move it with the arrow keys",
  });
  const side = make("div", top, { class: "side" });
  const grid = make("div", side, { class: "grid" });
  const selects = {};
  for (const [name, label, options] of [["loss", "G's loss", Object.keys(LOSSES)], ["order", "steps", ["simultaneous", "alternating"]],
    ["penalty", "penalty on D", Object.keys(PENALTIES)]]) {
    make("label", grid, {}, label);
    const node = make("select", grid, { "aria-label": label, name, "data-lm-suppress-shortcuts": "true" });
    for (const option of options) make("option", node, { value: option }, option);
    node.addEventListener("change", () => go({ [name]: node.value }));
    selects[name] = node;
  }
  const sliders = {};
  for (const [name, label, low, high] of [["step", "step h", 0.02, 1.5], ["gamma", "penalty's weight γ", 0, 2]]) {
    make("label", grid, {}, label);
    const node = make("input", grid, { type: "range", min: low, max: high, step: 0.02, name, "aria-label": label, "data-lm-suppress-shortcuts": "true" });
    const number = make("span", grid, { class: "num" });
    node.addEventListener("input", () => go({ [name]: Number(node.value) }));
    sliders[name] = { node, number };
  }
  const below = make("div", side, { class: "below" });
  const ring = make("canvas", below, { class: "ring", width: 2 * RING, height: 2 * RING, role: "img", "aria-label": "eigenvalues of a step and the unit circle" });
  const say = make("div", below, { class: "say", "aria-live": "polite" });
  make("div", root, { class: "hint" }, state.hint);

  const px = (v) => ((v + REACH) / (2 * REACH)) * 2 * SIZE;
  const py = (v) => ((REACH - v) / (2 * REACH)) * 2 * SIZE;

  function drawField(path) {
    const c = field.getContext("2d");
    c.clearRect(0, 0, 2 * SIZE, 2 * SIZE);
    c.strokeStyle = "#ccc";
    c.lineWidth = 1.5;
    c.strokeRect(px(0), -5, 0, 2 * SIZE + 10);
    c.strokeRect(-5, py(0), 2 * SIZE + 10, 0);
    const v = speeds(view.value);
    c.strokeStyle = c.fillStyle = "#8a8a8a";
    c.lineWidth = 2;
    for (let i = 0; i < 17; i++) {
      for (let j = 0; j < 17; j++) {
        const [t, p] = [-1.9 + (3.8 * i) / 16, -1.9 + (3.8 * j) / 16];
        const [a, b] = v(t, p);
        const scale = 0.14 / Math.max(0.55, Math.hypot(a, b));
        const [x0, y0, x1, y1] = [px(t), py(p), px(t + scale * a), py(p + scale * b)];
        const angle = Math.atan2(y1 - y0, x1 - x0);
        const head = Math.min(9, Math.hypot(x1 - x0, y1 - y0));
        c.beginPath();
        c.moveTo(x0, y0);
        c.lineTo(x1, y1);
        for (const turn of [2.6, -2.6]) { c.moveTo(x1, y1); c.lineTo(x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn)); }
        c.stroke();
      }
    }
    c.strokeStyle = "#D55E00";
    c.lineWidth = 2;
    c.globalAlpha = 0.45;
    c.beginPath();
    for (const [t, p] of path) c.lineTo(px(t), py(p));
    c.stroke();
    c.globalAlpha = 1;
    c.fillStyle = "#D55E00";
    for (const [t, p] of path) { c.beginPath(); c.arc(px(t), py(p), 4, 0, 7); c.fill(); }
    const mark = ([t, p], fill, line, r) => {
      c.beginPath();
      c.arc(px(t), py(p), r, 0, 7);
      c.fillStyle = fill;
      c.fill();
      c.lineWidth = 5;
      c.strokeStyle = line;
      c.stroke();
    };
    mark([0, 0], "#222", "#fff", 10);
    mark(view.value.start, "#fff", "#D55E00", 13);
    c.fillStyle = "#333";
    c.font = "24px system-ui, sans-serif";
    c.textAlign = "right";
    c.strokeStyle = "#fff";
    c.lineWidth = 8;
    const text = (words, x, y, align) => {
      c.textAlign = align;
      c.strokeText(words, x, y);
      c.fillText(words, x, y);
    };
    text("θ: where the fake is", 2 * SIZE - 10, py(0) + 30, "right");
    text("ψ: slope of D's logit", px(0) + 12, 28, "left");
  }
  function drawRing(values) {
    const c = ring.getContext("2d");
    c.clearRect(0, 0, 2 * RING, 2 * RING);
    const x = (v) => (v / 1.7) * RING + RING;
    const y = (v) => RING - (v / 1.7) * RING;
    c.strokeStyle = "#ccc";
    c.lineWidth = 1.5;
    c.strokeRect(x(0), 0, 0, 2 * RING);
    c.strokeRect(0, y(0), 2 * RING, 0);
    c.strokeStyle = "#222";
    c.lineWidth = 3;
    c.beginPath();
    c.arc(x(0), y(0), RING / 1.7, 0, 7);
    c.stroke();
    c.font = "20px system-ui, sans-serif";
    c.fillStyle = "#333";
    c.fillText("|λ| = 1", 12, 26);
    c.fillStyle = "#D55E00";
    for (const [a, b] of values ?? []) { c.beginPath(); c.arc(x(a), y(b), 9, 0, 7); c.fill(); }
  }
  function update() {
    const value = view.value;
    const path = orbit(value);
    const values = eigenvalues(value);
    element.game = { orbit: path, eigenvalues: values };
    drawField(path);
    drawRing(values);
    for (const name of Object.keys(selects)) selects[name].value = value[name];
    for (const [name, { node, number }] of Object.entries(sliders)) { node.value = value[name]; number.textContent = value[name].toFixed(2); }
    sliders.gamma.node.disabled = value.penalty === "none";
    say.replaceChildren();
    const end = path.at(-1);
    const far = Math.hypot(...end);
    const from = Math.hypot(...value.start);
    if (!values) make("div", say, {}, "The penalty has a kink at ψ = 0: there are no eigenvalues.");
    else {
      const [a, b] = values[0];
      const size = Math.max(...values.map(([u, w]) => Math.hypot(u, w)));
      make("div", say, {}, "eigenvalues of a step at (0, 0):");
      make("div", say, {}, b ? `${minus(a, 3)} ± ${minus(b, 3)} i` : `${minus(a, 3)} and ${minus(values[1][0], 3)}`);
      make("div", say, {}, `largest |λ| = ${size.toFixed(4)}`);
      make("div", say, {}, size > 1 + 1e-9 ? "> 1: outwards" : size < 1 - 1e-9 ? "< 1: inwards" : "= 1: round and round");
    }
    make("div", say, { style: "margin-top:6px" }, `distance from (0, 0): ${minus(from, 2)}, after ${path.length - 1} steps `
      + (far < 50 ? minus(far, 2) : "more than 50"));
  }
  const go = (change) => {
    view.value = { ...view.value, ...change, serial: view.value.serial + 1 };
    update();
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.value } }));
  };
  const clip = (v) => Number(Math.min(REACH, Math.max(-REACH, v)).toFixed(3));
  let down = false;
  const drag = (event) => {
    const box = field.getBoundingClientRect();
    go({ start: [clip(((event.clientX - box.left) / box.width) * 2 * REACH - REACH), clip(REACH - ((event.clientY - box.top) / box.height) * 2 * REACH)] });
  };
  field.addEventListener("pointerdown", (event) => { down = true; field.setPointerCapture(event.pointerId); drag(event); });
  field.addEventListener("pointermove", (event) => { if (down) drag(event); });
  for (const end of ["pointerup", "pointercancel"]) field.addEventListener(end, () => { down = false; });
  field.addEventListener("keydown", (event) => {
    const by = { ArrowRight: [0.1, 0], ArrowLeft: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (!by) return;
    go({ start: view.value.start.map((v, i) => clip(v + by[i])) });
    event.preventDefault();
    event.stopPropagation();
  });
  view.show = (value) => { view.value = { ...value }; update(); };
  return view;
}

export function draw(element, state) {
  const { loss, order, penalty, step, gamma, start } = state;
  if (!element.glDirac) {
    element.glDirac = build(element, state);
    element.glDirac.show(state.value?.loss ? state.value : { loss, order, penalty, step, gamma, start, serial: 0 });
  } else if (state.value?.loss && state.value.serial !== element.glDirac.value.serial) element.glDirac.show(state.value);
}
