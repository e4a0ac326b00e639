// A GAN in the plane that plays before your eyes: two small networks, trained here, in the browser.
// state: {hidden, slope, weights: {G, D} base64 float32 in torch's order, settings, painted: [n][2], hint, value}.
// settings: {data, loss, tame, lrG, lrD, turns}. value: {settings, painted, turns: {D, G}, weights}.
// Tells: value, when the game is paused, after single steps and when a setting was changed.
// root.arena has the mathematics, for whoever wants to compare it: {losses, adam, far}.
import { arrows, button, canvas, checkbox, choice, clamp, drag, el, mount, slider } from "../kit.js";
import { DATA, Game, REACH } from "./game.js";
import { LOSSES, losses } from "./losses.js";
import { adam } from "./network.js";
import { CURVES, FRAME, SIZE, drawCurves, drawGround, drawPlane, showWords } from "./plane.js";

const STYLE = `
  max-width: 66em;
  .top { display: flex; flex-wrap: wrap; gap: 22px; }
  canvas.plane { border: 1px solid var(--gl-line); cursor: crosshair; }
  .side { width: max(372px, 28.6em); display: flex; flex-direction: column; gap: 7px; }
  button.main { min-width: 5.2em; }
  .grid { display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: 5px 8px; align-items: center; }
  .grid .choice { display: contents; }
  .grid .slider { display: grid; grid-column: span 2; grid-template-columns: subgrid; }
  .grid .slider .dial { display: grid; grid-template-columns: 1fr 3.6em; gap: 4px; align-items: center; }
  .grid input { width: 100%; min-width: 60px; }
  .say { min-height: 2.8em; max-width: ${SIZE}px; margin-top: 5px; }
  .key { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .92em; margin-top: 4px; max-width: ${SIZE}px; }
  .key i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 5px; }
  .title { font-size: .92em; }
`;

function planeOf(parent) {
  const left = el("div", parent);
  const plane = canvas(left, SIZE, SIZE, {
    class: "plane",
    role: "application",
    "aria-label":
      "The plane with real points, fakes and what D says. P plays or pauses, D and G step one player; " +
      "drag to paint real points, or move with the arrow keys and paint with the space bar",
  });
  const key = el("div", left, { class: "key" });
  for (const [colour, text] of [
    ["blue", "real points"],
    ["orange", "fakes"],
    ["ink", "pull of G's loss on the fakes"],
  ]) {
    const entry = el("span", key);
    el("i", entry, { style: `background:var(--gl-${colour})` });
    entry.append(text);
  }
  el("span", key, {}, "ground: D says real (blue), fake (orange), 1/2 (colourless)");
  return { plane, say: el("div", left, { class: "say", "aria-live": "polite" }) };
}

// Menus and sliders of the settings, in two columns; returns what shows them.
function settingsOf(parent, change) {
  const grid = el("div", parent, { class: "grid" });
  const menu = (name, label, options) =>
    choice(grid, { label, name, options, act: (value) => change({ [name]: value }) }).set;
  const dial = (name, label, [min, max, step], show, act) => {
    const made = slider(grid, { label, name, min, max, step, show, act: (value) => change({ [name]: act(value) }) });
    el("span", made.box, { class: "dial" }).append(made.node, made.number);
    return made.set;
  };
  const rate = (name, label) => {
    const show = (exponent) => (10 ** exponent).toPrecision(1).replace("e-", "e−");
    const set = dial(name, label, [-4, -1.5, 0.1], show, (exponent) => 10 ** exponent);
    return (value) => set(Math.log10(value));
  };
  const sets = {
    data: menu("data", "data", [...Object.keys(DATA), "your own"]),
    loss: menu("loss", "loss", Object.keys(LOSSES)),
    lrD: rate("lrD", "D's learning rate"),
    tame: menu("tame", "keep D tame", ["no", "R1", "clip weights"]),
    lrG: rate("lrG", "G's learning rate"),
    turns: dial("turns", "D steps per G", [1, 10, 1], String, (turns) => turns),
  };
  return (settings) => Object.entries(sets).forEach(([name, set]) => set(settings[name]));
}

function curvesOf(parent, theme) {
  const one = (title, label) => {
    el("div", parent, { class: "title" }, title);
    return canvas(parent, CURVES.width, CURVES.height, { class: "curve", role: "img", "aria-label": label });
  };
  const lost = one("losses: D blue, G orange", "losses");
  const far = one("distance of fakes from data (sliced Wasserstein-1)", "distance");
  return (history) => {
    drawCurves(lost, history, [[0, theme.blue], [1, theme.orange]], theme); // prettier-ignore
    drawCurves(far, history, [[2, theme.green]], theme);
  };
}

// Everything beside the plane; returns what shows the settings, and the curves.
function sideOf(parent, view, theme) {
  const side = el("div", parent, { class: "side" });
  const first = el("div", side, { class: "row" });
  const play = button(first, "Play", () => toggle(view), { class: "main" });
  button(first, "Step D", () => single(view, "D"));
  button(first, "Step G", () => single(view, "G"));
  button(first, "Start again", () => view.restart(view.weights));
  button(first, "New networks", () => view.restart(null));
  const showSettings = settingsOf(side, view.change);
  const more = el("div", side, { class: "row" });
  checkbox(more, "slow motion", (on) => Object.assign(view, { slow: on, turn: "D", wait: 0 }));
  checkbox(more, "arrows", (on) => view.paint({ arrows: on }), true);
  checkbox(more, "G's grid", (on) => view.paint({ folds: on }));
  button(more, "Clear your own", () => {
    view.game.painted = [];
    view.change({ data: "your own" });
  });
  const showCurves = curvesOf(side, theme);
  const controls = () => {
    showSettings(view.game.settings);
    play.textContent = view.playing ? "Pause" : "Play";
  };
  return { controls, showCurves };
}

