// A flow of the plane, layer by layer. state: {size, reach, extent, names: [L + 1], grid: [L + 1][size²][x, y, log|det|]
// flat, points: [L + 1][n][2] flat, z, depth, value}. Tells: {z, depth}.

const STYLE = `
.gl-flow { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222); padding: 4px; max-width: 900px; }
.gl-flow .planes { display: flex; flex-wrap: wrap; gap: 20px; }
.gl-flow figure { margin: 0; }
.gl-flow figcaption { text-align: center; font-weight: 600; margin-bottom: 2px; }
.gl-flow canvas { width: 400px; height: 400px; border: 1px solid #ccc; background: #fff; display: block; touch-action: none; }
.gl-flow canvas.z { cursor: crosshair; }
.gl-flow canvas:focus-visible { outline: 3px solid #56B4E9; }
.gl-flow .tools { display: flex; flex-wrap: wrap; gap: 10px 24px; align-items: center; margin: 8px 0 4px; }
.gl-flow label { display: flex; gap: 8px; align-items: center; }
.gl-flow input[type=range] { width: 330px; }
.gl-flow button { font: inherit; padding: 2px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px; background: none; color: inherit; }
.gl-flow .say { font-variant-numeric: tabular-nums; min-height: 2.9em; }
.gl-flow .scale { display: flex; gap: 8px; align-items: center; font-size: 12px; }
.gl-flow .ramp { width: 150px; height: 11px; border-radius: 2px; }
`;
const SIZE = 800; // canvas pixels, twice those on the page
const SHRINK = [0, 114, 178]; // blue: the plane shrinks
const SWELL = [213, 94, 0]; // orange: it swells
const FULL = 3; // the |log det| that gets the full colour

