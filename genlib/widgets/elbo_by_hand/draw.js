// The ELBO by hand: a model of one number z whose posterior is known by quadrature; you set q's mean and width.
// state: {posterior: "gaussian" | "bimodal", mean, sd, terms, value}. Tells: {posterior, mean, sd}.
import {
  Frame,
  Terrain,
  arrows,
  axisX,
  buttons,
  changing,
  clamp,
  clip,
  drag,
  el,
  gliding,
  integral,
  logNormal,
  mount,
  picture,
  put,
  radios,
  signed,
  svg,
  ticks,
  underNormal,
} from "../kit.js";

// z ~ N(0, 1) and x = f(z) + noise of standard deviation 0.75. With f(z) = z the posterior is Gaussian; with z²,
// z and -z explain x equally well. The same numbers stand in widget.py.
const NOISE = 0.75;
const MODELS = {
  gaussian: { text: "Gaussian (x = z + noise,  x = 1.5)", x: 1.5, f: (z) => z },
  bimodal: { text: "bimodal (x = z² + noise,  x = 2.25)", x: 2.25, f: (z) => z * z },
};
const RANGES = { mean: [-3, 3], sd: [0.1, 2] };
const W = 760;
const TOP = 1.15; // the highest density that is shown
const PLOT = { x: [-4, 4], y: [0, TOP], width: W, left: 20, right: 20, top: 8 };
const BASE_LINE = 213; // where density 0 is, in pixels from the top
const ZS = Array.from({ length: 401 }, (_, i) => -4 + i / 50);
// The bars hang from 0 at the right: a longer one is a smaller logarithm.
const FLOOR = -8;
const MAP = [390, 126]; // pixels of the map of the gap over q's mean and standard deviation
const BARS = { x: [FLOOR, 0], y: [0, 1], width: W, height: 1, left: 142, right: 20 };
const FIRST = 258; // the first bar's top
const STEP = 34;
const THICK = 24;

const STYLE = `
  max-width: 780px;
  svg { width: 100%; height: auto; touch-action: none; }
  .handle { cursor: ew-resize; outline: none; }
  .handle circle { stroke-width: 2.5; }
  .handle:is(:focus, :focus-visible) circle { stroke: var(--gl-ink); }
  .row { gap: 4px 18px; margin-bottom: 4px; }
  .label { fill: var(--gl-paper); font-weight: 600; }
  .foot { display: flex; gap: 22px; align-items: flex-start; margin-top: 6px; }
  .terrain { cursor: crosshair; }
  figcaption { font-weight: 400; color: var(--gl-soft); max-width: ${MAP[0]}px; margin-left: 30px; }
  .beside { flex: 1; min-width: 15em; padding-top: 2px; }
  .beside .row { margin-top: 10px; }
  .say b { color: var(--gl-orange); }
`;

const logLikelihood = (model, z) => logNormal(model.x, model.f(z), NOISE);
const logJoint = (model, z) => logLikelihood(model, z) + logNormal(z, 0, 1);

// log p(x), the ELBO of q = N(mean, sd²), the gap between them and the ELBO's two terms, in nats.
export function bound(posterior, mean, sd) {
  const model = MODELS[posterior];
  const underQ = (g) => underNormal((e) => g(mean + sd * e)); // z = mean + sd e
  const logP = Math.log(integral((z) => Math.exp(logJoint(model, z)), -10, 10));
  const reconstruction = underQ((z) => logLikelihood(model, z));
  const kl = underQ((z) => logNormal(z, mean, sd) - logNormal(z, 0, 1));
  const gap = underQ((z) => logNormal(z, mean, sd) - (logJoint(model, z) - logP));
  return { logP, elbo: reconstruction - kl, gap, reconstruction, kl };
}

// The gap as a function of q's mean and standard deviation, fast enough for a map of it.
export function gapOf(posterior) {
  const model = MODELS[posterior];
  const logP = Math.log(integral((z) => Math.exp(logJoint(model, z)), -10, 10));
  const noise = Array.from({ length: 49 }, (_, i) => -6 + 0.25 * i);
  const weighted = noise.map((e) => [e, 0.25 * Math.exp(logNormal(e, 0, 1))]);
  return (mean, sd) =>
    logP -
    Math.log(sd * Math.sqrt(2 * Math.PI * Math.E)) - // minus the entropy of q
    weighted.reduce((sum, [e, mass]) => sum + mass * logJoint(model, mean + sd * e), 0);
}

