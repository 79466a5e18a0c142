/**
 * The drawings of this visit, oldest first: { id, strokes, side, picture, save, sent, text?, label? }.
 * `side` is the pad's side in the pixels of the strokes; `sent` is true once the server may have the
 * drawing. Stored until the tab is closed. Dispatches "change".
 */
const KEY = "visit";
const CURRENT_KEY = "current";

export class Visit extends EventTarget {
  #drawings = [];
  #current = null;
  #storage;

  /** @param storage of `openStorage`; read once */
  constructor(storage) {
    super();
    this.#storage = storage;
    const stored = storage.getJSON(KEY);
    if (Array.isArray(stored)) this.#drawings = stored.filter(isDrawing);
    this.#current = storage.getItem(CURRENT_KEY);
  }

  get drawings() {
    return this.#drawings;
  }

  /** The id of the drawing that was on the pad last, or null. */
  get current() {
    return this.#current;
  }

  setCurrent(id) {
    if (id === this.#current) return;
    this.#current = id;
    this.#storage.setItem(CURRENT_KEY, id);
  }

  find(id) {
    return this.#drawings.find((drawing) => drawing.id === id);
  }

  /** Add a drawing, or update some of its fields. */
  put(drawing) {
    const existing = this.find(drawing.id);
    if (existing) Object.assign(existing, drawing);
    else this.#drawings.push(drawing);
    this.#changed();
  }

  delete(ids) {
    this.#drawings = this.#drawings.filter(({ id }) => !ids.includes(id));
    this.#changed();
  }

  #changed() {
    // A full storage takes the drawings without pictures, or none: deleted ones must not remain.
    const withoutPictures = this.#drawings.filter(({ picture }) => !picture);
    const store = (drawings) => this.#storage.setItem(KEY, JSON.stringify(drawings));
    [this.#drawings, withoutPictures, []].some(store);
    this.dispatchEvent(new Event("change"));
  }
}

const isDrawing = (entry) => typeof entry?.id === "string" && Array.isArray(entry.strokes) && entry.side > 0;
