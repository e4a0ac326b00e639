// A Gaussian q, laid over a target p with two modes by hand: KL(p‖q), KL(q‖p), and where each of them comes from.
// state: {weight, sigma, gap, mean, width, value}. Tells: {mean, width, gap}. All integrals are done here, by quadrature.

const BLUE = "#0072B2";
const ORANGE = "#D55E00";
const LIMITS = { mean: [-4, 4], width: [0.2, 4], gap: [0, 6] };
const SPAN = 7; // the plot shows x from -7 to 7
const W = 550, LEFT = 44, RIGHT = 12, TOP = 26, TALL = 170, LOWER = 262, SHORT = 104;

const STYLE = `
.gl-kl { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  display: flex; flex-wrap: wrap; gap: 16px; padding: 4px; }
.gl-kl svg { width: 550px; max-width: 100%; display: block; user-select: none; touch-action: none; }
.gl-kl svg text { font-size: 12px; fill: currentColor; }
.gl-kl .knob { cursor: ew-resize; stroke: #fff; stroke-width: 2; }
.gl-kl .knob:focus { outline: none; stroke: #E69F00; stroke-width: 4; }
.gl-kl .side { width: 270px; }
.gl-kl .one { margin-bottom: 12px; }
.gl-kl .name { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.gl-kl .track { background: rgba(128,128,128,.18); border-radius: 3px; height: 16px; margin: 3px 0; position: relative; }
.gl-kl .fill { border-radius: 3px; height: 16px; }
.gl-kl .mark { position: absolute; top: -3px; width: 2px; height: 22px; background: currentColor; }
.gl-kl .least { font-size: 12px; font-variant-numeric: tabular-nums; }
.gl-kl .now { margin: 2px 0 10px; font-variant-numeric: tabular-nums; }
.gl-kl label { display: flex; align-items: center; gap: 8px; margin: 8px 0; white-space: nowrap; }
.gl-kl input { flex: 1; min-width: 0; cursor: ew-resize; }
.gl-kl .tools { display: flex; flex-wrap: wrap; gap: 8px; }
.gl-kl button { font: inherit; padding: 2px 8px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
`;

const logNormal = (x, mean, sigma) => -0.5 * ((x - mean) / sigma) ** 2 - Math.log(sigma * Math.sqrt(2 * Math.PI));

function logTarget(x, { weight, sigma, gap }) {
  const a = Math.log(weight) + logNormal(x, -gap / 2, sigma);
  const b = Math.log(1 - weight) + logNormal(x, gap / 2, sigma);
  const m = Math.max(a, b);
  return m + Math.log(Math.exp(a - m) + Math.exp(b - m));
}

// Σ f(x) dx over 800 intervals; f is smooth and 0 at both ends, so that this is exact to many digits.
function integral(f, from, to, n = 800) {
  const dx = (to - from) / n;
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += f(from + i * dx);
  return sum * dx;
}

function integrands(target, q) {
  const p = (x) => logTarget(x, target);
  const g = (x) => logNormal(x, q.mean, q.width);
  return {
    forward: (x) => Math.exp(p(x)) * (p(x) - g(x)), // p log(p/q)
    reverse: (x) => Math.exp(g(x)) * (g(x) - p(x)), // q log(q/p)
  };
}

function divergences(target, q) {
  const { forward, reverse } = integrands(target, q);
  const reach = target.gap / 2 + 9 * target.sigma;
  return {
    forward: integral(forward, -reach, reach),
    reverse: integral(reverse, q.mean - 9 * q.width, q.mean + 9 * q.width),
  };
}

const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

