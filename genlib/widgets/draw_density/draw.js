// Draw a density; a small network learns its score here, in the browser, and stands beside the exact one.
// state: {presets: {name: [K][2]}, widths: {name: σ}, preset, points: [n][2], width, hidden, weights, seed, t, hint}.
// value: {preset, points, steps, weights, seed, t}. Tells: value, when training rests, and when the time was moved.
// root.studio has the mathematics, for whoever wants to compare it.
import { arrows, button, calm, canvas, checkbox, choice, clamp, drag, el, mount, playButton, radios } from "../kit.js";
import { random, slider } from "../kit.js";
import { CURVE, FRAME, SIZE, drawCurve, drawGround, drawPlane } from "./planes.js";
import { OWN, REACH, Studio } from "./studio.js";

const SLICE = 7; // milliseconds of a frame for learning and walking
const STYLE = `
  .planes { display: grid; grid-template-columns: repeat(auto-fit, ${SIZE + 2}px); gap: 8px 16px; }
  .planes .row { justify-content: space-between; margin-bottom: 5px; }
  .exact { --gl-accent: var(--gl-blue); }
  canvas.plane { border: 1px solid var(--gl-line); cursor: crosshair; }
  .bar { display: flex; gap: 10px; align-items: center; margin: 9px 0 7px; }
  .bar .slider { flex: 1; } .bar input { flex: 1; } .bar .num { min-width: 3em; }
  button.main { min-width: 5em; }
  .under { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: flex-start; }
  .under > .words { flex: 1; min-width: 26em; }
  .say { min-height: 4.4em; }
  .row + .say { margin-top: 6px; }
`;

const title = (i) => (i ? "right" : "left");

// A plane with what it shows above it; returns the canvas and what shows its settings.
function planeOf(parent, view, i) {
  const box = el("div", parent);
  const row = el("div", box, { class: "row" });
  const change = (what) => {
    Object.assign(view.studio.settings[i], what);
    view.studio.walks[i].again();
    view.wake();
  };
  const score = radios(row, {
    label: `score of the ${title(i)} plane`,
    options: [
      ["exact", "exact score"],
      ["learned", "learned"],
    ],
    act: (value) => change({ score: value }),
  });
  const way = radios(row, {
    label: `way of the ${title(i)} plane`,
    options: ["ODE", "SDE"].map((name) => [name, name]),
    act: (value) => change({ way: value }),
  });
  const node = canvas(box, SIZE, SIZE, {
    class: "plane",
    role: "application",
    "aria-label":
      `The ${title(i)} plane: density, score and points at the time that is set. Drag to draw data, or move with ` +
      "the arrow keys and draw with the space bar; T trains or pauses",
  });
  take(view, node);
  return {
    paint: (below, theme) => drawPlane(node, below, i, view.shown, theme),
    set() {
      score.set(view.studio.settings[i].score);
      way.set(view.studio.settings[i].way);
    },
  };
}

// The plane under the hand and the keys: drawing.
function take(view, node) {
  const u = random(3);
  const inside = (place) => place.map((v) => clamp(v, -REACH, REACH));
  const spray = (place) => {
    view.shown.drawing = true;
    view.studio.paint(inside(place), u);
    view.setTime(0);
    view.controls();
    view.paint();
  };
  const up = () => {
    view.shown.drawing = false;
    view.wake();
    view.tell();
  };
  const brush = (event) => spray(FRAME.pointer(event, node));
  drag(node, { down: brush, move: brush, up });
  const move = (dx, dy) => {
    const [x, y] = view.shown.cursor ?? [0, 0];
    view.shown.cursor = inside([x + 0.2 * dx, y + 0.2 * dy]);
    view.paint();
  };
  const dab = () => {
    spray((view.shown.cursor ??= [0, 0]));
    up();
  };
  arrows(node, move, { " ": dab, t: () => view.toggle() });
  node.addEventListener("blur", () => {
    view.shown.cursor = null;
    view.paint();
  });
}

// Time, and the button that lets it run from noise to data; returns both.
function clockOf(parent, view) {
  const bar = el("div", parent, { class: "bar" });
  const train = button(bar, "Train", () => view.toggle(), { class: "main" });
  const act = (t) => {
    player.stop();
    view.setTime(t);
    view.paint();
    view.tell();
  };
  const show = (t) => Number(t).toFixed(2);
  const dial = slider(bar, { label: "time t: data 0 … 1 noise", name: "t", min: 0, max: 1, step: 0.01, show, act });
  const player = playButton(bar, {
    text: "From noise to data",
    step(since) {
      const t = Math.max(0, 1 - since / 4000);
      view.setTime(calm() ? 0 : t);
      view.paint();
      return view.shown.t > 0;
    },
    end: () => view.tell(),
  });
  return { train, dial, player };
}

