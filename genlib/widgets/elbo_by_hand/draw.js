// The ELBO by hand: a model of one number z whose posterior is known by quadrature; you set q's mean and width.
// state: {posterior: "gaussian" | "bimodal", mean, sd, terms, value}. Tells: {posterior, mean, sd}.

const BLUE = "#0072B2", RED = "#D55E00", GREEN = "#009E73", PINK = "#CC79A7", GREY = "#5A5A5A";
const LOG_2PI = Math.log(2 * Math.PI);
// z ~ N(0, 1) and x = f(z) + noise of standard deviation 0.75. With f(z) = z the posterior is Gaussian; with z²,
// z and -z explain x equally well. The same numbers stand in elbo_by_hand.py.
const NOISE = 0.75;
const MODELS = {
  gaussian: { name: "Gaussian", says: "x = z + noise,  x = 1.5", x: 1.5, f: (z) => z },
  bimodal: { name: "bimodal", says: "x = z² + noise,  x = 2.25", x: 2.25, f: (z) => z * z },
};
const LEFT = -4, RIGHT = 4, TOP = 1.15; // of the picture: z from, z to, highest density
const MEAN = [-3, 3], SD = [0.1, 2];

const STYLE = `
.gl-elbo { font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  max-width: 780px; padding: 4px; }
.gl-elbo svg { display: block; width: 100%; height: auto; touch-action: none; user-select: none; }
.gl-elbo svg text { fill: currentColor; font: 13px var(--jp-ui-font-family, system-ui, sans-serif); }
.gl-elbo svg .small { font-size: 12px; }
.gl-elbo svg .white { fill: #fff; font-weight: 600; }
.gl-elbo .handle { cursor: ew-resize; outline: none; }
.gl-elbo .handle:focus-visible circle, .gl-elbo .handle:focus circle { stroke: #000; stroke-width: 2.5; }
.gl-elbo .top { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center; margin-bottom: 4px; }
.gl-elbo label { display: inline-flex; gap: 5px; align-items: center; cursor: pointer; }
.gl-elbo button { font: inherit; padding: 1px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-elbo .say { min-height: 1.5em; font-variant-numeric: tabular-nums; }
`;

const logNormal = (z, mean, sd) => -0.5 * ((z - mean) / sd) ** 2 - Math.log(sd) - 0.5 * LOG_2PI;
const logLikelihood = (model, z) => logNormal(model.x, model.f(z), NOISE);
const logJoint = (model, z) => logLikelihood(model, z) + logNormal(z, 0, 1);

// The integral of g from a to b by the trapezoid rule: for densities that vanish at both ends it is exact to rounding.
function integral(g, a, b, n = 4000) {
  const h = (b - a) / n;
  let sum = (g(a) + g(b)) / 2;
  for (let i = 1; i < n; i++) sum += g(a + i * h);
  return sum * h;
}

function numbers(model, mean, sd) {
  const logP = Math.log(integral((z) => Math.exp(logJoint(model, z)), -10, 10));
  const underQ = (g) => integral((e) => Math.exp(logNormal(e, 0, 1)) * g(mean + sd * e), -9, 9); // z = mean + sd e
  const reconstruction = underQ((z) => logLikelihood(model, z));
  const kl = underQ((z) => logNormal(z, mean, sd) - logNormal(z, 0, 1));
  const gap = underQ((z) => logNormal(z, mean, sd) - (logJoint(model, z) - logP));
  return { logP, elbo: reconstruction - kl, gap, reconstruction, kl };
}

// The name space of drawings, read off one: nothing here looks like an address.
const SVG = Object.assign(document.createElement("template"), { innerHTML: "<svg></svg>" }).content.firstChild.namespaceURI;

function make(tag, parent, attributes = {}, text = "") {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "clipPath"].includes(tag);
  const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

const clamp = (v, [low, high]) => Math.min(high, Math.max(low, v));
const nats = (v) => (v <= -0.005 ? "−" : "") + Math.abs(v).toFixed(2); // never "−0.00"
let count = 0;

