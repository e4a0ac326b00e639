// The linear VAE at the optimum of D + βR: reverse water-filling over the eigenvalues of the data's covariance.

export const level = ({ beta, sigma }) => beta * sigma ** 2;

// What the latent of one eigenvalue costs, in nats: 0 under water.
export const rateOf = (value, water) => 0.5 * Math.log(Math.max(value, water) / water);

// Rate and distortion in nats, and how many of the first `latents` eigenvalues stand above the water.
export function terms(values, latents, { beta, sigma }) {
  const water = level({ beta, sigma });
  const told = values.slice(0, latents);
  const rate = told.reduce((sum, value) => sum + rateOf(value, water), 0);
  const lost = values.reduce((sum, value, j) => sum + (j < latents ? Math.min(value, water) : value), 0);
  const constant = 0.5 * values.length * Math.log(2 * Math.PI * sigma ** 2);
  return { water, rate, distortion: lost / (2 * sigma ** 2) + constant, used: told.filter((v) => v > water).length };
}

// The decoder's mean at the code of a picture, given its coordinates along the eigenvectors: each shrinks by the share
// of its eigenvalue that stands above the water.
export const reconstructed = (coordinates, values, water) =>
  coordinates.map((c, j) => c * Math.max(0, 1 - water / values[j]));

// The coordinates of a draw from the prior: column j of W has the length √(λ − water).
export const drawn = (noise, values, water) => noise.map((z, j) => z * Math.sqrt(Math.max(0, values[j] - water)));
