// A picture while it is drawn, pixel by pixel, and the distribution of the next one. state: {images: [n][H][W], levels,
// probabilities: base64 float32 (n, H*W, V), titles: [n], step, picture, value}. Tells: {step, picture}.
import {
  Cells,
  Frame,
  axisX,
  axisY,
  button,
  canvas,
  changing,
  clamp,
  drag,
  el,
  floats,
  grey,
  mix,
  mount,
  picture,
  playButton,
  put,
  slider,
  svg,
  ticks,
} from "../kit.js";

const SIZE = 224; // pixels of the page: whole ones for a cell of 8, 14 or 28 a side
const WIDE = 300;
const PACE = 90; // milliseconds a pixel,
const LONGEST = 9000; // and for a whole picture
const LINE = [796, 74]; // the surprise of each pixel, in the order of drawing

const STYLE = `
  max-width: 820px;
  .views { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
  figcaption { margin-bottom: 4px; }
  svg { width: ${WIDE}px; height: ${SIZE}px; }
  canvas { cursor: pointer; }
  svg.line { width: ${LINE[0]}px; height: auto; cursor: ew-resize; margin-top: 8px; }
  .row { gap: 10px; margin: 8px 0 6px; }
  .slider { flex: 1; } .slider input { flex: 1; }
  button { min-width: 4.2em; }
  .say { min-height: 1.5em; }
`;

// The probabilities of every picture's pixels, [n][H*W][V], from the one text they came in.
export function unpacked(text, count, pixels, levels) {
  const all = floats(text);
  const at = (k, i) => Array.from(all.subarray((k * pixels + i) * levels, (k * pixels + i + 1) * levels));
  return Array.from({ length: count }, (_, k) => Array.from({ length: pixels }, (__, i) => at(k, i)));
}

// What each pixel of a picture, [H][W], cost: -log₂ of the probability [H*W][V] that its level had.
export const bits = (image, probabilities) =>
  image.flat().map((level, i) => -Math.log2(Math.max(1e-12, probabilities[i][level])));

function figure(parent, title) {
  const box = el("figure", parent);
  el("figcaption", box, {}, title);
  return box;
}

// A square picture of cells: those that are drawn, a colour each, and the next one outlined.
function square(parent, title, label, { columns, rows, pick }) {
  const node = canvas(figure(parent, title), SIZE, SIZE, { role: "img", "aria-label": label });
  const context = node.getContext("2d");
  const cells = new Cells(context, columns, SIZE / Math.max(columns, rows));
  const frame = new Frame({ x: [0, SIZE / cells.side], y: [SIZE / cells.side, 0], width: SIZE, height: SIZE });
  const follow = (event) => {
    const [c, r] = frame.pointer(event, node).map(Math.floor);
    if (c >= 0 && c < columns && r >= 0 && r < rows) pick(r * columns + c);
  };
  drag(node, { down: follow, move: follow });
  return (step, theme, fill) => {
    context.clearRect(0, 0, SIZE, SIZE);
    for (let i = 0; i < columns * rows; i++) {
      if (i < step) fill(cells, i);
      else cells.fill(i, mix(theme.paper, theme.sky, 0.18));
    }
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.strokeRect(0.5, 0.5, columns * cells.side - 1, rows * cells.side - 1);
    if (step < columns * rows) cells.outline(step, theme.amber, 3);
  };
}

function paintCost(cells, i, cost, most, theme) {
  const share = Math.min(1, cost / most);
  cells.fill(i, mix(theme.paper, theme.orange, share));
  if (cells.side < 20) return; // no room for numbers
  const font = `${0.36 * cells.side}px sans-serif`;
  cells.label(i, cost.toFixed(1), share > 0.75 ? theme.paper : theme.ink, font);
}

// Bars, one a level; returns what shows a distribution and the level that will be drawn.
function distribution(parent, levels) {
  const label = "the distribution of the next pixel over the levels";
  const plot = picture(figure(parent, "the next pixel"), [WIDE, SIZE], label);
  const margins = { left: 30, right: 3, top: 6, bottom: 46 };
  const frame = new Frame({ x: [-0.5, levels - 0.5], y: [0, 1], width: WIDE, height: SIZE, ...margins });
  for (const p of [0, 0.5, 1].map((share) => frame.py(share))) {
    svg("line", plot, { x1: frame.left, x2: frame.right, y1: p, y2: p, stroke: "var(--gl-faint)" });
  }
  axisY(plot, frame, [0, 0.5, 1], { mark: 0 });
  axisX(plot, frame, ticks(0, levels - 1, levels <= 8 ? 1 : levels <= 20 ? 2 : Math.ceil(levels / 8)), {
    line: false,
    mark: 0,
  });
  const middle = { x: (frame.left + frame.right) / 2, "text-anchor": "middle", class: "tick" };
  svg("text", plot, { ...middle, y: SIZE - 4 }, "level (0 is paper)");
  const width = Math.max(0.5, frame.px(1) - frame.px(0) - 1);
  const bars = Array.from({ length: levels }, (_, v) => svg("rect", plot, { x: frame.px(v) - width / 2, width }));
  return (p, drawn) =>
    bars.forEach((node, v) => {
      const height = Math.max(p[v] * (frame.bottom - frame.top), v === drawn ? 2 : 0);
      const fill = `var(--gl-${v === drawn ? "orange" : "blue"})`;
      put(node, { y: frame.bottom - height, height, fill });
    });
}

