// The Dirac-GAN's mathematics: the data are one point at 0, the fake is one point at θ, and D's logit is ψx.
import { sigmoid } from "../kit.js";

const STEPS = 400;

// The speeds (of θ, of ψ): each player follows its own gradient.
export const LOSSES = {
  minimax: (t, p) => [p * sigmoid(p * t), -t * sigmoid(p * t)],
  "non-saturating": (t, p) => [p * sigmoid(-p * t), -t * sigmoid(p * t)],
  wasserstein: (t, p) => [p, -t],
};
export const PENALTIES = { none: () => 0, R1: (p) => -p, "WGAN-GP": (p) => -2 * (Math.abs(p) - 1) * Math.sign(p) };

export const speeds =
  ({ loss, penalty, gamma }) =>
  (t, p) => {
    const [a, b] = LOSSES[loss](t, p);
    return [a, b + gamma * PENALTIES[penalty](p)];
  };

// The places [θ, ψ] of 400 steps from value.start, or until they are more than 50 away.
export function orbit(value) {
  const v = speeds(value);
  let [t, p] = value.start;
  const path = [[t, p]];
  for (let k = 0; k < STEPS && Math.hypot(t, p) < 50; k++) {
    if (value.order === "simultaneous") {
      const [a, b] = v(t, p);
      t += value.step * a;
      p += value.step * b;
    } else {
      p += value.step * v(t, p)[1]; // D first, then G, which sees the new D
      t += value.step * v(t, p)[0];
    }
    path.push([t, p]);
  }
  return path;
}

// Where an orbit is at a time, in steps, which may lie between two.
export function between(path, time) {
  const k = Math.min(Math.floor(time), path.length - 1);
  const [from, to] = [path[k], path[Math.min(k + 1, path.length - 1)]];
  return from.map((v, i) => v + (time - k) * (to[i] - v));
}

// The two eigenvalues [real, imaginary] of one step around (0, 0), as a linear map; null where the penalty has a kink.
export function eigenvalues({ loss, order, penalty, step, gamma }) {
  if (penalty === "WGAN-GP" && gamma > 0) return null;
  const hs = step * (loss === "wasserstein" ? 1 : 0.5); // D: ψ ← (1 - damp) ψ - hs θ;  G: θ ← θ + hs ψ
  const damp = penalty === "R1" ? step * gamma : 0;
  const [a, b] = order === "simultaneous" ? [1, hs] : [1 - hs * hs, hs * (1 - damp)];
  const [c, d] = [-hs, 1 - damp];
  const half = (a + d) / 2;
  const square = half * half - (a * d - b * c);
  const root = Math.sqrt(Math.abs(square));
  return [1, -1].map((sign) => (square < 0 ? [half, sign * root] : [half + sign * root, 0]));
}
