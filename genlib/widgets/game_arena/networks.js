// Both players as networks: one z on its way through G to a point x, and on through D to what D says of it.
import { Frame, clamp, disc, polyline, sigmoid, signed } from "../kit.js";
import { forward } from "./network.js";

export const STRIP = { width: 436, height: 122 };
const UNITS = 10; // of each hidden layer that are drawn
const LINES = 3; // strengths of line
const ONE = Float64Array.from([0.35, -0.55]); // the z that is followed
const NETS = new Frame({ x: [0, 1], y: [-1, 1], ...STRIP, top: 20, bottom: 20 });
const LEFT = 0.07;
const HALF = 0.5;
const RIGHT = 0.93;

// The places of a layer's units that are drawn, [unit, place]: all of a small layer, some of a hidden one.
function column(count, x) {
  const shown = Math.min(count, UNITS);
  const apart = count > 2 ? 2 / (UNITS - 1) : 0.7;
  const place = (k) => NETS.at([x, apart * ((shown - 1) / 2 - k)]);
  return Array.from({ length: shown }, (_, k) => [Math.floor((k * count) / shown), place(k)]);
}

const columnsOf = (layers, from, to) => {
  const counts = [layers[0].from, ...layers.map((layer) => layer.to)];
  return counts.map((count, k) => column(count, from + (k / 3) * (to - from)));
};

// The weights between two columns, in a few strengths: a line is the stronger, the larger its weight is.
function drawWeights(context, { from: width, w }, weights, [before, after], colour) {
  const most = Math.max(...before.map(([i]) => Math.max(...after.map(([o]) => Math.abs(weights[w + o * width + i])))));
  for (let strength = 1; strength <= LINES; strength++) {
    context.beginPath();
    for (const [i, start] of before)
      for (const [o, end] of after) {
        const size = Math.abs(weights[w + o * width + i]) / (most || 1);
        if (Math.min(LINES, Math.floor(size * (LINES + 1))) !== strength) continue;
        context.moveTo(...start);
        context.lineTo(...end);
      }
    const share = Math.round(255 * (0.12 + (0.55 * strength) / LINES));
    Object.assign(context, { strokeStyle: `${colour}${share.toString(16)}`, lineWidth: 0.4 + 0.3 * strength });
    context.stroke();
  }
}

// The units, filled as strongly as they are excited.
function drawUnits(context, columns, values, colour, paper) {
  columns.forEach((units, k) => {
    const most = Math.max(1e-9, ...units.map(([i]) => Math.abs(values[k][i])));
    for (const [i, place] of units) {
      const hidden = k > 0 && k < 3;
      const share = hidden ? clamp(values[k][i] / most, 0, 1) : 1;
      disc(context, place, hidden ? 3.6 : 4.6, paper, colour, 1.2);
      context.globalAlpha = share;
      disc(context, place, hidden ? 3.6 : 4.6, colour);
      context.globalAlpha = 1;
    }
  });
}

// An arrow along the foot, from right to left: which way the loss's slope flows, and whose weights follow it.
function drawFlow(context, who, theme) {
  if (who === null) return;
  const y = STRIP.height - 6;
  const [from, middle, to] = [RIGHT, HALF, LEFT].map((x) => NETS.px(x));
  const end = who === "D" ? middle + 12 : to;
  Object.assign(context, { strokeStyle: theme[who === "D" ? "blue" : "orange"], lineWidth: 2 });
  polyline(context, [[from, y], [end, y]]); // prettier-ignore
  polyline(context, [[end + 6, y - 4], [end, y], [end + 6, y + 4]]); // prettier-ignore
  Object.assign(context, { font: theme.font(10.5), fillStyle: theme.ink, textAlign: "center" });
  context.textBaseline = "bottom";
  const text = who === "D" ? "D's loss moves D" : "G's loss flows back through D, which stays, and moves G";
  context.strokeStyle = theme.paper;
  context.lineWidth = 4;
  context.strokeText(text, who === "D" ? (from + end) / 2 : (from + to) / 2, y - 3);
  context.fillText(text, who === "D" ? (from + end) / 2 : (from + to) / 2, y - 3);
}

// Which z is followed, where G puts it, and D's logit of it.
export function followed({ G, D }) {
  const made = forward(G, ONE);
  const judged = forward(D, made[3]);
  return { made, judged, x: [...made[3]], logit: judged[3][0] };
}

// who: the player whose turn it is or was last, "D" or "G", or null before the first.
export function drawNetworks(context, game, { critic, who }, theme) {
  const { made, judged, x, logit } = followed(game);
  context.clearRect(0, 0, STRIP.width, STRIP.height);
  const nets = [
    [game.G, made, theme.orange, columnsOf(game.G.layers, LEFT, HALF - 0.035)],
    [game.D, judged, theme.blue, columnsOf(game.D.layers, HALF + 0.035, RIGHT)],
  ];
  const through = nets[0][3][3].map(([, place], i) => [place, nets[1][3][0][i][1]]);
  Object.assign(context, { strokeStyle: theme.soft, lineWidth: 1 });
  for (const line of through) polyline(context, line);
  for (const [net, values, colour, columns] of nets) {
    net.layers.forEach((layer, k) => drawWeights(context, layer, net.weights, [columns[k], columns[k + 1]], colour));
    drawUnits(context, columns, values, colour, theme.paper);
  }
  Object.assign(context, { font: theme.font(11), fillStyle: theme.ink, textBaseline: "top" });
  const says = critic ? `score ${signed(logit)}` : `D(x) = ${signed(sigmoid(logit))}`;
  for (const [text, at, align] of [
    ["z", LEFT, "center"],
    ["G", (LEFT + HALF) / 2, "center"],
    [`x = (${signed(x[0], 1)}, ${signed(x[1], 1)})`, HALF, "center"],
    ["D", (HALF + RIGHT) / 2 - 0.04, "center"],
    [says, 1, "right"],
  ]) {
    context.textAlign = align;
    context.fillText(text, NETS.px(at), 1);
  }
  drawFlow(context, who, theme);
}
