// A latent space to walk in: a pad of two directions, sliders for the others, and what the decoder makes of the point.
// state: {shape: [C, H, W], origin: [L], directions: base64 (m, L), names: [m], extent: [x0, x1, y0, y1],
//   layers: the decoder for the browser, or null (then the kernel answers), points: [n][2], labels: [n] or null,
//   classes: [text], images: base64 (N, C·H·W) bytes 0..255 or null, image_labels: [N] or null,
//   prior: whether z ~ N(0, I), sheet: what the kernel's decoder makes of a grid of the plane, base64 bytes
//   (SHEET², C·H·W), or null, shares: {factor: [m]}, how much of each factor a direction tells, 0..1, measured: whether
//   the picture's slant and thickness are shown, kinds: base64 (K, L), what each adds, or null, kind_names: [K],
//   truncation: whether draws within a radius are shown, hint, value, answer}.
// value: {coordinates: [m], a: [m] or null, b: [m] or null, path: "line" or "circle", t: null or 0..1, serial,
//   kind: 0..K-1, radius, seed: of the draws}.
// answer, from the kernel: {serial, picture: base64 float32, strip, kinds, draws: [base64] or null}.
// Tells: value. root.decode(z) runs the decoder, for whoever wants to compare.
import {
  Frame,
  arrows,
  button,
  bytes,
  calm,
  canvas,
  checkbox,
  clamp,
  coloured,
  drag,
  el,
  floats,
  gliding,
  mount,
  put,
  signed,
  slider,
  svg,
} from "../kit.js";
import { network } from "./network.js";
import { background } from "./background.js";
import { drawn, drawsRow, kindsRow } from "./kinds.js";
import { classColour, drawGround, drawPlane } from "./plane.js";
import { logPrior, nearest, space } from "./space.js";
import { slant, thickness } from "./strokes.js";

const PAD = 384;
const STRIP = 9; // pictures on the way from A to B
const NEAREST = 5;

const STYLE = `
  max-width: 58.5em;
  .top { display: flex; flex-wrap: wrap; gap: 26px; }
  .left { width: ${PAD + 2}px; }
  canvas.plane { border: 1px solid var(--gl-line); cursor: crosshair; }
  canvas.out { width: 256px; height: 256px; }
  canvas.out, canvas.small { image-rendering: pixelated; border: 1px solid var(--gl-line); background: #fff; }
  canvas.small { width: 54px; height: 54px; }
  .side { display: flex; flex-direction: column; gap: 10px; width: max(318px, 23em); }
  .side .row { gap: 6px; align-items: flex-end; }
  figcaption { font-size: .85em; font-weight: 400; text-align: center; min-height: 1.4em; }
  .say { min-height: 2.8em; }
  .ground { margin-top: 6px; }
  .tools { margin-top: 8px; }
  .sliders { display: grid; grid-template-columns: max-content 1fr 3.4em; gap: 2px 10px; align-items: center;
    margin-top: 8px; }
  .slider { display: contents; }
  .factor { writing-mode: vertical-rl; transform: rotate(180deg); font-size: .85em; justify-self: center; }
  .share { position: relative; text-align: right; font-size: .85em; padding: 1px 3px;
    border: 1px solid var(--gl-faint); }
  .share::before { content: ""; position: absolute; inset: 0 auto 0 0; width: var(--share); background: var(--gl-blue);
    opacity: .35; }
  .measures { display: grid; grid-template-columns: max-content 130px max-content; gap: 2px 8px; align-items: center;
    margin-top: 6px; }
  .legend { font-size: .92em; display: flex; flex-wrap: wrap; gap: 2px 10px; margin-top: 4px; }
  .title { margin-bottom: 4px; }
  :is(.kinds, .draws) { margin-top: 10px; } .draws .row { margin-bottom: 5px; }
  .kinds button { padding: 3px; display: grid; justify-items: center; }
`;