function underOf(parent, view) {
  const under = el("div", parent, { class: "under" });
  const words = el("div", under, { class: "words" });
  const row = el("div", words, { class: "row" });
  const preset = choice(row, {
    label: "data",
    name: "preset",
    options: [...Object.keys(view.studio.presets), OWN],
    act(name) {
      view.studio.choose(name);
      view.rest();
    },
  });
  const ground = choice(row, {
    label: "ground",
    name: "ground",
    options: [
      ["density", "density p_t"],
      ["error", "error of the learned score"],
    ],
    act: (value) => view.show({ ground: value }),
  });
  const more = el("div", words, { class: "row" });
  checkbox(more, "arrows", (on) => view.show({ arrows: on }), true);
  checkbox(more, "paths", (on) => view.show({ trails: on }), true);
  button(more, "New network", () => {
    view.training = false;
    view.studio.restart();
    view.rest();
  });
  button(more, "Clear", () => {
    Object.assign(view.studio, { own: [] });
    view.studio.choose(OWN);
    view.rest();
  });
  const say = el("div", words, { class: "say" });
  const right = el("figure", under);
  el("figcaption", right, {}, "error of the learned ε̂, all times");
  const curve = canvas(right, CURVE.width, CURVE.height, { role: "img", "aria-label": "the error over the steps" });
  return { preset, ground, say, curve };
}

const number = (v) => (Number.isFinite(v) ? v.toFixed(3) : "–");

function showWords(say, { studio, shown, said }) {
  say.replaceChildren();
  const { steps } = studio.learner;
  if (!studio.mixture) return void el("div", say, {}, "There is nothing yet: draw on a plane.");
  const { floor } = studio.trials;
  const loss = `loss ${number(floor + studio.error)} = ${number(floor)} that no network can avoid`;
  el("div", say, {}, `${steps} steps. Over all times: ${loss} + ${number(studio.error)}, its error.`);
  el(
    "div",
    say,
    {},
    `At t = ${shown.t.toFixed(2)} its error is ${number(studio.errorAt(shown.t))}: mean |ε̂ − E[ε | x_t]|².`,
  );
  if (said) el("div", say, {}, said);
}

// One frame: some training, some walking, and the picture.
function frame(view) {
  view.awake = false;
  const { studio } = view;
  const begun = performance.now();
  if (view.training) {
    let fine = true;
    do fine = studio.learn();
    while (fine && performance.now() - begun < 0.6 * SLICE);
    if (!fine) Object.assign(view, { training: false, said: "The weights became infinite: take a new network." });
    if (studio.walks.every(({ left }) => left === 0)) studio.walkAgain("learned");
  }
  const walking = studio.walk(view.training ? 0.4 * SLICE : SLICE);
  view.frames += 1;
  if (view.training) view.paintSome(view.frames);
  else view.paint();
  if (view.training || walking) view.wake();
}

function setup(root, state, { tell, theme }) {
  const studio = new Studio(state);
  root.studio = studio;
  const shown = { studio, t: 1, ground: "density", arrows: true, trails: true, cursor: null, drawing: false };
  const view = { studio, shown, training: false, awake: false, frames: 0, said: "", left: false };
  view.wake = () => {
    if (view.awake || view.left) return;
    view.awake = true;
    requestAnimationFrame(() => view.left || !root.isConnected || frame(view));
  };
  view.tell = () => tell({ ...studio.value, t: shown.t });
  view.rest = () => {
    view.said = "";
    view.controls();
    view.wake();
    view.tell();
  };
  view.show = (change) => {
    Object.assign(shown, change);
    view.paint();
  };
  view.toggle = () => {
    view.training = !view.training && studio.mixture !== null;
    if (!view.training) studio.walkAgain();
    view.rest();
  };
  const planes = el("div", root, { class: "planes" });
  const both = [0, 1].map((i) => planeOf(planes, view, i));
  const clock = clockOf(root, view);
  const under = underOf(root, view);
  view.setTime = (t) => {
    shown.t = t;
    clock.dial.set(t);
  };
  view.controls = () => {
    clock.train.textContent = view.training ? "Pause" : "Train";
    under.preset.set(studio.preset);
    both.forEach((plane) => plane.set());
  };
  const below = document.createElement("canvas");
  const planesOnly = (which) => {
    if (studio.mixture) drawGround(below, shown, theme);
    which.forEach((i) => both[i].paint(below, theme));
  };
  const tellProgress = () => {
    drawCurve(under.curve, studio.curve, theme);
    showWords(under.say, view);
  };
  view.paint = () => {
    planesOnly([0, 1]);
    tellProgress();
  };
  // While it learns: in every second frame the planes that change, in every twelfth the words.
  view.paintSome = (frames) => {
    const changes = (i) => studio.settings[i].score === "learned" || shown.ground === "error";
    if (frames % 2) planesOnly([0, 1].filter(changes));
    if (frames % 12 === 0) tellProgress();
  };
  return looking(view, clock, { studio, shown });
}

// What the kernel or another view says, and the end.
function looking(view, clock, { studio, shown }) {
  const show = (given) => {
    view.training = false;
    if (given.value?.weights) studio.take(given.value);
    const t = given.value?.t ?? given.t;
    shown.t = clamp(Number(t), 0, 1);
    if (!Number.isFinite(shown.t)) throw new TypeError("t is no number");
    clock.dial.set(shown.t);
    view.controls();
    while (studio.walk(50));
    view.paint();
  };
  const stop = () => {
    view.left = true;
    view.training = false;
    clock.player.stop();
  };
  return { show, paint: () => view.paint(), stop };
}

export function draw(element, state) {
  const [name, label] = ["gl-density", "Draw a density: a network learns its score, beside the exact one"];
  mount(element, state, { name, title: "Draw your own density", label, width: 830, css: STYLE, setup });
}
