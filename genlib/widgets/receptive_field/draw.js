// Which pixels a prediction depends on, computed from the masks alone. state: {height, width, position: [r, c],
// layers, most, kernel, network: "pixelcnn" | "gated", masks: "ABB" | "AAA" | "BBB", value}. Tells: {position, layers,
// kernel, network, masks}.
import {
  Cells,
  Frame,
  arrows,
  calm,
  canvas,
  changing,
  clamp,
  drag,
  eased,
  el,
  mix,
  mount,
  playButton,
  polyline,
  radios,
  slider,
} from "../kit.js";

const LARGEST = 302; // pixels of the page for the grid, whose cells fill them as far as halves of a pixel go
const MARGIN = 2;
const PACE = 620; // milliseconds a layer
// prettier-ignore
const CHOICES = [
  { key: "network", options: [["pixelcnn", "PixelCNN"], ["gated", "gated, two stacks"]] },
  { key: "masks", options: [["ABB", "A, then B"], ["AAA", "A always"], ["BBB", "B always"]] },
  { key: "kernel", options: [[3, "3×3"], [5, "5×5"]] },
];

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 20px;
  canvas.grid { cursor: pointer; }
  canvas.grid:focus-visible { outline-offset: 2px; }
  .side { width: 28.3em; }
  .grid { border-radius: 4px; }
  fieldset { border: none; margin: 0 0 7px; padding: 0; display: flex; flex-wrap: wrap;
    align-items: center; gap: 4px 10px; }
  legend, .slider span:first-child { float: left; width: 4.6em; margin: 0; padding: 0; font-weight: 600; }
  fieldset:disabled { opacity: .45; }
  input[type=range] { width: 170px; }
  .deep { display: flex; gap: 10px; align-items: center; } .deep button { min-width: 4.6em; }
  .slider { gap: 10px; } .num { font-weight: 600; }
  .masks { display: flex; flex-wrap: wrap; gap: 16px; margin: 10px 0; min-height: 96px; }
  .masks figure { font-size: .85em; text-align: center; }
  .masks canvas { margin: 0 auto 3px; }
  .key { display: grid; grid-template-columns: 18px 1fr; gap: 3px 8px; align-items: center; }
  .key i { width: 16px; height: 16px; border: 1px solid var(--gl-line); box-sizing: border-box; display: block; }
  .say { margin-top: 8px; min-height: 3em; }
