// The plane of two directions: the prior's density, axes, codes; and over it pins, the way between them, the point.
import { canvas, disc, polyline, signed, ticks } from "../kit.js";
import { logPrior } from "./space.js";

const CELLS = 86; // of the density's picture, a side

const NAMES = ["blue", "orange", "green", "amber", "pink", "sky", "grey"];
const FURTHER = ["#b8a500", "#9a5fc0", "#a5682a"];
export const classColour = (k, theme) => [...NAMES.map((name) => theme[name]), ...FURTHER][k % 10];

// Drawn small and blown up: smooth.
function drawDensity(context, { x, y, width, height }, latent, dimensions) {
  const densities = [];
  const place = Array(dimensions).fill(0);
  for (let r = 0; r < CELLS; r++) {
    for (let c = 0; c < CELLS; c++) {
      place[0] = x[0] + ((c + 0.5) / CELLS) * (x[1] - x[0]);
      place[1] = y[1] - ((r + 0.5) / CELLS) * (y[1] - y[0]);
      densities.push(logPrior(latent(place)));
    }
  }
  const most = densities.reduce((a, b) => Math.max(a, b));
  const small = document.createElement("canvas");
  small.width = small.height = CELLS;
  const shade = small.getContext("2d").createImageData(CELLS, CELLS);
  densities.forEach((value, i) => shade.data.set([86, 180, 233, 115 * Math.exp(value - most)], 4 * i));
  small.getContext("2d").putImageData(shade, 0, 0);
  context.drawImage(small, 0, 0, width, height);
}

function drawAxes(context, frame, names, theme) {
  const { width, height } = frame;
  const [u, v] = frame.at([0, 0]);
  Object.assign(context, { strokeStyle: theme.line, lineWidth: 0.5, fillStyle: theme.soft, font: theme.font(10) });
  polyline(context, [[u, 0], [u, height]]); // prettier-ignore
  polyline(context, [[0, v], [width, v]]); // prettier-ignore
  const long = frame.x[1] - frame.x[0];
  const step = long > 12 ? 4 : long > 6 ? 2 : 1;
  Object.assign(context, { textBaseline: "top", textAlign: "center" });
  for (const x of ticks(...frame.x, step))
    if (x) context.fillText(signed(x, 0), frame.px(x), Math.min(v + 3, height - 12));
  Object.assign(context, { textBaseline: "middle", textAlign: "right" });
  for (const y of ticks(...frame.y, step)) if (y) context.fillText(signed(y, 0), Math.max(u - 3, 12), frame.py(y));
  Object.assign(context, { fillStyle: theme.ink, font: theme.font(11, 600) });
  context.fillText(names[0], width - 4, Math.min(v - 9, height - 7));
  context.textAlign = "left";
  context.fillText(names[1], Math.max(u + 4, 2), 9);
}

// Codes as points, or as the names of their classes where these are short.
function drawCodes(context, frame, { points, labels, classes }, theme) {
  const letters = labels && classes.every((name) => name.length <= 2);
  Object.assign(context, { textAlign: "center", textBaseline: "middle", font: theme.font(8.5, 600) });
  points.forEach((point, i) => {
    const label = labels ? labels[i] : 0;
    const colour = `${classColour(label, theme)}cc`;
    const [u, v] = frame.at(point);
    if (!letters) return disc(context, [u, v], 2.5, colour);
    context.fillStyle = colour;
    context.fillText(classes[label], u, v);
  });
}

// What stays while the point moves, drawn once, as a canvas.
// sheet: pictures that lie faintly below all, a canvas, or null.
export function drawGround(state, frame, latent, theme, sheet = null) {
  const ground = canvas(document.createDocumentFragment(), frame.width, frame.height);
  const context = ground.getContext("2d");
  context.fillStyle = theme.paper;
  context.fillRect(0, 0, frame.width, frame.height);
  if (state.prior) drawDensity(context, frame, latent, state.names.length);
  if (sheet) {
    context.globalAlpha = state.points.length ? 0.3 : 0.65; // letters have to be read above it
    context.drawImage(sheet, 0, 0, frame.width, frame.height);
    context.globalAlpha = 1;
  }
  drawAxes(context, frame, state.names, theme);
  drawCodes(context, frame, state, theme);
  return ground;
}

// A pin with its letter, or the point that moves.
function drawMark(context, [u, v], letter, theme) {
  const [outside, inside] = letter ? [theme.paper, theme.ink] : [theme.ink, theme.paper];
  disc(context, [u, v], letter ? 8.5 : 6.5, inside, outside);
  if (!letter) return disc(context, [u, v], 2, theme.ink);
  Object.assign(context, { fillStyle: theme.paper, textAlign: "center", textBaseline: "middle" });
  context.font = "600 10px system-ui, sans-serif";
  context.fillText(letter, u, v + 0.5);
}

// way: points on the way from A to B, or null.
export function drawPlane(node, ground, frame, { a, b, way, here }, theme) {
  const context = node.getContext("2d");
  context.drawImage(ground, 0, 0, frame.width, frame.height);
  if (way) {
    Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5 });
    polyline(
      context,
      way.map((place) => frame.at(place)),
    );
  }
  if (a) drawMark(context, frame.at(a), "A", theme);
  if (b) drawMark(context, frame.at(b), "B", theme);
  drawMark(context, frame.at(here), "", theme);
}
