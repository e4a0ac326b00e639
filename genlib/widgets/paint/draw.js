// An image of numbers to paint on. state: {image: [H][W], levels, readout: [{title, names, values}], value}.
// Tells: {image}.
import { bar, buttons, canvas, checkbox, el, grey, mount, slider } from "../kit.js";
import { brush } from "./brush.js";

const SIZE = 288;

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 22px;
  canvas { border: 1px solid var(--gl-line); cursor: crosshair; }
  .left { width: ${SIZE + 2}px; }
  .tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 8px; }
  .tools input[type=range] { width: 76px; }
  .swatch { width: 1.5em; height: 1.5em; border: 1px solid var(--gl-line); border-radius: 50%; flex: none; }
  .tools .num { width: 1.4em; }
  .where { min-height: 2.8em; margin-top: 4px; font-variant-numeric: tabular-nums; max-width: 22.3em; }
  .panels { display: flex; flex-wrap: wrap; gap: 20px; align-items: flex-start; }
  .panel { width: 17.5em; box-sizing: border-box; padding: 10px 12px; 
    border: 1px solid var(--gl-faint); border-radius: 6px; }
  .bars .most { font-weight: 600; }
  .panel b { display: block; margin-bottom: 4px; }
  .bars { display: grid; grid-template-columns: max-content 1fr 3.2em; gap: 6px; align-items: center;
    height: 1.7em; font-variant-numeric: tabular-nums; }
`;

function showImage(context, { image, cursor: [r, c], numbers }, top, cell, theme) {
  context.clearRect(0, 0, SIZE, SIZE);
  Object.assign(context, {
    textAlign: "center",
    textBaseline: "middle",
    font: `${Math.round(cell * 0.36)}px sans-serif`,
  });
  image.forEach((row, y) =>
    row.forEach((level, x) => {
      context.fillStyle = grey(level, top + 1);
      context.fillRect(x * cell, y * cell, cell, cell);
      if (cell < 15 || !numbers) return;
      context.fillStyle = level > 0.4 * top ? "#fff" : "#333"; // on the picture's own ground, light in any theme
      context.fillText(level, (x + 0.5) * cell, (y + 0.5) * cell);
    }),
  );
  context.strokeStyle = theme.orange;
  context.lineWidth = 2;
  context.strokeRect(c * cell + 1, r * cell + 1, cell - 2, cell - 2);
}

// Which pixel the cursor is on, in the lecture's notation and in Python's.
function showPlace(where, { image, cursor: [r, c] }) {
  where.replaceChildren();
  el("i", where, {}, "x");
  el("sub", where, {}, r * image[0].length + c + 1);
  where.append(` = ${image[r][c]}  (row ${r + 1}, column ${c + 1}, `);
  el("code", where, {}, `x[0, ${r}, ${c}]`);
  where.append(")");
}

function showReadout(panels, readout) {
  panels.replaceChildren();
  for (const panel of readout) {
    const box = el("div", panels, { class: "panel" });
    el("b", box, {}, panel.title);
    const most = Math.max(...panel.values);
    panel.names.forEach((name, i) => {
      const row = el("div", box, { class: panel.values[i] === most ? "bars most" : "bars" });
      el("span", row, {}, name);
      bar(row, "var(--gl-blue)")(panel.values[i]);
      el("span", row, {}, panel.values[i].toFixed(2));
    });
  }
}

function setup(root, state, { tell, theme }) {
  const [H, W] = [state.image.length, state.image[0].length];
  const top = state.levels - 1;
  const view = { cursor: [0, 0], image: null, level: top, numbers: true };
  const left = el("div", root, { class: "left" });
  const node = canvas(left, SIZE, SIZE, {
    role: "application",
    "aria-label": `${H} by ${W} pixels to paint on: arrow keys move, plus and minus change the level`,
  });
  const tools = el("div", left, { class: "tools" });
  const choose = (level) => {
    dial.set((view.level = level));
    swatch.style.background = grey(level, state.levels);
  };
  const dial = slider(tools, { label: "brush", min: 0, max: top, step: 1, show: String, act: choose });
  const swatch = el("span", tools, { class: "swatch" });
  const where = el("div", left, { class: "where say" });
  const panels = el("div", root, { class: "panels" });
  view.paint = () => {
    showImage(node.getContext("2d"), view, top, SIZE / Math.max(H, W), theme);
    showPlace(where, view);
  };
  const replace = (image) => {
    view.image = image.map((row) => row.slice());
    view.paint();
  };
  view.set = (r, c, level) => {
    const same = view.image[r][c] === level;
    view.cursor = [r, c];
    view.image[r][c] = level;
    view.paint();
    if (!same) tell({ image: view.image });
  };
  const begin = (image) => {
    replace(image);
    tell({ image });
  };
  buttons(tools, {
    Clear: () => begin(view.image.map((row) => row.map(() => 0))),
    Restore: () => begin(state.image),
  });
  const small = SIZE / Math.max(H, W) < 15; // no room for numbers
  const shown = checkbox(small ? document.createElement("div") : tools, "numbers", (on) => {
    view.numbers = on;
    view.paint();
  });
  shown.checked = true;
  choose(top);
  brush(view, node, [H, W], top);
  const show = (given) => {
    replace(given.value?.image ?? given.image);
    showReadout(panels, given.readout ?? []);
  };
  return { show, paint: view.paint };
}

const HINT = (state) =>
  state.readout
    ? "Change as few pixels as you can until the models change their minds. Which of them is sure of a scribble?"
    : "Drag over the picture with the brush, take the numbers away, and bring the picture back.";

export function draw(element, state) {
  const title = state.readout ? "Paint, and ask the models" : "A picture is a grid of numbers";
  mount(element, state, {
    name: "gl-paint",
    title,
    hint: HINT,
    width: 300 + 252 * Math.min(2, state.readout?.length ?? 0),
    css: STYLE,
    setup,
  });
}