`;

// Offsets [row, column] of a kernel and what of it is open: the rows above, and its own row up to the middle, which
// is open in a mask of kind B only.
function offsetsOf(size, open) {
  const half = (size - 1) / 2;
  const along = Array.from({ length: size }, (_, i) => i - half);
  return along.flatMap((r) => along.map((c) => [r, c])).filter(([r, c]) => open(r, c));
}
const maskOffsets = (size, kind) =>
  offsetsOf(size, (r, c) => r < 0 || (r === 0 && (c < 0 || (c === 0 && kind === "B"))));
const inRow = (size, kind) => maskOffsets(size, kind).filter(([r]) => r === 0); // the horizontal stack
const rowsAbove = (size) => offsetsOf(size, (r) => r <= 0); // the vertical one: whole rows, its own one included

// Where each of these pixels, [H * W] of 0 and 1, looks: marked in `into` too.
function step(from, offsets, into, height, width) {
  from.forEach((is, i) => {
    if (!is) return;
    for (const [dr, dc] of offsets) {
      const [r, c] = [Math.floor(i / width) + dr, (i % width) + dc];
      if (r >= 0 && r < height && c >= 0 && c < width) into[r * width + c] = 1;
    }
  });
  return into;
}

// Walks back through the layers: where does what stands at a pixel come from? Returns 0 or 1 a pixel, [H * W].
export function dependsOn({ height, width, network, masks, kernel, position }, layers) {
  const none = () => new Uint8Array(height * width);
  const back = (from, offsets, into = none()) => step(from, offsets, into, height, width);
  let [horizontal, vertical] = [none(), none()];
  horizontal[position[0] * width + position[1]] = 1;
  for (let layer = layers; layer >= 1; layer--) {
    if (network === "gated") {
      vertical = back(horizontal, [[-1, 0]], vertical); // what the horizontal stack is told from above
      horizontal = back(horizontal, inRow(kernel, layer === 1 ? "A" : "B"));
      vertical = back(vertical, rowsAbove(kernel));
    } else horizontal = back(horizontal, maskOffsets(kernel, masks[Math.min(layer - 1, 2)]));
  }
  return horizontal.map((seen, i) => seen | vertical[i]);
}

// With how many layers a pixel is first seen, 0 where it is not with so many as there are: [H * W].
export function depths(now, layers = now.layers) {
  const all = Array.from({ length: layers }, (_, l) => dependsOn(now, l + 1));
  return Array.from(all.at(-1), (is, i) => (is ? 1 + all.findIndex((seen) => seen[i]) : 0));
}

// What each pixel is to the prediction: seen, seen with more layers, never seen, yet to come, or seen before its time.
export function kinds(now) {
  const [seen, ever] = [now.layers, 2 * (now.height + now.width)].map((layers) => dependsOn(now, layers));
  const index = now.position[0] * now.width + now.position[1];
  return Array.from(seen, (is, i) => {
    if (i >= index) return is ? "leak" : "future";
    return is ? "seen" : ever[i] ? "later" : "blind";
  });
}

const colours = (theme) => ({
  seen: theme.blue,
  later: mix(theme.paper, theme.blue, 0.27),
  blind: theme.paper,
  future: theme.shade,
  leak: theme.pink,
});

// Lines across a cell, which say that nothing is seen of it.
function hatch(context, [x, y], side, colour) {
  context.save();
  context.beginPath();
  context.rect(x, y, side, side);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 3;
  for (let s = -side; s < side; s += side / 4) {
    polyline(context, [[x + s, y + side], [x + s + side, y]]); // prettier-ignore
  }
  context.restore();
}

// How strong the blue is of what is first seen with so many layers: the nearer, the stronger.
const strength = (depth) => Math.max(0.4, 1 - 0.1 * (depth - 1));

// The grid: what is seen, with the number of layers it takes; arriving, 0..1, is how far the last layer has come.
function paintGrid(node, cells, { all, depth, layers, arriving, index }, theme) {
  const context = node.getContext("2d");
  const { later, leak, ...plain } = colours(theme);
  context.clearRect(0, 0, node.width, node.height);
  all.forEach((kind, i) => {
    const strong = mix(theme.paper, theme.blue, strength(depth[i]));
    const share = depth[i] === layers ? arriving : 1;
    cells.fill(i, kind === "seen" ? mix(later, strong, share) : kind === "later" ? later : (plain[kind] ?? leak));
    if (kind === "blind") hatch(context, cells.corner(i), cells.side, theme.orange);
    if (kind === "leak") cells.label(i, "!", theme.paper, theme.font(cells.side / 2, 700));
    if (kind === "seen" && share > 0.5) {
      cells.label(i, depth[i], strength(depth[i]) > 0.6 ? theme.paper : theme.ink, theme.font(0.38 * cells.side));
    }
    cells.outline(i, theme.line, 0.75, -0.375); // in the middle between two cells
  });
  cells.outline(index, theme.amber, 4);
}

// The masks of the kernels, small: what the first layer may look at, and the later ones.
function showMasks(box, { network, kernel, masks, layers }, theme) {
  const rest = layers > 2 ? `layers 2 to ${layers}` : "layer 2";
  const gated = [
    [rowsAbove(kernel), "vertical, moved down"],
    [inRow(kernel, "A"), "horizontal, layer 1"],
    [inRow(kernel, "B"), `horizontal, ${rest}`],
  ];
  const cnn = [
    [maskOffsets(kernel, masks[0]), `layer 1: ${masks[0]}`],
    [maskOffsets(kernel, masks[1]), `${rest}: ${masks[1]}`],
  ];
  const drawn = network === "gated" ? gated : cnn;
  box.replaceChildren();
  for (const [offsets, text] of layers > 1 ? drawn : drawn.slice(0, -1)) {
    const figure = el("figure", box);
    const label = { role: "img", "aria-label": `${text}: the kernel's mask` };
    const cells = new Cells(canvas(figure, 60, 60, label).getContext("2d"), kernel, 60 / kernel);
    const half = (kernel - 1) / 2;
    const open = new Set(offsets.map(([r, c]) => (r + half) * kernel + c + half));
    for (let i = 0; i < kernel * kernel; i++) {
      cells.fill(i, open.has(i) ? theme.blue : theme.paper);
      cells.outline(i, theme.line, 1);
    }
    cells.outline(half * kernel + half, theme.amber, 3);
    el("span", figure, {}, text);
  }
}

function showKey(box, count, index, theme) {
  const { seen, later, leak } = colours(theme);
  const lines = `repeating-linear-gradient(135deg, ${theme.orange} 0 2px, ${theme.paper} 2px 5px)`;
  box.replaceChildren();
  for (const [style, text] of [
    [`border: 3px solid ${theme.amber}`, "the pixel that is predicted"],
    [`background: ${seen}`, `seen: ${count("seen")} of ${index} earlier pixels (with so many layers)`],
    [`background: ${later}`, `seen with more layers: ${count("later")}`],
    [`background: ${lines}`, `never seen, however many layers: ${count("blind")}`],
    [`background: ${leak}`, `seen and must not be: ${count("leak")}`],
  ]) {
    el("i", box, { style });
    el("span", box, {}, text);
  }
}

function showWords(say, [r, c], count) {
  say.replaceChildren("Row ");
  el("b", say, {}, r + 1);
  say.append(", column ");
  el("b", say, {}, c + 1);
  say.append(": ");
  if (count("leak")) say.append("it looks at what it has to predict. No probabilities come out of this.");
  else if (count("blind")) {
    say.append("blind to ");
    el("b", say, {}, count("blind"));
    say.append(" of the pixels that come before it.");
  } else if (count("later")) say.append("with more layers it sees all that comes before it.");
  else say.append("it sees all that comes before it, and nothing else.");
}

