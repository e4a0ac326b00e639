// A flow of the plane, layer by layer. state: {size, reach, extent, names: [L + 1], z, depth, value}, and in base64 of
// float32: points [L + 1][n][2] and grid [L + 1][size²][x, y, log|det|]. Tells: {z, depth}.
import { Frame, arrows, calm, canvas, changing, clamp, disc, drag, eased, el, floats, gliding } from "../kit.js";
import { mix, mount, picture, playButton, polyline, put, signed, slider, svg, ticks } from "../kit.js";
import { following, interpolated, steps, wayOf } from "./flow.js";

const SIZE = 400; // pixels of the page
const FULL = 3; // the |log det| that gets the full colour
const SHADES = 24; // on either side of none
const PACE = 1100; // milliseconds a layer
const BARS = { width: SIZE, height: 92 };

const STYLE = `
  .planes { display: flex; flex-wrap: wrap; gap: 4px 20px; }
  figcaption { text-align: center; margin-bottom: 3px; }
  canvas { border: 1px solid var(--gl-line); background: var(--gl-paper); }
  canvas.z { cursor: crosshair; }
  .row { gap: 8px 16px; margin: 4px 0 2px; }
  .row.play { flex-wrap: nowrap; margin: 0 0 4px; } .play .slider, .play input { flex: 1; }
  .row.head { justify-content: space-between; margin: 4px 0 0; }
  .below { width: ${SIZE + 2}px; }
  .say div + div { margin-top: 3px; }
  .say { min-height: 5.9em; }
  .scale { display: flex; gap: 8px; align-items: center; }
  .ramp { width: 70px; height: .8em; border-radius: 2px;
    background: linear-gradient(to right, var(--gl-blue), var(--gl-shade), var(--gl-orange)); }
  .bar { cursor: pointer; }
  .bar rect { transition: opacity .15s; }
`;

// The colours of log|det|, from blue over none to orange.
const ramp = (theme) =>
  Array.from({ length: 2 * SHADES + 1 }, (_, i) =>
    mix(theme.shade, i < SHADES ? theme.blue : theme.orange, Math.abs(i - SHADES) / SHADES),
  );
const shade = (logDet) => SHADES + Math.round(SHADES * clamp(logDet / FULL, -1, 1));

// The bent grid's cells, coloured by how much the plane swells there. A brush stroke a cell is much faster than one a
// colour: browsers are slow where a path has many parts.
function paintCells(context, size, at, values, colours) {
  for (let i = 0; i < size - 1; i++)
    for (let j = 0; j < size - 1; j++) {
      const k = i * size + j;
      const sum = values[3 * k + 2] + values[3 * (k + 1) + 2] + values[3 * (k + size) + 2] + values[3 * (k + size) + 5];
      context.fillStyle = colours[shade(sum / 4)];
      context.beginPath();
      for (const corner of [k, k + size, k + size + 1, k + 1]) context.lineTo(...at[corner]);
      context.fill();
    }
}

// Every second line of the grid.
function paintLines(context, size, at, colour) {
  Object.assign(context, { strokeStyle: colour, lineWidth: 0.5 });
  const along = Array.from({ length: size }, (_, j) => j);
  for (let i = 0; i < size; i += 2) {
    polyline(context, along.map((j) => at[i * size + j])); // prettier-ignore
    polyline(context, along.map((j) => at[j * size + i])); // prettier-ignore
  }
}

function paintPoints(context, frame, flat, colour) {
  for (let i = 0; i < flat.length; i += 2) disc(context, frame.at([flat[i], flat[i + 1]]), 1.5, colour);
}

// Numbers along two edges: they tell how far the view has gone in or out.
function paintScale(context, { frame, theme }) {
  const span = frame.x[1] - frame.x[0];
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].find((s) => span / s <= 7) ?? 200;
  const digits = step < 1 ? 1 : 0;
  Object.assign(context, { font: theme.font(10.5), fillStyle: theme.ink, strokeStyle: theme.paper, lineWidth: 3 });
  Object.assign(context, { lineJoin: "round", textAlign: "center", textBaseline: "alphabetic" });
  const text = (words, u, v) => {
    context.strokeText(words, u, v);
    context.fillText(words, u, v);
  };
  const room = 16 * theme.scale;
  for (const x of ticks(...frame.x, step))
    if (frame.px(x) > 2 * room && frame.px(x) < SIZE - room) text(signed(x, digits), frame.px(x), SIZE - 5);
  Object.assign(context, { textAlign: "left", textBaseline: "middle" });
  for (const y of ticks(...frame.y, step))
    if (frame.py(y) > room && frame.py(y) < SIZE - 1.5 * room) text(signed(y, digits), 5, frame.py(y));
}

