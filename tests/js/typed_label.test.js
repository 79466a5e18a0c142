import assert from "node:assert/strict";
import { test } from "node:test";

import { countTyped, fillIn, TypedLabel } from "../../static/js/visit/typed_label.js";

const digit = { verdict: "digit", box: [0, 0, 20, 40] };
const dash = { verdict: "not a digit", box: [0, 18, 20, 2] };

function type(digits, count, interval) {
  const label = new TypedLabel();
  [...digits].forEach((each, i) => label.add(each, count, i * interval));
  return label.digits;
}

test("digits are appended from left to right", () => {
  assert.equal(type("2026", 4, 100), "2026");
});

test("a slow digit extends an incomplete label but begins a new one after a complete label", () => {
  assert.equal(type("2026", 4, 60_000), "2026");
  assert.equal(type("45", 1, 60_000), "5");
});

test("a fast digit extends a complete label", () => {
  assert.equal(type("7168", 3, 100), "7168");
});

test("removeLast removes one digit", () => {
  const label = new TypedLabel();
  label.add("4", 2, 0);
  label.add("2", 2, 10);
  label.removeLast();
  assert.equal(label.digits, "4");
});

test("fillIn keeps marks and lines", () => {
  assert.equal(fillIn({ text: "7?1", digits: [digit, dash, digit] }, "24"), "2?4");
  assert.equal(fillIn({ text: "71\n71", digits: [digit, digit, digit, digit] }, "2026"), "20\n26");
});

test("fillIn accepts non-digits", () => {
  assert.equal(fillIn({ text: "71", digits: [digit, digit] }, type("7?", 2, 100)), "7?");
  assert.equal(fillIn({ text: "7?1", digits: [digit, dash, digit] }, "?1"), "??1");
});

test("fillIn returns a label of another length unchanged", () => {
  const prediction = { text: "7?1", digits: [digit, dash, digit] };
  assert.equal(countTyped(prediction), 2);
  assert.equal(fillIn(prediction, "716"), "716");
});
