// Runs that were counted: how often each code was chosen, at steps of a training.
// state: {steps: [frames], codes: K, names: [runs], counts: [runs][frames][K], frame, sorted, value}.
// Tells: {frame, sorted}.
import { Frame, axisX, axisY, canvas, changing, checkbox, clamp, clip, el, mix, mount, picture } from "../kit.js";
import { playButton, polyline, put, signed, slider, svg, ticks } from "../kit.js";
import { perplexity, ranked, used } from "./usage.js";

const BARS = { width: 380, height: 150 };
const CHART = { width: 800, height: 190, left: 44, right: 12, top: 26, bottom: 40 };
const MOST = 16; // times the mean share: bars end there, or those of a run that uses all codes could not be seen
const COLOURS = ["orange", "blue", "green", "pink"];

const STYLE = `
  max-width: 830px;
  .runs { display: grid; gap: 10px 24px;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, ${BARS.width}px), 1fr)); }
  .runs canvas { max-width: 100%; background: var(--gl-shade); } .runs figcaption { margin-bottom: 3px; }
  .note { color: var(--gl-soft); margin-top: 4px; }
  .runs .num { font-weight: 400; display: block; }
  .time { display: flex; gap: 10px 16px; align-items: center; margin: 10px 0; flex-wrap: wrap; }
  .time .slider { flex: 1; min-width: 16em; } .time input[type=range] { flex: 1; } .time .num { min-width: 4em; }
  svg.chart { width: ${CHART.width}px; max-width: 100%; height: auto; } svg .tick { fill: var(--gl-soft); }
  .say { min-height: 3em; }
`;

// The bars of one run: a code each, as high as its share, lit where it is used; a line where all would be equal.
function meter(parent, k, { names, codes }, theme) {
  const box = el("figure", parent);
  const caption = el("figcaption", box, { style: `color:var(--gl-${COLOURS[k]})` }, names[k]);
  const number = el("span", caption, { class: "num" });
  const label = `how often each of ${codes} codes is used: ${names[k]}`;
  const node = canvas(box, BARS.width, BARS.height, { role: "img", "aria-label": label });
  const [wide, floor] = [BARS.width / codes, BARS.height - 14];
  return (counts, sorted, most) => {
    const context = node.getContext("2d");
    context.clearRect(0, 0, BARS.width, BARS.height);
    const n = counts.reduce((a, b) => a + b, 0) || 1;
    const order = sorted ? ranked(counts) : counts.map((_, i) => i);
    const full = theme[COLOURS[k]];
    order.forEach((code, i) => {
      const share = counts[code] / n;
      const gap = wide > 4 ? 1 : 0.3;
      context.fillStyle = full;
      const high = share > 0 ? clamp((floor - 4) * Math.sqrt(share / most), 1, floor) : 0;
      context.fillRect(i * wide, floor - high, wide - gap, high);
      const light = Math.min(1, 0.35 + Math.sqrt(share * codes) / 2); // a lamp below each
      context.fillStyle = share > 0 ? mix(theme.shade, full, light) : theme.faint;
      context.fillRect(i * wide, floor + 3, wide - gap, 9);
    });
    const level = floor - (floor - 4) * Math.sqrt(1 / codes / most);
    context.strokeStyle = theme.ink;
    context.setLineDash([4, 3]);
    polyline(context, [[0, level], [BARS.width, level]]); // prettier-ignore
    context.setLineDash([]);
    number.textContent = `perplexity ${signed(perplexity(counts), 1)}, ${used(counts)} of ${codes} codes`;
  };
}

// A step of an axis of about so much: 1, 2 or 5 times a power of ten, at least 1.
function roundStep(about) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, about)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= about - 1e-9) ?? 1;
}

