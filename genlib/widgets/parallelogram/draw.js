// A 2x2 matrix: the unit square and what becomes of it. state: {columns: [[a, c], [b, d]], value}. Tells: {columns}.
import { Frame, arrows, axisX, axisY, buttons, clamp, clip, drag, el, gliding, mount } from "../kit.js";
import { put, signed, svg } from "../kit.js";

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: flex-start;
  svg { width: 440px; max-width: 100%; height: auto; background: var(--gl-paper); border: 1px solid var(--gl-faint); }
  svg .tick { fill: var(--gl-soft); }
  .lattice { fill: none; stroke: var(--gl-amber); stroke-width: 1; opacity: .45; }
  .handle { cursor: grab; }
  .handle:focus-visible { outline: none; stroke: var(--gl-ink); stroke-width: 3; }
  .letter { fill: none; stroke-width: 5; stroke-linejoin: round; stroke-linecap: round; }
  .side { width: 27.5em; font-variant-numeric: tabular-nums; }
  .line { display: grid; grid-template-columns: 8.2em 1fr; gap: 4px 10px; margin: 3px 0; }
  .line b { font-weight: 600; }
  .matrix { display: inline-grid; grid-template-columns: auto auto; gap: 0 16px; padding: 0 10px; text-align: right;
    border-left: 2px solid currentColor; border-right: 2px solid currentColor; border-radius: 6px; margin-left: 8px; }
  .say { margin: 10px 0; min-height: 4.4em; }