// Downhill from a place, in steps that are halved where none of four leads down.
function downhill(gap, from) {
  const inside = ([m, s]) => [clamp(m, ...RANGES.mean), clamp(s, ...RANGES.sd)];
  let [place, low, step] = [from, gap(...from), 0.2];
  while (step > 1e-4) {
    const moves = [[step, 0], [-step, 0], [0, step], [0, -step]]; // prettier-ignore
    const around = moves.map(([m, s]) => inside([place[0] + m, place[1] + s]));
    const values = around.map((next) => gap(...next));
    const least = values.indexOf(Math.min(...values));
    if (values[least] < low) [place, low] = [around[least], values[least]];
    else step /= 2;
  }
  return { mean: place[0], sd: place[1], gap: low };
}

// The q with the smallest gap of all; of two that are as good, the one nearer to a mean.
export function best(posterior, mean) {
  const gap = gapOf(posterior);
  const found = [-2, -1, 0, 1, 2].map((start) => downhill(gap, [start, 0.5]));
  const least = Math.min(...found.map((each) => each.gap));
  const good = found.filter((each) => each.gap < least + 1e-5);
  return good.reduce((a, b) => (Math.abs(b.mean - mean) < Math.abs(a.mean - mean) ? b : a));
}

function legend(drawing) {
  const dash = { stroke: "var(--gl-grey)", "stroke-width": 1.5, "stroke-dasharray": "4 4" };
  const entries = [
    ["p(z | x), the true posterior", { stroke: "var(--gl-blue)", "stroke-width": 3 }],
    ["q(z), yours", { stroke: "var(--gl-orange)", "stroke-width": 3 }],
    ["p(z), the prior", dash],
  ];
  entries.forEach(([text, stroke], i) => {
    const y = 20 + 22 * i;
    svg("text", drawing, { x: W - 48, y: y + 4, "text-anchor": "end" }, text);
    svg("line", drawing, { x1: W - 40, x2: W - 20, y1: y, y2: y, ...stroke });
  });
}

// The densities over z, and the handles of q: the mean at its top, the standard deviation on its shoulder.
function densities(drawing, frame) {
  const [blue, red] = ["var(--gl-blue)", "var(--gl-orange)"];
  const inside = clip(drawing, frame);
  const posterior = svg("path", inside, { fill: blue, "fill-opacity": 0.25, stroke: blue, "stroke-width": 1.5 });
  const prior = svg("path", inside, { fill: "none", stroke: "var(--gl-grey)", "stroke-dasharray": "4 4" });
  const q = svg("path", inside, { fill: red, "fill-opacity": 0.12, stroke: red, "stroke-width": 2.5 });
  put(prior, { d: frame.path(ZS.map((z) => [z, Math.exp(logNormal(z, 0, 1))])) });
  axisX(drawing, frame, ticks(-3, 3, 1));
  svg("text", drawing, { x: frame.right - 4, y: BASE_LINE, dy: "1.35em", "text-anchor": "end" }, "z");
  legend(drawing);
  const spread = svg("path", drawing, { stroke: red, "stroke-width": 2 });
  const stem = svg("path", drawing, { stroke: red, "stroke-dasharray": "2 3" });
  const handle = (key, label, fill, stroke) => {
    const [low, high] = RANGES[key];
    const range = { "aria-label": label, "aria-valuemin": low, "aria-valuemax": high };
    const node = svg("g", drawing, { class: "handle", role: "slider", "data-handle": key, ...range });
    svg("circle", node, { r: 9, fill, stroke });
    return node;
  };
  const mean = handle("mean", "mean of q", red, "var(--gl-paper)");
  const sd = handle("sd", "standard deviation of q", "var(--gl-paper)", red);
  return { posterior, q, spread, stem, handles: { mean, sd } };
}

