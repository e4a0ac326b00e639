// A text goes on. state: {request, lines: [[text, note]], next: [[character, p]], answered, error, characters, value}.
// Tells a request {prompt, temperature, seed}; the kernel answers with `lines`, `next` and `answered`, that request, or
// with `error`, a text, and `answered`.

const TEXT_STYLE = `
.gl-text { font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222);
  padding: 4px; max-width: 900px; }
.gl-text .tools { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-bottom: 8px; }
.gl-text .tools label { display: flex; gap: 8px; align-items: center; }
.gl-text input[type=text] { font: 14px/1.4 var(--jp-code-font-family, monospace); width: 280px; padding: 3px 6px;
  border: 1px solid #999; border-radius: 4px; background: none; color: inherit; }
.gl-text input[type=range] { width: 130px; cursor: ew-resize; }
.gl-text .tools b { font-variant-numeric: tabular-nums; width: 2.2em; }
.gl-text button { font: inherit; padding: 2px 10px; cursor: pointer; border: 1px solid #999; border-radius: 4px;
  background: none; color: inherit; }
.gl-text .body { display: flex; flex-wrap: wrap; gap: 20px; }
.gl-text .lines { font: 14px/1.6 var(--jp-code-font-family, monospace); width: 456px; white-space: pre-wrap; overflow-wrap: anywhere; }
.gl-text .line { display: grid; grid-template-columns: 1fr 7.5em; gap: 10px; border-bottom: 1px solid rgba(128,128,128,.25); }
.gl-text .line em { font: 12px/1.9 var(--jp-ui-font-family, system-ui, sans-serif); color: #555; text-align: right; }
.gl-text .given { color: #0060a0; font-weight: 600; }
.gl-text .next { width: 180px; } .gl-text .next b { display: block; margin-bottom: 4px; }
.gl-text .bar { display: grid; grid-template-columns: 2.6em 1fr 2.8em; gap: 6px; height: 20px; align-items: center;
  font-variant-numeric: tabular-nums; }
.gl-text .bar code { font: 13px var(--jp-code-font-family, monospace); text-align: right; }
.gl-text .error { color: #A33B00; overflow-wrap: anywhere; }
.gl-text .track { background: rgba(128,128,128,.16); border-radius: 3px; height: 12px; }
.gl-text .fill { background: #0072B2; border-radius: 3px; height: 12px; }
`;

function textBuild(element, state) {
  const make = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    parent.append(node);
    return node;
  };
  element.replaceChildren();
  make("style", element, {}, TEXT_STYLE);
  const root = make("div", element, { class: "gl-text" });
  const tools = make("div", root, { class: "tools" });
  const view = { now: null, sent: null, answered: null, waiting: false };
  const ask = (change) => {
    view.now = { ...view.now, ...change };
    view.paint();
    if (JSON.stringify(view.now) === view.answered) return;
    if (view.waiting) return; // one question at a time; the newest follows when the answer is there
    view.waiting = true;
    view.sent = JSON.stringify(view.now);
    element.dispatchEvent(new CustomEvent("moved", { detail: { ...view.now } }));
  };
  const first = make("label", tools, {}, "begins with");
  const prompt = make("input", first, { type: "text", "data-lm-suppress-shortcuts": "true", spellcheck: "false", maxlength: state.longest });
  const second = make("label", tools, {}, "temperature");
  const slider = make("input", second, {
    type: "range", min: 0, max: 2, step: 0.1, "data-lm-suppress-shortcuts": "true", "aria-label": "temperature",
  });
  const shown = make("b", second);
  const again = make("button", tools, { type: "button" }, "Other random numbers");
  const body = make("div", root, { class: "body" });
  const lines = make("div", body, { class: "lines", "aria-live": "polite" });
  const next = make("div", body, { class: "next" });
  prompt.addEventListener("input", () => {
    const fine = [...prompt.value].filter((c) => state.characters.includes(c)).join("");
    if (fine !== prompt.value) prompt.value = fine; // characters that the model doesn't know
    ask({ prompt: fine });
  });
  slider.addEventListener("input", () => ask({ temperature: Number(slider.value) }));
  again.addEventListener("click", () => ask({ seed: view.now.seed + 1 }));
  view.paint = () => {
    if (prompt.value !== view.now.prompt) prompt.value = view.now.prompt;
    slider.value = view.now.temperature;
    shown.textContent = view.now.temperature.toFixed(1);
  };
  view.answer = ({ lines: texts, next: bars, answered, error }) => {
    view.answered = JSON.stringify(answered);
    lines.replaceChildren();
    if (error) {
      make("div", lines, { class: "error", role: "alert" }, `No answer to this. ${error}`);
      texts = [];
      bars = [];
    }
    for (const [text, note] of texts) {
      const line = make("div", lines, { class: "line" });
      const span = make("span", line);
      make("span", span, { class: "given" }, answered.prompt);
      span.append(text.slice(answered.prompt.length));
      make("em", line, {}, note);
    }
    next.replaceChildren();
    make("b", next, {}, "the first new character");
    for (const [character, p] of bars) {
      const row = make("div", next, { class: "bar" });
      make("code", row, {}, character);
      const track = make("div", row, { class: "track" });
      make("div", track, { class: "fill", style: `width:${100 * p}%` });
      make("span", row, {}, p.toFixed(2));
    }
    if (view.waiting && view.answered === view.sent) {
      view.waiting = false;
      if (JSON.stringify(view.now) !== view.sent) ask({});
    }
  };
  return view;
}

export function draw(element, state) {
  const key = JSON.stringify([state.characters, state.longest]);
  if (element.glKey !== key) {
    element.glKey = key;
    element.glView = textBuild(element, state);
  }
  const view = element.glView;
  if (!view.waiting) {
    view.now = { ...state.request, ...state.value };
    view.paint();
  }
  view.answer(state);
}
