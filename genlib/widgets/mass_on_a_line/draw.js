// Mass on a line: a bell curve over z, a map to x, the density over x; an interval to drag.
// state: {z: [n], density: [n], maps: [{name, x: [n], slope: [n]}], map, interval: [low, high], grains, value}.
// Tells: {map, strength, interval}.
import {
  Frame,
  arrows,
  axisX,
  calm,
  choice,
  clamp,
  clip,
  drag,
  el,
  mount,
  playButton,
  put,
  signed,
  slider,
  svg,
  ticks,
} from "../kit.js";
import { countIn, falling, massBelow, sand } from "./grains.js";

const WIDTH = 860;
const HEIGHT = 400;
const EDGE = 4; // both axes show -4..4
const HIGHEST = 1.3; // the highest density shown, on 130 pixels
const LINE = { x: [-EDGE, EDGE], y: [0, HIGHEST], width: WIDTH, height: HEIGHT };
const UPPER = new Frame({ ...LINE, top: 20, bottom: 250 }); // z
const LOWER = new Frame({ ...LINE, top: 240, bottom: 30 }); // x
const BOTH = new Frame({ ...LINE, bottom: 30 });
const FALL = 4200; // milliseconds that the sand takes
const JOIN = [172, 258]; // between these pixels, lines lead from z to x

const STYLE = `
  max-width: ${WIDTH + 8}px;
  svg { width: 100%; height: auto; touch-action: none; }
  .row { gap: 6px 14px; margin-bottom: 2px; }
  input { width: 110px; }
  .curve { fill: none; stroke: var(--gl-blue); stroke-width: 2; }
  .mass { fill: var(--gl-blue); opacity: .14; }
  .orange { fill: var(--gl-orange); opacity: .45; } .band { fill: var(--gl-orange); opacity: .16; }
  .handle { cursor: ew-resize; fill: var(--gl-orange); }
  .handle:focus-visible { outline: none; stroke: var(--gl-ink); stroke-width: 3; }
  .inside { cursor: grab; }
  .sand { fill: none; stroke: var(--gl-blue); stroke-width: 3; stroke-linecap: round; pointer-events: none; }
  .sand.key { stroke: color-mix(in srgb, var(--gl-orange) 72%, var(--gl-ink)); stroke-width: 3.4; }
  .sand.there { opacity: .45; }
  svg .name { fill: var(--gl-blue); } svg .height { fill: var(--gl-soft); font-size: .85em; }
  svg .axis { font-size: 1.15em; font-style: italic; }
  table { font: inherit; border-collapse: collapse; margin-top: 2px; font-variant-numeric: tabular-nums; }
  :is(td, th) { padding: 0 9px 0 0; text-align: left; font-weight: normal; white-space: nowrap; }
  td { min-width: 4em; }
  .key { font-weight: 600; color: var(--gl-orange); }
`;

// Values on the even grid z, at a place between its points, by a straight line.
export function between(z, values, place) {
  const last = z.length - 1;
  const at = clamp(((place - z[0]) / (z[last] - z[0])) * last, 0, last);
  const i = Math.min(Math.floor(at), last - 1);
  return values[i] + (at - i) * (values[i + 1] - values[i]);
}

// A share of the way from z to the map's x: where each z is, and the density there, p_Z(z) / |slope|.
export function onTheWay({ z, density }, { x, slope }, share) {
  const along = (from, to) => (1 - share) * from + share * to;
  const slopes = slope.map((value) => Math.max(1e-9, Math.abs(along(1, value))));
  return { x: z.map((value, i) => along(value, x[i])), density: density.map((value, i) => value / slopes[i]) };
}

