// Rate against distortion: the linear VAE at its optimum for every β and σ. Left, eigenvalues under water; right, the
// curve that β traces; below, pictures. state: {values: [D], axes: [L][D], mean: [D], codes: [n][L], shape: [H, W],
// beta, sigma, value}. Tells: {beta, sigma}.
import {
  Frame,
  axisX,
  axisY,
  button,
  changing,
  clamp,
  clip,
  drag,
  el,
  mount,
  picture,
  pixels,
  put,
  random,
  signed,
  slider,
  svg,
  ticks,
} from "../kit.js";
import { drawn, level, reconstructed, terms } from "./water.js";

const RANGES = { beta: [-2, 2], sigma: [-1.5, -0.3] }; // powers of ten
const WIDTH = 364;
const HEIGHT = 250;
const FLOOR = -4; // the power of ten where the bars stand

const STYLE = `
  max-width: 780px;
  .pair { display: flex; gap: 20px; } .pair svg { width: ${WIDTH}px; touch-action: none; }
  .sliders { display: flex; gap: 20px; margin: 6px 0; } .sliders .slider { flex: 1; display: grid; gap: 8px;
    grid-template-columns: 8.5em 1fr 3.6em; white-space: nowrap; }
  .pictures { display: grid; grid-template-columns: 9.5em repeat(8, 52px); gap: 4px 8px; align-items: center; }
  .pictures canvas { width: 52px; height: 52px; image-rendering: pixelated; border: 1px solid var(--gl-line); }
  .say { min-height: 3em; margin: 6px 0; }
  .water { cursor: ns-resize; }
`;

const log10 = Math.log10;
const power = (value) => (Number.isInteger(value) ? `1e${signed(value, 0)}` : "");

// The eigenvalues as bars on a logarithmic axis, and the water.
function spectrum(parent, state) {
  const bars = state.values.slice(0, state.axes.length).filter((value) => value > 10 ** FLOOR);
  const y = [FLOOR, Math.ceil(log10(bars[0]) + 0.1)];
  const frame = new Frame({
    x: [0, bars.length],
    y,
    width: WIDTH,
    height: HEIGHT,
    left: 46,
    right: 6,
    top: 28,
    bottom: 26,
  });
  const root = picture(parent, [WIDTH, HEIGHT], "eigenvalues of the data as bars, under water up to βσ²", {
    class: "water",
  });
  svg("text", root, { x: 4, y: 12 }, "eigenvalue, variance (log)");
  const nodes = bars.map((value, j) => {
    const [x, top] = frame.at([j, log10(value)]);
    return svg("rect", root, { x: x + 1, y: top, width: frame.px(j + 1) - x - 2, height: frame.bottom - top });
  });
  const inside = clip(root, frame);
  const wet = svg("rect", inside, { x: frame.left, width: frame.right - frame.left, fill: "var(--gl-sky)" });
  put(wet, { "fill-opacity": 0.35 });
  const line = svg("line", inside, { x1: frame.left, x2: frame.right, stroke: "var(--gl-blue)", "stroke-width": 2.5 });
  const name = svg("text", root, { x: frame.right - 2, "text-anchor": "end", class: "tick" }, "water: βσ²");
  axisY(root, frame, ticks(...y, 1), { line: true, text: power });
  const below = `latent, ${state.axes.length} for ${state.values.length} eigenvalues`;
  svg("text", root, { x: frame.right, y: HEIGHT - 6, "text-anchor": "end" }, below);
  const show = (water) => {
    const at = clamp(frame.py(log10(water)), frame.top, frame.bottom);
    put(wet, { y: at, height: frame.bottom - at });
    put(line, { y1: at, y2: at });
    put(name, { y: clamp(at - 5, frame.top + 10, frame.bottom - 4) });
    nodes.forEach((node, j) => put(node, { fill: bars[j] > water ? "var(--gl-orange)" : "var(--gl-grey)" }));
  };
  return { root, frame, show };
}

