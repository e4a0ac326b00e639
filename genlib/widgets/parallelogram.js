// A 2x2 matrix: the unit square and what becomes of it. state: {columns: [[a, c], [b, d]], value}. Tells: {columns}.

const STYLE = `
.gl-para { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  display: flex; flex-wrap: wrap; gap: 8px 28px; padding: 4px; align-items: flex-start; }
.gl-para svg { width: 440px; max-width: 100%; height: auto; user-select: none; touch-action: none; background: #fff; border: 1px solid #ddd; }
.gl-para .handle { cursor: grab; }
.gl-para .handle:focus-visible { outline: none; stroke: #222; stroke-width: 3; }
.gl-para .side { width: 330px; font-variant-numeric: tabular-nums; }
.gl-para .row { display: grid; grid-template-columns: 8.2em 1fr; gap: 4px 10px; margin: 3px 0; }
.gl-para .row b { font-weight: 600; }
.gl-para .matrix { display: inline-grid; grid-template-columns: auto auto; gap: 0 16px; padding: 0 10px; text-align: right;
  border-left: 2px solid currentColor; border-right: 2px solid currentColor; border-radius: 6px; margin-left: 8px; }
.gl-para .say { margin-top: 10px; min-height: 4.4em; }
.gl-para .buttons { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 8px; }
.gl-para button { font: inherit; padding: 2px 9px; cursor: pointer; border: 1px solid #999; border-radius: 4px; background: none; color: inherit; }
`;
const SIZE = 440;
const EDGE = 2.7; // the plane shows -2.7..2.7
const LIMIT = 2.5; // where a column may go
const FIRST = "#0072B2";
const SECOND = "#D55E00";
const LETTER = [[0.3, 0.15], [0.3, 0.85], [0.72, 0.85], [0.3, 0.85], [0.3, 0.53], [0.62, 0.53]];
const PRESETS = {
  "leave it": [[1, 0], [0, 1]],
  "turn": [[0.8, 0.6], [-0.6, 0.8]],
  "stretch": [[2, 0], [0, 0.5]],
  "shear": [[1, 0], [1, 1]],
  "mirror": [[-1, 0], [0, 1]],
  "blow up": [[2, 0], [0, 2]],
  "flatten": [[1, 0.5], [2, 1]],
};
// Points spread evenly over the square (Halton's sequence, bases 2 and 3), as mass.
const halton = (i, base) => { let f = 1; let r = 0; while (i > 0) { f /= base; r += f * (i % base); i = Math.floor(i / base); } return r; };
const DOTS = Array.from({ length: 150 }, (_, i) => [halton(i + 1, 2), halton(i + 1, 3)]);

const SVG = Object.assign(document.createElement("template"), { innerHTML: "<svg></svg>" }).content.firstChild.namespaceURI;

