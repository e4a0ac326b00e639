// A picture while it is drawn, pixel by pixel, and the distribution of the next one. state: {images: [n][H][W], levels,
// probabilities: [n][H*W][V], titles: [n], step, picture, value}. Tells: {step, picture}.
import {
  Cells,
  Frame,
  axisX,
  axisY,
  button,
  canvas,
  changing,
  el,
  grey,
  mix,
  mount,
  playButton,
  put,
  slider,
  svg,
  ticks,
} from "../kit.js";

const SIZE = 184; // pixels of the page
const WIDE = 262;
const PACE = 90; // milliseconds a pixel

const STYLE = `
  max-width: 880px;
  .views { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
  figcaption { margin-bottom: 4px; }
  svg { width: ${WIDE}px; height: ${SIZE}px; }
  .row { gap: 10px; margin: 8px 0 2px; }
  input { width: 420px; }
  button { min-width: 4.2em; }
  .say { min-height: 1.5em; }
`;

// What each pixel of a picture, [H][W], cost: -log₂ of the probability [H*W][V] that its level had.
export const bits = (image, probabilities) =>
  image.flat().map((level, i) => -Math.log2(Math.max(1e-12, probabilities[i][level])));

function figure(parent, title) {
  const box = el("figure", parent);
  el("figcaption", box, {}, title);
  return box;
}

// A square picture of cells: those that are drawn, a colour each, and the next one outlined.
function square(parent, title, label, columns, rows) {
  const node = canvas(figure(parent, title), SIZE, SIZE, { role: "img", "aria-label": label });
  const context = node.getContext("2d");
  const cells = new Cells(context, columns, SIZE / Math.max(columns, rows));
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
  const label = { role: "img", "aria-label": "the distribution of the next pixel over the levels" };
  const picture = svg("svg", figure(parent, "the next pixel"), { viewBox: `0 0 ${WIDE} ${SIZE}`, ...label });
  const margins = { left: 30, right: 3, top: 6, bottom: 46 };
  const frame = new Frame({ x: [-0.5, levels - 0.5], y: [0, 1], width: WIDE, height: SIZE, ...margins });
  for (const p of [0, 0.5, 1].map((share) => frame.py(share))) {
    svg("line", picture, { x1: frame.left, x2: frame.right, y1: p, y2: p, stroke: "var(--gl-faint)" });
  }
  axisY(picture, frame, [0, 0.5, 1], { mark: 0 });
  axisX(picture, frame, ticks(0, levels - 1, levels <= 20 ? 2 : Math.ceil(levels / 8)), { line: false, mark: 0 });
  const middle = { x: (frame.left + frame.right) / 2, "text-anchor": "middle", class: "tick" };
  svg("text", picture, { ...middle, y: SIZE - 4 }, "level (0 is paper)");
  const width = Math.max(0.5, frame.px(1) - frame.px(0) - 1);
  const bars = Array.from({ length: levels }, (_, v) => svg("rect", picture, { x: frame.px(v) - width / 2, width }));
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

// The three views of a picture on its way; returns what paints them.
function views(root, { images, probabilities, levels }, theme) {
  const [rows, columns] = [images[0].length, images[0][0].length];
  const row = el("div", root, { class: "views" });
  const soFar = square(row, "drawn so far", "the picture so far", columns, rows);
  const showNext = distribution(row, levels);
  const paid = square(row, "bits paid for each", "bits that each pixel cost", columns, rows);
  const most = Math.max(4, Math.ceil(Math.log2(levels)));
  return ({ picture, step }) => {
    const image = images[picture].flat();
    const costs = bits(images[picture], probabilities[picture]);
    soFar(step, theme, (cells, i) => cells.fill(i, grey(image[i], levels)));
    paid(step, theme, (cells, i) => paintCost(cells, i, costs[i], most, theme));
    if (step === image.length) {
      showNext(Array(levels).fill(0), null);
      return inWords(step, costs);
    }
    const p = probabilities[picture][step];
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
  const paintViews = views(root, state, theme);
  const tools = el("div", root, { class: "row" });
  const last = state.images[0].flat().length;
  let start = 0;
  const player = playButton(tools, {
    begin() {
      start = now.step < last ? now.step : 0;
      change({ step: start });
    },
    step(time) {
      const step = Math.min(last, start + Math.floor(time / PACE));
      if (step !== now.step) change({ step });
      return step < last;
    },
  });
  const range = { min: 0, max: last, step: 1, "aria-label": "how many pixels are drawn" };
  const steps = slider(tools, { label: "", ...range, act: (step) => byHand({ step }) });
  const say = el("div", root, { class: "say", "aria-live": "off" });
  function update() {
    say.textContent = paintViews(now);
    steps.set(now.step);
    titles.forEach((node, k) => put(node, { "aria-pressed": k === now.picture }));
  }
  const show = (given) => {
    if (player.playing()) return; // it is ahead of what comes back
    const { step, picture } = { ...given, ...given.value };
    Object.assign(now, { step, picture });
    update();
  };
  return { show, paint: update, stop: player.stop };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-player", label: "A picture while it is drawn", css: STYLE, setup });
}
