// The game's past: a picture of both players now and then, so that it can be looked at again.

// At most `room` moments are kept. When there are more, every second one goes, and from then on half as many are taken:
// a long game costs no more memory than a short one, and its whole length stays in view. room: an even number.
export class Past {
  constructor(room = 240) {
    this.room = room;
    this.clear();
  }

  clear() {
    Object.assign(this, { moments: [], every: 1, since: 0 });
  }

  // A round was played: `take()` is asked for a moment when it is time for one.
  round(take) {
    this.since += 1;
    if (this.since < this.every) return;
    this.since = 0;
    this.moments.push(take());
    if (this.moments.length <= this.room) return;
    this.moments = this.moments.filter((_, i) => i % 2 === 0);
    this.every *= 2;
  }

  // Forgets what came after moment i, from which the game goes on another way.
  cut(i) {
    this.moments.length = i + 1;
    this.since = 0;
  }
}
