// The best answer of a discriminator to two densities on a line: D* = p_data / (p_data + p_g), and what the game is worth.
// state: {data: name, mean, width, hint, value}. value: {data, mean, width, drawn: [121] or null, own: [121] or null, serial}.
// drawn: heights of a p_data drawn by hand, at -6, -5.9 … 6; own: a D drawn by hand, there too. Tells: value.
// element.numbers is {V, own, jsd, D}, for whoever wants to compare.

const W = 540; // of the plots on the page, in pixels
const HIGH = [210, 170];
const EDGE = 44; // left of the axes
const REACH = 6;
const FINE = 1201; // points of the quadrature
const KNOTS = 121;
const STEP = (2 * REACH) / (FINE - 1);
const LOG4 = Math.log(4);

const STYLE = `
.gl-best { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; max-width: 860px; }
.gl-best .top { display: flex; flex-wrap: wrap; gap: 22px; }
.gl-best canvas { width: ${W}px; display: block; touch-action: none; }
.gl-best canvas.plot { cursor: grab; }
.gl-best canvas:focus-visible { outline: 3px solid #56B4E9; }
.gl-best .side { width: 272px; display: flex; flex-direction: column; gap: 9px; }
.gl-best .row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.gl-best button, .gl-best select { font: inherit; padding: 2px 8px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-best select { background: var(--jp-layout-color1, #fff); }
.gl-best .numbers { display: grid; grid-template-columns: 1fr max-content; gap: 3px 12px; font-variant-numeric: tabular-nums; }
.gl-best .numbers b { font-weight: 600; }
.gl-best .bar { height: 12px; background: rgba(128,128,128,.16); border-radius: 3px; }
.gl-best .fill { height: 12px; background: #CC79A7; border-radius: 3px; }
.gl-best .hint { margin-top: 6px; color: var(--jp-ui-font-color2, #555); max-width: 830px; }
.gl-best .say { min-height: 2.9em; }
`;

const at = (i) => -REACH + i * STEP;
const bell = (x, mean, width) => Math.exp(-((x - mean) ** 2) / (2 * width ** 2)) / (width * Math.sqrt(2 * Math.PI));
const DATA = {
  "one bump": (x) => bell(x, 0, 1),
  "two bumps": (x) => 0.6 * bell(x, -2, 0.6) + 0.4 * bell(x, 1.8, 0.5),
  "a box": (x) => (Math.abs(x) <= 1.5 ? 1 / 3 : 0),
};
const between = (knots, x) => { // linear between the knots
  const place = ((x + REACH) / (2 * REACH)) * (KNOTS - 1);
  const k = Math.min(KNOTS - 2, Math.max(0, Math.floor(place)));
  return knots[k] + (place - k) * (knots[k + 1] - knots[k]);
};
// The mass on the line is 1, whatever falls outside of it.
function normalised(density) {
  const total = density.reduce((a, b) => a + b, 0) * STEP;
  return total > 0 ? density.map((d) => d / total) : density;
}
const xlog = (x, y) => (x > 0 ? x * Math.log(y) : 0); // 0 · log 0 = 0

function numbers(value) {
  const grid = Float64Array.from({ length: FINE }, (_, i) => at(i));
  const p = normalised(grid.map((x) => (value.data === "drawn" && value.drawn ? Math.max(0, between(value.drawn, x)) : (DATA[value.data] ?? DATA["one bump"])(x))));
  const g = normalised(grid.map((x) => bell(x, value.mean, value.width)));
  const D = p.map((d, i) => (d + g[i] > 0 ? d / (d + g[i]) : 0.5));
  let V = 0;
  let own = 0;
  let jsd = 0;
  for (let i = 0; i < FINE; i++) {
    const mine = value.own ? Math.min(0.9999, Math.max(0.0001, between(value.own, grid[i]))) : 0.5;
    const m = (p[i] + g[i]) / 2;
    V += STEP * (xlog(p[i], p[i] / (2 * m)) + xlog(g[i], g[i] / (2 * m))); // 1 - D would be rounded to 0
    own += STEP * (xlog(p[i], mine) + xlog(g[i], 1 - mine));
    jsd += (STEP * (xlog(p[i], p[i] / m) + xlog(g[i], g[i] / m))) / 2;
  }
  return { grid, p, g, D, V, own, jsd };
}

function make(tag, parent, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, v] of Object.entries(attributes)) node.setAttribute(name, v);
  node.textContent = text;
  parent.append(node);
  return node;
}

