// The game: its data, its two players, and their turns. It draws nothing.
import { clamp, floats, packed, random } from "../kit.js";
import { Past } from "./history.js";
import { losses } from "./losses.js";
import { adam, fresh, layout, player } from "./network.js";

export const REACH = 3; // the plane is -REACH..REACH
const BATCH = 96;
const WEIGHT = 0.3; // of R1
const LIMIT = 0.1; // of clipped weights
const WIDE = 4;
const OWN = "your own";

export const DATA = {
  "one Gaussian": (u) => [1 + 0.4 * u.normal(), 0.8 + 0.4 * u.normal()],
  "two Gaussians": (u) => [(u.uniform() < 0.5 ? -1.4 : 1.4) + 0.25 * u.normal(), 0.25 * u.normal()],
  "eight Gaussians": (u) => {
    const angle = (Math.PI / 4) * Math.floor(8 * u.uniform());
    return [2 * Math.cos(angle) + 0.1 * u.normal(), 2 * Math.sin(angle) + 0.1 * u.normal()];
  },
  ring: (u) => {
    const angle = 2 * Math.PI * u.uniform();
    return [1.7 * Math.cos(angle) + 0.08 * u.normal(), 1.7 * Math.sin(angle) + 0.08 * u.normal()];
  },
  line: (u) => {
    const t = 4 * u.uniform() - 2;
    return [t + 0.05 * u.normal(), 0.6 * t + 0.05 * u.normal()];
  },
};

// Situations worth a look, each with what to see in it.
const SETTINGS = { data: "eight Gaussians", loss: "non-saturating", tame: "no", lrG: 2e-3, lrD: 2e-3, turns: 1 };
export const PRESETS = {
  "eight bumps, nothing tamed": {
    settings: SETTINGS,
    see: "Press Play. Do the fakes find all eight bumps, and do they stay?",
  },
  "eight bumps, D kept gentle": {
    settings: { ...SETTINGS, tame: "R1" },
    see: "R1 keeps D's slope small at the data. Compare the distance with the game that is not tamed.",
  },
  "G hurries, D is slow": {
    settings: { ...SETTINGS, lrG: 1e-2, lrD: 1e-3 },
    see: "G runs to where D is highest now, all fakes at once, before D can answer.",
  },
  "minimax, five steps of D for one of G": {
    settings: { ...SETTINGS, data: "two Gaussians", loss: "minimax", turns: 5 },
    see: "Watch the pull on fakes that D is sure of. Then choose the non-saturating loss, and compare.",
  },
  "Wasserstein, weights clipped": {
    settings: { ...SETTINGS, loss: "wasserstein", tame: "clip weights", turns: 5 },
    see: "A critic with small weights: its score can't change fast from place to place.",
  },
};

// n points z, uniform on a square, flat (n, 2).
export const noise = (n, u) => Float64Array.from({ length: 2 * n }, () => 2 * u.uniform() - 1);

// Mean distance of two sets (n, 2), sorted along eight directions: the sliced Wasserstein distance.
export function distance(a, b) {
  const n = a.length / 2;
  let total = 0;
  for (let k = 0; k < 8; k++) {
    const [c, s] = [Math.cos((k * Math.PI) / 8), Math.sin((k * Math.PI) / 8)];
    const along = (p) => Float64Array.from({ length: n }, (_, i) => c * p[2 * i] + s * p[2 * i + 1]).sort();
    const [u, v] = [along(a), along(b)];
    for (let i = 0; i < n; i++) total += Math.abs(u[i] - v[i]);
  }
  return total / (8 * n);
}

// settings: {data, loss, tame, lrG, lrD, turns}; painted: [n][2], the points of data that are "your own".
export class Game {
  constructor({ hidden, slope, weights, settings, painted }) {
    this.slope = slope;
    this.layers = { G: layout(2, hidden, 2), D: layout(2, hidden, 1) };
    this.settings = { ...settings };
    this.painted = painted.map((point) => point.slice());
    this.seed = 1;
    this.restart(weights);
  }

