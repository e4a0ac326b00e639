// A flow of the plane, layer by layer. state: {size, reach, extent, names: [L + 1], points: [L + 1][n][2] flat,
// grid: [L + 1][size²][x, y, log|det|] flat, z, depth, value}. Tells: {z, depth}.
import {
  Frame,
  arrows,
  canvas,
  changing,
  clamp,
  disc,
  drag,
  el,
  mix,
  mount,
  playButton,
  polyline,
  signed,
  slider,
} from "../kit.js";

const SIZE = 400; // pixels of the page
const FULL = 3; // the |log det| that gets the full colour
const PACE = 900; // milliseconds a layer

const STYLE = `
  max-width: 900px;
  .planes { display: flex; flex-wrap: wrap; gap: 20px; }
  figcaption { text-align: center; margin-bottom: 2px; }
  canvas { border: 1px solid var(--gl-line); background: var(--gl-paper); }
  canvas.z { cursor: crosshair; }
  .row { gap: 10px 24px; margin: 8px 0 4px; }
  input[type=range] { width: 330px; }
  .say { min-height: 2.9em; }
  .scale { display: flex; gap: 8px; align-items: center; }
  .ramp { width: 150px; height: 11px; border-radius: 2px;
    background: linear-gradient(to right, var(--gl-blue), var(--gl-shade), var(--gl-orange)); }
`;

// The flow between its layers and between the points of its grid, by straight lines. place(i, depth): where grid point
// i is; points(depth): all the drawn ones; follow(z, depth): where z goes, [x, y, log|det|].
export function interpolated({ size, reach, names, grid, points }) {
  const last = names.length - 1;
  // Number i of a layer's `length` numbers in a row.
  const number = (values, length, i, depth) => {
    const layer = Math.min(Math.floor(depth), last - 1);
    const [a, b] = [values[layer * length + i], values[(layer + 1) * length + i]];
    return a + (depth - layer) * (b - a);
  };
  const at = (i, part, depth) => number(grid, 3 * size * size, 3 * i + part, depth);
  const length = points.length / (last + 1);
  return {
    place: (i, depth) => [at(i, 0, depth), at(i, 1, depth)],
    logDet: (i, depth) => at(i, 2, depth),
    points: (depth) =>
      Array.from({ length: length / 2 }, (_, n) => [0, 1].map((part) => number(points, length, 2 * n + part, depth))),
    follow(z, depth) {
      const [r, s] = z.map((w) => clamp(((w + reach) / (2 * reach)) * (size - 1), 0, size - 1.0001));
      const [i, j] = [Math.floor(r), Math.floor(s)];
      const [f, g] = [r - i, s - j];
      // prettier-ignore
      const corners = [[0, 0, (1 - f) * (1 - g)], [1, 0, f * (1 - g)], [0, 1, (1 - f) * g], [1, 1, f * g]];
      const sum = (part) => corners.reduce((all, [a, b, w]) => all + w * at((i + a) * size + j + b, part, depth), 0);
      return [0, 1, 2].map(sum);
    },
  };
}

const colour = (theme, logDet) =>
  mix(theme.shade, logDet < 0 ? theme.blue : theme.orange, Math.min(1, Math.abs(logDet) / FULL));

// The bent grid: its cells coloured by how much the plane swells, every second line, and the drawn points.
function paintPlane(context, { size, flow, frame, theme }, depth) {
  context.clearRect(0, 0, SIZE, SIZE);
  const at = Array.from({ length: size * size }, (_, i) => frame.at(flow.place(i, depth)));
  for (let i = 0; i < size - 1; i++)
    for (let j = 0; j < size - 1; j++) {
      const corners = [i * size + j, (i + 1) * size + j, (i + 1) * size + j + 1, i * size + j + 1];
      context.fillStyle = colour(theme, corners.reduce((sum, k) => sum + flow.logDet(k, depth), 0) / 4);
      context.beginPath();
      for (const k of corners) context.lineTo(...at[k]);
      context.fill();
    }
  context.strokeStyle = `${theme.soft}80`; // half transparent
  context.lineWidth = 0.5;
  const along = Array.from({ length: size }, (_, j) => j);
  for (let i = 0; i < size; i += 2) {
    polyline(context, along.map((j) => at[i * size + j])); // prettier-ignore
    polyline(context, along.map((j) => at[j * size + i])); // prettier-ignore
  }
  for (const point of flow.points(depth)) disc(context, frame.at(point), 1.5, theme.ink);
}

