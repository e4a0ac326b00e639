// The smallest GAN: one point θ against one slope ψ. Its arrows, an orbit, and the eigenvalues that predict it.
// state: {loss, order, penalty, step, gamma, start: [θ, ψ], hint, value}. value: the same without hint. Tells: value.
// root.game is {orbit, eigenvalues}, for whoever wants to compare.
import { Frame, arrow, canvas, disc, el, mount, playButton, polyline, sigmoid, signed } from "../kit.js";
import { arrows, calm, choice, clamp, drag, slider } from "../kit.js";
import { LOSSES, PENALTIES, between, eigenvalues, orbit, speeds } from "./game.js";

const SIZE = 400;
const REACH = 2;
const RING = 168;
const FRAME = new Frame({ x: [-REACH, REACH], y: [-REACH, REACH], width: SIZE, height: SIZE });
const CIRCLE = new Frame({ x: [-1.7, 1.7], y: [-1.7, 1.7], width: RING, height: RING });

const LINE = { width: 340, height: 118 };
const WORLD = new Frame({ x: [-2.5, 2.5], y: [0, 1], ...LINE, left: 26, right: 4, top: 18, bottom: 24 });
const PACE = 90; // milliseconds a step
const BEYOND = 3; // so far from (0, 0) nothing is to be seen any more

