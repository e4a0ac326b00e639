// A GAN in the plane that plays before your eyes: two small networks, trained here, in the browser.
// state: {hidden, slope, weights: {G, D} base64 float32 in torch's order, settings, painted: [n][2], hint, value}.
// settings: {data, loss, tame, lrG, lrD, turns}. value: {settings, painted, turns: {D, G}, weights}.
// Tells: value, when the game is paused, after single steps and when a setting was changed.
// root.arena has the mathematics, for whoever wants to compare it: {losses, adam, far}.
import { arrows, button, canvas, checkbox, choice, clamp, drag, el, mount, slider } from "../kit.js";
import { DATA, Game, PRESETS, REACH } from "./game.js";
import { LOSSES, losses } from "./losses.js";
import { adam } from "./network.js";
import { STRIP, drawNetworks } from "./networks.js";
import { CURVES, FRAME, SIZE, drawCurves, drawGround, drawPlane, isCritic, showWords } from "./plane.js";

const STYLE = `
  .top { display: flex; flex-wrap: wrap; gap: 12px 22px; align-items: flex-start; }
  .left { width: ${SIZE + 2}px; }
  .left .row { margin-bottom: 6px; }
  canvas.plane { border: 1px solid var(--gl-line); cursor: crosshair; }
  .side { width: max(${STRIP.width}px, 33.5em); display: flex; flex-direction: column; gap: 5px; }
  button.main { min-width: 5.2em; }
  .grid { display: grid; grid-template-columns: max-content minmax(0, 1fr) max-content minmax(0, 1fr);
    gap: 5px 8px; align-items: center; }
  .grid .choice { display: contents; }
  .grid .wide select { grid-column: 2 / 5; }
  .grid .slider { display: grid; grid-column: span 2; grid-template-columns: subgrid; }
  .grid .slider .dial { display: grid; grid-template-columns: 1fr 3.6em; gap: 4px; align-items: center; }
  .grid :is(input, select) { width: 100%; min-width: 60px; }
  .say { min-height: 3em; margin-top: 4px; }
  .key { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .92em; margin-top: 4px; }
  .key i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 5px; }
  .title { font-size: .92em; }
  .past .slider { width: ${CURVES.width}px; }
  .past input { flex: 1; }
  .past .num { min-width: 6.5em; }
`;

function planeOf(parent, view) {
  const left = el("div", parent, { class: "left" });
  const row = el("div", left, { class: "row" });
  const play = button(row, "Play", () => toggle(view), { class: "main" });
  button(row, "Step D", () => single(view, "D"));
  button(row, "Step G", () => single(view, "G"));
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
  return { plane, play, say: el("div", left, { class: "say" }) };
}

// Menus and sliders of the settings, in two columns; returns what shows them.
function settingsOf(parent, change, start) {
  const grid = el("div", parent, { class: "grid" });
  const names = [["", "your own"], ...Object.keys(PRESETS)]; // prettier-ignore
  const preset = choice(grid, {
    label: "situation",
    name: "preset",
    options: names,
    act: (name) => name && start(name),
  });
  preset.box.classList.add("wide");
  const menu = (name, label, options) =>
    choice(grid, { label, name, options, act: (value) => change({ [name]: value }) }).set;
  const dial = (name, label, [min, max, step], show, act, spoken = label) => {
    const told = (value) => change({ [name]: act(value) });
    const made = slider(grid, { label, "aria-label": spoken, name, min, max, step, show, act: told });
    el("span", made.box, { class: "dial" }).append(made.node, made.number);
    return made.set;
  };
  const rate = (name, who) => {
    const show = (exponent) => (10 ** exponent).toPrecision(1).replace("e-", "e−");
    const act = (exponent) => 10 ** exponent;
    const set = dial(name, `${who}'s rate`, [-4, -1.5, 0.1], show, act, `${who}'s learning rate`);
    return (value) => set(Math.log10(value));
  };
  const sets = {
    data: menu("data", "data", [...Object.keys(DATA), "your own"]),
    loss: menu("loss", "loss", Object.keys(LOSSES)),
    lrD: rate("lrD", "D"),
    tame: menu("tame", "keep D tame", ["no", "R1", "clip weights"]),
    lrG: rate("lrG", "G"),
    turns: dial("turns", "D steps per G", [1, 10, 1], String, (turns) => turns),
  };
  return (settings) => {
    Object.entries(sets).forEach(([name, set]) => set(settings[name]));
    const same = ([, { settings: wanted }]) => Object.keys(sets).every((name) => wanted[name] === settings[name]);
    preset.set(Object.entries(PRESETS).find(same)?.[0] ?? "");
  };
}

