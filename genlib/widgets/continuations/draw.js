// A text goes on. state: {request, lines: [[text, note]], next: [[character, p]], heads, weights, answered, error,
// characters, longest, value}. Tells a request {prompt, temperature, seed, look}, where look is the text before a
// character whose attention is asked for, or null; the kernel answers with `lines`, `next`, `weights` [heads][1 + n] at
// the place after those n characters, or null, and `answered`, that request, or with `error`, a text, and `answered`.
import { arrows, asking, bar, button, clamp, el, mount, put, radios, slider } from "../kit.js";

const STYLE = `
  max-width: 70em;
  code, .lines, .tree { font-family: var(--jp-code-font-family, monospace); }
  .row { gap: 8px 16px; margin-bottom: 8px; } .row label { display: flex; gap: 8px; align-items: center; }
  input[type=text] { font: 1.08em/1.4 var(--jp-code-font-family, monospace); width: 20em; padding: 3px 6px;
    border: 1px solid var(--gl-line); border-radius: 4px; background: none; color: inherit; }
  input[type=range] { width: 130px; }
  .num { font-weight: 600; width: 2.2em; }
  .heads { display: flex; gap: 10px; align-items: center; margin: 8px 0 0; min-height: 2em; }
  .body { display: flex; flex-wrap: wrap; gap: 20px; }
  .lines { font: 1.08em/1.6 var(--jp-code-font-family, monospace); width: 32.5em; white-space: pre-wrap;
    overflow-wrap: anywhere; }
  .line { display: grid; grid-template-columns: 1fr 7.5em; gap: 10px; border-bottom: 1px solid var(--gl-faint); }
  .line em { font: .86em/1.9 var(--jp-ui-font-family, system-ui, sans-serif); text-align: right;
    color: var(--gl-soft); }
  .given { color: var(--gl-blue); font-weight: 600; }
  .line span { border-radius: 2px; } .line span span { transition: background .12s; }
  .line:focus-visible { outline: 2px solid var(--gl-sky); }
  .line .looking { outline: 2px solid var(--gl-amber); }
  .next { width: 14.6em; } .next b, .forest b { display: block; margin-bottom: 4px; }
  .forest { margin-top: 12px; }
  .tree { display: flex; align-items: center; font-size: 1.02em; }
  .twigs { border-left: 2px solid var(--gl-line); padding: 1px 0; margin: 2px 0; border-radius: 6px; }
  .tree button { border: none; background: none; padding: 1px 5px; margin: 1px 2px; white-space: pre;
    text-align: left; }
  .tree .many { color: var(--gl-paper); background: var(--gl-blue); font-size: .8em; border-radius: .7em;
    padding: 0 .5em; }
  .bar { display: grid; grid-template-columns: 3.4em 1fr 2.8em; gap: 6px; height: 1.7em; align-items: center;
    font-variant-numeric: tabular-nums; }
  .bar button { font-family: var(--jp-code-font-family, monospace); padding: 0 .4em; line-height: 1.4; }
  .track { height: .92em; } .fill { border-radius: 3px; }
`;

// The texts as a tree: what they share once, and where they part. A node has the text up to the next parting, how many
// go through it, and its branches, the fullest first.
export function tree(texts) {
  const firsts = [...new Set(texts.filter(Boolean).map((text) => text[0]))];
  return firsts
    .map((first) => texts.filter((text) => text[0] === first))
    .map((group) => {
      const [first] = group;
      let length = 1;
      while (length < first.length && group.every((text) => text[length] === first[length])) length += 1;
      return { text: first.slice(0, length), count: group.length, branches: tree(group.map((t) => t.slice(length))) };
    })
    .sort((a, b) => b.count - a.count);
}

const visible = (text) => text.replaceAll("\n", "↵");
const LONG = 34; // characters of a branch that are shown

function showTree(parent, nodes, path, begin) {
  const twigs = el("div", parent, { class: "twigs" });
  for (const { text, count, branches } of nodes) {
    const row = el("div", twigs, { class: "tree" });
    const short = text.length > LONG ? `${text.slice(0, LONG - 1)}…` : text;
    const label = `begin with “${path}${text}”, ${count} of the texts`;
    const node = button(row, visible(short), () => begin(path + text), { "aria-label": label });
    node.style.fontWeight = count > 1 ? 600 : 400;
    if (count > 1) el("span", row, { class: "many" }, `×${count}`);
    if (branches.length) showTree(row, branches, path + text, begin);
  }
}

// The texts, a character an element: the beginning first, as one element around them. look(text, i) hears which
// character the hand or the arrow keys are on.
function showLines(lines, texts, prompt, look) {
  lines.replaceChildren();
  for (const [text, note] of texts) {
    const line = el("div", lines, { class: "line" });
    const whole = el("span", line);
    const given = el("span", whole, { class: "given" });
    const letters = [...text].map((letter, i) => el("span", i < prompt.length ? given : whole, {}, letter));
    el("em", line, {}, note);
    if (!look) continue;
    letters.forEach((letter, i) => letter.addEventListener("pointerenter", () => look(text, i, letters)));
    let at = prompt.length;
    put(line, { role: "group", "aria-label": `${text}: arrow keys show what each character looked at` });
    arrows(line, (dx) => look(text, (at = clamp(at + dx, 0, letters.length - 1)), letters));
  }
}

