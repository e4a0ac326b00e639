// Schedules: drag the curve of the log signal-to-noise ratio, and see α and σ, the data at all times, and where the
// bits are paid.
// state: {data, handles: [K], rungs, picture: [H][W] in −1..1 or null, noise: as picture, hint}.
// value: {data, handles, rungs}. Tells: value. root.schedule has {total, ladder, spread}, in bits.
import { Frame, arrows, axisX, axisY, buttons, canvas, changing, choice, clamp, drag, el, mount } from "../kit.js";
import { picture, put, signed, slider, svg, ticks } from "../kit.js";
import { DATA, RANGE, SHAPES, curveThrough, density, errorTable, evenly, noiseOf, paid } from "./bits.js";

const BOX = { width: 400, height: 214, left: 42, right: 10, top: 24, bottom: 34 };
const TIME = [0, 1];
const MAP = [200, 90]; // cells of the map of densities
const TALL = 2.6; // of the line that is shown
const BIT = Math.LN2;
const SHOWN = 9; // noisy pictures
const CELL = 58;
const POINTS = 120; // of a line

const STYLE = `
  .four { display: grid; grid-template-columns: repeat(auto-fit, ${BOX.width}px); gap: 6px 14px;
    max-width: ${2 * BOX.width + 14}px; }
  .four > div { position: relative; }
  .four canvas { position: absolute; }
  .handle { cursor: ns-resize; }
  .handle circle { fill: var(--gl-paper); stroke: var(--gl-ink); stroke-width: 2.5; }
  .handle.end circle { fill: var(--gl-ink); }
  .handle:focus { outline: none; } .handle:focus circle { stroke: var(--gl-sky); stroke-width: 5; }
  .under { margin: 8px 0 4px; gap: 6px 12px; }
  .under .num { min-width: 2.4em; }
  .say { min-height: 4.4em; }
  .pictures { display: flex; gap: 6px; margin-top: 6px; }
  .pictures canvas { width: ${CELL}px; height: ${CELL}px; image-rendering: pixelated;
    border: 1px solid var(--gl-faint); }
  .legend { font-weight: 600; }
`;

// An SVG picture over time with axes; returns it and its frame.
function chart(parent, label, y, marks, text) {
  const frame = new Frame({ x: TIME, y, ...BOX });
  const root = picture(parent, [BOX.width, BOX.height], label, { hands: label.startsWith("handles") });
  axisX(root, frame, [0, 0.25, 0.5, 0.75, 1], { at: y[0], text: (t) => String(t) });
  svg("text", root, { x: frame.right, y: BOX.height - 2, "text-anchor": "end" }, "time t");
  if (marks) axisY(root, frame, marks, { line: true, ...(text && { text }) });
  return { root, frame };
}

const title = (root, parts) => {
  const line = svg("text", root, { x: 2, y: 13, class: "legend" });
  for (const [text, fill] of parts) svg("tspan", line, fill ? { fill } : {}, text);
  return line;
};
const times = Array.from({ length: POINTS + 1 }, (_, i) => i / POINTS);

// The curve of λ with its handles; act(k, λ) hears where one goes.
function handlesOf(parent, count, act) {
  const { root, frame } = chart(parent, "handles of the curve λ(t)", RANGE, ticks(-10, 10, 5));
  title(root, [["λ(t) = log α²/σ²: drag the handles"]]);
  const line = svg("path", root, { fill: "none", stroke: "var(--gl-ink)", "stroke-width": 2.2 });
  let lambdas = [];
  const knobs = Array.from({ length: count }, (_, k) => {
    const end = k === 0 || k === count - 1;
    const t = k / (count - 1);
    const node = svg("g", root, {
      class: `handle${end ? " end" : ""}`,
      role: "slider",
      "aria-label": `λ at t = ${t.toFixed(2)}${end ? ", an end" : ""}`,
    });
    svg("circle", node, { cx: frame.px(t), cy: 0, r: 7 });
    drag(node, { move: (event) => act(k, frame.pointer(event, root)[1]) });
    arrows(node, (dx, dy, event) => act(k, lambdas[k] + (event.shiftKey ? 2 : 0.5) * (dx + dy)));
    return node;
  });
  return (handles, curve) => {
    lambdas = handles;
    put(line, { d: frame.path(times.map((t) => [t, curve.at(t)])) });
    knobs.forEach((node, k) => {
      put(node, {
        transform: `translate(0 ${frame.py(handles[k]).toFixed(1)})`,
        "aria-valuenow": handles[k].toFixed(1),
      });
    });
  };
}

