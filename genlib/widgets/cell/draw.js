// Points, codes and their cells in the plane. Two things to see: Lloyd's algorithm, half a step at a time, and how a
// gradient gets past the choice of the nearest code.
// state, of which all but edge is told: {edge, points: [n][2], codes: [K][2], assigned: [n], history: [distortion],
//   next: "assign" or "move", mode: "lloyd" or "through", z: [2], wish: [2], beta, learn, trail: [[2]], value}.
import { Frame, arrows, axisX, axisY, button, changing, checkbox, clamp, drag, el, mount, picture } from "../kit.js";
import { playButton, put, radios, signed, slider, svg, ticks } from "../kit.js";
import { assigned, distortion, means, nearest, polygon, pulls, squared, stepped } from "./voronoi.js";

const SIZE = 460;
const CHART = { width: 330, height: 190, left: 40, right: 12, top: 28, bottom: 40 };
const COLOURS = ["blue", "orange", "green", "pink", "amber", "sky", "grey", "ink"].map((name) => `var(--gl-${name})`);
const HALVES = { assign: "give each point its nearest code", move: "move codes to their points' means" };
const MOST = 80; // places of a trail, and halves in a history

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 8px 26px; align-items: flex-start;
  svg.plane { width: ${SIZE}px; max-width: 100%; height: auto; background: var(--gl-paper);
    border: 1px solid var(--gl-faint); }
  svg .tick { fill: var(--gl-soft); }
  .cell { stroke: var(--gl-line); stroke-width: 1.2; fill-opacity: .15; }
  .point { cursor: grab; stroke: var(--gl-paper); stroke-width: 1; }
  .code { cursor: grab; fill: var(--gl-paper); stroke-width: 4; }
  .z { cursor: grab; fill: var(--gl-ink); stroke: var(--gl-paper); stroke-width: 2; }
  .wish { cursor: grab; fill: var(--gl-amber); stroke: var(--gl-ink); stroke-width: 1.2; }
  :is(.code, .z, .wish):focus-visible { outline: none; stroke: var(--gl-ink); stroke-width: 6; }
  .z:focus-visible { stroke: var(--gl-sky); }
  svg .number { font-size: 11px; font-weight: 700; pointer-events: none; }
  svg .name { font-size: 15px; font-style: italic; font-weight: 600; pointer-events: none; }
  .pull { stroke-width: 3; fill: none; } .way { stroke: var(--gl-ink); stroke-dasharray: 4 3; fill: none; opacity: .6; }
  .side { width: 27em; max-width: 100%; } .side > *, .side > div > * { margin-bottom: 8px; }
  .key { display: grid; grid-template-columns: 1.6em 1fr; gap: 3px 6px; }
  .key i { height: 4px; border-radius: 2px; align-self: center; }
  .say { min-height: 6em; } [hidden] { display: none !important; }
