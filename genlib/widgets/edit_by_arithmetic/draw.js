// Latent arithmetic: sliders for a character's factors; the true picture, what each model's edit gives, where
// they differ, and by how much. state: {sliders: {name: [low, start, high]}, names, request: {choice, values},
// pictures: {before, truth, model: …}, errors: {"left alone", model: …}}, answered, error. Tells: a request.
import { asking, bar, button, choice, el, mix, mount, pixels, put, signed, slider } from "../kit.js";
import { covered } from "./errors.js";

const SIDE = 128;
const STYLE = `
  max-width: 860px; display: grid; gap: 14px;
  .top { display: grid; grid-template-columns: 17em 1fr; gap: 8px 22px; align-items: start; }
  .sliders { display: grid; gap: 4px; } .slider { display: grid; grid-template-columns: 4.6em 1fr 3em; gap: 8px;
    width: 17em; }
  .side { display: grid; gap: 10px; justify-items: start; }
  .show { display: flex; gap: 18px; flex-wrap: wrap; align-items: start; } figure { display: grid; gap: 5px; }
  canvas { width: ${SIDE}px; height: ${SIDE}px; image-rendering: pixelated; border: 1px solid var(--gl-line); }
  .truth canvas { outline: 2px solid var(--gl-green); outline-offset: 1px; }
  .bars { display: grid; grid-template-columns: 8em 1fr 4em; gap: 6px 12px; align-items: center; max-width: 560px; }
  .say { min-height: 3em; }
`;

// Where an edit put ink that should not be there, and where ink is missing, in two colours on paper.
function paintDifference(node, found, truth, theme) {
  put(node, { width: found[0].length, height: found.length });
  const context = node.getContext("2d");
  found.forEach((row, r) =>
    row.forEach((level, c) => {
      const d = (level - truth[r][c]) / 255;
      context.fillStyle = mix(theme.paper, d > 0 ? theme.orange : theme.blue, Math.min(1, Math.abs(d)));
      context.fillRect(c, r, 1, 1);
    }),
  );
}

function controls(parent, { names, sliders }, ask, now) {
  const side = el("div", parent, { class: "side" });
  const options = names.map((name, k) => [k, name]);
  const which = choice(side, { label: "character", options, act: (k) => ask({ choice: Number(k) }) });
  const box = el("div", side, { class: "sliders" });
  const dials = Object.entries(sliders).map(([name, [min, , max]]) => {
    const step = Number(((max - min) / 40).toPrecision(2));
    const act = (value) => ask({ values: { ...now().values, [name]: value } });
    return [name, slider(box, { label: name, min, max, step, show: (v) => signed(Number(v), 2), act, name })];
  });
  const start = Object.fromEntries(Object.entries(sliders).map(([name, ends]) => [name, ends[1]]));
  button(side, "Back to the start", () => ask({ values: start }));
  return ({ choice: chosen, values }) => {
    which.set(String(chosen));
    for (const [name, dial] of dials) dial.set(values[name]);
  };
}

// The pictures side by side, and below each edit where it differs from the truth.
function gallery(parent, models) {
  const show = el("div", parent, { class: "show" });
  const figure = (name, text, kind = "") => {
    const box = el("figure", show, { class: kind });
    el("figcaption", box, {}, text);
    const node = el("canvas", box, { role: "img", "aria-label": text });
    return { name, box, node };
  };
  const before = figure("before", "before");
  const truth = figure("truth", "the truth", "truth");
  const edits = models.map((name) => {
    const made = figure(name, name);
    const label = `where ${name} differs from the truth`;
    return { ...made, difference: el("canvas", made.box, { role: "img", "aria-label": label }) };
  });
  return (pictures, theme) => {
    for (const { name, node } of [before, truth, ...edits]) pixels(node, pictures[name], 256);
    for (const { name, difference } of edits) paintDifference(difference, pictures[name], pictures.truth, theme);
  };
}

function meters(parent, names) {
  const grid = el("div", parent, { class: "bars" });
  const rows = names.map((name, k) => {
    el("span", grid, {}, name);
    const set = bar(grid, k === 0 ? "var(--gl-grey)" : "var(--gl-blue)");
    return { name, set, number: el("span", grid, { class: "num" }) };
  });
  return (errors) => {
    const most = Math.max(0.15, ...Object.values(errors));
    for (const { name, set, number } of rows) {
      set(errors[name] / most);
      number.textContent = errors[name].toFixed(3);
    }
  };
}

function words(say, errors) {
  const { "left alone": alone, ...models } = errors;
  say.replaceChildren();
  if (alone < 0.002) {
    const text =
      "Nothing is changed yet: what a model's picture differs by is what it loses by going to latents and back.";
    el("div", say, {}, text);
    return;
  }
  for (const [name, error] of Object.entries(models)) {
    const share = covered(error, alone);
    const verdict =
      share > 0 ? `${Math.round(100 * share)} % of the way to the truth` : "farther from it than before the edit";
    el("div", say, {}, `${name}: error ${error.toFixed(3)}, ${verdict}.`);
  }
}

function setup(root, state, { tell, theme }) {
  const models = Object.keys(state.errors).slice(1);
  const top = el("div", root, { class: "top" });
  const showControls = controls(
    top,
    state,
    (change) => kernel.ask(change),
    () => kernel.now(),
  );
  const right = el("div", top);
  const paint = gallery(right, models);
  el("div", root, { class: "small" }, "Below each edit: orange where it has too much ink, blue where ink is missing.");
  const showErrors = meters(root, Object.keys(state.errors));
  const say = el("div", root, { class: "say" });
  const kernel = asking(root, {
    tell,
    request: showControls,
    answer({ pictures, errors }) {
      paint(pictures, theme);
      showErrors(errors);
      words(say, errors);
      Object.assign(root.dataset, { alone: errors["left alone"] });
    },
  });
  return kernel;
}

const HINT =
  "Make a thin character bold, then a bold one thin: which way works? Then change two factors at once. For which " +
  "characters is leaving it alone closer to the truth than the edit?";

export function draw(element, state) {
  mount(element, state, { name: "gl-edit", title: "Edit by arithmetic", hint: HINT, width: 840, css: STYLE, setup });
}
