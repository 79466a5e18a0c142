import assert from "node:assert/strict";
import { test } from "node:test";

import { fit, withTimes } from "../../static/js/review/card.js";

test("withTimes: points without a time are spaced evenly", () => {
  assert.deepEqual(withTimes([[[0, 0], [1, 1]], [[2, 2]]]), [[[0, 0, 0], [1, 1, 12]], [[2, 2, 24]]]);
});

test("fit: a drawing fills the canvas and is centered", () => {
  const { scale, x, y } = fit([[[10, 10], [30, 110]]], 200);
  assert.equal(scale, 1.52);
  assert.equal(20 * scale + x, 100);
  assert.equal(60 * scale + y, 100);
});

test("fit: a single point gives a finite scale", () => {
  assert.ok(Number.isFinite(fit([[[5, 5]]], 200).scale));
});
