// Reparameterization: the noise stays, μ and σ move, and the samples z = μ + σ ε move along, with both gradients.
// First the samples alone; the estimates are revealed when they are asked for. state: {noise: [n], mean, sd, offset,
// revealed, value}. Tells: {noise, mean, sd, offset, revealed}.
import {
  Frame,
  button,
  changing,
  checkbox,
  clamp,
  el,
  gliding,
  mount,
  picture,
  put,
  radios,
  random,
  signed,
  slider,
  svg,
  ticks,
  underNormal,
} from "../kit.js";

const W = 760;
const H = 500;
const SHORT = 330; // the height of the first step's part
const EDGE = 4; // ε and z are shown from -4 to 4
const CURVE = new Frame({
  x: [-EDGE, EDGE],
  y: [-7, 8],
  width: W,
  height: H,
  left: 60,
  right: 60,
  top: 128,
  bottom: 182,
});
const EPS = 28; // the line of ε, in pixels from the top
const Z = 112; // the line of z
const ESTIMATES = new Frame({ x: [-12, 12], y: [0, 1], width: W, height: H, left: 190, right: 150 });
const FIRST = 348; // the first row of estimates
const STEP = 26;
const SLIDERS = [
  { key: "mean", label: "μ", min: -2, max: 2 },
  { key: "sd", label: "σ", min: 0.2, max: 1.4 },
  { key: "offset", label: "add to f:", min: 0, max: 5 },
];
const ROWS = [
  { key: "mean", way: "path", name: "∂/∂μ, by the path", colour: "var(--gl-orange)" },
  { key: "mean", way: "score", name: "∂/∂μ, by the score", colour: "var(--gl-green)" },
  { key: "sd", way: "path", name: "∂/∂σ, by the path", colour: "var(--gl-orange)" },
  { key: "sd", way: "score", name: "∂/∂σ, by the score", colour: "var(--gl-green)" },
];

const STYLE = `
  max-width: 780px;
  svg { width: 100%; height: auto; }
  .row { gap: 4px 20px; margin-bottom: 4px; }
  .steps { margin-bottom: 8px; }
  .num { min-width: 2.6em; }
  input[type=range] { width: 104px; }
  .say { min-height: 2.8em; }
`;

// What is averaged, and its derivative. The same functions stand in widget.py.
export const f = (z) => 2 * Math.sin(1.5 * z) - (z * z) / 4;
export const slope = (z) => 3 * Math.cos(1.5 * z) - z / 2;

// One estimate a draw, for the derivative with respect to μ and to σ, by both ways; and the true derivatives.
export function estimates({ noise, mean, sd, offset }) {
  const each = (g) => noise.map((e) => g(e, mean + sd * e));
  return {
    mean: {
      path: each((e, z) => slope(z)),
      score: each((e, z) => ((f(z) + offset) * e) / sd),
      exact: underNormal((e) => slope(mean + sd * e)),
    },
    sd: {
      path: each((e, z) => slope(z) * e),
      score: each((e, z) => ((f(z) + offset) * (e * e - 1)) / sd),
      exact: underNormal((e) => slope(mean + sd * e) * e),
    },
  };
}

const average = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const spread = (values) => Math.sqrt(average(values.map((v) => (v - average(values)) ** 2)));

function small(drawing, x, y, anchor, text) {
  return svg("text", drawing, { x, y, "text-anchor": anchor, class: "tick" }, text);
}

// The lines of ε and of z, and what stands beside them and the curve.
function axes(drawing) {
  for (const y of [EPS, Z]) {
    const stroke = "var(--gl-grey)";
    svg("line", drawing, { x1: CURVE.left, x2: CURVE.right, y1: y, y2: y, stroke });
    for (const x of ticks(-3, 3, 1).map((z) => CURVE.px(z))) {
      svg("line", drawing, { x1: x, x2: x, y1: y - 3, y2: y + 3, stroke });
    }
  }
  for (const z of ticks(-3, 3, 1)) small(drawing, CURVE.px(z), EPS - 10, "middle", signed(z, 0));
  const zero = CURVE.py(0);
  const beside = { ε: EPS, z: Z, "f(z)": CURVE.top + 36, 0: zero };
  for (const [text, y] of Object.entries(beside)) small(drawing, CURVE.left - 8, y + 4, "end", text);
  small(drawing, W - 4, EPS - 10, "end", "the noise");
  small(drawing, W - 4, Z - 6, "end", "z = μ + σ ε");
  const dashed = { stroke: "var(--gl-line)", "stroke-width": 0.7, "stroke-dasharray": "3 3" };
  svg("line", drawing, { x1: CURVE.left, x2: CURVE.right, y1: zero, y2: zero, ...dashed });
}

