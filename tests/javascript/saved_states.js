// node saved_states.js FILE: draws widgets from states that are damaged in many ways, and prints what came of it.
// FILE holds {name: {module, state}}: the text of a widget's module, and a state as the kernel makes it.
import { readFileSync } from "node:fs";
import process from "node:process";

import { Node, open } from "./page.js";

const MARKUP = "<img src=x onerror='globalThis.bad=1'><script>globalThis.bad=2</script>";
const WRONG = {
  null: null,
  "a text": "12",
  "a text that is no number": "twelve",
  markup: MARKUP,
  "a number": 7,
  "an endless number": 1e308,
  "a negative number": -3,
  "half a number": 0.5,
  true: true,
  "an empty list": [],
  "an empty dictionary": {},
  "a list of markup": [MARKUP, [MARKUP]],
  "a huge list": Array(1_000).fill(1),
  "a deep list": JSON.parse("[".repeat(2000) + "]".repeat(2000)),
  "a dictionary of traps": JSON.parse('{"length": 3, "toString": 1, "__proto__": {"x": 1}, "constructor": "no"}'),
};
const ODD = ["img", "script", "iframe", "object", "embed", "base", "link", "meta"];

const EACH = ["null", "a text", "markup", "a negative number", "an empty list", "a huge list", "a dictionary of traps"];

// All states that are spoilt: an entry missing or of another type, all of another type, what was moved or answered.
function* spoilt(state) {
  for (const name of Object.keys(state)) {
    const rest = { ...state };
    delete rest[name];
    yield [`without ${name}`, rest];
    for (const what of EACH) yield [`${name} is ${what}`, { ...state, [name]: WRONG[what] }];
    if (Array.isArray(state[name]) && state[name].length) {
      for (const what of ["null", "markup"]) {
        yield [`${name} begins with ${what}`, { ...state, [name]: [WRONG[what], ...state[name].slice(1)] }];
      }
    }
  }
  yield ["nothing at all", {}];
  for (const [what, value] of Object.entries(WRONG)) {
    const all = Object.fromEntries(Object.keys(state).map((name) => [name, value]));
    yield [`all is ${what}`, all];
    yield [`moved to ${what}`, { ...state, value }];
    yield [`answered ${what}`, { ...state, answer: value }];
    if (what !== "a huge list") yield [`moved to all ${what}`, { ...state, value: all }];
  }
}

// So many of them that a widget takes seconds: one in so many, and those that spoil everything.
const MOST = 24;
function chosen(state) {
  const all = [...spoilt(state)];
  const stride = Math.ceil(all.length / MOST);
  return all.filter(([what], i) => i % stride === 0 || /^(nothing|all is (null|markup)|moved to null)/.test(what));
}

const said = (element) => element.querySelector(".refused")?.textContent ?? "";
const plain = (state) => ({ value: {}, answer: {}, ...state });

async function tried({ module, state }, errors) {
  // eslint-disable-next-line no-restricted-syntax -- what Python has bundled
  const { draw } = await import(`data:text/javascript;base64,${Buffer.from(module).toString("base64")}`);
  const faults = [];
  let [count, refused, slowest] = [0, 0, 0];
  const one = (element, given, version) => draw(element, { ...plain(given), version });
  const first = new Node("div");
  one(first, state, 1);
  if (said(first)) return { faults: [`as it is: ${errors[0]?.stack}`] };
  for (const [what, bad] of chosen(state)) {
    const begun = performance.now();
    const [anew, later] = [new Node("div"), new Node("div")];
    try {
      const twice = count++ % 4 === 0;
      one(anew, bad, 1); // opened with it
      if (twice) one(later, state, 1);
      if (twice) one(later, bad, 2); // it comes afterwards
      for (const element of twice ? [anew, later] : [anew]) {
        const odd = element
          .all()
          .find((n) => ODD.includes(n.tag) || [...n.attributes.keys()].some((a) => /^on|srcdoc/.test(a)));
        if (odd || globalThis.bad) faults.push(`${what}: <${odd?.tag}> came about`);
        if (!said(element) && element.all().length < 4) faults.push(`${what}: neither drawn nor told`);
        if (said(element) && element.children.length !== 1) faults.push(`${what}: half of a drawing stays`);
      }
      refused += Boolean(said(anew)) + Boolean(said(later));
      if (twice) one(later, state, 3);
      if (said(later)) faults.push(`${what}: a good state after it is not drawn`);
      for (const element of [anew, later]) element.dispatchEvent(new CustomEvent("left"));
    } catch (error) {
      faults.push(`${what}: ${String(error.stack).slice(0, 300)}`);
    }
    slowest = Math.max(slowest, performance.now() - begun);
    if (performance.now() - begun > 20_000) faults.push(`${what}: takes ${performance.now() - begun} ms`);
  }
  return { count, refused, slowest, faults, reported: errors.splice(0).length };
}

const errors = [];
open(errors);
const result = {};
for (const [name, widget] of Object.entries(JSON.parse(readFileSync(process.argv[2], "utf8")))) {
  result[name] = await tried(widget, errors);
}
console.log(JSON.stringify(result));
process.exit(0); // whatever moves by itself
