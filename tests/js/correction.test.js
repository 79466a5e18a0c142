import assert from "node:assert/strict";
import { test } from "node:test";

import { corrected, toLabel } from "../../static/js/visit/correction.js";

test("a digit of a number is corrected in its place", () => {
  assert.equal(corrected("2026", 1, "8"), "2826");
  assert.equal(corrected("7", 0, "1"), "1");
  assert.equal(corrected("7", 0, "?"), "?");
});

for (const [said, label] of [
  ["7", "7"],
  ["2026", "2026"],
  ["?", null],
  ["??", null],
  [undefined, ""],
  ["2?26", undefined],
]) {
  test(`${said} is sent as ${label}`, () => assert.equal(toLabel(said), label));
}