function showDensities({ posterior, q, spread, stem, handles }, frame, now, logP) {
  const model = MODELS[now.posterior];
  const density = (z) => Math.exp(logNormal(z, now.mean, now.sd));
  put(posterior, { d: frame.area(ZS.map((z) => [z, Math.exp(logJoint(model, z) - logP)])) });
  put(q, { d: frame.area(ZS.map((z) => [z, density(z)])) });
  const top = [now.mean, Math.min(0.97 * TOP, density(now.mean))];
  const shoulder = [now.mean + now.sd, top[1] * Math.exp(-0.5)];
  put(stem, { d: frame.path([[now.mean, 0], top]) }); // prettier-ignore
  put(spread, { d: frame.path([[now.mean, shoulder[1]], shoulder]) }); // prettier-ignore
  for (const [key, place] of [
    ["mean", top],
    ["sd", shoulder],
  ]) {
    // prettier-ignore
    put(handles[key], { transform: `translate(${frame.at(place).join(" ")})`, "aria-valuenow": now[key].toFixed(2) });
  }
}

// The bars in nats; returns what sets their lengths and labels.
function bars(drawing, terms, theme) {
  const frame = new Frame(BARS);
  const rows = terms ? ["log p(x)", "ELBO", "its two terms"] : ["log p(x)", "ELBO"];
  const foot = FIRST + STEP * rows.length;
  for (const v of ticks(FLOOR, 0, 2)) {
    const x = frame.px(v);
    svg("line", drawing, { x1: x, x2: x, y1: FIRST - 6, y2: foot, stroke: "var(--gl-faint)" });
    svg("text", drawing, { x, y: foot + 15, "text-anchor": "middle", class: "tick" }, signed(v, 0));
  }
  svg("text", drawing, { x: frame.left - 30, y: foot + 15, "text-anchor": "end", class: "tick" }, "nats");
  const names = rows.map((name, i) =>
    svg("text", drawing, { x: frame.left - 10, y: FIRST + STEP * i + 17, "text-anchor": "end" }, name),
  );
  // From one value down to another, with as much of the label as has room.
  const part = (row, colour) => {
    const y = FIRST + STEP * row;
    const node = svg("rect", drawing, { y, height: THICK, fill: `var(--gl-${colour})` });
    const text = svg("text", drawing, { y: y + 17, "text-anchor": "middle", class: "label" });
    return (from, to, name, value) => {
      const [right, left] = [from, to].map((v) => frame.px(Math.max(v, FLOOR)));
      put(node, { x: left, width: Math.max(0, right - left) });
      put(text, { x: (left + right) / 2 });
      const labels = value === undefined ? [] : [`${name}  ${signed(value)}`, signed(value)];
      text.textContent = labels.find((label) => right - left > 8.5 * theme.scale * label.length) ?? "";
    };
  };
  const parts = { logP: part(0, "blue"), same: part(1, "blue"), gap: part(1, "orange") };
  if (terms) Object.assign(parts, { reconstruction: part(2, "green"), kl: part(2, "pink") });
  return { ...parts, elbo: names[1] };
}

function showBars(drawn, n) {
  drawn.logP(0, n.logP, "", n.logP);
  drawn.same(0, n.logP);
  drawn.gap(n.logP, n.elbo, "gap", n.gap);
  drawn.elbo.textContent = `ELBO  ${signed(n.elbo)}`;
  drawn.reconstruction?.(0, n.reconstruction, "E log p(x|z)", n.reconstruction);
  drawn.kl?.(n.reconstruction, n.elbo, "KL(q‖p)", n.kl);
}

function showWords(say, { mean, sd }, n, terms) {
  const beyond = n.elbo < FLOOR ? " (the bar goes on beyond the left edge)" : "";
  const both = `E log p(x|z) ${signed(n.reconstruction)} − KL(q‖p) ${signed(n.kl)} = ELBO ${signed(n.elbo)}.`;
  say.replaceChildren();
  el("div", say, {}, `q: mean ${signed(mean)}, standard deviation ${signed(sd)}.`);
  const line = el("div", say, {}, `ELBO ${signed(n.elbo)} = log p(x) ${signed(n.logP)} − `);
  el("b", line, {}, `gap ${signed(n.gap)}`);
  line.append(` nats${beyond}.`);
  if (terms) el("div", say, {}, both);
}

