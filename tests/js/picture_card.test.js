import assert from "node:assert/strict";
import { test } from "node:test";

import { caption } from "../../static/js/share/picture_card.js";

const sample = (digit) => ({ digit, probabilities: [digit === null ? 0.1 : 0.91] });

for (const [digits, expected] of [
  [[5, 5, 5, 5], "Certain from the first moment"],
  [[null, null, 5, 5], "Certain for the last 1.0 s"],
  [[1, 1, 5, 5], "Thought 1 until the last 1.0 s"],
  [[1, null, null, 5], "Thought 1 until the last 0.5 s"],
  [[1, 5, 1, 5], "Thought 1 until the last 0.5 s"],
  [[5, 5, 5, null], "Undecided to the end"],
]) {
  test(`caption of the predictions ${digits} is: ${expected}`, () => {
    assert.equal(caption(digits.map(sample), 2000), expected);
  });
}
