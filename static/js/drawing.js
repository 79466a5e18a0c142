/**
 * A drawing as data: strokes of points [x, y, t], with a way back and forth.
 *
 * Every sheet (what lies between two clears) has a UUID of its own. Listeners hear "change" whenever
 * the strokes are others than before.
 */
export class Drawing extends EventTarget {
  #past = [];
  #future = [];
  #sheet;
  #newId;
  #started = 0;

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

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Begin a stroke at a point of time (milliseconds on any clock). */
  begin(x, y, time) {
    if (this.isEmpty) this.#started = time;
    this.#remember();
    this.#sheet = { ...this.#sheet, strokes: [...this.strokes, [this.#point(x, y, time)]] };
    this.#changed();
  }

  /** Lengthen the last stroke; a point that hardly moved says nothing new. */
  extend(x, y, time) {
    const stroke = this.strokes.at(-1);
    const [lastX, lastY] = stroke.at(-1);
    if (Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) return;
    stroke.push(this.#point(x, y, time));
    this.#changed();
  }

  clear() {
    if (this.isEmpty) return;
    this.#remember();
    this.#turnTo(this.#blank());
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

  /** Go on under another UUID: the one before can no longer be written to. */
  renew() {
    this.#sheet = { ...this.#sheet, id: this.#newId() };
  }

  /** Follow a pad that changed its size. */
  scale(ratio) {
    const scaled = ({ id, strokes }) => ({
      id,
      strokes: strokes.map((stroke) => stroke.map(([x, y, t]) => [x * ratio, y * ratio, t])),
    });
    this.#past = this.#past.map(scaled);
    this.#future = this.#future.map(scaled);
    this.#sheet = scaled(this.#sheet);
    this.#changed();
  }

  /** The strokes as they travel: tenths of a pixel, whole milliseconds since the first point. */
  toJSON() {
    const tenth = (value) => Math.round(value * 10) / 10;
    return this.strokes.map((stroke) => stroke.map(([x, y, t]) => [tenth(x), tenth(y), t]));
  }

  #blank() {
    return { id: this.#newId(), strokes: [] };
  }

  #point(x, y, time) {
    return [x, y, Math.round(time - this.#started)];
  }

  #remember() {
    this.#past.push(this.#sheet);
    this.#future = [];
  }

  #turnTo(sheet) {
    this.#sheet = sheet;
    this.generation += 1;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
