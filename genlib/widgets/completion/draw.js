// Eight ways to complete a picture, or one that you paint. state: {images: [n][H][W], levels, request,
// drawn: [8][H][W], mean: [H][W] or null, fixed, answered, error, value}; fixed: how much is given can't be moved.
// Tells a request {picture, given, temperature, seed}, with an `image` [H][W] where one was painted on the picture; the
// kernel answers with `drawn`, `mean` and `answered`, that request, or with `error`, a text, and `answered`.
import {
  Cells,
  Frame,
  arrows,
  asking,
  button,
  clamp,
  drag,
  el,
  grey,
  mix,
  mount,
  pixels,
  polyline,
  put,
  radios,
  slider,
} from "../kit.js";

const SIDE = 12; // pixels of a canvas for one of a picture

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 22px;
  .left { width: 20em; } .tools { margin-top: 8px; }
  canvas { image-rendering: pixelated; border: 1px solid var(--gl-line); box-sizing: border-box; }
  .choose { display: flex; flex-wrap: wrap; gap: 6px; margin-bottom: 10px; }
  .choose button { padding: 2px; border: 2px solid transparent; background: none; }
  .choose button[aria-pressed=true] { border-color: var(--gl-blue); background: none; }
  .choose canvas { width: 38px; height: 38px; }
  .slider { display: grid; grid-template-columns: 6.2em 1fr 4.4em; gap: 8px; height: 2em; white-space: nowrap; }
  .right { display: flex; gap: 14px; align-items: flex-start; }
  figcaption { margin-bottom: 4px; }
  .eight { display: grid; grid-template-columns: repeat(4, 84px); gap: 8px; }
  .eight canvas { width: 84px; height: 84px; }
  .error { width: 360px; margin-top: 8px; }
  .source canvas { width: 176px; height: 176px; cursor: crosshair; touch-action: none; }
  .source .segments { margin-top: 8px; }
