// Mass on a line: a bell curve over z, a map to x, the density over x; an interval to drag.
// state: {z: [n], density: [n], maps: [{name, x: [n], slope: [n]}], map, interval: [low, high], value}.
// Tells: {map, strength, interval}.

const STYLE = `
.gl-mass { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  max-width: 860px; padding: 4px; }
.gl-mass .tools { display: flex; flex-wrap: wrap; gap: 8px 22px; align-items: center; margin-bottom: 4px; }
.gl-mass label { display: flex; align-items: center; gap: 8px; }
.gl-mass select { font: inherit; padding: 2px 6px; }
.gl-mass input { width: 150px; }
.gl-mass svg { display: block; width: 100%; height: auto; user-select: none; touch-action: none; }
.gl-mass .handle { cursor: ew-resize; }
.gl-mass .handle:focus-visible { outline: none; stroke: #222; stroke-width: 3; }
.gl-mass .inside { cursor: grab; }
.gl-mass table { font: inherit; border-collapse: collapse; margin-top: 2px; font-variant-numeric: tabular-nums; }
.gl-mass td, .gl-mass th { padding: 1px 16px 1px 0; text-align: left; font-weight: normal; white-space: nowrap; }
.gl-mass td { min-width: 4.2em; }
.gl-mass .key { font-weight: 600; color: #b84a00; }
`;
const WIDTH = 860;
const HEIGHT = 400;
const EDGE = 4; // both axes show -4..4
const ZERO = 150; // the z axis, in pixels from the top
const TOP = 250; // where the lower curve's highest value is drawn
const FLOOR = 370; // the x axis
const TALL = 130; // pixels for the highest density shown
const HIGHEST = 1.3;
const BLUE = "#0072B2";
const ORANGE = "#D55E00";

const SVG = Object.assign(document.createElement("template"), { innerHTML: "<svg></svg>" }).content.firstChild.namespaceURI;

