// What all drawings share. A widget's draw.js imports from here and holds only what is its own; drawing.py puts both
// into one module for the browser. Nothing here knows Jupyter, and nothing asks the network.

// Numbers -------------------------------------------------------------------------------------------------------------

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));
export const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));

// A number with a real minus sign, and never "−0.00".
export function signed(value, digits = 2) {
  const size = Math.abs(value).toFixed(digits);
  return value < 0 && Number(size) !== 0 ? `−${size}` : size;
}

// The multiples of a step from low to high: where an axis has its marks.
export function ticks(low, high, step) {
  const found = [];
  if (step < 0 || (high - low) / step > 1000)
    throw new RangeError(`no axis has marks from ${low} to ${high} by ${step}`);
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k++) found.push(Number((k * step).toFixed(9)));
  return found;
}

// Random numbers that can be drawn again: mulberry32 for uniform(), in [0, 1), and Box and Muller's normal().
export function random(seed) {
  let s = seed >>> 0;
  const uniform = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

// Base64, as Python's `packed` writes it: bytes, and float32 values, little-endian.
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
export const floats = (text) => new Float32Array(bytes(text).buffer);
export function packed(values) {
  let text = "";
  for (const byte of new Uint8Array(Float32Array.from(values).buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}

// Elements ------------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg"; // the name of a vocabulary; nobody goes there

export function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function append(node, parent, attributes, text) {
  put(node, attributes);
  if (text !== "") node.textContent = text;
  parent.append(node);
  return node;
}

export const el = (tag, parent, attributes = {}, text = "") =>
  append(document.createElement(tag), parent, attributes, text);
export const svg = (tag, parent, attributes = {}, text = "") =>
  append(document.createElementNS(SVG, tag), parent, attributes, text);

// An SVG picture of so many units, which shows what `label` says. With hands in it (handles, cells to click) it is a
// group, since nothing within an "img" can be reached.
export const picture = (parent, [width, height], label, { hands = false, ...attributes } = {}) => {
  const named = { role: hands ? "group" : "img", "aria-label": label };
  return svg("svg", parent, { viewBox: `0 0 ${width} ${height}`, ...named, ...attributes });
};

// A canvas of width × height pixels on the page, sharp on fine screens too: it holds twice as many each way, and its
// context counts those of the page.
export function canvas(parent, width, height, attributes = {}) {
  const style = `width:${width}px;height:${height}px`;
  const node = el("canvas", parent, { width: 2 * width, height: 2 * height, style, ...attributes });
  node.getContext("2d").scale(2, 2);
  return node;
}

// A picture of grey levels on a canvas, a pixel each: image [H][W], integers from 0 (paper) to levels - 1 (ink).
export const grey = (level, levels) => `rgb(${Array(3).fill(Math.round(255 * (1 - level / (levels - 1))))})`;
export function pixels(node, image, levels) {
  put(node, { width: image[0].length, height: image.length });
  const context = node.getContext("2d");
  image.forEach((row, r) =>
    row.forEach((level, c) => {
      context.fillStyle = grey(level, levels);
      context.fillRect(c, r, 1, 1);
    }),
  );
}

// A picture of real values on a canvas, a pixel each: flat [C·H·W], 0..1, ink on paper or three colours.
export function coloured(node, values, [C, H, W]) {
  node.width = W;
  node.height = H;
  const context = node.getContext("2d");
  const image = context.createImageData(W, H);
  const level = (v) => 255 * clamp(v, 0, 1);
  for (let p = 0; p < H * W; p++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * p + c] = C === 3 ? level(values[c * H * W + p]) : 255 - level(values[p]);
    }
    image.data[4 * p + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// A disc on a canvas, with a line around it where one is asked for.
export function disc(context, [x, y], radius, fill, line = null, width = 2.5) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  if (line === null) return;
  context.strokeStyle = line;
  context.lineWidth = width;
  context.stroke();
}

// A line through points [x, y], in pixels, on a canvas.
export function polyline(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}

// An arrow on a canvas, from one pixel to another, in the context's colour; its head is at most so long.
export function arrow(context, [x0, y0], [x1, y1], longest) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const head = Math.min(longest, 0.6 * Math.hypot(x1 - x0, y1 - y0));
  const along = (length, turn) => [x1 + length * Math.cos(angle + turn), y1 + length * Math.sin(angle + turn)];
  context.fillStyle = context.strokeStyle;
  polyline(context, [[x0, y0], along(-0.7 * head, 0)]); // prettier-ignore
  context.beginPath();
  for (const point of [[x1, y1], along(head, 2.65), along(head, -2.65)]) context.lineTo(...point);
  context.fill();
}

// World and pixels ----------------------------------------------------------------------------------------------------

// A window onto the plane: x = [from, to] and y = [from, to] of the world fill a picture of width × height pixels but
// for its margins. px, py and at lead from the world to pixels; back and pointer lead home.
export class Frame {
  constructor({ x, y, width, height, left = 0, right = 0, top = 0, bottom = 0 }) {
    Object.assign(this, { x, y, width, height, left, top, right: width - right, bottom: height - bottom });
  }
  px(x) {
    return this.left + ((x - this.x[0]) / (this.x[1] - this.x[0])) * (this.right - this.left);
  }
  py(y) {
    return this.bottom - ((y - this.y[0]) / (this.y[1] - this.y[0])) * (this.bottom - this.top);
  }
  at([x, y]) {
    return [this.px(x), this.py(y)];
  }
  back([u, v]) {
    return [
      this.x[0] + ((u - this.left) / (this.right - this.left)) * (this.x[1] - this.x[0]),
      this.y[0] + ((this.bottom - v) / (this.bottom - this.top)) * (this.y[1] - this.y[0]),
    ];
  }
  // Where in the world an event is, on the node that shows the picture, however large it stands on the page.
  pointer(event, node) {
    const box = node.getBoundingClientRect();
    const share = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return this.back([share[0] * this.width, share[1] * this.height]);
  }
  // An SVG path through points of the world.
  path(points, closed = false) {
    const places = points.map((point) => {
      const [u, v] = this.at(point);
      return `${u.toFixed(1)} ${v.toFixed(1)}`;
    });
    return `M${places.join("L")}${closed ? "Z" : ""}`;
  }
  // The area between a curve and the line y = base.
  area(points, base = 0) {
    return this.path([...points, [points.at(-1)[0], base], [points[0][0], base]], true);
  }
}

const plain = (value) => signed(value, Number.isInteger(value) ? 0 : 1);

// The horizontal axis of an SVG picture at y = `at`: its line, and marks with numbers below it.
export function axisX(parent, frame, values, { at = frame.y[0], line = true, mark = 4, text = plain } = {}) {
  const v = frame.py(at);
  const stroke = "var(--gl-line)";
  if (line) svg("line", parent, { x1: frame.left, x2: frame.right, y1: v, y2: v, stroke });
  for (const x of values) {
    const u = frame.px(x);
    if (mark) svg("line", parent, { x1: u, x2: u, y1: v, y2: v + mark, stroke });
    svg("text", parent, { x: u, y: v, dy: "1.35em", class: "tick", "text-anchor": "middle" }, text(x));
  }
}

// The vertical one at x = `at`: marks with numbers at its left.
export function axisY(parent, frame, values, { at = frame.x[0], line = false, mark = 3, text = plain } = {}) {
  const u = frame.px(at);
  const stroke = "var(--gl-line)";
  if (line) svg("line", parent, { x1: u, x2: u, y1: frame.top, y2: frame.bottom, stroke });
  for (const y of values) {
    const v = frame.py(y);
    if (mark) svg("line", parent, { x1: u - mark, x2: u, y1: v, y2: v, stroke });
    svg("text", parent, { x: u - 6, y: v, dy: ".35em", class: "tick", "text-anchor": "end" }, text(y));
  }
}

// Hands ---------------------------------------------------------------------------------------------------------------

// What a mouse, a pen or a finger does to a node: down(event), which may refuse by returning false, move(event) until
// it is let go, then up(event). The node gets the focus, so that the keys can go on from there.
export function drag(node, { down, move, up }) {
  let held = false;
  node.style.touchAction = "none";
  node.addEventListener("pointerdown", (event) => {
    if (down?.(event) === false) return;
    held = true;
    node.setPointerCapture(event.pointerId);
    if (node.hasAttribute("tabindex")) node.focus({ preventScroll: true });
  });
  node.addEventListener("pointermove", (event) => {
    if (held) move(event);
  });
  const release = (event) => {
    if (!held) return;
    held = false;
    up?.(event);
  };
  for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, release);
}

// Keys of a node that has the focus: act(dx, dy, event) for the arrows, with dy = 1 upwards, and further keys by name.
// JupyterLab and slides would move on with them; they are kept from seeing them.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
export function arrows(node, act, keys = {}) {
  put(node, { tabindex: 0, "data-lm-suppress-shortcuts": "true" });
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) act(...ARROWS[event.key], event);
    else if (event.key in keys) keys[event.key](event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// Controls ------------------------------------------------------------------------------------------------------------

export function button(parent, text, act, attributes = {}) {
  const node = el("button", parent, { type: "button", ...attributes }, text);
  node.addEventListener("click", () => act());
  return node;
}

// A row of buttons, {text: what it does}; returns them in that order.
export function buttons(parent, acts) {
  const row = el("div", parent, { class: "row" });
  return Object.entries(acts).map(([text, act]) => button(row, text, act));
}

const control = (tag, parent, attributes) => el(tag, parent, { "data-lm-suppress-shortcuts": "true", ...attributes });

// A slider with its name before it and its number behind it, where `show` makes a text of it. Further options are
// attributes of the input: min, max, step, name. Returns its parts, and set(value), which moves it without telling.
export function slider(parent, { label, show, act, ...attributes }) {
  const box = el("label", parent, { class: "slider" });
  el("span", box, {}, label);
  const node = control("input", box, { type: "range", "aria-label": label, ...attributes });
  const number = show ? el("span", box, { class: "num" }) : null;
  const fill = () => {
    const [low, high] = [node.min || 0, node.max || 100].map(Number);
    node.style.setProperty("--gl-share", ((node.value - low) / (high - low || 1)).toFixed(4));
  };
  const set = (value) => {
    node.value = value;
    if (show) put(node, { "aria-valuetext": (number.textContent = show(value)) });
    fill();
  };
  node.addEventListener("input", () => {
    fill();
    act(Number(node.value));
  });
  return { box, node, number, set };
}

// A menu of options, each a text or [value, text].
export function choice(parent, { label, options, act, ...attributes }) {
  const box = el("label", parent, { class: "choice" });
  el("span", box, {}, label);
  const node = control("select", box, { "aria-label": label, ...attributes });
  for (const option of options) {
    const [value, text] = Array.isArray(option) ? option : [option, option];
    el("option", node, { value }, text);
  }
  node.addEventListener("change", () => act(node.value));
  return { box, node, set: (value) => (node.value = value) };
}

// Buttons of which one is pressed in, radio buttons in the browser's words: options [value, text]; label says what of.
let groups = 0;
export function radios(parent, { label = "", options, act }) {
  const group = el("div", parent, { class: "segments", role: "radiogroup", ...(label && { "aria-label": label }) });
  const name = `gl-${(groups += 1)}-${Math.random().toString(36).slice(2)}`; // several widgets may stand on a page
  const nodes = options.map(([value, text]) => {
    const box = el("label", group, { class: "radio" });
    const node = control("input", box, { type: "radio", name, value });
    el("span", box, {}, text);
    node.addEventListener("change", () => act(value));
    return node;
  });
  const set = (value) => nodes.forEach((node) => (node.checked = node.value === String(value)));
  return { nodes, set };
}

export function checkbox(parent, text, act, checked = false) {
  const box = el("label", parent, { class: "checkbox" });
  const node = control("input", box, { type: "checkbox" });
  node.checked = checked;
  box.append(text);
  node.addEventListener("change", () => act(node.checked));
  return node;
}

// A bar on a track; returns what sets its length, a share of 1.
export function bar(parent, colour, attributes = {}) {
  const track = el("div", parent, { class: "track", ...attributes });
  const fill = el("div", track, { class: "fill", style: `background:${colour}` });
  return (share) => {
    fill.style.width = `${100 * clamp(share, 0, 1)}%`;
  };
}

// Questions to the kernel: one at a time; the newest follows when the answer to the last one is there.
export function questions(tell) {
  let [newest, sent, answered] = ["", null, null]; // as text, which can be compared
  const send = () => {
    sent = newest;
    tell(JSON.parse(newest));
  };
  return {
    waiting: () => sent !== null,
    ask(question) {
      newest = JSON.stringify(question);
      if (sent === null && newest !== answered) send();
    },
    hear(question) {
      answered = JSON.stringify(question);
      if (sent !== answered) return;
      sent = null;
      if (newest !== answered) send();
    },
  };
}

// Light and dark ------------------------------------------------------------------------------------------------------
// Canvases take these from `theme`, style sheets and SVG as var(--gl-NAME). The colours of curves are Okabe and Ito's,
// which people with any kind of colour vision can tell apart; on dark ground the darkest of them are lighter, and on
// white orange and green a little darker, so that words in them can be read. All have six digits, so that two more make
// them transparent.

// prettier-ignore
const THEMES = {
  light: {
    ink: "#222222", soft: "#555555", line: "#999999", faint: "#dddddd", paper: "#ffffff", shade: "#f2f2f2",
    blue: "#0072b2", orange: "#b84f00", green: "#007f5c", pink: "#cc79a7", amber: "#e69f00", sky: "#56b4e9",
    grey: "#5a5a5a",
  },
  dark: {
    ink: "#e4e4e4", soft: "#b0b0b0", line: "#8a8a8a", faint: "#3c3c3c", paper: "#181818", shade: "#262626",
    blue: "#3f9bd8", orange: "#ee7c2b", green: "#1fb58a", pink: "#d98bb7", amber: "#e69f00", sky: "#56b4e9",
    grey: "#9c9c9c",
  },
};

// How bright a computed colour "rgb(…)" or "rgba(…)" is, 0..255; null where it is mostly transparent, or none.
function brightness(colour) {
  const [r, g, b, alpha = 1] = colour.startsWith("rgb") ? colour.match(/[\d.]+/g).map(Number) : [0, 0, 0, 0];
  return alpha > 0.5 ? 0.3 * r + 0.59 * g + 0.11 * b : null;
}

// Whether the page is dark where the element stands: by what is behind it or, where nothing is, by the colour of text.
// So JupyterLab's themes count, those of a web page, and the system's where the page follows it.
function isDark(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const ground = brightness(getComputedStyle(at).backgroundColor);
    if (ground !== null) return ground < 128;
  }
  return (brightness(getComputedStyle(element).color) ?? 0) > 128;
}

// Brings the theme up to date, on all that is drawn with it; returns whether it changed.
function renew(theme, element, parts) {
  if (!element.isConnected) return false; // nothing is behind it yet
  const scale = Number(getComputedStyle(element).getPropertyValue("--gl-scale")) || 1;
  const name = isDark(element) ? "dark" : "light";
  if (theme.name === name && theme.scale === scale) return false;
  Object.assign(theme, THEMES[name], { name, scale, family: getComputedStyle(parts[0]).fontFamily });
  for (const part of parts) {
    part.dataset.theme = name;
    for (const colour of Object.keys(THEMES[name])) part.style.setProperty(`--gl-${colour}`, theme[colour]);
  }
  return true;
}

// Calls `look` when the element comes into view or changes its size, and when the page or the system changes its theme:
// at once, and again when style sheets that are on their way and colours that fade have arrived.
function watch(element, look) {
  let later = [];
  const forget = () => later.forEach(clearTimeout);
  const again = () => {
    forget();
    later = [50, 400, 1500].map((wait) => setTimeout(look, wait));
    look();
  };
  const size = new ResizeObserver(look);
  size.observe(element);
  const page = new MutationObserver(again);
  for (const node of [document.documentElement, document.body]) page.observe(node, { attributes: true });
  page.observe(document.head, { childList: true });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", again);
  return () => {
    forget();
    size.disconnect();
    page.disconnect();
    system.removeEventListener("change", again);
  };
}

// Shrinks what is drawn to the room there is, so that a picture and its controls stay beside each other; below
// SMALLEST nothing could be read, and what stands side by side wraps instead. `width` is what it needs in full size.
const SMALLEST = 0.6;
export function shrunk(room, width) {
  const zoom = clamp(room / width, SMALLEST, 1);
  return { zoom, width: Math.min(width, room / zoom) };
}
function fit(element, root, width) {
  if (!width || !element.clientWidth) return;
  const { zoom, width: least } = shrunk(element.clientWidth, width);
  Object.assign(root.style, { zoom, minWidth: `${least.toFixed(2)}px` });
}

// A widget is read from the back of a room where its page sets --gl-scale: type, controls and what stands in em grow.
// A page that says itself what there is to see and to try, such as a slide, hides the head with --gl-head: none.
// Where a widget's control stands for something that has a colour, it sets --gl-accent.
const THUMB = `box-sizing: border-box; width: 1.15em; height: 1.15em; border-radius: 50%; background: var(--colour);
  border: 2px solid var(--gl-paper); box-shadow: 0 0 0 1px var(--colour);`;
const TRACK = "height: 4px; border-radius: 2px;";
const BASE = `
.gl { font: calc(13px * var(--gl-scale, 1))/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  color: var(--jp-ui-font-color1, var(--gl-ink)); padding: 4px; box-sizing: border-box; }
.gl[data-theme=dark] { color-scheme: dark; }
.gl.head { display: var(--gl-head, block); padding: 6px 4px 8px; max-width: 68em; }
.gl.head .name { font-size: 1.2em; font-weight: 600; letter-spacing: -.005em; }
.gl.head .try { margin: 2px 0 0; color: var(--jp-ui-font-color2, var(--gl-soft)); }
.gl.head .try b { color: var(--gl-blue); font-weight: 600; margin-right: .6em; }
.gl.spoken { position: absolute; width: 1px; height: 1px; padding: 0; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.gl svg { display: block; user-select: none; overflow: visible; max-width: 100%; min-width: 0; }
.gl svg text { fill: currentColor; font-size: 1em; }
.gl svg .tick, .gl .small { font-size: .88em; }
.gl canvas { display: block; border-radius: 3px; }
.gl :is(canvas, button, input, select, [role=slider]):focus-visible { outline: 3px solid var(--gl-sky); }
.gl :is(button, select) { font: inherit; color: inherit; padding: .22em .8em; cursor: pointer;
  background: var(--gl-paper); border: 1px solid var(--gl-line); border-radius: .4em;
  transition: background .12s, border-color .12s; }
.gl :is(button, select):hover { background: var(--gl-shade); border-color: var(--gl-soft); }
.gl :is(button, select):disabled { opacity: .45; cursor: default; }
.gl select { padding: .17em .3em; }
.gl :is(button.main, button[aria-pressed=true]) { background: #0072b2; border-color: #0072b2; color: #fff; }
.gl :is(button.main, button[aria-pressed=true]):hover { background: #005f95; }
.gl input { font: inherit; accent-color: var(--gl-blue); }
.gl input[type=range] { --colour: var(--gl-accent, var(--gl-blue)); appearance: none; height: 1.5em; margin: 0;
  min-width: 0; background: none; cursor: ew-resize; border-radius: 4px; }
.gl input[type=range]::-webkit-slider-runnable-track { ${TRACK} background: linear-gradient(to right, var(--colour)
  calc(.575em + var(--gl-share, 0) * (100% - 1.15em)), rgba(128, 128, 128, .35) 0); }
.gl input[type=range]::-moz-range-track { ${TRACK} background: rgba(128, 128, 128, .35); }
.gl input[type=range]::-moz-range-progress { ${TRACK} background: var(--colour); }
.gl input[type=range]::-webkit-slider-thumb { appearance: none; margin-top: calc(2px - .575em); ${THUMB} }
.gl input[type=range]::-moz-range-thumb { ${THUMB} }
.gl :is(.slider, .choice, .radio, .checkbox) { display: inline-flex; align-items: center; gap: .5em; cursor: pointer; }
.gl .segments { display: inline-flex; flex-wrap: wrap; padding: 2px; gap: 2px; border-radius: .5em;
  background: rgba(128, 128, 128, .16); }
.gl .radio { position: relative; }
.gl .radio input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: inherit; }
.gl .radio span { padding: .14em .7em; border-radius: .4em; }
.gl .radio input:checked + span { background: var(--gl-paper); box-shadow: 0 1px 2px rgba(0, 0, 0, .3);
  font-weight: 600; }
.gl[data-theme=dark] .radio input:checked + span { background: var(--gl-faint); }
.gl .radio input:focus-visible + span { outline: 3px solid var(--gl-sky); }
.gl .row { display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; }
.gl :is(.num, .say) { font-variant-numeric: tabular-nums; }
.gl figure { margin: 0; } .gl :is(b, figcaption) { font-weight: 600; } .gl .title { font-weight: 600; }
.gl .track { background: rgba(128, 128, 128, .18); border-radius: 3px; height: 1em; overflow: hidden; }
.gl .fill { height: 100%; transition: width .12s ease-out; }
.gl .hint { margin-top: 6px; color: var(--jp-ui-font-color2, var(--gl-soft)); }
@media (prefers-reduced-motion: reduce) { .gl * { transition: none !important; } }
`;

// Life ----------------------------------------------------------------------------------------------------------------

// Draws a widget into an element: the first time it is set up, and after that shown anew when `state.version` is
// another number. setup(root, state, {tell, theme}) builds the page below root and returns {show, paint}: show(state)
// takes over what state and state.value say, paint() draws again as it stands, in other colours. What a person moves
// the setup draws by itself and tells with tell(value); nobody draws that again here.
// name: the class of the root; title: what stands above it; hint: what to try, a text or a function of the state
// (state.hint goes before it); label: what it is, for those who can't see it, the title by default; width: the pixels
// it needs in full size (narrower, it shrinks); css: rules within the root.
// A state that can't be drawn, as a damaged file may hold one, is told in words, and harms nothing beside it.
export function mount(element, state, how) {
  if (element.gl && element.gl.version === state.version) return;
  try {
    bounded(state);
    if (!element.gl) setUp(element, state, how);
    element.gl.version = state.version;
    element.gl.view.show(state);
  } catch (error) {
    sayDamaged(element, error, how.title);
  }
}

// Refuses numbers that no drawing could count to, and lists within lists within lists.
function bounded(value, depth = 0) {
  if (depth > 20 || Math.abs(typeof value === "number" ? value : 0) > 1e15) throw new RangeError("beyond all bounds");
  if (value !== null && typeof value === "object") for (const part of Object.values(value)) bounded(part, depth + 1);
}

function setUp(element, state, { name, title, hint = "", label = title, width = 0, css, setup }) {
  element.replaceChildren();
  // Two classes for what is the widget's own: the base that a later widget brings along does not overrule it.
  el("style", element, {}, `${BASE}.gl.${name} {${css}}`);
  const head = heading(element, title, state.hint || (typeof hint === "function" ? hint(state) : hint));
  const spoken = el("div", element, { class: "gl spoken", role: "status" });
  const root = el("div", element, { class: `${name} gl`, role: "group", "aria-label": label });
  const theme = { ...THEMES.light, name: "", scale: 1, family: "sans-serif" };
  theme.font = (size, weight = 400) => `${weight} ${size * theme.scale}px ${theme.family}`;
  const fresh = () => renew(theme, element, [root, head]);
  fresh();
  if (width) root.style.minWidth = `${width}px`;
  const tell = (value) => element.dispatchEvent(new CustomEvent("moved", { detail: structuredClone(value) }));
  const view = setup(root, state, { tell, theme });
  const ends = [watch(element, () => (fit(element, root, width), fresh() && view.paint?.())), readAloud(root, spoken)];
  element.gl = { view };
  element.addEventListener("left", () => leave(element, ends), { once: true });
}

// Where a widget was: that it can't be drawn, and what to do. Whoever looks for faults finds the error in the console.
function sayDamaged(element, error, title) {
  element.dispatchEvent(new CustomEvent("left"));
  delete element.gl;
  element.replaceChildren();
  const line = "this can't be drawn: what was saved of it is damaged. Run its cell again.";
  el("p", element, { class: "gl refused", role: "status" }, `${title}: ${line}`);
  reportError(error);
}

// What stands above a widget: its name, and what to try.
function heading(element, title, hint) {
  const head = el("header", element, { class: "gl head" });
  if (title) el("div", head, { class: "name" }, title);
  if (!hint) return head;
  const line = el("p", head, { class: "try" });
  el("b", line, {}, "Try this");
  line.append(hint);
  return head;
}

// What a widget says in words (.say) is read aloud when it has come to rest, not at every step on the way there.
const REST = 900; // milliseconds
function readAloud(root, spoken) {
  let timer = 0;
  const words = [...root.querySelectorAll(".say")];
  const speak = () => (spoken.textContent = words.map((node) => node.innerText.trim()).join(" "));
  const changes = new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(speak, REST);
  });
  for (const node of words) changes.observe(node, { childList: true, characterData: true, subtree: true });
  return () => {
    clearTimeout(timer);
    changes.disconnect();
  };
}