  // Anew, from given weights (base64) or fresh ones.
  restart(weights) {
    this.seed += 1;
    const u = random(this.seed);
    this.G = this.player("G", weights ? floats(weights.G) : fresh(this.layers.G, u, WIDE));
    this.D = this.player("D", weights ? floats(weights.D) : fresh(this.layers.D, u));
    this.draws = random(weights ? 1 : this.seed);
    this.past = new Past();
    this.loss = { G: null, D: null };
    this.far = null; // the distance, when it was last drawn
  }

  // As another view of it says.
  take({ settings, painted, weights, turns }) {
    this.settings = { ...settings };
    this.painted = painted.map((point) => point.slice());
    for (const name of ["G", "D"]) {
      this[name] = this.player(name, floats(weights[name]));
      this[name].turns = turns[name];
    }
    this.past = new Past();
  }

  // The game as it was at a moment of its past, to be looked at.
  asOf(moment) {
    const then = Object.create(this);
    for (const name of ["G", "D"]) {
      then[name] = this.player(name, moment[name]);
      then[name].turns = moment.turns[name];
    }
    return then;
  }

  // Goes on from moment i of its past; what came after it is forgotten.
  goBack(i) {
    const { G, D } = this.asOf(this.past.moments[i]);
    Object.assign(this, { G, D });
    this.past.cut(i);
  }

  get value() {
    const { settings, painted, G, D } = this;
    return {
      settings,
      painted,
      turns: { D: D.turns, G: G.turns },
      weights: { G: packed(G.weights), D: packed(D.weights) },
    };
  }

  player(name, weights) {
    return player(this.layers[name], weights, this.slope);
  }

  hasData() {
    return this.settings.data !== OWN || this.painted.length > 0;
  }

  // n real points, flat (n, 2).
  points(n, u) {
    const { painted } = this;
    const own = () => {
      const [a, b] = painted[Math.floor(u.uniform() * painted.length)];
      return [a + 0.04 * u.normal(), b + 0.04 * u.normal()];
    };
    const draw = DATA[this.settings.data] ?? (painted.length ? own : () => [0, 0]);
    return Float64Array.from(Array.from({ length: n }, () => draw(u)).flat());
  }

  // Paints three real points around a place.
  paint(place) {
    if (this.settings.data !== OWN) Object.assign(this, { painted: [], settings: { ...this.settings, data: OWN } });
    const u = random(this.painted.length + 1);
    const near = (v) => Number(clamp(v + 0.08 * u.normal(), -REACH, REACH).toFixed(3));
    for (let i = 0; i < 3; i++) this.painted.push(place.map(near));
    if (this.painted.length > 900) this.painted.splice(0, this.painted.length - 900);
  }

  // A step of one player on a fresh batch. Returns whether its weights are still numbers.
  step(who) {
    const { loss: kind, tame, lrD, lrG } = this.settings;
    const [x, z] = [this.points(BATCH, this.draws), noise(BATCH, this.draws)];
    const both = losses(this, x, z, kind, tame === "R1" ? WEIGHT : 0);
    const { loss, gradient } = who === "D" ? both.judge() : both.maker();
    const own = this[who];
    adam(own, gradient, who === "D" ? lrD : lrG);
    if (who === "D" && tame === "clip weights") own.weights = own.weights.map((w) => clamp(w, -LIMIT, LIMIT));
    this.loss[who] = loss;
    own.turns += 1;
    return own.weights.subarray(0, 4).every(Number.isFinite); // least squares at a huge rate
  }

  // D's steps, then G's.
  round() {
    let fine = true;
    for (let k = 0; k < this.settings.turns; k++) fine = this.step("D") && fine;
    fine = this.step("G") && fine;
    this.record();
    return fine;
  }

  // Keeps this moment: the weights, the turns, and a row [loss of D, loss of G, distance].
  record() {
    if (this.loss.D === null || this.loss.G === null) return;
    this.past.round(() => ({
      row: [this.loss.D, this.loss.G, this.far],
      turns: { D: this.D.turns, G: this.G.turns },
      G: Float32Array.from(this.G.weights),
      D: Float32Array.from(this.D.weights),
    }));
  }
}
