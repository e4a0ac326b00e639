// A caption and pictures of it: chosen word by word or written, drawn token by token, with how much each token heeds
// each word and which words a judge finds right.
// state: {words: {slot: [texts]}, template, shape: [C, H, W], grid: [h, w], guidances: [numbers], table: {key: drawn},
//   start: the first request, measure and unit: what attention is, value}. request: {caption, guidance, seed}.
// drawn: {pictures: base64 bytes (n, C·H·W), tokens: [n][T], right: [n]{what: bool}, read: [n] text, attention: base64
//   bytes (n, T, L), of which 255 stands for top, or null, words: L, top, caption, guidance}. Tells: a request.
// answer, from the kernel: {request, drawn or null, error}.
import { arrows, button, bytes, choice, clamp, coloured, drag, el, Frame, mount, playButton } from "../kit.js";
import { put, questions, signed, slider } from "../kit.js";
import { chosenIn, filled, keyOf, objection, parts, slotsOf, tidy, vocabulary } from "./words.js";

const SIDE = 256; // of the picture on the page

const STYLE = `
  max-width: 860px;
  .sentence { display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; font-size: 1.1em; }
  .written { display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; margin: 8px 0 4px; }
  .written input { font: 1em/1.4 var(--jp-code-font-family, monospace); width: 27em; max-width: 100%; padding: 3px 6px;
    color: inherit; background: var(--gl-paper); border: 1px solid var(--gl-line); border-radius: .4em;
    box-sizing: border-box; }
  .objection { min-height: 1.5em; color: var(--gl-orange); overflow-wrap: anywhere; }
  .tools { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: center; margin: 4px 0 10px; }
  .stored { display: flex; flex-wrap: wrap; gap: 5px; margin-bottom: 10px; align-items: center; }
  .stored button { font-size: .92em; padding: .1em .6em; }
  .result { display: flex; flex-wrap: wrap; gap: 10px 26px; align-items: flex-start; }
  .picture { width: ${SIDE}px; flex: none; }
  .picture canvas { width: ${SIDE}px; border: 1px solid var(--gl-line); box-sizing: border-box; cursor: crosshair; }
  .thumbs { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 8px; }
  .thumbs button { padding: 3px; display: grid; justify-items: center; }
  .thumbs canvas { width: 40px; height: 40px; image-rendering: pixelated; }
  .side { flex: 1; min-width: 21em; } .side > * { margin-bottom: 10px; }
  .chips { display: flex; flex-wrap: wrap; gap: 5px; min-height: 3.6em; align-items: flex-start; }
  .chips button { display: grid; justify-items: center; border-width: 2px; background: var(--look, var(--gl-paper)); }
  .gl .chips button[aria-pressed=true], .chips button[aria-pressed=true] { border-color: var(--gl-blue);
    background: var(--look, var(--gl-paper)); color: inherit; }
  .verdict { font-weight: 700; min-height: 1.4em; }
  .right { color: var(--gl-green); } .wrong { color: var(--gl-orange); }
  .drawing { display: flex; gap: 10px; align-items: center; } .drawing .slider { flex: 1; }
  .drawing input { flex: 1; } .drawing .num { min-width: 5em; } .say { min-height: 6em; }
`;

// The template with a menu in each slot; returns what shows the choices, null for a caption of another form.
function sentence(root, { template, words }, act) {
  const box = el("div", root, { class: "sentence" });
  const menus = {};
  for (const part of parts(template)) {
    if (!part.slot) {
      el("span", box, {}, part.text);
      continue;
    }
    const options = [["", "…"], ...words[part.slot].map((text) => [text, text])];
    const { node, box: label, set } = choice(box, { label: "", options, act: () => act(all()) });
    label.firstChild.remove();
    put(node, { "aria-label": part.slot.replace("_", " "), name: part.slot });
    menus[part.slot] = { node, set };
  }
  const all = () =>
    Object.fromEntries(Object.entries(menus).map(([slot, { node }]) => [slot, node.value || words[slot][0]]));
  return (chosen) => Object.entries(menus).forEach(([slot, { set }]) => set(chosen?.[slot] ?? ""));
}