// The curve of all β, the point of this one, and the line of slope −β through it.
function curve(parent) {
  const size = { width: WIDTH, height: HEIGHT, left: 50, right: 8, top: 28, bottom: 38 };
  const root = picture(
    parent,
    [WIDTH, HEIGHT],
    "distortion against rate: the curve of all β, and a point for this one",
  );
  svg("text", root, { x: 4, y: 12 }, "distortion D, nats");
  svg("text", root, { x: WIDTH - 8, y: HEIGHT - 4, "text-anchor": "end" }, "rate R, nats");
  const axes = svg("g", root);
  const plot = svg("g", root);
  const show = (values, latents, now, n) => {
    const points = ticks(...RANGES.beta, 0.05).map((b) => terms(values, latents, { ...now, beta: 10 ** b }));
    const [most, highest] = [points[0].rate, points.at(-1).distortion];
    const x = [0, Math.ceil(Math.max(10, most) / 20) * 20];
    const low = points[0].distortion;
    const frame = new Frame({ x, y: [low - 0.08 * (highest - low), highest + 0.08 * (highest - low)], ...size });
    axes.replaceChildren();
    plot.replaceChildren();
    const step = x[1] > 100 ? 40 : 20;
    axisX(axes, frame, ticks(0, x[1], step));
    const tall = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((s) => (highest - low) / s < 6) ?? 1000;
    axisY(axes, frame, ticks(...frame.y, tall), { line: true });
    const inside = clip(plot, frame);
    const at = ({ rate, distortion }) => [rate, distortion];
    svg("path", inside, { d: frame.path(points.map(at)), fill: "none", stroke: "var(--gl-blue)", "stroke-width": 2.5 });
    const tangent = [-1e3, 1e3].map((d) => [n.rate + d, n.distortion - now.beta * d]);
    svg("path", inside, { d: frame.path(tangent), stroke: "var(--gl-orange)", "stroke-dasharray": "5 4" });
    const [u, v] = frame.at(at(n));
    svg("circle", plot, { cx: u, cy: v, r: 6, fill: "var(--gl-orange)", stroke: "var(--gl-paper)", "stroke-width": 2 });
    const end = u > WIDTH / 2;
    const text = {
      x: end ? u - 10 : u + 10,
      y: Math.max(v - 8, 34),
      "text-anchor": end ? "end" : "start",
      class: "tick",
    };
    svg("text", plot, text, `slope −β = ${signed(-now.beta, now.beta < 1 ? 2 : 1)}`);
  };
  return { show };
}

// Rows of pictures: digits, what is left of them, draws; returns what shows the two that change.
function gallery(parent, { axes, mean, codes, shape }) {
  const grid = el("div", parent, { class: "pictures" });
  const row = (name) => {
    el("span", grid, {}, name);
    return codes.map((_, i) => el("canvas", grid, { role: "img", "aria-label": `${name} ${i + 1}` }));
  };
  const [originals, back, draws] = ["data", "reconstruction", "draw from the prior"].map(row);
  const paint = (node, coordinates) => {
    const flat = mean.map((m, d) => coordinates.reduce((sum, c, j) => sum + c * axes[j][d], m));
    const levels = flat.map((v) => Math.round(255 * clamp(v, 0, 1)));
    const image = Array.from({ length: shape[0] }, (_, r) => levels.slice(r * shape[1], (r + 1) * shape[1]));
    pixels(node, image, 256);
  };
  codes.forEach((code, i) => paint(originals[i], code));
  return (values, water, seed) => {
    const { normal } = random(seed);
    codes.forEach((code, i) => paint(back[i], reconstructed(code, values, water)));
    draws.forEach((node) => paint(node, drawn(axes.map(normal), values, water)));
  };
}

function words(say, now, n, latents) {
  const bound = signed(n.rate + n.distortion, 1);
  const best = Math.abs(now.beta - 1) < 0.03 ? ", the least that this σ allows" : "";
  say.replaceChildren();
  const others = n.used < latents ? "; the others have collapsed" : "";
  el("div", say, {}, `${n.used} of ${latents} latents stand above the water${others}.`);
  el("div", say, {}, `Rate ${signed(n.rate, 1)} + distortion ${signed(n.distortion, 1)} = −ELBO ${bound} nats${best}.`);
}

function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  const [values, latents] = [state.values, state.axes.length];
  const pair = el("div", root, { class: "pair" });
  const left = spectrum(pair, state);
  const right = curve(pair);
  const row = el("div", root, { class: "sliders" });
  const dials = {};
  const round = (value) => Number((10 ** value).toPrecision(3));
  for (const [key, label] of Object.entries({ beta: "β, price of a nat", sigma: "σ of the decoder" })) {
    const [min, max] = RANGES[key];
    const show = (value) => String(round(Number(value)));
    dials[key] = slider(row, { label, min, max, step: 0.02, show, name: key, act: (v) => change({ [key]: round(v) }) });
  }
  drag(left.root, {
    down: (event) => lift(event),
    move: (event) => lift(event),
  });
  function lift(event) {
    const water = left.frame.pointer(event, left.root)[1] - 2 * log10(now.sigma);
    change({ beta: round(clamp(water, ...RANGES.beta)) });
  }
  const say = el("div", root, { class: "say" });
  const paint = gallery(root, state);
  let seed = 1;
  const foot = el("div", root, { class: "row" });
  button(foot, "Draw anew", () => {
    seed += 1;
    update();
  });
  button(foot, "β = 1", () => change({ beta: 1 }));
  function update() {
    const n = terms(values, latents, now);
    left.show(level(now));
    right.show(values, latents, now, n);
    for (const [key, dial] of Object.entries(dials)) dial.set(log10(now[key]));
    paint(values, n.water, seed);
    words(say, now, n, latents);
    Object.assign(root.dataset, { rate: n.rate, distortion: n.distortion, used: n.used });
  }
  const show = (given) => {
    const { beta, sigma } = given.value?.beta ? given.value : given;
    Object.assign(now, { beta, sigma });
    update();
  };
  return { show, paint: update };
}

const HINT =
  "Raise β until half of the latents have drowned: which strokes go first? Find the β with the least −ELBO. Then " +
  "make σ larger at β = 1: why do latents die, though nobody raised the price?";

export function draw(element, state) {
  mount(element, state, { name: "gl-rd", title: "Rate and distortion", hint: HINT, width: 760, css: STYLE, setup });
}
