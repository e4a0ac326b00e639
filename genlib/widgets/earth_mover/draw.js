// Two heaps of points, the plan that carries one to the other, and the ground of a critic.
// state: {fakes: [[x, y]], data: [[x, y]], plan: "best" | "order", ground, value}. Tells the same four.
import { Frame, arrows, axisX, axisY, changing, checkbox, clamp, drag, el, mount, picture } from "../kit.js";
import { put, radios, signed, svg } from "../kit.js";
import { numbers } from "./transport.js";

const STYLE = `
  display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: flex-start;
  svg { width: 480px; max-width: 100%; height: auto; background: var(--gl-paper); border: 1px solid var(--gl-faint); }
  svg .tick { fill: var(--gl-soft); }
  .point { cursor: grab; stroke: var(--gl-paper); stroke-width: 1.5; }
  .point:focus-visible { outline: none; stroke: var(--gl-ink); stroke-width: 3; }
  svg .number { fill: var(--gl-paper); font-size: 10px; font-weight: 600; pointer-events: none; }
  .way { stroke: var(--gl-ink); stroke-width: 1.6; opacity: .75; }
  .side { width: 24em; font-variant-numeric: tabular-nums; }
  .line { display: grid; grid-template-columns: 14em 1fr; gap: 4px 10px; margin: 4px 0; }
  .line b { font-weight: 600; }
  .say { margin: 10px 0; min-height: 5.6em; }
`;
const SIZE = 480;
const EDGE = 4;
const CELLS = 24; // each way
const FRAME = new Frame({ x: [-EDGE, EDGE], y: [-EDGE, EDGE], width: SIZE, height: SIZE });
const HEAPS = { fakes: "var(--gl-orange)", data: "var(--gl-blue)" };

const snap = (v) => Math.round(clamp(v, -EDGE, EDGE) * 20) / 20;
const middle = (k) => -EDGE + ((k + 0.5) * 2 * EDGE) / CELLS;

// The plane: the critic's ground, lines for the ways, and the points, which can be taken.
function plane(root, { fakes, data }) {
  const shown = picture(root, [SIZE, SIZE], "Fakes and data, joined by a plan", { hands: true });
  const size = SIZE / CELLS;
  const ground = svg("g", shown);
  const cells = Array.from({ length: CELLS ** 2 }, (_, k) => {
    const [i, j] = [k % CELLS, Math.floor(k / CELLS)];
    const node = svg("rect", ground, { x: i * size, y: SIZE - (j + 1) * size, width: size, height: size });
    return { node, place: [middle(i), middle(j)] };
  });
  axisX(shown, FRAME, [-2, 0, 2], { at: -EDGE + 0.5, line: false, mark: 0 });
  axisY(shown, FRAME, [-2, 2], { at: -EDGE + 0.5, mark: 0 });
  const ways = fakes.map(() => svg("line", shown, { class: "way" }));
  const points = Object.entries({ fakes, data }).flatMap(([heap, places]) =>
    places.map((_, i) => {
      const label = `${heap === "fakes" ? "fake" : "example of the data"} ${i + 1}: arrow keys move it`;
      const named = { r: 9, fill: HEAPS[heap], class: `point ${heap}`, role: "application", "aria-label": label };
      const node = svg("circle", shown, named);
      return { heap, i, node, number: svg("text", shown, { class: "number", "text-anchor": "middle" }, i + 1) };
    }),
  );
  return { shown, ground, cells, ways, points };
}

// What stands beside it, in numbers and in words.
function readings(side) {
  const rows = ["mean length of this plan", "shortest plan: W₁", "critic: data minus fakes"].map((title) => {
    const row = el("div", side, { class: "line" });
    el("span", row, {}, title);
    return el("b", row);
  });
  return { rows, say: el("div", side, { class: "say" }) };
}

function showPlane({ ground, cells, ways, points }, now, found) {
  for (const { heap, i, node, number } of points) {
    const [x, y] = FRAME.at(now[heap][i]).map((v) => v.toFixed(1));
    put(node, { cx: x, cy: y });
    put(number, { x, y, dy: ".35em" });
  }
  ways.forEach((way, i) => {
    const [[x1, y1], [x2, y2]] = [FRAME.at(now.fakes[i]), FRAME.at(now.data[found.to[i]])];
    put(way, { x1, y1, x2, y2 });
  });
  put(ground, { visibility: now.ground ? "visible" : "hidden" });
  if (!now.ground) return;
  const heights = cells.map(({ place }) => found.critic(place));
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  cells.forEach(({ node }, k) => {
    const height = (2 * (heights[k] - low)) / (high - low || 1) - 1; // -1..1
    put(node, { fill: HEAPS[height > 0 ? "data" : "fakes"], "fill-opacity": (0.45 * Math.abs(height)).toFixed(3) });
  });
}

function showReadings({ rows, say }, found) {
  [found.length, found.distance, found.gap].forEach((value, i) => (rows[i].textContent = signed(value, 3)));
  const longer = found.length - found.distance;
  say.textContent =
    found.distance < 0.005
      ? "Both heaps lie on top of each other: nothing has to be carried, and no critic finds a difference."
      : longer > 0.005
        ? `This plan carries ${signed(longer, 3)} farther than it has to, on average.`
        : "No plan is shorter, and the critic proves it: its slope is at most 1, so a critic can't score the heaps " +
          "farther apart than any plan carries.";
}

function setup(root, state, { tell }) {
  const { now, change } = changing(update, tell);
  Object.assign(now, { fakes: state.fakes, data: state.data, plan: state.plan, ground: state.ground });
  const drawn = plane(root, state);
  const side = el("div", root, { class: "side" });
  const options = [
    ["best", "shortest plan"],
    ["order", "1 to 1, 2 to 2, …"],
  ];
  const plan = radios(side, { label: "plan", options, act: (chosen) => change({ plan: chosen }) });
  const box = checkbox(side, " the critic's ground: blue is high", (on) => change({ ground: on }), true);
  const shown = readings(side);
  const move = ({ heap, i }, place) => change({ [heap]: now[heap].map((old, k) => (k === i ? place.map(snap) : old)) });
  for (const point of drawn.points) {
    drag(point.node, { move: (event) => move(point, FRAME.pointer(event, drawn.shown)) });
    const { heap, i } = point;
    arrows(point.node, (dx, dy) => move(point, [now[heap][i][0] + 0.1 * dx, now[heap][i][1] + 0.1 * dy]));
  }
  function update() {
    const found = numbers(now);
    showPlane(drawn, now, found);
    showReadings(shown, found);
    plan.set(now.plan);
    box.checked = now.ground;
  }
  const show = (given) => {
    const { fakes, data, plan: chosen, ground } = { ...given, ...given.value };
    Object.assign(now, { fakes, data, plan: chosen, ground });
    update();
  };
  return { show };
}

export function draw(element, state) {
  const title = "Earth mover in the plane";
  const hint =
    "Drag an orange fake past another one: when do their partners change? Is any plan shorter than the critic's gap?";
  mount(element, state, { name: "gl-earth", title, hint, width: 848, css: STYLE, setup });
}