function paintPlane(context, { size, flow, frame, theme }, depth) {
  context.clearRect(0, 0, SIZE, SIZE);
  const values = flow.lattice(depth);
  const at = Array.from({ length: size * size }, (_, i) => frame.at([values[3 * i], values[3 * i + 1]]));
  paintCells(context, size, at, values, ramp(theme));
  paintLines(context, size, at, `${theme.soft}80`); // half transparent
  paintPoints(context, frame, flow.points(depth), theme.ink);
}

// The way of z so far, its last layer strong, a ring where a layer ended, and where z is now.
function paintWay(context, { frame, theme }, way) {
  const places = way.map((point) => frame.at(point));
  context.lineJoin = "round";
  for (const [from, strokeStyle, lineWidth] of [
    [0, `${theme.green}70`, 1.5],
    [-21, theme.paper, 4.5],
    [-21, theme.green, 2.5],
  ]) {
    Object.assign(context, { strokeStyle, lineWidth });
    polyline(context, places.slice(from));
  }
  for (let k = 0; k < places.length - 1; k += 20) disc(context, places[k], 3, theme.paper, theme.green, 1.5);
  disc(context, places.at(-1), 6.5, theme.green, theme.paper, 2);
}

function tellWords(say, z, [x, y, logDet]) {
  const at = (u, v) => `(${signed(u)}, ${signed(v)})`;
  const factor = Math.exp(logDet);
  const times = factor < 0.1 ? factor.toPrecision(2) : factor.toFixed(2);
  const logZ = -(z[0] ** 2 + z[1] ** 2) / 2 - Math.log(2 * Math.PI);
  const sum = `${signed(logZ)} − (${signed(logDet)}) = ${signed(logZ - logDet)}`;
  say.replaceChildren();
  el("div", say, {}, `z = ${at(...z)} is now at ${at(x, y)}; around it, areas are multiplied by ${times}.`);
  el("div", say, {}, `log density: ${signed(logZ)} at z, ${sum} here, in nats.`);
}

// What each layer adds to log|det| at the point, a bar a layer; a click goes to that layer. Returns what shows it.
function barsOf(parent, names, go) {
  const head = el("div", parent, { class: "row head" });
  el("span", head, { class: "title" }, "log |det| of each layer");
  const scale = el("div", head, { class: "scale small" });
  el("span", scale, {}, "shrinks");
  el("div", scale, { class: "ramp" });
  el("span", scale, {}, "swells");
  const drawn = picture(parent, [BARS.width, BARS.height], "what each layer adds to log |det|", { hands: true });
  put(drawn, { style: `width:${BARS.width}px` });
  const count = names.length - 1;
  const frame = new Frame({ x: [0.5, count + 0.5], y: [-1, 1], ...BARS, left: 2, right: 2, top: 16, bottom: 16 });
  const width = Math.min(46, (frame.px(2) - frame.px(1)) * 0.62);
  svg("line", drawn, { x1: 0, x2: BARS.width, y1: frame.py(0), y2: frame.py(0), stroke: "var(--gl-line)" });
  const bars = names.slice(1).map((name, i) => {
    const group = svg("g", drawn, { class: "bar" });
    const [x, height] = [frame.px(i + 0.5), BARS.height];
    svg("rect", group, { x, y: 0, width: frame.px(1.5) - frame.px(0.5), height, fill: "transparent" });
    svg("title", group, {}, name);
    const box = svg("rect", group, { x: frame.px(i + 1) - width / 2, width, rx: 2 });
    const text = svg("text", group, { x: frame.px(i + 1), class: "tick", "text-anchor": "middle" });
    group.addEventListener("click", () => go(i + 1));
    return { group, box, text };
  });
  return (values, depth) => {
    const most = Math.max(1, ...values.map(Math.abs));
    bars.forEach(({ group, box, text }, i) => {
      const [zero, end] = [frame.py(0), frame.py(values[i] / most)];
      put(group, { opacity: 0.28 + 0.72 * clamp(depth - i, 0, 1) });
      const fill = `var(--gl-${values[i] < 0 ? "blue" : "orange"})`;
      put(box, { y: Math.min(zero, end), height: Math.max(1, Math.abs(end - zero)), fill });
      put(text, { y: end, dy: values[i] < 0 ? "1em" : "-.3em" }).textContent = signed(values[i]);
    });
  };
}

function plane(parent, name, attributes) {
  const figure = el("figure", parent);
  const caption = el("figcaption", figure, {}, name);
  return { caption, node: canvas(figure, SIZE, SIZE, attributes) };
}

