import assert from "node:assert/strict";
import { test } from "node:test";

import { replaceDigit, toApiLabel } from "../../static/js/visit/correction.js";

test("replaceDigit replaces one character", () => {
  assert.equal(replaceDigit("2026", 1, "8"), "2826");
  assert.equal(replaceDigit("7", 0, "?"), "?");
  assert.equal(replaceDigit("12\n34", 2, "8"), "12\n84");
});

for (const [label, apiLabel] of [
  ["2026", "2026"],
  ["?", null],
  ["??", null],
  [undefined, ""],
  ["2?26", "2?26"],
  ["12\n34", "12\n34"],
  ["?\n?", null],
]) {
  test(`toApiLabel converts ${JSON.stringify(label)} to ${JSON.stringify(apiLabel)}`, () => assert.equal(toApiLabel(label), apiLabel));
}
