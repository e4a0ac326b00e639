// A picture as a grid of tokens: paint them with a code, pick codes up, swap two, shuffle all; decoded at once.
// state: {pictures: base64 bytes (n, C·H·W), decoded: the same of what the tokens give, tokens: [n][T],
//   shape: [C, H, W], grid: [h, w], codes: K, dim: D, codebook: base64 (K, D), alone: base64 bytes (K, C·P·P), each
//   code's middle patch where a picture consists of it alone, patch: P, layers: the decoder for the browser, or null
//   (then the kernel answers), choice, edited, brush, tool, value}.
// value: {choice, edited: [T] or null, brush: 0..K-1, tool: "paint", "pick" or "swap"}. Tells: value.
// answer, from the kernel: {tokens: [T], picture: base64 float32}. root.decode(tokens) is the decoder in the browser.
import { Frame, arrows, button, bytes, canvas, changing, clamp, coloured, drag, el, floats, mount } from "../kit.js";
import { put, radios } from "../kit.js";
import { network } from "../latent_pad/network.js";
import { changedBy, planesOf, shuffled, swapped, uniformTokens } from "./tokens.js";

const SIDE = 182; // of a picture on the page
const TILE = 23; // of a code in the palette
const COLUMNS = 32;
const VISIBLE = 0.05; // a pixel that changes by less has not changed

const STYLE = `
  .choices { display: flex; flex-wrap: wrap; gap: 5px; margin-bottom: 10px; }
  .choices button { padding: 3px; line-height: 0; } .choices canvas { width: 36px; height: 36px; }
  .four { display: grid; grid-template-columns: repeat(4, minmax(0, ${SIDE + 2}px)); gap: 6px 16px; }
  .four canvas { width: 100%; height: auto; box-sizing: border-box; border: 1px solid var(--gl-line); }
  .four canvas:not(.hand) { image-rendering: pixelated; }
  .hand { cursor: crosshair; } .change { background: var(--gl-paper); }
  .tools { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; margin: 10px 0; }
  .palette { cursor: pointer; max-width: 100%; } figcaption { min-height: 1.5em; }
  .say { min-height: 3em; margin-top: 8px; }
`;

// A part of a text of bytes as numbers 0..1.
const shares = (all, k, size) => Float32Array.from(all.subarray(k * size, (k + 1) * size), (v) => v / 255);

// Tiles of the codes, each on a small canvas that others copy from.
function tiles({ alone, patch, codes, shape }) {
  const size = shape[0] * patch * patch;
  const all = bytes(alone);
  return Array.from({ length: codes }, (_, k) => {
    const node = el("canvas", document.createDocumentFragment());
    coloured(node, shares(all, k, size), [shape[0], patch, patch]);
    return node;
  });
}

// A canvas of rows × columns tiles, in units of `side`; draws code `of(i)` in each, and lines around some.
function tiling(node, drawn, [columns, side], theme) {
  const context = node.getContext("2d");
  const corner = (i) => [(i % columns) * side, Math.floor(i / columns) * side];
  const outline = (i, colour, width) => {
    const [x, y] = corner(i);
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.strokeRect(x + width / 2, y + width / 2, side - width, side - width);
  };
  return (codes, marks) => {
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, node.width, node.height);
    codes.forEach((k, i) => context.drawImage(drawn[k], ...corner(i), side, side));
    codes.forEach((_, i) => outline(i, `${theme.line}66`, 0.5));
    for (const [i, colour] of marks) {
      outline(i, theme.paper, 4.5);
      outline(i, colour, 3);
    }
  };
}

// Where a picture is darker (orange) or lighter (blue) than another one; of colours, by their mean.
function showChange(node, made, before, [C, H, W], theme) {
  put(node, { width: W, height: H });
  const context = node.getContext("2d");
  const mean = (x, p) => Array.from({ length: C }, (_, c) => x[c * H * W + p]).reduce((a, b) => a + b, 0) / C;
  const sign = C === 1 ? 1 : -1; // ink is dark, light is light
  for (let p = 0; p < H * W; p++) {
    const d = sign * (mean(made, p) - mean(before, p));
    const share = Math.round(255 * Math.min(1, 1.5 * Math.abs(d)));
    context.fillStyle = `${d > 0 ? theme.orange : theme.blue}${share.toString(16).padStart(2, "0")}`;
    context.fillRect(p % W, Math.floor(p / W), 1, 1);
  }
}

