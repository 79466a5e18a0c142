/**
 * A drawing as data: strokes of points [x, y, t, pressure?] or one picture, with undo and redo.
 *
 * Each drawing (everything between two clears) has its own UUID. Dispatches "change" after every
 * change of its content.
 */

// More points do not change a 28x28 grid; a minute of continuous drawing reaches this number.
const MAX_POINTS = 4000;
// Milliseconds between the last stroke of a reopened drawing and the next stroke.
const RESUME_GAP = 300;
// Pixels. The server receives coordinates rounded to tenths.
const ROUNDING = 0.1;

export class Drawing extends EventTarget {
  #past = [];
  #future = [];
  #current = blank();
  #canExtend = false;
  // Clock time of t = 0; null until the first stroke after a clear, undo or open.
  #startTime = null;

  /** Number of changes that removed or restored content; each makes earlier predictions stale. */
  generation = 0;

  get id() {
    return this.#current.id;
  }

  get strokes() {
    return this.#current.strokes;
  }

  /** The picture { source, width, height } that replaces strokes, or null. */
  get picture() {
    return this.#current.picture;
  }

  get isEmpty() {
    return this.strokes.length === 0 && !this.picture;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Whether the last stroke can be extended: undo, clear and another drawing end it. */
  get canExtend() {
    return this.#canExtend;
  }

  /** Begin a stroke at a time in milliseconds. A picture is replaced by a new drawing. */
  begin(x, y, time, pressure) {
    if (this.picture) this.clear();
    this.#remember();
    this.#canExtend = true;
    this.#startTime ??= this.isEmpty ? time : time - this.strokes.at(-1).at(-1)[2] - RESUME_GAP;
    const stroke = [point(x, y, time - this.#startTime, pressure)];
    this.#current = { ...this.#current, strokes: [...this.strokes, stroke] };
    this.#changed();
  }

  /** Append a point to the last stroke, unless it is within half a pixel of the previous point. */
  extend(x, y, time, pressure) {
    if (!this.#canExtend) return;
    const stroke = this.strokes.at(-1);
    const [lastX, lastY] = stroke.at(-1);
    if (Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) return;
    stroke.push(point(x, y, time - this.#startTime, pressure));
    this.#changed();
  }

  /** Remove the stroke in progress without a redo: a palm touched the pad before the pen. */
  cancelStroke() {
    if (this.#canExtend) this.#replace(this.#past.pop());
  }

  /** Show another drawing { id, strokes, picture? }; undo returns to the previous one. */
  open({ id, strokes, picture = null }) {
    if (id === this.id) return;
    this.#remember();
    this.#replace({ id, strokes, picture });
  }

  /** Open a picture { source, width, height } as a new drawing. */
  openPicture(picture) {
    this.open({ ...blank(), picture });
  }

  clear() {
    if (this.isEmpty) return;
    this.#remember();
    this.#replace(blank());
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.#current);
    this.#replace(this.#past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.#current);
    this.#replace(this.#future.pop());
  }

  /** Delete drawings by id, in the undo and redo history too. */
  delete(ids) {
    const remains = ({ id }) => !ids.includes(id);
    this.#past = this.#past.filter(remains);
    this.#future = this.#future.filter(remains);
    if (!remains(this.#current)) this.#replace(blank());
  }

  /** Continue under a new UUID: the server no longer accepts changes under the old one. */
  renewId() {
    this.#current = { ...this.#current, id: randomUUID() };
  }

  /** Scale all coordinates after the pad changed its size. */
  scale(ratio) {
    const scaled = (content) => ({ ...content, strokes: scaleStrokes(content.strokes, ratio) });
    this.#past = this.#past.map(scaled);
    this.#future = this.#future.map(scaled);
    this.#current = scaled(this.#current);
    this.#changed();
  }

  /** Return the strokes for the API: [x, y, t] in tenths of a pixel and whole milliseconds. */
  toJSON() {
    const every = Math.ceil(this.strokes.flat().length / MAX_POINTS);
    const tenth = (value) => Math.round(value * 10) / 10;
    const isSent = (_, i, stroke) => i % every === 0 || i === stroke.length - 1;
    return this.strokes.map((stroke) =>
      stroke.filter(isSent).map(([x, y, t]) => [tenth(x), tenth(y), t]),
    );
  }

  #remember() {
    this.#past.push(this.#current);
    this.#future = [];
  }

  #replace(content) {
    this.#current = content;
    this.#canExtend = false;
    this.#startTime = null;
    this.generation += 1;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

const blank = () => ({ id: randomUUID(), strokes: [], picture: null });

export function scaleStrokes(strokes, ratio) {
  return strokes.map((stroke) => stroke.map(([x, y, ...rest]) => [x * ratio, y * ratio, ...rest]));
}

/** Return whether a point is inside a box [left, top, width, height] of the API. */
export function isInside([left, top, width, height], [x, y]) {
  return (
    x > left - ROUNDING && x < left + width + ROUNDING && y > top - ROUNDING && y < top + height + ROUNDING
  );
}

/**
 * Return the strokes of a digit with a box. Where strokes have several digits, pieces of them are
 * added; the server selects them in the same way.
 */
export function strokesIn(box, strokes) {
  const runs = strokes.map((stroke) => longestRun(box, stroke));
  const whole = runs.filter((run, i) => run.length === strokes[i].length);
  return fills(box, whole.flat()) ? whole : runs.filter((run) => run.length > 0);
}

/** Return the most consecutive points of a stroke that are inside a box. */
function longestRun(box, stroke) {
  const runs = [[]];
  for (const point of stroke) {
    if (isInside(box, point)) runs.at(-1).push(point);
    else if (runs.at(-1).length > 0) runs.push([]);
  }
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest));
}

function fills([left, top, width, height], points) {
  return (
    points.some(([x]) => x < left + ROUNDING) &&
    points.some(([x]) => x > left + width - ROUNDING) &&
    points.some(([, y]) => y < top + ROUNDING) &&
    points.some(([, y]) => y > top + height - ROUNDING)
  );
}

/** Points of a mouse or finger have no pressure. */
function point(x, y, time, pressure) {
  const values = [x, y, Math.round(time)];
  return pressure === undefined ? values : [...values, pressure];
}

/** Return a random UUID; crypto.randomUUID() does not exist over plain HTTP. */
export function randomUUID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // Version 4 and the variant of RFC 9562.
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