// The left half: the plane, the classes' colours where they have long names, and sliders where there are more than two
// directions. Returns the plane, and what sets the sliders.
function planeAndSliders(parent, view, state, theme) {
  const { names, classes, extent } = state;
  const left = el("div", parent, { class: "left" });
  const plane = canvas(left, PAD, PAD, {
    class: "plane",
    role: "application",
    "aria-label":
      `the plane of ${names[0]} and ${names[1]}: arrow keys move, with shift in large steps, ` +
      "Home returns, a and b pin a point",
  });
  if (state.labels && classes.some((name) => name.length > 2)) {
    const legend = el("div", left, { class: "legend" });
    classes.forEach((name, k) => {
      const entry = el("span", legend);
      el("span", entry, { style: `color:${classColour(k, theme)}` }, "● ");
      entry.append(name);
    });
  }
  checkbox(el("div", left, { class: "ground" }), "pictures in the background", (on) => view.show(on), true);
  const box = el("div", left, { class: "sliders" });
  const shares = sharesBeside(box, state);
  const needed = names.length > 2 || Object.keys(state.shares).length > 0; // else the plane says it all
  const sliders = (needed ? names : []).map((label, k) => {
    const [min, max] = [extent.slice(0, 2), extent.slice(2)][k] ?? [-3, 3];
    const act = (value) => view.move(k, value);
    const made = slider(box, { label, min, max, step: "any", show: signed, act });
    // With step="any" an arrow moves by a hundredth of the range in most browsers.
    arrows(made.node, (dx, dy) => act(clamp(Number(made.node.value) + 0.1 * (dx + dy), min, max)));
    shares(k);
    return made;
  });
  return { plane, setSliders: (coordinates) => sliders.forEach((each, k) => each.set(coordinates[k])) };
}

// Makes room for a column a factor beside the sliders; returns what fills a row, for direction k.
function sharesBeside(box, { names, shares }) {
  const factors = Object.keys(shares);
  if (!factors.length) return () => {};
  box.style.gridTemplateColumns = `max-content 1fr 3.4em repeat(${factors.length}, 2.5em)`;
  el("span", box, { style: "grid-column: 1 / 4; align-self: end" }, "share it tells, in %");
  for (const name of factors) el("span", box, { class: "factor" }, name);
  return (k) => {
    for (const name of factors) {
      const percent = (100 * shares[name][k]).toFixed(0);
      const label = `${names[k]} tells ${percent} % of ${name}`;
      el("span", box, { class: "share", style: `--share:${percent}%`, role: "img", "aria-label": label }, percent);
    }
  };
}

// The picture's slant and thickness, each a number and a mark on a scale; returns what measures a picture.
function measures(parent, root, shape) {
  const box = el("div", parent, { class: "measures" });
  const scale = (name, measure, [low, high], unit) => {
    el("span", box, {}, name);
    const track = svg("svg", box, { viewBox: "0 0 130 16", "aria-hidden": "true" });
    svg("line", track, { x1: 5, x2: 125, y1: 8, y2: 8, stroke: "var(--gl-line)" });
    const zero = 5 + (120 * -low) / (high - low);
    svg("line", track, { x1: zero, x2: zero, y1: 3, y2: 13, stroke: "var(--gl-line)" });
    const mark = svg("circle", track, { r: 5, cy: 8, fill: "var(--gl-orange)" });
    const number = el("span", box, { class: "num" });
    return (picture) => {
      const value = measure(picture, shape);
      put(mark, { cx: 5 + 120 * clamp((value - low) / (high - low), 0, 1) });
      number.textContent = `${signed(value)}${unit}`;
      return value;
    };
  };
  const lean = scale("measured slant", slant, [-0.8, 0.8], "");
  const wide = scale("measured thickness", thickness, [0, shape[1] / 5], " pixels");
  return (picture) => Object.assign(root.dataset, { slant: lean(picture), thickness: wide(picture) });
}

// The right half: the decoded picture, where it is, and the pictures of the data that are nearest.
function pictures(parent, root, state) {
  const side = el("div", parent, { class: "side" });
  const first = el("div", side);
  el("div", first, { class: "title" }, "what the decoder makes of it");
  const out = el("canvas", first, { class: "out", role: "img", "aria-label": "the decoded picture" });
  const measure = state.measured ? measures(first, root, state.shape) : () => {};
  const say = el("div", side, { class: "say" });
  const images = state.images ? bytes(state.images) : null;
  const near = [];
  if (images) {
    const box = el("div", side);
    el("div", box, { class: "title" }, "nearest pictures of the data, by pixels");
    const row = el("div", box, { class: "row" });
    for (let k = 0; k < NEAREST; k++) {
      const figure = el("figure", row);
      const node = el("canvas", figure, {
        class: "small",
        role: "img",
        "aria-label": `number ${k + 1} of the nearest`,
      });
      near.push({ node, caption: el("figcaption", figure), index: null });
    }
  }
  const show = (picture) => {
    coloured(out, picture, state.shape);
    measure(picture);
    if (!images) return;
    nearest(picture, images, NEAREST).forEach((i, k) => {
      if (near[k].index === i) return;
      near[k].index = i;
      const values = Array.from(images.subarray(i * picture.length, (i + 1) * picture.length), (v) => v / 255);
      coloured(near[k].node, values, state.shape);
      near[k].caption.textContent = state.image_labels ? state.classes[state.image_labels[i]] : "";
    });
  };
  return { say, show };
}

