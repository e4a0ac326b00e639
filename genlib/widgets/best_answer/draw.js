// The best answer of a discriminator to two densities on a line: D* = p_data / (p_data + p_g), and the game's value.
// state: {data: name, mean, width, hint, value}.
// value: {data, mean, width, drawn: [121] or null, own: [121] or null}: heights of a p_data drawn by hand, at
// -6, -5.9 … 6, and a D drawn by hand, there too. Tells: value. root.numbers is {V, own, jsd, D}, to compare.
import { Frame, canvas, disc, el, mount, playButton, polyline, signed, ticks } from "../kit.js";
import { arrows, bar, buttons, calm, choice, clamp, drag } from "../kit.js";
import { DATA, GRID, KNOTS, MEAN, REACH, WIDTH, asDensity, bell, between } from "./densities.js";
import { downhill, landscape, numbers, rounded } from "./densities.js";

const W = 540;
const HIGH = [200, 150, 132]; // of the plots on the page, in pixels
const STANDS = 0.002; // a slope that is none
const PLACES = ticks(-5, 5, 0.125); // of p_g's mean, in the landscape
const LOG4 = Math.log(4);
const CURVE = GRID.filter((_, i) => i % 2 === 0); // the points that are drawn

const STYLE = `
  .top { display: flex; flex-wrap: wrap; gap: 22px; }
  canvas.plot { cursor: grab; }
  .side { width: max(286px, 22em); display: flex; flex-direction: column; gap: 9px; }
  .numbers { display: grid; grid-template-columns: 1fr max-content; gap: 3px 12px; font-variant-numeric: tabular-nums; }
  .numbers b { font-weight: 600; }
  .track { height: 12px; }
  .say { min-height: 2.9em; }
`;

const frameOf = (k, y) =>
  new Frame({ x: [-REACH, REACH], y, width: W, height: HIGH[k], left: 44, right: 8, top: 10, bottom: 24 });

// Empties a plot but for its axes; names: [text, colour] of the curves.
function begin(context, frame, marks, names, theme) {
  context.clearRect(0, 0, frame.width, frame.height);
  Object.assign(context, { strokeStyle: theme.ink, fillStyle: theme.ink, lineWidth: 0.75, font: theme.font(11) });
  Object.assign(context, { textAlign: "center", textBaseline: "top" });
  for (const x of ticks(...frame.x, 2)) context.fillText(signed(x, 0), frame.px(x), frame.bottom + 4);
  Object.assign(context, { textAlign: "right", textBaseline: "middle" });
  for (const y of marks) {
    context.fillText(rounded(y, 2), frame.left - 5, frame.py(y));
    context.globalAlpha = y === marks[0] ? 1 : 0.2;
    polyline(context, [[frame.left, frame.py(y)], [frame.right, frame.py(y)]]); // prettier-ignore
    context.globalAlpha = 1;
  }
  Object.assign(context, { textAlign: "left", textBaseline: "top" });
  names.forEach(([text, colour], i) => {
    context.fillStyle = colour;
    context.fillText(text, frame.left + 6 + 95 * i * theme.scale, 3);
  });
}

function drawCurve(context, frame, f, colour, { dash = [], fill = false } = {}) {
  Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineWidth: 2 });
  context.setLineDash(dash);
  polyline(
    context,
    Array.from(CURVE, (x, i) => frame.at([x, f(x, 2 * i)])),
  );
  context.setLineDash([]);
  if (!fill) return;
  for (const x of [REACH, -REACH]) context.lineTo(...frame.at([x, 0]));
  context.globalAlpha = 0.15;
  context.fill();
  context.globalAlpha = 1;
}

function drawDensities(context, view, now, theme) {
  const { mean, width, drawn } = view.value;
  const frame = frameOf(0, [0, view.top]);
  const shown = view.drag === "draw" ? (x) => between(drawn, x) : (x, i) => now.p[i];
  const names = [["p_data(x)", theme.blue], ["p_g(x)", theme.orange]]; // prettier-ignore
  begin(context, frame, [0, rounded(view.top / 2, 1)], names, theme);
  drawCurve(context, frame, shown, theme.blue, { fill: true });
  context.globalAlpha = 0.3;
  for (const [m, w] of view.trail.filter((_, i) => i % 12 === 0))
    drawCurve(context, frame, (x) => bell(x, m, w), theme.orange);
  context.globalAlpha = 1;
  drawCurve(context, frame, (x, i) => now.g[i], theme.orange, { fill: true });
  for (const x of [mean, mean + width]) {
    disc(context, frame.at([x, bell(x, mean, width)]), 6.5, theme.paper, theme.orange);
  }
}

function drawDiscriminators(context, view, now, theme) {
  const { own } = view.value;
  const frame = frameOf(1, [0, 1]);
  const names = [["D*(x)", theme.ink], ["your D(x)", theme.green]]; // prettier-ignore
  begin(context, frame, [0, 0.5, 1], own ? names : names.slice(0, 1), theme);
  drawCurve(context, frame, (x, i) => now.D[i], theme.ink);
  if (own) drawCurve(context, frame, (x) => between(own, x), theme.green, { dash: [7, 4] });
  if (view.mark === null) return;
  disc(context, frame.at([view.mark, own ? between(own, view.mark) : 0.5]), 6.5, theme.paper, theme.green);
}

