import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Drawing, strokesIn } from "../../static/js/draw/drawing.js";

let drawing;

beforeEach(() => {
  drawing = new Drawing();
});

function stroke(...points) {
  const [[x, y], ...rest] = points;
  drawing.begin(x, y, 1000);
  rest.forEach(([x, y], i) => drawing.extend(x, y, 1010 + 10 * i));
}

test("extend drops points within half a pixel", () => {
  stroke([10, 10], [10.2, 10.3], [11, 10]);
  assert.deepEqual(drawing.toJSON(), [[[10, 10, 0], [11, 10, 20]]]);
});

test("a new stroke clears the redo history", () => {
  stroke([1, 1], [9, 9]);
  drawing.undo();
  stroke([2, 2], [8, 8]);
  assert.equal(drawing.canRedo, false);
});

test("a new stroke does not modify the earlier array of strokes", () => {
  stroke([1, 1], [9, 9]);
  const before = drawing.strokes;
  stroke([2, 2], [8, 8]);
  assert.equal(before.length, 1);
});

test("undo, redo and clear increment the generation, strokes do not", () => {
  stroke([1, 1], [9, 9]);
  assert.equal(drawing.generation, 0);
  drawing.undo();
  drawing.redo();
  drawing.clear();
  assert.equal(drawing.generation, 3);
});

test("clear, undo and redo of an empty drawing change nothing", () => {
  let changes = 0;
  drawing.addEventListener("change", () => changes++);
  drawing.clear();
  drawing.undo();
  drawing.redo();
  assert.equal(changes, 0);
});

test("scale includes the undo and redo history", () => {
  stroke([10, 10], [20, 30]);
  stroke([5, 5], [6, 6]);
  drawing.undo();
  drawing.scale(2);
  assert.deepEqual(drawing.toJSON(), [[[20, 20, 0], [40, 60, 10]]]);
  drawing.redo();
  assert.deepEqual(drawing.toJSON()[1][0].slice(0, 2), [10, 10]);
});

test("toJSON omits the pressure", () => {
  drawing.begin(1, 1, 0, 0.4);
  drawing.extend(9, 9, 8, 0.6);
  assert.deepEqual(drawing.strokes, [[[1, 1, 0, 0.4], [9, 9, 8, 0.6]]]);
  assert.deepEqual(drawing.toJSON(), [[[1, 1, 0], [9, 9, 8]]]);
});

test("toJSON thins long strokes but keeps the first and last point", () => {
  drawing.begin(0, 0, 0);
  for (let i = 1; i < 60_000; i++) drawing.extend(i % 500, i / 200 + (i % 2), i);
  const [points] = drawing.toJSON();
  assert.ok(points.length <= 4001);
  assert.deepEqual([points[0][2], points.at(-1)[2]], [0, 59_999]);
});

test("extend after undo adds nothing", () => {
  drawing.begin(1, 1, 0);
  drawing.undo();
  drawing.extend(9, 9, 8);
  assert.equal(drawing.isEmpty, true);
});

test("cancelStroke removes the stroke and its undo step", () => {
  stroke([1, 1], [9, 9]);
  const before = drawing.toJSON();
  drawing.begin(5, 5, 2000);
  drawing.cancelStroke();
  assert.deepEqual(drawing.toJSON(), before);
  drawing.undo();
  assert.equal(drawing.isEmpty, true);
});

test("a drawing opened during a stroke ends the stroke", () => {
  drawing.begin(1, 1, 0);
  assert.equal(drawing.canExtend, true);
  drawing.openPicture({ source: "data:", width: 2, height: 1 });
  assert.equal(drawing.canExtend, false);
  drawing.cancelStroke();
  assert.equal(drawing.picture.width, 2);
});

test("a stroke on a reopened drawing continues its time", () => {
  drawing.open({ id: "old", strokes: [[[1, 1, 0], [9, 9, 400]]] });
  drawing.begin(5, 5, 90_000);
  assert.equal(drawing.toJSON()[1][0][2], 700);
});

test("a picture is a drawing of its own, and a stroke begins the next drawing", () => {
  stroke([1, 1], [9, 9]);
  drawing.openPicture({ source: "data:", width: 2, height: 1 });
  const { id } = drawing;
  assert.deepEqual([drawing.isEmpty, drawing.strokes, drawing.picture.width], [false, [], 2]);
  stroke([3, 3], [4, 4]);
  assert.notEqual(drawing.id, id);
  assert.equal(drawing.picture, null);
  drawing.undo();
  assert.equal(drawing.isEmpty, true);
  drawing.undo();
  assert.equal(drawing.id, id);
});

test("delete removes a drawing from the history and the current drawing", () => {
  stroke([1, 1], [9, 9]);
  const { id } = drawing;
  drawing.clear();
  drawing.delete([id]);
  drawing.undo();
  assert.equal(drawing.isEmpty, true);
  stroke([2, 2], [8, 8]);
  drawing.delete([drawing.id]);
  assert.equal(drawing.isEmpty, true);
});

test("strokesIn selects the piece of a stroke that joins two digits", () => {
  const [left, right] = [[[10, 10], [10, 50], [20, 30]], [[40, 10], [40, 50]]];
  const dot = [[15, 20]];
  const strokes = [[...left, ...right], dot];
  assert.deepEqual(strokesIn([10, 10, 10, 40], strokes), [left, dot]);
  assert.deepEqual(strokesIn([40, 10, 0, 40], strokes), [right]);
});

test("drawings have different UUIDs of version 4 without crypto.randomUUID", (context) => {
  context.mock.method(crypto, "randomUUID", () => assert.fail("missing over plain HTTP"));
  const ids = Array.from({ length: 100 }, () => new Drawing().id);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
});