`;

// The border between the first `given` pixels of a picture of so many columns and rows, and the others.
export function border(given, columns, rows) {
  if (given === 0 || given === columns * rows) return [];
  const [r, c] = [Math.floor(given / columns), given % columns];
  const below = c > 0 ? r + 1 : r;
  return [[0, below], [c, below], [c, r], [columns, r]]; // prettier-ignore
}

// A picture with that border; with a cover, what is not given is hidden.
function paintPicture(node, image, { levels, given, cover, line, cursor = null }) {
  const [rows, columns] = [image.length, image[0].length];
  put(node, { width: columns * SIDE, height: rows * SIDE });
  const context = node.getContext("2d");
  const cells = new Cells(context, columns, SIDE);
  image.flat().forEach((level, i) => cells.fill(i, cover && i >= given ? cover : grey(level, levels)));
  context.strokeStyle = line;
  context.lineWidth = Math.max(2, (columns * SIDE) / 60);
  const corners = border(given, columns, rows);
  const inPixels = corners.map((corner) => corner.map((v) => v * SIDE));
  polyline(context, inPixels);
  if (cursor !== null) cells.outline(cursor, line, 3);
}

// The pictures to choose from, a sheet of paper, and what else is asked; returns what shows it.
function controls(left, { images, levels, fixed }, ask, read) {
  const choose = el("div", left, { class: "choose" });
  const paper = images[0].map((row) => row.map(() => 0));
  const pictures = images.map((image, k) => {
    const node = button(choose, "", () => ask({ picture: k, ...(read().image && { image: null }) }), {
      "aria-label": `picture ${k + 1}`,
    });
    pixels(el("canvas", node, { "aria-hidden": "true" }), image, levels);
    return node;
  });
  const size = paper.flat().length;
  const given = slider(left, {
    label: "pixels given",
    min: 0,
    max: size,
    step: 1,
    show: (many) => `${many} of ${size}`,
    act: (many) => ask({ given: many }),
  });
  if (fixed) given.box.remove();
  const heat = { label: "temperature", min: 0, max: 2, step: 0.1, show: (t) => t.toFixed(1) };
  const temperature = slider(left, { ...heat, act: (t) => ask({ temperature: t }) });
  const row = el("div", left, { class: "row tools" });
  button(row, "Other random numbers", () => ask({ seed: read().seed + 1 }));
  button(row, "Blank sheet", () => ask({ image: paper }));
  return (now) => {
    given.set(now.given);
    temperature.set(now.temperature);
    pictures.forEach((node, k) => put(node, { "aria-pressed": k === now.picture && !now.image }));
  };
}

// What a hand and the keys paint on the part that is given: set(i) puts ink or paper there, look(i) moves the cursor.
function takePencil(node, [rows, columns], { set, look, cursor }) {
  const long = Math.max(rows, columns);
  const follow = (event) => {
    const frame = new Frame({ x: [0, columns], y: [rows, 0], width: columns / long, height: rows / long });
    const box = node.getBoundingClientRect();
    const share = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const [c, r] = frame.back([share[0] * frame.width, share[1] * frame.height]).map(Math.floor);
    set(clamp(r, 0, rows - 1) * columns + clamp(c, 0, columns - 1));
  };
  drag(node, { down: follow, move: follow });
  const move = (dx, dy) => {
    const [r, c] = [Math.floor(cursor() / columns) - dy, (cursor() % columns) + dx];
    look(clamp(r, 0, rows - 1) * columns + clamp(c, 0, columns - 1));
  };
  arrows(node, move, { " ": () => set(cursor()), Enter: () => set(cursor()) });
}

// The picture of which a part is given, to paint on; returns what shows it.
function sheet(parent, { images, levels }, theme, ask) {
  const source = el("figure", parent, { class: "source" });
  el("figcaption", source, {}, "given: paint on it");
  const label = "the part of the picture that is given: arrow keys move, the space bar paints";
  const node = el("canvas", source, { role: "application", "aria-label": label });
  const shape = [images[0].length, images[0][0].length];
  let [now, cursor, level, focused] = [null, 0, levels - 1, false];
  const options = [[levels - 1, "ink"], [0, "paper"]]; // prettier-ignore
  const pencil = radios(source, { label: "pencil", options, act: (value) => (level = value) });
  pencil.set(level);
  const image = () => now.image ?? images[now.picture];
  const paint = () => {
    const cover = mix(theme.paper, theme.sky, 0.25);
    const how = { levels, given: now.given, cover, line: theme.orange, cursor: focused ? cursor : null };
    paintPicture(node, image(), how);
  };
  const look = (i) => {
    cursor = i;
    paint();
  };
  const set = (i) => {
    look(i);
    const [r, c] = [Math.floor(i / shape[1]), i % shape[1]];
    if (i >= now.given || image()[r][c] === level) return;
    ask({ image: image().map((row, k) => (k === r ? row.with(c, level) : row)) });
  };
  takePencil(node, shape, { set, look, cursor: () => cursor });
  for (const [name, has] of Object.entries({ focus: true, blur: false })) {
    node.addEventListener(name, () => {
      focused = has;
      paint();
    });
  }
  return (asked) => {
    now = asked;
    paint();
  };
}

// The one answer of a model that gives only one, where there is such a model; returns what shows it.
function meanOf(results, { mean }) {
  if (!mean) return () => {};
  el("figcaption", results, { style: "margin-top:10px" }, "one answer, by regression");
  const box = el("div", results, { class: "eight" });
  const node = el("canvas", box, { role: "img", "aria-label": "the one answer of a regression" });
  return (told, how) => paintPicture(node, told.mean, how);
}

function setup(root, state, { tell, theme }) {
  const { levels } = state;
  const left = el("div", root, { class: "left" });
  const right = el("div", root, { class: "right" });
  const showControls = controls(
    left,
    state,
    (change) => kernel.ask(change),
    () => kernel.now(),
  );
  const showSheet = sheet(right, state, theme, (change) => kernel.ask(change));
  const results = el("figure", right);
  el("figcaption", results, {}, "eight continuations");
  const eight = el("div", results, { class: "eight" });
  const ways = Array.from({ length: 8 }, (_, k) =>
    el("canvas", eight, { role: "img", "aria-label": `continuation ${k + 1}` }),
  );
  const mean = meanOf(results, state);
  const kernel = asking(results, {
    tell,
    request(now) {
      showControls(now);
      showSheet(now);
    },
    answer(told) {
      const { drawn, answered, error } = told;
      eight.style.visibility = error ? "hidden" : "visible";
      if (error) return;
      const how = { levels, given: answered.given, cover: null, line: theme.orange };
      drawn.forEach((image, k) => paintPicture(ways[k], image, how));
      mean(told, how);
    },
  });
  return kernel;
}

const HINT =
  "Give fewer and fewer pixels until the eight disagree. Then change a stroke of the given part with the pencil: " +
  "what becomes of the picture?";

const HINT_FIXED =
  "Choose a picture: in what do the eight agree? Then change a stroke of the given part with the pencil, or wipe the " +
  "sheet and paint one of your own: does every answer follow?";

export function draw(element, state) {
  mount(element, state, {
    name: "gl-complete",
    title: "How a picture goes on",
    hint: ({ fixed }) => (fixed ? HINT_FIXED : HINT),
    width: 862,
    css: STYLE,
    setup,
  });
}
