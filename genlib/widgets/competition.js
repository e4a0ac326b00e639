// Three competitions for probability mass: a table of images and labels with a slider for each pair, normalised in
// three ways. state: {images: [n][H][W], levels, labels: [K], mass: [n][K], largest, value}. Tells: {mass}.

const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

const STYLE = `
.gl-comp { font: 13px/1.35 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  max-width: 980px; padding: 4px; }
.gl-comp .grid { display: grid; align-items: center; gap: 5px 14px; }
.gl-comp .head { font-size: 12px; align-self: end; text-align: center; }
.gl-comp .head b { font-size: 13px; } .gl-comp .head div { text-wrap: balance; }
.gl-comp canvas { width: 46px; height: 46px; image-rendering: pixelated; border: 1px solid #bbb; display: block; }
.gl-comp .cells { display: grid; gap: 8px; }
.gl-comp .cell { display: flex; flex-direction: column; align-items: center; font-size: 11px; }
.gl-comp input[type=range] { appearance: none; width: 100%; min-width: 60px; margin: 9px 0 5px; height: 4px;
  border-radius: 2px; background: rgba(128,128,128,.35); cursor: ew-resize; }
.gl-comp input[type=range]::-webkit-slider-thumb { appearance: none; width: 15px; height: 15px; border-radius: 50%;
  background: var(--gl-colour); border: none; }
.gl-comp input[type=range]::-moz-range-thumb { width: 15px; height: 15px; border-radius: 50%; border: none;
  background: var(--gl-colour); }
.gl-comp input[type=range]:focus-visible { outline: 2px solid var(--gl-colour); outline-offset: 6px; }
.gl-comp .box { position: relative; height: 20px; background: rgba(128,128,128,.16); border-radius: 3px; overflow: hidden; }
.gl-comp .stack { display: flex; }
.gl-comp .bar { height: 100%; }
.gl-comp .num { font-size: 11px; text-align: center; white-space: nowrap; font-variant-numeric: tabular-nums; }
.gl-comp .up { color: #00795a; } .gl-comp .down { color: #b84a00; }
.gl-comp .say { margin-top: 8px; min-height: 3.9em; }
.gl-comp button { font: inherit; padding: 2px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
`;

function probabilities(mass) {
  const K = mass[0].length;
  const rows = mass.map((row) => row.reduce((a, b) => a + b, 0));
  const columns = [...Array(K).keys()].map((k) => mass.reduce((a, row) => a + row[k], 0));
  const total = rows.reduce((a, b) => a + b, 0);
  const divide = (a, b) => (b > 0 ? a / b : null); // a condition that never happened has no distribution
  return {
    label: mass.map((row, i) => row.map((m) => divide(m, rows[i]))), // p(y | x)
    image: rows.map((m) => divide(m, total)), // p(x)
    given: mass.map((row) => row.map((m, k) => divide(m, columns[k]))), // p(x | y)
  };
}

