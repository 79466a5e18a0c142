import assert from "node:assert/strict";
import { test } from "node:test";

import { Visit } from "../../static/js/visit/visit.js";

function storage() {
  const items = {};
  return { getItem: (key) => items[key] ?? null, setItem: (key, value) => (items[key] = value) };
}

test("drawings are filed in the order they were made, and brought up to date in place", () => {
  const visit = new Visit(storage());
  visit.file({ id: "a", strokes: [] });
  visit.file({ id: "b", strokes: [] });
  visit.file({ id: "a", text: "7" });
  assert.deepEqual(visit.drawings, [{ id: "a", strokes: [], text: "7" }, { id: "b", strokes: [] }]);
});

test("a visit outlives a reload, what was forgotten does not", () => {
  const kept = storage();
  const visit = new Visit(kept);
  visit.file({ id: "a" });
  visit.file({ id: "b" });
  visit.forget(["a"]);
  assert.deepEqual(new Visit(kept).drawings, [{ id: "b" }]);
});

for (const broken of [
  { getItem: () => "{rubbish" },
  { getItem: () => null },
]) {
  test(`a storage that gives ${broken.getItem()} and takes nothing does no harm`, () => {
    const visit = new Visit(broken);
    visit.file({ id: "a" });
    assert.equal(visit.drawings.length, 1);
  });
}

test("where the storage is full, nothing that was forgotten stays in it", () => {
  const kept = storage();
  const setItem = kept.setItem;
  kept.setItem = (key, value) => {
    if (value.length > 100) throw new Error("full");
    setItem(key, value);
  };
  const visit = new Visit(kept);
  visit.file({ id: "a" });
  visit.file({ id: "large", picture: { source: "x".repeat(200) } });
  visit.forget(["a"]);
  visit.file({ id: "b" });
  assert.deepEqual(new Visit(kept).drawings, [{ id: "b" }]);
  assert.equal(visit.drawings.length, 2);
});
