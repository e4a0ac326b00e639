// A picture while it is drawn, pixel by pixel, and the distribution of the next one. state: {images: [n][H][W], levels,
// probabilities: [n][H*W][V], titles: [n], step, picture, value}. Tells: {step, picture}.

const PLAYER_STYLE = `
.gl-player { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; max-width: 880px; }
.gl-player .views { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.gl-player figure { margin: 0; } .gl-player figcaption { font-weight: 600; margin-bottom: 4px; }
.gl-player canvas { display: block; }
.gl-player .tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin: 8px 0 2px; }
.gl-player .tools input { width: 420px; cursor: ew-resize; }
.gl-player button { font: inherit; padding: 2px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; min-width: 4.2em; }
.gl-player button[aria-pressed=true] { background: #0072B2; border-color: #0072B2; color: #fff; }
.gl-player .say { min-height: 1.5em; font-variant-numeric: tabular-nums; }
`;

function playerBuild(element, state) {
  const make = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    parent.append(node);
    return node;
  };
  element.replaceChildren();
  make("style", element, {}, PLAYER_STYLE);
  const root = make("div", element, { class: "gl-player" });
  const { levels: V, images, probabilities, titles } = state;
  const H = images[0].length, W = images[0][0].length, D = H * W;
  const choose = make("div", root, { class: "tools" });
  const views = make("div", root, { class: "views" });
  const panel = (title, width, height, label) => {
    const figure = make("figure", views);
    make("figcaption", figure, {}, title);
    return make("canvas", figure, { width: 2 * width, height: 2 * height, style: `width:${width}px;height:${height}px`, role: "img", "aria-label": label });
  };
  const picture = panel("drawn so far", 184, 184, "the picture so far");
  const bars = panel("the next pixel", 262, 184, "the distribution of the next pixel over the levels");
  const costs = panel("bits paid for each", 184, 184, "bits that each pixel cost");
  const tools = make("div", root, { class: "tools" });
  const play = make("button", tools, { type: "button" }, "Play");
  const slider = make("input", tools, {
    type: "range", min: 0, max: D, step: 1, "data-lm-suppress-shortcuts": "true", "aria-label": "how many pixels are drawn",
  });
  const say = make("div", root, { class: "say", "aria-live": "off" });
  const view = { now: null, timer: null };
  const bitsOf = (k, i) => -Math.log2(Math.max(1e-12, probabilities[k][i][images[k][Math.floor(i / W)][i % W]]));
  const most = Math.max(4, Math.ceil(Math.log2(V)));
  const tell = (change) => {
    view.now = { ...view.now, ...change };
    view.paint();
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.now } }));
  };
  const stop = () => { clearInterval(view.timer); view.timer = null; play.textContent = "Play"; };
  const buttons = titles.map((title, k) => {
    const button = make("button", choose, { type: "button" }, title);
    button.addEventListener("click", () => { stop(); tell({ picture: k }); });
    return button;
  });
  if (titles.length < 2) choose.style.display = "none";

  const square = (context, i, side, colour) => {
    context.fillStyle = colour;
    context.fillRect((i % W) * side, Math.floor(i / W) * side, side, side);
  };
  const frame = (context, side) => {
    context.strokeStyle = "#999";
    context.lineWidth = 2;
    context.strokeRect(1, 1, W * side - 2, H * side - 2);
  };
  view.paint = () => {
    const { step, picture: k } = view.now;
    const side = picture.width / Math.max(H, W);
    const ink = picture.getContext("2d");
    ink.clearRect(0, 0, picture.width, picture.height);
    const paid = costs.getContext("2d");
    paid.clearRect(0, 0, costs.width, costs.height);
    let total = 0;
    for (let i = 0; i < D; i++) {
      if (i < step) {
        const grey = Math.round(255 * (1 - images[k][Math.floor(i / W)][i % W] / (V - 1)));
        square(ink, i, side, `rgb(${grey},${grey},${grey})`);
        const cost = bitsOf(k, i), share = Math.min(1, cost / most);
        total += cost;
        square(paid, i, side, `rgb(${Math.round(255 - 42 * share)},${Math.round(255 - 161 * share)},${Math.round(255 - 255 * share)})`);
        if (side >= 40) {
          paid.fillStyle = share > 0.75 ? "#fff" : "#333";
          paid.font = `${Math.round(side * 0.36)}px sans-serif`;
          paid.textAlign = "center";
          paid.textBaseline = "middle";
          paid.fillText(cost.toFixed(1), (i % W + 0.5) * side, (Math.floor(i / W) + 0.5) * side);
        }
      } else for (const context of [ink, paid]) square(context, i, side, "#E4ECF1");
    }
    for (const context of [ink, paid]) {
      frame(context, side);
      if (step < D) {
        context.strokeStyle = "#E69F00";
        context.lineWidth = 6;
        context.strokeRect((step % W) * side + 3, Math.floor(step / W) * side + 3, side - 6, side - 6);
      }
    }
    const context = bars.getContext("2d");
    const left = 54, bottom = bars.height - 56, top = 12, width = (bars.width - left - 6) / V;
    context.clearRect(0, 0, bars.width, bars.height);
    context.font = "20px sans-serif";
    context.fillStyle = "#555";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const p of [0, 0.5, 1]) {
      const y = bottom - p * (bottom - top);
      context.fillText(p, left - 10, y);
      context.fillStyle = "#DDD";
      context.fillRect(left, y, bars.width - left - 6, 1);
      context.fillStyle = "#555";
    }
    context.textAlign = "center";
    const every = V <= 20 ? 2 : Math.ceil(V / 8);
    for (let v = 0; v < V; v += every) context.fillText(v, left + (v + 0.5) * width, bottom + 18);
    context.fillText("level (0 is paper)", left + (bars.width - left) / 2, bars.height - 12);
    if (step < D) {
      const drawn = images[k][Math.floor(step / W)][step % W];
      probabilities[k][step].forEach((p, v) => {
        context.fillStyle = v === drawn ? "#D55E00" : "#0072B2";
        const height = Math.max(p * (bottom - top), v === drawn ? 4 : 0);
        context.fillRect(left + v * width + 1, bottom - height, width - 2, height);
      });
      const p = probabilities[k][step][drawn];
      say.textContent = `Pixel ${step + 1} of ${D}: level ${drawn} will be drawn (orange), p = ${p < 0.005 ? Number(p.toPrecision(1)) : p.toFixed(2)}, `
        + `${bitsOf(k, step).toFixed(2)} bits. Paid so far: ${total.toFixed(1)} bits.`;
    } else say.textContent = `All ${D} pixels are drawn. Paid: ${total.toFixed(1)} bits, ${(total / D).toFixed(2)} for each pixel.`;
    slider.value = step;
    buttons.forEach((button, b) => button.setAttribute("aria-pressed", b === k));
  };
  slider.addEventListener("input", () => { stop(); tell({ step: Number(slider.value) }); });
  play.addEventListener("click", () => {
    if (view.timer) { stop(); return; }
    if (view.now.step >= D) tell({ step: 0 });
    play.textContent = "Stop";
    view.timer = setInterval(() => {
      if (!element.isConnected) { stop(); return; }
      if (view.now.step + 1 >= D) stop();
      tell({ step: Math.min(D, view.now.step + 1) });
    }, 90);
  });
  return view;
}

export function draw(element, state) {
  const { value, ...given } = state;
  const key = JSON.stringify(given);
  if (element.glKey !== key) {
    clearInterval(element.glView?.timer);
    element.glKey = key;
    element.glView = playerBuild(element, given);
  }
  const view = element.glView;
  const now = { step: given.step, picture: given.picture, ...value };
  if (view.timer && view.now) return; // while it plays, it is ahead of what comes back
  view.now = now;
  view.paint();
}
