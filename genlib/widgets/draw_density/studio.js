// What is drawn on, learned and walked, without a picture of it: data, their exact score, the learned one, the ways.
import { floats, packed, random } from "../kit.js";
import { Learner, errorOn, freshWeights, trials } from "./denoiser.js";
import { Mixture, noiseAt } from "./mixture.js";
import { Walk } from "./paths.js";

export const REACH = 3; // the plane is −REACH..REACH
export const OWN = "your own";
export const MOST = 300; // points that can be drawn
const TRIALS = 400;
const HISTORY = 25; // steps between two places of the curve

// kept: of each preset and of what is drawn, its points; settings: {score, way} of both planes.
export class Studio {
  constructor({ presets, preset, points, width, widths, hidden, weights, seed }) {
    Object.assign(this, { presets, widths, hidden, seed, own: points.map((point) => point.slice()), ownWidth: width });
    this.start = weights;
    this.walks = [new Walk(), new Walk()];
    this.settings = [
      { score: "exact", way: "ODE" },
      { score: "learned", way: "ODE" },
    ];
    this.restart(weights);
    this.choose(preset);
  }

  // Another network, from given weights or fresh ones.
  restart(weights = null) {
    if (!weights) this.seed += 1;
    const u = random(this.seed);
    this.learner = new Learner(this.hidden, weights ? floats(weights) : freshWeights(this.hidden, u), u);
    this.curve = [];
    this.walkAgain();
    if (this.mixture) this.measure();
  }

  choose(preset) {
    this.preset = preset;
    this.changed();
  }

  get points() {
    return this.preset === OWN ? this.own : this.presets[this.preset];
  }

  // The data are others now.
  changed() {
    const width = this.preset === OWN ? this.ownWidth : this.widths[this.preset];
    this.mixture = this.points.length ? new Mixture(this.points, width) : null;
    this.trials = this.mixture ? trials(this.mixture, TRIALS, random(5)) : null;
    this.curve = [];
    this.walkAgain();
    this.measure();
  }

  // Points where the brush is; the first stroke on a preset begins an empty sheet.
  paint([x, y], u) {
    if (this.preset !== OWN) Object.assign(this, { preset: OWN, own: [] });
    for (let k = 0; k < 2 && this.own.length < MOST; k++) {
      this.own.push([x + 0.08 * u.normal(), y + 0.08 * u.normal()].map((v) => Number(v.toFixed(3))));
    }
    this.changed();
  }

  // All points walk anew, or only those under a score.
  walkAgain(score = null) {
    this.walks.forEach((walk, i) => (score === null || this.settings[i].score === score) && walk.again());
  }

  measure() {
    this.error = this.mixture ? errorOn(this.learner, this.trials) : NaN;
    this.curve.push([this.learner.steps, this.error]);
  }

  // A step of training; false where the weights became infinite.
  learn() {
    const loss = this.learner.step(this.mixture);
    if (this.learner.steps % HISTORY === 0) this.measure();
    return Number.isFinite(loss);
  }

  // ε̂ of a score by its name, for many places and times.
  eps(score) {
    if (score === "learned") return (x, t, out) => this.learner.eps(x, t, out);
    return (x, t, out) => this.exact(x, t, out);
  }
  exact(x, t, out) {
    for (let n = 0; n < t.length; n++) this.mixture.eps(x[2 * n], x[2 * n + 1], this.noise(t[n]), out, 2 * n);
    return out;
  }
  noise(t) {
    if (this.lastTime !== t) Object.assign(this, { lastTime: t, lastNoise: noiseAt(t) });
    return this.lastNoise;
  }

  // Walks for so many milliseconds; false when all have arrived.
  walk(milliseconds) {
    const until = performance.now() + milliseconds;
    if (!this.mixture) return false;
    for (;;) {
      const i = this.walks[0].left >= this.walks[1].left ? 0 : 1;
      if (this.walks[i].left === 0) return false;
      const { score, way } = this.settings[i];
      this.walks[i].advance(this.eps(score), way === "SDE" ? 1 : 0);
      if (performance.now() > until) return true;
    }
  }

  // The mean squared error of ε̂ at one time, on fixed draws.
  errorAt(t) {
    if (!this.mixture) return NaN;
    return errorOn(this.learner, trials(this.mixture, 100, random(9), t));
  }

  get value() {
    const { preset, own, learner, seed } = this;
    return { preset, points: own, steps: learner.steps, weights: packed(learner.shown), seed };
  }

  // As another view of it says.
  take({ preset, points, steps, weights, seed }) {
    this.own = points.map((point) => point.slice());
    this.seed = seed;
    this.learner = new Learner(this.hidden, floats(weights), random(seed));
    this.learner.steps = steps;
    this.choose(preset);
  }
}
