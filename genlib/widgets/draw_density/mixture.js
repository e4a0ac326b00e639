// Where everything is known: equal Gaussians of one width in the plane, noised, with the score in closed form.
// Time as in LinearLogSNR(6, -6) of genlib: the log signal-to-noise ratio λ falls on a line from t = 0 to t = 1.
import { sigmoid } from "../kit.js";

export const ENDS = [6, -6]; // λ at t = 0 and t = 1
export const logSNR = (t) => ENDS[0] + (ENDS[1] - ENDS[0]) * t;

// x_t = alpha x + sigma ε, with alpha² + sigma² = 1.
export function noiseAt(t) {
  const lambda = logSNR(t);
  return { alpha: Math.sqrt(sigmoid(lambda)), sigma: Math.sqrt(sigmoid(-lambda)) };
}

// means: [K][2]; width: the standard deviation of each.
export class Mixture {
  constructor(means, width) {
    if (!(means.length > 0 && means.length <= 400 && width > 0)) throw new RangeError("no mixture");
    Object.assign(this, { K: means.length, means: Float64Array.from(means.flat()), width });
    this.shares = new Float64Array(this.K);
  }

  // The best guess of the noise in (x, y) at noise {alpha, sigma}, E[ε | x_t] = −σ score, into out[at], out[at + 1].
  // Returns log p_t there, in nats.
  eps(x, y, { alpha, sigma }, out, at) {
    const { K, means, shares } = this;
    const variance = (alpha * this.width) ** 2 + sigma ** 2;
    let least = Infinity;
    for (let k = 0; k < K; k++) {
      const [dx, dy] = [x - alpha * means[2 * k], y - alpha * means[2 * k + 1]];
      shares[k] = (dx * dx + dy * dy) / (2 * variance);
      if (shares[k] < least) least = shares[k];
    }
    let [total, mx, my] = [0, 0, 0];
    for (let k = 0; k < K; k++) {
      if (shares[k] - least > 40) continue;
      const share = Math.exp(least - shares[k]);
      total += share;
      mx += share * means[2 * k];
      my += share * means[2 * k + 1];
    }
    out[at] = (sigma * (x - (alpha * mx) / total)) / variance;
    out[at + 1] = (sigma * (y - (alpha * my) / total)) / variance;
    return Math.log(total / K) - least - Math.log(2 * Math.PI * variance);
  }

  // p_t at the middles of n × n cells of the square −reach..reach, row by row from above. A Gaussian is a product of
  // one factor for x and one for y.
  density({ alpha, sigma }, n, reach) {
    const variance = (alpha * this.width) ** 2 + sigma ** 2;
    const values = new Float64Array(n * n);
    const [across, down] = [new Float64Array(n), new Float64Array(n)];
    const scale = 1 / (2 * Math.PI * variance * this.K);
    for (let k = 0; k < this.K; k++) {
      for (let i = 0; i < n; i++) {
        const place = ((i + 0.5) / n) * 2 * reach - reach;
        across[i] = scale * Math.exp(-((place - alpha * this.means[2 * k]) ** 2) / (2 * variance));
        down[i] = Math.exp(-((-place - alpha * this.means[2 * k + 1]) ** 2) / (2 * variance));
      }
      for (let r = 0; r < n; r++) {
        if (down[r] < 1e-12) continue;
        for (let c = 0, p = r * n; c < n; c++) values[p++] += down[r] * across[c];
      }
    }
    return values;
  }

  // One draw of x, into out[at], out[at + 1].
  draw({ uniform, normal }, out, at) {
    const k = Math.min(this.K - 1, Math.floor(this.K * uniform()));
    out[at] = this.means[2 * k] + this.width * normal();
    out[at + 1] = this.means[2 * k + 1] + this.width * normal();
  }
}
