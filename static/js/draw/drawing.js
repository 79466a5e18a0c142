/**
 * A drawing as data: strokes of points [x, y, t, pressure?], with a way back and forth.
 *
 * Every sheet (what lies between two clears) has a UUID of its own, and strokes or a picture.
 * Listeners hear "change" whenever there is other ink than before.
 */

// More points than these say nothing more on 28x28; a minute of scribbling has them.
const MOST_POINTS = 4000;
// Milliseconds between what was drawn before and what is drawn on a sheet that was turned back to.
const PAUSE = 300;

export class Drawing extends EventTarget {
  #past = [];
  #future = [];
  #sheet;
  #newId;
  #penDown = false;
  // When the first point was drawn; null until it is drawn on again.
  #started = null;

  /** @param {() => string} newId makes the UUID of each sheet. */
  constructor(newId = () => crypto.randomUUID()) {
    super();
    this.#newId = newId;
    this.#sheet = this.#blank();
    /** Counts what takes ink away or brings it back: answers from before are stale. */
    this.generation = 0;
  }

  get id() {
    return this.#sheet.id;
  }

  get strokes() {
    return this.#sheet.strokes;
  }

  /** The picture laid on the sheet instead of strokes, or null. */
  get picture() {
    return this.#sheet.picture;
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

  /** Begin a stroke at a point of time (milliseconds on any clock). On a picture: on a new sheet. */
  begin(x, y, time, pressure) {
    if (this.picture) this.clear();
    this.#remember();
    this.#penDown = true;
    this.#started ??= this.isEmpty ? time : time - this.strokes.at(-1).at(-1)[2] - PAUSE;
    const stroke = [point(x, y, time - this.#started, pressure)];
    this.#sheet = { ...this.#sheet, strokes: [...this.strokes, stroke] };
    this.#changed();
  }

  /** Lengthen the last stroke; a point that hardly moved says nothing new. */
  extend(x, y, time, pressure) {
    // Undone or cleared while the pen was down.
    if (!this.#penDown) return;
    const stroke = this.strokes.at(-1);
    const [lastX, lastY] = stroke.at(-1);
    if (Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) return;
    stroke.push(point(x, y, time - this.#started, pressure));
    this.#changed();
  }

  /** The stroke being drawn was none: a palm that came down before the pen. */
  abandon() {
    this.#turnTo(this.#past.pop());
  }

  /** Turn to another sheet, { id, strokes, picture? }; undo turns back. */
  open({ id, strokes, picture = null }) {
    if (id === this.id) return;
    this.#remember();
    this.#turnTo({ id, strokes, picture });
  }

  clear() {
    if (this.isEmpty) return;
    this.#remember();
    this.#turnTo(this.#blank());
  }

  /** Lay a picture { source, width, height } on a sheet of its own. */
  lay(picture) {
    this.open({ ...this.#blank(), picture });
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.#sheet);
    this.#turnTo(this.#past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.#sheet);
    this.#turnTo(this.#future.pop());
  }

  /** Tear up sheets, wherever they lie: there is no way back to them. */
  forget(ids) {
    const stays = (sheet) => !ids.includes(sheet.id);
    this.#past = this.#past.filter(stays);
    this.#future = this.#future.filter(stays);
    if (!stays(this.#sheet)) this.#turnTo(this.#blank());
  }

  /** Go on under another UUID: the one before can no longer be written to. */
  renew() {
    this.#sheet = { ...this.#sheet, id: this.#newId() };
  }

  /** Follow a pad that changed its size. */
  scale(ratio) {
    const scaled = (sheet) => ({ ...sheet, strokes: scale(sheet.strokes, ratio) });
    this.#past = this.#past.map(scaled);
    this.#future = this.#future.map(scaled);
    this.#sheet = scaled(this.#sheet);
    this.#changed();
  }

  /** The strokes as they travel: tenths of a pixel, whole milliseconds since the first point. */
  toJSON() {
    const every = Math.ceil(this.strokes.flat().length / MOST_POINTS);
    const tenth = (value) => Math.round(value * 10) / 10;
    const travels = (_, i, stroke) => i % every === 0 || i === stroke.length - 1;
    return this.strokes.map((stroke) =>
      stroke.filter(travels).map(([x, y, t]) => [tenth(x), tenth(y), t]),
    );
  }

  #blank() {
    return { id: this.#newId(), strokes: [], picture: null };
  }

  #remember() {
    this.#past.push(this.#sheet);
    this.#future = [];
  }

  #turnTo(sheet) {
    this.#sheet = sheet;
    this.#penDown = false;
    this.#started = null;
    this.generation += 1;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Strokes drawn on a pad that many times as large. */
export function scale(strokes, ratio) {
  return strokes.map((stroke) => stroke.map(([x, y, ...rest]) => [x * ratio, y * ratio, ...rest]));
}

/** Where there is no pressure (mouse, finger), a point has three numbers. */
function point(x, y, time, pressure) {
  const at = [x, y, Math.round(time)];
  return pressure === undefined ? at : [...at, pressure];
}
