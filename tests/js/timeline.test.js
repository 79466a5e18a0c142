import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, moments, replay, settled, strokesUntil } from "../../static/js/draw/timeline.js";

// A stroke of 100 ms, a pause of two seconds, a stroke of 50 ms.
const FOUR = [
  [[0, 0, 0], [0, 10, 40], [10, 10, 100]],
  [[8, 0, 2100], [8, 20, 2150]],
];

test("duration shortens long pauses only", () => {
  assert.equal(duration(FOUR), 100 + 300 + 50);
  assert.equal(duration([FOUR[0], [[1, 1, 150], [2, 2, 160]]]), 160);
});

test("an empty drawing and a tap take no time", () => {
  assert.equal(duration([]), 0);
  assert.equal(duration([[[5, 5, 0]]]), 0);
  assert.deepEqual(strokesUntil([], 10), []);
  assert.deepEqual(strokesUntil([[[5, 5, 0]]], 0), [[[5, 5, 0]]]);
});

test("strokesUntil returns the points drawn by a moment", () => {
  assert.deepEqual(strokesUntil(FOUR, 0), [[[0, 0, 0]]]);
  assert.deepEqual(strokesUntil(FOUR, 99), [[[0, 0, 0], [0, 10, 40]]]);
  assert.deepEqual(strokesUntil(FOUR, 399), [FOUR[0]]);
  assert.deepEqual(strokesUntil(FOUR, 400), [FOUR[0], [[8, 0, 2100]]]);
  assert.deepEqual(strokesUntil(FOUR, duration(FOUR)), FOUR);
});

test("moments are evenly spaced from 0 to the end", () => {
  assert.deepEqual(moments(450, 4), [0, 150, 300, 450]);
});

test("settled returns the last prediction, its start and the changes before it", () => {
  assert.deepEqual(settled([null, 1, 1, 7, 7]), { prediction: 7, since: 3, changes: 1 });
  assert.deepEqual(settled([7, 7]), { prediction: 7, since: 0, changes: 0 });
  assert.deepEqual(settled([1, 7, 1, 7]), { prediction: 7, since: 3, changes: 3 });
  assert.deepEqual(settled([null, 7, null, 7]), { prediction: 7, since: 3, changes: 0 });
  assert.deepEqual(settled([1, null]), { prediction: null, since: 1, changes: 0 });
  assert.deepEqual(settled([]), { prediction: null, since: 0, changes: 0 });
});

test("replay with reduced motion shows still frames until the end", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.matchMedia = () => ({ matches: true });
  const shown = [];
  replay(FOUR, (moment) => shown.push(moment));
  // Each frame schedules the next.
  for (let i = 0; i < 10; i++) context.mock.timers.tick(1000);
  assert.deepEqual(shown, [90, 180, 270, 360, null]);
});