// The perplexities over the steps, and a line at the step that is shown.
function chart(root, { steps, codes, counts, names }) {
  const shown = picture(root, [CHART.width, CHART.height], "perplexity over the steps of training", { class: "chart" });
  const last = steps.at(-1);
  const frame = new Frame({ x: [Math.min(0, steps[0]), last || 1], y: [0, codes], ...CHART });
  const title = svg("text", shown, { x: 4, y: 14 });
  svg("tspan", title, { "font-weight": 600 }, "perplexity   ");
  names.forEach((name, k) =>
    svg("tspan", title, { fill: `var(--gl-${COLOURS[k]})`, "font-weight": 600, dx: 14 }, name),
  );
  axisX(shown, frame, ticks(0, last, roundStep(last / 5)), { text: (v) => String(Math.round(v)) });
  axisY(shown, frame, ticks(0, codes, codes / 4), { line: true });
  svg("text", shown, { x: frame.right, y: CHART.height - 4, "text-anchor": "end" }, "step");
  const plot = clip(shown, { ...frame, top: frame.top - 3, bottom: frame.bottom + 3 });
  counts.forEach((run, k) => {
    const d = frame.path(run.map((each, i) => [steps[i], perplexity(each)]));
    svg("path", plot, { d, fill: "none", stroke: `var(--gl-${COLOURS[k]})`, "stroke-width": 2.2 });
  });
  const style = { stroke: "var(--gl-line)", "stroke-dasharray": "3 3", y1: frame.top, y2: frame.bottom };
  const now = svg("line", shown, style);
  const dots = counts.map((_, k) => svg("circle", shown, { r: 5, fill: `var(--gl-${COLOURS[k]})` }));
  return (at) => {
    put(now, { x1: frame.px(steps[at]), x2: frame.px(steps[at]) });
    dots.forEach((dot, k) => put(dot, { cx: frame.px(steps[at]), cy: frame.py(perplexity(counts[k][at])) }));
  };
}

function words({ names, codes, counts, steps }, frame) {
  const each = names.map((name, k) => {
    const dead = codes - used(counts[k][frame]);
    const as = signed(perplexity(counts[k][frame]), 1);
    return `${name}: as if ${as} of ${codes} codes were used equally, ${dead} not at all`;
  });
  return `Step ${steps[frame]}. ${each.join("; ")}.`;
}

function setup(root, state, { tell, theme }) {
  const { now, change } = changing(update, tell);
  const { steps, counts } = state;
  const last = steps.length - 1;
  const highest = (each) => Math.max(...each) / (each.reduce((a, b) => a + b, 0) || 1);
  const most = Math.min(MOST / state.codes, Math.max(...counts.flat().map(highest)));
  const box = el("div", root, { class: "runs" });
  const meters = counts.map((_, k) => meter(box, k, state, theme));
  const note = "a bar for each code, as high as the root of its share (cut off at 16 times the mean); below it a lamp";
  el("div", root, { class: "small note" }, note);
  const time = el("div", root, { class: "time" });
  const show = (frame) => String(steps[frame]);
  const act = (frame) => change({ frame });
  const dial = slider(time, { label: "after step", min: 0, max: last, step: 1, show, name: "frame", act });
  playButton(time, {
    begin: () => change({ frame: 0 }),
    step: (since) => {
      const frame = Math.min(last, Math.floor((since * Math.max(8, last / 6)) / 1000));
      if (frame !== now.frame) change({ frame });
      return frame < last;
    },
  });
  const ordered = checkbox(time, "most used first", (on) => change({ sorted: on }));
  const showChart = chart(root, state);
  const say = el("div", root, { class: "say" });
  function update() {
    meters.forEach((paint, k) => paint(counts[k][now.frame], now.sorted, most));
    dial.set(now.frame);
    ordered.checked = now.sorted;
    showChart(now.frame);
    say.textContent = words(state, now.frame);
  }
  const take = (given) => {
    const { frame, sorted } = { ...given, ...given.value };
    Object.assign(now, { frame, sorted });
    update();
  };
  return { show: take, paint: update };
}

const HINT =
  "Play the training: when do codes go dark, and which run lights them again? Then sort them: are all codes that are " +
  "in use used equally? The dashed line is where each would stand if they were.";

export function draw(element, state) {
  mount(element, state, { name: "gl-meter", title: "Codes in use", hint: HINT, width: 830, css: STYLE, setup });
}