// What is chosen beside the grid; returns what shows it.
function controls(side, most, change, grow) {
  const made = CHOICES.map(({ key, options }) => {
    const field = el("fieldset", side);
    el("legend", field, {}, key);
    return { key, field, radios: radios(field, { label: key, options, act: (value) => change({ [key]: value }) }) };
  });
  const act = (layers) => change({ layers });
  const range = { min: 1, max: most, step: 1, "aria-label": "number of layers" };
  const deep = el("div", side, { class: "deep" });
  const layers = slider(deep, { label: "layers", ...range, show: String, act });
  const player = playButton(deep, grow);
  const show = (now) => {
    for (const { key, field, radios: buttons } of made) {
      buttons.set(now[key]);
      field.disabled = key === "masks" && now.network === "gated";
    }
    layers.set(now.layers);
  };
  return { show, stop: player.stop };
}

// Layer by layer: from one layer to as many as add something, each fading in.
function growing(read, most, choose, fade) {
  let last = most;
  return {
    begin() {
      const reach = Array.from({ length: most }, (_, l) => String(dependsOn(read(), l + 1)));
      last = 1 + reach.indexOf(reach.at(-1));
      choose({ layers: 1 });
    },
    step(time) {
      fade(eased(Math.min(1, (2 * (time % PACE)) / PACE)));
      choose({ layers: Math.min(last, 1 + Math.floor(time / PACE)) });
      return time < last * PACE;
    },
    end: () => fade(1),
  };
}

// A pixel is chosen by the hand and by the keys.
function take(grid, { height, width }, side, read, pick) {
  const size = { width: width * side + 2 * MARGIN, height: height * side + 2 * MARGIN };
  const margins = { left: MARGIN, right: MARGIN, top: MARGIN, bottom: MARGIN };
  const frame = new Frame({ x: [0, width], y: [height, 0], ...size, ...margins });
  const choose = (r, c) => pick([clamp(r, 0, height - 1), clamp(c, 0, width - 1)]);
  const follow = (event) => {
    const [c, r] = frame.pointer(event, grid).map(Math.floor);
    choose(r, c);
  };
  drag(grid, { down: follow, move: follow });
  arrows(grid, (dx, dy) => choose(read()[0] - dy, read()[1] + dx));
}

function setup(root, state, { tell, theme }) {
  const { height, width } = state;
  const { now, change } = changing(update, tell);
  let arriving = 1;
  const side = Math.floor((2 * LARGEST) / Math.max(height, width)) / 2;
  const what = `${height} by ${width} pixels`;
  const label = `${what}; click one, or move with the arrow keys, to see what its prediction depends on`;
  const size = [width, height].map((cells) => cells * side + 2 * MARGIN);
  const grid = canvas(root, ...size, { class: "grid", role: "application", "aria-label": label });
  const cells = new Cells(grid.getContext("2d"), width, side, MARGIN);
  const beside = el("div", root, { class: "side" });
  const fade = (share) => {
    arriving = calm() ? 1 : share;
    update();
  };
  const differ = (values) => Object.entries(values).some(([key, value]) => String(now[key]) !== String(value));
  const choose = (values) => differ(values) && change(values);
  const byHand = (values) => {
    stop();
    choose(values);
  };
  const grow = growing(() => ({ height, width, ...now }), state.most, choose, fade);
  const { show: showControls, stop } = controls(beside, state.most, byHand, grow);
  const masks = el("div", beside, { class: "masks" });
  const key = el("div", beside, { class: "key" });
  const say = el("div", beside, { class: "say" });
  take(grid, state, side, () => now.position, (position) => byHand({ position })); // prettier-ignore
  function update() {
    const here = { height, width, ...now };
    const all = kinds(here);
    const count = (kind) => all.filter((each) => each === kind).length;
    const index = now.position[0] * width + now.position[1];
    paintGrid(grid, cells, { all, depth: depths(here), layers: now.layers, arriving, index }, theme);
    showControls(now);
    showMasks(masks, now, theme);
    showKey(key, count, index, theme);
    showWords(say, now.position, count);
  }
  const show = (given) => {
    const { position, layers, kernel, network, masks: order } = { ...given, ...given.value };
    Object.assign(now, { position, layers, kernel, network, masks: order });
    update();
  };
  return { show, paint: update, stop };
}

const HINT =
  "Press Play and watch the layers reach out from the amber pixel. What stays hatched however deep you go? " +
  "Then click other pixels, and try the network with two stacks.";

export function draw(element, state) {
  mount(element, state, {
    name: "gl-field",
    title: "What a pixel depends on",
    hint: HINT,
    width: 712,
    css: STYLE,
    setup,
  });
}