// What moves with the samples: the curve of f, and for each draw its thread from ε to z and its slope on the curve.
function samples(drawing, n) {
  const curve = svg("path", drawing, { fill: "none", stroke: "var(--gl-blue)", "stroke-width": 2 });
  const many = (attributes) => Array.from({ length: n }, () => svg("path", drawing, attributes));
  const threads = many({ stroke: "var(--gl-line)", "stroke-width": 0.8 });
  const drops = many({ stroke: "var(--gl-line)", "stroke-width": 0.3 });
  const slopes = many({ stroke: "var(--gl-orange)", "stroke-width": 2.5 });
  const dot = (r, colour) => svg("circle", drawing, { r, fill: `var(--gl-${colour})` });
  const dots = threads.map(() => [dot(3, "grey"), dot(4, "orange"), dot(4, "orange")]); // of ε, of z, on the curve
  return { curve, threads, drops, slopes, dots };
}

function showSamples({ curve, threads, drops, slopes, dots }, { noise, mean, sd, offset }) {
  const zs = Array.from({ length: 201 }, (_, i) => -EDGE + i / 25);
  put(curve, { d: CURVE.path(zs.map((z) => [z, f(z) + offset])) });
  noise.forEach((e, i) => {
    const z = mean + sd * e;
    const [x, y] = CURVE.at([z, f(z) + offset]);
    const visibility = Math.max(Math.abs(z), Math.abs(e)) > EDGE ? "hidden" : "visible";
    put(threads[i], { d: `M${CURVE.px(e)} ${EPS}L${x} ${Z}`, visibility });
    put(drops[i], { d: `M${x} ${Z}V${y}`, visibility });
    const dx = CURVE.px(1) - CURVE.px(0);
    const dy = (CURVE.py(1) - CURVE.py(0)) * slope(z);
    const [u, v] = [dx, dy].map((d) => (15 * d) / Math.hypot(dx, dy)); // 15 pixels along the curve, both ways
    put(slopes[i], { d: `M${x - u} ${y - v}L${x + u} ${y + v}`, visibility });
    put(dots[i][0], { cx: CURVE.px(e), cy: EPS });
    put(dots[i][1], { cx: x, cy: Z, visibility });
    put(dots[i][2], { cx: x, cy: y, visibility });
    if (i === 0) for (const dot of dots[i]) put(dot, { stroke: "var(--gl-ink)", "stroke-width": 2 });
  });
}

// Two rows for each derivative: every draw's estimate, their mean, and the truth.
function rowsOf(drawing, n) {
  const foot = FIRST + STEP * 4 + 8;
  for (const v of ticks(-12, 12, 4)) small(drawing, ESTIMATES.px(v), foot, "middle", signed(v, 0));
  small(drawing, W - 4, FIRST - 18, "end", "spread of one draw");
  const key = "dots: one estimate a draw;  bar: their mean;  dashed: the true derivative";
  small(drawing, W / 2, foot + 22, "middle", key);
  return ROWS.map(({ name, colour }, i) => {
    const y = FIRST + STEP * i + (i > 1 ? 8 : 0);
    svg("text", drawing, { x: ESTIMATES.left - 12, y: y + 4, "text-anchor": "end" }, name);
    svg("line", drawing, { x1: ESTIMATES.left, x2: ESTIMATES.right, y1: y, y2: y, stroke: "var(--gl-faint)" });
    const dot = { cy: y, r: 3.5, fill: colour, "fill-opacity": 0.45 };
    const dashed = { stroke: "var(--gl-ink)", "stroke-width": 1.5, "stroke-dasharray": "3 2" };
    return {
      each: Array.from({ length: n }, () => svg("circle", drawing, dot)),
      truth: svg("line", drawing, { y1: y - 12, y2: y + 12, ...dashed }),
      mean: svg("rect", drawing, { y: y - 9, width: 4, height: 18, fill: colour }),
      text: small(drawing, W - 4, y + 4, "end", ""),
    };
  });
}

