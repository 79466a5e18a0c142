import assert from "node:assert/strict";
import { test } from "node:test";

import { openStorage } from "../../static/js/visit/storage.js";

function forbid() {
  throw new DOMException("", "SecurityError");
}

test("a forbidden storage is empty and stores nothing", () => {
  const storage = openStorage(forbid);
  assert.deepEqual([storage.keys(), storage.getItem("a"), storage.getJSON("a")], [[], null, null]);
  assert.equal(storage.setItem("a", "1"), false);
  storage.removeItem("a");
});

test("setItem returns whether the text was stored, and getJSON ignores corrupt text", () => {
  const items = { corrupt: "{" };
  const setItem = (key, text) => void (text.length > 9 ? forbid() : (items[key] = text));
  const storage = openStorage(() => ({ getItem: (key) => items[key] ?? null, setItem }));
  assert.deepEqual([storage.setItem("a", "[1]"), storage.setItem("b", "0123456789")], [true, false]);
  assert.deepEqual(["a", "b", "corrupt"].map(storage.getJSON), [[1], null, null]);
  assert.deepEqual(items, { corrupt: "{", a: "[1]" });
});

test("other errors are thrown", () => {
  assert.throws(() => openStorage(() => undefined).getItem("a"), TypeError);
});
