import assert from "node:assert/strict";
import { test } from "node:test";

import { caption, predictMoments } from "../../static/js/share/picture_card.js";

/** Return probabilities with one large value, or none for null. */
function row(digit) {
  return Array.from({ length: 10 }, (_, i) => (digit === null ? 0.1 : i === digit ? 0.91 : 0.01));
}

test("predictMoments predicts the strokes from the first point to the last", () => {
  const strokes = [[[0, 0, 0], [0, 9, 500], [0, 99, 1000]]];
  const counts = predictMoments(strokes, (drawn) => drawn.flat().length);
  assert.deepEqual([counts[0], counts[30], counts.at(-1)], [1, 2, 3]);
});

for (const [digits, expected] of [
  [[5, 5, 5, 5], "Certain from the first moment"],
  [[null, null, 5, 5], "Certain for the last 1.0 s"],
  [[1, 1, 5, 5], "Thought 1 until the last 1.0 s"],
  [[1, null, null, 5], "Thought 1 until the last 0.5 s"],
  [[1, 5, 1, 5], "Thought 1 until the last 0.5 s"],
  [[5, 5, 5, null], "Undecided to the end"],
]) {
  test(`caption of the predictions ${digits} is: ${expected}`, () => {
    assert.equal(caption(digits.map(row), 2000), expected);
  });
}
