import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { DELETION, Outbox } from "../../static/js/visit/outbox.js";
import { openStorage } from "../../static/js/visit/storage.js";

/** Like a browser's storage, whose keys are its own properties. */
class Storage {
  getItem(key) {
    return this[key] ?? null;
  }
  setItem(key, value) {
    this[key] = value;
  }
  removeItem(key) {
    delete this[key];
  }
}

let storage, outbox;
const createOutbox = () => new Outbox(openStorage(() => storage));

beforeEach(() => {
  storage = new Storage();
  outbox = createOutbox();
});

test("next returns the drawing before its label", () => {
  outbox.save("a", { strokes: [] });
  outbox.label("a", "7");
  const first = outbox.next();
  assert.deepEqual(first, { id: "a", part: "body", value: { strokes: [] } });
  outbox.settle(first);
  assert.deepEqual(outbox.next(), { id: "a", part: "label", value: "7" });
});

test("settle keeps a part that changed during the request", () => {
  outbox.save("a", { strokes: [1] });
  const sent = outbox.next();
  outbox.save("a", { strokes: [2] });
  outbox.settle(sent);
  assert.deepEqual(outbox.next().value, { strokes: [2] });
});

test("load restores the changes of a closed page", () => {
  outbox.save("a", { strokes: [1] });
  outbox.label("a", null);
  outbox.save("b", { strokes: [2] });
  const reopened = createOutbox();
  reopened.load();
  assert.equal(reopened.size, 2);
  while (reopened.next()) reopened.settle(reopened.next());
  assert.deepEqual(Object.keys(storage), []);
});

test("load restores a deletion stored by an earlier release", () => {
  storage["outbox:a"] = '{"forget":true}';
  outbox.load();
  assert.equal(outbox.next().part, DELETION);
});

test("load keeps a newer change of this page", () => {
  outbox.save("a", { strokes: [1] });
  const reopened = createOutbox();
  reopened.delete("a");
  reopened.load();
  assert.equal(reopened.next().part, DELETION);
});

test("a full or corrupt storage does not affect changes of this page", () => {
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  outbox.save("a", { strokes: [1] });
  assert.equal(outbox.size, 1);
  storage["outbox:b"] = "{invalid";
  outbox.load();
  assert.equal(outbox.size, 1);
});

test("discardSaves keeps deletions only", () => {
  outbox.save("a", { strokes: [] });
  outbox.label("b", "7");
  outbox.delete("c");
  outbox.discardSaves();
  assert.deepEqual(outbox.next(), { id: "c", part: DELETION, value: true });
  assert.equal(outbox.size, 1);
  assert.deepEqual(Object.keys(storage), ["outbox:c"]);
});

test("onStorage adopts a deletion of another page that is already confirmed", () => {
  const newValue = JSON.stringify({ [DELETION]: true });
  outbox.save("a", { strokes: [] });
  // The server has confirmed the deletion: the storage no longer contains it.
  outbox.onStorage({ key: "outbox:a", newValue });
  outbox.onStorage({ key: "outbox:b", newValue });
  outbox.onStorage({ key: null, newValue: null });
  assert.deepEqual(outbox.next(), { id: "a", part: DELETION, value: true });
  assert.equal(outbox.size, 1);
});

test("onStorage ignores other changes and invalid JSON", () => {
  outbox.save("a", { strokes: [] });
  const changes = ['{"label":"7"}', "{invalid", "null", null];
  for (const newValue of changes) outbox.onStorage({ key: "outbox:a", newValue });
  assert.equal(outbox.next().part, "body");
});

test("defer moves a drawing behind the others", () => {
  outbox.save("a", { strokes: [] });
  outbox.save("b", { strokes: [] });
  outbox.defer("a");
  assert.equal(outbox.next().id, "b");
  assert.equal(outbox.size, 2);
});
