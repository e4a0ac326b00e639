// Runs that were stored: a model with all its tricks, and with one taken away, over several seeds.
// state: {steps: [frames], block: steps a loss is the mean of, shown: pictures a frame, tricks: [{name, instead}],
//   runs: [1 + tricks][seeds]{frechet: [frames], discriminator: [n], generator: [n]}, size: [H, W],
//   sprite: base64 of a PNG, a row a run, frame after frame, off, frame, value}.
// The last frame is of the averaged weights. Tells: {off: 0 for none or the number of a trick, frame}.
import { Frame, axisX, axisY, button, changing, checkbox, clip, el, mount, picture, playButton, put } from "../kit.js";
import { signed, slider, svg, ticks } from "../kit.js";
import { decades, meanOf, sheetAt } from "./runs.js";

const CELL = 30; // of a picture on the page
const CHART = { width: 390, height: 196, left: 44, right: 10, top: 26, bottom: 46 };
const PAIR = { all: "var(--gl-grey)", without: "var(--gl-green)" };
const PLAYERS = { discriminator: "var(--gl-blue)", generator: "var(--gl-orange)" };

const STYLE = `
  max-width: 800px;
  .switches { display: grid; gap: 2px; margin-bottom: 10px; }
  .switches label { display: grid; grid-template-columns: 1.4em 18em 1fr; }
  .switches .instead { color: var(--gl-green); font-weight: 600; }
  .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 385px), 1fr)); gap: 8px 18px;
    margin-bottom: 8px; }
  .seeds { display: grid; gap: 6px; min-height: ${3 * CELL + 12}px; align-content: start; }
  .seed { display: flex; gap: 2px; }
  .cell { width: ${CELL}px; height: ${CELL}px; background-image: var(--sheet); image-rendering: pixelated; }
  .time { display: flex; gap: 10px; align-items: center; margin: 4px 0 8px; }
  .time .slider { flex: 1; } .time input { flex: 1; } .time .num { min-width: 10em; }
  .say { min-height: 3em; } .legend { font-weight: 600; }
`;

// The pictures of all seeds of one variant; returns what shows a frame of it.
function pictures(parent, state, title) {
  const box = el("figure", parent);
  const caption = el("figcaption", box, {}, title);
  const rows = el("div", box, { class: "seeds" });
  const columns = state.steps.length * state.shown;
  const seeds = state.runs[0].map((_, s) => {
    const row = el("div", rows, { class: "seed", role: "img", "aria-label": `samples of seed ${s + 1}` });
    return Array.from({ length: state.shown }, () => {
      const cell = el("div", row, { class: "cell" });
      cell.style.backgroundSize = `${columns * CELL}px auto`;
      return cell;
    });
  });
  return (variant, frame, name) => {
    caption.textContent = name;
    rows.style.visibility = variant === null ? "hidden" : "";
    seeds.forEach((cells, s) =>
      cells.forEach((cell, k) => {
        const [x, y] = sheetAt({ variant: variant ?? 0, seed: s, frame, picture: k }, state);
        cell.style.backgroundPosition = `${-x * CELL}px ${-y * CELL}px`;
      }),
    );
  };
}

const line = (parent, frame, points, stroke, more = {}) =>
  svg("path", parent, { d: frame.path(points), fill: "none", stroke, "stroke-width": 1.8, ...more });

// Fréchet distances over the steps, on a logarithmic axis; the averaged weights as dots behind the last step.
function distances(parent, state) {
  const all = state.runs.flat().flatMap((run) => run.frechet.map(Math.log10));
  const last = state.steps.at(-1);
  const y = [Math.floor(10 * Math.min(...all)) / 10, Math.ceil(10 * Math.max(...all)) / 10];
  const frame = new Frame({ x: [0, 1.05 * last], y, ...CHART });
  const root = picture(parent, [CHART.width, CHART.height], "Fréchet distance of the samples over the steps");
  svg("text", root, { x: 4, y: 12 }, "Fréchet distance (log), lower is better");
  svg("text", root, { x: frame.right, y: CHART.height - 3, "text-anchor": "end" }, "step");
  axisX(root, frame, ticks(0, last, last / 4));
  axisY(root, frame, decades(y), { line: true, text: (v) => String(Math.round(10 ** v)) });
  const plot = clip(root, frame);
  const now = svg("line", root, {
    y1: frame.top,
    y2: frame.bottom,
    stroke: "var(--gl-line)",
    "stroke-dasharray": "3 3",
  });
  const add = (runs, colour) => {
    for (const run of runs) {
      const points = run.frechet.map((d, k) => [state.steps[k], Math.log10(d)]);
      line(plot, frame, points.slice(0, -1), colour);
      const [cx, cy] = frame.at([1.03 * last, points.at(-1)[1]]);
      svg("circle", plot, { cx, cy, r: 3, fill: colour });
    }
  };
  return (off, at) => {
    plot.replaceChildren();
    add(state.runs[0], PAIR.all);
    if (off) add(state.runs[off], PAIR.without);
    const u = frame.px(at === state.steps.length - 1 ? 1.03 * last : state.steps[at]);
    put(now, { x1: u, x2: u });
  };
}

