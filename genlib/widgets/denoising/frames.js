// The table of a walk from noise to pictures: what the network guessed, at every step, stored as bytes.
import { bytes } from "../kit.js";

// A byte 0..255 as a number −reach..reach.
const scaled = (byte, reach) => ((2 * byte) / 255 - 1) * reach;

// table: {alphas: [m], sigmas: [m], x_t, x, eps: base64, (…, pictures, pixels)}; reaches: the largest number of each.
// frame(i, p) is what is seen of picture p after i steps: {x_t, x, eps}, with the guess that was made there. After the
// last step of a sampler there is none, and x_t is the sample.
export function walkOf({ alphas, sigmas, ...table }, pictures, pixels, reaches) {
  const packed = { x_t: bytes(table.x_t), x: bytes(table.x), eps: bytes(table.eps) };
  const guesses = packed.x.length / (pictures * pixels);
  if (packed.x_t.length !== packed.x.length + pictures * pixels || packed.eps.length !== packed.x.length)
    throw new RangeError("this is no table of guesses");
  const part = (name, i, p) => {
    const at = (i * pictures + p) * pixels;
    return Float64Array.from(packed[name].subarray(at, at + pixels), (byte) => scaled(byte, reaches[name]));
  };
  const frame = (i, p) => {
    const x_t = part("x_t", i, p);
    return i < guesses ? { x_t, x: part("x", i, p), eps: part("eps", i, p) } : { x_t, x: null, eps: null };
  };
  return { last: alphas.length - 1, guesses, frame, at: (i) => ({ alpha: alphas[i], sigma: sigmas[i] }) };
}

// The mean squared difference of two pictures.
export const squaredError = (a, b) => a.reduce((sum, v, c) => sum + (v - b[c]) ** 2, 0) / a.length;
