import assert from "node:assert/strict";
import { test } from "node:test";

import { rasterizeWithSteps, STEPS } from "../../static/js/recognize/rasterize.js";

const SIDE = 280;
const NONE = { box: false, fit: false, mass: false };
// A small seven in the upper left corner of the pad.
const CORNER = [[[20, 20], [60, 20], [30, 70]]];

/** Return the bounding box of the ink, [left, top, right, bottom] in whole pixels. */
function boundingBox(grid) {
  const inked = [...grid.keys()].filter((i) => grid[i] > 0);
  const [columns, rows] = [inked.map((i) => i % 28), inked.map((i) => Math.floor(i / 28))];
  return [Math.min(...columns), Math.min(...rows), Math.max(...columns), Math.max(...rows)];
}

test("rasterizeWithSteps without steps scales the whole pad", () => {
  assert.deepEqual(boundingBox(rasterizeWithSteps(CORNER, SIDE, NONE)), [1, 1, 6, 7]);
});

test("rasterizeWithSteps with box centers the bounding box without scaling it", () => {
  const [left, top, right, bottom] = boundingBox(rasterizeWithSteps(CORNER, SIDE, { ...NONE, box: true }));
  assert.ok(Math.abs(left + right + 1 - 28) <= 1 && Math.abs(top + bottom + 1 - 28) <= 1);
  assert.ok(bottom - top < 9);
});

test("rasterizeWithSteps with fit scales the bounding box to 20 pixels", () => {
  const [, top, , bottom] = boundingBox(rasterizeWithSteps(CORNER, SIDE, { ...STEPS, mass: false }));
  assert.ok(Math.abs(bottom - top + 1 - 20) <= 1);
  assert.equal(boundingBox(rasterizeWithSteps(CORNER, SIDE, { ...NONE, fit: true }))[0], 0);
});

test("rasterizeWithSteps of no strokes is blank", () => {
  assert.ok(rasterizeWithSteps([], SIDE, NONE).every((level) => level === 0));
});
