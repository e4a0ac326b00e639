// Which pixels a prediction depends on, computed from the masks alone. state: {height, width, position: [r, c],
// layers, most, kernel, network: "pixelcnn" | "gated", masks: "ABB" | "AAA" | "BBB", value}. Tells: {position, layers,
// kernel, network, masks}.

const RF_STYLE = `
.gl-field { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  display: flex; flex-wrap: wrap; gap: 20px; padding: 4px; }
.gl-field canvas.grid { width: 306px; height: 306px; cursor: pointer; touch-action: none; display: block; }
.gl-field canvas.grid:focus-visible { outline: 3px solid #56B4E9; outline-offset: 2px; }
.gl-field .side { width: 368px; }
.gl-field fieldset { border: none; margin: 0 0 7px; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; }
.gl-field legend { float: left; width: 52px; margin-right: 8px; font-weight: 600; padding: 0; }
.gl-field label { display: flex; align-items: center; gap: 5px; cursor: pointer; }
.gl-field input[type=range] { width: 190px; cursor: ew-resize; }
.gl-field .off { opacity: .45; }
.gl-field .masks { display: flex; flex-wrap: wrap; gap: 16px; margin: 10px 0; min-height: 96px; }
.gl-field .masks figure { margin: 0; font-size: 11px; text-align: center; }
.gl-field .masks canvas { display: block; margin: 0 auto 3px; }
.gl-field .key { display: grid; grid-template-columns: 18px 1fr; gap: 3px 8px; align-items: center; }
.gl-field .key i { width: 16px; height: 16px; border: 1px solid #999; box-sizing: border-box; display: block; }
.gl-field .say { margin-top: 8px; min-height: 3em; }
.gl-field .say b { font-variant-numeric: tabular-nums; }
`;
const SEEN = "#0072B2", LATER = "#BBD9EA", BLIND = "#D55E00", FUTURE = "#EFEFEF", LEAK = "#CC79A7";

// Offsets [rows, columns] that a kernel may look at: the rows above, and its own row up to the middle.
function maskOffsets(size, kind) {
  const half = (size - 1) / 2;
  const offsets = [];
  for (let r = -half; r <= half; r++) {
    for (let c = -half; c <= half; c++) {
      if (r < 0 || (r === 0 && (c < 0 || (c === 0 && kind === "B")))) offsets.push([r, c]);
    }
  }
  return offsets;
}
const inRow = (size, kind) => maskOffsets(size, kind).filter(([r]) => r === 0);
function rowsAbove(size) { // the vertical stack: whole rows, its own one included
  const half = (size - 1) / 2;
  const offsets = [];
  for (let r = -half; r <= 0; r++) for (let c = -half; c <= half; c++) offsets.push([r, c]);
  return offsets;
}

// Walks back through the layers: where does what stands at a pixel come from? Returns booleans, [H * W].
function dependsOn({ height, width, network, masks, kernel, position }, layers) {
  const step = (from, offsets, into) => {
    for (let i = 0; i < from.length; i++) {
      if (!from[i]) continue;
      const r = Math.floor(i / width), c = i % width;
      for (const [dr, dc] of offsets) {
        const a = r + dr, b = c + dc;
        if (a >= 0 && a < height && b >= 0 && b < width) into[a * width + b] = 1;
      }
    }
    return into;
  };
  const none = () => new Uint8Array(height * width);
  let horizontal = none(), vertical = none();
  horizontal[position[0] * width + position[1]] = 1;
  for (let layer = layers; layer >= 1; layer--) {
    const kind = masks[Math.min(layer - 1, 2)];
    if (network === "gated") {
      vertical = step(horizontal, [[-1, 0]], vertical); // what the horizontal stack is told from above
      horizontal = step(horizontal, inRow(kernel, layer === 1 ? "A" : "B"), none());
      vertical = step(vertical, rowsAbove(kernel), none());
    } else horizontal = step(horizontal, maskOffsets(kernel, kind), none());
  }
  return horizontal.map((seen, i) => (seen || vertical[i] ? 1 : 0));
}