// A caption in one's own words; what is wrong with it stands below.
function written(root, state, act) {
  const box = el("div", root, { class: "written" });
  const known = vocabulary(state.template, state.words);
  const label = el("label", box, { class: "choice" });
  el("span", label, {}, "or write");
  const attributes = { type: "text", maxlength: 200, spellcheck: "false", "data-lm-suppress-shortcuts": "true" };
  const input = el("input", label, { ...attributes, "aria-label": "a caption in your own words" });
  const said = el("div", root, { class: "objection", role: "alert" });
  const check = () => (said.textContent = objection(input.value, known));
  const send = () => check() || act(tidy(input.value));
  input.addEventListener("input", check);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation(); // a slide would move on
    if (event.key === "Enter") send();
  });
  button(box, "Draw it", send, { class: "main" });
  return (caption, error) => {
    if (input !== input.getRootNode().activeElement) input.value = caption;
    said.textContent = error ?? "";
  };
}

function tools(root, state, act, now) {
  const box = el("div", root, { class: "tools" });
  const show = (k) => `s = ${state.guidances[k]}`;
  const choose = (k) => act({ guidance: state.guidances[k] });
  const most = state.guidances.length - 1;
  const dial = slider(box, { label: "guidance", min: 0, max: most, step: 1, show, name: "guidance", act: choose });
  button(box, "Draw others", () => act({ seed: now.request.seed + 1 }));
  const stored = [...new Set(Object.values(state.table).map((drawn) => drawn.caption))];
  const row = el("div", root, { class: "stored", role: "group", "aria-label": "captions that are drawn already" });
  el("span", row, {}, "drawn already:");
  const made = stored.map((text) =>
    button(row, text, () => act({ caption: text, seed: state.start.seed, guidance: nearestStored(state, text, now) })),
  );
  return (request) => {
    dial.set(Math.max(0, state.guidances.indexOf(request.guidance)));
    made.forEach((node, k) => put(node, { "aria-pressed": stored[k] === request.caption }));
  };
}

// Of the guidances with which a caption was drawn, the one that is nearest to the one now.
function nearestStored({ table }, text, now) {
  const there = Object.values(table).flatMap((drawn) => (drawn.caption === text ? [drawn.guidance] : []));
  const apart = (s) => Math.abs(s - now.request.guidance);
  return there.reduce((best, s) => (apart(s) < apart(best) ? s : best));
}

// The picture as far as it is drawn; over it, the token that is next, or how much each token looked at a word.
function showPicture(node, small, values, view, { shape: [, H, W], grid: [h, w] }, theme) {
  coloured(small, values, view.shape);
  put(node, { width: SIDE, height: Math.round((SIDE * H) / W) });
  const context = node.getContext("2d");
  const [wide, high] = [node.width / w, node.height / h];
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, node.width, node.height);
  const rect = (i) => [(i % w) * wide, Math.floor(i / w) * high, wide, high];
  for (let i = view.drawn; i < h * w; i++) {
    context.fillStyle = theme.shade;
    context.fillRect(...rect(i));
  }
  if (view.looked) {
    const most = Math.max(...view.looked, 1e-6);
    for (let i = 0; i < view.drawn; i++) {
      const share = Math.round(190 * (view.looked[i] / most)).toString(16).padStart(2, "0"); // prettier-ignore
      context.fillStyle = `${theme.amber}${share}`;
      context.fillRect(...rect(i));
    }
  }
  if (view.drawn < h * w || view.focused) {
    const [x, y] = rect(view.at);
    Object.assign(context, { strokeStyle: theme.orange, lineWidth: 3 });
    context.strokeRect(x + 1.5, y + 1.5, wide - 3, high - 3);
  }
}

// How much each token of a picture heeds each word: [T][L] of picture k.
function lookedAt(drawn, k) {
  if (!drawn?.attention) return null;
  const [all, T, L] = [bytes(drawn.attention), drawn.tokens[0].length, drawn.words];
  return Array.from({ length: T }, (_, i) => {
    const from = (k * T + i) * L;
    return Array.from(all.subarray(from, from + L), (v) => (drawn.top * v) / 255);
  });
}

