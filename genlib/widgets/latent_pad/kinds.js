// The same place for every kind, and draws of a kind within a radius.
import { button, el, random, signed, slider } from "../kit.js";
import { truncated } from "./truncated.js";

const DRAWS = 10;

// A row of pictures, one for each kind, which are buttons; returns what shows them and which kind it is.
export function kindsRow(root, { kind_names: names }, show, act) {
  if (!names.length) return () => {};
  const box = el("div", root, { class: "kinds" });
  el("div", box, { class: "title" }, "the same place, of every kind: press one to stay with it");
  const row = el("div", box, { class: "row", role: "group", "aria-label": "kinds" });
  const made = names.map((name, k) => {
    const node = button(row, "", () => act(k), { "aria-label": `kind ${name}` });
    const picture = el("canvas", node, { class: "small", "aria-hidden": "true" });
    el("span", node, { "aria-hidden": "true" }, name);
    return { node, picture };
  });
  return (pictures, kind) => {
    made.forEach(({ node }, k) => node.setAttribute("aria-pressed", k === kind));
    pictures?.forEach((picture, k) => show(made[k].picture, picture));
  };
}

// Draws with noise within ±t: a slider of t, a row of pictures, and a button for others; returns what shows them.
export function drawsRow(root, { truncation }, show, act) {
  if (!truncation) return () => {};
  const box = el("div", root, { class: "draws" });
  const tools = el("div", box, { class: "row" });
  const label = "draws with all noise within ±";
  const dial = slider(tools, { label, min: 0.1, max: 3, step: 0.1, show: signed, name: "truncation", act: move });
  function move(radius) {
    act({ radius });
  }
  let seed = 0;
  button(tools, "Draw anew", () => act({ seed: seed + 1 }));
  const row = el("div", box, { class: "row" });
  const made = Array.from({ length: DRAWS }, (_, k) =>
    el("canvas", row, { class: "small", role: "img", "aria-label": `draw ${k + 1}` }),
  );
  return (pictures, value) => {
    seed = value.seed;
    dial.set(value.radius);
    pictures?.forEach((picture, k) => show(made[k], picture));
  };
}

// The latents of the draws: the same uniform numbers for every radius and kind.
export function drawn({ noise, withNoise }, { seed, radius, kind }) {
  const draws = random(seed + 1);
  return Array.from({ length: DRAWS }, () =>
    withNoise(
      Array.from({ length: noise }, () => truncated(draws.uniform(), radius)),
      kind,
    ),
  );
}
