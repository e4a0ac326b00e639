// Three competitions for probability mass: a table of images and labels with a slider for each pair, normalised in
// three ways. state: {images: [n][H][W], levels, labels: [K], mass: [n][K], largest, value}. Tells: {mass}.
import { bar, buttons, el, mount, pixels, slider } from "../kit.js";

const COLOURS = ["blue", "orange", "green", "pink", "amber", "sky"].map((name) => `var(--gl-${name})`);

const STYLE = `
  max-width: 1000px;
  .grid { display: grid; align-items: center; gap: 5px 14px; }
  .head { font-size: .92em; align-self: end; text-align: center; }
  .head b { font-size: 1.08em; } .head div { text-wrap: balance; }
  canvas { width: 46px; height: 46px; image-rendering: pixelated; border: 1px solid var(--gl-line); }
  .cells { display: grid; gap: 8px; }
  .slider { flex-direction: column; gap: 0; font-size: .85em; }
  input[type=range] { width: 100%; min-width: 60px; }
  .track { height: 20px; }
  .stack { display: flex; } .stack .fill { flex: none; }
  .num { font-size: .85em; text-align: center; white-space: nowrap; } .num .num { font-size: 1em; }
  .up { color: var(--gl-green); } .down { color: var(--gl-orange); }
  .bar { position: relative; }
  .ghost { position: absolute; top: -2px; bottom: -2px; width: 2px; margin-left: -1px; background: var(--gl-ink);
    opacity: 0; }
  .ghost.shown { opacity: .75; }
  .say { margin: 8px 0; min-height: 5.6em; }
`;

// The table as p(y | x), p(x) and p(x | y). A condition that never happened has no distribution: null.
export function probabilities(mass) {
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const divide = (a, b) => (b > 0 ? a / b : null);
  const rows = mass.map(sum);
  const columns = mass[0].map((_, k) => sum(mass.map((row) => row[k])));
  return {
    label: mass.map((row, i) => row.map((m) => divide(m, rows[i]))),
    image: rows.map((m) => divide(m, sum(rows))),
    given: mass.map((row) => row.map((m, k) => divide(m, columns[k]))),
  };
}

function cells(parent, count) {
  return el("div", parent, { class: "cells", style: `grid-template-columns:repeat(${count},1fr)` });
}

function headings(grid, labels) {
  const head = (title, note, parts) => {
    const box = el("div", grid, { class: "head" });
    el("b", box, {}, title);
    el("div", box, {}, note);
    if (!parts) return;
    const row = cells(box, labels.length);
    labels.forEach((name, k) => el("span", row, { style: `color:${COLOURS[k]};font-weight:600` }, `y = ${name}`));
  };
  el("div", grid, { class: "head" }, "x");
  head("how often seen together", "drag!", true);
  head("p(y | x)", "labels compete for each picture: every row is 1", false);
  head("p(x)", "all pictures compete: the column is 1", false);
  head("p(x | y)", "per label, pictures compete: every column is 1", true);
}

// A bar with a thin mark where it was when a slider was grabbed; returns what shows both.
function barWithGhost(parent, colour) {
  const box = el("div", parent, { class: "bar" });
  const length = bar(box, colour);
  const ghost = el("div", box, { class: "ghost" });
  return (now, then) => {
    length(now ?? 0);
    ghost.style.left = `${100 * (then ?? 0)}%`;
    ghost.classList.toggle("shown", Math.abs((now ?? 0) - (then ?? 0)) > 5e-4);
  };
}

// The row of picture i: its sliders, and what shows the three normalisations.
function pictureRow(grid, i, { images, levels, labels, largest }, moved, grab) {
  pixels(el("canvas", grid, { role: "img", "aria-label": `picture ${i + 1}` }), images[i], levels);
  const counts = cells(grid, labels.length);
  const sliders = labels.map((name, k) => {
    const label = `how often picture ${i + 1} was seen with label ${name}`;
    const made = slider(counts, { label: "", min: 0, max: largest, show: String, act: (m) => moved(i, k, m) });
    made.node.setAttribute("aria-label", label);
    made.node.style.setProperty("--gl-accent", COLOURS[k]);
    made.node.addEventListener("pointerdown", () => grab(i, k));
    made.node.addEventListener("keydown", (event) => event.repeat || grab(i, k));
    return made;
  });
  const first = el("div", grid);
  const stack = el("div", first, { class: "track stack" });
  const label = labels.map((_, k) => el("div", stack, { class: "fill", style: `background:${COLOURS[k]}` }));
  const labelText = el("div", first, { class: "num" });
  const second = el("div", grid);
  const image = barWithGhost(second, "var(--gl-grey)");
  const imageText = el("div", second, { class: "num" });
  const third = cells(grid, labels.length);
  const given = labels.map((_, k) => {
    const box = el("div", third);
    return { bar: barWithGhost(box, COLOURS[k]), text: el("div", box, { class: "num" }) };
  });
  return { sliders, label, labelText, image, imageText, given };
}