function node(tag, parent, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

function colour(logDet) {
  const t = Math.min(1, Math.abs(logDet) / FULL);
  const end = logDet < 0 ? SHRINK : SWELL;
  return `rgb(${end.map((c) => Math.round(245 + t * (c - 245))).join(",")})`;
}

export function draw(element, state) {
  const told = state.value ?? {};
  const current = { z: [...(told.z ?? state.z)], depth: told.depth ?? state.depth };
  const keyOf = () => JSON.stringify([state.names, state.size, state.grid.length, state.grid.slice(-99), current]);
  if (element.glKey === keyOf()) return;
  element.glKey = keyOf();
  element.replaceChildren();
  const { size, reach, extent, names } = state;
  const last = names.length - 1;
  const cells = size * size;
  const count = state.points.length / 2 / (last + 1);

  node("style", element, {}, STYLE);
  const root = node("div", element, { class: "gl-flow", role: "group", "aria-label": "A flow, layer by layer" });
  const planes = node("div", root, { class: "planes" });
  const plane = (name, attributes) => {
    const figure = node("figure", planes);
    const caption = node("figcaption", figure, {}, name);
    return [node("canvas", figure, { width: SIZE, height: SIZE, ...attributes }), caption];
  };
  const [left] = plane("z: drag the point", {
    class: "z", tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true", "aria-label": "the plane of z: arrow keys move the point",
  });
  const [right, caption] = plane("", { class: "x", role: "img", "aria-label": "the plane after the layers so far" });
  const tools = node("div", root, { class: "tools" });
  const slider = node("input", node("label", tools, {}, "layers"), {
    type: "range", min: 0, max: last, step: 0.05, "data-lm-suppress-shortcuts": "true", "aria-label": "how many layers have been applied",
  });
  const play = node("button", tools, { type: "button" }, "Play");
  const scale = node("div", tools, { class: "scale" });
  node("span", scale, {}, "shrinks");
  node("div", scale, { class: "ramp", style: `background:linear-gradient(to right,${[-3, -1.5, 0, 1.5, 3].map(colour).join(",")})` });
  node("span", scale, {}, "swells");
  const say = node("div", root, { class: "say", "aria-live": "off" });

  const px = ([u, v]) => [((u + extent) / (2 * extent)) * SIZE, ((extent - v) / (2 * extent)) * SIZE];
  // The grid's value number `part` at index i, between two layers.
  const value = (i, part, depth) => {
    const k = Math.min(Math.floor(depth), last - 1);
    const f = depth - k;
    const a = state.grid[(k * cells + i) * 3 + part];
    return a + f * (state.grid[((k + 1) * cells + i) * 3 + part] - a);
  };
  // Where z goes: between four grid points.
  const follow = ([u, v], depth) => {
    const place = (w) => Math.min(size - 1.0001, Math.max(0, ((w + reach) / (2 * reach)) * (size - 1)));
    const [r, s] = [place(u), place(v)];
    const [i, j] = [Math.floor(r), Math.floor(s)];
    const [f, g] = [r - i, s - j];
    return [0, 1, 2].map((part) => (1 - f) * (1 - g) * value(i * size + j, part, depth)
      + f * (1 - g) * value((i + 1) * size + j, part, depth)
      + (1 - f) * g * value(i * size + j + 1, part, depth) + f * g * value((i + 1) * size + j + 1, part, depth));
  };

  function paintPlane(canvas, depth) {
    const c = canvas.getContext("2d");
    c.clearRect(0, 0, SIZE, SIZE);
    const at = Array.from({ length: cells }, (_, i) => px([value(i, 0, depth), value(i, 1, depth)]));
    for (let i = 0; i < size - 1; i++) for (let j = 0; j < size - 1; j++) {
      const corners = [i * size + j, (i + 1) * size + j, (i + 1) * size + j + 1, i * size + j + 1];
      c.fillStyle = colour(corners.reduce((sum, k) => sum + value(k, 2, depth), 0) / 4);
      c.beginPath();
      corners.forEach((k, n) => (n ? c.lineTo(...at[k]) : c.moveTo(...at[k])));
      c.closePath();
      c.fill();
    }
    c.strokeStyle = "rgba(60,60,60,.45)";
    c.lineWidth = 1;
    for (let i = 0; i < size; i += 2) for (const index of [(j) => i * size + j, (j) => j * size + i]) {
      c.beginPath();
      for (let j = 0; j < size; j++) (j ? c.lineTo(...at[index(j)]) : c.moveTo(...at[index(j)]));
      c.stroke();
    }
    c.fillStyle = "rgba(20,20,20,.8)";
    const k = Math.min(Math.floor(depth), last - 1);
    for (let n = 0; n < count; n++) {
      const [a, b] = [0, 1].map((part) => {
        const from = state.points[(k * count + n) * 2 + part];
        return from + (depth - k) * (state.points[((k + 1) * count + n) * 2 + part] - from);
      });
      c.beginPath();
      c.arc(...px([a, b]), 3, 0, 7);
      c.fill();
    }
  }
  const mark = (canvas, point) => {
    const c = canvas.getContext("2d");
    c.beginPath();
    c.arc(...px(point), 12, 0, 7);
    c.fillStyle = "#009E73";
    c.fill();
    c.lineWidth = 4;
    c.strokeStyle = "#fff";
    c.stroke();
  };

  let drawnLeft = null; // the left grid never changes; only its point does
  function paint() {
    if (drawnLeft === null) {
      paintPlane(left, 0);
      drawnLeft = left.getContext("2d").getImageData(0, 0, SIZE, SIZE);
    }
    left.getContext("2d").putImageData(drawnLeft, 0, 0);
    mark(left, current.z);
    paintPlane(right, current.depth);
    const c = right.getContext("2d");
    c.strokeStyle = "#009E73";
    c.lineWidth = 4;
    c.beginPath();
    for (let d = 0; d <= current.depth + 1e-9; d += 0.05) (d ? c.lineTo(...px(follow(current.z, d))) : c.moveTo(...px(follow(current.z, d))));
    c.stroke();
    const [u, v, logDet] = follow(current.z, current.depth);
    mark(right, [u, v]);
    slider.value = current.depth;
    const whole = Math.round(current.depth);
    caption.textContent = Math.abs(whole - current.depth) < 0.01 ? names[whole] : `on the way: ${names[Math.ceil(current.depth)]}`;
    const factor = Math.exp(logDet);
    const [a, b] = current.z;
    const logZ = -(a * a + b * b) / 2 - Math.log(2 * Math.PI);
    const f = (w) => w.toFixed(2).replace("-", "−");
    say.replaceChildren();
    node("div", say, {}, `z = (${f(a)}, ${f(b)}) is now at (${f(u)}, ${f(v)}); around it, areas are multiplied by ${factor < 0.1 ? factor.toPrecision(2) : factor.toFixed(2)}.`);
    node("div", say, {}, `log density: ${f(logZ)} at z, ${f(logZ)} − (${f(logDet)}) = ${f(logZ - logDet)} here, in nats.`);
  }
  const tell = () => {
    paint();
    element.glKey = keyOf();
    element.dispatchEvent(new CustomEvent("moved", { detail: { z: [...current.z], depth: current.depth } }));
  };
  const move = (u, v) => {
    const inside = (w) => Math.round(Math.min(reach, Math.max(-reach, w)) * 100) / 100;
    current.z = [inside(u), inside(v)];
    tell();
  };
  const grab = (event) => {
    const box = left.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width) * 2 * extent - extent, extent - ((event.clientY - box.top) / box.height) * 2 * extent);
  };
  left.addEventListener("pointerdown", (event) => { left.setPointerCapture(event.pointerId); grab(event); });
  left.addEventListener("pointermove", (event) => { if (left.hasPointerCapture(event.pointerId)) grab(event); });
  left.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (!step) return;
    move(current.z[0] + step[0], current.z[1] + step[1]);
    event.preventDefault();
    event.stopPropagation();
  });
  let playing = 0;
  slider.addEventListener("input", () => { cancelAnimationFrame(playing); current.depth = Number(slider.value); tell(); });
  play.addEventListener("click", () => {
    cancelAnimationFrame(playing);
    let start = null;
    const frame = (now) => {
      start ??= now;
      current.depth = Math.min(last, ((now - start) / 900) * 1); // 0.9 s a layer
      if (current.depth < last && element.isConnected) {
        paint();
        playing = requestAnimationFrame(frame);
      } else tell();
    };
    playing = requestAnimationFrame(frame);
  });
  paint();
}
