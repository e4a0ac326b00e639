// Two translators: a character that you choose or paint, what G makes of it, what F makes of that, and the truth.
// state: {forth, back: layers, pictures: [n][H][W] levels, truths: [n][H][W], levels, names: [X, Y], value}.
// value: {choice, image: null or [H][W], as painted, noise: on G(x) before F}. Tells: value.
import { button, canvas, changing, el, mount, pixels, put, random, signed, slider } from "../kit.js";
import { network } from "../latent_pad/network.js";
import { brush } from "../paint/brush.js";
import { apart, asInk, asNumbers, disturbed } from "./errors.js";

const SIDE = 168; // of a picture on the page

const STYLE = `
  .choices { display: flex; flex-wrap: wrap; gap: 5px; margin-bottom: 10px; }
  .choices button { padding: 3px; line-height: 0; } .choices canvas { width: 34px; height: 34px; }
  .grid { display: grid; grid-template-columns: repeat(4, minmax(0, ${SIDE + 2}px)); gap: 6px 16px; }
  .grid canvas { width: 100%; aspect-ratio: 1; box-sizing: border-box; border: 1px solid var(--gl-line);
    image-rendering: pixelated; }
  .grid canvas.gap { background: var(--gl-paper); }
  .grid .hand { cursor: crosshair; image-rendering: auto; }
  figcaption { min-height: 1.5em; } .off { min-height: 1.5em; font-variant-numeric: tabular-nums; }
  .tools { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin: 10px 0 4px; }
  .say { min-height: 3em; }
  .key i { font-style: normal; font-weight: 600; } .key p { margin: 0 0 .5em; }
`;

const levelsOf = (ink, [H, W]) =>
  Array.from({ length: H }, (_, r) => Array.from(ink.slice(r * W, (r + 1) * W), (v) => Math.round(255 * v)));

// The picture that is painted on: its pixels, and a ring around the one under the cursor.
function showPainted(node, view, theme) {
  const context = node.getContext("2d");
  const cell = SIDE / Math.max(view.image.length, view.image[0].length);
  context.clearRect(0, 0, SIDE, SIDE);
  view.image.forEach((row, r) =>
    row.forEach((level, c) => {
      context.fillStyle = `rgb(${Array(3).fill(Math.round(255 * (1 - level / view.top)))})`;
      context.fillRect(c * cell, r * cell, cell, cell);
    }),
  );
  const [r, c] = view.cursor;
  Object.assign(context, { strokeStyle: theme.orange, lineWidth: 1.5 });
  context.strokeRect(c * cell + 1, r * cell + 1, cell - 2, cell - 2);
}

// Where a picture has too much ink (orange) and where too little (blue); both null: nothing to compare.
function showDifference(node, made, goal, [H, W], theme) {
  put(node, { width: W, height: H });
  const context = node.getContext("2d");
  for (let k = 0; goal && k < H * W; k++) {
    const d = made[k] - goal[k];
    const share = Math.round(255 * Math.min(1, Math.abs(d)));
    context.fillStyle = `${d > 0 ? theme.orange : theme.blue}${share.toString(16).padStart(2, "0")}`;
    context.fillRect(k % W, Math.floor(k / W), 1, 1);
  }
}

// Two rows of figures: the four pictures, and below each but the last how far it is from what it should be.
function gallery(root, [X, Y]) {
  const grid = el("div", root, { class: "grid" });
  const figure = (label, text, of = null) => {
    const box = el("figure", grid);
    el("figcaption", box, {}, text);
    const node = of ?? el("canvas", box, { role: "img", "aria-label": label });
    box.append(node);
    return { node, off: el("div", box, { class: "off" }) };
  };
  const hand = canvas(document.createDocumentFragment(), SIDE, SIDE, {
    class: "hand",
    role: "application",
    "aria-label": `${X}, to paint on: arrow keys move, plus and minus change the level, space paints`,
  });
  figure("", `x, ${X}: paint on it`, hand);
  const [there, home, truth] = [`G(x), ${Y}`, `F(G(x)), ${X} again`, `the truth, ${Y}`].map((t) => figure(t, t));
  const gaps = ["x − truth", "G(x) − truth", "F(G(x)) − x"].map((text) => figure(`difference ${text}`, text));
  for (const gap of gaps) gap.node.classList.add("gap");
  const key = el("div", grid, { class: "key" });
  el("i", el("p", key), { style: "color:var(--gl-orange)" }, "orange: too much ink");
  el("i", el("p", key), { style: "color:var(--gl-blue)" }, "blue: too little");
  el("p", key, {}, "off: the mean absolute difference, ink being 1");
  return { hand, there, home, truth, gaps };
}