`;

const PULLS = {
  decoder: ["var(--gl-orange)", "the decoder's: −∂|z_q − ★|² / ∂z_q, at the code; and its copy at z"],
  commitment: ["var(--gl-blue)", "commitment: −∂ β|z − e|² / ∂z"],
  codebook: ["var(--gl-green)", "codebook: −∂|z − e|² / ∂e"],
};

// A five-pointed star around 0 as a path.
const STAR = `M${Array.from({ length: 10 }, (_, k) => {
  const [r, angle] = [k % 2 ? 5 : 11, (k * Math.PI) / 5];
  return `${(r * Math.sin(angle)).toFixed(2)} ${(-r * Math.cos(angle)).toFixed(2)}`;
}).join("L")}Z`;

// An arrow as a path, from pixel to pixel; nothing where it would be too short to see.
function arrowPath([x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 3) return "M0 0";
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const head = Math.min(11, 0.6 * length);
  const barb = (side) => `${x1 - head * ux - side * 0.5 * head * uy} ${y1 - head * uy + side * 0.5 * head * ux}`;
  return `M${x0} ${y0}L${x1} ${y1}M${barb(1)}L${x1} ${y1}L${barb(-1)}`;
}

// The plane: all its parts, which `move(what, k, place)` hears of when they are dragged or walked.
function plane(root, { points, codes, edge }, move, where) {
  const frame = new Frame({ x: [-edge, edge], y: [-edge, edge], width: SIZE, height: SIZE });
  const shown = picture(root, [SIZE, SIZE], "points, codes and their cells", { hands: true, class: "plane" });
  const cells = codes.map((_, k) => svg("path", shown, { class: "cell", fill: COLOURS[k] }));
  const marks = ticks(-edge, edge, Math.ceil(edge / 2)).filter((v) => Math.abs(v) < edge);
  axisX(shown, frame, marks, { at: -edge + edge / 14, line: false, mark: 0 });
  axisY(shown, frame, marks, { at: -edge + edge / 7, mark: 0 });
  const way = svg("path", shown, { class: "way" });
  const dots = points.map(() => svg("circle", shown, { r: 4.5, class: "point" }));
  const made = codes.map((_, k) => {
    const label = `code ${k + 1}: arrow keys move it`;
    const node = svg("circle", shown, { r: 10, class: "code", stroke: COLOURS[k], role: "application" });
    put(node, { "aria-label": label });
    return { node, number: svg("text", shown, { class: "number", "text-anchor": "middle" }, k + 1) };
  });
  const through = svg("g", shown);
  const arrow = (stroke) => svg("path", through, { class: "pull", stroke });
  const drawn = Object.fromEntries(Object.entries(PULLS).map(([name, [colour]]) => [name, arrow(colour)]));
  drawn.copy = arrow(PULLS.decoder[0]);
  const wish = svg("path", through, { d: STAR, class: "wish", role: "application" });
  put(wish, { "aria-label": "where the decoder wants the code: arrow keys move it" });
  const z = svg("circle", through, { r: 7, class: "z", role: "application" });
  put(z, { "aria-label": "the vector z: arrow keys move it" });
  const name = svg("text", through, { class: "name" }, "z");
  const hold = (node, what, k) => {
    drag(node, { move: (event) => move(what, k, frame.pointer(event, shown)) });
    if (what === "points") return;
    arrows(node, (dx, dy) =>
      move(
        what,
        k,
        [0, 1].map((axis) => where(what, k)[axis] + 0.1 * [dx, dy][axis]),
      ),
    );
  };
  dots.forEach((node, i) => hold(node, "points", i));
  made.forEach(({ node }, k) => hold(node, "codes", k));
  hold(wish, "wish");
  hold(z, "z");
  return { frame, cells, way, dots, codes: made, through, pulls: drawn, wish, z, name };
}

function showPlane(parts, now, edge) {
  const { frame } = parts;
  const place = (node, at) => put(node, { cx: frame.px(at[0]).toFixed(1), cy: frame.py(at[1]).toFixed(1) });
  parts.cells.forEach((node, k) => {
    const corners = polygon(k, now.codes, edge);
    put(node, { d: corners.length > 2 ? frame.path(corners, true) : "M0 0" });
  });
  parts.dots.forEach((node, i) => {
    place(node, now.points[i]);
    put(node, { fill: COLOURS[now.assigned[i]], "fill-opacity": now.mode === "lloyd" ? 1 : 0.35 });
  });
  parts.codes.forEach(({ node, number }, k) => {
    place(node, now.codes[k]);
    const [x, y] = frame.at(now.codes[k]);
    put(number, { x, y, dy: ".36em" });
  });
  put(parts.through, { visibility: now.mode === "through" ? "visible" : "hidden" });
  put(parts.way, { d: now.mode === "through" && now.trail.length > 1 ? frame.path(now.trail) : "M0 0" });
  if (now.mode === "through") showPulls(parts, now);
}

const SHOWN = 0.5; // of a pull's length, so that the arrow from e ends at the star

function showPulls({ frame, pulls: drawn, wish, z, name }, now) {
  const found = pulls(now);
  const e = now.codes[found.k];
  const from = (start, by) => arrowPath(frame.at(start), frame.at(start.map((v, i) => v + SHOWN * by[i])));
  put(drawn.decoder, { d: from(e, found.decoder) });
  put(drawn.copy, { d: from(now.z, found.decoder) });
  put(drawn.commitment, { d: from(now.z, found.commitment) });
  put(drawn.codebook, { d: now.learn ? from(e, found.codebook.map((v) => 0.5 * v)) : "M0 0" }); // prettier-ignore
  put(wish, { transform: `translate(${frame.at(now.wish).join()})` });
  const [x, y] = frame.at(now.z);
  put(z, { cx: x, cy: y });
  put(name, { x: x + 11, y: y - 8 });
}

// The distortion after every half of a step.
function chart(parent) {
  const root = picture(parent, [CHART.width, CHART.height], "distortion after every half of a step");
  const title = svg("text", root, { x: 4, y: 14 }, "distortion: mean of |x − e|²");
  put(title, { "font-weight": 600 });
  const plot = svg("g", root);
  return (history, next) => {
    plot.replaceChildren();
    const [last, high] = [Math.max(6, history.length - 1), 1.1 * Math.max(...history, 1e-3)];
    const frame = new Frame({ x: [0, last], y: [0, high], ...CHART });
    axisX(plot, frame, ticks(0, last, Math.ceil(last / 6)));
    axisY(plot, frame, [0, high / 2.2, high / 1.1], { line: true, text: (v) => signed(v, 2) });
    svg("text", plot, { x: frame.right, y: CHART.height - 4, "text-anchor": "end" }, "halves of a step");
    const line = history.map((value, k) => [k, value]);
    svg("path", plot, { d: frame.path(line), fill: "none", stroke: "var(--gl-line)", "stroke-width": 1.5 });
    line.forEach(([k, value], i) => {
      const back = history.length - 1 - i; // the last one was made by the half that is not next
      const byMeans = back % 2 === (next === "assign" ? 0 : 1);
      const fill = i === 0 ? "var(--gl-ink)" : byMeans ? "var(--gl-orange)" : "var(--gl-blue)";
      svg("circle", plot, { cx: frame.px(k), cy: frame.py(value), r: 4, fill });
    });
  };
}

// Half a step of Lloyd's algorithm: what changes.
function half(now) {
  const turn = now.next === "assign";
  const codes = turn ? now.codes : means(now.points, now.assigned, now.codes);
  const of = turn ? assigned(now.points, codes) : now.assigned;
  const history = [...now.history, distortion(now.points, of, codes)].slice(-MOST);
  return { codes, assigned: of, history, next: turn ? "move" : "assign" };
}

const same = (a, b) => Math.abs(a - b) < 1e-9;
const settled = ({ history }) => history.length > 2 && same(history.at(-1), history.at(-3));

function lloydWords(now) {
  const empty = now.codes.filter((_, k) => !now.assigned.includes(k)).length;
  const value = signed(now.history.at(-1), 3);
  const dead = empty ? ` ${empty} of the codes ${empty > 1 ? "have" : "has"} no points, and will not move.` : "";
  if (settled(now))
    return `Distortion ${value}. No half changes anything any more: a minimum, if only among near ones.${dead}`;
  const first = now.history.length === 1;
  const fell = now.history.at(-2) - now.history.at(-1);
  const how = first ? "" : ` The last half took ${signed(Math.max(0, fell), 3)} from it.`;
  return `Distortion ${value}.${how} Next: ${HALVES[now.next]}.${dead}`;
}

function throughWords(now) {
  const { k, loss } = pulls(now);
  const gap = Math.sqrt(squared(now.z, now.codes[k]));
  return (
    `z is in the cell of code ${k + 1}, so z_q = e${k + 1}, ${signed(gap)} away. The loss |z_q − ★|\u2060² is ` +
    `${signed(loss)} in all of this cell: its true slope along z is 0. The decoder's arrow is right where it ` +
    "is drawn at the code; copied to z it is a guess."
  );
}

