import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { draw, drawBySteps, STEPS } from "../../static/js/recognize/rasterize.js";

const vectors = JSON.parse(readFileSync(new URL("../rasterization_vectors.json", import.meta.url)));

for (const { name, strokes, grid } of vectors) {
  test(`draws as ml/ink.py does: ${name}`, () => {
    assert.deepEqual([...draw(strokes)], [...Buffer.from(grid, "base64")]);
  });
}

const PAD = 280;
const NONE = { box: false, fit: false, mass: false };
// A small seven in the upper left corner of the pad.
const CORNER = [[[20, 20], [60, 20], [30, 70]]];

/** The box of what is inked: [left, top, right, bottom] in whole pixels. */
function inked(grid) {
  const at = [...grid.keys()].filter((i) => grid[i] > 0);
  const [columns, rows] = [at.map((i) => i % 28), at.map((i) => Math.floor(i / 28))];
  return [Math.min(...columns), Math.min(...rows), Math.max(...columns), Math.max(...rows)];
}

test("all steps are what draw does", () => {
  for (const { strokes } of vectors) assert.deepEqual(drawBySteps(strokes, PAD, STEPS), draw(strokes));
});

test("without steps the pad shrinks as it is", () => {
  assert.deepEqual(inked(drawBySteps(CORNER, PAD, NONE)), [1, 1, 6, 7]);
});

test("the ink box brings it to the middle, as small as it was", () => {
  const [left, top, right, bottom] = inked(drawBySteps(CORNER, PAD, { ...NONE, box: true }));
  assert.ok(Math.abs(left + right + 1 - 28) <= 1 && Math.abs(top + bottom + 1 - 28) <= 1);
  assert.ok(bottom - top < 9);
});

test("the fit makes it twenty pixels, wherever it stands", () => {
  const [, top, , bottom] = inked(drawBySteps(CORNER, PAD, { ...STEPS, mass: false }));
  assert.ok(Math.abs(bottom - top + 1 - 20) <= 1);
  assert.equal(inked(drawBySteps(CORNER, PAD, { ...NONE, fit: true }))[0], 0);
});

test("nothing drawn is blank by any steps", () => {
  assert.ok(drawBySteps([], PAD, NONE).every((level) => level === 0));
});
