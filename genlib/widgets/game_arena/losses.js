// What each player minimises, as functions of the logit a, each beside its slope: [f(a), f'(a)].
// The same stand in genlib/gan/losses.py.
import { sigmoid, softplus } from "../kit.js";
import { backward, forward, r1 } from "./network.js";

const entropy = { real: [(a) => softplus(-a), (a) => -sigmoid(-a)], fake: [softplus, sigmoid] };
const score = [(a) => -a, () => -1];
const square = [(a) => (a - 1) ** 2 / 2, (a) => a - 1];

export const LOSSES = {
  minimax: { ...entropy, maker: [(a) => -softplus(a), (a) => -sigmoid(a)] },
  "non-saturating": { ...entropy, maker: [(a) => softplus(-a), (a) => -sigmoid(-a)] },
  "least-squares": { real: square, fake: [(a) => a ** 2 / 2, (a) => a], maker: square },
  wasserstein: { real: score, fake: [(a) => a, () => 1], maker: score },
  hinge: {
    real: [(a) => Math.max(0, 1 - a), (a) => (a < 1 ? -1 : 0)],
    fake: [(a) => Math.max(0, 1 + a), (a) => (a > -1 ? 1 : 0)],
    maker: score,
  },
};

const averaged = (logits, [f, slope]) => ({
  loss: logits.reduce((sum, a) => sum + f(a), 0) / logits.length,
  slopes: logits.map((a) => slope(a) / logits.length),
});

// Both losses and their gradients on one batch: x (B, 2), z (B, 2), flat.
export function losses({ G, D }, x, z, kind, r1Weight) {
  const made = forward(G, z);
  const [onReal, onFake] = [forward(D, x), forward(D, made[3])];
  return {
    judge() {
      // the discriminator's turn: nothing flows back into the generator
      const gradient = new Float64Array(D.weights.length);
      const real = averaged(onReal[3], LOSSES[kind].real);
      const fakes = averaged(onFake[3], LOSSES[kind].fake);
      backward(D, onReal, real.slopes, gradient);
      backward(D, onFake, fakes.slopes, gradient);
      const penalty = r1Weight ? r1(D, onReal, r1Weight, gradient) : 0;
      return { loss: real.loss + fakes.loss + penalty, gradient };
    },
    maker() {
      // the generator's turn: through the discriminator, whose weights stay; pull is dloss/dx, of the batch mean
      const gradient = new Float64Array(G.weights.length);
      const own = averaged(onFake[3], LOSSES[kind].maker);
      const pull = backward(D, onFake, own.slopes);
      backward(G, made, pull, gradient);
      return { loss: own.loss, gradient, pull };
    },
    onReal: onReal[3],
    onFake: onFake[3],
    fake: made[3],
  };
}