// What the game would be worth with p_g's mean elsewhere, and where it is now: the hollows that p_g walks into.
function drawLandscape(context, view, now, theme) {
  const frame = frameOf(2, [0, 1.5]);
  const names = [["V(G, D*) + log 4, if p_g's mean stood here, its width as it is", theme.pink]]; // prettier-ignore
  begin(context, frame, [0, LOG4], names, theme);
  const heights = landscape(view.value, PLACES);
  Object.assign(context, { strokeStyle: theme.pink, lineWidth: 2 });
  polyline(
    context,
    PLACES.map((x, i) => frame.at([x, heights[i]])),
  );
  Object.assign(context, { strokeStyle: theme.orange, lineWidth: 1.5 });
  polyline(
    context,
    [...view.trail, [view.value.mean, 0, now.V + LOG4]].map(([x, , height]) => frame.at([x, height])),
  );
  disc(context, frame.at([view.value.mean, now.V + LOG4]), 6.5, theme.orange, theme.paper, 2);
}

// Menu, numbers and buttons beside the plots; returns what shows the numbers.
function panel(parent, view, state) {
  const side = el("div", parent, { class: "side" });
  const options = [...Object.keys(DATA), ["drawn", "draw it yourself"]];
  const data = choice(side, { label: "p_data:", options, act: (name) => choose(view, name) });
  const table = el("div", side, { class: "numbers" });
  const texts = ["p_g: mean", "p_g: width σ", "V(G, D*)", "−log 4", "V(G, D*) + log 4 = 2 JSD"];
  const cells = [...texts, "JSD, at most log 2 = 0.693"].map((text) => {
    el("span", table, {}, text);
    return el("b", table);
  });
  const share = bar(side, "var(--gl-pink)", { role: "img", "aria-label": "JSD as a share of log 2" });
  const words = el("div", side, { class: "say" });
  const row = el("div", side, { class: "row" });
  view.player = walker(row, view);
  buttons(side, {
    "Forget my D": () => view.go({ own: null }),
    "Start again": () => view.go({ data: state.data, mean: state.mean, width: state.width, own: null, drawn: null }),
  });
  return ({ mean, width, data: name, own }, now) => {
    data.set(name);
    const values = [now.V, -LOG4, now.V + LOG4, now.jsd].map((v) => signed(v, 3));
    [signed(mean), signed(width), ...values].forEach((text, i) => (cells[i].textContent = text));
    share(now.jsd / Math.LN2);
    const below = `that is ${signed(now.V - now.own, 3)} below V(G, D*). Can you lose less?`;
    if (view.said) words.textContent = view.said;
    else
      words.textContent = own
        ? `Your D: V(G, D) = ${signed(now.own, 3)}, ${below}`
        : "Drag in the lower plot to draw a D of your own. Can you get above V(G, D*)?";
  };
}

// The button that lets p_g walk down the slope of V(G, D*), while D answers best at every step.
function walker(row, view) {
  let last = 0;
  const step = (time) => {
    const { steep, ...there } = downhill(view.value, calm() ? 100 : Math.min(100, time - last));
    last = time;
    const { mean, width } = view.value;
    view.trail.push([mean, width, root2(view)]);
    Object.assign(view.value, there);
    view.update();
    if (steep >= STANDS) return true;
    view.said = resting(view);
    return false;
  };
  const end = () => {
    const { mean, width } = view.value;
    Object.assign(view.value, { mean: MEAN(mean), width: WIDTH(width) });
    view.update();
    view.tell(view.value);
  };
  const off = () => {
    Object.assign(view, { trail: [], said: "p_g walks downhill. D answers best at every step.", drag: null });
    last = 0;
  };
  return playButton(row, { text: "Let p_g walk downhill", begin: off, step, end });
}
const root2 = (view) => 2 * numbers(view.value).jsd;

// Why p_g has come to rest.
function resting(view) {
  const { jsd } = numbers(view.value);
  if (jsd < 0.005) return "It has arrived: p_g is p_data, nearly, and D* can't tell them apart.";
  if (jsd > 0.6)
    return "It stands: here the land is flat. The two hardly overlap, D* is right everywhere, and G learns nothing.";
  return "It rests in a hollow: every small step is uphill. Is there a deeper one elsewhere?";
}

function choose(view, data) {
  const bump = () => Array.from({ length: KNOTS }, (_, k) => rounded(DATA["one bump"](-REACH + k / 10), 4));
  view.go({ data, drawn: data === "drawn" ? (view.value.drawn ?? bump()) : view.value.drawn });
}

// Sets the knots between the last place and this one, so that a fast stroke leaves no holes.
function stroke(view, knots, [x, y], low, high) {
  const index = (v) => Math.round(((clamp(v, -REACH, REACH) + REACH) / (2 * REACH)) * (KNOTS - 1));
  const [x0, y0] = view.last ?? [x, y];
  const [from, to] = [index(x0), index(x)];
  for (let k = Math.min(from, to); k <= Math.max(from, to); k++) {
    const t = to === from ? 1 : (k - from) / (to - from);
    knots[k] = rounded(clamp(y0 + t * (y - y0), low, high), 4);
  }
  view.last = [x, y];
  return knots;
}