// The way of z through the layers so far, and where it is now.
function paintWay(context, { flow, frame, theme }, { z, depth }) {
  context.strokeStyle = theme.green;
  context.lineWidth = 2;
  const way = Array.from({ length: Math.floor(20 * depth + 1e-6) + 1 }, (_, k) => flow.follow(z, k / 20));
  polyline(context, way.map((point) => frame.at(point))); // prettier-ignore
  disc(context, frame.at(flow.follow(z, depth)), 6, theme.green, theme.paper, 2);
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

function plane(parent, name, attributes) {
  const figure = el("figure", parent);
  const caption = el("figcaption", figure, {}, name);
  return { caption, node: canvas(figure, SIZE, SIZE, attributes) };
}

// The slider over the layers and the button that moves it; returns what shows the depth.
function tools(root, last, { now, change, update }) {
  const row = el("div", root, { class: "row" });
  const moved = (depth) => {
    player.stop();
    change({ depth });
  };
  const name = "how many layers have been applied";
  const depth = slider(row, { label: "layers", min: 0, max: last, step: 0.05, "aria-label": name, act: moved });
  const player = playButton(row, {
    step(time) {
      now.depth = Math.min(last, time / PACE);
      update();
      return now.depth < last;
    },
    end: () => change({}),
  });
  const scale = el("div", row, { class: "scale small" });
  el("span", scale, {}, "shrinks");
  el("div", scale, { class: "ramp" });
  el("span", scale, {}, "swells");
  return { depth, player };
}

function setup(root, state, { tell, theme }) {
  const { size, reach, extent, names } = state;
  const frame = new Frame({ x: [-extent, extent], y: [-extent, extent], width: SIZE, height: SIZE });
  const view = { size, flow: interpolated(state), frame, theme };
  const { now, change } = changing(update, tell);
  const planes = el("div", root, { class: "planes" });
  const keys = { class: "z", role: "application", "aria-label": "the plane of z: arrow keys move the point" };
  const left = plane(planes, "z: drag the point", keys);
  const right = plane(planes, "", { class: "x", role: "img", "aria-label": "the plane after the layers so far" });
  const { depth, player } = tools(root, names.length - 1, { now, change, update });
  const say = el("div", root, { class: "say", "aria-live": "off" });
  let still = null; // the left grid never changes; only its point does
  function update() {
    const context = left.node.getContext("2d");
    if (still === null) {
      paintPlane(context, view, 0);
      still = context.getImageData(0, 0, 2 * SIZE, 2 * SIZE);
    }
    context.putImageData(still, 0, 0);
    paintWay(context, view, { z: now.z, depth: 0 });
    paintPlane(right.node.getContext("2d"), view, now.depth);
    paintWay(right.node.getContext("2d"), view, now);
    depth.set(now.depth);
    const whole = Math.round(now.depth);
    const there = Math.abs(whole - now.depth) < 0.01;
    right.caption.textContent = there ? names[whole] : `on the way: ${names[Math.ceil(now.depth)]}`;
    tellWords(say, now.z, view.flow.follow(now.z, now.depth));
  }
  const inside = (w) => Math.round(100 * clamp(w, -reach, reach)) / 100;
  const move = (z) => change({ z: z.map(inside) });
  const follow = (event) => move(frame.pointer(event, left.node));
  drag(left.node, { down: follow, move: follow });
  arrows(left.node, (dx, dy) => move([now.z[0] + 0.1 * dx, now.z[1] + 0.1 * dy]));
  const show = (given) => {
    if (player.playing()) return; // it is ahead of what comes back
    const { z, depth: layers } = { ...given, ...given.value };
    Object.assign(now, { z, depth: layers });
    update();
  };
  const paint = () => {
    still = null;
    update();
  };
  return { show, paint, stop: player.stop };
}

export function draw(element, state) {
  mount(element, state, { name: "gl-flow", label: "A flow, layer by layer", css: STYLE, setup });
}