// α and σ over time.
function alphaSigma(parent) {
  const { root, frame } = chart(parent, "alpha and sigma over time", [0, 1.05], [0, 0.5, 1]);
  title(root, [
    ["α(t), signal", "var(--gl-blue)"],
    ["   σ(t), noise", "var(--gl-orange)"],
  ]);
  const lines = ["var(--gl-blue)", "var(--gl-orange)"].map((stroke) =>
    svg("path", root, { fill: "none", stroke, "stroke-width": 2.2 }),
  );
  return (curve) => {
    const noises = times.map((t) => [t, noiseOf(curve.at(t))]);
    put(lines[0], { d: frame.path(noises.map(([t, { alpha }]) => [t, alpha])) });
    put(lines[1], { d: frame.path(noises.map(([t, { sigma }]) => [t, sigma])) });
  };
}

// p_t(x) at all times, a column each, on its own scale.
function marginals(parent) {
  const { root, frame } = chart(parent, "the density of the noisy data over time", [-TALL, TALL], ticks(-2, 2, 1));
  title(root, [["p_t(x): the data on a line, noised"]]);
  const [wide, high] = [frame.right - frame.left, frame.bottom - frame.top];
  const node = canvas(parent, wide, high, {
    style: `left:${frame.left}px;top:${frame.top}px;width:${wide}px;height:${high}px`,
    role: "img",
    "aria-label": "a map of the density over time",
  });
  const below = document.createElement("canvas");
  [below.width, below.height] = MAP;
  return (curve, data, theme) => {
    const context = below.getContext("2d");
    const image = context.createImageData(...MAP);
    const tones = [theme.paper, theme.blue].map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
    for (let c = 0; c < MAP[0]; c++) {
      const noise = noiseOf(curve.at((c + 0.5) / MAP[0]));
      const column = Array.from({ length: MAP[1] }, (_, r) =>
        density(TALL - ((r + 0.5) / MAP[1]) * 2 * TALL, data, noise),
      );
      const most = Math.max(...column);
      column.forEach((p, r) => {
        const share = 0.9 * Math.sqrt(p / most);
        const at = 4 * (r * MAP[0] + c);
        for (let k = 0; k < 3; k++) image.data[at + k] = tones[0][k] + share * (tones[1][k] - tones[0][k]);
        image.data[at + 3] = 255;
      });
    }
    context.putImageData(image, 0, 0);
    const shown = node.getContext("2d");
    shown.drawImage(below, 0, 0, wide, high);
  };
}

// Where the bits are paid: an area for the integral, bars for a ladder.
function bills(parent) {
  const y = [0, 12];
  const { root, frame } = chart(parent, "bits paid over time", y, [0, 4, 8, 12]);
  title(root, [
    ["bits paid per unit of time", "var(--gl-green)"],
    ["   by T steps", "var(--gl-orange)"],
  ]);
  const bars = svg("path", root, { fill: "var(--gl-orange)", "fill-opacity": 0.3, stroke: "var(--gl-orange)" });
  const area = svg("path", root, { fill: "var(--gl-green)", "fill-opacity": 0.3 });
  const line = svg("path", root, { fill: "none", stroke: "var(--gl-green)", "stroke-width": 2.2 });
  return ({ moments, each, steps }) => {
    const points = moments.map((t, i) => [t, Math.min(y[1], each[i] / BIT)]);
    put(area, { d: frame.area(points) });
    put(line, { d: frame.path(points) });
    const n = steps.length;
    const outline = steps.flatMap((v, i) => {
      const top = Math.min(y[1], (v * n) / BIT);
      return [[i / n, 0], [i / n, top], [(i + 1) / n, top], [(i + 1) / n, 0]]; // prettier-ignore
    });
    put(bars, { d: frame.path(outline) });
  };
}

// One picture at times from 0 to 1, under the same noise.
function noisyPictures(parent, state) {
  if (!state.picture) return () => {};
  const [H, W] = [state.picture.length, state.picture[0].length];
  const box = el("div", parent, { class: "pictures", role: "img", "aria-label": "a picture from t = 0 to t = 1" });
  const nodes = Array.from({ length: SHOWN }, () => el("canvas", box, { width: W, height: H, "aria-hidden": "true" }));
  return (curve) =>
    nodes.forEach((node, i) => {
      const { alpha, sigma } = noiseOf(curve.at(i / (SHOWN - 1)));
      const context = node.getContext("2d");
      const image = context.createImageData(W, H);
      for (let p = 0; p < H * W; p++) {
        const [r, c] = [Math.floor(p / W), p % W];
        const ink = (1 + alpha * state.picture[r][c] + sigma * state.noise[r][c]) / 2;
        image.data.set([...Array(3).fill(255 * (1 - clamp(ink, 0, 1))), 255], 4 * p);
      }
      context.putImageData(image, 0, 0);
    });
}

