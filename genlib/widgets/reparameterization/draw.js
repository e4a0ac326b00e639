// Reparameterization: the noise stays, μ and σ move, and the samples z = μ + σ ε move along, with both gradients.
// state: {noise: [n], mean, sd, offset, value}. Tells: {noise, mean, sd, offset}.

const BLUE = "#0072B2", RED = "#D55E00", GREEN = "#009E73", GREY = "#5A5A5A";
const LEFT = -4, RIGHT = 4; // of ε and of z
const RANGES = { mean: [-2, 2], sd: [0.2, 1.4], offset: [0, 5] };
// What is averaged, and its derivative. The same function stands in reparameterization.py.
const f = (z) => 2 * Math.sin(1.5 * z) - (z * z) / 4;
const slope = (z) => 3 * Math.cos(1.5 * z) - z / 2;

const STYLE = `
.gl-rep { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  max-width: 780px; padding: 4px; }
.gl-rep svg { display: block; width: 100%; height: auto; user-select: none; }
.gl-rep svg text { fill: currentColor; font: 13px var(--jp-ui-font-family, system-ui, sans-serif); }
.gl-rep svg .small { font-size: 12px; }
.gl-rep .top { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: center; margin-bottom: 4px; }
.gl-rep label { display: inline-flex; gap: 6px; align-items: center; cursor: pointer; }
.gl-rep label span { min-width: 2.6em; font-variant-numeric: tabular-nums; }
.gl-rep input[type=range] { width: 120px; cursor: ew-resize; accent-color: #0072B2; }
.gl-rep button { font: inherit; padding: 1px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-rep .say { min-height: 2.8em; font-variant-numeric: tabular-nums; }
`;

function underNoise(g) { // the mean of g(ε), by the trapezoid rule
  let sum = 0;
  const n = 2000, h = 18 / n;
  for (let i = 0; i <= n; i++) {
    const e = -9 + i * h;
    sum += Math.exp(-0.5 * e * e) * g(e) * h;
  }
  return sum / Math.sqrt(2 * Math.PI);
}

// One estimate a draw, for the derivative with respect to μ and to σ, by both ways; and the true derivatives.
function estimates({ noise, mean, sd, offset }) {
  const each = (g) => noise.map((e) => g(e, mean + sd * e));
  return {
    mean: {
      path: each((e, z) => slope(z)),
      score: each((e, z) => ((f(z) + offset) * e) / sd),
      exact: underNoise((e) => slope(mean + sd * e)),
    },
    sd: {
      path: each((e, z) => slope(z) * e),
      score: each((e, z) => ((f(z) + offset) * (e * e - 1)) / sd),
      exact: underNoise((e) => slope(mean + sd * e) * e),
    },
  };
}

const average = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const spread = (values) => Math.sqrt(average(values.map((v) => (v - average(values)) ** 2)));
const number = (v) => (v <= -0.005 ? "−" : "") + Math.abs(v).toFixed(2); // never "−0.00"
const gauss = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

// The name space of drawings, read off one: nothing here looks like an address.
const SVG = Object.assign(document.createElement("template"), { innerHTML: "<svg></svg>" }).content.firstChild.namespaceURI;

function make(tag, parent, attributes = {}, text = "") {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text"].includes(tag);
  const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.append(node);
  return node;
}
const put = (node, attributes) => { for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value); };

