// Guidance: two classes in the plane with exact scores, the samples of a guided score beside p(x) p(y | x)^w; then
// pictures of a model for some w.
// state: {classes: [[K][2], [K][2]], width, asked, w, t, rows: [W][n][H][W'] integers, weights: [W], notes: [W],
//   levels, names: [2], hint}. value: {classes, asked, w, t}. Tells: value.
// root.guided has the mathematics, for whoever wants to compare it: {places, wanted, model}.
import { Frame, arrows, canvas, checkbox, clamp, disc, drag, el, mount, pixels } from "../kit.js";
import { changing, radios, signed, slider } from "../kit.js";
import { noiseAt } from "../draw_density/mixture.js";
import { POINTS } from "../draw_density/paths.js";
import { drawWays, stampPoints } from "../draw_density/walkers.js";
import { GRID, Guided, REACH, drawCells, spreadOf } from "./guided.js";

const SIZE = 380;
const FRAME = new Frame({ x: [-REACH, REACH], y: [-REACH, REACH], width: SIZE, height: SIZE });
const TRAILS = 40;
const CELL = 46; // of a picture on the page
const MOST = 8; // w

const STYLE = `
  .planes { display: grid; grid-template-columns: repeat(auto-fit, ${SIZE + 2}px); gap: 8px 18px; }
  .planes figcaption { margin-bottom: 4px; }
  canvas.plane { border: 1px solid var(--gl-line); cursor: grab; }
  .dials { display: grid; grid-template-columns: max-content 1fr 4.2em max-content; gap: 5px 12px; align-items: center;
    margin: 9px 0 4px; }
  .dials .slider { display: contents; }
  .dials .dial { --gl-accent: var(--gl-orange); }
  .say { min-height: 4.4em; }
  .rows { display: grid; grid-template-columns: max-content max-content 1fr; gap: 5px 12px; align-items: center;
    margin-top: 8px; }
  .rows .pictures { display: flex; gap: 3px; }
  .rows canvas { width: ${CELL}px; height: ${CELL}px; image-rendering: pixelated; border: 1px solid var(--gl-faint); }
  .rows .at { font-weight: 600; }
  .rows .now { color: var(--gl-orange); }
`;

// Shares 0..1 of a cell, GRID × GRID, as a small canvas in a colour.
function ground(node, values, colour, paper) {
  node.width = node.height = GRID;
  const context = node.getContext("2d");
  const image = context.createImageData(GRID, GRID);
  const most = values.reduce((a, b) => Math.max(a, b), 1e-300);
  const [from, to] = [paper, colour].map((tone) => [1, 3, 5].map((i) => parseInt(tone.slice(i, i + 2), 16)));
  for (let i = 0; i < values.length; i++) {
    const share = 0.6 * Math.sqrt(values[i] / most);
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = from[c] + share * (to[c] - from[c]);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function begin(node, below) {
  const context = node.getContext("2d");
  context.drawImage(below, 0, 0, SIZE, SIZE);
  return context;
}

const dots = (context, places, colour, theme) =>
  stampPoints(context, FRAME, places, { radius: 2.7, colour, rim: `${theme.paper}cc` });

const of = (theme) => [theme.blue, theme.green]; // both classes

// The centres of both classes: rings, filled for the class that is asked for; a square around the one under the keys.
function centres(context, { classes, asked, held }, theme) {
  const flat = classes.flatMap((centre, k) => centre.map((place) => [place, k]));
  flat.forEach(([place, k], i) => {
    const [u, v] = FRAME.at(place);
    disc(context, [u, v], 7, k === asked ? of(theme)[k] : theme.paper, of(theme)[k], 2.5);
    if (i !== held) return;
    Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5 });
    context.strokeRect(u - 11, v - 11, 22, 22);
  });
}

// The centre that is nearest to a place of the plane, by its number.
function nearest(classes, [x, y]) {
  const far = classes.flat().map(([a, b]) => Math.hypot(a - x, b - y));
  return far.indexOf(Math.min(...far));
}

function words(say, { w, t, names, asked }, made, wanted) {
  const [a, b] = [spreadOf(made), spreadOf(wanted)];
  const told = ({ mean, spread }) => `(${signed(mean[0])}, ${signed(mean[1])}), spread ${signed(spread)}`;
  say.replaceChildren();
  const share = w < 1 ? "less of the condition than the model has" : w > 1 ? "exaggerated" : "the conditional model";
  const name = names[asked];
  el("div", say, {}, `w = ${w.toFixed(1)}: ${w === 0 ? "the model without a condition" : `${name}, ${share}`}.`);
  el("div", say, {}, `Guided samples${t > 0 ? ` at t = ${t.toFixed(2)}` : ""}: mean ${told(a)}.`);
  el("div", say, {}, `p(x) p(y | x)^w: mean ${told(b)}.`);
}

// Pictures of a model, a row for each w that was stored; returns what marks the row nearest to w.
function stored(parent, state) {
  if (!state.rows.length) return () => {};
  const box = el("div", parent, { class: "rows" });
  const marks = state.rows.map((row, k) => {
    const at = el("span", box, { class: "at" }, `w = ${Number(state.weights[k])}`);
    const line = el("div", box, {
      class: "pictures",
      role: "img",
      "aria-label": `samples with w = ${state.weights[k]}`,
    });
    for (const image of row) pixels(el("canvas", line, { "aria-hidden": "true" }), image, state.levels);
    el("span", box, {}, state.notes[k] ?? "");
    return at;
  });
  return (w) => {
    const far = state.weights.map((v) => Math.abs(v - w));
    marks.forEach((mark, k) => mark.classList.toggle("now", k === far.indexOf(Math.min(...far))));
  };
}

