// The smallest GAN: one point θ against one slope ψ. Its arrows, an orbit, and the eigenvalues that predict it.
// state: {loss, order, penalty, step, gamma, start: [θ, ψ], hint, value}. value: the same without hint. Tells: value.
// root.game is {orbit, eigenvalues}, for whoever wants to compare.
import { Frame, arrow, canvas, disc, el, mount, polyline, signed } from "../kit.js";
import { arrows, choice, clamp, drag, slider } from "../kit.js";
import { LOSSES, PENALTIES, eigenvalues, orbit, speeds } from "./game.js";

const SIZE = 400;
const REACH = 2;
const RING = 168;
const FRAME = new Frame({ x: [-REACH, REACH], y: [-REACH, REACH], width: SIZE, height: SIZE });
const CIRCLE = new Frame({ x: [-1.7, 1.7], y: [-1.7, 1.7], width: RING, height: RING });

const STYLE = `
  max-width: 63em;
  .top { display: flex; flex-wrap: wrap; gap: 24px; }
  canvas { background: var(--gl-paper); border: 1px solid var(--gl-line); }
  canvas.field { cursor: crosshair; }
  .side { width: max(330px, 25.4em); display: flex; flex-direction: column; gap: 9px; }
  .grid { display: grid; grid-template-columns: max-content 1fr 3.4em; gap: 6px 10px; align-items: center; }
  .grid label { display: contents; }
  .grid select { grid-column: 2 / 4; }
  .grid input { width: 100%; }
  .below { display: flex; gap: 14px; }
  .below canvas { flex: none; align-self: flex-start; }
  .far { margin-top: 6px; }
`;

// Empties a canvas but for the lines through (0, 0).
function begin(context, { width, height }, theme) {
  context.clearRect(0, 0, width, height);
  Object.assign(context, { strokeStyle: theme.faint, lineWidth: 1 });
  polyline(context, [[width / 2, 0], [width / 2, height]]); // prettier-ignore
  polyline(context, [[0, height / 2], [width, height / 2]]); // prettier-ignore
}

function drawArrows(context, v, theme) {
  Object.assign(context, { strokeStyle: theme.line, lineWidth: 1 });
  for (let i = 0; i < 17; i++) {
    for (let j = 0; j < 17; j++) {
      const [t, p] = [-1.9 + (3.8 * i) / 16, -1.9 + (3.8 * j) / 16];
      const [a, b] = v(t, p);
      const scale = 0.14 / Math.max(0.55, Math.hypot(a, b));
      arrow(context, FRAME.at([t, p]), FRAME.at([t + scale * a, p + scale * b]), 4.5);
    }
  }
}

function drawField(node, value, path, theme) {
  const context = node.getContext("2d");
  begin(context, FRAME, theme);
  drawArrows(context, speeds(value), theme);
  const places = path.map((point) => FRAME.at(point));
  Object.assign(context, { strokeStyle: theme.orange, lineWidth: 1, globalAlpha: 0.45 });
  polyline(context, places);
  context.globalAlpha = 1;
  for (const place of places) disc(context, place, 2, theme.orange);
  disc(context, FRAME.at([0, 0]), 5, "#222", "#fff"); // black, and the start white, on any ground: the hint says so
  disc(context, FRAME.at(value.start), 6.5, "#fff", theme.orange);
  Object.assign(context, { fillStyle: theme.ink, strokeStyle: theme.paper, lineWidth: 4, font: theme.font(12) });
  const text = (words, x, y, textAlign) => {
    context.textAlign = textAlign;
    context.strokeText(words, x, y);
    context.fillText(words, x, y);
  };
  text("θ: where the fake is", SIZE - 5, FRAME.py(0) + 3 + 12 * theme.scale, "right");
  text("ψ: slope of D's logit", FRAME.px(0) + 6, 2 + 12 * theme.scale, "left");
}