function showRows(rows, all, dataset) {
  const px = (v) => ESTIMATES.px(clamp(v, ...ESTIMATES.x));
  rows.forEach(({ each, truth, mean, text }, i) => {
    const { key, way } = ROWS[i];
    const values = all[key][way];
    values.forEach((v, k) => put(each[k], { cx: px(v) }));
    put(truth, { x1: px(all[key].exact), x2: px(all[key].exact) });
    put(mean, { x: px(average(values)) - 2 });
    text.textContent = `± ${spread(values).toFixed(1)}`;
    dataset[key + way] = average(values);
    dataset[`${key}exact`] = all[key].exact;
  });
}

// The first step in words: what μ and σ do to each sample, and that the noise knows nothing of it.
function showFirst(say, { noise, mean, sd }) {
  const [e, z] = [noise[0], mean + sd * noise[0]];
  say.replaceChildren();
  el("div", say, {}, `The ringed dot: ε = ${signed(e)} stays, z = μ + σ ε = ${signed(z)} moves.`);
  el(
    "div",
    say,
    {},
    `If μ grows by a little, z grows by as much; if σ does, z grows by ε = ${signed(e)} times as much.`,
  );
}

function showWords(say, all, n) {
  const told = (name, { exact, path, score }) =>
    `∂/∂${name}: true ${signed(exact)}, by the path ${signed(average(path))}, by the score ${signed(average(score))}.`;
  say.replaceChildren();
  el("div", say, {}, `From ${n} draws,  ${told("μ", all.mean)}`);
  el("div", say, {}, told("σ", all.sd));
}

// The sliders and buttons; returns what shows the values. `renew` draws new noise.
function controls(root, now, change) {
  const { normal } = random(2 ** 32 * Math.random());
  const renew = () => ({ noise: now.noise.map(normal) });
  let always = false;
  const row = el("div", root, { class: "row" });
  const sliders = SLIDERS.map(({ key, ...options }) => {
    const act = (value) => change({ [key]: value, ...(always ? renew() : {}) });
    return [key, slider(row, { ...options, step: 0.05, "data-key": key, show: signed, act })];
  });
  button(row, "New noise", () => change(renew()));
  checkbox(row, "new noise at every move", (checked) => (always = checked));
  return () => sliders.forEach(([key, made]) => made.set(now[key]));
}

const STEPS = [
  [false, "1  The samples move"],
  [true, "2  Two estimates of the slope"],
];
function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  const n = state.noise.length;
  const reveal = (text) => change({ revealed: text === "true" });
  const steps = radios(el("div", root, { class: "steps" }), {
    label: "step",
    options: STEPS,
    act: (v) => reveal(`${v}`),
  });
  const showControls = controls(root, now, change);
  const label =
    "the noise, the samples z on a line and on the curve f with its slopes; below, estimates of the derivatives";
  const plane = picture(root, [W, SHORT], label);
  axes(plane);
  const drawn = samples(plane, n);
  const below = svg("g", plane);
  const rows = rowsOf(below, n);
  const say = el("div", root, { class: "say" });
  let shown = null; // whether the estimates are, null before anything is
  const open = ([share]) => {
    put(plane, { viewBox: `0 0 ${W} ${SHORT + share * (H - SHORT)}` });
    put(below, { opacity: share, visibility: share > 0 ? "visible" : "hidden" });
  };
  const { glide, stop } = gliding(open, 500);
  function update() {
    const all = estimates(now);
    showControls();
    steps.set(now.revealed);
    showSamples(drawn, now);
    showRows(rows, all, root.dataset);
    if (now.revealed) showWords(say, all, n);
    else showFirst(say, now);
    const share = now.revealed ? 1 : 0;
    if (shown === null) open([share]);
    else if (shown !== share) glide([shown], [share]);
    shown = share;
  }
  const show = (given) => {
    const { noise, mean, sd, offset, revealed = false } = given.value?.noise ? given.value : given;
    Object.assign(now, { noise, mean, sd, offset, revealed });
    update();
  };
  return { show, stop };
}

const HINT =
  "Move μ, then σ: which dots stay, which move, and how far each? Say which way you would move μ to make the mean " +
  "of f larger; then go to step 2.";

export function draw(element, state) {
  mount(element, state, { name: "gl-rep", title: "Reparameterization", hint: HINT, width: 720, css: STYLE, setup });
}
