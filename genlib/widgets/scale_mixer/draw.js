// A flow's scales, mixed: for each scale its latents come from picture A, from B, from chance, or are all zero. state:
// {images: [n][H][W], scales: {name: size}, request: {a, b, sources, temperature, seed}, mixed: [H][W],
// energy: [scale], answered, error}. Tells: a request.
import { asking, bar, button, buttons, choice, el, mount, pixels, radios, slider } from "../kit.js";

const SIDE = 150;
const STYLE = `
  max-width: 860px; display: flex; gap: 30px; align-items: start;
  .mix { display: grid; gap: 10px 14px; grid-template-columns: 10em auto 7em; align-items: center; }
  .mix .wide { grid-column: 1 / -1; } .mix b { grid-column: 1 / -1; }
  .show { display: grid; grid-template-columns: ${SIDE / 2 + 4}px ${SIDE + 4}px; gap: 10px 16px; flex: none; }
  .show figure { display: grid; gap: 4px; justify-items: start; align-content: start; }
  .result { grid-row: span 2; } .choice span { display: none; }
  canvas { image-rendering: pixelated; border: 1px solid var(--gl-line); width: ${SIDE / 2}px; height: ${SIDE / 2}px; }
  .result canvas { width: ${SIDE}px; height: ${SIDE}px; }
  .energy { display: grid; gap: 2px; font-size: .88em; } .say { min-height: 3em; max-width: 44em; }
`;
const SOURCES = [
  ["A", "A"],
  ["B", "B"],
  ["drawn", "drawn anew"],
  ["middle", "zero"],
];

// One row for each scale: its name, where its latents come from, how large they are.
function mixer(parent, { scales }, ask, now) {
  const names = Object.keys(scales);
  el("b", parent, {}, "Where each scale's latents come from");
  return names.map((name, k) => {
    const label = el("div", parent);
    el("div", label, {}, name);
    el("div", label, { class: "small" }, `${scales[name]} latents`);
    const act = (source) => ask({ sources: now().sources.with(k, source) });
    const group = radios(parent, { label: `latents of ${name}`, options: SOURCES, act });
    const energy = el("div", parent, { class: "energy" });
    const set = bar(energy, "var(--gl-blue)");
    const number = el("span", energy, { class: "num" });
    return { group, set, number };
  });
}

// A and B with a menu each, and the picture that comes of the mixture.
function pictures(parent, { images }, ask) {
  const show = el("div", parent, { class: "show" });
  const options = images.map((_, k) => [k, `picture ${k + 1}`]);
  const source = (key, name) => {
    const box = el("figure", show);
    el("figcaption", box, {}, name);
    const node = el("canvas", box, { role: "img", "aria-label": `picture ${name}` });
    return { node, menu: choice(box, { label: "", options, act: (k) => ask({ [key]: Number(k) }) }), name };
  };
  const both = { a: source("a", "A") };
  const result = el("figure", show, { class: "result" });
  el("figcaption", result, {}, "mixed");
  const mixed = el("canvas", result, { role: "img", "aria-label": "the picture of the mixed latents" });
  both.b = source("b", "B");
  for (const { menu, name } of Object.values(both)) menu.node.setAttribute("aria-label", `which picture is ${name}`);
  return { both, mixed };
}

const FROM = { A: "from A", B: "from B", drawn: "drawn anew", middle: "zero, the middle of the normal" };

function words(say, { scales }, { sources, temperature }) {
  const each = Object.keys(scales).map((name, k) => `${name} ${FROM[sources[k]]}`);
  const anew = sources.includes("drawn") ? ` Drawn latents have the temperature ${temperature.toFixed(2)}.` : "";
  say.textContent = `The picture is made of: ${each.join("; ")}.${anew}`;
}

function setup(root, state, { tell }) {
  const ask = (change) => kernel.ask(change);
  const shown = pictures(root, state, ask);
  const right = el("div", root);
  const grid = el("div", right, { class: "mix" });
  const rows = mixer(grid, state, ask, () => kernel.now());
  const wide = el("div", grid, { class: "wide" });
  const show = (value) => Number(value).toFixed(2);
  const act = (temperature) => ask({ temperature });
  const label = "temperature of what is drawn";
  const heat = slider(wide, { label, min: 0, max: 1.2, step: 0.05, show, act, name: "temperature" });
  const row = el("div", grid, { class: "wide row" });
  button(row, "Draw anew", () => ask({ seed: kernel.now().seed + 1 }));
  const all = (source) => () => ask({ sources: rows.map(() => source) });
  buttons(row, { "All from A": all("A"), "All from B": all("B"), "All drawn": all("drawn") });
  const say = el("div", grid, { class: "wide say" });
  const kernel = asking(right, {
    tell,
    request(now) {
      rows.forEach(({ group }, k) => group.set(now.sources[k]));
      heat.set(now.temperature);
      for (const [key, { node, menu }] of Object.entries(shown.both)) {
        menu.set(String(now[key]));
        pixels(node, state.images[now[key]], 256);
      }
      words(say, state, now);
    },
    answer({ mixed, energy }) {
      pixels(shown.mixed, mixed, 256);
      rows.forEach(({ set, number }, k) => {
        set(energy[k] / 2);
        number.textContent = `size ${energy[k].toFixed(2)}`;
      });
    },
  });
  return kernel;
}

const HINT =
  "Take the finest scale from B and the others from A: which of the two do you see? Then draw one scale anew, again " +
  "and again: what changes, and what never does? (Noise has size 1 on average.)";

export function draw(element, state) {
  mount(element, state, { name: "gl-scales", title: "Scale mixer", hint: HINT, width: 800, css: STYLE, setup });
}