// Pins, the two ways between them, and the pictures on the way.
function wayTools(root, view) {
  const tools = el("div", root, { class: "row tools" });
  button(tools, "Pin A here", () => view.pin("a"));
  button(tools, "Pin B here", () => view.pin("b"));
  const paths = ["line", "circle"].map((path) => button(tools, path, () => view.go({ path })));
  const play = button(tools, "Walk from A to B", () => walk(view));
  const strip = el("div", root, { class: "row", style: "margin-top:8px" });
  const label = "a picture on the way";
  const steps = Array.from({ length: STRIP }, () =>
    el("canvas", strip, { class: "small", role: "img", "aria-label": label }),
  );
  const show = (path) => {
    for (const node of paths) node.setAttribute("aria-pressed", node.textContent === path);
    for (const node of [...paths, play, strip]) node.style.display = view.both() ? "" : "none";
    play.textContent = view.playing ? "Stop" : "Walk from A to B";
  };
  return { show, steps };
}

function walk(view) {
  view.playing = !view.playing;
  if (!view.playing) return view.update();
  if (calm()) return view.go({ t: 1, coordinates: view.space.between(1, view.value).coordinates });
  const start = performance.now();
  const frame = (now) => {
    if (!view.playing) return;
    const t = clamp((now - start) / 3000, 0, 1);
    view.go({ t, coordinates: view.space.between(t, view.value).coordinates }, t < 1);
    if (t < 1) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

// The point follows the hand and the keys.
function take(view, plane, frame) {
  const place = (x, y) => {
    const coordinates = view.value.coordinates.slice();
    coordinates[0] = clamp(x, ...frame.x);
    coordinates[1] = clamp(y, ...frame.y);
    view.go({ coordinates, t: null });
  };
  const { glide, stop } = gliding((to) => place(...to), 220);
  const there = (event) => frame.pointer(event, plane).map((v, k) => clamp(v, ...[frame.x, frame.y][k]));
  const at = () => view.value.coordinates.slice(0, 2);
  drag(plane, {
    down: (event) => glide(at(), there(event)), // from afar it comes to the hand, near it follows
    move: (event) => {
      stop();
      place(...there(event));
    },
  });
  view.still = stop;
  const step = (dx, dy, event) => {
    const by = event.shiftKey ? 0.5 : 0.1;
    const [x, y] = view.value.coordinates;
    stop();
    place(x + by * dx, y + by * dy);
  };
  const home = () => {
    const all = gliding((coordinates) => view.go({ coordinates, t: null }));
    view.still = all.stop;
    all.glide(
      view.value.coordinates,
      view.value.coordinates.map(() => 0),
    );
  };
  arrows(plane, step, { Home: home, a: () => view.pin("a"), b: () => view.pin("b") });
}

function showPlace(say, z, coordinates, { names, prior }) {
  const numbers = [...z].map((v) => signed(v)).join(", ");
  const short = names.slice(0, 2).map((name, k) => `${name} ${signed(coordinates[k])}`);
  say.replaceChildren();
  el("div", say, {}, z.length <= 8 ? `z = (${numbers})` : short.join(", "));
  if (!prior) return;
  const best = signed(logPrior(Array(z.length).fill(0)));
  el("div", say, {}, `log p(z) = ${signed(logPrior(z))} nats; at the origin ${best}`);
}

// What is asked and answered. At most one question to the kernel is on its way; the newest place is asked for when the
// answer is there. The browser's own decoder answers at once.
function conversation(view, tell, decoded) {
  let [asked, answered, heard, again] = [0, 0, -1, false];
  view.tell = () => {
    again = !view.decode && asked > answered;
    if (again) return;
    asked += 1;
    tell({ ...view.value, serial: asked });
  };
  view.hear = (answer) => {
    if (view.decode || !answer?.picture || answer.serial <= heard) return;
    heard = answered = answer.serial;
    const [strip, kinds, draws] = [answer.strip, answer.kinds, answer.draws].map((list) => list?.map(floats));
    decoded(floats(answer.picture), strip, kinds, draws);
    if (again) view.tell();
  };
  view.follow = (value) => {
    if (value.serial === asked) return;
    asked = answered = value.serial ?? asked + 1;
    view.value = { kind: 0, radius: 2, seed: 0, ...value };
    view.update();
  };
}

// Shows the place as it stands: on the plane, as numbers, and what the browser's decoder makes of it and of the way.
function updater(view, { plane, setSliders, pictures: { say, show }, way, kinds, draws }, state, frame, theme) {
  let walked = ""; // which way its pictures show
  let drawnOf = ""; // which draws
  const anew = () => {
    const { kind, radius, seed } = view.value;
    if (!state.truncation || drawnOf === JSON.stringify([kind, radius, seed])) return null;
    drawnOf = JSON.stringify([kind, radius, seed]);
    return drawn(view.space, view.value).map((z) => view.decode(z));
  };
  return () => {
    const { a, b, path, coordinates, t, kind } = view.value;
    const { latent, free, between } = view.space;
    const onWay = t !== null && view.both() ? between(t, view.value) : null;
    const at = onWay ?? { z: latent(coordinates, kind), coordinates };
    const line = view.both() ? Array.from({ length: 61 }, (_, i) => between(i / 60, view.value).coordinates) : null;
    view.pictures?.follow(at.coordinates, kind);
    drawPlane(plane, view.ground, frame, { a, b, way: line, here: at.coordinates }, theme);
    setSliders(coordinates);
    showPlace(say, onWay && !state.kinds ? at.z : free(at.coordinates), coordinates, state);
    way.show(path);
    kinds(view.decode && state.kinds && state.kind_names.map((_, k) => view.decode(latent(at.coordinates, k))), kind);
    draws(view.decode && anew(), view.value);
    if (!view.decode) return;
    show(view.decode(at.z));
    if (!view.both() || walked === JSON.stringify([a, b, path, kind])) return;
    walked = JSON.stringify([a, b, path, kind]);
    way.steps.forEach((node, i) => {
      coloured(node, view.decode(between(i / (STRIP - 1), view.value).z), state.shape);
    });
  };
}

// What is behind the plane; returns what draws it and the place in it again, in other colours.
function painter(view, state, frame, theme) {
  let shown = true; // whether the pictures are
  const renew = () => {
    view.ground = drawGround(state, frame, view.space.free, theme, shown ? view.pictures.sheet() : null);
    view.update();
  };
  view.pictures = background(state, frame, view, renew);
  view.show = (on) => {
    shown = on;
    renew();
  };
  return () => {
    view.pictures.paint(theme);
    renew();
  };
}

function setup(root, state, { tell, theme }) {
  const [x0, x1, y0, y1] = state.extent;
  const frame = new Frame({ x: [x0, x1], y: [y0, y1], width: PAD, height: PAD });
  const view = {
    space: space(state),
    decode: state.layers ? network(state.layers) : null,
    playing: false,
    frame: null,
  };
  view.value = { coordinates: state.names.map(() => 0), a: null, b: null, path: "line", t: null, serial: 0 };
  Object.assign(view.value, { kind: 0, radius: 2, seed: 0 });
  root.decode = view.decode;
  const top = el("div", root, { class: "top" });
  const parts = planeAndSliders(top, view, state, theme);
  parts.pictures = pictures(top, root, state);
  const stamp = (node, picture) => coloured(node, picture, state.shape);
  parts.kinds = kindsRow(root, state, stamp, (kind) => view.go({ kind }));
  parts.draws = drawsRow(root, state, stamp, (change) => view.go(change));
  parts.way = wayTools(root, view);
  view.both = () => Boolean(view.value.a && view.value.b);
  view.update = updater(view, parts, state, frame, theme);
  view.go = (change, playing = false) => {
    view.playing = playing;
    view.value = { ...view.value, ...change };
    view.frame ??= requestAnimationFrame(() => {
      view.frame = null;
      view.update();
      view.tell();
    });
  };
  view.move = (k, value) => view.go({ coordinates: view.value.coordinates.with(k, value), t: null });
  view.pin = (name) => view.go({ [name]: view.value.coordinates.slice(), t: null });
  conversation(view, tell, (picture, strip = [], kinds = [], draws = []) => {
    parts.pictures.show(picture);
    parts.kinds(kinds, view.value.kind);
    parts.draws(draws, view.value);
    strip.forEach((step, i) => coloured(parts.way.steps[i], step, state.shape));
  });
  take(view, parts.plane, frame);
  const paint = painter(view, state, frame, theme);
  paint();
  const show = (given) => {
    if (given.value?.coordinates) view.follow(given.value);
    view.hear(given.answer);
  };
  const stop = () => {
    view.playing = false;
    view.still();
    view.pictures.stop();
  };
  return { show, paint, stop };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-pad", title: "A latent space to walk in", width: 770, css: STYLE, setup });
}
