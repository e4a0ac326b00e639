// What the decoder makes of a grid of places in the plane, faint, behind everything: the latent space at a glance.
import { bytes } from "../kit.js";

const SHEET = 12; // pictures a side, where the browser decodes; the kernel says how many it sent
const SLICE = 7; // milliseconds of decoding at a time, so that what moves keeps moving

const inkOf = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

// A picture (C·H·W), 0..1, onto a canvas: ink of the theme, as opaque as it is dark, or three colours.
function stamp(context, picture, [C, H, W], [left, top], ink) {
  const image = context.createImageData(W, H);
  for (let p = 0; p < H * W; p++) {
    const colour = C === 3 ? [0, 1, 2].map((c) => 255 * picture[c * H * W + p]) : ink;
    image.data.set([...colour, C === 3 ? 255 : 255 * picture[p]], 4 * p);
  }
  context.putImageData(image, left, top);
}

// The middle of each cell of the plane, row by row from above.
export function places({ x, y }, side) {
  const along = ([from, to], i) => from + ((i + 0.5) / side) * (to - from);
  return Array.from({ length: side * side }, (_, k) => [
    along(x, k % side),
    -along([-y[1], -y[0]], Math.floor(k / side)),
  ]);
}

// The pictures as a canvas, which fills while the page has time; done() is told when there is more to see. They are
// those of the plane through the point: follow(coordinates, kind) takes them anew where a further direction moved, or
// the kind.
export function background(state, frame, view, done) {
  const [C, H, W] = state.shape;
  const side = state.sheet ? Math.round(Math.sqrt(bytes(state.sheet).length / (C * H * W))) : SHEET;
  const node = document.createElement("canvas");
  Object.assign(node, { width: side * W, height: side * H });
  const context = node.getContext("2d");
  const cells = places(frame, side);
  const sent = state.sheet && Float32Array.from(bytes(state.sheet), (value) => value / 255);
  let [further, kind, next, frameOf, ink] = [state.names.slice(2).map(() => 0), 0, cells.length, 0, [0, 0, 0]];
  const decoded = (k) => {
    if (sent) return sent.subarray(k * C * H * W, (k + 1) * C * H * W);
    return view.decode(view.space.latent([...cells[k], ...further], kind));
  };
  const fill = () => {
    frameOf = 0;
    const start = performance.now();
    while (next < cells.length && performance.now() - start < SLICE) {
      const corner = [(next % side) * W, Math.floor(next / side) * H];
      stamp(context, decoded(next), state.shape, corner, ink);
      next += 1;
    }
    if (next < cells.length) frameOf = requestAnimationFrame(fill);
    else done();
  };
  const stop = () => cancelAnimationFrame(frameOf);
  const begin = () => {
    if (!view.decode && !sent) return;
    stop();
    next = 0;
    frameOf = requestAnimationFrame(fill);
  };
  const moved = () => kind !== 0 || further.some((value) => value !== 0);
  return {
    stop,
    paint(theme) {
      ink = inkOf(theme.ink);
      begin();
    },
    follow(coordinates, ofKind = 0) {
      const now = coordinates.slice(2);
      if (ofKind === kind && now.every((value, k) => value === further[k])) return;
      [further, kind] = [now, ofKind];
      if (view.decode) begin();
      else done();
    },
    // The kernel sent those of the plane through the origin; elsewhere there are none to show.
    sheet: () => (next === 0 || (!view.decode && (!sent || moved())) ? null : node),
  };
}
