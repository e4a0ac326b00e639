// A Gaussian q, laid over a target p with two modes by hand: KL(p‖q), KL(q‖p), and where each of them comes from.
// state: {weight, sigma, gap, mean, width, value}. Tells: {mean, width, gap}. Integrals are done here, by quadrature.
import {
  Frame,
  Terrain,
  arrows,
  axisX,
  axisY,
  bar,
  button,
  calm,
  clamp,
  drag,
  el,
  integral,
  logNormal,
  mount,
  picture,
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
const MAP = [290, 136]; // pixels of a map of one divergence over the mean and the width
const LONGEST = 900; // places on the path that are kept
const NAMES = { forward: "blue", reverse: "orange" };
const COLOURS = { forward: "var(--gl-blue)", reverse: "var(--gl-orange)" };

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 20px;
  svg { width: ${W}px; max-width: 100%; height: auto; align-self: flex-start; }
  svg text { font-size: .92em; }
  .knob { cursor: ew-resize; stroke: var(--gl-paper); stroke-width: 2; }
  .knob:focus { outline: none; stroke: var(--gl-amber); stroke-width: 4; }
  .side { width: ${MAP[0]}px; }
  .one { margin-bottom: 10px; }
  .one.forward { --gl-accent: var(--gl-blue); } .one.reverse { --gl-accent: var(--gl-orange); }
  .one .name b { color: var(--gl-accent); }
  .one button { padding: .05em .7em; border-color: var(--gl-accent); color: var(--gl-accent); }
  .terrain { cursor: crosshair; margin-top: 4px; }
  .name { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
  .meter { position: relative; margin: 3px 0; }
  .track { height: 10px; }
  .mark { position: absolute; top: -3px; width: 2px; height: 16px; background: currentColor; }
  .least { font-size: .92em; font-variant-numeric: tabular-nums; color: var(--gl-soft); }
  .below { display: flex; flex-wrap: wrap; gap: 6px 20px; align-items: center; margin-top: 10px; }
  .now { font-variant-numeric: tabular-nums; min-width: 11em; }
  .slider { white-space: nowrap; }
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

// Both divergences as functions of q's mean and width, fast enough for a map: the forward one knows of p only its
// entropy and its first two moments; the reverse one is a short quadrature in q's own units.
export function maps(target) {
  const { weight, sigma, gap } = target;
  const spread = weight * (1 - weight) * gap ** 2;
  const moments = { mean: (0.5 - weight) * gap, variance: sigma ** 2 + spread };
  const reach = gap / 2 + 9 * sigma;
  const negentropy = integral((x) => Math.exp(logTarget(x, target)) * logTarget(x, target), -reach, reach);
  const forward = (mean, width) => {
    const squares = moments.variance + (moments.mean - mean) ** 2;
    return negentropy + 0.5 * Math.log(2 * Math.PI * width ** 2) + squares / (2 * width ** 2);
  };
  const minusQ = (width) => 0.5 * Math.log(2 * Math.PI * width ** 2) + 0.5; // the entropy of q
  const gaussian = Array.from({ length: 101 }, (_, i) => -5 + 0.1 * i).map((e) => [
    e,
    0.1 * Math.exp(logNormal(e, 0, 1)),
  ]);
  const reverse = (mean, width) =>
    -minusQ(width) - gaussian.reduce((sum, [e, mass]) => sum + mass * logTarget(mean + width * e, target), 0);
  return { forward, reverse };
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
  const label = "above, the target p and your Gaussian q; below, where each divergence comes from";
  const drawing = picture(root, [W, H], label, { hands: true });
  svg("text", drawing, { x: 44, y: 14 }, "density (per unit of x)");
  const legend = { x: W - 12, y: 14, "text-anchor": "end" };
  svg("text", drawing, legend, "grey: the target p");
  svg("text", drawing, { ...legend, dy: "1.3em" }, "line: your Gaussian q");
  const area = svg("path", drawing, { fill: "var(--gl-line)", "fill-opacity": 0.7, stroke: "var(--gl-line)" });
  const curve = svg("path", drawing, { fill: "none", stroke: "currentColor", "stroke-width": 2.5 });
  svg("text", drawing, { x: 44, y: 240 }, "where each divergence comes from (nats per unit of x)");
  const [forward, reverse] = [COLOURS.forward, COLOURS.reverse].map((colour) =>
    svg("path", drawing, { fill: colour, "fill-opacity": 0.32, stroke: colour }),
  );
  const marks = svg("g", drawing);
  const zero = svg("line", drawing, { x1: 44, x2: W - 12, stroke: "var(--gl-line)" });
  axisX(drawing, new Frame({ ...DENSITIES, y: [0, 1] }), ticks(-6, 6, 2), { line: false });
  axisX(drawing, new Frame({ ...PLACES, y: [0, 1] }), ticks(-6, 6, 2), { line: false, mark: 0 });
  svg("text", drawing, { x: W / 2 + 16, y: H - 4, "text-anchor": "middle" }, "x");
  const knob = (name, fill, what) =>
    svg("circle", drawing, {
      class: `knob ${name}`,
      r: 9,
      fill,
      role: "slider",
      "aria-label": what,
      "aria-valuemin": LIMITS[name][0],
      "aria-valuemax": LIMITS[name][1],
    });
  const width = knob("width", "var(--gl-line)", "width of q: arrows change it");
  const mean = knob("mean", "currentColor", "mean of q: arrows left and right move it, up and down change the width");
  return { drawing, area, curve, forward, reverse, marks, zero, mean, width };
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

// One divergence: its name, its value as a number and as a bar, the least so far, and its map over q's mean and width.
function meter(side, which, name, note, view, theme) {
  const box = el("div", side, { class: `one ${which}` });
  const line = el("div", box, { class: "name" });
  el("b", line, {}, name);
  const number = el("span", line, { class: which });
  button(line, "Descend", () => run(view, which), { "aria-label": `Descend ${name}` });
  const scale = el("div", box, { class: "meter" });
  const length = bar(scale, COLOURS[which]);
  const mark = el("div", scale, { class: "mark" });
  el("div", box, { class: "least" }, note);
  const map = new Terrain(box, {
    ...{ x: LIMITS.mean, y: LIMITS.width, width: MAP[0], height: MAP[1], names: ["μ", "σ"], theme },
    label: `map of ${name} over the mean and the width of q, darker where it is smaller; arrow keys move q`,
    act: (mean, width) => view.set(mean, width),
  });
  const best = el("div", box, { class: "least" });
  const format = (value) => Math.max(0, value).toFixed(value < 10 ? 3 : 1);
  const show = (value, least) => {
    number.textContent = `${format(value)} nats`;
    length(0.4 * value);
    mark.style.left = `${clamp(40 * least.value, 0, 99)}%`;
    const where = `at μ = ${signed(least.mean)}, σ = ${least.width.toFixed(2)}`;
    best.textContent = `lowest so far ${format(least.value)}, ${where}`;
    map.show({ here: [view.q.mean, view.q.width], path: view.path });
  };
  return { map, show };
}

// Follows the slope of one divergence, a step a frame, until q rests; at once for who wants no motion.
function run(view, which) {
  view.stop();
  view.path = [[view.q.mean, view.q.width]];
  let left = 400;
  const frame = () => {
    let moved = 1;
    do {
      const next = descend(view.target, view.q, which);
      view.q = { mean: next.mean, width: next.width };
      view.path.push([next.mean, next.width]);
      moved = next.moved;
      left -= 1;
    } while (calm() && left > 0 && moved > 1e-5);
    if (left > 0 && moved > 1e-5) {
      view.update();
      view.frame = requestAnimationFrame(frame);
    } else view.tell();
  };
  frame();
}

// The knobs follow the hand and the keys.
function take(view, { drawing, mean, width }) {
  const frame = new Frame({ ...PLACES, y: [0, 1] });
  const key = (event) => (event.shiftKey ? 0.25 : 0.05);
  drag(mean, { move: (event) => view.set(frame.pointer(event, drawing)[0], view.q.width) });
  drag(width, { move: (event) => view.set(view.q.mean, frame.pointer(event, drawing)[0] - view.q.mean) });
  arrows(mean, (dx, dy, event) => view.set(view.q.mean + key(event) * dx, view.q.width + key(event) * dy));
  arrows(width, (dx, dy, event) => view.set(view.q.mean, view.q.width + key(event) * (dx + dy)));
}

// What stands beside and below the plots; returns what shows the values, and what draws the maps of a target.
function panel(side, below, view, theme) {
  const meters = {
    forward: meter(side, "forward", "KL(p‖q)", "paid where p has something and q does not", view, theme),
    reverse: meter(side, "reverse", "KL(q‖p)", "paid where q has something and p does not", view, theme),
  };
  const now = el("div", below, { class: "now say" });
  const gap = slider(below, {
    label: "modes apart by",
    min: LIMITS.gap[0],
    max: LIMITS.gap[1],
    step: 0.1,
    show: (v) => v.toFixed(1),
    act: (apart) => view.begin(view.q, apart),
  });
  button(below, "Start again", () => view.begin(view.start, view.start.gap));
  const show = ({ q, target, least }) => {
    const values = divergences(target, q);
    for (const [which, value] of Object.entries(values)) {
      if (!least[which] || value < least[which].value - 1e-9) least[which] = { value, ...q };
      meters[which].show(value, least[which]);
    }
    now.textContent = `now: μ = ${signed(q.mean)}, σ = ${q.width.toFixed(2)}`;
    gap.set(target.gap);
  };
  const ground = () => Object.entries(meters).forEach(([which, { map }]) => map.ground(theme[NAMES[which]]));
  const survey = (target) => {
    const height = maps(target);
    for (const [which, { map }] of Object.entries(meters)) map.measure(height[which]);
    ground();
  };
  return { show, ground, survey };
}

function setup(root, state, { tell, theme }) {
  const { weight, sigma } = state;
  const view = { start: state, q: null, target: null, least: {}, path: [], frame: 0 };
  const left = el("div", root);
  const drawn = plots(left);
  const {
    show: showNumbers,
    ground,
    survey,
  } = panel(el("div", root, { class: "side" }), el("div", left, { class: "below" }), view, theme);
  const aim = (gap) => {
    if (gap !== view.target?.gap) survey({ weight, sigma, gap });
    Object.assign(view, { target: { weight, sigma, gap }, least: {}, path: [] });
  };
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
    view.path = [...view.path, [view.q.mean, view.q.width]].slice(-LONGEST);
    view.tell();
  };
  view.begin = (q, gap) => {
    aim(gap);
    view.set(q.mean, q.width);
  };
  take(view, drawn);
  const show = (given) => {
    const { mean, width, gap } = { ...given, ...given.value };
    view.stop();
    view.q = { mean, width };
    aim(gap);
    view.update();
  };
  const paint = () => {
    ground();
    view.update();
  };
  return { show, paint, stop: view.stop };
}

const HINT =
  "Make the blue number as small as you can, then the orange one. Where does q lie each time? " +
  "Then let it descend, from the left and from the right.";

export function draw(element, state) {
  const title = "Two divergences: cover both modes, or seek one";
  mount(element, state, { name: "gl-kl", title, hint: HINT, width: 892, css: STYLE, setup });
}
