import assert from "node:assert/strict";
import { test } from "node:test";

import { learnLabel, replaceDigit, toApiLabel } from "../../static/js/visit/correction.js";

test("replaceDigit replaces one character of a complete label, or else of the prediction", () => {
  const replace = (label, position) => replaceDigit(label, { text: "12\n34", digits: Array(4) }, position, "8");
  assert.equal(replace("??\n9?", 2), "??\n8?");
  assert.equal(replace("567", 2), "12\n84");
  assert.equal(replace(undefined, 0), "82\n34");
});

for (const [label, expected] of [
  ["7\n18", [["observe", 7], ["observe", 1], ["learn", 8]]],
  ["4\n1?", [["learn", 4], ["observe", 1]]],
  ["71", []],
  ["", []],
]) {
  test(`learnLabel learns corrected and observes confirmed digits of ${JSON.stringify(label)}`, () => {
    const calls = [];
    const record = (name) => (image, digit, drawing) => calls.push([name, digit, drawing]);
    const digits = [7, 1, null].map((digit) => ({ digit, image: new Uint8Array(784) }));
    learnLabel({ learn: record("learn"), observe: record("observe") }, digits, label, "id");
    assert.deepEqual(calls, expected.map((call) => [...call, "id"]));
  });
}

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
