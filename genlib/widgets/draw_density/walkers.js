// How points and their ways look: many of them in every frame, so each costs little.

// A disc with a rim as a small picture, to be stamped: `radius` in the page's pixels.
function stampOf(radius, colour, rim) {
  const node = document.createElement("canvas");
  const side = Math.ceil(4 * radius + 8);
  node.width = node.height = side;
  const context = node.getContext("2d");
  context.beginPath();
  context.arc(side / 2, side / 2, 2 * radius, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: colour, strokeStyle: rim, lineWidth: 1.5 });
  context.fill();
  context.stroke();
  return node;
}

// Discs at places, flat (n, 2), of a frame's world.
export function stampPoints(context, frame, places, { radius = 2.6, colour, rim }) {
  const stamp = stampOf(radius, colour, rim);
  const side = stamp.width / 2;
  for (let n = 0; 2 * n < places.length; n++) {
    const [u, v] = frame.at([places[2 * n], places[2 * n + 1]]);
    context.drawImage(stamp, u - side / 2, v - side / 2, side, side);
  }
}

// The ways of the first points up to time t.
export function drawWays(context, frame, walk, t, { many, colour }) {
  Object.assign(context, { strokeStyle: colour, lineWidth: 1 });
  for (let n = 0; n < Math.min(many, walk.done); n++) {
    context.beginPath();
    for (const place of walk.trail(n, t)) context.lineTo(...frame.at(place));
    context.stroke();
  }
}

// Arrows: each [from, to] of the world, with heads of at most so many pixels; all shafts at once, then all heads.
export function drawArrows(context, frame, pairs, colour, longest = 5) {
  const ends = pairs.map((pair) => pair.map((place) => frame.at(place)));
  Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineWidth: 1 });
  context.beginPath();
  for (const [[u0, v0], [u1, v1]] of ends) {
    context.moveTo(u0, v0);
    context.lineTo(u1, v1);
  }
  context.stroke();
  context.beginPath();
  for (const [[u0, v0], [u1, v1]] of ends) {
    const length = Math.hypot(u1 - u0, v1 - v0) || 1;
    const head = Math.min(longest, 0.6 * length);
    const [a, b] = [((u1 - u0) / length) * head, ((v1 - v0) / length) * head]; // along the arrow
    context.moveTo(u1, v1);
    context.lineTo(u1 - 0.89 * a - 0.47 * b, v1 - 0.89 * b + 0.47 * a);
    context.lineTo(u1 - 0.89 * a + 0.47 * b, v1 - 0.89 * b - 0.47 * a);
    context.closePath();
  }
  context.fill();
}