function build(element, state) {
  const view = { value: null, drag: null, top: 0.5 };
  element.replaceChildren();
  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-best", role: "group", "aria-label": "The best discriminator for two densities" });
  const top = make("div", root, { class: "top" });
  const left = make("div", top);
  const plots = HIGH.map((high, k) => make("canvas", left, {
    class: "plot", width: 2 * W, height: 2 * high, style: `height:${high}px`, tabindex: 0, role: "application",
    "data-lm-suppress-shortcuts": "true",
    "aria-label": k ? "D: drag to draw one of your own; arrows left and right move a mark, up and down bend D there"
      : "p_data and p_g: drag p_g; arrows left and right move its mean, up and down change its width",
  }));
  const side = make("div", top, { class: "side" });
  const row = make("div", side, { class: "row" });
  make("label", row, { for: "gl-best-data" }, "p_data:");
  const data = make("select", row, { "aria-label": "p_data", "data-lm-suppress-shortcuts": "true" });
  for (const name of [...Object.keys(DATA), "drawn"]) make("option", data, { value: name }, name === "drawn" ? "draw it yourself" : name);
  const table = make("div", side, { class: "numbers" });
  const cells = {};
  for (const [name, text] of [["mean", "p_g: mean"], ["width", "p_g: width σ"], ["V", "V(G, D*)"], ["floor", "−log 4"],
    ["gap", "V(G, D*) + log 4 = 2 JSD"], ["jsd", "JSD, at most log 2 = 0.693"]]) {
    make("span", table, {}, text);
    cells[name] = make("b", table);
  }
  const bar = make("div", make("div", side, { class: "bar", role: "img", "aria-label": "JSD as a share of log 2" }), { class: "fill" });
  const own = make("div", side, { class: "say", "aria-live": "polite" });
  const tools = make("div", side, { class: "row" });
  const forget = make("button", tools, { type: "button" }, "Forget my D");
  const again = make("button", tools, { type: "button" }, "Start again");
  make("div", root, { class: "hint" }, state.hint);

  const px = (x) => 2 * EDGE + ((x + REACH) / (2 * REACH)) * 2 * (W - EDGE - 8);
  const back = (u) => ((2 * u - 2 * EDGE) / (2 * (W - EDGE - 8))) * 2 * REACH - REACH;
  const scale = (k, low, high) => (y) => 2 * (HIGH[k] - 24) - ((y - low) / (high - low)) * 2 * (HIGH[k] - 34);
  const minus = (v, digits = 3) => v.toFixed(digits).replace("-", "−");

  function axes(c, k, ticks, py, label) {
    c.clearRect(0, 0, 2 * W, 2 * HIGH[k]);
    c.font = "22px system-ui, sans-serif";
    const ink = getComputedStyle(root).color;
    c.strokeStyle = c.fillStyle = ink;
    c.lineWidth = 1.5;
    c.beginPath();
    c.moveTo(px(-REACH), py(ticks[0]));
    c.lineTo(px(REACH), py(ticks[0]));
    c.stroke();
    c.textAlign = "center";
    c.textBaseline = "top";
    for (let x = -REACH; x <= REACH; x += 2) c.fillText(minus(x, 0), px(x), py(ticks[0]) + 8);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const t of ticks) {
      c.fillText(String(t), px(-REACH) - 10, py(t));
      c.globalAlpha = 0.15;
      c.beginPath();
      c.moveTo(px(-REACH), py(t));
      c.lineTo(px(REACH), py(t));
      c.stroke();
      c.globalAlpha = 1;
    }
    c.textAlign = "left";
    c.textBaseline = "top";
    label.forEach(([text, colour], i) => { c.fillStyle = colour; c.fillText(text, px(-REACH) + 12 + 190 * i, 6); });
  }
  function curve(c, values, grid, py, colour, dash = [], fill = 0) {
    c.strokeStyle = c.fillStyle = colour;
    c.lineWidth = 4;
    c.setLineDash(dash);
    c.beginPath();
    for (let i = 0; i < FINE; i += 2) c.lineTo(px(grid[i]), py(values[i]));
    c.stroke();
    c.setLineDash([]);
    if (!fill) return;
    c.lineTo(px(REACH), py(0));
    c.lineTo(px(-REACH), py(0));
    c.globalAlpha = fill;
    c.fill();
    c.globalAlpha = 1;
  }
  function handle(c, x, y, colour) {
    c.beginPath();
    c.arc(x, y, 13, 0, 7);
    c.fillStyle = "#fff";
    c.fill();
    c.strokeStyle = colour;
    c.lineWidth = 5;
    c.stroke();
  }

  function update() {
    const { mean, width } = view.value;
    const now = numbers(view.value);
    element.numbers = { V: now.V, own: now.own, jsd: now.jsd, D: [...now.D] };
    const c = plots[0].getContext("2d");
    if (view.drag !== "draw") view.top = Math.max(0.5, 1.2 * Math.max(...now.p, ...now.g));
    const py = scale(0, 0, view.top);
    axes(c, 0, [0, Number((view.top / 2).toFixed(1))], py, [["p_data(x)", "#0072B2"], ["p_g(x)", "#D55E00"]]);
    const shown = view.drag === "draw" ? now.grid.map((x) => between(view.value.drawn, x)) : now.p;
    curve(c, shown, now.grid, py, "#0072B2", [], 0.15);
    curve(c, now.g, now.grid, py, "#D55E00", [], 0.15);
    handle(c, px(mean), py(bell(mean, mean, width)), "#D55E00");
    handle(c, px(mean + width), py(bell(width, 0, width)), "#D55E00");
    const d = plots[1].getContext("2d");
    const qy = scale(1, 0, 1);
    axes(d, 1, [0, 0.5, 1], qy, [["D*(x)", "#222"], ...(view.value.own ? [["your D(x)", "#009E73"]] : [])]);
    curve(d, now.D, now.grid, qy, "#222");
    if (view.value.own) curve(d, now.grid.map((x) => between(view.value.own, x)), now.grid, qy, "#009E73", [14, 8]);
    if (view.mark !== undefined) handle(d, px(view.mark), qy(view.value.own ? between(view.value.own, view.mark) : 0.5), "#009E73");
    data.value = view.value.data;
    cells.mean.textContent = minus(mean, 2);
    cells.width.textContent = width.toFixed(2);
    cells.V.textContent = minus(now.V);
    cells.floor.textContent = minus(-LOG4);
    cells.gap.textContent = minus(now.V + LOG4);
    cells.jsd.textContent = minus(Math.abs(now.jsd));
    bar.style.width = `${Math.min(100, Math.max(0, (100 * now.jsd) / Math.LN2))}%`;
    own.textContent = view.value.own
      ? `Your D: V(G, D) = ${minus(now.own)}, that is ${minus(now.V - now.own)} below V(G, D*). Can you lose less?`
      : "Drag in the lower plot to draw a D of your own. Can you get above V(G, D*)?";
  }
  const tell = () => {
    view.value.serial += 1;
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.value } }));
  };
  const go = (change) => { view.value = { ...view.value, ...change }; update(); tell(); };
  const clip = (v, low, high) => Math.min(high, Math.max(low, v));

  const where = (event, k) => {
    const box = plots[k].getBoundingClientRect();
    const [u, v] = [((event.clientX - box.left) / box.width) * W, ((event.clientY - box.top) / box.height) * HIGH[k]];
    const [low, high] = k ? [0, 1] : [0, view.top];
    return [clip(back(u), -REACH, REACH), low + ((2 * (HIGH[k] - 24) - 2 * v) / (2 * (HIGH[k] - 34))) * (high - low)];
  };
  // Sets the knots between the last place and this one, so that a fast stroke leaves no holes.
  function stroke(knots, [x, y], low, high) {
    const index = (v) => Math.round(((v + REACH) / (2 * REACH)) * (KNOTS - 1));
    const [x0, y0] = view.last ?? [x, y];
    const [from, to] = [index(x0), index(x)];
    for (let k = Math.min(from, to); k <= Math.max(from, to); k++) {
      const t = to === from ? 1 : (k - from) / (to - from);
      knots[k] = Number(clip(y0 + t * (y - y0), low, high).toFixed(4));
    }
    view.last = [x, y];
    return knots;
  }
  plots[0].addEventListener("pointerdown", (event) => {
    plots[0].setPointerCapture(event.pointerId);
    const [x] = where(event, 0);
    const { mean, width } = view.value;
    view.last = null;
    if (view.value.data === "drawn") {
      const near = Math.min(Math.abs(x - mean), Math.abs(x - mean - width)) < 0.25;
      view.drag = near && where(event, 0)[1] <= bell(0, 0, width) * 1.15 && where(event, 0)[1] > bell(width, 0, width) * 0.8 ? null : "draw";
    } else view.drag = null;
    if (!view.drag) view.drag = Math.abs(x - mean - width) < Math.abs(x - mean) ? "width" : "mean";
    view.offset = view.drag === "mean" ? mean - x : mean + width - x;
    move(event);
  });
  function move(event) {
    if (!view.drag) return;
    const place = where(event, 0);
    if (view.drag === "draw") go({ drawn: stroke((view.value.drawn ?? Array(KNOTS).fill(0)).slice(), place, 0, view.top) });
    else if (view.drag === "mean") go({ mean: Number(clip(place[0] + view.offset, -5, 5).toFixed(3)) });
    else go({ width: Number(clip(Math.abs(place[0] + view.offset - view.value.mean), 0.15, 2.5).toFixed(3)) });
  }
  plots[0].addEventListener("pointermove", move);
  const release = () => {
    if (view.drag === "draw") { // the heights become a density
      const area = normalised(Float64Array.from({ length: FINE }, (_, i) => between(view.value.drawn, at(i))));
      view.value.drawn = Array.from({ length: KNOTS }, (_, k) => Number(area[k * ((FINE - 1) / (KNOTS - 1))].toFixed(4)));
    }
    if (view.drag) { view.drag = null; update(); tell(); }
  };
  plots[0].addEventListener("pointerup", release);
  plots[0].addEventListener("pointercancel", release);
  plots[0].addEventListener("keydown", (event) => {
    const { mean, width } = view.value;
    const change = {
      ArrowRight: { mean: clip(mean + 0.1, -5, 5) }, ArrowLeft: { mean: clip(mean - 0.1, -5, 5) },
      ArrowUp: { width: clip(width + 0.05, 0.15, 2.5) }, ArrowDown: { width: clip(width - 0.05, 0.15, 2.5) },
    }[event.key];
    if (!change) return;
    go(Object.fromEntries(Object.entries(change).map(([k, v]) => [k, Number(v.toFixed(3))])));
    event.preventDefault();
    event.stopPropagation();
  });
  let drawing = false;
  const flat = () => (view.value.own ?? Array(KNOTS).fill(0.5)).slice();
  const draw = (event) => go({ own: stroke(flat(), where(event, 1), 0.01, 0.99) });
  plots[1].addEventListener("pointerdown", (event) => {
    plots[1].setPointerCapture(event.pointerId);
    drawing = true;
    view.last = null;
    draw(event);
  });
  plots[1].addEventListener("pointermove", (event) => { if (drawing) draw(event); });
  for (const end of ["pointerup", "pointercancel"]) plots[1].addEventListener(end, () => { drawing = false; });
  plots[1].addEventListener("focus", () => { view.mark = view.mark ?? 0; update(); });
  plots[1].addEventListener("blur", () => { view.mark = undefined; update(); });
  plots[1].addEventListener("keydown", (event) => {
    const sideways = { ArrowRight: 0.2, ArrowLeft: -0.2 }[event.key];
    const upwards = { ArrowUp: 0.05, ArrowDown: -0.05 }[event.key];
    if (sideways) { view.mark = clip((view.mark ?? 0) + sideways, -REACH, REACH); update(); }
    else if (upwards) {
      const knots = flat();
      knots.forEach((v, k) => {
        const far = Math.abs((k / (KNOTS - 1)) * 2 * REACH - REACH - view.mark);
        knots[k] = Number(clip(v + upwards * Math.max(0, 1 - far / 0.6), 0.01, 0.99).toFixed(4));
      });
      go({ own: knots });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  data.addEventListener("change", () => {
    const drawn = view.value.drawn ?? Array.from({ length: KNOTS }, (_, k) => Number(DATA["one bump"](-REACH + k / 10).toFixed(4)));
    go({ data: data.value, drawn: data.value === "drawn" ? drawn : view.value.drawn });
  });
  forget.addEventListener("click", () => go({ own: null }));
  again.addEventListener("click", () => go({ data: state.data, mean: state.mean, width: state.width, own: null, drawn: null }));
  view.show = (value) => { view.value = { ...value }; update(); };
  return view;
}

export function draw(element, state) {
  const start = { data: state.data, mean: state.mean, width: state.width, drawn: null, own: null, serial: 0 };
  if (!element.glBest) {
    element.glBest = build(element, state);
    element.glBest.show(state.value?.data ? state.value : start);
  } else if (state.value?.data && state.value.serial !== element.glBest.value.serial) element.glBest.show(state.value);
}