function words(say, now, bill, start) {
  const bits = (v) => `${signed(v / BIT, 3)} bits`;
  const [first, last] = [now.handles[0], now.handles.at(-1)];
  say.replaceChildren();
  const ends = `From λ = ${signed(first, 1)} down to ${signed(last, 1)}`;
  el("div", say, {}, `${ends} the diffusion term is ${bits(bill.total)}, whatever the curve in between.`);
  const more = `With T = ${now.rungs} steps it is ${bits(bill.ladder)}, and that depends on the curve.`;
  el("div", say, {}, more);
  const moved = Math.abs(first - start[0]) + Math.abs(last - start.at(-1)) > 1e-9;
  const spread = `A guess from one random t is off by ${bits(bill.spread)} (standard deviation).`;
  el("div", say, {}, moved ? `${spread} You moved an end: now the total is another.` : spread);
}

function controlsOf(root, now, change, state) {
  const row = el("div", root, { class: "row under" });
  const data = choice(row, {
    label: "data",
    name: "data",
    options: Object.keys(DATA),
    act: (v) => change({ data: v }),
  });
  const ends = () => [now.handles[0], now.handles.at(-1)];
  const shape = (make) => () => {
    const n = now.handles.length;
    change({ handles: Array.from({ length: n }, (_, k) => round(make(k / (n - 1), ...ends()))) });
  };
  buttons(row, {
    ...Object.fromEntries(Object.entries(SHAPES).map(([name, make]) => [name, shape(make)])),
    "pay evenly": () => change({ handles: evenly(now.handles.length, ...ends(), tableOf(now.data)).map(round) }),
    "Start again": () => change({ handles: state.handles.slice() }),
  });
  const act = (rungs) => change({ rungs });
  const dial = slider(row, { label: "T steps", name: "rungs", min: 2, max: 100, step: 1, show: String, act });
  return () => {
    data.set(now.data);
    dial.set(now.rungs);
  };
}

const round = (v) => Number(v.toFixed(3));
const tables = new Map();
const tableOf = (name) => {
  if (!tables.has(name)) tables.set(name, errorTable(DATA[name]));
  return tables.get(name);
};

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const count = state.handles.length;
  if (!(count >= 3 && count <= 20)) throw new RangeError("no handles");
  const four = el("div", root, { class: "four" });
  const part = () => el("div", four);
  const move = (k, value) => {
    const handles = now.handles.slice();
    const [above, under] = [k ? handles[k - 1] - 0.1 : RANGE[1], k < count - 1 ? handles[k + 1] + 0.1 : RANGE[0]];
    handles[k] = round(clamp(value, under, above));
    change({ handles });
  };
  const curveOf = handlesOf(part(), count, move);
  const bill = bills(part());
  const both = alphaSigma(part());
  const map = marginals(part());
  const pictures = noisyPictures(root, state);
  const set = controlsOf(root, now, change, state);
  const say = el("div", root, { class: "say" });
  function update() {
    const curve = curveThrough(now.handles);
    const all = paid(curve, tableOf(now.data), now.rungs);
    curveOf(now.handles, curve);
    bill(all);
    both(curve);
    map(curve, DATA[now.data], theme);
    pictures(curve);
    words(say, now, all, state.handles);
    set();
    root.schedule = { total: all.total / BIT, ladder: all.ladder / BIT, spread: all.spread / BIT };
  }
  const show = (given) => {
    const { data, handles, rungs } = given.value?.handles ? given.value : given;
    if (!DATA[data] || !handles.every(Number.isFinite) || handles.length !== count) throw new TypeError("no curve");
    if (!(rungs >= 1 && rungs <= 1000)) throw new RangeError("no ladder");
    Object.assign(now, { data, handles: handles.slice(), rungs });
    update();
  };
  return { show, paint: update };
}

export function draw(element, state) {
  const label = "Schedules: the log signal-to-noise ratio over time, and where the bits are paid";
  mount(element, state, {
    name: "gl-schedule",
    title: "Where the bits are paid",
    label,
    width: 860,
    css: STYLE,
    setup,
  });
}
