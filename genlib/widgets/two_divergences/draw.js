// A Gaussian q, laid over a target p with two modes by hand: KL(p‖q), KL(q‖p), and where each of them comes from.
// state: {weight, sigma, gap, mean, width, value}. Tells: {mean, width, gap}. Integrals are done here, by quadrature.
import {
  Frame,
  arrows,
  axisX,
  axisY,
  bar,
  buttons,
  clamp,
  drag,
  el,
  integral,
  logNormal,
  mount,
  put,
  signed,
  slider,
  svg,
  ticks,
} from "../kit.js";

const LIMITS = { mean: [-4, 4], width: [0.2, 4], gap: [0, 6] };
const SPAN = 7; // the plots show x from -7 to 7
const W = 550;
const H = 404;
const XS = Array.from({ length: 281 }, (_, i) => -SPAN + (i * SPAN) / 140);
const DENSITIES = { x: [-SPAN, SPAN], width: W, height: H, left: 44, right: 12, top: 26, bottom: 208 };
const PLACES = { x: [-SPAN, SPAN], width: W, height: H, left: 44, right: 12, top: 262, bottom: 38 };
const COLOURS = { forward: "var(--gl-blue)", reverse: "var(--gl-orange)" };

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 16px;
  svg { width: ${W}px; max-width: 100%; }
  svg text { font-size: .92em; }
  .knob { cursor: ew-resize; stroke: var(--gl-paper); stroke-width: 2; }
  .knob:focus { outline: none; stroke: var(--gl-amber); stroke-width: 4; }
  .side { width: 20.8em; }
  .one { margin-bottom: 12px; }
  .name { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
  .meter { position: relative; margin: 3px 0; }
  .track { height: 16px; }
  .mark { position: absolute; top: -3px; width: 2px; height: 22px; background: currentColor; }
  .least { font-size: .92em; font-variant-numeric: tabular-nums; }
  .now { margin: 2px 0 10px; font-variant-numeric: tabular-nums; }
  .slider { display: flex; margin: 8px 0; white-space: nowrap; }
  .slider input { flex: 1; }
`;

function logTarget(x, { weight, sigma, gap }) {
  const a = Math.log(weight) + logNormal(x, -gap / 2, sigma);
  const b = Math.log(1 - weight) + logNormal(x, gap / 2, sigma);
  const m = Math.max(a, b);
  return m + Math.log(Math.exp(a - m) + Math.exp(b - m));
}

function integrands(target, q) {
  const p = (x) => logTarget(x, target);
  const g = (x) => logNormal(x, q.mean, q.width);
  return {
    forward: (x) => Math.exp(p(x)) * (p(x) - g(x)), // p log(p/q)
    reverse: (x) => Math.exp(g(x)) * (g(x) - p(x)), // q log(q/p)
  };
}

// KL(p‖q) and KL(q‖p) in nats: target {weight, sigma, gap}, q {mean, width}.
export function divergences(target, q) {
  const { forward, reverse } = integrands(target, q);
  const reach = target.gap / 2 + 9 * target.sigma;
  return {
    forward: integral(forward, -reach, reach),
    reverse: integral(reverse, q.mean - 9 * q.width, q.mean + 9 * q.width),
  };
}

// One step of gradient descent on one of the divergences, in the mean and the logarithm of the width; halved until it
// leads down.
export function descend(target, q, which) {
  const value = (mean, log) => divergences(target, { mean, width: Math.exp(log) })[which];
  const log = Math.log(q.width);
  const h = 1e-4;
  const rate = 0.25 * Math.min(1, q.width ** 2);
  const dMean = (value(q.mean + h, log) - value(q.mean - h, log)) / (2 * h);
  const dLog = (value(q.mean, log + h) - value(q.mean, log - h)) / (2 * h);
  let [byMean, byLog] = [dMean, dLog].map((d) => clamp(-rate * d, -0.15, 0.15));
  const before = value(q.mean, log);
  for (let k = 0; k < 20 && value(q.mean + byMean, log + byLog) > before; k++)
    [byMean, byLog] = [byMean / 2, byLog / 2];
  return {
    mean: clamp(q.mean + byMean, ...LIMITS.mean),
    width: clamp(Math.exp(log + byLog), ...LIMITS.width),
    moved: Math.abs(rate * dMean) + Math.abs(rate * dLog),
  };
}

// The two plots, above the densities, below what is integrated; and the knobs on q.
function plots(root) {
  const picture = svg("svg", root, { viewBox: `0 0 ${W} ${H}` });
  svg("text", picture, { x: 44, y: 14 }, "density (per unit of x)");
  const legend = { x: W - 12, y: 14, "text-anchor": "end" };
  svg("text", picture, legend, "grey: the target p");
  svg("text", picture, { ...legend, dy: "1.3em" }, "line: your Gaussian q");
  const area = svg("path", picture, { fill: "var(--gl-line)", "fill-opacity": 0.7, stroke: "var(--gl-line)" });
  const curve = svg("path", picture, { fill: "none", stroke: "currentColor", "stroke-width": 2.5 });
  svg("text", picture, { x: 44, y: 240 }, "where each divergence comes from (nats per unit of x)");
  const [forward, reverse] = [COLOURS.forward, COLOURS.reverse].map((colour) =>
    svg("path", picture, { fill: colour, "fill-opacity": 0.32, stroke: colour }),
  );
  const marks = svg("g", picture);
  const zero = svg("line", picture, { x1: 44, x2: W - 12, stroke: "var(--gl-line)" });
  axisX(picture, new Frame({ ...DENSITIES, y: [0, 1] }), ticks(-6, 6, 2), { line: false });
  axisX(picture, new Frame({ ...PLACES, y: [0, 1] }), ticks(-6, 6, 2), { line: false, mark: 0 });
  svg("text", picture, { x: W / 2 + 16, y: H - 4, "text-anchor": "middle" }, "x");
  const knob = (name, fill, label) =>
    svg("circle", picture, {
      class: `knob ${name}`,
      r: 9,
      fill,
      role: "slider",
      "aria-label": label,
      "aria-valuemin": LIMITS[name][0],
      "aria-valuemax": LIMITS[name][1],
    });
  const width = knob("width", "var(--gl-line)", "width of q: arrows change it");
  const mean = knob("mean", "currentColor", "mean of q: arrows left and right move it, up and down change the width");
  return { picture, area, curve, forward, reverse, marks, zero, mean, width };
}

function showDensities(drawn, target, q) {
  const p = XS.map((x) => [x, Math.exp(logTarget(x, target))]);
  const g = (x) => Math.exp(logNormal(x, q.mean, q.width));
  const top = Math.max(0.75, 1.08 * Math.max(...p.map((point) => point[1])), 1.08 * g(q.mean));
  const frame = new Frame({ ...DENSITIES, y: [0, top] });
  put(drawn.area, { d: frame.area(p) });
  put(drawn.curve, { d: frame.path(XS.map((x) => [x, g(x)])) });
  drawn.marks.replaceChildren();
  const heights = [0.5, 1, 1.5, 2].filter((v) => v < top);
  axisY(drawn.marks, frame, heights, { text: (v) => v.toFixed(1) });
  for (const [name, x] of [
    ["mean", q.mean],
    ["width", q.mean + q.width],
  ]) {
    const place = Math.min(SPAN - 0.2, x);
    put(drawn[name], { cx: frame.px(place), cy: frame.py(g(x)), "aria-valuenow": q[name].toFixed(2) });
  }
}

function showPlaces(drawn, target, q) {
  const { forward, reverse } = integrands(target, q);
  const curves = { forward: XS.map((x) => [x, forward(x)]), reverse: XS.map((x) => [x, reverse(x)]) };
  const values = Object.values(curves).flatMap((points) => points.map((point) => point[1]));
  const high = Math.max(0.5, ...values);
  const frame = new Frame({ ...PLACES, y: [Math.min(-0.2, ...values), high] });
  for (const [which, points] of Object.entries(curves)) put(drawn[which], { d: frame.area(points) });
  put(drawn.zero, { y1: frame.py(0), y2: frame.py(0) });
  axisY(drawn.marks, frame, [0, high], { mark: 0, text: (v) => v.toFixed(v < 10 ? 1 : 0) });
}

// One divergence: its name, its value as a number and as a bar, and the least so far.
function meter(side, which, name, note) {
  const box = el("div", side, { class: "one" });
  const line = el("div", box, { class: "name" });
  el("b", line, { style: `color:${COLOURS[which]}` }, name);
  const number = el("span", line, { class: which });
  const scale = el("div", box, { class: "meter" });
  const length = bar(scale, COLOURS[which]);
  const mark = el("div", scale, { class: "mark" });
  const best = el("div", box, { class: "least" });
  el("div", box, { class: "least" }, note);
  const format = (value) => Math.max(0, value).toFixed(value < 10 ? 3 : 1);
  return (value, least) => {
    number.textContent = `${format(value)} nats`;
    length(0.4 * value);
    mark.style.left = `${clamp(40 * least.value, 0, 99)}%`;
    const where = `at μ = ${signed(least.mean)}, σ = ${least.width.toFixed(2)}`;
    best.textContent = `lowest so far ${format(least.value)}, ${where}`;
  };
}

// Follows the slope of one divergence, a step a frame, until q rests; at once for who wants no motion.
function run(view, which) {
  view.stop();
  let left = 400;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const frame = () => {
    let moved = 1;
    do {
      const next = descend(view.target, view.q, which);
      view.q = { mean: next.mean, width: next.width };
      moved = next.moved;
      left -= 1;
    } while (calm && left > 0 && moved > 1e-5);
    if (left > 0 && moved > 1e-5) {
      view.update();
      view.frame = requestAnimationFrame(frame);
    } else view.tell();
  };
  frame();
}

// The knobs follow the hand and the keys.
function take(view, { picture, mean, width }) {
  const frame = new Frame({ ...PLACES, y: [0, 1] });
  const key = (event) => (event.shiftKey ? 0.25 : 0.05);
  drag(mean, { move: (event) => view.set(frame.pointer(event, picture)[0], view.q.width) });
  drag(width, { move: (event) => view.set(view.q.mean, frame.pointer(event, picture)[0] - view.q.mean) });
  arrows(mean, (dx, dy, event) => view.set(view.q.mean + key(event) * dx, view.q.width + key(event) * dy));
  arrows(width, (dx, dy, event) => view.set(view.q.mean, view.q.width + key(event) * (dx + dy)));
}

// What stands beside the plots; returns what shows the values.
function panel(root, view) {
  const side = el("div", root, { class: "side" });
  const meters = {
    forward: meter(side, "forward", "KL(p‖q)", "paid where p has something and q does not"),
    reverse: meter(side, "reverse", "KL(q‖p)", "paid where q has something and p does not"),
  };
  const now = el("div", side, { class: "now" });
  const gap = slider(side, {
    label: "modes apart by",
    min: LIMITS.gap[0],
    max: LIMITS.gap[1],
    step: 0.1,
    show: (v) => v.toFixed(1),
    act: (apart) => view.begin(view.q, apart),
  });
  buttons(side, {
    "Descend KL(p‖q)": () => run(view, "forward"),
    "Descend KL(q‖p)": () => run(view, "reverse"),
    "Start again": () => view.begin(view.start, view.start.gap),
  });
  return ({ q, target, least }) => {
    const values = divergences(target, q);
    for (const [which, value] of Object.entries(values)) {
      if (!least[which] || value < least[which].value - 1e-9) least[which] = { value, ...q };
      meters[which](value, least[which]);
    }
    now.textContent = `now: μ = ${signed(q.mean)}, σ = ${q.width.toFixed(2)}`;
    gap.set(target.gap);
  };
}

function setup(root, state, { tell }) {
  const { weight, sigma } = state;
  const view = { start: state, q: null, target: null, least: {}, frame: 0 };
  const drawn = plots(root);
  const showNumbers = panel(root, view);
  view.update = () => {
    showDensities(drawn, view.target, view.q);
    showPlaces(drawn, view.target, view.q);
    showNumbers(view);
  };
  view.stop = () => cancelAnimationFrame(view.frame);
  view.tell = () => {
    view.update();
    tell({ ...view.q, gap: view.target.gap });
  };
  view.set = (mean, width) => {
    view.stop();
    view.q = { mean: clamp(mean, ...LIMITS.mean), width: clamp(width, ...LIMITS.width) };
    view.tell();
  };
  view.begin = (q, gap) => {
    Object.assign(view, { target: { weight, sigma, gap }, least: {} });
    view.set(q.mean, q.width);
  };
  take(view, drawn);
  const show = (given) => {
    const { mean, width, gap } = { ...given, ...given.value };
    view.stop();
    Object.assign(view, { q: { mean, width }, target: { weight, sigma, gap }, least: {} });
    view.update();
  };
  return { show, stop: view.stop };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-kl", label: "A Gaussian to fit to a target with two modes", css: STYLE, setup });
}
