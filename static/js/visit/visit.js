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

  /** @param {Storage} storage such as sessionStorage */
  constructor(storage) {
    super();
    this.#storage = storage;
    try {
      this.#drawings = (JSON.parse(storage.getItem(KEY)) ?? []).filter(isDrawing);
      this.#current = storage.getItem(CURRENT_KEY);
    } catch {
      // Forbidden or corrupt storage: begin an empty visit.
    }
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
    try {
      this.#storage.setItem(CURRENT_KEY, id);
    } catch {
      // Full or forbidden storage: a reload shows an empty pad.
    }
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
    [this.#drawings, withoutPictures, []].some((drawings) => this.#store(drawings));
    this.dispatchEvent(new Event("change"));
  }

  #store(drawings) {
    try {
      this.#storage.setItem(KEY, JSON.stringify(drawings));
      return true;
    } catch {
      return false;
    }
  }
}

const isDrawing = ({ id, strokes, side }) => typeof id === "string" && Array.isArray(strokes) && side > 0;