// The caption's words: how much the token under the cursor looked at each, and the verdict on those that can be judged.
function chips(side, act) {
  const row = el("div", side, { class: "chips", role: "group", "aria-label": "words of the caption" });
  let made = [];
  const build = (said) => {
    row.replaceChildren();
    made = said.map((text, k) => {
      const node = button(row, "", () => act(k));
      el("span", node, {}, text);
      return { node, text, verdict: el("span", node, { class: "verdict" }) };
    });
  };
  return (said, { word, look, verdicts }) => {
    if (said.join(" ") !== made.map(({ text }) => text).join(" ")) build(said);
    made.forEach(({ node, text, verdict }, k) => {
      const share = look ? Math.round(100 * clamp(look[k] / Math.max(...look, 1e-6), 0, 1)) : 0;
      const paint = `color-mix(in srgb, var(--gl-amber) ${Math.round(0.6 * share)}%, var(--gl-paper))`;
      node.style.setProperty("--look", paint);
      const right = verdicts?.[k];
      verdict.textContent = right === undefined ? "" : right ? "✓" : "✗";
      verdict.className = right === undefined ? "verdict" : `verdict ${right ? "right" : "wrong"}`;
      const told = right === undefined ? text : `${text}: ${right ? "right" : "wrong"}`;
      put(node, { "aria-pressed": k === word, "aria-label": `where it counts: ${told}` });
    });
  };
}

const share = (right) => {
  const all = Object.values(right);
  return [all.filter(Boolean).length, all.length];
};

function inWords({ drawn, now, T, said, look, state }) {
  if (!drawn) return "The kernel is asked. Where there is none, take a caption that is drawn already.";
  const read = drawn.read[now.picture] ? ` It reads: ${drawn.read[now.picture]}.` : "";
  const all = drawn.right.map(share).reduce(([a, b], [c, d]) => [a + c, b + d]);
  const entries = Object.entries(drawn.right[now.picture]);
  const wrong = entries.flatMap(([what, ok]) => (ok ? [] : [what.replace("_", " ")]));
  const verdict = wrong.length ? `the judge finds wrong: ${wrong.join(", ")}.` : "the judge finds all of it right.";
  const of = `Of all ${drawn.right.length} pictures, ${all[0]} of ${all[1]} words are right.`;
  if (now.drawn === T) return `Picture ${now.picture + 1}: ${verdict}${read} ${of}`;
  const token = drawn.tokens[now.picture][now.at];
  if (!look) return `Token ${now.at + 1} of ${T} is ${token}.`;
  const best = look.indexOf(Math.max(...look.slice(0, said.length)));
  const most = `“${said[best]}” (${signed(look[best])}${state.unit && ` ${state.unit}`})`;
  return `Token ${now.at + 1} of ${T} is ${token}. Of the words, ${state.measure} ${most}.`;
}

// The pictures that were drawn of one caption, small, to choose from.
function thumbs(parent, shape, act) {
  const row = el("div", parent, { class: "thumbs", role: "group", "aria-label": "pictures of this caption" });
  let [made, shown] = [[], null];
  return (drawn, picture) => {
    if (drawn !== shown) {
      row.replaceChildren();
      const [all, size] = [bytes(drawn?.pictures ?? ""), shape.reduce((a, b) => a * b)];
      made = (drawn?.right ?? []).map((right, k) => {
        const node = button(row, "", () => act(k));
        const [good, of] = share(right);
        coloured(el("canvas", node, { "aria-hidden": "true" }), asShares(all, k, size), shape);
        el("span", node, { class: "small" }, `${good}/${of}`);
        put(node, { "aria-label": `picture ${k + 1}, ${good} of ${of} right` });
        return node;
      });
      shown = drawn;
    }
    made.forEach((node, k) => put(node, { "aria-pressed": k === picture }));
  };
}

const asShares = (all, k, size) => Float32Array.from(all.subarray(k * size, (k + 1) * size), (v) => v / 255);

// The large picture: a hand or the arrow keys look at one of its tokens.
function canvasOfTokens(parent, [h, w], look, at) {
  const label = "the picture: arrow keys look at a token";
  const node = el("canvas", parent, { role: "application", "aria-label": label });
  const frame = new Frame({ x: [0, w], y: [h, 0], width: 1, height: 1 });
  const there = (event) => {
    const [c, r] = frame.pointer(event, node).map(Math.floor);
    look(clamp(r, 0, h - 1) * w + clamp(c, 0, w - 1));
  };
  drag(node, { down: there, move: there });
  arrows(node, (dx, dy) => {
    const [r, c] = [Math.floor(at() / w) - dy, (at() % w) + dx];
    look(clamp(r, 0, h - 1) * w + clamp(c, 0, w - 1));
  });
  return node;
}