// When the element is taken off the page, nothing watches the page any longer, and what moves by itself stops.
function leave(element, ends) {
  ends.forEach((end) => end());
  element.gl?.view.stop?.();
  delete element.gl;
}

// Motion --------------------------------------------------------------------------------------------------------------

// Whether a person asked their system for no motion.
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// From 0 to 1 as a hand would: off gently, and gently to rest.
export const eased = (t) => (t < 0.5 ? 4 * t ** 3 : 1 - 4 * (1 - t) ** 3);

// Numbers that glide from one list to another: show(values) at every frame, and end() when they are there. At once
// where no motion is wanted. Another glide, or stop(), ends the one before where it is, without its end().
export function gliding(show, time = 380) {
  let frame = 0; // 0 while nothing moves
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
  };
  const glide = (from, to, end) => {
    stop();
    let since = null;
    const next = (now) => {
      since ??= now;
      const share = calm() ? 1 : Math.min(1, (now - since) / time);
      frame = share < 1 ? requestAnimationFrame(next) : 0;
      show(to.map((value, i) => (share < 1 ? from[i] + eased(share) * (value - from[i]) : value)));
      if (share === 1) end?.();
    };
    if (calm()) next(0);
    else frame = requestAnimationFrame(next);
  };
  return { glide, stop, moving: () => frame !== 0 };
}