const STYLE = `
  .top { display: flex; flex-wrap: wrap; gap: 24px; }
  canvas { background: var(--gl-paper); border: 1px solid var(--gl-line); }
  canvas.field { cursor: crosshair; }
  .left { width: ${SIZE + 2}px; }
  .left .row { margin-top: 6px; flex-wrap: nowrap; }
  .left .slider { flex: 1; } .left input { flex: 1; } .left .num { min-width: 2.2em; text-align: right; }
  .side { width: max(${LINE.width}px, 26.2em); display: flex; flex-direction: column; gap: 7px; }
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

// The whole orbit, faint; what of it has been walked, strong; and where it is at a time.
function drawOrbit(context, path, time, theme) {
  const places = path.map((point) => FRAME.at(point));
  const here = FRAME.at(between(path, time));
  const far = time > 0 ? Math.floor(time) + 1 : path.length;
  Object.assign(context, { strokeStyle: theme.orange, lineWidth: 1, globalAlpha: 0.3 });
  polyline(context, places);
  Object.assign(context, { lineWidth: 1.75, globalAlpha: time > 0 ? 1 : 0.45 });
  polyline(context, time > 0 ? [...places.slice(0, far), here] : places);
  context.globalAlpha = 1;
  for (const place of places.slice(0, far)) disc(context, place, 2, theme.orange);
  if (time > 0) disc(context, here, 7, theme.orange, theme.paper, 2);
}

function drawField(node, value, path, time, theme) {
  const context = node.getContext("2d");
  begin(context, FRAME, theme);
  drawArrows(context, speeds(value), theme);
  drawOrbit(context, path, time, theme);
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

// What a place of the plane means: the data's point, the fake, what D says along the line, and where each is pulled.
function drawWorld(node, value, [theta, psi], theme) {
  const context = node.getContext("2d");
  context.clearRect(0, 0, LINE.width, LINE.height);
  Object.assign(context, { strokeStyle: theme.line, fillStyle: theme.ink, lineWidth: 1, font: theme.font(11) });
  Object.assign(context, { textAlign: "right", textBaseline: "middle" });
  for (const y of [0, 0.5, 1]) {
    context.globalAlpha = y ? 0.35 : 1;
    polyline(context, [WORLD.at([-2.5, y]), WORLD.at([2.5, y])]); // prettier-ignore
    context.globalAlpha = 1;
    context.fillText(y === 0.5 ? "½" : y, WORLD.left - 5, WORLD.py(y));
  }
  const critic = value.loss === "wasserstein"; // whose score has no bounds: shown through the same sigmoid
  const says = Array.from({ length: 101 }, (_, i) => -2.5 + i / 20).map((x) => WORLD.at([x, sigmoid(psi * x)]));
  Object.assign(context, { strokeStyle: theme.green, lineWidth: 2.25 });
  polyline(context, says);
  const [x, level] = [clamp(theta, -2.5, 2.5), WORLD.py(0)];
  const [speed] = speeds(value)(theta, psi);
  Object.assign(context, { strokeStyle: theme.orange, lineWidth: 2 });
  const to = WORLD.px(clamp(x + 1.2 * speed, -2.5, 2.5));
  if (Math.abs(to - WORLD.px(x)) > 3) arrow(context, [WORLD.px(x), level], [to, level], 8);
  disc(context, [WORLD.px(0), level], 7, theme.blue, theme.paper, 2);
  disc(context, [WORLD.px(x), level], 7, theme.orange, theme.paper, 2);
  Object.assign(context, { textAlign: "center", textBaseline: "top" });
  for (const [words, at, colour] of [
    ["data", 0, theme.blue],
    ["fake", x, theme.orange],
  ]) {
    context.fillStyle = colour;
    if (words === "data" && Math.abs(x) < 0.55 * theme.scale) continue; // one upon the other
    context.fillText(words, clamp(WORLD.px(at), 16, LINE.width - 16), level + 8);
  }
  Object.assign(context, { fillStyle: theme.green, textAlign: "left" });
  context.fillText(critic ? "D's score ψx, squeezed into 0..1" : "D(x) = σ(ψx)", WORLD.left, 1);
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

function showWords(say, { start }, path, values, time) {
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
  const [theta, psi] = between(path, time);
  el("div", say, {}, `step ${Math.round(time)}: θ = ${signed(theta)}, ψ = ${signed(psi)}`);
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

// The slider over time and the button that moves it; returns both.
function clock(parent, view) {
  const row = el("div", parent, { class: "row" });
  let from = 0;
  const set = (time) => {
    view.time = time;
    view.paint();
  };
  const steps = () => view.path.length - 1;
  const player = playButton(row, {
    begin: () => (from = view.time < steps() && Math.hypot(...between(view.path, view.time)) < BEYOND ? view.time : 0),
    step(milliseconds) {
      const time = Math.min(steps(), from + milliseconds / PACE);
      set(calm() ? Math.floor(time) : time);
      return time < steps() && Math.hypot(...between(view.path, time)) < BEYOND;
    },
  });
  const scrub = slider(row, {
    label: "step",
    name: "time",
    min: 0,
    step: 1,
    show: (time) => String(Math.round(time)),
    act(time) {
      player.stop();
      set(time);
    },
  });
  return { player, scrub };
}

// Both pictures beside the field, and the words.
function besides(side) {
  const world = canvas(side, LINE.width, LINE.height, { role: "img", "aria-label": "the data, the fake and D" });
  const below = el("div", side, { class: "below" });
  const ring = canvas(below, RING, RING, { role: "img", "aria-label": "eigenvalues of a step and the unit circle" });
  return { world, ring, say: el("div", below, { class: "say" }) };
}

function setup(root, state, { tell, theme }) {
  const view = { value: null, path: [], time: 0, paint: null };
  const top = el("div", root, { class: "top" });
  const left = el("div", top, { class: "left" });
  const field = canvas(left, SIZE, SIZE, {
    class: "field",
    role: "application",
    "aria-label": "The plane of θ and ψ with the field and an orbit: drag its start, or move it with the arrow keys",
  });
  const { player, scrub } = clock(left, view);
  const side = el("div", top, { class: "side" });
  const inputs = controls(side, (change) => go(change));
  const { ring, world, say } = besides(side);
  view.paint = () => {
    const { value, path, time } = view;
    drawField(field, value, path, time, theme);
    drawWorld(world, value, between(path, time), theme);
    drawRing(ring, root.game.eigenvalues, theme);
    showWords(say, value, path, root.game.eigenvalues, time);
    scrub.node.max = path.length - 1;
    scrub.set(time);
  };
  const take = (value) => {
    player.stop();
    root.game = { orbit: orbit(value), eigenvalues: eigenvalues(value) };
    Object.assign(view, { value, path: root.game.orbit, time: 0 });
    view.paint();
    for (const [name, input] of Object.entries(inputs)) input.set(value[name]);
    inputs.gamma.node.disabled = value.penalty === "none";
  };
  const go = (change) => {
    take({ ...view.value, ...change });
    tell(view.value);
  };
  const place = (point) => go({ start: point.map((v) => Number(clamp(v, -REACH, REACH).toFixed(3))) });
  const follow = (event) => place(FRAME.pointer(event, field));
  drag(field, { down: follow, move: follow });
  arrows(field, (dx, dy) => place([view.value.start[0] + 0.1 * dx, view.value.start[1] + 0.1 * dy]));
  const show = (given) => {
    const { loss, order, penalty, step, gamma, start } = { ...given, ...given.value };
    take({ loss, order, penalty, step, gamma, start });
  };
  return { show, paint: view.paint, stop: player.stop };
}

export function draw(element, state) {
  mount(element, state, {
    name: "gl-dirac",
    title: "The smallest GAN",
    label: "The Dirac-GAN",
    width: 790,
    css: STYLE,
    setup,
  });
}
