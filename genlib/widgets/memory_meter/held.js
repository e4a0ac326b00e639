// What a chain of so many layers holds at a step of a training step: steps 0 … depth go forward, the next ones back.

// Which activations x_0 … x_depth are in memory when so many steps are done, as an array of truth values. Stored: all
// that were made, until backpropagation has used them. Rebuilt: the last one only; on the way back the one that the
// inverse has just made.
export function held(kind, depth, step) {
  const at = step <= depth ? step : 2 * depth - step; // the activation where it is
  return Array.from({ length: depth + 1 }, (_, k) => (kind === "stored" ? k <= at : k === at));
}

// The most that is held at once during a whole training step, in activations.
export const peak = (kind, depth) => (kind === "stored" ? depth + 1 : 1);

// What a straight line through the first and the last measurement gains with each layer.
export const slope = (depths, values) => (values.at(-1) - values[0]) / (depths.at(-1) - depths[0]);
