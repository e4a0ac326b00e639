// Painting on a grid of pixels, by hand and by keys. view: {image: [H][W], cursor: [r, c], level, set(r, c, level),
// paint(), step: how much plus and minus change, 1 by default}.
import { Frame, arrows, clamp, drag } from "../kit.js";

// The mouse paints with the brush; the keys move the cursor, change a level, or paint. node shows a square of as many
// pixels as the longer side has.
export function brush(view, node, [H, W], top) {
  const long = Math.max(H, W);
  const frame = new Frame({ x: [0, long], y: [long, 0], width: 1, height: 1 });
  const stroke = (event) => {
    const [x, y] = frame.pointer(event, node).map(Math.floor);
    view.set(clamp(y, 0, H - 1), clamp(x, 0, W - 1), view.level);
  };
  drag(node, { down: stroke, move: stroke });
  const change = (by) => () => {
    const [r, c] = view.cursor;
    view.set(r, c, clamp(view.image[r][c] + by * (view.step ?? 1), 0, top));
  };
  const dab = () => view.set(...view.cursor, view.level);
  const move = (dx, dy) => {
    const [r, c] = view.cursor;
    view.cursor = [clamp(r - dy, 0, H - 1), clamp(c + dx, 0, W - 1)];
    view.paint();
  };
  arrows(node, move, { "+": change(1), "=": change(1), "-": change(-1), " ": dab, Enter: dab });
}
