import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Drawing } from "../../static/js/drawing.js";

let drawing, ids;

beforeEach(() => {
  ids = 0;
  drawing = new Drawing(() => `id-${++ids}`);
});

function stroke(...points) {
  const [[x, y], ...rest] = points;
  drawing.begin(x, y, 1000);
  rest.forEach(([x, y], i) => drawing.extend(x, y, 1010 + 10 * i));
}

test("a new drawing is empty and has an id", () => {
  assert.equal(drawing.isEmpty, true);
  assert.equal(drawing.id, "id-1");
  assert.deepEqual(drawing.toJSON(), []);
});

test("strokes are points with times since the first", () => {
  stroke([10, 20], [30.26, 40.04]);
  drawing.begin(5, 5, 1500);
  assert.deepEqual(drawing.toJSON(), [[[10, 20, 0], [30.3, 40, 10]], [[5, 5, 500]]]);
});

test("points that hardly moved are not kept", () => {
  stroke([10, 10], [10.2, 10.3], [11, 10]);
  assert.deepEqual(drawing.toJSON(), [[[10, 10, 0], [11, 10, 20]]]);
});

test("undo and redo go back and forth", () => {
  stroke([1, 1], [9, 9]);
  stroke([2, 2], [8, 8]);
  const both = drawing.toJSON();
  drawing.undo();
  assert.equal(drawing.strokes.length, 1);
  drawing.undo();
  assert.equal(drawing.isEmpty, true);
  assert.equal(drawing.canUndo, false);
  drawing.redo();
  drawing.redo();
  assert.deepEqual(drawing.toJSON(), both);
  assert.equal(drawing.canRedo, false);
});

test("a new stroke ends what could be redone", () => {
  stroke([1, 1], [9, 9]);
  drawing.undo();
  stroke([2, 2], [8, 8]);
  assert.equal(drawing.canRedo, false);
});

test("clearing opens a sheet with another id, and undo brings the old one back", () => {
  stroke([1, 1], [9, 9]);
  const before = drawing.toJSON();
  drawing.clear();
  assert.equal(drawing.isEmpty, true);
  assert.equal(drawing.id, "id-2");
  drawing.undo();
  assert.deepEqual(drawing.toJSON(), before);
  assert.equal(drawing.id, "id-1");
});

test("undoing a stroke leaves what was sent before untouched", () => {
  stroke([1, 1], [9, 9]);
  const sent = drawing.strokes;
  stroke([2, 2], [8, 8]);
  assert.equal(sent.length, 1);
});

test("only what takes ink away or brings it back makes answers stale", () => {
  stroke([1, 1], [9, 9]);
  assert.equal(drawing.generation, 0);
  drawing.undo();
  drawing.redo();
  drawing.clear();
  assert.equal(drawing.generation, 3);
});

test("clearing, undoing and redoing nothing changes nothing", () => {
  let changes = 0;
  drawing.addEventListener("change", () => changes++);
  drawing.clear();
  drawing.undo();
  drawing.redo();
  assert.equal(changes, 0);
  assert.equal(drawing.id, "id-1");
});

test("a pad of another size scales what was drawn, undone and to come", () => {
  stroke([10, 10], [20, 30]);
  stroke([5, 5], [6, 6]);
  drawing.undo();
  drawing.scale(2);
  assert.deepEqual(drawing.toJSON(), [[[20, 20, 0], [40, 60, 10]]]);
  drawing.redo();
  assert.deepEqual(drawing.toJSON()[1][0].slice(0, 2), [10, 10]);
});

test("a renewed drawing keeps its ink", () => {
  stroke([1, 1], [9, 9]);
  const before = drawing.toJSON();
  drawing.renew();
  assert.equal(drawing.id, "id-2");
  assert.deepEqual(drawing.toJSON(), before);
});