export function draw(element, state) {
  const given = state.value?.noise ? state.value : state;
  const keyOf = (s) => JSON.stringify([s.noise, s.mean, s.sd, s.offset]);
  if (element.glKey === keyOf(given)) return;
  element.glKey = keyOf(given);
  element.replaceChildren();
  const now = { noise: given.noise.slice(), mean: given.mean, sd: given.sd, offset: given.offset };
  const n = now.noise.length;

  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-rep", role: "group", "aria-label": "Reparameterization" });
  const top = make("div", root, { class: "top" });
  const sliders = {};
  for (const [key, name] of [["mean", "μ"], ["sd", "σ"], ["offset", "add to f:"]]) {
    const label = make("label", top, {}, name);
    const [min, max] = RANGES[key];
    const input = make("input", label, { type: "range", min, max, step: 0.05, "data-key": key, "data-lm-suppress-shortcuts": "true" });
    sliders[key] = { input, shown: make("span", label) };
    input.addEventListener("input", () => {
      now[key] = Number(input.value);
      if (fresh.checked) now.noise = now.noise.map(gauss);
      tell();
    });
  }
  const again = make("button", top, { type: "button" }, "New noise");
  again.addEventListener("click", () => { now.noise = now.noise.map(gauss); tell(); });
  const label = make("label", top);
  const fresh = make("input", label, { type: "checkbox", "data-lm-suppress-shortcuts": "true" });
  label.append("new noise at every move");

  const W = 760, H = 500, PLOT = { x: 60, w: 640 }, EPS = 28, Z = 112, F = { top: 128, h: 190, low: -7, high: 8 };
  const svg = make("svg", root, { viewBox: `0 0 ${W} ${H}` });
  const X = (z) => PLOT.x + ((z - LEFT) / (RIGHT - LEFT)) * PLOT.w;
  const Y = (v) => F.top + F.h * (1 - (v - F.low) / (F.high - F.low));
  for (const [y, name] of [[EPS, "ε"], [Z, "z = μ + σ ε"]]) {
    make("line", svg, { x1: PLOT.x, x2: PLOT.x + PLOT.w, y1: y, y2: y, stroke: GREY });
    make("text", svg, { x: PLOT.x - 8, y: y + 4, "text-anchor": "end", class: "small" }, name.split(" ")[0]);
    if (y === Z) make("text", svg, { x: W - 4, y: y - 6, "text-anchor": "end", class: "small" }, name);
    for (let z = -3; z <= 3; z++) {
      make("line", svg, { x1: X(z), x2: X(z), y1: y - 3, y2: y + 3, stroke: GREY });
      if (y === EPS) make("text", svg, { x: X(z), y: y - 10, "text-anchor": "middle", class: "small" }, z < 0 ? `−${-z}` : z);
    }
  }
  make("text", svg, { x: W - 4, y: EPS - 10, "text-anchor": "end", class: "small" }, "the noise");
  make("text", svg, { x: PLOT.x - 8, y: F.top + 40, "text-anchor": "end", class: "small" }, "f(z)");
  make("line", svg, { x1: PLOT.x, x2: PLOT.x + PLOT.w, y1: Y(0), y2: Y(0), stroke: "#ccc", "stroke-dasharray": "3 3" });
  make("text", svg, { x: PLOT.x - 8, y: Y(0) + 4, "text-anchor": "end", class: "small" }, "0");
  const curve = make("path", svg, { fill: "none", stroke: BLUE, "stroke-width": 2 });
  const threads = now.noise.map(() => make("line", svg, { stroke: "#999", "stroke-width": 0.8 }));
  const drops = now.noise.map(() => make("line", svg, { stroke: "#ccc", "stroke-width": 0.6 }));
  const slopes = now.noise.map(() => make("line", svg, { stroke: RED, "stroke-width": 2.5 }));
  const dots = now.noise.map(() => [0, 1, 2].map((i) => make("circle", svg, { r: i ? 4 : 3, fill: i ? RED : GREY })));

  // Two rows for each derivative: every draw's estimate, their mean, and the truth.
  const ROW = { x: 190, w: 420, y: 348, step: 26, range: 12 };
  const G = (v) => ROW.x + (ROW.w * (Math.min(Math.max(v, -ROW.range), ROW.range) + ROW.range)) / (2 * ROW.range);
  const rows = [["mean", "path", "∂/∂μ, by the path", RED], ["mean", "score", "∂/∂μ, by the score", GREEN],
    ["sd", "path", "∂/∂σ, by the path", RED], ["sd", "score", "∂/∂σ, by the score", GREEN]].map(([key, way, name, colour], i) => {
    const y = ROW.y + ROW.step * i + (i > 1 ? 8 : 0);
    make("text", svg, { x: ROW.x - 12, y: y + 4, "text-anchor": "end" }, name);
    make("line", svg, { x1: ROW.x, x2: ROW.x + ROW.w, y1: y, y2: y, stroke: "#ddd" });
    return {
      key, way,
      each: now.noise.map(() => make("circle", svg, { cy: y, r: 3.5, fill: colour, "fill-opacity": 0.45 })),
      truth: make("line", svg, { y1: y - 12, y2: y + 12, stroke: "#000", "stroke-width": 1.5, "stroke-dasharray": "3 2" }),
      mean: make("rect", svg, { y: y - 9, width: 4, height: 18, fill: colour }),
      text: make("text", svg, { x: W - 4, y: y + 4, "text-anchor": "end", class: "small" }),
    };
  });
  const foot = ROW.y + ROW.step * 4 + 8;
  for (let v = -ROW.range; v <= ROW.range; v += 4) make("text", svg, { x: G(v), y: foot, "text-anchor": "middle", class: "small" }, v < 0 ? `−${-v}` : v);
  make("text", svg, { x: W - 4, y: foot, "text-anchor": "end", class: "small" }, "spread of one draw");
  make("text", svg, { x: ROW.x, y: foot + 20, class: "small" }, `dots: one estimate a draw;  bar: their mean;  dashed: the true derivative`);
  const say = make("div", root, { class: "say", "aria-live": "polite" });

  function update() {
    const { noise, mean, sd, offset } = now;
    for (const [key, { input, shown }] of Object.entries(sliders)) {
      input.value = now[key];
      shown.textContent = number(now[key]);
    }
    let path = "";
    for (let i = 0; i <= 200; i++) {
      const z = LEFT + ((RIGHT - LEFT) * i) / 200;
      path += `${i ? "L" : "M"}${X(z).toFixed(1)} ${Y(f(z) + offset).toFixed(1)}`;
    }
    put(curve, { d: path });
    noise.forEach((e, i) => {
      const z = mean + sd * e, value = f(z) + offset, far = Math.abs(z) > RIGHT || Math.abs(e) > RIGHT;
      put(threads[i], { x1: X(e), x2: X(z), y1: EPS, y2: Z, visibility: far ? "hidden" : "visible" });
      put(drops[i], { x1: X(z), x2: X(z), y1: Z, y2: Y(value), visibility: far ? "hidden" : "visible" });
      put(dots[i][0], { cx: X(e), cy: EPS });
      put(dots[i][1], { cx: X(z), cy: Z, visibility: far ? "hidden" : "visible" });
      put(dots[i][2], { cx: X(z), cy: Y(value), visibility: far ? "hidden" : "visible" });
      const dx = X(1) - X(0), dy = (Y(1) - Y(0)) * slope(z), scale = 15 / Math.hypot(dx, dy); // along the curve
      put(slopes[i], { x1: X(z) - dx * scale, x2: X(z) + dx * scale, y1: Y(value) - dy * scale, y2: Y(value) + dy * scale, visibility: far ? "hidden" : "visible" });
    });
    const all = estimates(now);
    for (const row of rows) {
      const values = all[row.key][row.way];
      values.forEach((v, i) => put(row.each[i], { cx: G(v) }));
      put(row.truth, { x1: G(all[row.key].exact), x2: G(all[row.key].exact) });
      put(row.mean, { x: G(average(values)) - 2 });
      row.text.textContent = `± ${spread(values).toFixed(1)}`;
      root.dataset[row.key + row.way] = average(values);
    }
    root.dataset.meanexact = all.mean.exact;
    root.dataset.sdexact = all.sd.exact;
    const told = (key, name) => `∂/∂${name}: true ${number(all[key].exact)}, by the path ${number(average(all[key].path))}, `
      + `by the score ${number(average(all[key].score))}.`;
    say.replaceChildren();
    make("div", say, {}, `From ${n} draws,  ${told("mean", "μ")}`);
    make("div", say, {}, told("sd", "σ"));
  }
  function tell() {
    update();
    element.glKey = keyOf(now);
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...now, noise: now.noise.slice() } }));
  }
  update();
}
