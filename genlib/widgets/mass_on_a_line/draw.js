// Mass on a line: a bell curve over z, a map to x, the density over x; an interval to drag.
// state: {z: [n], density: [n], maps: [{name, x: [n], slope: [n]}], map, interval: [low, high], value}.
// Tells: {map, strength, interval}.
import {
  Frame,
  arrows,
  axisX,
  changing,
  choice,
  clamp,
  clip,
  drag,
  el,
  mount,
  put,
  signed,
  slider,
  svg,
  ticks,
} from "../kit.js";

const WIDTH = 860;
const HEIGHT = 400;
const EDGE = 4; // both axes show -4..4
const HIGHEST = 1.3; // the highest density shown, on 130 pixels
const LINE = { x: [-EDGE, EDGE], y: [0, HIGHEST], width: WIDTH, height: HEIGHT };
const UPPER = new Frame({ ...LINE, top: 20, bottom: 250 }); // z
const LOWER = new Frame({ ...LINE, top: 240, bottom: 30 }); // x
const BOTH = new Frame({ ...LINE, bottom: 30 });
const JOIN = [172, 258]; // between these pixels, lines lead from z to x

const STYLE = `
  max-width: 860px;
  svg { width: 100%; height: auto; touch-action: none; }
  .row { gap: 8px 22px; margin-bottom: 4px; }
  input { width: 150px; }
  .curve { fill: none; stroke: var(--gl-blue); stroke-width: 2; }
  .mass { fill: var(--gl-blue); opacity: .22; }
  .orange { fill: var(--gl-orange); opacity: .8; } .band { fill: var(--gl-orange); opacity: .16; }
  .handle { cursor: ew-resize; fill: var(--gl-orange); }
  .handle:focus-visible { outline: none; stroke: var(--gl-ink); stroke-width: 3; }
  .inside { cursor: grab; }
  svg .name { fill: var(--gl-blue); } svg .height { fill: var(--gl-soft); font-size: .85em; }
  svg .axis { font-size: 1.15em; font-style: italic; }
  table { font: inherit; border-collapse: collapse; margin-top: 2px; font-variant-numeric: tabular-nums; }
  :is(td, th) { padding: 1px 16px 1px 0; text-align: left; font-weight: normal; white-space: nowrap; }
  td { min-width: 4.2em; }
  .key { font-weight: 600; color: var(--gl-orange); }
`;

// The mass of N(0, 1) below z (Abramowitz and Stegun 7.1.26, off by at most 1.5e-7).
export function massBelow(z) {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp((-z * z) / 2);
  return z > 0 ? 1 - tail : tail;
}

// Values on the even grid z, at a place between its points, by a straight line.
export function between(z, values, place) {
  const last = z.length - 1;
  const at = clamp(((place - z[0]) / (z[last] - z[0])) * last, 0, last);
  const i = Math.min(Math.floor(at), last - 1);
  return values[i] + (at - i) * (values[i + 1] - values[i]);
}

// A share of the way from z to the map's x: where each z is, and the density there, π(z) / |slope|.
export function onTheWay({ z, density }, { x, slope }, share) {
  const along = (from, to) => (1 - share) * from + share * to;
  const slopes = slope.map((value) => Math.max(1e-9, Math.abs(along(1, value))));
  return { x: z.map((value, i) => along(value, x[i])), density: density.map((value, i) => value / slopes[i]) };
}

// What does not change: the axes, their names, and lines at two densities.
function axes(picture) {
  for (const [frame, axis, name] of [
    [UPPER, "z", "density π(z)"],
    [LOWER, "x", "density p(x)"],
  ]) {
    // prettier-ignore
    axisX(picture, frame, ticks(-3, 3, 1), { mark: 5 });
    svg("text", picture, { x: WIDTH - 14, y: frame.bottom - 6, class: "axis" }, axis);
    for (const density of [0.5, 1]) {
      const y = frame.py(density);
      svg("line", picture, { x1: 0, x2: WIDTH, y1: y, y2: y, stroke: "var(--gl-faint)" });
      svg("text", picture, { x: WIDTH - 4, y: y - 3, "text-anchor": "end", class: "height" }, density);
    }
    svg("text", picture, { x: 6, y: frame.top + 12, class: "name" }, name);
  }
}

