// Eight ways to complete a picture. state: {images: [n][H][W], levels, request, drawn: [8][H][W], answered, error,
// value}. Tells a request {picture, given, temperature, seed}; the kernel answers with `drawn` and `answered`, that
// request, or with `error`, a text, and `answered`.
import { Cells, asking, button, el, grey, mix, mount, pixels, polyline, put, slider } from "../kit.js";

const SIDE = 12; // pixels of a canvas for one of a picture

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 18px;
  .left { width: 17.4em; }
  canvas { image-rendering: pixelated; border: 1px solid var(--gl-line); box-sizing: border-box; }
  .choose { display: flex; flex-wrap: wrap; gap: 6px; margin-bottom: 10px; }
  .choose button { padding: 2px; border: 2px solid transparent; background: none; }
  .choose button[aria-pressed=true] { border-color: var(--gl-blue); background: none; }
  .choose canvas { width: 38px; height: 38px; }
  .slider { display: grid; grid-template-columns: 6.2em 1fr 4.4em; gap: 8px; height: 2em; white-space: nowrap; }
  .left > button { margin-top: 6px; }
  .right { display: flex; gap: 14px; align-items: flex-start; }
  figcaption { margin-bottom: 4px; }
  .eight { display: grid; grid-template-columns: repeat(4, 66px); gap: 8px; }
  .eight canvas { width: 66px; height: 66px; }
  .error { width: 290px; margin-top: 8px; }
  .source canvas { width: 140px; height: 140px; }
`;

// The border between the first `given` pixels of a picture of so many columns and rows, and the others.
export function border(given, columns, rows) {
  if (given === 0 || given === columns * rows) return [];
  const [r, c] = [Math.floor(given / columns), given % columns];
  const below = c > 0 ? r + 1 : r;
  return [[0, below], [c, below], [c, r], [columns, r]]; // prettier-ignore
}

// A picture with that border; with a cover, what is not given is hidden.
function paintPicture(node, image, { levels, given, cover, line }) {
  const [rows, columns] = [image.length, image[0].length];
  put(node, { width: columns * SIDE, height: rows * SIDE });
  const context = node.getContext("2d");
  const cells = new Cells(context, columns, SIDE);
  image.flat().forEach((level, i) => cells.fill(i, cover && i >= given ? cover : grey(level, levels)));
  context.strokeStyle = line;
  context.lineWidth = 2;
  const corners = border(given, columns, rows);
  const inPixels = corners.map((corner) => corner.map((v) => v * SIDE));
  polyline(context, inPixels);
}

// The pictures to choose from, and what else is asked; returns what shows it.
function controls(left, { images, levels }, ask, seed) {
  const choose = el("div", left, { class: "choose" });
  const pictures = images.map((image, k) => {
    const node = button(choose, "", () => ask({ picture: k }), { "aria-label": `picture ${k + 1}` });
    pixels(el("canvas", node), image, levels);
    return node;
  });
  const size = images[0].flat().length;
  const given = slider(left, {
    label: "pixels given",
    min: 0,
    max: size,
    step: 1,
    show: (many) => `${many} of ${size}`,
    act: (many) => ask({ given: many }),
  });
  const heat = { label: "temperature", min: 0, max: 2, step: 0.1, show: (t) => t.toFixed(1) };
  const temperature = slider(left, { ...heat, act: (t) => ask({ temperature: t }) });
  button(left, "Other random numbers", () => ask({ seed: seed() + 1 }));
  return (now) => {
    given.set(now.given);
    temperature.set(now.temperature);
    pictures.forEach((node, k) => put(node, { "aria-pressed": k === now.picture }));
  };
}

function setup(root, state, { tell, theme }) {
  const { images, levels } = state;
  const left = el("div", root, { class: "left" });
  const right = el("div", root, { class: "right" });
  const seed = () => kernel.now().seed;
  const showControls = controls(left, state, (change) => kernel.ask(change), seed);
  const source = el("figure", right, { class: "source" });
  el("figcaption", source, {}, "given");
  const shown = el("canvas", source, { role: "img", "aria-label": "the part of the picture that is given" });
  const results = el("figure", right);
  el("figcaption", results, {}, "eight continuations");
  const eight = el("div", results, { class: "eight" });
  const ways = Array.from({ length: 8 }, (_, k) =>
    el("canvas", eight, { role: "img", "aria-label": `continuation ${k + 1}` }),
  );
  const kernel = asking(results, {
    tell,
    request(now) {
      showControls(now);
      const cover = mix(theme.paper, theme.sky, 0.25);
      paintPicture(shown, images[now.picture], { levels, given: now.given, cover, line: theme.orange });
    },
    answer({ drawn, answered, error }) {
      eight.style.visibility = error ? "hidden" : "visible";
      if (error) return;
      const how = { levels, given: answered.given, cover: null, line: theme.orange };
      drawn.forEach((image, k) => paintPicture(ways[k], image, how));
    },
  });
  return kernel;
}

export function draw(element, state) {
  mount(element, state, { name: "gl-complete", label: "How a picture goes on", css: STYLE, setup });
}