// What stands beside the plane in either mode; returns what shows it.
function lloydSide(side, change, now) {
  const box = el("div", side);
  const tools = el("div", box, { class: "row" });
  const node = button(tools, "", () => change(half(now)), { class: "main" });
  playButton(tools, {
    text: "Run",
    step: playing(() => change(half(now)), () => !settled(now)),
  }); // prettier-ignore
  const show = chart(el("div", box));
  const key = el("div", box, { class: "key" });
  for (const [colour, text] of [
    ["blue", HALVES.assign],
    ["orange", HALVES.move],
  ]) {
    // prettier-ignore
    el("i", key, { style: `background:var(--gl-${colour})` });
    el("span", key, {}, text);
  }
  return () => {
    box.hidden = now.mode !== "lloyd";
    node.textContent = now.next === "assign" ? "Give points their code" : "Move the codes";
    show(now.history, now.next);
  };
}

// For a play button: acts every half second, as long as it may go on.
function playing(act, more) {
  let done = 0;
  return (since) => {
    const due = Math.floor(since / 500);
    if (due === 0) done = 0;
    if (due <= done) return true;
    done = due;
    act();
    return more();
  };
}

function throughSide(side, change, now) {
  const box = el("div", side);
  const tools = el("div", box, { class: "row" });
  const step = () => {
    const found = stepped(now);
    change({ ...found, trail: [...now.trail, found.z].slice(-MOST) });
  };
  button(tools, "Step along the arrows", step, { class: "main" });
  playButton(tools, { text: "Run", step: playing(step, () => true) });
  const act = (beta) => change({ beta });
  const label = "β of the commitment";
  const dial = slider(box, { label, min: 0, max: 2, step: 0.05, show: signed, name: "beta", act });
  const learn = checkbox(el("div", box), "the code learns, too", (on) => change({ learn: on }));
  const key = el("div", box, { class: "key" });
  for (const [colour, text] of Object.values(PULLS)) {
    el("i", key, { style: `background:${colour}` });
    el("span", key, {}, text);
  }
  return () => {
    box.hidden = now.mode !== "through";
    dial.set(now.beta);
    learn.checked = now.learn;
  };
}