// Both networks, the curves, and the slider through the game's past; returns what shows them.
function pastOf(parent, view, theme) {
  const one = (title, label, { width, height }) => {
    el("div", parent, { class: "title" }, title);
    return canvas(parent, width, height, { class: "curve", role: "img", "aria-label": label });
  };
  const both = one("one z on its way through both players", "the two networks, G and D", STRIP);
  const lost = one("losses: D blue, G orange", "losses", CURVES);
  const far = one("distance of fakes from data (sliced Wasserstein-1)", "distance", CURVES);
  const row = el("div", parent, { class: "past row" });
  const show = (i) => (view.game.past.moments[i] ? `G's turn ${view.game.past.moments[i].turns.G}` : "now");
  const scrub = slider(row, { label: "history", name: "past", min: 0, step: 1, show, act: (i) => lookBack(view, i) });
  const resume = button(row, "Go on from this moment", () => goOn(view));
  return (shown) => {
    const { moments } = view.game.past;
    const rows = moments.map((moment) => moment.row);
    drawNetworks(both.getContext("2d"), shown, { critic: isCritic(shown.settings), who: view.who }, theme);
    drawCurves(lost, rows, [[0, theme.blue], [1, theme.orange]], view.back, theme); // prettier-ignore
    drawCurves(far, rows, [[2, theme.green]], view.back, theme);
    scrub.node.max = Math.max(1, moments.length - 1);
    scrub.node.disabled = moments.length < 2;
    scrub.set(view.back ?? Math.max(1, moments.length - 1));
    resume.disabled = view.back === null;
  };
}

// Everything beside the plane; returns what shows the settings, and the rest.
function sideOf(parent, view, theme) {
  const side = el("div", parent, { class: "side" });
  const showSettings = settingsOf(side, view.change, view.situation);
  const more = el("div", side, { class: "row" });
  button(more, "Start again", () => view.restart(view.weights));
  button(more, "New networks", () => view.restart(null));
  button(more, "Clear your own", () => {
    view.game.painted = [];
    view.change({ data: "your own" });
  });
  const shown = el("div", side, { class: "row" });
  checkbox(shown, "slow motion", (on) => Object.assign(view, { slow: on, turn: "D", wait: 0 }));
  checkbox(shown, "arrows", (on) => view.paint({ arrows: on }), true);
  checkbox(shown, "G's grid", (on) => view.paint({ folds: on }));
  return { showSettings, showPast: pastOf(side, view, theme) };
}

// The past ------------------------------------------------------------------------------------------------------------

// Shows moment i of the past; the last one is the present.
function lookBack(view, i) {
  view.playing = false;
  view.back = i >= view.game.past.moments.length - 1 ? null : i;
  view.said =
    view.back === null ? "" : "You look back. Play goes on from the present; the button, from the moment you look at.";
  view.controls();
  view.paint();
}

function goOn(view) {
  view.game.goBack(view.back);
  view.back = null;
  rest(
    view,
    "Here the game goes on, with the settings as they are now: change one, and see whether it ends otherwise.",
  );
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
  Object.assign(view, { playing: false, back: null, who });
  const fine = view.game.step(who);
  view.game.record();
  view.said = who === "D" ? "D moved: look at the ground." : "G moved: look at the fakes.";
  advance(view, fine);
  rest(view);
}

function toggle(view) {
  view.playing = !view.playing && view.game.hasData();
  if (!view.playing) return rest(view, "");
  Object.assign(view, { said: "", back: null });
  view.controls();
  requestAnimationFrame((now) => loop(view, now));
}

// A step every half second, with words.
function slowly(view, now) {
  if (now < view.wait) return;
  const { game, turn } = view;
  view.said =
    turn === "D" ? "D moves: it looks for what tells the two apart." : "G moves: the fakes follow the arrows.";
  view.who = turn;
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
    view.who = null; // both move many times before the eye can see it
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

// Everything that is drawn, as it stands now or stood at the moment that is looked at.
function painting(view, { plane, say, showPast, theme }) {
  const ground = document.createElement("canvas");
  return (change = {}, whole = true) => {
    Object.assign(view.show, change);
    const { game, back } = view;
    const shown = back === null ? game : game.asOf(game.past.moments[back]);
    if (whole) drawGround(ground, shown, theme);
    const now = drawPlane(plane.getContext("2d"), ground, shown, view.show, theme);
    if (back === null) game.far = now.far;
    showWords(say, shown, now, view.said);
    if (whole) showPast(shown);
  };
}

function setup(root, state, { tell, theme }) {
  const game = new Game(state);
  const view = { game, weights: state.weights, playing: false, slow: false, said: "", frame: 0, back: null, who: null };
  Object.assign(view, { wait: 0, turn: "D", taken: 0, show: { arrows: true, folds: false, cursor: null } });
  view.tell = () => tell(game.value);
  view.change = (settings) => {
    game.settings = { ...game.settings, ...settings };
    rest(view, "");
  };
  view.restart = (weights, said = "") => {
    game.restart(weights);
    Object.assign(view, { back: null, who: null, playing: false });
    rest(view, said);
  };
  view.situation = (name) => {
    game.settings = { ...PRESETS[name].settings };
    view.restart(view.weights, PRESETS[name].see);
  };
  const top = el("div", root, { class: "top" });
  const { plane, play, say } = planeOf(top, view);
  const { showSettings, showPast } = sideOf(top, view, theme);
  view.controls = () => {
    showSettings(game.settings);
    play.textContent = view.playing ? "Pause" : "Play";
  };
  view.paint = painting(view, { plane, say, showPast, theme });
  take(view, plane);
  root.arena = comparison(game);
  const show = (given) => {
    Object.assign(view, { playing: false, back: null });
    if (given.value?.weights) game.take(given.value);
    view.controls();
    view.paint();
  };
  return { show, paint: () => view.paint(), stop: () => (view.playing = false) };
}

export function draw(element, state) {
  const [title, label] = ["Game arena", "Game arena: a GAN in the plane"];
  mount(element, state, { name: "gl-arena", title, label, width: 892, css: STYLE, setup });
}