// How far the picture is drawn: a slider, and a button that draws it.
function progress(side, T, now, update) {
  const box = el("div", side, { class: "drawing" });
  const to = (drawn) => {
    Object.assign(now, { drawn, at: drawn < T ? drawn : 0, word: null, focused: false });
    update();
  };
  const show = (drawn) => `${drawn} of ${T}`;
  const dial = slider(box, { label: "tokens drawn", min: 0, max: T, step: 1, show, name: "drawn", act: to });
  const player = playButton(box, {
    text: "Draw it slowly",
    begin: () => to(0),
    step: (since) => {
      to(Math.min(T, Math.floor(since / 90)));
      return now.drawn < T;
    },
  });
  return { dial, to, stop: player.stop };
}

// What was drawn for a request: kept in the table, or what the kernel answered.
function answers(state, view) {
  const stored = state.table[keyOf(view.request)];
  if (stored) return { drawn: stored, error: "" };
  const { answer } = view;
  if (answer?.request && keyOf(answer.request) === keyOf(view.request)) return answer;
  return { drawn: null, error: "" };
}

function asked(state, now, tell, update) {
  const kernel = questions(tell);
  const ask = (changed) => {
    Object.assign(now, { request: { ...now.request, ...changed }, picture: 0, word: null, focused: false });
    if (keyOf(now.request) in state.table) tell(now.request);
    else kernel.ask(now.request);
    update();
  };
  const hear = (given) => {
    now.answer = given.answer;
    if (given.answer?.request) kernel.hear(given.answer.request);
    if (!kernel.waiting()) now.request = { ...state.start, ...given.value };
  };
  return { ask, hear };
}

function setup(root, state, { tell, theme }) {
  const T = state.grid[0] * state.grid[1];
  const now = { request: state.start, answer: null, picture: 0, drawn: T, at: 0, word: null, focused: false };
  const { ask, hear } = asked(state, now, tell, update);
  const showSentence = sentence(root, state, (chosen) => ask({ caption: filled(state.template, chosen) }));
  const showWritten = written(root, state, (caption) => ask({ caption }));
  const showTools = tools(root, state, ask, now);
  const result = el("div", root, { class: "result" });
  const left = el("div", result, { class: "picture" });
  const small = el("canvas", document.createDocumentFragment());
  const look = (at) => {
    Object.assign(now, { at, focused: true, word: null });
    update();
  };
  const node = canvasOfTokens(left, state.grid, look, () => now.at);
  const showThumbs = thumbs(left, state.shape, (picture) => {
    Object.assign(now, { picture });
    update();
  });
  const side = el("div", result, { class: "side" });
  const showChips = chips(side, (k) => {
    Object.assign(now, { word: now.word === k ? null : k, focused: false });
    update();
  });
  const { dial, stop } = progress(side, T, now, update);
  const say = el("div", side, { class: "say" });
  function update() {
    const { drawn, error } = answers(state, now);
    const said = now.request.caption.split(" ");
    const attention = lookedAt(drawn, now.picture);
    const chosen = chosenIn(now.request.caption, state.template, state.words);
    const looking = now.word === null && (now.focused || now.drawn < T);
    const token = attention && looking ? attention[now.at] : null;
    const verdicts = drawn && now.drawn === T ? verdictsOf(drawn.right[now.picture], chosen, state) : null;
    showSentence(chosen);
    showWritten(now.request.caption, error);
    showTools(now.request);
    showChips(said, { word: now.word, look: token?.slice(0, said.length), verdicts });
    dial.set(now.drawn);
    const size = state.shape.reduce((a, b) => a * b);
    const values = drawn ? asShares(bytes(drawn.pictures), now.picture, size) : new Float32Array(size);
    const looked = attention && now.word !== null ? attention.map((row) => row[now.word]) : null;
    const view = { ...now, shape: state.shape, looked, drawn: drawn ? now.drawn : 0 };
    showPicture(node, small, values, view, state, theme);
    showThumbs(drawn, now.picture);
    say.textContent =
      error || inWords({ drawn, now: looking ? { ...now, drawn: 0 } : now, T, said, look: token, state });
  }
  const show = (given) => {
    hear(given);
    update();
  };
  return { show, paint: update, stop };
}

// For each word of a caption of the template whether its slot is right; undefined for those that nobody judges.
function verdictsOf(right, chosen, { template }) {
  return chosen ? slotsOf(template, chosen).map((slot) => (slot === null ? undefined : right[slot])) : null;
}

const HINT =
  "Ask for a combination of your own, and watch the picture come, token by token: when is the colour decided, when " +
  "the shape? Press a word to see where it counts. Does more guidance make more words right?";

export function draw(element, state) {
  const title = "Write a caption";
  mount(element, state, { name: "gl-caption", title, hint: HINT, width: 860, css: STYLE, setup });
}