// One step of gradient descent on one of the divergences, in the mean and the logarithm of the width; halved until it
// leads down.
function descend(target, q, which) {
  const value = (mean, log) => divergences(target, { mean, width: Math.exp(log) })[which];
  const log = Math.log(q.width);
  const h = 1e-4;
  const rate = 0.25 * Math.min(1, q.width ** 2);
  const dMean = (value(q.mean + h, log) - value(q.mean - h, log)) / (2 * h);
  const dLog = (value(q.mean, log + h) - value(q.mean, log - h)) / (2 * h);
  const step = (d) => Math.max(-0.15, Math.min(0.15, -rate * d));
  let [byMean, byLog] = [step(dMean), step(dLog)];
  const before = value(q.mean, log);
  for (let k = 0; k < 20 && value(q.mean + byMean, log + byLog) > before; k++) [byMean, byLog] = [byMean / 2, byLog / 2];
  return {
    mean: clamp(q.mean + byMean, LIMITS.mean),
    width: clamp(Math.exp(log + byLog), LIMITS.width),
    moved: Math.abs(rate * dMean) + Math.abs(rate * dLog),
  };
}

const keyOf = (state, now) => JSON.stringify([state.weight, state.sigma, state.gap, state.mean, state.width, now]);

export function draw(element, state) {
  const now = state.value?.mean === undefined ? { mean: state.mean, width: state.width, gap: state.gap } : { ...state.value };
  if (element.glKey === keyOf(state, now)) return;
  element.glKey = keyOf(state, now);
  cancelAnimationFrame(element.glFrame);
  const q = { mean: now.mean, width: now.width };
  const target = { weight: state.weight, sigma: state.sigma, gap: now.gap };
  let least = {};

  element.replaceChildren();
  const add = (tag, parent, attributes = {}, text = "") => {
    const drawn = ["path", "line", "circle", "text", "g"].includes(tag); // these live in the picture's own namespace
    const node = drawn ? document.createElementNS(parent.namespaceURI, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text) node.textContent = text;
    parent.append(node);
    return node;
  };
  add("style", element, {}, STYLE);
  const root = add("div", element, { class: "gl-kl", role: "group", "aria-label": "A Gaussian to fit to a target with two modes" });
  root.innerHTML = `<svg viewBox="0 0 ${W} ${LOWER + SHORT + 40}"></svg>`;
  const svg = root.firstChild;
  const sx = (x) => LEFT + ((x + SPAN) / (2 * SPAN)) * (W - LEFT - RIGHT);
  const xs = Array.from({ length: 281 }, (_, i) => -SPAN + (i * 2 * SPAN) / 280);

  const axis = (y, names) => {
    add("line", svg, { x1: LEFT, x2: W - RIGHT, y1: y, y2: y, stroke: "#999" });
    for (let x = -6; x <= 6; x += 2) {
      add("line", svg, { x1: sx(x), x2: sx(x), y1: y, y2: y + 4, stroke: "#999" });
      if (names) add("text", svg, { x: sx(x), y: y + 17, "text-anchor": "middle" }, String(x).replace("-", "−"));
    }
  };
  axis(TOP + TALL, true);
  add("text", svg, { x: LEFT, y: 14 }, "density (per unit of x)");
  add("text", svg, { x: W - RIGHT - 160, y: 14, "text-anchor": "end" }, "grey: the target p");
  add("text", svg, { x: W - RIGHT, y: 14, "text-anchor": "end" }, "line: your Gaussian q");
  const area = add("path", svg, { fill: "#B8B8B8", stroke: "#777" });
  const curve = add("path", svg, { fill: "none", stroke: "currentColor", "stroke-width": 2.5 });
  const ticks = add("g", svg);
  add("text", svg, { x: LEFT, y: LOWER - 22 }, "where each divergence comes from (nats per unit of x)");
  const lowerTicks = add("g", svg);
  const forwardArea = add("path", svg, { fill: BLUE, "fill-opacity": 0.35, stroke: BLUE });
  const reverseArea = add("path", svg, { fill: ORANGE, "fill-opacity": 0.3, stroke: ORANGE });
  const zero = add("line", svg, { x1: LEFT, x2: W - RIGHT, stroke: "#999" });
  add("text", svg, { x: (LEFT + W - RIGHT) / 2, y: LOWER + SHORT + 34, "text-anchor": "middle" }, "x");
  for (let x = -6; x <= 6; x += 2) {
    add("text", svg, { x: sx(x), y: LOWER + SHORT + 18, "text-anchor": "middle" }, String(x).replace("-", "−"));
  }
  const knob = (name, colour) => add("circle", svg, {
    class: `knob ${name}`, r: 9, fill: colour, tabindex: 0, role: "slider", "data-lm-suppress-shortcuts": "true",
    "aria-label": name === "mean" ? "mean of q: arrows left and right move it, up and down change the width"
      : "width of q: arrows change it",
    "aria-valuemin": LIMITS[name][0], "aria-valuemax": LIMITS[name][1],
  });
  const widthKnob = knob("width", "#888888");
  const meanKnob = knob("mean", "currentColor");

  const side = add("div", root, { class: "side" });
  const rows = {};
  const row = (which, name, note, colour) => {
    const box = add("div", side, { class: "one" });
    const line = add("div", box, { class: "name" });
    add("b", line, { style: `color:${colour}` }, name);
    const number = add("span", line, { class: which });
    const track = add("div", box, { class: "track" });
    const fill = add("div", track, { class: "fill", style: `background:${colour}` });
    const mark = add("div", track, { class: "mark" });
    const best = add("div", box, { class: "least" });
    add("div", box, { class: "least" }, note);
    rows[which] = { number, fill, mark, best };
  };
  row("forward", "KL(p‖q)", "paid where p has something and q does not", BLUE);
  row("reverse", "KL(q‖p)", "paid where q has something and p does not", ORANGE);
  const numbers = add("div", side, { class: "now" });
  const label = add("label", side, {}, "modes apart by");
  const gap = add("input", label, { type: "range", min: 0, max: 6, step: 0.1, "data-lm-suppress-shortcuts": "true" });
  const gapText = add("span", label);
  const tools = add("div", side, { class: "tools" });
  const button = (text, act) => add("button", tools, { type: "button" }, text).addEventListener("click", act);

  const path = (points, base) => `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`
    + (base === undefined ? "" : `L${sx(SPAN)},${base}L${sx(-SPAN)},${base}Z`);
  const signed = (value) => value.toFixed(2).replace("-", "−");
  const format = (value) => (value < 10 ? value.toFixed(3) : value.toFixed(1));

  function paint() {
    const p = xs.map((x) => Math.exp(logTarget(x, target)));
    const g = xs.map((x) => Math.exp(logNormal(x, q.mean, q.width)));
    const top = Math.max(0.75, 1.08 * Math.max(...p), 1.08 / (q.width * Math.sqrt(2 * Math.PI)));
    const sy = (v) => TOP + TALL - (v / top) * TALL;
    area.setAttribute("d", path(xs.map((x, i) => [sx(x), sy(p[i])]), sy(0)));
    curve.setAttribute("d", path(xs.map((x, i) => [sx(x), sy(g[i])])));
    ticks.replaceChildren();
    for (let v = 0.5; v < top; v += 0.5) {
      add("text", ticks, { x: LEFT - 6, y: sy(v) + 4, "text-anchor": "end" }, v.toFixed(1));
      add("line", ticks, { x1: LEFT - 3, x2: LEFT, y1: sy(v), y2: sy(v), stroke: "#999" });
    }
    const peak = 1 / (q.width * Math.sqrt(2 * Math.PI));
    const place = (node, x, y) => { node.setAttribute("cx", sx(x)); node.setAttribute("cy", y); };
    place(meanKnob, q.mean, sy(peak));
    place(widthKnob, Math.min(SPAN - 0.2, q.mean + q.width), sy(peak * Math.exp(-0.5)));
    meanKnob.setAttribute("aria-valuenow", q.mean.toFixed(2));
    widthKnob.setAttribute("aria-valuenow", q.width.toFixed(2));

    const { forward, reverse } = integrands(target, q);
    const f = xs.map(forward);
    const r = xs.map(reverse);
    const high = Math.max(0.5, ...f, ...r);
    const low = Math.min(-0.2, ...f, ...r);
    const ly = (v) => LOWER + SHORT - ((v - low) / (high - low)) * SHORT;
    forwardArea.setAttribute("d", path(xs.map((x, i) => [sx(x), ly(f[i])]), ly(0)));
    reverseArea.setAttribute("d", path(xs.map((x, i) => [sx(x), ly(r[i])]), ly(0)));
    zero.setAttribute("y1", ly(0));
    zero.setAttribute("y2", ly(0));
    lowerTicks.replaceChildren();
    for (const v of [0, high]) {
      add("text", lowerTicks, { x: LEFT - 6, y: ly(v) + 4, "text-anchor": "end" }, v < 10 ? v.toFixed(1) : v.toFixed(0));
    }

    const d = divergences(target, q);
    for (const which of ["forward", "reverse"]) {
      const { number, fill, mark, best } = rows[which];
      if (!least[which] || d[which] < least[which].value - 1e-9) least[which] = { value: d[which], ...q };
      number.textContent = `${format(Math.max(0, d[which]))} nats`;
      fill.style.width = `${Math.min(100, 40 * Math.max(0, d[which]))}%`;
      mark.style.left = `${Math.min(99, 40 * Math.max(0, least[which].value))}%`;
      best.textContent = `lowest so far ${format(Math.max(0, least[which].value))}, at μ = ${signed(least[which].mean)}, σ = ${least[which].width.toFixed(2)}`;
    }
    numbers.textContent = `now: μ = ${signed(q.mean)}, σ = ${q.width.toFixed(2)}`;
    gap.value = target.gap;
    gapText.textContent = target.gap.toFixed(1);
  }

  const tell = () => {
    paint();
    const value = { mean: q.mean, width: q.width, gap: target.gap };
    element.glKey = keyOf(state, value);
    element.dispatchEvent(new CustomEvent("moved", { detail: value }));
  };
  const stop = () => cancelAnimationFrame(element.glFrame);
  const set = (mean, width) => {
    stop();
    q.mean = clamp(mean, LIMITS.mean);
    q.width = clamp(width, LIMITS.width);
    tell();
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return (((event.clientX - box.left) / box.width) * W - LEFT) / (W - LEFT - RIGHT) * 2 * SPAN - SPAN;
  };
  for (const [node, move] of [[meanKnob, (x) => set(x, q.width)], [widthKnob, (x) => set(q.mean, x - q.mean)]]) {
    let down = false;
    node.addEventListener("pointerdown", (event) => { node.setPointerCapture(event.pointerId); down = true; });
    node.addEventListener("pointermove", (event) => { if (down) move(at(event)); });
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, () => { down = false; });
    node.addEventListener("keydown", (event) => {
      const by = event.shiftKey ? 0.25 : 0.05;
      const sideways = { ArrowLeft: -by, ArrowRight: by }[event.key];
      const upwards = { ArrowDown: -by, ArrowUp: by }[event.key];
      if (sideways !== undefined && node === meanKnob) set(q.mean + sideways, q.width);
      else if (sideways !== undefined || upwards !== undefined) set(q.mean, q.width + (sideways ?? upwards));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
  gap.addEventListener("input", () => { stop(); target.gap = Number(gap.value); least = {}; tell(); });
  const run = (which) => {
    stop();
    let left = 400;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const frame = () => {
      let moved = 1;
      do {
        const next = descend(target, q, which);
        q.mean = next.mean;
        q.width = next.width;
        moved = next.moved;
        left -= 1;
      } while (calm && left > 0 && moved > 1e-5);
      if (left > 0 && moved > 1e-5) {
        paint();
        element.glFrame = requestAnimationFrame(frame);
      } else tell();
    };
    frame();
  };
  button("Descend KL(p‖q)", () => run("forward"));
  button("Descend KL(q‖p)", () => run("reverse"));
  button("Start again", () => { target.gap = state.gap; least = {}; set(state.mean, state.width); });
  paint();
}
