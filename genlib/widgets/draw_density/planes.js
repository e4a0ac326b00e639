// What a plane of the studio shows at a time: the ground, arrows, points and their ways; and the curve of the error.
import { Frame, clamp, disc, polyline, signed } from "../kit.js";
import { noiseAt } from "./mixture.js";
import { REACH } from "./studio.js";
import { drawArrows, drawWays, stampPoints } from "./walkers.js";

export const SIZE = 396;
export const FRAME = new Frame({ x: [-REACH, REACH], y: [-REACH, REACH], width: SIZE, height: SIZE });
export const CURVE = { width: 330, height: 92 };
const MAP = 64; // the ground of densities has MAP × MAP cells,
const COARSE = 22; // that of errors COARSE × COARSE, in whose middles arrows stand, every second
const TRAILS = 32;

const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

// Shares 0..1 of a colour as a small canvas of n × n.
function shaded(node, values, n, colour, paper) {
  node.width = node.height = n;
  const context = node.getContext("2d");
  const image = context.createImageData(n, n);
  const [from, to] = [rgb(paper), rgb(colour)];
  for (let i = 0; i < n * n; i++) {
    const share = Math.min(1, values[i]);
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = from[c] + share * (to[c] - from[c]);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

const cells = (n) =>
  Float64Array.from({ length: 2 * n * n }, (_, i) => {
    const [cell, side] = [Math.floor(i / 2), (2 * REACH) / n];
    return i % 2 ? REACH - (Math.floor(cell / n) + 0.5) * side : ((cell % n) + 0.5) * side - REACH;
  });
const PLACES = cells(COARSE);
const TIMES = new Float64Array(COARSE * COARSE);

// ε̂ of a score on the coarse grid at the time that is shown; asked for once a picture.
function guessed(shown, score) {
  TIMES.fill(shown.t);
  return (shown.guess[score] ??= shown.studio.eps(score)(PLACES, TIMES, new Float64Array(PLACES.length)));
}

// What lies below both planes, as a small canvas.
export function drawGround(node, shown, theme) {
  const { studio, t, ground } = shown;
  shown.guess = {};
  const noise = noiseAt(t);
  if (ground === "density") {
    const p = studio.mixture.density(noise, MAP, REACH);
    const most = p.reduce((a, b) => Math.max(a, b), 1e-9);
    const colour = theme.sky;
    shaded(node, p.map((v) => 0.75 * Math.sqrt(v / most)), MAP, colour, theme.paper); // prettier-ignore
    return;
  }
  const [learned, exact] = ["learned", "exact"].map((score) => guessed(shown, score));
  const off = new Float64Array(COARSE * COARSE);
  for (let i = 0; i < off.length; i++) {
    const far = Math.hypot(learned[2 * i] - exact[2 * i], learned[2 * i + 1] - exact[2 * i + 1]);
    off[i] = (0.9 * far) / (0.7 + far);
  }
  shaded(node, off, COARSE, theme.amber, theme.paper);
}

// Where a score points: −ε̂, the way to less noise, from the middles of every second cell.
function arrowsOf(eps) {
  const pairs = [];
  for (let r = 0; r < COARSE; r += 2) {
    for (let c = r % 4 ? 0 : 1; c < COARSE; c += 2) {
      const i = 2 * (r * COARSE + c);
      const scale = 0.3 / Math.max(1.6, Math.hypot(eps[i], eps[i + 1]));
      const from = [PLACES[i], PLACES[i + 1]];
      pairs.push([from, [from[0] - scale * eps[i], from[1] - scale * eps[i + 1]]]);
    }
  }
  return pairs;
}

function drawWalk(context, walk, t, { trails }, colour, theme) {
  if (trails) drawWays(context, FRAME, walk, t, { many: TRAILS, colour: `${colour}70` });
  stampPoints(context, FRAME, walk.all(t), { colour, rim: `${theme.paper}cc` });
}

// One of both planes. shown: {studio, t, ground, arrows, trails, cursor, drawing}.
export function drawPlane(node, below, i, shown, theme) {
  const { studio, t } = shown;
  const context = node.getContext("2d");
  const { score } = studio.settings[i];
  if (!studio.mixture) {
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, SIZE, SIZE);
  } else {
    context.drawImage(below, 0, 0, SIZE, SIZE);
    if (shown.arrows) drawArrows(context, FRAME, arrowsOf(guessed(shown, score)), theme.soft);
    if (shown.drawing || t === 0) {
      for (const point of studio.points) disc(context, FRAME.at(point), 1.6, theme.ink);
    }
    if (!shown.drawing)
      drawWalk(context, studio.walks[i], t, shown, score === "exact" ? theme.blue : theme.orange, theme);
  }
  if (!shown.cursor) return;
  const [u, v] = FRAME.at(shown.cursor);
  Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5 });
  context.strokeRect(u - 6, v - 6, 12, 12);
}

// The error over the steps, on a logarithmic axis.
export function drawCurve(node, curve, theme) {
  const context = node.getContext("2d");
  const points = curve.filter(([, error]) => error > 0);
  const last = Math.max(200, points.at(-1)?.[0] ?? 0);
  const frame = new Frame({ x: [0, last], y: [-3, 0], ...CURVE, left: 42, right: 6, top: 6, bottom: 18 });
  context.clearRect(0, 0, CURVE.width, CURVE.height);
  Object.assign(context, { font: theme.font(11), fillStyle: theme.ink, textAlign: "right", textBaseline: "middle" });
  Object.assign(context, { strokeStyle: theme.faint, lineWidth: 1 });
  for (const y of [-3, -2, -1, 0]) {
    context.fillText(String(10 ** y), frame.left - 5, frame.py(y));
    polyline(context, [frame.at([0, y]), frame.at([last, y])]);
  }
  Object.assign(context, { textBaseline: "alphabetic" });
  context.fillText(`${signed(last, 0)} steps`, frame.right, CURVE.height - 3);
  Object.assign(context, { strokeStyle: theme.orange, lineWidth: 1.75 });
  const places = points.map(([step, error]) => frame.at([step, clamp(Math.log10(error), -3, 0)]));
  polyline(context, places);
}