function choices(root, state, act) {
  const row = el("div", root, { class: "choices", role: "group", "aria-label": "characters to choose from" });
  return state.pictures.map((picture, k) => {
    const node = button(row, "", () => act(k), { "aria-label": `character ${k + 1}` });
    pixels(el("canvas", node, { "aria-hidden": "true" }), picture, state.levels);
    return node;
  });
}

function words(say, off, painted) {
  say.replaceChildren();
  const truth = painted
    ? "Nobody drew the truth of what you painted."
    : `G(x) is off by ${signed(off.there, 3)}; doing nothing would be off by ${signed(off.nothing, 3)}.`;
  el("div", say, {}, truth);
  el("div", say, {}, `There and back, x is off by ${signed(off.home, 3)}.`);
}

// All that is shown of a picture, the noise on the way, and the truth or null.
function translator(root, state, parts, theme) {
  const [forth, back] = [network(state.forth), network(state.back)];
  const size = [state.pictures[0].length, state.pictures[0][0].length];
  const draws = random(1);
  const noise = Float64Array.from({ length: size[0] * size[1] }, () => draws.normal());
  root.nets = { forth: (x) => forth(x, [1, ...size]), back: (x) => back(x, [1, ...size]) };
  return (image, sigma, goal) => {
    const x = asNumbers(image, state.levels - 1);
    const there = root.nets.forth(x);
    const ink = { x: asInk(x), there: asInk(there) };
    ink.home = asInk(root.nets.back(disturbed(there, noise, sigma)));
    const truth = goal && asInk(asNumbers(goal, state.levels - 1));
    pixels(parts.there.node, levelsOf(ink.there, size), 256);
    pixels(parts.home.node, levelsOf(ink.home, size), 256);
    if (truth) pixels(parts.truth.node, goal, state.levels);
    else put(parts.truth.node, { width: size[1], height: size[0] });
    [[ink.x, truth], [ink.there, truth], [ink.home, ink.x]].forEach(([made, aim], k) => {
      showDifference(parts.gaps[k].node, made, aim, size, theme);
      parts.gaps[k].off.textContent = aim ? `off ${signed(apart(made, aim), 3)}` : "";
    }); // prettier-ignore
    const off = { there: truth && apart(ink.there, truth), nothing: truth && apart(ink.x, truth) };
    return { ...off, home: apart(ink.home, ink.x) };
  };
}

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const top = state.levels - 1;
  const view = { cursor: [0, 0], level: top, top, step: Math.ceil(top / 16), image: null };
  const chosen = choices(root, state, (choice) => change({ choice, image: null }));
  const parts = gallery(root, state.names);
  const translate = translator(root, state, parts, theme);
  view.paint = () => showPainted(parts.hand, view, theme);
  view.set = (r, c, level) => {
    view.cursor = [r, c];
    if (view.image[r][c] === level) return view.paint();
    change({ image: view.image.map((row, i) => (i === r ? row.with(c, level) : row)) });
  };
  brush(view, parts.hand, [state.pictures[0].length, state.pictures[0][0].length], top);
  const tools = el("div", root, { class: "tools" });
  const dial = slider(tools, { label: "brush", min: 0, max: top, step: 1, show: String, name: "brush", act: choose });
  function choose(level) {
    dial.set((view.level = level));
  }
  choose(top);
  button(tools, "Clear", () => change({ image: view.image.map((row) => row.map(() => 0)) }));
  button(tools, "Restore", () => change({ image: null, noise: 0 }));
  const label = "noise on G(x), before F";
  const sigma = slider(tools, { label, min: 0, max: 0.3, step: 0.01, show: signed, name: "noise", act: disturb });
  function disturb(noise) {
    change({ noise });
  }
  const say = el("div", root, { class: "say" });
  function update() {
    view.image = now.image ?? state.pictures[now.choice];
    view.paint();
    const off = translate(view.image, now.noise, now.image ? null : state.truths[now.choice]);
    sigma.set(now.noise);
    chosen.forEach((node, k) => put(node, { "aria-pressed": now.image === null && k === now.choice }));
    words(say, off, now.image !== null);
    Object.assign(root.dataset, { there: off.there ?? "", nothing: off.nothing ?? "", home: off.home });
  }
  const show = (given) => {
    Object.assign(now, { choice: 0, image: null, noise: 0 }, given.value);
    update();
  };
  return { show, paint: update };
}

const HINT =
  "Choose a character and compare G(x) with the truth. Paint on it: what does G do with half a character, or with a " +
  "scribble? Then put noise on G(x): does F still find the way home?";

export function draw(element, state) {
  const width = 4 * (SIDE + 18);
  mount(element, state, { name: "gl-tab", title: "There and back", hint: HINT, width, css: STYLE, setup });
}