function node(tag, parent, attributes = {}, text = "") {
  const svg = ["svg", "path", "line", "text", "circle", "g"].includes(tag);
  const made = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

const px = ([u, v]) => [((u + EDGE) / (2 * EDGE)) * SIZE, ((EDGE - v) / (2 * EDGE)) * SIZE];
const path = (points, close) => points.map((p, i) => `${i ? "L" : "M"}${px(p).map((v) => v.toFixed(1)).join(" ")}`).join("") + (close ? "Z" : "");
const clamp = (v) => Math.min(LIMIT, Math.max(-LIMIT, v));
const snap = (v) => Math.round(clamp(v) * 20) / 20;
const number = (v) => (Math.abs(v) < 0.005 ? 0 : v).toFixed(2).replace("-", "−");

export function draw(element, state) {
  let columns = (state.value?.columns ?? state.columns).map((c) => c.slice());
  const keyOf = () => JSON.stringify([state.columns, columns]);
  if (element.glKey === keyOf()) return;
  element.glKey = keyOf();
  element.replaceChildren();
  node("style", element, {}, STYLE);
  const root = node("div", element, { class: "gl-para", role: "group", "aria-label": "A 2 by 2 matrix and the unit square" });
  const svg = node("svg", root, { viewBox: `0 0 ${SIZE} ${SIZE}` });
  for (let t = -2; t <= 2; t++) {
    const axis = t === 0;
    node("path", svg, { d: path([[t, -EDGE], [t, EDGE]]) + path([[-EDGE, t], [EDGE, t]]), stroke: axis ? "#999" : "#e4e4e4", fill: "none" });
    if (!axis) {
      const [u, v] = px([t, 0]);
      node("text", svg, { x: u, y: v + 14, "font-size": 11, fill: "#777", "text-anchor": "middle" }, `${t}`.replace("-", "−"));
      const [s, r] = px([0, t]);
      node("text", svg, { x: s - 6, y: r + 4, "font-size": 11, fill: "#777", "text-anchor": "end" }, `${t}`.replace("-", "−"));
    }
  }
  node("path", svg, { d: path([[0, 0], [1, 0], [1, 1], [0, 1]], true), fill: "none", stroke: "#555", "stroke-dasharray": "5 4" });
  node("path", svg, { d: path(LETTER), fill: "none", stroke: "#bbb", "stroke-width": 5, "stroke-linejoin": "round", "stroke-linecap": "round" });
  const shape = node("path", svg, { fill: "#E69F00", "fill-opacity": 0.22, stroke: "#E69F00", "stroke-width": 2 });
  const letter = node("path", svg, { fill: "none", stroke: "#8a6100", "stroke-width": 5, "stroke-linejoin": "round", "stroke-linecap": "round", opacity: 0.75 });
  const dots = node("g", svg, { fill: "#333" });
  const marks = DOTS.map(() => node("circle", dots, { r: 1.6 }));
  const arrows = [FIRST, SECOND].map((colour) => node("path", svg, { stroke: colour, "stroke-width": 3, fill: "none" }));
  const handles = [FIRST, SECOND].map((colour, i) => node("circle", svg, {
    r: 9, fill: colour, tabindex: 0, class: "handle", role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": `${i ? "second" : "first"} column: arrow keys move it`,
  }));
  const side = node("div", root, { class: "side" });
  const line = (title) => {
    const row = node("div", side, { class: "row" });
    node("span", row, {}, title);
    return node("b", row);
  };
  const top = node("div", side, { class: "row" });
  node("span", top, {}, "matrix A");
  const matrix = node("div", node("div", top), { class: "matrix" });
  const entries = [0, 1, 2, 3].map((i) => node("span", matrix, { style: `color:${i % 2 ? SECOND : FIRST};font-weight:600` }));
  const [det, area, turn, density] = ["det A", "area = |det A|", "orientation", "points per area"].map(line);
  const say = node("div", side, { class: "say", "aria-live": "polite" });
  const buttons = node("div", side, { class: "buttons" });

  function paint() {
    const [[a, c], [b, d]] = columns; // the matrix is [[a, b], [c, d]]
    const to = ([u, v]) => [a * u + b * v, c * u + d * v];
    shape.setAttribute("d", path([[0, 0], [1, 0], [1, 1], [0, 1]].map(to), true));
    letter.setAttribute("d", path(LETTER.map(to)));
    DOTS.forEach((dot, i) => {
      const [u, v] = px(to(dot));
      marks[i].setAttribute("cx", u.toFixed(1));
      marks[i].setAttribute("cy", v.toFixed(1));
    });
    columns.forEach((column, i) => {
      arrows[i].setAttribute("d", path([[0, 0], column]));
      const [u, v] = px(column);
      handles[i].setAttribute("cx", u);
      handles[i].setAttribute("cy", v);
    });
    [a, b, c, d].forEach((value, i) => { entries[i].textContent = number(value); });
    const value = a * d - b * c;
    const flat = Math.abs(value) < 1e-9;
    det.textContent = `${number(a)}·${number(d)} − ${number(b)}·${number(c)} = ${number(value)}`;
    area.textContent = number(Math.abs(value));
    turn.textContent = flat ? "lost" : value > 0 ? "kept" : "mirrored: read the F";
    density.textContent = flat ? "infinite" : `divided by ${number(Math.abs(value))}`;
    say.textContent = flat
      ? "Singular: the square is squashed to a line. Different points now share an image, so no map leads back, and no density is left."
      : value > 0
        ? "The dots are the same ones: all of the mass has moved along with the square."
        : "The determinant is negative: the square was turned over. An area has no sign, so the density uses |det A|.";
  }
  const tell = () => {
    paint();
    element.glKey = keyOf();
    element.dispatchEvent(new CustomEvent("moved", { detail: { columns: columns.map((column) => column.slice()) } }));
  };
  handles.forEach((handle, i) => {
    handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus(); });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = svg.getBoundingClientRect();
      columns[i] = [
        snap(((event.clientX - box.left) / box.width) * 2 * EDGE - EDGE),
        snap(EDGE - ((event.clientY - box.top) / box.height) * 2 * EDGE),
      ];
      tell();
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
      if (!step) return;
      columns[i] = columns[i].map((v, k) => snap(v + step[k]));
      tell();
      event.preventDefault();
      event.stopPropagation();
    });
  });
  for (const [name, preset] of Object.entries(PRESETS)) {
    node("button", buttons, { type: "button" }, name).addEventListener("click", () => {
      columns = preset.map((column) => column.slice());
      tell();
    });
  }
  paint();
}
