/**
 * Changes that the server has not confirmed: per drawing its body, its label or its deletion. Stored
 * in the browser as well, so that they survive a closed page. A newer change replaces an older one.
 */

import { parseJSON } from "./storage.js";

/** Stored in visitors' browsers: another name would lose the deletions that wait there. */
export const DELETION = "forget";
// The parts of a change in the order in which they are sent.
const PARTS = [DELETION, "body", "label"];
const PREFIX = "outbox:";

export class Outbox {
  #changes = new Map();
  #storage;

  /** @param storage of `openStorage` */
  constructor(storage) {
    this.#storage = storage;
  }

  /** Save a drawing, { strokes } or { picture }; discards a pending label of its earlier body. */
  save(id, body) {
    this.#set(id, { body });
  }

  /** Label a drawing: "7?1" with a mark, null for "not a digit", "" to remove the label. */
  label(id, label) {
    this.#set(id, { ...this.#changes.get(id), label });
  }

  delete(id) {
    this.#set(id, { [DELETION]: true });
  }

  /** Return whether this body is still to be saved: not deleted or replaced since. */
  contains(id, body) {
    return this.#changes.get(id)?.body === body;
  }

  isDeleted(id) {
    return Boolean(this.#changes.get(id)?.[DELETION]);
  }

  /** Discard everything but deletions: the visitor no longer wants drawings to be saved. */
  discardSaves() {
    for (const id of [...this.#changes.keys()]) {
      if (!this.isDeleted(id)) this.#remove(id);
    }
  }

  /** Move a drawing to the end: the server failed on it. */
  defer(id) {
    const change = this.#changes.get(id);
    if (!change) return;
    this.#changes.delete(id);
    this.#changes.set(id, change);
  }

  /** Adopt deletions of another page from its "storage" event. */
  onStorage({ key, newValue }) {
    const id = key?.startsWith(PREFIX) && key.slice(PREFIX.length);
    if (!id || !this.#changes.has(id)) return;
    // Not from the storage: the server may have confirmed the deletion since.
    const change = parseJSON(newValue);
    if (change?.[DELETION]) this.#changes.set(id, change);
  }

  /** Return the next part to send, { id, part, value }, or undefined. */
  next() {
    const [id, change] = this.#changes.entries().next().value ?? [];
    if (!change) return undefined;
    const part = PARTS.find((name) => name in change);
    return { id, part, value: change[part] };
  }

  /** Remove a part that was accepted or rejected, unless it has changed since. */
  settle({ id, part, value }) {
    const { [part]: current, ...rest } = this.#changes.get(id) ?? {};
    if (current !== value) return;
    if (Object.keys(rest).length > 0) this.#set(id, rest);
    else this.#remove(id);
  }

  get size() {
    return this.#changes.size;
  }

  /** Load the changes that earlier pages stored. */
  load() {
    for (const key of this.#storage.keys()) {
      const id = key.slice(PREFIX.length);
      if (!key.startsWith(PREFIX) || this.#changes.has(id)) continue;
      const change = this.#storage.getJSON(key);
      if (change) this.#changes.set(id, change);
    }
  }

  #set(id, change) {
    this.#changes.set(id, change);
    this.#storage.setItem(PREFIX + id, JSON.stringify(change));
  }

  #remove(id) {
    this.#changes.delete(id);
    this.#storage.removeItem(PREFIX + id);
  }
}