function build(root) {
  const picture = svg("svg", root, { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  const inside = clip(picture, BOTH);
  const path = (name) => svg("path", inside, { class: name });
  const joins = svg("path", inside, { stroke: "var(--gl-line)", "stroke-width": 0.8, fill: "none" });
  const band = path("band");
  const curves = [UPPER, LOWER].map((frame) => ({ frame, area: path("mass"), line: path("curve") }));
  const marks = [path("orange inside"), path("orange")];
  axes(picture);
  const handles = ["lower", "upper"].map((end) =>
    svg("circle", picture, {
      cy: UPPER.bottom,
      r: 8,
      class: "handle",
      role: "slider",
      "aria-label": `${end} end of the interval of z`,
      "aria-valuemin": -EDGE,
      "aria-valuemax": EDGE,
    }),
  );
  return { picture, joins, band, curves, marks, handles };
}

// Where x is on its axis; beyond the picture it does not matter how far.
const far = (x) => clamp(x, -5 * EDGE, 5 * EDGE);
// The points of a density over a line, no higher than the picture.
const outline = (xs, density) => xs.map((x, i) => [far(x), Math.min(density[i], HIGHEST)]);

function showPicture({ joins, band, curves, marks, handles }, state, moved, [low, high]) {
  const { z } = state;
  const lines = [outline(z, state.density), outline(moved.x, moved.density)];
  const inside = [low, ...z.filter((value) => value > low && value < high), high];
  const to = (value) => far(between(z, moved.x, value));
  const piece = (place, density) =>
    outline(
      inside.map(place),
      inside.map((value) => between(z, density, value)),
    );
  const pieces = [piece((value) => value, state.density), piece(to, moved.density)];
  curves.forEach(({ frame, area, line }, i) => {
    put(line, { d: frame.path(lines[i]) });
    put(area, { d: frame.area(lines[i]) });
    put(marks[i], { d: frame.area(pieces[i]) });
  });
  // A line from z to its x and on to the lower axis, as numbers of an SVG path.
  const join = (value, start) => {
    const [u, v] = [BOTH.px(value), BOTH.px(to(value))].map((pixel) => pixel.toFixed(1));
    return [`${u} ${start}`, `${v} ${JOIN[1]}`, `${v} ${LOWER.bottom}`];
  };
  const threads = ticks(-3, 3, 0.25).map((value) => `M${join(value, JOIN[0]).join("L")}`);
  put(joins, { d: threads.join("") });
  const [left, right] = [join(low, UPPER.bottom), join(high, UPPER.bottom)];
  put(band, { d: `M${[...left, ...right.reverse()].join("L")}Z` });
  [low, high].forEach((end, i) => put(handles[i], { cx: UPPER.px(end), "aria-valuenow": end.toFixed(2) }));
}

// The table below; returns what fills a row.
function table(root) {
  const body = el("table", root);
  const rows = ["z", "x"].map((name) => {
    const row = el("tr", body);
    el("th", row, {}, `interval of ${name}:`);
    return ["from", "to", "width", "mean density", "mass"].map((part) => ({
      part,
      cell: el("td", row, part === "mass" ? { class: "key" } : {}),
    }));
  });
  return (i, values) =>
    rows[i].forEach(({ part, cell }, k) => {
      const value = values[k];
      cell.textContent = `${part} ${Number.isFinite(value) && value < 1e4 ? signed(value, 3) : "∞"}`;
    });
}

// The intervals of z and of x in numbers, and in words what became of the width.
function showNumbers(fill, say, ends, moved) {
  const mass = massBelow(ends[1]) - massBelow(ends[0]);
  const widths = [ends, moved].map(([a, b], i) => {
    const width = Math.abs(b - a);
    fill(i, [Math.min(a, b), Math.max(a, b), width, mass / width, mass]);
    return width;
  });
  const ratio = widths[1] / widths[0];
  const by = ratio.toFixed(2);
  say.textContent =
    ratio < 1e-3
      ? "The interval has become a point: its density is infinite, and no map leads back."
      : `Its width is multiplied by ${by}, its mean density divided by ${by}. The orange areas are equal.`;
}

const snap = (value) => Math.round(value * 100) / 100;

// The ends of the interval follow the hand and the keys, and the whole of it the hand.
function take({ picture, handles, marks }, now, change) {
  const at = (event) => BOTH.pointer(event, picture)[0];
  const set = (i, value) => {
    const [low, high] = now.interval;
    change({
      interval: i ? [low, snap(clamp(value, low + 0.05, EDGE))] : [snap(clamp(value, -EDGE, high - 0.05)), high],
    });
  };
  handles.forEach((handle, i) => {
    drag(handle, { move: (event) => set(i, at(event)) });
    arrows(handle, (dx, dy) => set(i, now.interval[i] + 0.05 * (dx + dy)));
  });
  let grabbed = 0; // where in the interval it was taken
  drag(marks[0], {
    down(event) {
      grabbed = at(event) - now.interval[0];
    },
    move(event) {
      const width = now.interval[1] - now.interval[0];
      const low = snap(clamp(at(event) - grabbed, -EDGE, EDGE - width));
      change({ interval: [low, snap(low + width)] });
    },
  });
}

function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  const row = el("div", root, { class: "row" });
  const options = state.maps.map(({ name }, i) => [i, name]);
  const map = choice(row, { label: "map", options, act: (chosen) => change({ map: Number(chosen) }) });
  const strength = slider(row, {
    label: "how far along",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": "how far the points have gone from z to x",
    act: (share) => change({ strength: share }),
  });
  const drawn = build(root);
  const fill = table(root);
  const say = el("div", root, { class: "say", "aria-live": "polite" });
  take(drawn, now, change);
  function update() {
    const moved = onTheWay(state, state.maps[now.map], now.strength);
    showPicture(drawn, state, moved, now.interval);
    const ends = now.interval.map((end) => between(state.z, moved.x, end));
    showNumbers(fill, say, now.interval, ends);
    map.set(now.map);
    strength.set(now.strength);
  }
  const show = (given) => {
    const told = given.value ?? {};
    const { map: chosen = given.map, strength: share = 1, interval = given.interval } = told;
    Object.assign(now, { map: chosen, strength: share, interval });
    update();
  };
  return { show };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-mass", label: "Probability mass on a line", css: STYLE, setup });
}
