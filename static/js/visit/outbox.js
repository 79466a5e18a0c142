/**
 * What the server does not have yet, drawing by drawing: its body, its label, or that it is to be
 * forgotten. Kept in the browser's storage too, so that it outlives the page.
 *
 * Only the last wish for each part of a drawing counts, and parts go out in this order.
 */
const PARTS = ["forget", "body", "label"];
const PREFIX = "outbox:";

export class Outbox {
  #wishes = new Map();
  #storage;

  /** @param {Storage} storage such as localStorage. */
  constructor(storage) {
    this.#storage = storage;
  }

  /** Have a drawing kept: { strokes } or { picture }. A label for what was there before goes. */
  keep(id, body) {
    this.#wish(id, { body });
  }

  /** Say what a drawing is: "7", null for no digit, "" to take it back. */
  label(id, label) {
    this.#wish(id, { ...this.#wishes.get(id), label });
  }

  forget(id) {
    this.#wish(id, { forget: true });
  }

  /** Whether this very body still is to be kept: what was forgotten or redrawn meanwhile is not. */
  wants(id, body) {
    return this.#wishes.get(id)?.body === body;
  }

  /** Nothing more is to be kept: what waits is not sent any more, but what is to be forgotten is. */
  withdraw() {
    for (const [id, { forget }] of [...this.#wishes]) {
      if (forget) this.forget(id);
      else this.drop(id);
    }
  }

  /** Another one first: the server has trouble with this one. */
  defer(id) {
    const wish = this.#wishes.get(id);
    if (!wish) return;
    this.#wishes.delete(id);
    this.#wishes.set(id, wish);
  }

  /** Another page of ours has stored a wish: what was forgotten there must not be sent from here. */
  heed({ key, newValue }) {
    const id = key?.startsWith(PREFIX) && key.slice(PREFIX.length);
    if (!id || !newValue || !this.#wishes.has(id)) return;
    this.#attempt(() => {
      const wish = JSON.parse(newValue);
      if (wish.forget) this.#wishes.set(id, wish);
    });
  }

  /** The part to send next, { id, part, value }, or undefined. */
  next() {
    const [id, wish] = this.#wishes.entries().next().value ?? [];
    if (!wish) return undefined;
    const part = PARTS.find((name) => name in wish);
    return { id, part, value: wish[part] };
  }

  /** A part was taken, or never will be; one that was wished otherwise meanwhile stays. */
  settle({ id, part, value }) {
    const { [part]: current, ...rest } = this.#wishes.get(id) ?? {};
    if (current !== value) return;
    if (Object.keys(rest).length > 0) this.#wish(id, rest);
    else this.drop(id);
  }

  /** Nothing more is wished for a drawing. */
  drop(id) {
    this.#wishes.delete(id);
    this.#attempt(() => this.#storage.removeItem(PREFIX + id));
  }

  get size() {
    return this.#wishes.size;
  }

  /** Take over what an earlier page left in the storage. */
  load() {
    this.#attempt(() => {
      for (const key of Object.keys(this.#storage)) {
        const id = key.slice(PREFIX.length);
        if (!key.startsWith(PREFIX) || this.#wishes.has(id)) continue;
        this.#wishes.set(id, JSON.parse(this.#storage.getItem(key)));
      }
    });
  }

  #wish(id, wish) {
    this.#wishes.set(id, wish);
    this.#attempt(() => this.#storage.setItem(PREFIX + id, JSON.stringify(wish)));
  }

  /** A storage that is full or forbidden costs the wishes their second life, not their first. */
  #attempt(work) {
    try {
      work();
    } catch (error) {
      if (!(error instanceof DOMException || error instanceof SyntaxError)) throw error;
    }
  }
}