// The slider over the layers and the button that moves it; returns what shows the depth, and go(depth), which glides.
function tools(root, last, { now, change, update }) {
  const row = el("div", root, { class: "row play" });
  let from = 0;
  const set = (depth) => {
    now.depth = depth;
    update();
  };
  const glider = gliding(([depth]) => set(depth), 600);
  const still = () => {
    glider.stop();
    player.stop();
  };
  const player = playButton(row, {
    begin: () => {
      glider.stop();
      from = now.depth < last ? now.depth : 0;
    },
    // It rests a moment at every layer; where no motion is wanted, it goes from one to the next.
    step(time) {
      const along = Math.min(last, from + time / PACE);
      const layer = Math.floor(along);
      set(layer + (calm() ? 0 : eased(along - layer)));
      return along < last;
    },
    end: () => change({}),
  });
  const act = (depth) => {
    still();
    change({ depth });
  };
  const name = "how many layers have been applied";
  const depth = slider(row, { label: "layers", min: 0, max: last, step: 0.05, "aria-label": name, act });
  const go = (to) => {
    still();
    glider.glide([now.depth], [to], () => change({ depth: to }));
  };
  return { depth, still, go, moving: () => player.playing() || glider.moving() };
}

// Draws both planes as they stand: the left one from memory, since only its point moves.
function painter(view, [left, right], look) {
  const still = document.createElement("canvas");
  put(still, { width: 2 * SIZE, height: 2 * SIZE });
  let shown = "";
  return ({ z, depth }) => {
    if (shown !== view.theme.name + view.theme.scale) {
      shown = view.theme.name + view.theme.scale;
      const context = still.getContext("2d");
      context.setTransform(2, 0, 0, 2, 0, 0);
      paintPlane(context, view, 0);
      paintScale(context, view);
    }
    const context = left.node.getContext("2d");
    context.clearRect(0, 0, SIZE, SIZE);
    context.drawImage(still, 0, 0, SIZE, SIZE);
    paintWay(context, view, wayOf(view.flow, z, 0));
    const way = wayOf(view.flow, z, depth);
    if (way.length < 20 * depth + 1) way.push(view.flow.follow(z, depth));
    const moved = { ...view, frame: new Frame({ ...look(depth, way.slice(-21)), width: SIZE, height: SIZE }) };
    const there = right.node.getContext("2d");
    paintPlane(there, moved, depth);
    paintScale(there, moved);
    paintWay(there, moved, way);
  };
}

function setup(root, state, { tell, theme }) {
  const { size, reach, extent, names } = state;
  const flow = interpolated({ ...state, grid: floats(state.grid), points: floats(state.points) });
  const frame = new Frame({ x: [-extent, extent], y: [-extent, extent], width: SIZE, height: SIZE });
  const { now, change } = changing(update, tell);
  const planes = el("div", root, { class: "planes" });
  const keys = { class: "z", role: "application", "aria-label": "the plane of z: arrow keys move the point" };
  const left = plane(planes, "z: drag the point", keys);
  const right = plane(planes, "", { class: "x", role: "img", "aria-label": "the plane after the layers so far" });
  const below = el("div", root, { class: "planes" });
  const under = el("div", below, { class: "below" });
  const { depth, still, go, moving } = tools(under, names.length - 1, { now, change, update });
  const say = el("div", under, { class: "say" });
  const showBars = barsOf(el("div", below, { class: "below" }), names, go);
  const paintBoth = painter({ size, flow, frame, theme }, [left, right], following(flow, names.length, extent));
  let due = 0; // of the next painting: one a frame, however fast the hand is
  function paint() {
    cancelAnimationFrame(due);
    due = 0;
    paintBoth(now);
  }
  function update() {
    due ||= requestAnimationFrame(paint);
    depth.set(now.depth);
    const whole = Math.round(now.depth);
    const there = Math.abs(whole - now.depth) < 0.01;
    right.caption.textContent = there ? names[whole] : `on the way: ${names[Math.ceil(now.depth)]}`;
    showBars(steps(flow, now.z, names.length), now.depth);
    tellWords(say, now.z, flow.follow(now.z, now.depth));
  }
  const inside = (w) => Math.round(100 * clamp(w, -reach, reach)) / 100;
  const move = (z) => change({ z: z.map(inside) });
  const follow = (event) => move(frame.pointer(event, left.node));
  drag(left.node, { down: follow, move: follow });
  arrows(left.node, (dx, dy) => move([now.z[0] + 0.1 * dx, now.z[1] + 0.1 * dy]));
  const show = (given) => {
    if (moving()) return; // it is ahead of what comes back
    const { z, depth: layers } = { ...given, ...given.value };
    Object.assign(now, { z, depth: layers });
    update();
    paint();
  };
  return { show, paint, stop: still };
}

export function draw(element, state) {
  const title = "A flow, layer by layer";
  const hint = "Press Play and watch the view follow each layer. Then drag the green point through the plane of z.";
  mount(element, state, { name: "gl-flow", title, hint, width: 844, css: STYLE, setup });
}
