// A short sound, so many times, with silence between.
export function repeated(wave, times, gap) {
  const whole = new Float32Array(times * wave.length + (times - 1) * gap);
  for (let k = 0; k < times; k++) whole.set(wave, k * (wave.length + gap));
  return whole;
}
