/**
 * The drawings of this visit, oldest first: { id, strokes, side, picture, keep, text?, said? }, strokes
 * in the pixels of a pad of that side. Kept for as long as the tab is open, over reloads too.
 */
const KEY = "visit";

export class Visit extends EventTarget {
  #drawings = [];
  #storage;

  /** @param {Storage} storage such as sessionStorage. */
  constructor(storage) {
    super();
    this.#storage = storage;
    try {
      this.#drawings = JSON.parse(storage.getItem(KEY)) ?? [];
    } catch {
      // A storage that is forbidden or holds something else: a visit without a past.
    }
  }

  get drawings() {
    return this.#drawings;
  }

  find(id) {
    return this.#drawings.find((drawing) => drawing.id === id);
  }

  /** File a drawing, or what became of it. */
  file(drawing) {
    const old = this.find(drawing.id);
    if (old) Object.assign(old, drawing);
    else this.#drawings.push(drawing);
    this.#changed();
  }

  forget(ids) {
    this.#drawings = this.#drawings.filter(({ id }) => !ids.includes(id));
    this.#changed();
  }

  #store(drawings) {
    try {
      this.#storage.setItem(KEY, JSON.stringify(drawings));
      return true;
    } catch {
      // Full or forbidden: this page still has them.
      return false;
    }
  }

  #changed() {
    // Where the storage is full, without pictures, or none: what was forgotten must not come back.
    const fewer = this.#drawings.filter(({ picture }) => !picture);
    [this.#drawings, fewer, []].some((drawings) => this.#store(drawings));
    this.dispatchEvent(new Event("change"));
  }
}