// What is taken hold of at [x, y]: the mean or the width of p_g, or, where the data are drawn by hand, the paper.
function grip({ data, mean, width }, [x, y]) {
  const near = Math.min(Math.abs(x - mean), Math.abs(x - mean - width)) < 0.25;
  const high = y <= bell(0, 0, width) * 1.15 && y > bell(width, 0, width) * 0.8;
  if (data === "drawn" && !(near && high)) return "draw";
  return Math.abs(x - mean - width) < Math.abs(x - mean) ? "width" : "mean";
}

function takeDensities(view, node) {
  const place = (event) => frameOf(0, [0, view.top]).pointer(event, node);
  const move = (event) => {
    const [x, y] = place(event);
    const { mean, drawn } = view.value;
    if (view.drag === "mean") view.go({ mean: MEAN(x + view.offset) });
    else if (view.drag === "width") view.go({ width: WIDTH(Math.abs(x + view.offset - mean)) });
    else view.go({ drawn: stroke(view, drawn?.slice() ?? Array(KNOTS).fill(0), [x, y], 0, view.top) });
  };
  const down = (event) => {
    const { mean, width } = view.value;
    view.last = null;
    view.drag = grip(view.value, place(event));
    view.offset = mean + (view.drag === "width" ? width : 0) - place(event)[0];
    move(event);
  };
  const up = () => {
    const { drawn } = view.value;
    const drew = view.drag === "draw";
    view.drag = null;
    view.go(drew ? { drawn: asDensity(drawn) } : {});
  };
  drag(node, { down, move, up });
  arrows(node, (dx, dy) => {
    const { mean, width } = view.value;
    view.go({ mean: MEAN(mean + 0.1 * dx), width: WIDTH(width + 0.05 * dy) });
  });
}

function takeDiscriminators(view, node) {
  const knots = () => view.value.own?.slice() ?? Array(KNOTS).fill(0.5);
  const drawOwn = (event) =>
    view.go({ own: stroke(view, knots(), frameOf(1, [0, 1]).pointer(event, node), 0.01, 0.99) });
  const down = (event) => {
    view.last = null;
    drawOwn(event);
  };
  const show = (mark) => {
    view.mark = mark;
    view.update();
  };
  drag(node, { down, move: drawOwn });
  node.addEventListener("focus", () => show(view.mark ?? 0));
  node.addEventListener("blur", () => show(null));
  arrows(node, (dx, dy) => {
    const at = view.mark ?? 0;
    if (dx) return show(clamp(at + 0.2 * dx, -REACH, REACH));
    const lift = (k) => 0.05 * dy * Math.max(0, 1 - Math.abs((k / (KNOTS - 1)) * 2 * REACH - REACH - at) / 0.6);
    view.go({ own: knots().map((v, k) => rounded(clamp(v + lift(k), 0.01, 0.99), 4)) });
  });
}

function setup(root, state, { tell, theme }) {
  const view = { value: null, drag: null, last: null, mark: null, top: 0.5, trail: [], said: "", tell };
  const top = el("div", root, { class: "top" });
  const left = el("div", top);
  const [above, below, land] = [
    "p_data and p_g: drag p_g; arrows left and right move its mean, up and down change its width",
    "D: drag to draw one of your own; arrows left and right move a mark, up and down bend D there",
    "what the game would be worth with p_g's mean elsewhere",
  ].map((label, k) => {
    const hands = k < 2 ? { class: "plot", role: "application" } : { class: "land", role: "img" };
    return canvas(left, W, HIGH[k], { ...hands, "aria-label": label });
  });
  const showNumbers = panel(top, view, state);
  view.update = () => {
    const now = numbers(view.value);
    root.numbers = { V: now.V, own: now.own, jsd: now.jsd, D: [...now.D] };
    if (view.drag !== "draw") view.top = Math.max(0.5, 1.2 * Math.max(...now.p, ...now.g));
    drawDensities(above.getContext("2d"), view, now, theme);
    drawDiscriminators(below.getContext("2d"), view, now, theme);
    drawLandscape(land.getContext("2d"), view, now, theme);
    showNumbers(view.value, now);
  };
  view.go = (change) => {
    view.player.stop();
    Object.assign(view, { trail: [], said: "" });
    view.value = { ...view.value, ...change };
    view.update();
    tell(view.value);
  };
  const show = (given) => {
    if (view.player.playing()) return; // it is ahead of what comes back
    const { data, mean, width, drawn = null, own = null } = { ...given, ...given.value };
    view.value = { data, mean, width, drawn, own };
    view.update();
  };
  takeDensities(view, above);
  takeDiscriminators(view, below);
  return { show, paint: view.update, stop: view.player.stop };
}

export function draw(element, state) {
  const title = "The best discriminator for two densities";
  mount(element, state, { name: "gl-best", title, width: 860, css: STYLE, setup });
}
