// Normal numbers within −t..t, of the same uniform ones for every t: as t falls, each moves towards 0.
import { erf } from "./network.js";

const below = (z) => 0.5 * (1 + erf(z / Math.SQRT2));

// u in 0..1 -> the number below which that share of the normal distribution, cut off at ±t, lies.
export function truncated(u, t) {
  const share = below(-t) + u * (below(t) - below(-t));
  let [low, high] = [-t, t];
  for (let k = 0; k < 40; k++) {
    const middle = (low + high) / 2;
    if (below(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
