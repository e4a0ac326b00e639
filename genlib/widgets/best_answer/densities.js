// Densities on a line, the best discriminator between two of them, and what the game is worth; all by quadrature.
import { clamp } from "../kit.js";

export const REACH = 6; // the line is -6..6
export const KNOTS = 121; // of what is drawn by hand: heights at -6, -5.9 … 6
const FINE = 1201; // points of the quadrature
const STEP = (2 * REACH) / (FINE - 1);

export const GRID = Float64Array.from({ length: FINE }, (_, i) => -REACH + i * STEP);

export const bell = (x, mean, width) =>
  Math.exp(-((x - mean) ** 2) / (2 * width ** 2)) / (width * Math.sqrt(2 * Math.PI));

export const DATA = {
  "one bump": (x) => bell(x, 0, 1),
  "two bumps": (x) => 0.6 * bell(x, -2, 0.6) + 0.4 * bell(x, 1.8, 0.5),
  "a box": (x) => (Math.abs(x) <= 1.5 ? 1 / 3 : 0),
};

// Linear between the knots.
export function between(knots, x) {
  const place = ((x + REACH) / (2 * REACH)) * (KNOTS - 1);
  const k = clamp(Math.floor(place), 0, KNOTS - 2);
  return knots[k] + (place - k) * (knots[k + 1] - knots[k]);
}

// The mass on the line is 1, whatever falls outside of it.
function normalised(density) {
  const total = density.reduce((a, b) => a + b, 0) * STEP;
  return total > 0 ? density.map((d) => d / total) : density;
}

export const rounded = (v, digits) => Number(v.toFixed(digits));

// Heights drawn by hand, as a density at the knots.
export function asDensity(drawn) {
  const fine = normalised(GRID.map((x) => between(drawn, x)));
  return Array.from({ length: KNOTS }, (_, k) => rounded(fine[k * ((FINE - 1) / (KNOTS - 1))], 4));
}

// The shape of p_data, whose mass need not be 1 yet.
const dataOf = ({ data, drawn }) =>
  data === "drawn" && drawn ? (x) => Math.max(0, between(drawn, x)) : (DATA[data] ?? DATA["one bump"]);

const xlog = (x, y) => (x > 0 ? x * Math.log(y) : 0); // 0 · log 0 = 0

// p_data and p_g on GRID, D* there, V(G, D*), V(G, own) of a D drawn by hand (1/2 without one), and the
// Jensen-Shannon divergence, in nats.
export function numbers({ data, drawn, mean, width, own }) {
  const p = normalised(GRID.map(dataOf({ data, drawn })));
  const g = normalised(GRID.map((x) => bell(x, mean, width)));
  const sum = (term) => GRID.reduce((total, x, i) => total + STEP * term(p[i], g[i], x), 0);
  const mine = (x) => (own ? clamp(between(own, x), 0.0001, 0.9999) : 0.5);
  return {
    p,
    g,
    D: p.map((d, i) => (d + g[i] > 0 ? d / (d + g[i]) : 0.5)),
    V: sum((a, b) => xlog(a, a / (a + b)) + xlog(b, b / (a + b))), // log(1 - D) would be rounded to log 0
    own: sum((a, b, x) => xlog(a, mine(x)) + xlog(b, 1 - mine(x))),
    jsd: sum((a, b) => (xlog(a, (2 * a) / (a + b)) + xlog(b, (2 * b) / (a + b))) / 2),
  };
}

// The slope of V(G, D*) in p_g's mean and width. D* answers best, so only p_g moves: ∫ ∂p_g log(1 - D*) dx, where D*
// stands still (the envelope theorem). p_g has mass 1 on the line: its logarithm's slope has mean 0.
export function slope(value) {
  const { p, g } = numbers(value);
  const { mean, width } = value;
  return [(x) => (x - mean) / width ** 2, (x) => (x - mean) ** 2 / width ** 3 - 1 / width].map((of) => {
    const average = GRID.reduce((sum, x, i) => sum + STEP * g[i] * of(x), 0);
    const term = (x, i) => (g[i] > 0 ? g[i] * (of(x) - average) * Math.log(g[i] / (p[i] + g[i])) : 0);
    return GRID.reduce((sum, x, i) => sum + STEP * term(x, i), 0);
  });
}

// 2 JSD = V(G, D*) + log 4 for p_g's mean at each of the places, with its width as it is.
const COARSE = GRID.filter((_, i) => i % 4 === 0);
const share = (density) => {
  const total = density.reduce((a, b) => a + b, 0);
  return density.map((d) => d / total);
};
export function landscape(value, places) {
  const p = share(COARSE.map(dataOf(value)));
  return places.map((mean) => {
    const g = share(COARSE.map((x) => bell(x, mean, value.width)));
    return p.reduce((sum, a, i) => sum + xlog(a, (2 * a) / (a + g[i])) + xlog(g[i], (2 * g[i]) / (a + g[i])), 0);
  });
}

// A step of gradient descent on V(G, D*), over so many milliseconds: where p_g is then, and how steep it was.
const RATE = 0.004;
export const MEAN = (v) => rounded(clamp(v, -5, 5), 3);
export const WIDTH = (v) => rounded(clamp(v, 0.15, 2.5), 3);
export function downhill(value, time) {
  const [a, b] = slope(value);
  const mean = clamp(value.mean - RATE * time * a, -5, 5);
  const width = clamp(value.width - RATE * time * b, 0.15, 2.5);
  return { mean, width, steep: Math.hypot(a, b) };
}