function node(tag, parent, attributes = {}, text = "") {
  const svg = ["svg", "path", "line", "text", "circle", "rect", "g", "clipPath", "defs"].includes(tag);
  const made = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

const across = (v) => ((v + EDGE) / (2 * EDGE)) * WIDTH;
const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

// The mass of N(0, 1) below z (Abramowitz and Stegun 7.1.26, off by at most 1.5e-7).
function below(z) {
  const t = 1 / (1 + 0.3275911 * Math.abs(z) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp(-z * z / 2);
  return z > 0 ? 1 - tail : tail;
}

function build(element, state) {
  element.replaceChildren();
  node("style", element, {}, STYLE);
  const root = node("div", element, { class: "gl-mass", role: "group", "aria-label": "Probability mass on a line" });
  const tools = node("div", root, { class: "tools" });
  const choose = node("select", node("label", tools, {}, "map"), { "data-lm-suppress-shortcuts": "true" });
  state.maps.forEach((map, i) => node("option", choose, { value: i }, map.name));
  const strengthLabel = node("label", tools, {}, "how far along");
  const strength = node("input", strengthLabel, {
    type: "range", min: 0, max: 1, step: 0.01, "data-lm-suppress-shortcuts": "true",
    "aria-label": "how far the points have gone from z to x",
  });
  const svg = node("svg", root, { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  const clip = `gl-mass-${Math.random().toString(36).slice(2)}`;
  node("rect", node("clipPath", node("defs", svg), { id: clip }), { x: 0, y: 0, width: WIDTH, height: FLOOR });
  const view = { choose, strength, svg, root };
  const inner = node("g", svg, { "clip-path": `url(#${clip})` });
  view.joins = node("path", inner, { stroke: "#999", "stroke-width": 0.8, fill: "none" });
  view.band = node("path", inner, { fill: ORANGE, opacity: 0.16 });
  view.above = node("path", inner, { fill: BLUE, opacity: 0.22 });
  view.aboveLine = node("path", inner, { fill: "none", stroke: BLUE, "stroke-width": 2 });
  view.belowFill = node("path", inner, { fill: BLUE, opacity: 0.22 });
  view.belowLine = node("path", inner, { fill: "none", stroke: BLUE, "stroke-width": 2 });
  view.markAbove = node("path", inner, { fill: ORANGE, opacity: 0.8, class: "inside" });
  view.markBelow = node("path", inner, { fill: ORANGE, opacity: 0.8 });
  for (const [y, name] of [[ZERO, "z"], [FLOOR, "x"]]) {
    node("line", svg, { x1: 0, x2: WIDTH, y1: y, y2: y, stroke: "#444" });
    for (let tick = -3; tick <= 3; tick++) {
      node("line", svg, { x1: across(tick), x2: across(tick), y1: y, y2: y + 5, stroke: "#444" });
      node("text", svg, { x: across(tick), y: y + 17, "font-size": 12, fill: "#444", "text-anchor": "middle" }, `${tick}`);
    }
    node("text", svg, { x: WIDTH - 14, y: y - 6, "font-size": 15, "font-style": "italic", fill: "#222" }, name);
    for (const height of [0.5, 1]) { // how high a density is
      const h = y - (height / HIGHEST) * TALL;
      node("line", svg, { x1: 0, x2: WIDTH, y1: h, y2: h, stroke: "#e2e2e2" });
      node("text", svg, { x: WIDTH - 4, y: h - 3, "font-size": 11, fill: "#777", "text-anchor": "end" }, `${height}`);
    }
    node("text", svg, { x: 6, y: y - TALL + 12, "font-size": 13, fill: BLUE }, name === "z" ? "density π(z)" : "density p(x)");
  }
  view.handles = [0, 1].map((i) => node("circle", svg, {
    cy: ZERO, r: 8, fill: ORANGE, tabindex: 0, class: "handle", role: "slider", "data-lm-suppress-shortcuts": "true",
    "aria-label": i ? "upper end of the interval of z" : "lower end of the interval of z",
    "aria-valuemin": -EDGE, "aria-valuemax": EDGE,
  }));
  const table = node("table", root);
  view.cells = {};
  for (const [name, parts] of [["z", ["from", "to", "width", "height", "mass"]], ["x", ["from", "to", "width", "height", "mass"]]]) {
    const row = node("tr", table);
    node("th", row, {}, `interval of ${name}:`);
    for (const part of parts) {
      const label = { height: "mean density" }[part] ?? part;
      view.cells[name + part] = node("td", row, part === "mass" ? { class: "key" } : {});
      view.cells[name + part].dataset.label = label;
    }
  }
  view.say = node("div", root, { class: "say", "aria-live": "polite" });
  return view;
}

export function draw(element, state) {
  const told = state.value ?? {};
  const current = {
    map: told.map ?? state.map, strength: told.strength ?? 1, interval: [...(told.interval ?? state.interval)],
  };
  const key = JSON.stringify([state.z, state.maps, current]);
  if (element.glKey === key) return;
  element.glKey = key;
  const view = build(element, state);
  const z = state.z;
  const n = z.length;

  const at = (values, where) => { // linear interpolation on the even grid z
    const place = clamp((where - z[0]) / (z[n - 1] - z[0]) * (n - 1), 0, n - 1);
    const i = Math.min(Math.floor(place), n - 2);
    return values[i] + (place - i) * (values[i + 1] - values[i]);
  };
  const curve = (points) => points.map(([u, v], i) => `${i ? "L" : "M"}${u.toFixed(1)} ${v.toFixed(1)}`).join("");

  function paint() {
    const { x: all, slope: slopes } = state.maps[current.map];
    const a = current.strength;
    const x = z.map((value, i) => (1 - a) * value + a * all[i]);
    const slope = slopes.map((value) => (1 - a) + a * value);
    const density = state.density.map((value, i) => Math.min(9, value / Math.max(1e-9, Math.abs(slope[i]))));
    const up = (value, floor) => floor - clamp(value, 0, HIGHEST) / HIGHEST * TALL;
    const far = (value) => clamp(across(value), -2000, WIDTH + 2000);
    const [low, high] = current.interval;

    const upper = z.map((value, i) => [across(value), up(state.density[i], ZERO)]);
    const lower = x.map((value, i) => [far(value), up(density[i], FLOOR)]);
    view.aboveLine.setAttribute("d", curve(upper));
    view.above.setAttribute("d", `${curve(upper)}L${WIDTH} ${ZERO}L0 ${ZERO}Z`);
    view.belowLine.setAttribute("d", curve(lower));
    view.belowFill.setAttribute("d", `${curve(lower)}L${lower[n - 1][0]} ${FLOOR}L${lower[0][0]} ${FLOOR}Z`);
    const joins = [];
    for (let value = -3; value <= 3.001; value += 0.25) {
      joins.push(`M${across(value).toFixed(1)} ${ZERO + 22}L${far(at(x, value)).toFixed(1)} ${TOP + 8}L${far(at(x, value)).toFixed(1)} ${FLOOR}`);
    }
    view.joins.setAttribute("d", joins.join(""));
    const inside = [low, ...z.filter((value) => value > low && value < high), high];
    const piece = (place, values, floor) => {
      const points = inside.map((value) => [place(value), up(at(values, value), floor)]);
      return `${curve(points)}L${points.at(-1)[0]} ${floor}L${points[0][0]} ${floor}Z`;
    };
    view.markAbove.setAttribute("d", piece(across, state.density, ZERO));
    view.markBelow.setAttribute("d", piece((value) => far(at(x, value)), density, FLOOR));
    const [from, to] = [at(x, low), at(x, high)];
    view.band.setAttribute("d", `M${across(low)} ${ZERO}L${across(high)} ${ZERO}L${far(to)} ${TOP + 8}L${far(to)} ${FLOOR}L${far(from)} ${FLOOR}L${far(from)} ${TOP + 8}Z`);
    view.handles.forEach((handle, i) => {
      handle.setAttribute("cx", across(current.interval[i]));
      handle.setAttribute("aria-valuenow", current.interval[i].toFixed(2));
    });

    const mass = below(high) - below(low);
    const wide = Math.abs(to - from);
    const tell = (name, left, right, width) => {
      const values = { from: Math.min(left, right), to: Math.max(left, right), width, height: mass / width, mass };
      for (const [part, value] of Object.entries(values)) {
        const cell = view.cells[name + part];
        cell.textContent = `${cell.dataset.label} ${Number.isFinite(value) && value < 1e4 ? value.toFixed(3) : "∞"}`;
      }
    };
    tell("z", low, high, high - low);
    tell("x", from, to, wide);
    const ratio = wide / (high - low);
    view.say.textContent = ratio < 1e-3
      ? "The interval has become a point: its density is infinite, and no map leads back."
      : `Its width is multiplied by ${ratio.toFixed(2)}, its mean density divided by ${ratio.toFixed(2)}. The orange areas are equal.`;
    view.choose.value = current.map;
    view.strength.value = current.strength;
  }

  const tell = () => {
    paint();
    element.glKey = JSON.stringify([state.z, state.maps, current]);
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...current, interval: [...current.interval] } }));
  };
  const snap = (value) => Math.round(value * 100) / 100;
  const set = (i, value) => {
    const ends = current.interval;
    ends[i] = snap(i ? clamp(value, ends[0] + 0.05, EDGE) : clamp(value, -EDGE, ends[1] - 0.05));
    tell();
  };
  const zAt = (event) => {
    const box = view.svg.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * 2 * EDGE - EDGE;
  };
  view.handles.forEach((handle, i) => {
    handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus(); });
    handle.addEventListener("pointermove", (event) => { if (handle.hasPointerCapture(event.pointerId)) set(i, zAt(event)); });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05 }[event.key];
      if (!step) return;
      set(i, current.interval[i] + step);
      event.preventDefault();
      event.stopPropagation();
    });
  });
  let grabbed = null; // where in the interval it was taken
  view.markAbove.addEventListener("pointerdown", (event) => {
    view.markAbove.setPointerCapture(event.pointerId);
    grabbed = zAt(event) - current.interval[0];
  });
  view.markAbove.addEventListener("pointermove", (event) => {
    if (grabbed === null) return;
    const width = current.interval[1] - current.interval[0];
    const low = snap(clamp(zAt(event) - grabbed, -EDGE, EDGE - width));
    current.interval = [low, snap(low + width)];
    tell();
  });
  for (const name of ["pointerup", "pointercancel"]) view.markAbove.addEventListener(name, () => { grabbed = null; });
  view.choose.addEventListener("change", () => { current.map = Number(view.choose.value); tell(); });
  view.strength.addEventListener("input", () => { current.strength = Number(view.strength.value); tell(); });
  paint();
}