function inWords(step, costs, level, p) {
  const paid = costs.slice(0, step).reduce((a, b) => a + b, 0);
  if (step === costs.length) {
    return `All ${step} pixels are drawn. Paid: ${paid.toFixed(1)} bits, ${(paid / step).toFixed(2)} for each pixel.`;
  }
  const chance = p < 0.005 ? Number(p.toPrecision(1)) : p.toFixed(2);
  const will = `level ${level} will be drawn (orange), p = ${chance}, ${costs[step].toFixed(2)} bits`;
  return `Pixel ${step + 1} of ${costs.length}: ${will}. Paid so far: ${paid.toFixed(1)} bits.`;
}

// The surprise of each pixel as bars along the way, on which one can run back and forth; returns what shows it.
function timeline(parent, pixels, act) {
  const line = picture(parent, LINE, "bits that each pixel cost, in the order of drawing", { class: "line" });
  const margins = { left: 2, right: 2, top: 14, bottom: 4 };
  const frame = new Frame({ x: [0, pixels], y: [0, 1], width: LINE[0], height: LINE[1], ...margins });
  const past = svg("path", line, { fill: "var(--gl-orange)" });
  const ahead = svg("path", line, { fill: "var(--gl-line)", "fill-opacity": 0.35 });
  const ground = { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom, stroke: "var(--gl-line)" };
  svg("line", line, ground);
  svg("text", line, { x: frame.left, y: 10, class: "tick" }, "the surprise of each pixel, in the order of drawing");
  const now = svg("line", line, { y1: frame.top, y2: frame.bottom + 4, stroke: "var(--gl-amber)", "stroke-width": 3 });
  const follow = (event) => act(clamp(Math.floor(frame.pointer(event, line)[0]), 0, pixels));
  drag(line, { down: follow, move: follow });
  const bars = (costs, from, to, most) =>
    costs
      .slice(from, to)
      .map((cost, k) =>
        frame.area([
          [from + k + 0.08, cost / most],
          [from + k + 0.92, cost / most],
        ]),
      ) // prettier-ignore
      .join("");
  return (costs, step) => {
    const most = Math.max(4, ...costs);
    put(past, { d: bars(costs, 0, step, most) || "M0 0" });
    put(ahead, { d: bars(costs, step, pixels, most) || "M0 0" });
    put(now, { x1: frame.px(step), x2: frame.px(step) });
  };
}

// The views of a picture on its way; returns what paints them.
function views(root, { images, probabilities: text, levels }, theme, pick) {
  const [rows, columns] = [images[0].length, images[0][0].length];
  const probabilities = unpacked(text, images.length, rows * columns, levels);
  const row = el("div", root, { class: "views" });
  const shape = { columns, rows, pick };
  const soFar = square(row, "drawn so far", "the picture so far; click a pixel to go there", shape);
  const showNext = distribution(row, levels);
  const paid = square(row, "bits paid for each", "bits that each pixel cost; click a pixel to go there", shape);
  const showLine = timeline(root, rows * columns, pick);
  const most = Math.max(4, Math.ceil(Math.log2(levels)));
  return ({ picture: which, step }) => {
    const image = images[which].flat();
    const costs = bits(images[which], probabilities[which]);
    showLine(costs, step);
    soFar(step, theme, (cells, i) => cells.fill(i, grey(image[i], levels)));
    paid(step, theme, (cells, i) => paintCost(cells, i, costs[i], most, theme));
    if (step === image.length) {
      showNext(Array(levels).fill(0), null);
      return inWords(step, costs);
    }
    const p = probabilities[which][step];
    showNext(p, image[step]);
    return inWords(step, costs, image[step], p[image[step]]);
  };
}

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const byHand = (values) => {
    player.stop();
    change(values);
  };
  const row = el("div", root, { class: "row" });
  const titles = state.titles.map((title, k) => button(row, title, () => byHand({ picture: k })));
  if (titles.length < 2) row.style.display = "none";
  const paintViews = views(root, state, theme, (step) => byHand({ step }));
  const tools = el("div", root, { class: "row" });
  const last = state.images[0].flat().length;
  const pace = Math.min(PACE, LONGEST / last);
  let start = 0;
  const player = playButton(tools, {
    begin() {
      start = now.step < last ? now.step : 0;
      change({ step: start });
    },
    step(time) {
      const step = Math.min(last, start + Math.floor(time / pace));
      if (step !== now.step) change({ step });
      return step < last;
    },
  });
  const range = { min: 0, max: last, step: 1, "aria-label": "how many pixels are drawn" };
  const steps = slider(tools, { label: "", ...range, act: (step) => byHand({ step }) });
  const say = el("div", root, { class: "say" });
  function update() {
    say.textContent = paintViews(now);
    steps.set(now.step);
    titles.forEach((node, k) => put(node, { "aria-pressed": k === now.picture }));
  }
  const show = (given) => {
    if (player.playing()) return; // it is ahead of what comes back
    const { step, picture: which } = { ...given, ...given.value };
    Object.assign(now, { step, picture: which });
    update();
  };
  return { show, paint: update, stop: player.stop };
}

const HINT =
  "Press Play. Where is the model sure of the next pixel, where does it hesitate, and at which pixel is it decided " +
  "what the picture becomes? Drag along the surprise to go back there.";

export function draw(element, state) {
  const title = "A picture while it is drawn";
  mount(element, state, { name: "gl-player", title, hint: HINT, width: 812, css: STYLE, setup });
}
