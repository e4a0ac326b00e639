// Memory of backpropagation over depth: chains whose activations are kept or rebuilt, step by step, and the peaks that
// were measured. state: {depths, memory: {stored, rebuilt}, seconds: {} or the same, index, step, value}. Tells:
// {index, step}.
import {
  Frame,
  axisX,
  axisY,
  bar,
  changing,
  el,
  mount,
  picture,
  playButton,
  put,
  signed,
  slider,
  svg,
  ticks,
} from "../kit.js";
import { held, slope } from "./held.js";

const WIDTH = 400;
const HEIGHT = 230;
const KINDS = { stored: "var(--gl-orange)", rebuilt: "var(--gl-blue)" };
const STYLE = `
  max-width: 860px; display: grid; gap: 10px;
  .pair { display: grid; grid-template-columns: ${WIDTH}px 1fr; gap: 24px; align-items: center; }
  .pair svg { width: ${WIDTH}px; } .bars { display: grid; grid-template-columns: 5em 1fr 6em; gap: 8px 12px;
    align-items: center; } .bars .track { height: 1.5em; }
  .chains { display: grid; grid-template-columns: 5em 1fr 8em; gap: 6px 12px; align-items: center; }
  .cells { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(2px, 1fr); gap: 1px; max-width: 36em; }
  .cells i { height: 1.5em; border-radius: 2px; border: 1px solid var(--gl-line); box-sizing: border-box; }
  .slider { display: grid; grid-template-columns: 11em 1fr 9em; gap: 10px; }
  .say { min-height: 3em; } > button { justify-self: start; }
`;

// Both curves, with the depth that is looked at marked.
function plot(parent, { depths, memory }) {
  const most = Math.max(...memory.stored, ...memory.rebuilt);
  const tall = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((step) => most / step < 6) ?? 10000;
  const y = [0, tall * Math.ceil(most / tall)];
  const size = { width: WIDTH, height: HEIGHT, left: 48, right: 66, top: 24, bottom: 38 };
  const frame = new Frame({ x: [0, depths.at(-1) * 1.02], y, ...size });
  const root = picture(parent, [WIDTH, HEIGHT], "what is held for the way back against depth, measured");
  svg("text", root, { x: 4, y: 12 }, "held for the way back, MB");
  svg("text", root, { x: frame.right, y: HEIGHT - 4, "text-anchor": "end" }, "layers");
  axisX(root, frame, depths.filter((d, k) => k === 0 || d >= depths.at(-1) / 8)); // prettier-ignore
  axisY(root, frame, ticks(...y, tall), { line: true });
  const rule = svg("line", root, { y1: frame.top, y2: frame.bottom, stroke: "var(--gl-line)" });
  const dots = Object.entries(KINDS).map(([kind, stroke]) => {
    const points = depths.map((d, k) => [d, memory[kind][k]]);
    svg("path", root, { d: frame.path(points), fill: "none", stroke, "stroke-width": 2.5 });
    for (const point of points) {
      const [cx, cy] = frame.at(point);
      svg("circle", root, { cx, cy, r: 3, fill: stroke });
    }
    const [u, v] = frame.at(points.at(-1));
    svg("text", root, { x: u + 8, y: v, dy: ".35em", fill: stroke }, kind);
    return [svg("circle", root, { r: 7, fill: "none", stroke, "stroke-width": 2.5 }), points];
  });
  return (index) => {
    const u = frame.px(depths[index]);
    put(rule, { x1: u, x2: u });
    for (const [dot, points] of dots) {
      const [cx, cy] = frame.at(points[index]);
      put(dot, { cx, cy });
    }
  };
}

function meters(parent, { memory, seconds }) {
  const grid = el("div", parent, { class: "bars" });
  const most = Math.max(...memory.stored, ...memory.rebuilt);
  const longest = Math.max(...Object.values(seconds).flat(), 0);
  const row = (name, colour, values, unit, whole) => {
    el("span", grid, {}, name);
    const set = bar(grid, colour);
    const number = el("span", grid, { class: "num" });
    return (k) => {
      set(values[k] / whole);
      number.textContent = `${signed(values[k], values[k] < 10 ? 2 : 0)} ${unit}`;
    };
  };
  const rows = Object.entries(KINDS).map(([kind, colour]) => row(kind, colour, memory[kind], "MB", most));
  if (longest > 0) {
    el("b", grid, { style: "grid-column:1/-1" }, "time of a step");
    for (const [kind, colour] of Object.entries(KINDS)) rows.push(row(kind, colour, seconds[kind], "s", longest));
  }
  return (k) => rows.forEach((show) => show(k));
}