function drawRing(node, values, theme) {
  const context = node.getContext("2d");
  begin(context, CIRCLE, theme);
  Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5, fillStyle: theme.ink, font: theme.font(10) });
  context.beginPath();
  context.arc(...CIRCLE.at([0, 0]), CIRCLE.px(1) - CIRCLE.px(0), 0, 2 * Math.PI);
  context.stroke();
  context.fillText("|λ| = 1", 6, 3 + 10 * theme.scale);
  for (const point of values ?? []) disc(context, CIRCLE.at(point), 4.5, theme.orange);
}

function showWords(say, { start }, path, values) {
  const far = Math.hypot(...path.at(-1));
  const lines = ["The penalty has a kink at ψ = 0: there are no eigenvalues."];
  if (values) {
    const [[a, b], [other]] = values;
    const size = Math.max(...values.map((value) => Math.hypot(...value)));
    lines[0] = "eigenvalues of a step at (0, 0):";
    lines.push(b ? `${signed(a, 3)} ± ${signed(b, 3)} i` : `${signed(a, 3)} and ${signed(other, 3)}`);
    lines.push(`largest |λ| = ${size.toFixed(4)}`);
    lines.push(size > 1 + 1e-9 ? "> 1: outwards" : size < 1 - 1e-9 ? "< 1: inwards" : "= 1: round and round");
  }
  say.replaceChildren();
  for (const line of lines) el("div", say, {}, line);
  const ending = far < 50 ? signed(far) : "more than 50";
  const from = `distance from (0, 0): ${signed(Math.hypot(...start))}`;
  el("div", say, { class: "far" }, `${from}, after ${path.length - 1} steps ${ending}`);
}

// Menus and sliders by the name of what they set.
function controls(parent, go) {
  const grid = el("div", parent, { class: "grid" });
  const made = {};
  for (const [name, label, options] of [
    ["loss", "G's loss", Object.keys(LOSSES)],
    ["order", "steps", ["simultaneous", "alternating"]],
    ["penalty", "penalty on D", Object.keys(PENALTIES)],
  ]) {
    made[name] = choice(grid, { label, name, options, act: (value) => go({ [name]: value }) });
  }
  for (const [name, label, min, max] of [
    ["step", "step h", 0.02, 1.5],
    ["gamma", "penalty's weight γ", 0, 2],
  ]) {
    const act = (value) => go({ [name]: value });
    made[name] = slider(grid, { label, name, min, max, step: 0.02, show: (v) => v.toFixed(2), act });
  }
  return made;
}

function setup(root, state, { tell, theme }) {
  let value = null;
  const top = el("div", root, { class: "top" });
  const field = canvas(top, SIZE, SIZE, {
    class: "field",
    role: "application",
    "aria-label": "The plane of θ and ψ with the field and an orbit: drag its start, or move it with the arrow keys",
  });
  const side = el("div", top, { class: "side" });
  const inputs = controls(side, (change) => go(change));
  const below = el("div", side, { class: "below" });
  const ring = canvas(below, RING, RING, { role: "img", "aria-label": "eigenvalues of a step and the unit circle" });
  const say = el("div", below, { class: "say", "aria-live": "polite" });
  el("div", root, { class: "hint" }, state.hint);
  const paint = () => {
    root.game = { orbit: orbit(value), eigenvalues: eigenvalues(value) };
    drawField(field, value, root.game.orbit, theme);
    drawRing(ring, root.game.eigenvalues, theme);
    showWords(say, value, root.game.orbit, root.game.eigenvalues);
    for (const [name, input] of Object.entries(inputs)) input.set(value[name]);
    inputs.gamma.node.disabled = value.penalty === "none";
  };
  const go = (change) => {
    value = { ...value, ...change };
    paint();
    tell(value);
  };
  const place = (point) => go({ start: point.map((v) => Number(clamp(v, -REACH, REACH).toFixed(3))) });
  const follow = (event) => place(FRAME.pointer(event, field));
  drag(field, { down: follow, move: follow });
  arrows(field, (dx, dy) => place([value.start[0] + 0.1 * dx, value.start[1] + 0.1 * dy]));
  const show = (given) => {
    const { loss, order, penalty, step, gamma, start } = { ...given, ...given.value };
    value = { loss, order, penalty, step, gamma, start };
    paint();
  };
  return { show, paint };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-dirac", label: "The Dirac-GAN", css: STYLE, setup });
}
