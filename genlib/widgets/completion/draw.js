// Eight ways to complete a picture. state: {images: [n][H][W], levels, request, drawn: [8][H][W], answered, error, value}.
// Tells a request {picture, given, temperature, seed}; the kernel answers with `drawn` and `answered`, that request,
// or with `error`, a text, and `answered`.

const COMPLETION_STYLE = `
.gl-complete { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; display: flex; flex-wrap: wrap; gap: 18px; }
.gl-complete .left { width: 226px; }
.gl-complete canvas { image-rendering: pixelated; display: block; border: 1px solid #bbb; box-sizing: border-box; }
.gl-complete .choose { display: flex; flex-wrap: wrap; gap: 6px; margin-bottom: 10px; }
.gl-complete .choose button { padding: 2px; border: 2px solid transparent; border-radius: 4px; background: none; cursor: pointer; }
.gl-complete .choose button[aria-pressed=true] { border-color: #0072B2; }
.gl-complete .choose canvas { width: 38px; height: 38px; }
.gl-complete .row { display: grid; grid-template-columns: 76px 1fr 4.4em; gap: 8px; align-items: center; height: 26px; }
.gl-complete .row input { width: 100%; cursor: ew-resize; }
.gl-complete .row span { white-space: nowrap; font-variant-numeric: tabular-nums; }
.gl-complete button.again { font: inherit; padding: 2px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; margin-top: 6px; }
.gl-complete .right { display: flex; gap: 14px; align-items: flex-start; }
.gl-complete figure { margin: 0; } .gl-complete figcaption { font-weight: 600; margin-bottom: 4px; }
.gl-complete .eight { display: grid; grid-template-columns: repeat(4, 66px); gap: 8px; }
.gl-complete .eight canvas { width: 66px; height: 66px; }
.gl-complete .error { color: #A33B00; width: 290px; margin-top: 8px; overflow-wrap: anywhere; }
.gl-complete .source canvas { width: 140px; height: 140px; }
`;

function completionBuild(element, state) {
  const make = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    parent.append(node);
    return node;
  };
  element.replaceChildren();
  make("style", element, {}, COMPLETION_STYLE);
  const root = make("div", element, { class: "gl-complete" });
  const { images, levels } = state;
  const H = images[0].length, W = images[0][0].length, D = H * W, scale = 12;
  const view = { now: null, sent: null, answered: null, waiting: false };
  // The part that was given as it is; what was drawn under a border line; hatched where nothing stands.
  const paint = (canvas, image, given, cover) => {
    canvas.width = W * scale;
    canvas.height = H * scale;
    const context = canvas.getContext("2d");
    for (let i = 0; i < D; i++) {
      const r = Math.floor(i / W), c = i % W;
      const grey = Math.round(255 * (1 - image[r][c] / (levels - 1)));
      context.fillStyle = cover && i >= given ? "#D7E6EF" : `rgb(${grey},${grey},${grey})`;
      context.fillRect(c * scale, r * scale, scale, scale);
    }
    if (given < D && given > 0) { // the border between what was given and what was not
      const r = Math.floor(given / W), c = given % W;
      context.strokeStyle = "#D55E00";
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(0, (r + (c > 0)) * scale);
      context.lineTo(c * scale, (r + (c > 0)) * scale);
      context.lineTo(c * scale, r * scale);
      context.lineTo(W * scale, r * scale);
      context.stroke();
    }
  };
  const left = make("div", root, { class: "left" });
  const right = make("div", root, { class: "right" });
  const choose = make("div", left, { class: "choose" });
  const ask = (change) => {
    view.now = { ...view.now, ...change };
    view.paint();
    if (JSON.stringify(view.now) === view.answered) return;
    if (view.waiting) return; // one question at a time; the newest follows when the answer is there
    view.waiting = true;
    view.sent = JSON.stringify(view.now);
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.now } }));
  };
  const buttons = images.map((image, k) => {
    const button = make("button", choose, { type: "button", "aria-label": `picture ${k + 1}` });
    paint(make("canvas", button), image, D, false);
    button.addEventListener("click", () => ask({ picture: k }));
    return button;
  });
  const slide = (name, label, options) => {
    const row = make("label", left, { class: "row" });
    make("span", row, {}, label);
    const input = make("input", row, { type: "range", "data-lm-suppress-shortcuts": "true", "aria-label": label, ...options });
    const shown = make("span", row);
    input.addEventListener("input", () => ask({ [name]: Number(input.value) }));
    return [input, shown];
  };
  const [given, givenShown] = slide("given", "pixels given", { min: 0, max: D, step: 1 });
  const [temperature, temperatureShown] = slide("temperature", "temperature", { min: 0, max: 2, step: 0.1 });
  const again = make("button", left, { type: "button", class: "again" }, "Other random numbers");
  again.addEventListener("click", () => ask({ seed: view.now.seed + 1 }));
  const source = make("figure", right, { class: "source" });
  make("figcaption", source, {}, "given");
  const shown = make("canvas", source, { role: "img", "aria-label": "the part of the picture that is given" });
  const results = make("figure", right);
  make("figcaption", results, {}, "eight continuations");
  const eight = make("div", results, { class: "eight" });
  const canvases = [...Array(8)].map((_, k) => make("canvas", eight, { role: "img", "aria-label": `continuation ${k + 1}` }));
  const failed = make("div", results, { class: "error", role: "alert" });
  view.paint = () => {
    const now = view.now;
    given.value = now.given;
    temperature.value = now.temperature;
    givenShown.textContent = `${now.given} of ${D}`;
    temperatureShown.textContent = now.temperature.toFixed(1);
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", k === now.picture));
    paint(shown, images[now.picture], now.given, true);
  };
  view.answer = (drawn, answered, error) => {
    view.answered = JSON.stringify(answered);
    failed.textContent = error ? `No answer to this. ${error}` : "";
    eight.style.visibility = error ? "hidden" : "visible";
    if (!error) drawn.forEach((image, k) => paint(canvases[k], image, answered.given, false));
    if (view.waiting && view.answered === view.sent) {
      view.waiting = false;
      if (JSON.stringify(view.now) !== view.sent) ask({});
    }
  };
  return view;
}

export function draw(element, state) {
  const key = JSON.stringify([state.images, state.levels]);
  if (element.glKey !== key) {
    element.glKey = key;
    element.glView = completionBuild(element, state);
  }
  const view = element.glView;
  if (!view.waiting) {
    view.now = { ...state.request, ...state.value };
    view.paint();
  }
  view.answer(state.drawn, state.answered, state.error);
}