// Hands and keys on a grid of tiles: act(i) at a tile, look(i) moves the cursor.
function takeTiles(node, [rows, columns], { act, look, cursor, count = rows * columns }) {
  const frame = new Frame({ x: [0, columns], y: [rows, 0], width: 1, height: 1 });
  let last = null;
  const at = (event) => {
    const [c, r] = frame.pointer(event, node).map(Math.floor);
    return Math.min(count - 1, clamp(r, 0, rows - 1) * columns + clamp(c, 0, columns - 1));
  };
  const touch = (event) => {
    const i = at(event);
    if (i !== last) act(i, last === null);
    last = i;
  };
  const down = (event) => {
    last = null;
    touch(event);
  };
  drag(node, { down, move: touch });
  const step = (dx, dy) => {
    const [r, c] = [Math.floor(cursor() / columns) - dy, (cursor() % columns) + dx];
    look(Math.min(count - 1, clamp(r, 0, rows - 1) * columns + clamp(c, 0, columns - 1)));
  };
  const press = () => act(cursor(), true);
  return { step, keys: { " ": press, Enter: press } };
}

function choices(root, { pictures, tokens, shape }, act) {
  const row = el("div", root, { class: "choices", role: "group", "aria-label": "pictures to choose from" });
  const [all, size] = [bytes(pictures), shape[0] * shape[1] * shape[2]];
  return tokens.map((_, k) => {
    const node = button(row, "", () => act(k), { "aria-label": `picture ${k + 1}` });
    coloured(el("canvas", node, { "aria-hidden": "true" }), shares(all, k, size), shape);
    return node;
  });
}

// The four pictures: x, its tokens, what they are decoded to, and what the edits changed in that.
function figures(root, { grid: [h, w], shape: [, H, W] }) {
  const four = el("div", root, { class: "four" });
  const figure = (text, label, node) => {
    const box = el("figure", four);
    el("figcaption", box, {}, text);
    box.append(node ?? el("canvas", box, { role: "img", "aria-label": label }));
    return box.lastChild;
  };
  const hand = canvas(document.createDocumentFragment(), SIDE, (SIDE * h) / w, {
    class: "hand",
    role: "application",
    "aria-label": `the ${h} by ${w} tokens: arrow keys move, the space bar uses the tool`,
  });
  const x = figure("x, the picture", "the picture x");
  figure(`its ${h * w} tokens: click`, "", hand);
  const decoded = figure("decoded", "what the tokens are decoded to");
  const change = figure("changed by your edits", "where the edits made it darker, orange, or lighter, blue");
  change.classList.add("change");
  for (const node of [x, decoded, change]) node.style.aspectRatio = `${W} / ${H}`;
  return { x, hand, decoded, change };
}

function words({ now, first, made, before, state, cursor }) {
  const edited = changedBy(now, first, 0);
  const pixels = made && before ? changedBy(made, before, VISIBLE) : 0;
  const [row, column] = [Math.floor(cursor / state.grid[1]) + 1, (cursor % state.grid[1]) + 1];
  const kinds = new Set(now).size;
  const all = kinds > 1 ? `${kinds} different codes` : "1 code";
  const here = `Row ${row}, column ${column}: code ${now[cursor]}. In all ${all}.`;
  const many = `Of ${now.length} tokens ${edited} changed`;
  const what = state.shape[0] === 1 ? "pixels" : "values of pixels";
  return edited
    ? `${here} ${many}, and with that ${pixels} of ${made?.length ?? 0} ${what} by more than ${VISIBLE}.`
    : `${here} Nothing is changed yet.`;
}

// The decoder: in the browser, or what the kernel said last.
function decoder(root, state) {
  if (!state.layers) return null;
  const [run, codebook] = [network(state.layers), floats(state.codebook)];
  root.decode = (tokens) => run(planesOf(tokens, codebook, state.dim), [state.dim, ...state.grid]);
  return root.decode;
}

// What the tools do with the token at i; begun: with a first touch, not while a hand is drawn over others.
function useTool(view, now, change, i, begun) {
  const tokens = view.tokens();
  view.cursor = i;
  if (now.tool === "pick") return change({ brush: tokens[i] });
  if (now.tool === "paint") return change({ edited: tokens.with(i, now.brush) });
  if (!begun) return undefined;
  const from = view.from;
  view.from = from === null ? i : null;
  return change(from === null || from === i ? {} : { edited: swapped(tokens, from, i) });
}

