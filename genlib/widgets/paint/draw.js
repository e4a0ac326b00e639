// An image of numbers to paint on. state: {image: [H][W], levels, readout: [{title, names, values}], value}. Tells: {image}.

const PAINT_STYLE = `
.gl-paint { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  display: flex; flex-wrap: wrap; gap: 22px; padding: 4px; }
.gl-paint canvas { width: 288px; height: 288px; border: 1px solid #999; cursor: crosshair; touch-action: none; display: block; }
.gl-paint canvas:focus-visible { outline: 3px solid #56B4E9; }
.gl-paint .tools { display: flex; gap: 8px; align-items: center; margin-top: 8px; }
.gl-paint .tools label { display: flex; align-items: center; gap: 6px; }
.gl-paint .tools input { width: 76px; cursor: ew-resize; }
.gl-paint .tools span { width: 1.4em; font-variant-numeric: tabular-nums; }
.gl-paint button { font: inherit; padding: 2px 8px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-paint .where { min-height: 2.8em; margin-top: 4px; font-variant-numeric: tabular-nums; max-width: 290px; }
.gl-paint .panels { display: flex; flex-wrap: wrap; gap: 20px; }
.gl-paint .panel { width: 220px; }
.gl-paint .panel b { display: block; margin-bottom: 4px; }
.gl-paint .row { display: grid; grid-template-columns: max-content 1fr 3.2em; gap: 6px; align-items: center; height: 22px;
  font-variant-numeric: tabular-nums; }
.gl-paint .track { background: rgba(128,128,128,.16); border-radius: 3px; height: 14px; }
.gl-paint .fill { background: #0072B2; border-radius: 3px; height: 14px; }
`;

const keyOf = (state, image) => JSON.stringify([state.image, state.levels, image]);

function build(element, state, image) {
  const view = { cursor: [0, 0], down: false, image: image.map((row) => row.slice()) };
  const add = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    parent.append(node);
    return node;
  };
  element.replaceChildren();
  add("style", element, {}, PAINT_STYLE);
  const root = add("div", element, { class: "gl-paint" });
  const left = add("div", root);
  const H = state.image.length;
  const W = state.image[0].length;
  const top = state.levels - 1;
  const size = 576; // twice the size on the page, for sharp digits
  const canvas = add("canvas", left, {
    width: size, height: size, tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": `${H} by ${W} pixels to paint on: arrow keys move, plus and minus change the level`,
  });
  const tools = add("div", left, { class: "tools" });
  const label = add("label", tools, {}, "brush");
  const brush = add("input", label, { type: "range", min: 0, max: top, step: 1, "data-lm-suppress-shortcuts": "true" });
  brush.value = top;
  const shown = add("span", label);
  const clear = add("button", tools, { type: "button" }, "Clear");
  const restore = add("button", tools, { type: "button" }, "Restore");
  const where = add("div", left, { class: "where", "aria-live": "polite" });
  view.panels = add("div", root, { class: "panels" });
  const context = canvas.getContext("2d");
  const cell = size / Math.max(H, W);

  view.paint = () => {
    context.clearRect(0, 0, size, size);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `${Math.round(cell * 0.36)}px sans-serif`;
    view.image.forEach((row, r) => row.forEach((level, c) => {
      const grey = Math.round(255 * (1 - level / top));
      context.fillStyle = `rgb(${grey},${grey},${grey})`;
      context.fillRect(c * cell, r * cell, cell, cell);
      if (cell < 30) return;
      context.fillStyle = level > 0.4 * top ? "#fff" : "#333";
      context.fillText(level, (c + 0.5) * cell, (r + 0.5) * cell);
    }));
    const [r, c] = view.cursor;
    context.strokeStyle = "#D55E00";
    context.lineWidth = 4;
    context.strokeRect(c * cell + 2, r * cell + 2, cell - 4, cell - 4);
    shown.textContent = brush.value;
    where.innerHTML = `<i>x</i><sub>${r * W + c + 1}</sub> = ${view.image[r][c]} &nbsp;(row ${r + 1}, column ${c + 1}, `
      + `<code>x[0, ${r}, ${c}]</code>)`;
  };
  const tell = () => {
    view.paint();
    element.glKey = keyOf(state, view.image);
    element.dispatchEvent(new CustomEvent("moved", { detail: { image: view.image.map((row) => row.slice()) } }));
  };
  const set = (r, c, level) => {
    view.cursor = [r, c];
    if (view.image[r][c] === level) { view.paint(); return; }
    view.image[r][c] = level;
    tell();
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const r = Math.floor(((event.clientY - box.top) / box.height) * Math.max(H, W));
    const c = Math.floor(((event.clientX - box.left) / box.width) * Math.max(H, W));
    return [Math.min(H - 1, Math.max(0, r)), Math.min(W - 1, Math.max(0, c))];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    view.down = true;
    set(...at(event), Number(brush.value));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (view.down) set(...at(event), Number(brush.value));
  });
  const release = () => { view.down = false; };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("keydown", (event) => {
    const [r, c] = view.cursor;
    const level = view.image[r][c];
    const moves = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1] };
    if (event.key in moves) {
      const [to, along] = moves[event.key];
      view.cursor = [Math.min(H - 1, Math.max(0, to)), Math.min(W - 1, Math.max(0, along))];
      view.paint();
    } else if (event.key === "+" || event.key === "=") set(r, c, Math.min(top, level + 1));
    else if (event.key === "-") set(r, c, Math.max(0, level - 1));
    else if (event.key === " " || event.key === "Enter") set(r, c, Number(brush.value));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  brush.addEventListener("input", view.paint);
  clear.addEventListener("click", () => { view.image = view.image.map((row) => row.map(() => 0)); tell(); });
  restore.addEventListener("click", () => { view.image = state.image.map((row) => row.slice()); tell(); });
  view.add = add;
  return view;
}

export function draw(element, state) {
  const current = state.value?.image ?? state.image;
  const key = keyOf(state, current);
  if (element.glKey !== key) { // an image from outside; a new readout alone leaves the painting as it is
    element.glKey = key;
    element.glView = build(element, state, current);
    element.glView.paint();
  }
  const view = element.glView;
  view.panels.replaceChildren();
  for (const panel of state.readout ?? []) {
    const box = view.add("div", view.panels, { class: "panel" });
    view.add("b", box, {}, panel.title);
    panel.names.forEach((name, i) => {
      const row = view.add("div", box, { class: "row" });
      view.add("span", row, {}, name);
      const track = view.add("div", row, { class: "track" });
      view.add("div", track, { class: "fill", style: `width:${100 * Math.min(1, Math.max(0, panel.values[i]))}%` });
      view.add("span", row, {}, panel.values[i].toFixed(2));
    });
  }
}