function make(tag, parent, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

function picture(canvas, image, levels) {
  canvas.height = image.length;
  canvas.width = image[0].length;
  const context = canvas.getContext("2d");
  image.forEach((row, r) => row.forEach((level, c) => {
    const grey = Math.round(255 * (1 - level / (levels - 1)));
    context.fillStyle = `rgb(${grey},${grey},${grey})`;
    context.fillRect(c, r, 1, 1);
  }));
}

export function draw(element, state) {
  const current = state.value?.mass ?? state.mass;
  const keyOf = (table) => JSON.stringify([state.images, state.levels, state.labels, state.mass, state.largest, table]);
  if (element.glKey === keyOf(current)) return;
  element.glKey = keyOf(current);
  element.replaceChildren();
  const { labels, levels, largest, images } = state;
  const n = images.length;
  const K = labels.length;
  const mass = current.map((row) => row.slice());
  const start = state.mass.map((row) => row.slice());
  let before = probabilities(mass);
  let touched = null; // the pair whose slider moves
  const tell = () => {
    update();
    element.glKey = keyOf(mass);
    element.dispatchEvent(new CustomEvent("moved", { detail: { mass: mass.map((row) => row.slice()) } }));
  };

  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-comp", role: "group", "aria-label": "Competition for probability mass" });
  const grid = make("div", root, { class: "grid" });
  grid.style.gridTemplateColumns = `48px minmax(${70 * K}px, ${1.3 * K}fr) ${1.2 * K}fr 1.4fr ${K}fr`;
  make("div", grid, { class: "head" }, "x");
  const cells = (parent) => {
    const box = make("div", parent, { class: "cells" });
    box.style.gridTemplateColumns = `repeat(${K}, 1fr)`;
    return box;
  };
  const head = (title, note, parts) => {
    const box = make("div", grid, { class: "head" });
    make("b", box, {}, title);
    make("div", box, {}, note);
    if (parts) {
      const row = cells(box);
      labels.forEach((label, k) => make("span", row, { style: `color:${COLOURS[k]};font-weight:600` }, `y = ${label}`));
    }
  };
  head("how often seen together", "drag!", true);
  head("p(y | x)", "labels compete for each picture: every row is 1", false);
  head("p(x)", "all pictures compete: the column is 1", false);
  head("p(x | y)", "per label, pictures compete: every column is 1", true);

  const view = { sliders: [], counts: [], label: [], labelText: [], image: [], imageText: [], given: [], givenText: [] };
  for (let i = 0; i < n; i++) {
    picture(make("canvas", grid, { role: "img", "aria-label": `picture ${i + 1}` }), images[i], levels);
    const sliders = cells(grid);
    for (const list of ["sliders", "counts", "label", "given", "givenText"]) view[list][i] = [];
    labels.forEach((label, k) => {
      const cell = make("label", sliders, { class: "cell" });
      const input = make("input", cell, {
        type: "range", min: 0, max: largest, step: 1, "data-lm-suppress-shortcuts": "true",
        "aria-label": `how often picture ${i + 1} was seen with label ${label}`,
      });
      input.value = mass[i][k];
      input.style.setProperty("--gl-colour", COLOURS[k]);
      const grab = () => { before = probabilities(mass); touched = [i, k]; };
      input.addEventListener("pointerdown", grab);
      input.addEventListener("keydown", (event) => { if (!event.repeat) grab(); });
      input.addEventListener("input", () => {
        touched = [i, k];
        mass[i][k] = Number(input.value);
        tell();
      });
      view.sliders[i][k] = input;
      view.counts[i][k] = make("span", cell);
    });
    const first = make("div", grid);
    const stack = make("div", first, { class: "box stack" });
    labels.forEach((_, k) => {
      view.label[i][k] = make("div", stack, { class: "bar", style: `background:${COLOURS[k]}` });
    });
    view.labelText[i] = make("div", first, { class: "num" });
    const second = make("div", grid);
    view.image[i] = make("div", make("div", second, { class: "box" }), { class: "bar", style: "background:#5A5A5A" });
    view.imageText[i] = make("div", second, { class: "num" });
    const third = cells(grid);
    labels.forEach((_, k) => {
      const cell = make("div", third);
      view.given[i][k] = make("div", make("div", cell, { class: "box" }), { class: "bar", style: `background:${COLOURS[k]}` });
      view.givenText[i][k] = make("div", cell, { class: "num" });
    });
  }
  const say = make("div", root, { class: "say", "aria-live": "polite" });
  const reset = make("button", root, { type: "button" }, "Start again");
  reset.addEventListener("click", () => {
    start.forEach((row, i) => row.forEach((m, k) => { mass[i][k] = m; }));
    before = probabilities(mass);
    touched = null;
    tell();
  });

  // A probability with a mark that tells whether it rose or fell since the slider was grabbed.
  const number = (node, now, then, digits = 2) => {
    const change = (now ?? 0) - (then ?? 0);
    node.className = "num" + (change > 5e-4 ? " up" : change < -5e-4 ? " down" : "");
    node.textContent = (now === null ? "no such x or y" : now.toFixed(digits)) + (change > 5e-4 ? " ▲" : change < -5e-4 ? " ▼" : "");
  };
  const width = (node, p) => { node.style.width = `${100 * (p ?? 0)}%`; };
  const fell = (now, then) => (then ?? 0) - (now ?? 0) > 5e-4;
  const list = (items) => (items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`);

  function update() {
    const now = probabilities(mass);
    for (let i = 0; i < n; i++) {
      const parts = labels.map((_, k) => now.label[i][k]);
      labels.forEach((_, k) => {
        view.sliders[i][k].value = mass[i][k];
        view.counts[i][k].textContent = mass[i][k];
        width(view.label[i][k], now.label[i][k]);
        width(view.given[i][k], now.given[i][k]);
        number(view.givenText[i][k], now.given[i][k], before.given[i][k]);
      });
      view.labelText[i].replaceChildren();
      if (parts[0] === null) view.labelText[i].textContent = "never seen: p(y | x) is not defined";
      else labels.forEach((_, k) => {
        number(make("span", view.labelText[i]), now.label[i][k], before.label[i][k]);
        if (k < K - 1) view.labelText[i].append("  ·  ");
      });
      width(view.image[i], now.image[i]);
      number(view.imageText[i], now.image[i], before.image[i]);
    }
    say.replaceChildren();
    if (!touched) {
      say.textContent = "Drag one slider to the right. Before you look: which of the other numbers have to fall, "
        + "in p(y | x), in p(x), in p(x | y)?";
      return;
    }
    const [i, k] = touched;
    const images_ = [...Array(n).keys()];
    const lostLabels = labels.filter((_, j) => j !== k && fell(now.label[i][j], before.label[i][j]));
    const lostImages = images_.filter((r) => r !== i && fell(now.image[r], before.image[r]));
    const lostGiven = images_.filter((r) => r !== i && fell(now.given[r][k], before.given[r][k]));
    const pay = (what, verb) => (what.length ? `${list(what)} paid` : `nobody paid`) + (verb ? ` ${verb}` : "");
    const rows = (indices) => indices.map((r) => r + 1);
    make("div", say, {}, `You moved picture ${i + 1} with label ${labels[k]}.`);
    make("div", say, {}, `p(y | x): of the labels of picture ${i + 1}, ${pay(lostLabels)}. No other picture is touched.`);
    make("div", say, {}, `p(x): of the other pictures, ${pay(rows(lostImages))}: all of them share one sum.`);
    make("div", say, {}, `p(x | y = ${labels[k]}): of the other pictures, ${pay(rows(lostGiven))}. The other labels' columns are not touched.`);
  }
  update();
}
