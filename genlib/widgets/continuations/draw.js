// A text goes on. state: {request, lines: [[text, note]], next: [[character, p]], answered, error, characters, longest,
// value}. Tells a request {prompt, temperature, seed}; the kernel answers with `lines`, `next` and `answered`, that
// request, or with `error`, a text, and `answered`.
import { asking, bar, button, el, mount, slider } from "../kit.js";

const STYLE = `
  max-width: 70em;
  .row { gap: 8px 16px; margin-bottom: 8px; } .row label { display: flex; gap: 8px; align-items: center; }
  input[type=text] { font: 1.08em/1.4 var(--jp-code-font-family, monospace); width: 20em; padding: 3px 6px;
    border: 1px solid var(--gl-line); border-radius: 4px; background: none; color: inherit; }
  input[type=range] { width: 130px; }
  .num { font-weight: 600; width: 2.2em; }
  .body { display: flex; flex-wrap: wrap; gap: 20px; }
  .lines { font: 1.08em/1.6 var(--jp-code-font-family, monospace); width: 32.5em; white-space: pre-wrap;
    overflow-wrap: anywhere; }
  .line { display: grid; grid-template-columns: 1fr 7.5em; gap: 10px; border-bottom: 1px solid var(--gl-faint); }
  .line em { font: .86em/1.9 var(--jp-ui-font-family, system-ui, sans-serif); text-align: right;
    color: var(--gl-soft); }
  .given { color: var(--gl-blue); font-weight: 600; }
  .next { width: 13.8em; } .next b { display: block; margin-bottom: 4px; }
  .bar { display: grid; grid-template-columns: 2.6em 1fr 2.8em; gap: 6px; height: 1.54em; align-items: center;
    font-variant-numeric: tabular-nums; }
  .bar code { font-family: var(--jp-code-font-family, monospace); text-align: right; }
  .track { height: .92em; } .fill { border-radius: 3px; }
`;

function showLines(lines, texts, prompt) {
  lines.replaceChildren();
  for (const [text, note] of texts) {
    const line = el("div", lines, { class: "line" });
    const whole = el("span", line);
    el("span", whole, { class: "given" }, prompt);
    whole.append(text.slice(prompt.length));
    el("em", line, {}, note);
  }
}

function showNext(next, characters) {
  next.replaceChildren();
  el("b", next, {}, "the first new character");
  for (const [character, p] of characters) {
    const row = el("div", next, { class: "bar" });
    el("code", row, {}, character);
    bar(row, "var(--gl-blue)")(p);
    el("span", row, {}, p.toFixed(2));
  }
}

// The text's beginning, of characters that the model knows.
function beginning(row, { characters, longest }, act) {
  const label = el("label", row, {}, "begins with");
  const options = { type: "text", "data-lm-suppress-shortcuts": "true", spellcheck: "false", maxlength: longest };
  const node = el("input", label, options);
  node.addEventListener("input", () => {
    const known = [...node.value].filter((character) => characters.includes(character)).join("");
    if (known !== node.value) node.value = known;
    act(known);
  });
  return node;
}

function setup(root, state, { tell }) {
  const row = el("div", root, { class: "row" });
  const prompt = beginning(row, state, (text) => kernel.ask({ prompt: text }));
  const temperature = slider(row, {
    label: "temperature",
    min: 0,
    max: 2,
    step: 0.1,
    show: (t) => t.toFixed(1),
    act: (t) => kernel.ask({ temperature: t }),
  });
  button(row, "Other random numbers", () => kernel.ask({ seed: kernel.now().seed + 1 }));
  const body = el("div", root, { class: "body" });
  const left = el("div", body, { class: "lines" });
  const lines = el("div", left, { "aria-live": "polite" });
  const next = el("div", body, { class: "next" });
  const kernel = asking(left, {
    tell,
    request(now) {
      if (prompt.value !== now.prompt) prompt.value = now.prompt;
      temperature.set(now.temperature);
    },
    answer({ lines: texts, next: characters, answered, error }) {
      showLines(lines, error ? [] : texts, answered.prompt);
      showNext(next, error ? [] : characters);
    },
  });
  return kernel;
}

export function draw(element, state) {
  mount(element, state, { name: "gl-text", label: "How a text goes on", css: STYLE, setup });
}
