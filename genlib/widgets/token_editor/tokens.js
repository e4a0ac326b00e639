// Tokens of a picture: as a decoder takes them, mixed up, and counted.
import { random } from "../kit.js";

// The codes of tokens [T] as planes, flat [D·T]: number d of every place, then d + 1.
export function planesOf(tokens, codebook, dim) {
  const z = new Float64Array(dim * tokens.length);
  for (let d = 0; d < dim; d++) tokens.forEach((t, i) => (z[d * tokens.length + i] = codebook[t * dim + d]));
  return z;
}

// The same tokens in another order, each order equally probable: Fisher and Yates.
export function shuffled(tokens, seed) {
  const { uniform } = random(seed);
  const mixed = [...tokens];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

// Tokens that are drawn uniformly from K codes.
export function uniformTokens(count, codes, seed) {
  const { uniform } = random(seed);
  return Array.from({ length: count }, () => Math.floor(uniform() * codes));
}

export const swapped = (tokens, i, j) => tokens.with(i, tokens[j]).with(j, tokens[i]);

// How many of two lists' values differ by more than so much.
export const changedBy = (a, b, least) => a.reduce((sum, v, i) => sum + (Math.abs(v - b[i]) > least), 0);