// Gaussians and integrals ---------------------------------------------------------------------------------------------

export const logNormal = (x, mean, sd) => -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd * Math.sqrt(2 * Math.PI));

// ∫ f(x) dx over n intervals: where f is smooth and 0 at both ends, this is exact to many digits.
export function integral(f, from, to, n = 800) {
  const dx = (to - from) / n;
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += f(from + i * dx);
  return sum * dx;
}

// The mean of g over N(0, 1).
export const underNormal = (g) => integral((e) => Math.exp(logNormal(e, 0, 1)) * g(e), -9, 9);

// More to draw with ---------------------------------------------------------------------------------------------------

// A colour between two of six digits: share 0 is the first, 1 the second.
export function mix(from, to, share) {
  const part = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const parts = [0, 1, 2].map((i) => Math.round(part(from, i) + share * (part(to, i) - part(from, i))));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

// A part of an SVG picture that shows nothing beyond a frame's margins.
let clips = 0;
export function clip(parent, { left, top, right, bottom }) {
  const id = `gl-clip-${(clips += 1)}-${Math.random().toString(36).slice(2)}`; // several widgets may stand on a page
  const shape = svg("clipPath", parent, { id });
  svg("rect", shape, { x: left, y: top, width: right - left, height: bottom - top });
  return svg("g", parent, { "clip-path": `url(#${id})` });
}

// The squares of a grid on a canvas, numbered row by row.
export class Cells {
  constructor(context, columns, side, margin = 0) {
    Object.assign(this, { context, columns, side, margin });
  }
  corner(i) {
    return [this.margin + (i % this.columns) * this.side, this.margin + Math.floor(i / this.columns) * this.side];
  }
  fill(i, colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(...this.corner(i), this.side, this.side);
  }
  // A line along the border, inside of it.
  outline(i, colour, width, inset = 0) {
    const [x, y] = this.corner(i).map((v) => v + inset + width / 2);
    const side = this.side - width - 2 * inset;
    this.context.strokeStyle = colour;
    this.context.lineWidth = width;
    this.context.strokeRect(x, y, side, side);
  }
  label(i, text, colour, font) {
    const [x, y] = this.corner(i).map((v) => v + this.side / 2);
    Object.assign(this.context, { fillStyle: colour, font, textAlign: "center", textBaseline: "middle" });
    this.context.fillText(text, x, y);
  }
}

// More controls -------------------------------------------------------------------------------------------------------

// A button that lets something move by itself: begin(), then step(milliseconds since) at every frame until it returns
// false or the button is pressed again, then end(). text: what stands on it while nothing moves.
export function playButton(parent, { begin, step, end, text = "Play" }) {
  let frame = 0; // 0 while nothing moves
  const node = button(parent, text, () => (frame ? stop() : play()));
  function stop() {
    if (frame === 0) return;
    cancelAnimationFrame(frame);
    frame = 0;
    node.textContent = text;
    end?.();
  }
  function play() {
    let since = null;
    const next = (now) => {
      since ??= now;
      frame = requestAnimationFrame(next);
      if (!node.isConnected || step(now - since) === false) stop();
    };
    begin?.();
    node.textContent = "Stop";
    frame = requestAnimationFrame(next);
  }
  return { stop, playing: () => frame !== 0 };
}

// What a person moves, bit by bit: change(values) takes some of them into `now`, shows it with update(), and tells it.
export function changing(update, tell) {
  const now = {};
  const change = (values) => {
    Object.assign(now, values);
    update();
    tell(now);
  };
  return { now, change };
}

// A request that a person changes bit by bit, and what the kernel answers: ask(change), and show and paint for mount.
// request(now) shows what is asked, answer(state) what came back; an error in its place is told at the end of parent.
export function asking(parent, { tell, request, answer }) {
  const kernel = questions(tell);
  const style = "color:var(--gl-orange);overflow-wrap:anywhere";
  const failed = el("div", parent, { class: "error", role: "alert", style });
  let [now, last] = [null, null];
  const ask = (change) => {
    now = { ...now, ...change };
    request(now);
    kernel.ask(now);
  };
  const paint = () => {
    request(now);
    failed.textContent = last.error ? `No answer to this. ${last.error}` : "";
    answer(last);
  };
  const show = (state) => {
    if (!kernel.waiting()) now = { ...state.request, ...state.value };
    last = state;
    paint();
    kernel.hear(state.answered);
  };
  return { ask, show, paint, now: () => now };
}

// Landscapes ----------------------------------------------------------------------------------------------------------

// Heights over a rectangle: measured at columns × rows places, row by row from below, and found by interpolation
// between them. x and y are [from, to]; the first and last places lie on the edges.
export function heights({ x, y }, columns, rows, height) {
  const along = ([from, to], i, n) => from + (i / (n - 1)) * (to - from);
  const places = Array.from({ length: columns * rows }, (_, k) => [k % columns, Math.floor(k / columns)]);
  const values = Float64Array.from(places, ([c, r]) => height(along(x, c, columns), along(y, r, rows)));
  const at = (u, v) => {
    const [a, b] = [clamp(u, 0, 1) * (columns - 1), clamp(v, 0, 1) * (rows - 1)];
    const [c, r] = [Math.min(Math.floor(a), columns - 2), Math.min(Math.floor(b), rows - 2)];
    const k = r * columns + c;
    const row = (i) => values[i] + (a - c) * (values[i + 1] - values[i]);
    return row(k) + (b - r) * (row(k + columns) - row(k));
  };
  return { values, at, least: values.reduce((low, value) => Math.min(low, value)) };
}

// A map of heights to pick a place from: bands of a colour, the darker the closer to the lowest place, each twice as
// high as the one below. act(x, y) hears where a hand or the arrow keys go. measure(height) takes new heights,
// ground(colour) draws them, show({here, path, marks}) puts a ring where it is, a line where it was, and stars.
const BANDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8];
export class Terrain {
  constructor(parent, { x, y, width, height, names, label, act, theme }) {
    this.frame = new Frame({ x, y, width, height, left: 30, right: 8, top: 9, bottom: 21 });
    this.node = canvas(parent, width, height, { class: "terrain", role: "application", "aria-label": label });
    this.below = canvas(document.createDocumentFragment(), width, height);
    Object.assign(this, { names, theme, here: [x[0], y[0]], land: null });
    const follow = (event) => act(...this.frame.pointer(event, this.node));
    drag(this.node, { down: follow, move: follow });
    arrows(this.node, (dx, dy, event) => {
      const by = event.shiftKey ? 0.25 : 0.05;
      act(this.here[0] + by * dx, this.here[1] + by * dy);
    });
  }
  measure(height) {
    this.land = heights(this.frame, 57, 31, height);
  }
  ground(colour) {
    const { frame, land, theme } = this;
    const context = this.below.getContext("2d");
    const [left, top, wide, high] = [frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top].map(
      (v) => 2 * v, // pixels of a fine screen
    );
    const shades = BANDS.concat(Infinity).map((_, k) => mix(theme.paper, colour, 0.9 * (1 - k / BANDS.length) ** 1.5));
    const tones = shades.map((shade) => [1, 3, 5].map((i) => parseInt(shade.slice(i, i + 2), 16)));
    const image = context.createImageData(wide, high);
    for (let v = 0; v < high; v++) {
      for (let u = 0; u < wide; u++) {
        const above = land.at(u / wide, 1 - v / high) - land.least;
        const band = BANDS.findIndex((limit) => above < limit);
        image.data.set([...tones.at(band), 255], 4 * (v * wide + u));
      }
    }
    context.clearRect(0, 0, frame.width, frame.height);
    context.putImageData(image, left, top);
    this.axes(context);
  }
  axes(context) {
    const { frame, theme, names } = this;
    Object.assign(context, { fillStyle: theme.soft, strokeStyle: theme.line, lineWidth: 1, font: theme.font(10.5) });
    context.strokeRect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    const step = (from, to) => (to - from > 5 ? 2 : to - from > 2.5 ? 1 : 0.5);
    const text = (value) => signed(value, Number.isInteger(value) ? 0 : 1);
    Object.assign(context, { textAlign: "center", textBaseline: "alphabetic" });
    for (const x of ticks(...frame.x, step(...frame.x))) context.fillText(text(x), frame.px(x), frame.height - 6);
    Object.assign(context, { textAlign: "right", textBaseline: "middle" });
    for (const y of ticks(...frame.y, step(...frame.y))) context.fillText(text(y), frame.left - 5, frame.py(y));
    context.font = theme.font(12, 600);
    Object.assign(context, { textAlign: "right", fillStyle: theme.ink });
    context.fillText(names[0], frame.right - 4, frame.bottom - 9);
    context.textAlign = "left";
    context.fillText(names[1], frame.left + 5, frame.top + 9);
  }
  show({ here, path = [], marks = [] }) {
    const { frame, theme } = this;
    const context = this.node.getContext("2d");
    this.here = here;
    context.clearRect(0, 0, frame.width, frame.height);
    context.drawImage(this.below, 0, 0, frame.width, frame.height);
    Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.8, lineJoin: "round" });
    const places = path.map((place) => frame.at(place));
    polyline(context, places);
    if (places.length) disc(context, places[0], 3, theme.ink);
    for (const place of marks) star(context, frame.at(place), 10, theme.amber, theme.ink);
    disc(context, frame.at(here), 6, theme.paper, theme.ink, 2.5);
  }
}

// A star with five points on a canvas.
export function star(context, [x, y], radius, fill, line) {
  context.beginPath();
  for (let k = 0; k < 10; k++) {
    const [r, angle] = [k % 2 ? 0.45 * radius : radius, (k * Math.PI) / 5];
    context.lineTo(x + r * Math.sin(angle), y - r * Math.cos(angle));
  }
  context.closePath();
  Object.assign(context, { fillStyle: fill, strokeStyle: line, lineWidth: 1.2 });
  context.fill();
  context.stroke();
}