// The handles follow the hand and the keys; the curve itself drags the mean.
function take(drawing, frame, handles, read, set) {
  let [key, offset] = ["mean", 0];
  drag(drawing, {
    down(event) {
      const [z, density] = frame.pointer(event, drawing);
      if (density < 0) return false;
      key = event.target.closest(".handle")?.dataset.handle ?? "mean";
      offset = read(key) - z;
      handles[key].focus();
      event.preventDefault(); // else the focus goes to what is under the hand
    },
    move: (event) => set(key, frame.pointer(event, drawing)[0] + offset),
  });
  for (const [name, node] of Object.entries(handles)) {
    arrows(node, (dx, dy, event) => set(name, read(name) + (dx + dy) * (event.shiftKey ? 0.25 : 0.05)));
  }
}

// The gap as a landscape, to be walked in; returns what draws it.
function landscape(foot, now, set, theme) {
  const figure = el("figure", foot);
  const map = new Terrain(figure, {
    ...{ x: RANGES.mean, y: RANGES.sd, width: MAP[0], height: MAP[1], names: ["mean of q", "sd of q"], theme },
    label: "map of the gap over the mean and the standard deviation of q, darker where it is smaller",
    act: (mean, sd) => set({ mean, sd }),
  });
  el("figcaption", figure, {}, "the gap for every q: the darker, the smaller");
  let [of, found] = ["", null];
  const show = () => {
    if (of !== now.posterior) {
      map.measure(gapOf(now.posterior));
      map.ground(theme.orange);
      found = null;
    }
    of = now.posterior;
    map.show({ here: [now.mean, now.sd], marks: found ? [[found.mean, found.sd]] : [] });
  };
  return { show, star: (place) => (found = place), repaint: () => (of = "") };
}

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const row = el("div", root, { class: "row" });
  el("span", row, {}, "true posterior:");
  const options = Object.entries(MODELS).map(([value, { text }]) => [value, text]);
  const choose = (posterior) => set({ posterior });
  const chosen = radios(row, { label: "true posterior", options, act: choose });
  const height = state.terms ? 386 : 352;
  const label = "densities over z: the true posterior, the prior and q; below, log p(x) and the ELBO as bars";
  const plane = picture(root, [W, height], label, { hands: true });
  const frame = new Frame({ ...PLOT, height, bottom: height - BASE_LINE });
  const plot = densities(plane, frame);
  const nats = bars(plane, state.terms, theme);
  const foot = el("div", root, { class: "foot" });
  const round = (key, value) => Math.round(100 * clamp(value, ...RANGES[key])) / 100;
  const { glide, stop } = gliding(([mean, sd]) => change({ mean: round("mean", mean), sd: round("sd", sd) }), 700);
  const set = ({ mean = now.mean, sd = now.sd, posterior = now.posterior }) => {
    stop();
    change({ mean: round("mean", mean), sd: round("sd", sd), posterior });
  };
  const map = landscape(foot, now, set, theme);
  const beside = el("div", foot, { class: "beside" });
  const say = el("div", beside, { class: "say" });
  const to = (place) => glide([now.mean, now.sd], [place.mean, place.sd]);
  buttons(beside, {
    "Show the best q": () => to(map.star(best(now.posterior, now.mean))),
    "Start again": () => to(state),
  });
  const read = (key) => now[key];
  take(plane, frame, plot.handles, read, (key, value) => set({ [key]: value }));
  function update() {
    const n = bound(now.posterior, now.mean, now.sd);
    chosen.set(now.posterior);
    showDensities(plot, frame, now, n.logP);
    showBars(nats, n);
    map.show();
    showWords(say, now, n, state.terms);
    Object.assign(root.dataset, { elbo: n.elbo, logp: n.logP, gap: n.gap, reconstruction: n.reconstruction, kl: n.kl });
  }
  const show = (given) => {
    const { posterior, mean, sd } = given.value?.posterior ? given.value : given;
    Object.assign(now, { posterior, mean, sd });
    update();
  };
  const paint = () => {
    map.repaint();
    update();
  };
  return { show, paint, stop };
}

const HINT =
  "Drag the filled handle (the mean) and the open one (the width) until the orange gap is as small as you can " +
  "get it. Then choose the other posterior: how small now, and why no smaller?";

export function draw(element, state) {
  mount(element, state, { name: "gl-elbo", title: "The ELBO by hand", hint: HINT, width: 720, css: STYLE, setup });
}