// What the place before a character looked at: weights [1 + n], of the start and of the n characters before it.
function showAttention(letters, at, weights) {
  letters.forEach((letter, i) => {
    const share = i < at && weights ? weights[i + 1] : 0;
    const strong = Math.round(100 * Math.min(1, 0.1 + share));
    letter.style.background = share > 0.02 ? `color-mix(in srgb, var(--gl-amber) ${strong}%, transparent)` : "";
    letter.classList.toggle("looking", i === at && Boolean(weights));
  });
}

const CHARACTERS = { "␣": " ", "↵": "\n" }; // as they are shown, and what they are
function showNext(next, following, known, add) {
  next.replaceChildren();
  el("b", next, {}, "the first new character");
  for (const [shown, p] of following) {
    const row = el("div", next, { class: "bar" });
    const character = CHARACTERS[shown] ?? shown;
    const node = button(row, shown, () => add(character), { "aria-label": `${shown}: write it` });
    node.disabled = !known.includes(character);
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

// Which head's attention is shown, and the characters it is shown on. ask(text) asks the kernel for it.
function spotlight(parent, heads, ask) {
  if (!heads) return { look: null, show() {}, forget() {} };
  const row = el("div", parent, { class: "heads" });
  el("span", row, {}, "point at a character: what did it look at?");
  let [head, here, weights] = [0, null, null];
  const paint = () => here && showAttention(here.letters, here.at, weights?.[head]);
  const options = Array.from({ length: heads }, (_, k) => [k, `head ${k + 1}`]);
  const act = (k) => {
    head = k;
    paint();
  };
  radios(row, { label: "head", options, act }).set(0);
  return {
    look(text, at, letters) {
      if (here && here.letters !== letters) showAttention(here.letters, -1, null);
      [here, weights] = [{ text: text.slice(0, at), at, letters }, null];
      ask(here.text);
    },
    show(found, of) {
      if (!here || of !== here.text) return;
      weights = found;
      paint();
    },
    forget: () => (here = null),
  };
}

// The kernel's answer, shown: texts, their tree, the first new character, attention where it was asked for.
function answers({ lines, next, forest, light, state, begin }) {
  let drawn = ""; // which texts stand there: an answer about attention leaves them
  return ({ lines: texts, next: following, weights, answered, error }) => {
    const { prompt, look } = answered;
    const key = JSON.stringify([texts, following, prompt, error]);
    if (key !== drawn) {
      drawn = key;
      light.forget();
      showLines(lines, error ? [] : texts, prompt, light.look);
      showNext(next, error ? [] : following, state.characters, (character) => begin(prompt + character));
      forest.replaceChildren();
      el("b", forest, {}, "where they part: click a branch to begin with it");
      const onwards = (path) => begin(prompt + path);
      if (!error) showTree(forest, tree(texts.map(([text]) => text.slice(prompt.length))), "", onwards);
    }
    light.show(weights, look);
  };
}

function setup(root, state, { tell }) {
  const row = el("div", root, { class: "row" });
  const prompt = beginning(row, state, (text) => ask({ prompt: text }));
  const temperature = slider(row, {
    label: "temperature",
    min: 0,
    max: 2,
    step: 0.1,
    show: (t) => t.toFixed(1),
    act: (t) => ask({ temperature: t }),
  });
  button(row, "Other random numbers", () => ask({ seed: kernel.now().seed + 1 }));
  const body = el("div", root, { class: "body" });
  const left = el("div", body, { class: "lines" });
  const lines = el("div", left);
  const light = spotlight(root, state.heads, (look) => kernel.ask({ look }));
  const next = el("div", body, { class: "next" });
  const forest = el("div", root, { class: "forest" });
  const ask = (change) => kernel.ask({ ...change, ...(state.heads && { look: null }) });
  const begin = (text) => ask({ prompt: text.slice(0, state.longest) });
  const kernel = asking(left, {
    tell,
    request(now) {
      if (prompt.value !== now.prompt) prompt.value = now.prompt;
      temperature.set(now.temperature);
    },
    answer: answers({ lines, next, forest, light, state, begin }),
  });
  return kernel;
}

const HINT = (state) =>
  "Raise the temperature until the text breaks. Click characters and branches to write on by hand" +
  (state.heads ? ", and point at a character to see which earlier ones it looked at." : ".");

export function draw(element, state) {
  mount(element, state, { name: "gl-text", title: "How a text goes on", hint: HINT, width: 660, css: STYLE, setup });
}