// Playing -------------------------------------------------------------------------------------------------------------

function rest(view, said = view.said) {
  view.said = said;
  view.controls();
  view.paint();
  view.tell();
}

function advance(view, fine) {
  if (fine) return;
  view.playing = false;
  view.said = "The weights became infinite: start again, with smaller learning rates.";
}

// One step of one player, by hand.
function single(view, who) {
  if (!view.game.hasData()) return;
  view.playing = false;
  const fine = view.game.step(who);
  view.game.record();
  view.said = who === "D" ? "D moved: look at the ground." : "G moved: look at the fakes.";
  advance(view, fine);
  rest(view);
}

function toggle(view) {
  view.playing = !view.playing && view.game.hasData();
  if (!view.playing) return rest(view, "");
  view.said = "";
  view.controls();
  requestAnimationFrame((now) => loop(view, now));
}

// A step every half second, with words.
function slowly(view, now) {
  if (now < view.wait) return;
  const { game, turn } = view;
  view.said =
    turn === "D" ? "D moves: it looks for what tells the two apart." : "G moves: the fakes follow the arrows.";
  advance(view, game.step(turn));
  if (turn === "G") game.record();
  view.taken = turn === "D" ? view.taken + 1 : 0;
  view.turn = turn === "D" && view.taken >= game.settings.turns ? "G" : "D";
  view.wait = now + 550;
  view.paint();
}

// As many rounds as a frame has time for; the ground is coloured anew in every third.
function loop(view, now) {
  if (!view.playing) return;
  view.frame += 1;
  if (view.slow) slowly(view, now);
  else {
    const start = performance.now();
    do advance(view, view.game.round());
    while (view.playing && performance.now() - start < 18);
    view.paint({}, view.frame % 3 === 0);
  }
  if (view.playing) requestAnimationFrame((next) => loop(view, next));
  else rest(view);
}

// The plane under the hand: painting, and the keys.
function take(view, plane) {
  const spray = (place) => {
    const before = view.game.settings.data;
    view.game.paint(place.map((v) => clamp(v, -REACH, REACH)));
    if (view.game.settings.data !== before) view.controls();
    if (!view.playing) view.paint({}, false);
  };
  const brush = (event) => spray(FRAME.pointer(event, plane));
  drag(plane, { down: brush, move: brush, up: () => rest(view) });
  const move = (dx, dy) => {
    const [x, y] = view.show.cursor ?? [0, 0];
    view.paint({ cursor: [x + 0.2 * dx, y + 0.2 * dy].map((v) => clamp(v, -REACH, REACH)) }, false);
  };
  const dab = () => {
    view.show.cursor ??= [0, 0];
    spray(view.show.cursor);
    rest(view);
  };
  arrows(plane, move, { " ": dab, p: () => toggle(view), d: () => single(view, "D"), g: () => single(view, "G") });
  plane.addEventListener("blur", () => view.paint({ cursor: null }, false));
}

// What tests compare with torch: both losses with their gradients, on given weights, and Adam.
const comparison = (game) => ({
  losses(G, D, x, z, kind, weight) {
    const nets = { G: game.player("G", G), D: game.player("D", D) };
    const both = losses(nets, Float64Array.from(x), Float64Array.from(z), kind, weight);
    const [judge, maker] = [both.judge(), both.maker()];
    const lists = { D: [...judge.gradient], G: [...maker.gradient], pull: [...maker.pull] };
    return { lossD: judge.loss, lossG: maker.loss, ...lists };
  },
  adam(weights, gradients, lr) {
    const one = game.player("G", weights);
    for (const gradient of gradients) adam(one, gradient, lr);
    return [...one.weights];
  },
  get far() {
    return game.far;
  },
});

function setup(root, state, { tell, theme }) {
  const game = new Game(state);
  const view = { game, weights: state.weights, playing: false, slow: false, said: "", frame: 0 };
  Object.assign(view, { wait: 0, turn: "D", taken: 0, show: { arrows: true, folds: false, cursor: null } });
  const ground = document.createElement("canvas");
  view.tell = () => tell(game.value);
  view.change = (settings) => {
    game.settings = { ...game.settings, ...settings };
    rest(view, "");
  };
  view.restart = (weights) => {
    game.restart(weights);
    rest(view, "");
  };
  const top = el("div", root, { class: "top" });
  const { plane, say } = planeOf(top);
  const { controls, showCurves } = sideOf(top, view, theme);
  el("div", root, { class: "hint" }, state.hint);
  view.controls = controls;
  view.paint = (change = {}, newGround = true) => {
    Object.assign(view.show, change);
    if (newGround) drawGround(ground, game, theme);
    const now = drawPlane(plane.getContext("2d"), ground, game, view.show, theme);
    game.far = now.far;
    showWords(say, game, now, view.said);
    showCurves(game.history);
  };
  take(view, plane);
  root.arena = comparison(game);
  const show = (given) => {
    view.playing = false;
    if (given.value?.weights) game.take(given.value);
    controls();
    view.paint();
  };
  return { show, paint: () => view.paint(), stop: () => (view.playing = false) };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-arena", label: "Game arena: a GAN in the plane", css: STYLE, setup });
}
