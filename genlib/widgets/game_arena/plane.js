// What the arena draws: the ground coloured by D, real points, fakes, the pull on them, and curves over the turns.
import { Frame, arrow, clamp, disc, el, polyline, random, sigmoid, signed } from "../kit.js";
import { REACH, distance, noise } from "./game.js";
import { losses } from "./losses.js";
import { forward } from "./network.js";

export const SIZE = 420; // of the plane on the page, in pixels
export const FRAME = new Frame({ x: [-REACH, REACH], y: [-REACH, REACH], width: SIZE, height: SIZE });
export const CURVES = { width: 436, height: 58 };
const SHOWN = 220; // points of each kind that are drawn
const PULLS = 55;
const MAP = 48; // the ground has MAP x MAP cells
const FIXED = noise(SHOWN, random(99)); // the same z in every picture

const CELLS = Float64Array.from({ length: 2 * MAP * MAP }, (_, i) => {
  const [cell, side] = [Math.floor(i / 2), (2 * REACH) / MAP];
  return i % 2 ? REACH - (Math.floor(cell / MAP) + 0.5) * side : ((cell % MAP) + 0.5) * side - REACH;
});

export const isCritic = ({ loss }) => !["minimax", "non-saturating"].includes(loss);

// What D says of a logit, 0 (fake) to 1 (real). A critic has no zero: its range is stretched over the colours.
function verdict(loss, logits) {
  if (loss === "least-squares") return (a) => clamp(a, 0, 1);
  if (loss !== "wasserstein") return sigmoid;
  const [low, high] = [Math.min(...logits), Math.max(...logits)];
  return (a) => (a - low) / (high - low || 1);
}

const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

// The ground, MAP x MAP pixels, on a canvas of its own.
export function drawGround(ground, game, theme) {
  ground.width = ground.height = MAP;
  const logits = forward(game.D, CELLS)[3];
  const says = verdict(game.settings.loss, logits);
  const [paper, real, fake] = [theme.paper, theme.blue, theme.orange].map(rgb);
  const context = ground.getContext("2d");
  const image = context.createImageData(MAP, MAP);
  logits.forEach((logit, i) => {
    const p = says(logit);
    const [colour, share] = p > 0.5 ? [real, 2 * p - 1] : [fake, 1 - 2 * p];
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = paper[c] + 0.62 * share * (colour[c] - paper[c]);
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

function drawDots(context, flat, colour, paper) {
  for (let i = 0; i < flat.length; i += 2) {
    disc(context, FRAME.at([flat[i], flat[i + 1]]), 2.5, colour, `${paper}cc`, 0.75);
  }
}

// As long as the pull is strong; very long ones are cut.
function drawPull(context, fake, pull, theme) {
  Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.25 });
  for (let i = 0; i < PULLS; i++) {
    const [x, y] = [fake[2 * i], fake[2 * i + 1]];
    const [dx, dy] = [-SHOWN * pull[2 * i], -SHOWN * pull[2 * i + 1]]; // the mean's gradient: times n, each point's own
    const scale = 0.35 * Math.min(1, 2 / (Math.hypot(dx, dy) || 1));
    const [from, to] = [FRAME.at([x, y]), FRAME.at([x + scale * dx, y + scale * dy])];
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) >= 1.5) arrow(context, from, to, 5.5);
  }
}

// Lines of the noise's square, as G lays them into the plane.
function drawFolds(context, game, theme) {
  const [n, fine] = [15, 40];
  Object.assign(context, { strokeStyle: `${theme.ink}59`, lineWidth: 0.75 });
  for (let k = 0; k < 2 * n; k++) {
    const z = new Float64Array(2 * fine);
    for (let i = 0; i < fine; i++) {
      const [a, b] = [(2 * (k % n)) / (n - 1) - 1, (2 * i) / (fine - 1) - 1];
      z.set(k < n ? [a, b] : [b, a], 2 * i);
    }
    const line = forward(game.G, z)[3];
    polyline(
      context,
      Array.from({ length: fine }, (_, i) => FRAME.at([line[2 * i], line[2 * i + 1]])),
    );
  }
}