function toolbar(root, state, view, now, change) {
  const row = el("div", root, { class: "tools" });
  const options = [["paint", "paint"], ["pick", "pick up"], ["swap", "swap two"]]; // prettier-ignore
  const choose = (chosen) => {
    view.from = null;
    change({ tool: chosen });
  };
  const tool = radios(row, { label: "what a click does", options, act: choose });
  const anew = (make) => () => {
    view.seed += 1;
    change({ edited: make(view.seed) });
  };
  const T = state.tokens[0].length;
  button(row, "Shuffle", anew((seed) => shuffled(view.tokens(), seed))); // prettier-ignore
  button(row, "Draw all uniformly", anew((seed) => uniformTokens(T, state.codes, seed))); // prettier-ignore
  button(row, "Restore", () => change({ edited: null }));
  return () => tool.set(now.tool);
}

// All codes, of which one is the brush.
function palette(root, state, drawn, view, now, change, theme) {
  el("div", root, { class: "title" }, `the ${state.codes} codes, each decoded alone: choose one to paint with`);
  const rows = Math.ceil(state.codes / COLUMNS);
  const node = canvas(root, COLUMNS * TILE, rows * TILE, {
    class: "palette",
    role: "application",
    "aria-label": "all codes: arrow keys choose one to paint with",
  });
  const brush = (k) => change({ brush: k, tool: "paint" });
  const hands = takeTiles(node, [rows, COLUMNS], {
    act: brush,
    look: brush,
    cursor: () => now.brush,
    count: state.codes,
  });
  arrows(node, hands.step, hands.keys);
  const all = Array.from({ length: state.codes }, (_, k) => k);
  const paint = tiling(node, drawn, [COLUMNS, TILE], theme);
  return () => paint(all, [[now.brush, theme.orange]]);
}

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const view = { cursor: 0, from: null, seed: 0, answer: null, tokens: () => now.edited ?? state.tokens[now.choice] };
  const [drawn, decode, size] = [tiles(state), decoder(root, state), state.shape.reduce((a, b) => a * b)];
  const originals = { x: bytes(state.pictures), decoded: bytes(state.decoded) };
  const chosen = choices(root, state, (choice) => {
    view.from = null;
    change({ choice, edited: null });
  });
  const parts = figures(root, state);
  const [h, w] = state.grid;
  const paintTokens = tiling(parts.hand, drawn, [w, SIDE / w], theme);
  const act = (i, begun) => useTool(view, now, change, i, begun);
  const look = (i) => {
    view.cursor = i;
    update();
  };
  const hands = takeTiles(parts.hand, [h, w], { act, look, cursor: () => view.cursor });
  arrows(parts.hand, hands.step, hands.keys);
  takeTiles(parts.decoded, [h, w], { act, look, cursor: () => view.cursor });
  const showTools = toolbar(root, state, view, now, change);
  const showPalette = palette(root, state, drawn, view, now, change, theme);
  const say = el("div", root, { class: "say" });
  const decodedOf = (tokens) => (decode ? decode(tokens) : null);
  function update() {
    const [tokens, first] = [view.tokens(), state.tokens[now.choice]];
    const before = decodedOf(first) ?? shares(originals.decoded, now.choice, size);
    const told = view.answer?.picture ? floats(view.answer.picture) : before;
    const made = decodedOf(tokens) ?? (now.edited ? told : before);
    coloured(parts.x, shares(originals.x, now.choice, size), state.shape);
    coloured(parts.decoded, made, state.shape);
    showChange(parts.change, made, before, state.shape, theme);
    const marks = [[view.cursor, theme.orange]];
    if (view.from !== null) marks.push([view.from, theme.blue]);
    paintTokens(tokens, marks);
    chosen.forEach((node, k) => put(node, { "aria-pressed": k === now.choice }));
    showTools();
    showPalette();
    say.textContent = words({ now: tokens, first, made, before, state, cursor: view.cursor });
  }
  const show = (given) => {
    const { choice, edited, brush, tool } = { ...given, ...given.value };
    Object.assign(now, { choice, edited, brush, tool });
    view.answer = given.answer ?? null;
    update();
  };
  return { show, paint: update };
}

const HINT =
  "Pick up a token of a stroke and paint it elsewhere: how far from it do pixels change? Then shuffle: the same " +
  "tokens, but is it still a picture? That is what a prior over tokens has to know.";

export function draw(element, state) {
  const width = 4 * (SIDE + 18);
  const title = "A picture in tokens";
  mount(element, state, { name: "gl-tokens", title, hint: HINT, width, css: STYLE, setup });
}
