import assert from "node:assert/strict";
import { test } from "node:test";

import { openStorage } from "../../static/js/visit/storage.js";
import { Visit } from "../../static/js/visit/visit.js";

const BLANK = { strokes: [], side: 280 };

function createStorage(items = {}) {
  const setItem = (key, value) => void (items[key] = value);
  return openStorage(() => ({ getItem: (key) => items[key] ?? null, setItem }));
}

test("put appends new drawings and updates existing ones in place", () => {
  const visit = new Visit(createStorage());
  visit.put({ id: "a", strokes: [] });
  visit.put({ id: "b", strokes: [] });
  visit.put({ id: "a", text: "7" });
  assert.deepEqual(visit.drawings, [{ id: "a", strokes: [], text: "7" }, { id: "b", strokes: [] }]);
});

test("a reload restores the drawings that were not deleted", () => {
  const storage = createStorage();
  const visit = new Visit(storage);
  visit.put({ id: "a", ...BLANK });
  visit.put({ id: "b", ...BLANK });
  visit.setCurrent("b");
  visit.delete(["a"]);
  assert.deepEqual(new Visit(storage).drawings, [{ id: "b", ...BLANK }]);
  assert.equal(new Visit(storage).current, "b");
});

test("entries that are not drawings are ignored", () => {
  const stored = JSON.stringify([{}, { id: 1, ...BLANK }, { id: "a", side: 280 }, { id: "b", ...BLANK }]);
  assert.deepEqual(new Visit(createStorage({ visit: stored })).drawings, [{ id: "b", ...BLANK }]);
});

for (const stored of ["{invalid", "5", "[null]", null]) {
  test(`a storage that contains ${stored} does not affect the visit`, () => {
    const visit = new Visit(createStorage({ visit: stored }));
    visit.put({ id: "a" });
    assert.equal(visit.drawings.length, 1);
  });
}

test("a full storage keeps no deleted drawing", () => {
  const storage = createStorage();
  const { setItem } = storage;
  storage.setItem = (key, value) => {
    return value.length <= 100 && setItem(key, value);
  };
  const visit = new Visit(storage);
  visit.put({ id: "a", ...BLANK });
  visit.put({ id: "large", picture: { source: "x".repeat(200) } });
  visit.delete(["a"]);
  visit.put({ id: "b", ...BLANK });
  assert.deepEqual(new Visit(storage).drawings, [{ id: "b", ...BLANK }]);
  assert.equal(visit.drawings.length, 2);
});
