import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, moments, settled, until } from "../../static/js/draw/timeline.js";

// 100 ms of ink, two seconds of thought, 50 ms of ink.
const FOUR = [
  [[0, 0, 0], [0, 10, 40], [10, 10, 100]],
  [[8, 0, 2100], [8, 20, 2150]],
];

test("a long pause counts as a short one", () => {
  assert.equal(duration(FOUR), 100 + 300 + 50);
  assert.equal(duration([FOUR[0], [[1, 1, 150], [2, 2, 160]]]), 160);
});

test("nothing and a tap take no time", () => {
  assert.equal(duration([]), 0);
  assert.equal(duration([[[5, 5, 0]]]), 0);
  assert.deepEqual(until([], 10), []);
  assert.deepEqual(until([[[5, 5, 0]]], 0), [[[5, 5, 0]]]);
});

test("the drawing at a moment is what was drawn by then", () => {
  assert.deepEqual(until(FOUR, 0), [[[0, 0, 0]]]);
  assert.deepEqual(until(FOUR, 99), [[[0, 0, 0], [0, 10, 40]]]);
  assert.deepEqual(until(FOUR, 399), [FOUR[0]]);
  assert.deepEqual(until(FOUR, 400), [FOUR[0], [[8, 0, 2100]]]);
});

test("at the end it is whole, and nothing was changed", () => {
  const before = structuredClone(FOUR);
  assert.deepEqual(until(FOUR, duration(FOUR)), FOUR);
  assert.deepEqual(FOUR, before);
});

test("a drawing whose first stroke was undone starts at once", () => {
  assert.equal(duration(FOUR.slice(1)), 50);
  assert.equal(until(FOUR.slice(1), 0).length, 1);
});

test("moments reach from the first ink to the last", () => {
  const all = moments(FOUR, 10);
  assert.equal(all.length, 10);
  assert.equal(all[0], 0);
  assert.equal(all.at(-1), 450);
  assert.equal(all[1] - all[0], 50);
  assert.equal(moments(FOUR).length, 60);
});

test("a reading is settled when it changes no more", () => {
  assert.deepEqual(settled([null, 1, 1, 7, 7]), { reading: 7, since: 3, changes: 1 });
  assert.deepEqual(settled([7, 7]), { reading: 7, since: 0, changes: 0 });
  assert.deepEqual(settled([1, 7, 1, 7]), { reading: 7, since: 3, changes: 3 });
  assert.deepEqual(settled([null, 7, null, 7]), { reading: 7, since: 3, changes: 0 });
  assert.deepEqual(settled([1, null]), { reading: null, since: 1, changes: 0 });
  assert.deepEqual(settled([]), { reading: null, since: 0, changes: 0 });
});