// A probability with a mark that tells whether it rose or fell since the slider was grabbed.
function number(node, now, then) {
  const change = (now ?? 0) - (then ?? 0);
  const [kind, mark] = change > 5e-4 ? [" up", " ▲"] : change < -5e-4 ? [" down", " ▼"] : ["", ""];
  node.className = `num${kind}`;
  node.textContent = (now === null ? "no such x or y" : now.toFixed(2)) + mark;
}

function showRow(row, i, mass, now, before) {
  row.sliders.forEach((each, k) => each.set(mass[i][k]));
  now.label[i].forEach((p, k) => (row.label[k].style.width = `${100 * (p ?? 0)}%`));
  row.labelText.replaceChildren();
  if (now.label[i][0] === null) row.labelText.textContent = "never seen: p(y | x) is not defined";
  else {
    now.label[i].forEach((p, k) => {
      if (k) row.labelText.append("  ·  ");
      number(el("span", row.labelText), p, before.label[i][k]);
    });
  }
  row.image(now.image[i], before.image[i]);
  number(row.imageText, now.image[i], before.image[i]);
  row.given.forEach((each, k) => {
    each.bar(now.given[i][k], before.given[i][k]);
    number(each.text, now.given[i][k], before.given[i][k]);
  });
}

// Who paid for the pair that was touched, in words.
function tellWhoPaid(say, [i, k], labels, now, before) {
  const fell = (after, then) => (then ?? 0) - (after ?? 0) > 5e-4;
  const list = (items) => (items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`);
  const paid = (items) => (items.length ? `${list(items)} paid` : "nobody paid");
  const others = now.image.map((_, r) => r).filter((r) => r !== i);
  const numbers = (indices) => indices.map((r) => r + 1);
  const lostLabels = labels.filter((_, j) => j !== k && fell(now.label[i][j], before.label[i][j]));
  const lostImages = others.filter((r) => fell(now.image[r], before.image[r]));
  const lostGiven = others.filter((r) => fell(now.given[r][k], before.given[r][k]));
  const given = `p(x | y = ${labels[k]})`;
  for (const line of [
    `You moved picture ${i + 1} with label ${labels[k]}.`,
    `p(y | x): of the labels of picture ${i + 1}, ${paid(lostLabels)}. No other picture is touched.`,
    `p(x): of the other pictures, ${paid(numbers(lostImages))}: all of them share one sum.`,
    `${given}: of the other pictures, ${paid(numbers(lostGiven))}. The other labels' columns are not touched.`,
  ]) {
    el("div", say, {}, line);
  }
}

const QUESTION = "Before you look: which of the other numbers have to fall, in p(y | x), in p(x), in p(x | y)?";
const HINT =
  "Drag the last blue slider to the right. A mark stays where each bar was: who had to pay? Then find a slider that " +
  "makes another label of the same picture pay.";

function setup(root, state, { tell }) {
  const K = state.labels.length;
  const columns = `48px minmax(${5.4 * K}em,${1.3 * K}fr) ${1.2 * K}fr 1.4fr ${K}fr`;
  const copy = (table) => table.map((row) => row.slice());
  let mass = copy(state.mass);
  let before = probabilities(mass); // as it was when a slider was grabbed
  let touched = null; // the pair whose slider moves
  const grid = el("div", root, { class: "grid", style: `grid-template-columns:${columns}` });
  headings(grid, state.labels);
  const grab = (i, k) => {
    before = probabilities(mass);
    touched = [i, k];
  };
  const moved = (i, k, m) => {
    touched = [i, k];
    mass[i][k] = m;
    update();
    tell({ mass });
  };
  const rows = state.images.map((_, i) => pictureRow(grid, i, state, moved, grab));
  const say = el("div", root, { class: "say" });
  const restart = (table) => {
    mass = copy(table);
    before = probabilities(mass);
    touched = null;
    update();
  };
  buttons(root, {
    "Start again": () => {
      restart(state.mass);
      tell({ mass });
    },
  });
  function update() {
    const now = probabilities(mass);
    rows.forEach((row, i) => showRow(row, i, mass, now, before));
    say.replaceChildren();
    if (touched) tellWhoPaid(say, touched, state.labels, now, before);
    else say.textContent = QUESTION;
  }
  return { show: (given) => restart(given.value?.mass ?? given.mass) };
}

export function draw(element, state) {
  const title = "Three competitions for probability mass";
  mount(element, state, { name: "gl-comp", title, hint: HINT, width: 860, css: STYLE, setup });
}