// Draws all but the ground, which is given, and returns what is to be said of it: {real, fake, pull, far}, with far
// the distance of fakes from data.
export function drawPlane(context, ground, game, { arrows, folds, cursor }, theme) {
  context.drawImage(ground, 0, 0, SIZE, SIZE);
  const real = game.points(SHOWN, random(7));
  const now = losses(game, real, FIXED, game.settings.loss, 0);
  if (folds) drawFolds(context, game, theme);
  if (game.hasData()) drawDots(context, real, theme.blue, theme.paper);
  drawDots(context, now.fake, theme.orange, theme.paper);
  const { pull } = now.maker();
  if (arrows) drawPull(context, now.fake, pull, theme);
  if (cursor) {
    const [u, v] = FRAME.at(cursor);
    Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5 });
    context.strokeRect(u - 6, v - 6, 12, 12);
  }
  const says = isCritic(game.settings) ? (a) => a : sigmoid;
  const mean = (logits) => logits.reduce((sum, a) => sum + says(a), 0) / logits.length;
  let strength = 0;
  for (let i = 0; i < SHOWN; i++) strength += Math.hypot(pull[2 * i], pull[2 * i + 1]);
  const far = game.hasData() ? distance(now.fake, real) : NaN;
  return { real: mean(now.onReal), fake: mean(now.onFake), pull: strength, far };
}

export function showWords(say, game, { real, fake, pull, far }, said) {
  const number = (v) => (Number.isFinite(v) ? signed(v) : "–");
  const name = isCritic(game.settings) ? "mean score" : "mean D";
  const nothing = "There are no points yet: paint some on the plane.";
  const scores = `${name}: real ${number(real)}, fakes ${number(fake)}`;
  say.replaceChildren();
  el("div", say, {}, `turns: D ${game.D.turns}, G ${game.G.turns};  ${scores};  pull ${number(pull)}`);
  el("div", say, {}, said || (game.hasData() ? `distance ${number(far)}` : nothing));
}

// Columns [index, colour] of the rows of the game's past, and a line at the moment that is looked at.
export function drawCurves(node, rows, columns, back, theme) {
  const context = node.getContext("2d");
  const values = rows.flatMap((row) => columns.map(([k]) => row[k])).filter(Number.isFinite);
  values.sort((a, b) => a - b);
  const low = Math.min(0, values[Math.floor(0.01 * values.length)] ?? 0);
  const high = Math.max(values[Math.floor(0.99 * (values.length - 1))] ?? 2, low + 0.5);
  const x = [0, Math.max(1, rows.length - 1)];
  const frame = new Frame({ x, y: [low, high], ...CURVES, left: 32, right: 2, top: 5, bottom: 6 });
  context.clearRect(0, 0, frame.width, frame.height);
  Object.assign(context, { font: theme.font(11), fillStyle: theme.ink, textAlign: "right", textBaseline: "middle" });
  const edge = 7 * theme.scale;
  for (const v of [low, high]) {
    context.fillText(signed(v, 1), frame.left - 4, clamp(frame.py(v), edge, frame.height - edge));
  }
  Object.assign(context, { strokeStyle: theme.line, lineWidth: 1 });
  context.strokeRect(frame.left, 2, frame.right - frame.left, frame.height - 4);
  context.lineWidth = 1.25;
  for (const [k, colour] of columns) {
    context.strokeStyle = colour;
    const points = rows.map((row, i) => [i, row[k]]).filter((point) => Number.isFinite(point[1]));
    polyline(
      context,
      points.map(([i, y]) => frame.at([i, clamp(y, low, high)])),
    );
  }
  if (back === null) return;
  Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5 });
  polyline(context, [[frame.px(back), 2], [frame.px(back), frame.height - 2]]); // prettier-ignore
}
