// The cheapest assignment, and the critic that its prices make.

export const apart = ([a, b], [c, d]) => Math.hypot(a - c, b - d);

// Rows to columns, one to each, at the least total cost[i][j]: {to, u, v}, with prices u_i + v_j <= cost[i][j], equal
// where i goes to j. The Hungarian method: each row in turn finds its column on the cheapest path of exchanges.
export function optimalPlan(cost) {
  const n = cost.length;
  const [u, v] = [Array(n).fill(0), Array(n + 1).fill(0)];
  const rowOf = Array(n + 1).fill(-1); // of each column; column n is where a new row waits
  for (let row = 0; row < n; row++) {
    rowOf[n] = row;
    const before = pathTo(cost, { u, v, rowOf });
    for (let j = before.end; j !== n; j = before[j]) rowOf[j] = rowOf[before[j]];
  }
  const to = Array(n);
  for (let j = 0; j < n; j++) to[rowOf[j]] = j;
  return { to, u, v: v.slice(0, n) };
}

// For the row that waits: which column is before each on its path, and at which free one the path ends; prices rise.
function pathTo(cost, { u, v, rowOf }) {
  const n = cost.length;
  const [slack, before, reached] = [Array(n).fill(Infinity), Array(n).fill(n), Array(n + 1).fill(false)];
  let j = n;
  while (rowOf[j] >= 0) {
    reached[j] = true;
    const i = rowOf[j];
    let next = -1;
    for (let k = 0; k < n; k++) {
      if (reached[k]) continue;
      const closer = cost[i][k] - u[i] - v[k];
      if (closer < slack[k]) [slack[k], before[k]] = [closer, j];
      if (next < 0 || slack[k] < slack[next]) next = k;
    }
    const step = slack[next];
    for (let k = 0; k <= n; k++) {
      if (reached[k]) [u[rowOf[k]], v[k]] = [u[rowOf[k]] + step, v[k] - step];
      else if (k < n) slack[k] -= step;
    }
    j = next;
  }
  return Object.assign(before, { end: j });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// All that the widget shows of two heaps: the plan that was chosen, its mean length, W1, a critic of slope 1 or less,
// and how far it scores the heaps apart, which no critic of that slope does by more than W1.
export function numbers({ fakes, data, plan }) {
  const cost = fakes.map((fake) => data.map((point) => apart(fake, point)));
  const best = optimalPlan(cost);
  const to = plan === "best" ? best.to : fakes.map((_, i) => i);
  const length = (pairs) => mean(pairs.map((j, i) => cost[i][j]));
  const critic = (place) => Math.min(...fakes.map((fake, i) => apart(place, fake) - best.u[i]));
  const gap = mean(data.map(critic)) - mean(fakes.map(critic));
  return { to, length: length(to), distance: length(best.to), critic, gap };
}
