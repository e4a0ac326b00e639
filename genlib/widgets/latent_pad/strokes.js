// What can be measured in a picture of a character, ink in 0..1: data/strokes.py says why and gives the same numbers.
const FAINT = 1e-6; // ink or edges in all: below that there is nothing to measure

// Sideways per upwards: the slope of the line that tells best where the ink of a row lies. picture: H·W values.
export function slant(picture, [, H, W]) {
  let [ink, right, up, across, upwards] = [0, 0, 0, 0, 0];
  const each = (act) => {
    for (let r = 0; r < H; r++) for (let c = 0; c < W; c++) act(picture[r * W + c], c, -r); // rows count downwards
  };
  each((p, u, v) => {
    ink += p;
    right += p * u;
    up += p * v;
  });
  const [u0, v0] = [right / Math.max(ink, FAINT), up / Math.max(ink, FAINT)];
  each((p, u, v) => {
    across += p * (u - u0) * (v - v0);
    upwards += p * (v - v0) ** 2;
  });
  return upwards > FAINT ? across / upwards : 0;
}

// The mean width of the strokes in pixels: twice the ink over the length of the edges.
export function thickness(picture, [, H, W]) {
  const at = (r, c) => (r < 0 || c < 0 || r >= H || c >= W ? 0 : picture[r * W + c]); // paper all around
  let [ink, edges] = [0, 0];
  for (let r = -1; r < H; r++) {
    for (let c = -1; c < W; c++) {
      const p = at(r, c);
      ink += p;
      edges += Math.hypot(at(r, c + 1) - p, at(r + 1, c) - p);
    }
  }
  return edges > FAINT ? (2 * ink) / edges : 0;
}
