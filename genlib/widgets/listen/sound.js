// A short sound, so many times, with silence between.
export function repeated(wave, times, gap) {
  const whole = new Float32Array(times * wave.length + (times - 1) * gap);
  for (let k = 0; k < times; k++) whole.set(wave, k * (wave.length + gap));
  return whole;
}

// Rows of numbers in which all at most `reach` from a place [column, row] have become this value; the others stay.
export function dabbed(bands, [column, row], reach, value) {
  const near = (t, b) => Math.abs(t - column) <= reach && Math.abs(b - row) <= reach;
  return bands.map((band, b) => band.map((old, t) => (near(t, b) ? value : old)));
}

// The places of a straight stroke from one to another, each a neighbour of the one before; a quick hand skips some.
export function stroke(from, to) {
  const n = Math.max(1, ...to.map((v, k) => Math.abs(v - from[k])));
  return Array.from({ length: n }, (_, i) => from.map((v, k) => Math.round(v + ((to[k] - v) * (i + 1)) / n)));
}
