import assert from "node:assert/strict";
import { test } from "node:test";

import { fit, timed, until } from "../../static/js/replay.js";

test("times begin with zero and long pauses are cut", () => {
  const strokes = [[[0, 0, 500], [1, 1, 540]], [[2, 2, 9_000]]];
  assert.deepEqual(timed(strokes), [[[0, 0, 0], [1, 1, 40]], [[2, 2, 340]]]);
});

test("points without a time follow one another evenly", () => {
  assert.deepEqual(timed([[[0, 0], [1, 1]], [[2, 2]]]), [[[0, 0, 0], [1, 1, 12]], [[2, 2, 24]]]);
});

test("a replay shows what was there at a time", () => {
  const strokes = [[[0, 0, 0], [1, 1, 40]], [[2, 2, 340]]];
  assert.deepEqual(until(strokes, 50), [[[0, 0, 0], [1, 1, 40]]]);
  assert.deepEqual(until(strokes, 340), strokes);
});

test("a drawing fills the canvas and stands in its middle", () => {
  const { scale, x, y } = fit([[[10, 10], [30, 110]]], 200);
  assert.equal(scale, 1.52);
  assert.equal(20 * scale + x, 100);
  assert.equal(60 * scale + y, 100);
  assert.ok(Number.isFinite(fit([[[5, 5]]], 200).scale));
});
