import assert from "node:assert/strict";
import { test } from "node:test";

import { describeSelected, isMark, leastConfident } from "../../static/js/recognize/result_view.js";

const digit = (confidence, height = 40) => ({ verdict: "digit", confidence, box: [0, 0, 20, height] });
const nonDigit = (confidence, height) => ({ ...digit(confidence, height), verdict: "not a digit" });

test("leastConfident selects a non-digit of full height, but no dash", () => {
  assert.equal(leastConfident({ digits: [digit(0.9), nonDigit(0.3, 40), digit(0.8)] }), 1);
  assert.equal(leastConfident({ digits: [digit(0.9), nonDigit(0.3, 2), digit(0.8)] }), 2);
});

test("isMark is false for a single digit without a box", () => {
  const single = { verdict: "not a digit", confidence: 0.2 };
  assert.equal(isMark(single, [single]), false);
});

test("describeSelected is shorter for a digit of a number", () => {
  const probabilities = [0, 0, 0, 0, 0.512, 0, 0, 0, 0, 0.481];
  const unsure = { verdict: "unsure", confidence: 0.512, probabilities };
  assert.equal(describeSelected([unsure], 0), "4 or 9? 51.2% to 48.1%");
  assert.equal(describeSelected([digit(0.9), unsure], 1), "Digit 2: 4 or 9?");
  assert.equal(describeSelected([digit(0.9)], 0), "90.0% confidence");
  assert.equal(describeSelected([digit(0.9), unsure], 0), "Digit 1: 90.0%");
  const touching = { verdict: "unsure", confidence: 0.999, probabilities: [0.999, 0.001] };
  assert.equal(describeSelected([touching, digit(0.9)], 0), "Digit 1: touching");
  assert.equal(describeSelected([touching], 0), "touching another digit, 99.9% confidence");
  const adapted = { ...digit(0.9), isAdapted: true };
  assert.equal(describeSelected([adapted], 0), "learned from you");
  assert.equal(describeSelected([unsure, adapted], 1), "Digit 2: learned");
});