const KEPT = "points codes assigned history next mode z wish beta learn trail".split(" ");

// What changes when something is moved by hand: points find their codes, and a new history begins.
function moved(now, what, k, place) {
  if (what === "wish") return { wish: place };
  if (what === "z") return { z: place, trail: [place] };
  const changed = { points: now.points, codes: now.codes, [what]: now[what].with(k, place) };
  const of = assigned(changed.points, changed.codes);
  return { ...changed, assigned: of, history: [distortion(changed.points, of, changed.codes)], next: "move" };
}

function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  const { edge } = state;
  const bounded = (place) => place.map((v) => Math.round(100 * clamp(v, -edge, edge)) / 100);
  const where = (what, k) => (k === undefined ? now[what] : now[what][k]);
  const parts = plane(root, state, (what, k, place) => change(moved(now, what, k, bounded(place))), where);
  const side = el("div", root, { class: "side" });
  const options = [["lloyd", "Lloyd's algorithm"], ["through", "straight-through gradient"]]; // prettier-ignore
  const mode = radios(side, { label: "what to see", options, act: (chosen) => change({ mode: chosen }) });
  const shown = [lloydSide(side, change, now), throughSide(side, change, now)];
  const say = el("div", side, { class: "say" });
  button(side, "Start again", () => change(structuredClone(pick(state))));
  const pick = (given) => Object.fromEntries(KEPT.map((name) => [name, given[name]]));
  function update() {
    showPlane(parts, now, edge);
    mode.set(now.mode);
    shown.forEach((each) => each());
    say.textContent = now.mode === "lloyd" ? lloydWords(now) : throughWords(now);
    root.dataset.code = nearest(now.z, now.codes);
  }
  const show = (given) => {
    Object.assign(now, pick({ ...given, ...given.value }));
    update();
  };
  return { show };
}

const HINT =
  "Drag a code far away from all points, then run Lloyd's algorithm: does every start end equally well? Then look at " +
  "the gradient, and step: does z come to rest when the star lies on a border between two cells?";

export function draw(element, state) {
  mount(element, state, { name: "gl-cell", title: "Codes and their cells", hint: HINT, width: 850, css: STYLE, setup });
}