// What does not change: the axes, their names, and lines at two densities.
function axes(picture) {
  for (const [frame, axis, name] of [
    [UPPER, "z", "density p_Z(z)"],
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
  const label = "Mass over z above, over x below, and how the map leads from one to the other";
  const picture = svg("svg", root, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": label });
  const inside = clip(picture, BOTH);
  const path = (name) => svg("path", inside, { class: name });
  const joins = svg("path", inside, { stroke: "var(--gl-line)", "stroke-width": 0.8, fill: "none" });
  const band = path("band");
  const curves = [UPPER, LOWER].map((frame) => ({ frame, area: path("mass"), line: path("curve") }));
  const marks = [path("orange inside"), path("orange")];
  const grains = ["sand there", "sand key there", "sand", "sand key"].map(path);
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
  return { picture, joins, band, curves, marks, grains, handles };
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

// The grains: above, all of them, as they were; below, those that have fallen, where they are at a time from 0 to 1.
// Those of the interval stand out, above and below.
function showGrains({ grains }, { z, density }, moved, { sand: all, interval: [low, high], time }) {
  const texts = ["", "", "", ""];
  for (const [at, u] of all) {
    const to = far(between(z, moved.x, at));
    const [high0, high1] = [u * between(z, density, at), u * between(z, moved.density, at)];
    const [from, into] = [UPPER.at([at, high0]), LOWER.at([to, high1])];
    const key = at >= low && at < high ? 1 : 0;
    texts[key] += dot(from);
    const [stretch, share] = falling(u, time);
    if (stretch === 2 && share === 1 && high1 > HIGHEST) continue; // the heap is higher than the picture
    const stops = [from, [from[0], JOIN[0]], [into[0], JOIN[1]], into];
    const [a, b] = [stops[stretch], stops[stretch + 1]];
    if (time > 0) texts[2 + key] += dot(a.map((v, i) => v + share * (b[i] - v)));
  }
  grains.forEach((path, i) => put(path, { d: texts[i] }));
}
const dot = ([u, v]) => `M${u.toFixed(1)} ${v.toFixed(1)}h0`;

// The table below; returns what fills a row.
function table(root) {
  const body = el("table", root);
  const rows = ["z", "x"].map((name) => {
    const row = el("tr", body);
    el("th", row, {}, `interval of ${name}:`);
    return ["from", "to", "width", "mean density", "mass", "grains"].map((part) => ({
      part,
      cell: el("td", row, ["mass", "grains"].includes(part) ? { class: "key" } : {}),
    }));
  });
  return (i, values) =>
    rows[i].forEach(({ part, cell }, k) => {
      const value = values[k];
      const number = Number.isFinite(value) && value < 1e4 ? signed(value, part === "grains" ? 0 : 3) : "∞";
      cell.textContent = `${part} ${number}`;
    });
}

// The intervals of z and of x in numbers, and in words what became of the width.
function showNumbers(fill, say, ends, moved, grains) {
  const mass = massBelow(ends[1]) - massBelow(ends[0]);
  const widths = [ends, moved].map(([a, b], i) => {
    const width = Math.abs(b - a);
    fill(i, [Math.min(a, b), Math.max(a, b), width, mass / width, mass, grains]);
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

// The button that lets the grains fall.
function fallButton(parent, now, update) {
  const set = (time) => {
    now.time = time;
    update();
  };
  return playButton(parent, {
    text: "Drop the sand",
    step(milliseconds) {
      set(calm() ? 1 : Math.min(1, milliseconds / FALL));
      return now.time < 1;
    },
    end: () => set(1),
  });
}

// The map, how far along it, and the sand; returns what shows them.
function tools(root, state, { now, change, update }) {
  const row = el("div", root, { class: "row" });
  const player = fallButton(row, now, update);
  const options = state.maps.map(({ name }, i) => [i, name]);
  const act = (chosen) => {
    player.stop();
    change({ map: Number(chosen) });
  };
  const map = choice(row, { label: "map", options, act });
  const strength = slider(row, {
    label: "how far along",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": "how far the points have gone from z to x",
    act: (share) => change({ strength: share }),
  });
  return { map, strength, player };
}

function setup(root, state, { tell }) {
  const now = { time: 1, sand: sand(state.grains) };
  const change = (values) => {
    Object.assign(now, values);
    update();
    tell({ map: now.map, strength: now.strength, interval: now.interval });
  };
  const { map, strength, player } = tools(root, state, { now, change, update });
  const drawn = build(root);
  const fill = table(root);
  const say = el("div", root, { class: "say" });
  take(drawn, now, change);
  function update() {
    const moved = onTheWay(state, state.maps[now.map], now.strength);
    showPicture(drawn, state, moved, now.interval);
    showGrains(drawn, state, moved, now);
    const ends = now.interval.map((end) => between(state.z, moved.x, end));
    showNumbers(fill, say, now.interval, ends, countIn(now.sand, now.interval));
    map.set(now.map);
    strength.set(now.strength);
  }
  const show = (given) => {
    const told = given.value ?? {};
    const { map: chosen = given.map, strength: share = 1, interval = given.interval } = told;
    Object.assign(now, { map: chosen, strength: share, interval });
    update();
  };
  return { show, stop: player.stop };
}

export function draw(element, state) {
  const title = "Probability mass on a line";
  const hint = "Drop the sand. Then drag the orange interval or its ends: its grains stay as many, wherever they land.";
  mount(element, state, { name: "gl-mass", title, hint, width: WIDTH + 8, css: STYLE, setup });
}
