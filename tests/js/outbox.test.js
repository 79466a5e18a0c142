import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Outbox } from "../../static/js/visit/outbox.js";

/** As browsers have it: keys are its own properties. */
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

beforeEach(() => {
  storage = new Storage();
  outbox = new Outbox(storage);
});

test("the drawing goes before its label", () => {
  outbox.keep("a", { strokes: [] });
  outbox.label("a", "7");
  const first = outbox.next();
  assert.deepEqual(first, { id: "a", part: "body", value: { strokes: [] } });
  outbox.settle(first);
  assert.deepEqual(outbox.next(), { id: "a", part: "label", value: "7" });
});

test("other ink takes the label with it", () => {
  outbox.label("a", "7");
  outbox.keep("a", { strokes: [] });
  assert.equal(outbox.next().part, "body");
  outbox.settle(outbox.next());
  assert.equal(outbox.size, 0);
});

test("to forget is all that is left to do", () => {
  outbox.keep("a", { strokes: [] });
  outbox.forget("a");
  outbox.settle(outbox.next());
  assert.equal(outbox.size, 0);
});

test("what was wished otherwise while it was sent is sent again", () => {
  outbox.keep("a", { strokes: [1] });
  const sent = outbox.next();
  outbox.keep("a", { strokes: [2] });
  outbox.settle(sent);
  assert.deepEqual(outbox.next().value, { strokes: [2] });
});

test("it outlives the page", () => {
  outbox.keep("a", { strokes: [1] });
  outbox.label("a", null);
  outbox.keep("b", { strokes: [2] });
  const after = new Outbox(storage);
  after.load();
  assert.equal(after.size, 2);
  while (after.next()) after.settle(after.next());
  assert.deepEqual(Object.keys(storage), []);
});

test("what this page wished since counts, not what the storage had", () => {
  outbox.keep("a", { strokes: [1] });
  const after = new Outbox(storage);
  after.forget("a");
  after.load();
  assert.equal(after.next().part, "forget");
});

test("a storage that is full or broken costs nothing but the second life", () => {
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  outbox.keep("a", { strokes: [1] });
  assert.equal(outbox.size, 1);
  storage["outbox:b"] = "{rubbish";
  outbox.load();
  assert.equal(outbox.size, 1);
});

test("whoever wants nothing kept any more has nothing sent but what is to be forgotten", () => {
  outbox.keep("a", { strokes: [] });
  outbox.label("b", "7");
  outbox.forget("c");
  outbox.withdraw();
  assert.deepEqual(outbox.next(), { id: "c", part: "forget", value: true });
  assert.equal(outbox.size, 1);
  assert.deepEqual(Object.keys(storage), ["outbox:c"]);
});

test("what another page forgets is not sent from here", () => {
  outbox.keep("a", { strokes: [] });
  outbox.heed({ key: "outbox:a", newValue: JSON.stringify({ forget: true }) });
  outbox.heed({ key: "outbox:b", newValue: JSON.stringify({ forget: true }) });
  outbox.heed({ key: null, newValue: null });
  assert.deepEqual(outbox.next(), { id: "a", part: "forget", value: true });
  assert.equal(outbox.size, 1);
});

test("a drawing that the server has trouble with lets the others go first", () => {
  outbox.keep("a", { strokes: [] });
  outbox.keep("b", { strokes: [] });
  outbox.defer("a");
  assert.equal(outbox.next().id, "b");
  assert.equal(outbox.size, 2);
});