function rfBuild(element, state) {
  const make = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    parent.append(node);
    return node;
  };
  element.replaceChildren();
  make("style", element, {}, RF_STYLE);
  const root = make("div", element, { class: "gl-field" });
  const { height: H, width: W } = state;
  const cell = 76, margin = 4;
  const grid = make("canvas", root, {
    class: "grid", width: W * cell + 2 * margin, height: H * cell + 2 * margin, tabindex: 0, role: "application",
    "data-lm-suppress-shortcuts": "true",
    "aria-label": `${H} by ${W} pixels; click one, or move with the arrow keys, to see what its prediction depends on`,
  });
  const side = make("div", root, { class: "side" });
  const name = `gl-${Math.random().toString(36).slice(2)}`;
  const view = { now: null, inputs: {} };
  const tell = (change) => {
    view.now = { ...view.now, ...change };
    view.paint();
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.now } }));
  };
  const radios = (title, key, options) => {
    const field = make("fieldset", side);
    make("legend", field, {}, title);
    for (const [value, text] of options) {
      const label = make("label", field);
      const input = make("input", label, {
        type: "radio", name: `${name}-${key}`, value, "data-lm-suppress-shortcuts": "true",
      });
      label.append(text);
      input.addEventListener("change", () => tell({ [key]: key === "kernel" ? Number(value) : value }));
      (view.inputs[key] ??= []).push(input);
    }
    return field;
  };
  radios("network", "network", [["pixelcnn", "PixelCNN"], ["gated", "gated, two stacks"]]);
  view.masksField = radios("masks", "masks", [["ABB", "A, then B"], ["AAA", "A always"], ["BBB", "B always"]]);
  radios("kernel", "kernel", [[3, "3×3"], [5, "5×5"]]);
  const field = make("fieldset", side);
  make("legend", field, {}, "layers");
  const label = make("label", field);
  const slider = make("input", label, {
    type: "range", min: 1, max: state.most, step: 1, "data-lm-suppress-shortcuts": "true", "aria-label": "number of layers",
  });
  const shown = make("b", label);
  slider.addEventListener("input", () => tell({ layers: Number(slider.value) }));
  const drawings = make("div", side, { class: "masks" });
  const key = make("div", side, { class: "key" });
  const say = make("div", root, { class: "say", "aria-live": "polite" });
  side.append(say);

  const smallMask = (size, offsets, text) => {
    const box = make("figure", drawings);
    const canvas = make("canvas", box, { width: 60, height: 60, role: "img", "aria-label": `${text}: the kernel's mask` });
    make("span", box, {}, text);
    const context = canvas.getContext("2d");
    const half = (size - 1) / 2, side_ = 60 / size;
    for (let r = -half; r <= half; r++) {
      for (let c = -half; c <= half; c++) {
        const open = offsets.some(([a, b]) => a === r && b === c);
        context.fillStyle = open ? SEEN : "#FFFFFF";
        context.fillRect((c + half) * side_, (r + half) * side_, side_, side_);
        context.strokeStyle = "#888";
        context.strokeRect((c + half) * side_ + 0.5, (r + half) * side_ + 0.5, side_ - 1, side_ - 1);
      }
    }
    context.strokeStyle = "#E69F00";
    context.lineWidth = 3;
    context.strokeRect(half * side_ + 1.5, half * side_ + 1.5, side_ - 3, side_ - 3);
  };

  view.paint = () => {
    const now = { ...state, ...view.now };
    const context = grid.getContext("2d");
    const [pr, pc] = now.position;
    const seen = dependsOn(now, now.layers);
    const ever = dependsOn(now, 2 * (H + W));
    const index = pr * W + pc;
    const count = { seen: 0, later: 0, blind: 0, leak: 0 };
    context.clearRect(0, 0, grid.width, grid.height);
    for (let i = 0; i < H * W; i++) {
      const x = (i % W) * cell + margin, y = Math.floor(i / W) * cell + margin;
      const kind = i < index ? (seen[i] ? "seen" : ever[i] ? "later" : "blind") : seen[i] ? "leak" : "future";
      if (kind in count) count[kind] += 1;
      context.fillStyle = { seen: SEEN, later: LATER, blind: "#FFFFFF", leak: LEAK, future: FUTURE }[kind];
      context.fillRect(x, y, cell, cell);
      if (kind === "blind") {
        context.save();
        context.beginPath();
        context.rect(x, y, cell, cell);
        context.clip();
        context.strokeStyle = BLIND;
        context.lineWidth = 7;
        for (let s = -cell; s < cell; s += 19) {
          context.beginPath();
          context.moveTo(x + s, y + cell);
          context.lineTo(x + s + cell, y);
          context.stroke();
        }
        context.restore();
      }
      if (kind === "leak") {
        context.fillStyle = "#222";
        context.font = `600 ${cell * 0.5}px sans-serif`;
        context.textAlign = "center";
        context.textBaseline = "middle";
        context.fillText("!", x + cell / 2, y + cell / 2);
      }
      context.strokeStyle = "#999";
      context.lineWidth = 1.5;
      context.strokeRect(x, y, cell, cell);
    }
    context.strokeStyle = "#E69F00";
    context.lineWidth = 9;
    context.strokeRect(pc * cell + margin + 4, pr * cell + margin + 4, cell - 8, cell - 8);
    for (const setting of ["network", "masks", "kernel"]) {
      for (const input of view.inputs[setting]) {
        input.checked = input.value === String(now[setting]);
        if (setting === "masks") input.disabled = now.network === "gated";
      }
    }
    view.masksField.className = now.network === "gated" ? "off" : "";
    slider.value = now.layers;
    shown.textContent = now.layers;
    drawings.replaceChildren();
    const rest = now.layers > 2 ? `layers 2 to ${now.layers}` : "layer 2";
    if (now.network === "gated") {
      smallMask(now.kernel, rowsAbove(now.kernel), "vertical, moved down");
      smallMask(now.kernel, inRow(now.kernel, "A"), "horizontal, layer 1");
      if (now.layers > 1) smallMask(now.kernel, inRow(now.kernel, "B"), `horizontal, ${rest}`);
    } else {
      smallMask(now.kernel, maskOffsets(now.kernel, now.masks[0]), `layer 1: ${now.masks[0]}`);
      if (now.layers > 1) smallMask(now.kernel, maskOffsets(now.kernel, now.masks[1]), `${rest}: ${now.masks[1]}`);
    }
    key.replaceChildren();
    const row = (style, text) => { make("i", key, { style }); make("span", key, {}, text); };
    const hatch = `repeating-linear-gradient(135deg, ${BLIND} 0 2px, #fff 2px 5px)`;
    row(`border: 3px solid #E69F00`, "the pixel that is predicted");
    row(`background: ${SEEN}`, `seen: ${count.seen} of ${index} earlier pixels`);
    row(`background: ${LATER}`, `seen with more layers: ${count.later}`);
    row(`background: ${hatch}`, `never seen, however many layers: ${count.blind}`);
    row(`background: ${LEAK}`, `seen and must not be: ${count.leak}`);
    say.innerHTML = `Row <b>${pr + 1}</b>, column <b>${pc + 1}</b>: `
      + (count.leak ? "it looks at what it has to predict. No probabilities come out of this."
        : count.blind ? `blind to <b>${count.blind}</b> of the pixels that come before it.`
        : count.later ? "with more layers it sees all that comes before it."
        : "it sees all that comes before it, and nothing else.");
  };
  const at = (event) => {
    const box = grid.getBoundingClientRect();
    const r = Math.floor(((event.clientY - box.top) / box.height) * H);
    const c = Math.floor(((event.clientX - box.left) / box.width) * W);
    return [Math.min(H - 1, Math.max(0, r)), Math.min(W - 1, Math.max(0, c))];
  };
  const pick = (r, c) => {
    const [a, b] = view.now.position;
    if (a !== r || b !== c) tell({ position: [r, c] });
  };
  let down = false;
  grid.addEventListener("pointerdown", (event) => { grid.setPointerCapture(event.pointerId); down = true; pick(...at(event)); });
  grid.addEventListener("pointermove", (event) => { if (down) pick(...at(event)); });
  grid.addEventListener("pointerup", () => { down = false; });
  grid.addEventListener("pointercancel", () => { down = false; });
  grid.addEventListener("keydown", (event) => {
    const [r, c] = view.now.position;
    const moves = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1] };
    if (!(event.key in moves)) return;
    const [a, b] = moves[event.key];
    pick(Math.min(H - 1, Math.max(0, a)), Math.min(W - 1, Math.max(0, b)));
    event.preventDefault();
    event.stopPropagation();
  });
  return view;
}

export function draw(element, state) {
  const { value, ...given } = state;
  const key = JSON.stringify(given);
  if (element.glKey !== key) {
    element.glKey = key;
    element.glView = rfBuild(element, given);
  }
  const { position, layers, kernel, network, masks } = { ...given, ...value };
  element.glView.now = { position, layers, kernel, network, masks };
  element.glView.paint();
}