export function draw(element, state) {
  const given = state.value?.posterior ? state.value : state;
  const keyOf = (s) => JSON.stringify([state.terms, s.posterior, s.mean, s.sd]);
  if (element.glKey === keyOf(given)) return;
  element.glKey = keyOf(given);
  element.replaceChildren();
  const now = { posterior: given.posterior, mean: given.mean, sd: given.sd };
  const id = `gl-elbo-${++count}-${Math.random().toString(36).slice(2)}`; // several may stand on one page

  make("style", element, {}, STYLE);
  const root = make("div", element, { class: "gl-elbo", role: "group", "aria-label": "ELBO by hand" });
  const top = make("div", root, { class: "top" });
  make("span", top, {}, "true posterior:");
  const radios = Object.entries(MODELS).map(([name, model]) => {
    const label = make("label", top);
    const input = make("input", label, { type: "radio", name: id, value: name, "data-lm-suppress-shortcuts": "true" });
    make("span", label, {}, `${model.name} (${model.says})`);
    input.addEventListener("change", () => { now.posterior = name; tell(); });
    return input;
  });
  const again = make("button", top, { type: "button" }, "Start again");
  again.addEventListener("click", () => { now.mean = state.mean; now.sd = state.sd; tell(); });

  const W = 760, H = state.terms ? 410 : 370, PLOT = { x: 20, y: 8, w: 720, h: 205 };
  const svg = make("svg", root, { viewBox: `0 0 ${W} ${H}` });
  const X = (z) => PLOT.x + ((z - LEFT) / (RIGHT - LEFT)) * PLOT.w;
  const Y = (density) => PLOT.y + PLOT.h * (1 - density / TOP);
  const clip = make("clipPath", svg, { id });
  make("rect", clip, { x: PLOT.x, y: PLOT.y, width: PLOT.w, height: PLOT.h });
  const inside = make("g", svg, { "clip-path": `url(#${id})` });
  const posterior = make("path", inside, { fill: BLUE, "fill-opacity": 0.25, stroke: BLUE, "stroke-width": 1.5 });
  const prior = make("path", inside, { fill: "none", stroke: GREY, "stroke-dasharray": "4 4" });
  const q = make("path", inside, { fill: RED, "fill-opacity": 0.12, stroke: RED, "stroke-width": 2.5 });
  const base = Y(0);
  make("line", svg, { x1: PLOT.x, x2: PLOT.x + PLOT.w, y1: base, y2: base, stroke: GREY });
  for (let z = LEFT + 1; z < RIGHT; z++) {
    make("line", svg, { x1: X(z), x2: X(z), y1: base, y2: base + 4, stroke: GREY });
    make("text", svg, { x: X(z), y: base + 18, "text-anchor": "middle", class: "small" }, z < 0 ? `−${-z}` : z);
  }
  make("text", svg, { x: X(RIGHT) - 4, y: base + 18, "text-anchor": "end" }, "z");
  [["p(z | x), the true posterior", BLUE], ["q(z), yours", RED], ["p(z), the prior", GREY]].forEach(([text, colour], i) => {
    make("line", svg, { x1: 548, x2: 568, y1: 20 + 19 * i, y2: 20 + 19 * i, stroke: colour, "stroke-width": i < 2 ? 3 : 1.5, "stroke-dasharray": i < 2 ? "none" : "4 4" });
    make("text", svg, { x: 574, y: 24 + 19 * i }, text);
  });
  const spread = make("line", svg, { stroke: RED, "stroke-width": 2 });
  const stem = make("line", svg, { stroke: RED, "stroke-width": 1, "stroke-dasharray": "2 3" });
  const handle = (name, key) => {
    const node = make("g", svg, { class: "handle", tabindex: 0, role: "slider", "aria-label": name, "data-lm-suppress-shortcuts": "true", "data-handle": key });
    make("circle", node, { r: 9, fill: key === "mean" ? RED : "#fff", stroke: key === "mean" ? "#fff" : RED, "stroke-width": 2.5 });
    return node;
  };
  const meanHandle = handle("mean of q", "mean"), sdHandle = handle("standard deviation of q", "sd");

  // The bars hang from 0 at the right: a longer one is a smaller logarithm.
  const FLOOR = -8, BAR = { x: 118, w: 622, y: 258, h: 24, step: 34 };
  const B = (v) => BAR.x + BAR.w * (1 - Math.max(v, FLOOR) / FLOOR);
  const bars = state.terms ? ["log p(x)", "ELBO", "its two terms"] : ["log p(x)", "ELBO"];
  const foot = BAR.y + BAR.step * bars.length;
  for (let v = FLOOR; v <= 0; v += 2) {
    make("line", svg, { x1: B(v), x2: B(v), y1: BAR.y - 6, y2: foot, stroke: "#bbb", "stroke-width": 0.7 });
    make("text", svg, { x: B(v), y: foot + 15, "text-anchor": "middle", class: "small" }, v < 0 ? `−${-v}` : "0");
  }
  make("text", svg, { x: BAR.x - 30, y: foot + 15, "text-anchor": "end", class: "small" }, "nats");
  const names = bars.map((name, i) => make("text", svg, { x: BAR.x - 10, y: BAR.y + BAR.step * i + 17, "text-anchor": "end" }, name));
  const rect = (row, colour) => ({
    bar: make("rect", svg, { y: BAR.y + BAR.step * row, height: BAR.h, fill: colour }),
    text: make("text", svg, { y: BAR.y + BAR.step * row + 17, "text-anchor": "middle", class: "white" }),
  });
  const parts = { logP: rect(0, BLUE), same: rect(1, BLUE), gap: rect(1, RED) };
  if (state.terms) Object.assign(parts, { reconstruction: rect(2, GREEN), kl: rect(2, PINK) });
  const place = ({ bar, text }, from, to, label) => { // from > to
    const right = B(from), width = Math.max(0, right - B(to));
    bar.setAttribute("x", right - width);
    bar.setAttribute("width", width);
    text.setAttribute("x", right - width / 2);
    const short = label.split("  ").at(-1); // the number alone, where there is no room for its name
    text.textContent = width > 8.5 * label.length ? label : width > 8.5 * short.length ? short : "";
  };
  const say = make("div", root, { class: "say", "aria-live": "polite" });

  function update() {
    const model = MODELS[now.posterior];
    const n = numbers(model, now.mean, now.sd);
    for (const input of radios) input.checked = input.value === now.posterior;
    const outline = (density, closed) => {
      let path = "";
      for (let i = 0; i <= 400; i++) {
        const z = LEFT + ((RIGHT - LEFT) * i) / 400;
        path += `${i ? "L" : "M"}${X(z).toFixed(1)} ${Math.max(-999, Y(density(z))).toFixed(1)}`;
      }
      return closed ? `${path}L${X(RIGHT)} ${base}L${X(LEFT)} ${base}Z` : path;
    };
    posterior.setAttribute("d", outline((z) => Math.exp(logJoint(model, z) - n.logP), true));
    prior.setAttribute("d", outline((z) => Math.exp(logNormal(z, 0, 1)), false));
    q.setAttribute("d", outline((z) => Math.exp(logNormal(z, now.mean, now.sd)), true));
    const peak = Math.min(TOP * 0.97, Math.exp(logNormal(now.mean, now.mean, now.sd)));
    const shoulder = peak * Math.exp(-0.5);
    const at = (node, z, density) => node.setAttribute("transform", `translate(${X(z)} ${Y(density)})`);
    at(meanHandle, now.mean, peak);
    at(sdHandle, now.mean + now.sd, shoulder);
    for (const [name, value] of Object.entries({ x1: X(now.mean), x2: X(now.mean + now.sd), y1: Y(shoulder), y2: Y(shoulder) })) spread.setAttribute(name, value);
    for (const [name, value] of Object.entries({ x1: X(now.mean), x2: X(now.mean), y1: base, y2: Y(peak) })) stem.setAttribute(name, value);
    for (const [node, value, range] of [[meanHandle, now.mean, MEAN], [sdHandle, now.sd, SD]]) {
      node.setAttribute("aria-valuenow", value.toFixed(2));
      node.setAttribute("aria-valuemin", range[0]);
      node.setAttribute("aria-valuemax", range[1]);
    }
    place(parts.logP, 0, n.logP, nats(n.logP));
    place(parts.same, 0, n.logP, "");
    names[1].textContent = `ELBO  ${nats(n.elbo)}`;
    place(parts.gap, n.logP, n.elbo, `gap  ${nats(n.gap)}`);
    if (state.terms) {
      place(parts.reconstruction, 0, n.reconstruction, `E log p(x|z)  ${nats(n.reconstruction)}`);
      place(parts.kl, n.reconstruction, n.elbo, `KL(q‖p)  ${nats(n.kl)}`);
    }
    const beyond = n.elbo < FLOOR ? "  (the bar goes on beyond the left edge)" : "";
    const terms = state.terms ? `   E log p(x|z) ${nats(n.reconstruction)}, KL(q‖p) ${nats(n.kl)}.` : "";
    say.textContent = `q: mean ${nats(now.mean)}, standard deviation ${nats(now.sd)}.   ELBO ${nats(n.elbo)} `
      + `= log p(x) ${nats(n.logP)} − gap ${nats(n.gap)} nats${beyond}.${terms}`;
    Object.assign(root.dataset, { elbo: n.elbo, logp: n.logP, gap: n.gap, reconstruction: n.reconstruction, kl: n.kl });
  }
  function tell() {
    update();
    element.glKey = keyOf(now);
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...now } }));
  }
  const set = (key, value) => { now[key] = Math.round(100 * clamp(value, key === "mean" ? MEAN : SD)) / 100; tell(); };

  let grabbed = null;
  const pointer = (event) => {
    const box = svg.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * W, y: ((event.clientY - box.top) / box.height) * H };
  };
  const toZ = (x) => LEFT + ((x - PLOT.x) / PLOT.w) * (RIGHT - LEFT);
  svg.addEventListener("pointerdown", (event) => {
    const { x, y } = pointer(event);
    if (y > base) return;
    const key = event.target.closest?.(".handle")?.dataset.handle ?? "mean"; // the curve itself drags the mean
    grabbed = { key, offset: now[key] - toZ(x) };
    (key === "mean" ? meanHandle : sdHandle).focus();
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (grabbed) set(grabbed.key, toZ(pointer(event).x) + grabbed.offset);
  });
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { grabbed = null; });
  for (const [node, key] of [[meanHandle, "mean"], [sdHandle, "sd"]]) {
    node.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      set(key, now[key] + step * (event.shiftKey ? 0.25 : 0.05));
      event.preventDefault();
      event.stopPropagation();
    });
  }
  update();
}
