// The denoising scrubber: pictures on their way from noise, and what the network takes for picture and noise in them.
// state: {size: [H, W], walks: {mode: [{alphas, sigmas, x_t, x, eps}]}, truths: [pictures][H·W] in −1..1, noises: as
//   truths, reaches: {x_t, x, eps}, mode, choice, at, hint}. value: {mode, choice, at}. Tells: value.
// mode: FROM_NOISE, a sampler's steps, or KNOWN, one guess at each noise level; choice: which number of steps;
// at: how far the way has been gone, a share of 1.
import { changing, clamp, el, mount, playButton, radios, signed, slider } from "../kit.js";
import { squaredError, walkOf } from "./frames.js";

const FROM_NOISE = "from noise";
const KNOWN = "a known picture";
const CELL = 74;
const NAMES = ["x_t", "x̂: the picture in it", "ε̂: the noise in it"];
const STYLE = `
  .top { display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center; margin-bottom: 8px; }
  .table { display: grid; grid-template-columns: 9.5em 1fr; gap: 5px 8px; align-items: center; }
  .table .name { font-weight: 600; }
  .table .cells { display: flex; gap: 4px; }
  .table canvas { width: ${CELL}px; height: ${CELL}px; image-rendering: pixelated; border: 1px solid var(--gl-faint); }
  .dials { display: grid; grid-template-columns: max-content 1fr 10.5em max-content; gap: 4px 10px; align-items: center;
    margin: 9px 0 4px; }
  .dials .slider { display: contents; }
  .say { min-height: 3em; }
`;

// Numbers −1..1 as ink on paper; beyond, they are cut.
function ink(node, [H, W], values, reach) {
  const context = node.getContext("2d");
  const image = context.createImageData(W, H);
  for (let p = 0; p < H * W; p++) {
    const level = values ? clamp((1 + values[p] / reach) / 2, 0, 1) : 0;
    image.data.set([...Array(3).fill(255 * (1 - level)), values ? 255 : 0], 4 * p);
  }
  context.putImageData(image, 0, 0);
}

// Rows of as many pictures; returns what shows a row's values, or hides it.
function rowsOf(parent, { size: [H, W] }, count) {
  const table = el("div", parent, { class: "table" });
  return [...NAMES, "what was noised"].map((text) => {
    const name = el("div", table, { class: "name" }, text);
    const cells = el("div", table, { class: "cells", role: "img", "aria-label": text });
    const nodes = Array.from({ length: count }, () =>
      el("canvas", cells, { width: W, height: H, "aria-hidden": "true" }),
    );
    return (pictures, reach = 1, { shown = true, room = true } = {}) => {
      for (const node of [name, cells]) {
        node.style.visibility = shown ? "" : "hidden";
        node.style.display = room ? "" : "none";
      }
      nodes.forEach((node, p) => ink(node, [H, W], pictures[p], reach));
    };
  });
}

function words(say, { known, i, n, noise, errors }) {
  say.replaceChildren();
  const line = (text) => el("div", say, {}, text);
  const place = `α = ${signed(noise.alpha)}, σ = ${signed(noise.sigma)}`;
  if (known) {
    line(i === n ? "The picture without noise." : `Noise level ${i + 1} of ${n}: ${place}.`);
    if (errors) line(`Mean squared error of a pixel: x̂ ${signed(errors.x, 3)}, ε̂ ${signed(errors.eps, 3)}.`);
    return;
  }
  const steps = n === 1 ? "1 step" : `${n} steps`;
  line(i === n ? `After ${steps} these are samples.` : `Step ${i + 1} of ${steps} begins here: ${place}.`);
  line(
    i === n ? "Compare with other numbers of steps: the noise at the start is the same." : "Which digits are settled?",
  );
}

// The sliders over the numbers of steps and over the way, and the button that walks it; returns what shows them.
function dialsOf(root, view, now, change) {
  const dials = el("div", root, { class: "dials" });
  const samplers = view.walks[FROM_NOISE];
  const steps = slider(dials, {
    label: "number of steps",
    name: "steps",
    min: 0,
    max: samplers.length - 1,
    step: 1,
    show: (choice) => String(samplers[choice].guesses),
    act: (choice) => change({ choice }),
  });
  el("span", dials);
  const show = (at) => {
    const { alpha, sigma } = view.walk().at(Math.round(at * view.walk().last));
    return `α ${alpha.toFixed(2)}  σ ${sigma.toFixed(2)}`;
  };
  const act = (at) => change({ at });
  const time = slider(dials, { label: "on the way", name: "at", min: 0, max: 1, step: 0.01, show, act });
  const player = playButton(dials, {
    begin: () => change({ at: 0 }),
    step(since) {
      const at = Math.min(1, since / 3500);
      if (at === 1 || Math.round(at * view.walk().last) !== view.place()) change({ at: Number(at.toFixed(2)) });
      return at < 1;
    },
  });
  const set = () => {
    steps.set(now.choice);
    steps.node.disabled = now.mode === KNOWN;
    time.set(now.at);
  };
  return { set, stop: player.stop };
}

// All that is shown at a place of the way.
function showPlace(rows, state, frames, noise, known) {
  const sampled = frames[0].x === null;
  const all = (name) => frames.map((frame) => frame[name]);
  rows[0](all("x_t"), sampled ? 1 : noise.alpha + 1.3 * noise.sigma);
  rows[1](all("x"), 1, { shown: !sampled });
  rows[2](all("eps"), 3, { shown: !sampled });
  rows[3](state.truths, 1, { room: known });
}

function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  const pixels = state.size[0] * state.size[1];
  const count = state.truths.length;
  const walks = {};
  for (const mode of [FROM_NOISE, KNOWN])
    walks[mode] = state.walks[mode].map((one) => walkOf(one, count, pixels, state.reaches));
  const view = { walks };
  view.walk = () => walks[now.mode][now.mode === FROM_NOISE ? now.choice : 0];
  view.place = () => Math.round(now.at * view.walk().last);
  const top = el("div", root, { class: "top" });
  const modes = radios(top, {
    label: "what is denoised",
    options: [FROM_NOISE, KNOWN].map((mode) => [mode, mode]),
    act: (mode) => change({ mode }),
  });
  const rows = rowsOf(root, state, count);
  const dials = dialsOf(root, view, now, change);
  const say = el("div", root, { class: "say" });
  function update() {
    const [walk, i, known] = [view.walk(), view.place(), now.mode === KNOWN];
    const frames = state.truths.map((_, p) => walk.frame(i, p));
    const noise = walk.at(i);
    showPlace(rows, state, frames, noise, known);
    modes.set(now.mode);
    dials.set();
    const mean = (name, to) => frames.reduce((sum, frame, p) => sum + squaredError(frame[name], to[p]), 0) / count;
    const errors = known && frames[0].x ? { x: mean("x", state.truths), eps: mean("eps", state.noises) } : null;
    words(say, { known, i, n: walk.guesses, noise, errors });
    Object.assign(root.dataset, { mode: now.mode, steps: walk.guesses, i });
  }
  const take = (given) => {
    const { mode, choice, at } = given.value?.mode ? given.value : given;
    if (!walks[mode]?.length || !walks[FROM_NOISE][choice] || !(at >= 0 && at <= 1)) throw new TypeError("no such way");
    Object.assign(now, { mode, choice, at });
    update();
  };
  return { show: take, paint: update, stop: dials.stop };
}

export function draw(element, state) {
  const label = "Denoising scrubber: noisy pictures and what a network sees in them";
  mount(element, state, { name: "gl-denoise", title: "What the denoiser sees", label, width: 800, css: STYLE, setup });
}
