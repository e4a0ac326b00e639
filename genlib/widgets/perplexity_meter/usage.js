// How codes are used.

// exp of the entropy of the shares, as if so many codes were used equally; 0 where nothing was counted.
export function perplexity(counts) {
  const n = counts.reduce((sum, count) => sum + count, 0);
  if (n === 0) return 0;
  const entropy = counts.reduce((sum, count) => (count > 0 ? sum - (count / n) * Math.log(count / n) : sum), 0);
  return Math.exp(entropy);
}

export const used = (counts) => counts.filter((count) => count > 0).length;

// The numbers of the codes, the most used first; of two used as often, the first.
export const ranked = (counts) => counts.map((_, k) => k).sort((a, b) => counts[b] - counts[a] || a - b);
