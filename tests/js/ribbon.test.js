import assert from "node:assert/strict";
import { test } from "node:test";

import { describeSample, summarize } from "../../static/js/explain/ribbon.js";

/** Return samples, 100 ms apart, from pairs of a digit's index and its prediction, "?" for a mark. */
function samples(pairs) {
  return pairs.map(([part, prediction], i) => {
    const probabilities = Array.from({ length: 10 }, (_, j) => (j === prediction ? 0.91 : 0.01));
    const digit = prediction === "?" ? null : (prediction ?? 0);
    return { moment: 100 * i, part, digit, probabilities };
  });
}

test("describeSample describes a digit, one in progress, and a non-digit", () => {
  const [{ digit, probabilities }] = samples([[0, 7]]);
  assert.equal(describeSample({ digit, probabilities }), "7, 91.0%");
  assert.equal(describeSample({ probabilities }), "7, 91.0%");
  assert.equal(describeSample({ digit: null, probabilities }), "not a digit");
});

for (const [pairs, expected] of [
  [[[0, 7], [0, 7]], "Prediction 7 from the start."],
  [[[0, 1], [0, 7], [0, 7]], "Prediction 7 from 0.1 s of 0.2 s, after 1 change."],
  [[[0, 1], [0, null]], "The prediction never settled."],
  // The digits before the last one are no earlier predictions of it.
  [[[0, 7], [0, 7], [1, 1]], "Digit 2 looks like 1 from the start."],
  [[[0, 7], [1, 1], [1, 4], [1, 4]], "Digit 2 looks like 4 from 0.2 s of 0.3 s."],
  [[[0, 7], [0, "?"]], "The prediction never settled."],
  // The closing parenthesis of (4).
  [[[0, "?"], [1, 1], [1, 4], [1, 4], [2, "?"]], "Digit 2 looks like 4 from 0.2 s of 0.4 s."],
  // The left digit was drawn last.
  [[[1, 5], [0, null], [0, 2]], "Digit 1 looks like 2 from 0.2 s of 0.2 s."],
]) {
  test(`summarize ${JSON.stringify(pairs)}: ${expected}`, () => {
    const drawn = samples(pairs);
    assert.equal(summarize(drawn, drawn.at(-1).moment), expected);
  });
}