`;
const SIZE = 440;
const EDGE = 2.7; // the plane shows -2.7..2.7
const LIMIT = 2.5; // where a column may go
const FRAME = new Frame({ x: [-EDGE, EDGE], y: [-EDGE, EDGE], width: SIZE, height: SIZE });
const COLOURS = ["var(--gl-blue)", "var(--gl-orange)"]; // of the first column and the second
// prettier-ignore
const SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]];
// prettier-ignore
const LETTER = [[0.3, 0.15], [0.3, 0.85], [0.72, 0.85], [0.3, 0.85], [0.3, 0.53], [0.62, 0.53]];
// prettier-ignore
const PRESETS = {
  "leave it": [[1, 0], [0, 1]],
  turn: [[0.8, 0.6], [-0.6, 0.8]],
  stretch: [[2, 0], [0, 0.5]],
  shear: [[1, 0], [1, 1]],
  mirror: [[-1, 0], [0, 1]],
  "blow up": [[2, 0], [0, 2]],
  flatten: [[1, 0.5], [2, 1]],
};

// Halton's sequence in a base: with bases 2 and 3, points spread evenly over the square.
export function halton(i, base) {
  let value = 0;
  for (let share = 1 / base; i > 0; share /= base) {
    value += share * (i % base);
    i = Math.floor(i / base);
  }
  return value;
}
// The lines of the plane's grid, which the matrix takes along.
const FAR = 8;
const LATTICE = Array.from({ length: 2 * FAR + 1 }, (_, k) => k - FAR).flatMap((t) => [
  [
    [t, -FAR],
    [t, FAR],
  ],
  [
    [-FAR, t],
    [FAR, t],
  ],
]);
const DOTS = Array.from({ length: 150 }, (_, i) => [halton(i + 1, 2), halton(i + 1, 3)]);

const snap = (v) => Math.round(clamp(v, -LIMIT, LIMIT) * 20) / 20;
const copy = (columns) => columns.map((column) => column.slice());

// The plane: the axes and the unit square, which stay, and what moves.
function plane(root) {
  const label = "The unit square and what the matrix makes of it";
  const picture = svg("svg", root, { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group", "aria-label": label });
  for (let t = -2; t <= 2; t++) {
    // prettier-ignore
    const lines = FRAME.path([[t, -EDGE], [t, EDGE]]) + FRAME.path([[-EDGE, t], [EDGE, t]]);
    svg("path", picture, { d: lines, stroke: `var(--gl-${t ? "faint" : "line"})`, fill: "none" });
  }
  axisX(picture, FRAME, [-2, -1, 1, 2], { at: 0, line: false, mark: 0 });
  axisY(picture, FRAME, [-2, -1, 1, 2], { at: 0, mark: 0 });
  svg("path", picture, {
    d: FRAME.path(SQUARE, true),
    fill: "none",
    stroke: "var(--gl-soft)",
    "stroke-dasharray": "5 4",
  });
  svg("path", picture, { d: FRAME.path(LETTER), class: "letter", stroke: "var(--gl-faint)" });
  const lattice = svg("path", clip(picture, FRAME), { class: "lattice" });
  const yellow = "var(--gl-amber)";
  const shape = svg("path", picture, { fill: yellow, "fill-opacity": 0.22, stroke: yellow, "stroke-width": 2 });
  const letter = svg("path", picture, { class: "letter", stroke: `color-mix(in srgb, ${yellow} 55%, var(--gl-ink))` });
  const dots = svg("g", picture, { fill: "var(--gl-ink)" });
  const marks = DOTS.map(() => svg("circle", dots, { r: 1.6 }));
  const sides = COLOURS.map((stroke) => svg("path", picture, { stroke, "stroke-width": 3, fill: "none" }));
  const handles = ["first", "second"].map((which, i) =>
    svg("circle", picture, {
      r: 9,
      fill: COLOURS[i],
      class: "handle",
      role: "application",
      "aria-label": `${which} column: arrow keys move it`,
    }),
  );
  return { picture, lattice, shape, letter, marks, sides, handles };
}

// What stands beside it: the entries, and what they say.
function numbers(side) {
  const top = el("div", side, { class: "line" });
  el("span", top, {}, "matrix A");
  const matrix = el("div", el("div", top), { class: "matrix" });
  const entries = [0, 1, 2, 3].map((i) => el("span", matrix, { style: `color:${COLOURS[i % 2]};font-weight:600` }));
  const [det, area, turn, density] = ["det A", "area = |det A|", "orientation", "points per area"].map((title) => {
    const row = el("div", side, { class: "line" });
    el("span", row, {}, title);
    return el("b", row);
  });
  return { entries, det, area, turn, density, say: el("div", side, { class: "say" }) };
}

function showPlane({ lattice, shape, letter, marks, sides, handles }, columns) {
  const [[a, c], [b, d]] = columns; // the matrix is [[a, b], [c, d]]
  const to = ([u, v]) => [a * u + b * v, c * u + d * v];
  put(lattice, { d: LATTICE.map((line) => FRAME.path(line.map(to))).join("") });
  put(shape, { d: FRAME.path(SQUARE.map(to), true) });
  put(letter, { d: FRAME.path(LETTER.map(to)) });
  const place = (node, point) => put(node, { cx: FRAME.px(point[0]).toFixed(1), cy: FRAME.py(point[1]).toFixed(1) });
  DOTS.forEach((dot, i) => place(marks[i], to(dot)));
  columns.forEach((column, i) => {
    put(sides[i], { d: FRAME.path([[0, 0], column]) });
    place(handles[i], column);
  });
}

function showNumbers({ entries, det, area, turn, density, say }, [[a, c], [b, d]]) {
  const value = a * d - b * c;
  const flat = Math.abs(value) < 1e-9;
  const size = signed(Math.abs(value));
  [a, b, c, d].forEach((entry, i) => (entries[i].textContent = signed(entry)));
  det.textContent = `${signed(a)}·${signed(d)} − ${signed(b)}·${signed(c)} = ${signed(value)}`;
  area.textContent = size;
  turn.textContent = flat ? "lost" : value > 0 ? "kept" : "mirrored: read the F";
  density.textContent = flat ? "infinite" : `divided by ${size}`;
  if (flat) {
    say.textContent =
      "Singular: the square is squashed to a line. Different points now share an image, so no map leads back, and no " +
      "density is left.";
  } else if (value > 0)
    say.textContent = "The dots are the same ones: all of the mass has moved along with the square.";
  else {
    say.textContent =
      "The determinant is negative: the square was turned over. An area has no sign, so the density uses |det A|.";
  }
}

function setup(root, state, { tell }) {
  let columns = copy(state.columns);
  const drawn = plane(root);
  const side = el("div", root, { class: "side" });
  const shown = numbers(side);
  const update = () => {
    showPlane(drawn, columns);
    showNumbers(shown, columns);
  };
  const set = (now) => {
    columns = copy(now);
    update();
    tell({ columns });
  };
  const glider = gliding(([a, c, b, d]) => {
    columns = [[a, c], [b, d]]; // prettier-ignore
    update();
  }, 700);
  const go = (preset) => {
    tell({ columns: copy(preset) });
    glider.glide(columns.flat(), preset.flat());
  };
  const move = (i, column) => {
    glider.stop();
    set(columns.map((old, k) => (k === i ? column.map(snap) : old)));
  };
  drawn.handles.forEach((handle, i) => {
    drag(handle, { move: (event) => move(i, FRAME.pointer(event, drawn.picture)) });
    arrows(handle, (dx, dy) => move(i, [columns[i][0] + 0.05 * dx, columns[i][1] + 0.05 * dy]));
  });
  buttons(side, Object.fromEntries(Object.entries(PRESETS).map(([name, preset]) => [name, () => go(preset)])));
  const show = (given) => {
    glider.stop();
    columns = copy(given.value?.columns ?? given.columns);
    update();
  };
  return { show, stop: glider.stop };
}

export function draw(element, state) {
  const [title, label] = ["A matrix and the unit square", "A 2 by 2 matrix and the unit square"];
  const hint = "Drag the two round handles. Can you turn the F over without passing through area 0?";
  mount(element, state, { name: "gl-para", title, hint, label, width: 848, css: STYLE, setup });
}