// Both players' losses of all seeds.
function losses(parent, state) {
  const highest = Math.max(...state.runs.flat().flatMap((run) => [...run.discriminator, ...run.generator]));
  const n = state.runs[0][0].generator.length;
  const frame = new Frame({ x: [0, n * state.block], y: [0, Math.min(8, Math.ceil(highest))], ...CHART });
  const root = picture(parent, [CHART.width, CHART.height], "losses of discriminator and generator over the steps");
  const title = svg("text", root, { x: 4, y: 12 });
  for (const [name, fill] of Object.entries(PLAYERS)) svg("tspan", title, { fill, class: "legend" }, `${name}  `);
  svg("tspan", title, {}, "loss, nats");
  svg("text", root, { x: frame.right, y: CHART.height - 3, "text-anchor": "end" }, "step");
  axisX(root, frame, ticks(0, frame.x[1], frame.x[1] / 4));
  axisY(root, frame, ticks(...frame.y, frame.y[1] > 4 ? 2 : 1), { line: true });
  const plot = clip(root, frame);
  return (off) => {
    plot.replaceChildren();
    for (const run of state.runs[off])
      for (const [player, colour] of Object.entries(PLAYERS)) {
        const points = run[player].map((value, k) => [(k + 0.5) * state.block, value]);
        line(plot, frame, points, colour, { "stroke-width": 1.3, "stroke-opacity": 0.85 });
      }
  };
}

// Five switches, of which one may be off.
function switches(root, state, act) {
  const box = el("div", root, { class: "switches", role: "group", "aria-label": "tricks" });
  const made = state.tricks.map(({ name, instead }, k) => {
    const input = checkbox(box, "", (on) => act(on ? 0 : k + 1));
    input.parentElement.append(el("span", input.parentElement, {}, `${k + 1} ${name}`));
    const text = el("span", input.parentElement, { class: "instead" });
    return (off) => {
      input.checked = off !== k + 1;
      text.textContent = off === k + 1 ? `off: ${instead}` : "";
    };
  });
  return (off) => made.forEach((each) => each(off));
}

function words(say, state, { off, frame }) {
  const at = (variant) => meanOf(state.runs[variant].map((run) => run.frechet[frame]));
  const range = (variant) => state.runs[variant].map((run) => Math.round(run.frechet[frame])).join(", ");
  say.replaceChildren();
  el("div", say, {}, `With all five tricks the Fréchet distance is ${at(0).toFixed(0)} here (${range(0)}).`);
  const ratio = at(off) / at(0);
  const text = off
    ? `Without ${state.tricks[off - 1].name}: ${at(off).toFixed(0)} (${range(off)}), ${signed(ratio, 1)} times that.`
    : "Switch one of them off.";
  el("div", say, {}, text);
}

function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  if (!/^[A-Za-z0-9+/=]+$/.test(state.sprite)) throw new TypeError("the sprite is no base64");
  root.style.setProperty("--sheet", `url("data:image/png;base64,${state.sprite}")`);
  const last = state.steps.length - 1;
  const set = switches(root, state, (off) => change({ off }));
  const pair = el("div", root, { class: "pair" });
  const [left, right] = [pictures(pair, state, ""), pictures(pair, state, "")];
  const time = el("div", root, { class: "time" });
  const show = (frame) => (Number(frame) === last ? `${state.steps[last]}, averaged` : String(state.steps[frame]));
  const act = (frame) => change({ frame });
  const dial = slider(time, { label: "after step", min: 0, max: last, step: 1, show, name: "frame", act });
  playButton(time, {
    begin: () => change({ frame: 0 }),
    step: (since) => {
      const frame = Math.min(last, Math.floor(since / 700));
      if (frame !== now.frame) change({ frame });
      return frame < last;
    },
  });
  button(time, "All five on", () => change({ off: 0 }));
  const charts = el("div", root, { class: "pair" });
  const [curve, lost] = [distances(charts, state), losses(charts, state)];
  const say = el("div", root, { class: "say" });
  function update() {
    const { off, frame } = now;
    const name = off ? `without ${state.tricks[off - 1].name}` : "all five";
    set(off);
    left(0, frame, "all five tricks, three seeds");
    right(off || null, frame, off ? `${name}, three seeds` : "one of them off");
    dial.set(frame);
    curve(off, frame);
    lost(off);
    words(say, state, now);
    Object.assign(root.dataset, { off, frame });
  }
  const take = (given) => {
    const { off, frame } = given.value?.frame === undefined ? given : given.value;
    Object.assign(now, { off, frame });
    update();
  };
  return { show: take, paint: update };
}

const HINT =
  "Guess which trick this network could do without, and switch it off. Then play the run: do the losses tell which " +
  "pictures are better?";

export function draw(element, state) {
  mount(element, state, { name: "gl-tricks", title: "Five tricks", hint: HINT, width: 800, css: STYLE, setup });
}