// Two planes, a caption above each.
function planesOf(root) {
  const planes = el("div", root, { class: "planes" });
  const label =
    "Samples of the guided score. Drag the centre of a class, or choose one with N and move it with the arrow keys";
  const left = el("figure", planes);
  const caption = el("figcaption", left);
  const guided = canvas(left, SIZE, SIZE, { class: "plane", role: "application", "aria-label": label });
  const right = el("figure", planes);
  el("figcaption", right, {}, "p(x) p(y | x)^w, which guidance does not sample");
  const tilted = canvas(right, SIZE, SIZE, { class: "plane", role: "img", "aria-label": "the tilted density" });
  return { caption, guided, tilted };
}

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const view = { held: 0, trails: true, model: null, walk: null, painted: "" };
  const planes = planesOf(root);
  const [left, right] = [document.createElement("canvas"), document.createElement("canvas")];
  const dials = dialsOf(root, state, change, (on) => {
    view.trails = on;
    paint();
  });
  const say = el("div", root, { class: "say" });
  const mark = stored(root, state);
  take(planes.guided, view, now, change, () => paint());
  function update() {
    const { classes, asked, w } = now;
    view.model = new Guided(classes, state.width, asked);
    view.walk = view.model.walk(w);
    view.tilted = view.model.tilted(w);
    view.wanted = drawCells(view.tilted, POINTS);
    view.painted = "";
    paint();
  }
  function paint() {
    const { classes, asked, w, t } = now;
    const places = view.walk.all(t);
    const colours = of(theme);
    ground(left, view.model.given.density(noiseAt(t), GRID, REACH), colours[asked], theme.paper);
    const context = begin(planes.guided, left);
    if (view.trails) drawWays(context, FRAME, view.walk, t, { many: TRAILS, colour: `${theme.orange}60` });
    centres(context, { classes, asked, held: document.activeElement === planes.guided ? view.held : -1 }, theme);
    dots(context, places, theme.orange, theme);
    paintTilted();
    planes.caption.textContent = `guided samples, at t = ${t.toFixed(2)}`;
    words(say, { w, t, names: state.names, asked }, places, view.wanted);
    dials.set(now);
    mark(w);
    root.guided = { places, wanted: view.wanted, model: view.model };
  }
  // The other plane changes with w, the classes and the theme, and not with the time.
  function paintTilted() {
    const key = `${theme.name} ${theme.scale}`;
    if (view.painted === key) return;
    view.painted = key;
    ground(right, view.tilted, theme.sky, theme.paper);
    dots(begin(planes.tilted, right), view.wanted, theme.ink, theme);
  }
  const show = (given) => {
    const { classes, asked, w, t } = given.value?.classes ? given.value : given;
    if (![w, t].every(Number.isFinite) || (asked !== 0 && asked !== 1)) throw new TypeError("no guidance");
    Object.assign(now, { classes: classes.map((centre) => centre.map((place) => [...place])), asked, w, t });
    update();
  };
  return { show, paint };
}

// Sliders of w and of the time, and whose samples are asked for.
function dialsOf(root, { names }, change, trails) {
  const box = el("div", root, { class: "dials" });
  const both = [
    ["w", "weight w", 0, MOST, 0.1, (w) => `${Number(w).toFixed(1)}`],
    ["t", "time t", 0, 1, 0.01, (t) => `${Number(t).toFixed(2)}`],
  ].map(([name, label, min, max, step, show], k) => {
    const act = (v) => change({ [name]: v });
    const dial = slider(box, { label, name, min, max, step, show, act });
    dial.node.classList.add("dial");
    if (k === 0) {
      const options = names.map((text, i) => [String(i), text]);
      return { dial, asked: radios(box, { label: "y", options, act: (i) => change({ asked: Number(i) }) }) };
    }
    checkbox(box, "paths", trails, true);
    return { dial };
  });
  return {
    set({ w, t, asked }) {
      both[0].dial.set(w);
      both[1].dial.set(t);
      both[0].asked.set(asked);
    },
  };
}

// The centres of both classes under the hand and the keys.
function take(node, view, now, change, paint) {
  const put = (place) => {
    const moved = place.map((v) => Number(clamp(v, -2.6, 2.6).toFixed(3)));
    let i = 0;
    change({ classes: now.classes.map((centre) => centre.map((old) => (i++ === view.held ? moved : old))) });
  };
  drag(node, {
    down(event) {
      const place = FRAME.pointer(event, node);
      view.held = nearest(now.classes, place);
      const [x, y] = now.classes.flat()[view.held];
      return Math.hypot(x - place[0], y - place[1]) < 0.5;
    },
    move: (event) => put(FRAME.pointer(event, node)),
  });
  const move = (dx, dy) => {
    const [x, y] = now.classes.flat()[view.held];
    put([x + 0.1 * dx, y + 0.1 * dy]);
  };
  const next = () => {
    view.held = (view.held + 1) % now.classes.flat().length;
    paint();
  };
  arrows(node, move, { n: next });
  for (const name of ["focus", "blur"]) node.addEventListener(name, paint);
}

export function draw(element, state) {
  const label = "Guidance: samples of a guided score beside p(x) p(y | x)^w";
  mount(element, state, { name: "gl-guide", title: "Guidance", label, width: 800, css: STYLE, setup });
}