// A chain's activations as cells, full where they are in memory.
function chain(parent, kind, colour) {
  el("span", parent, {}, kind);
  const cells = el("div", parent, { class: "cells", role: "img" });
  const count = el("span", parent, { class: "num" });
  return (depth, step) => {
    const full = held(kind, depth, step);
    if (cells.children.length !== full.length) cells.replaceChildren(...full.map(() => document.createElement("i")));
    full.forEach((on, k) => (cells.children[k].style.background = on ? colour : "none"));
    const number = full.filter(Boolean).length;
    count.textContent = `${number} held`;
    put(cells, { "aria-label": `${kind}: ${number} of ${full.length} activations in memory` });
  };
}

function phase(depth, step) {
  if (step === 0) return "start: only the data";
  if (step <= depth) return `forward, layer ${step}`;
  return step < 2 * depth ? `back, layer ${2 * depth - step + 1}` : "done";
}

function words(say, { depths, memory, seconds }, index) {
  const [stored, rebuilt] = [memory.stored[index], memory.rebuilt[index]];
  const [a, b] = [memory.stored, memory.rebuilt].map((values) => slope(depths, values));
  say.replaceChildren();
  const times = signed(stored / rebuilt, 1);
  el("div", say, {}, `At ${depths[index]} layers: stored takes ${times} times the memory of rebuilt.`);
  const price = seconds.stored
    ? ` The price: a step takes ${signed(seconds.rebuilt[index] / seconds.stored[index], 2)} times as long.`
    : "";
  el("div", say, {}, `Each layer more costs ${signed(a, 2)} MB stored, ${signed(b, 2)} MB rebuilt.${price}`);
}

function setup(root, state, { tell }) {
  const { depths } = state;
  const { now, change } = changing(update, tell);
  const depthOf = () => depths[now.index];
  const act = (index) => change({ index, step: depths[index] });
  const dial = slider(root, {
    label: "depth, as measured",
    min: 0,
    max: depths.length - 1,
    step: 1,
    show: (k) => `${depths[k]} layers`,
    act,
    name: "depth",
  });
  const pair = el("div", root, { class: "pair" });
  const mark = plot(pair, state);
  const showBars = meters(pair, state);
  el("b", root, {}, "One training step: which activations are in memory?");
  const chains = el("div", root, { class: "chains" });
  const rows = Object.entries(KINDS).map(([kind, colour]) => chain(chains, kind, colour));
  const step = slider(root, {
    label: "step",
    min: 0,
    max: 1,
    step: 1,
    show: (s) => phase(depthOf(), Number(s)),
    act: (s) => change({ step: s }),
    name: "step",
  });
  const player = playButton(root, {
    begin: () => (now.step = 0),
    step(time) {
      now.step = Math.min(2 * depthOf(), Math.floor((time / 4000) * 2 * depthOf()));
      update();
      return now.step < 2 * depthOf();
    },
    end: () => tell(now),
  });
  const say = el("div", root, { class: "say" });
  function update() {
    dial.set(now.index);
    put(step.node, { max: 2 * depthOf() });
    step.set(now.step);
    mark(now.index);
    showBars(now.index);
    for (const show of rows) show(depthOf(), now.step);
    words(say, state, now.index);
  }
  const show = (given) => {
    if (player.playing()) return;
    const { index, step: at } = { ...given, ...given.value };
    Object.assign(now, { index, step: at });
    update();
  };
  return { show, paint: update, stop: player.stop };
}

const HINT =
  "Double the depth: which bar doubles? Then play one training step: when does the stored chain hold most, and what " +
  "does the other one hold at that moment?";

export function draw(element, state) {
  mount(element, state, { name: "gl-memory", title: "Memory meter", hint: HINT, width: 800, css: STYLE, setup });
}
