import assert from "node:assert/strict";
import { test } from "node:test";

import { partsUntil, predictParts } from "../../static/js/explain/moments.js";

// Two digits, one stroke each, 100 ms apart.
const FIRST = [[0, 0, 0], [0, 10, 50], [0, 20, 100]];
const SECOND = [[30, 0, 200], [30, 10, 250], [30, 20, 300]];
const STROKES = [FIRST, SECOND];
const PARTS = [[FIRST], [SECOND]];
const RECOGNIZER = { version: "v1", predictDigit: (part) => ({ digit: part.length }) };

test("partsUntil cuts the strokes of each digit at a moment", () => {
  assert.deepEqual(partsUntil(PARTS, STROKES, 60), [[FIRST.slice(0, 2)], []]);
  assert.deepEqual(partsUntil(PARTS, STROKES, 260), [[FIRST], [SECOND.slice(0, 2)]]);
  assert.deepEqual(partsUntil(PARTS, STROKES, 300), PARTS);
});

test("predictParts predicts the digits that were begun and selects the newest", () => {
  assert.deepEqual(predictParts(RECOGNIZER, PARTS, []), {
    prediction: { text: "11", digits: [{ digit: 1 }, { digit: 1 }], model: "v1" },
    selected: 1,
  });
  assert.equal(predictParts(RECOGNIZER, [[FIRST], []], []).prediction.text, "1");
  const unsure = { predictDigit: () => ({ digit: null }) };
  assert.equal(predictParts(unsure, PARTS, []).prediction.text, "??");
});

test("predictParts keeps the marks of a number, but not the verdict of a single digit", () => {
  const [digit, mark] = [{ verdict: "digit" }, { verdict: "not a digit" }];
  assert.equal(predictParts(RECOGNIZER, PARTS, [digit, mark]).prediction.text, "1?");
  assert.equal(predictParts(RECOGNIZER, [[], [SECOND]], [digit, mark]).prediction.text, "?");
  assert.equal(predictParts(RECOGNIZER, [[FIRST]], [mark]).prediction.text, "1");
});

test("predictParts makes digits unsure that touch, as soon as both are begun", () => {
  const network = { thresholds: { digit: 0.5, sure: 0.9 } };
  const recognizer = { network, predictDigit: () => ({ digit: 1, verdict: "digit" }) };
  const touching = { verdict: "unsure", probabilities: [0.99, 0.01] };
  const ambiguous = { verdict: "unsure", probabilities: [0.6, 0.4] };
  const verdicts = (parts, present) =>
    predictParts(recognizer, parts, present).prediction.digits.map(({ verdict }) => verdict);
  assert.deepEqual(verdicts(PARTS, [touching, touching]), ["unsure", "unsure"]);
  assert.deepEqual(verdicts([[FIRST], []], [touching, touching]), ["digit"]);
  assert.deepEqual(verdicts(PARTS, [ambiguous, ambiguous]), ["digit", "digit"]);
});
