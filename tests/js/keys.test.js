import assert from "node:assert/strict";
import { test } from "node:test";

import { shortcut } from "../../static/js/review/keys.js";

for (const [name, event, expected] of [
  ["a digit", { key: "3", code: "Digit3" }, "3"],
  ["a digit of the keypad", { key: "3", code: "Numpad3" }, "3"],
  ["an uppercase letter", { key: "X", code: "KeyX", shiftKey: true }, "x"],
  ["AZERTY without Shift", { key: "&", code: "Digit1" }, "1"],
  ["AZERTY with a dead key", { key: "Dead", code: "Digit2" }, "2"],
  ["a Cyrillic letter", { key: "ч", code: "KeyX" }, "x"],
  ["an Arabic digit", { key: "٣", code: "Digit3" }, "3"],
  ["a full-width digit", { key: "３", code: "Numpad3" }, "3"],
  ["an input method", { key: "Process", code: "Digit7" }, "7"],
  ["a Dvorak letter at another position", { key: "q", code: "KeyX" }, "q"],
  ["a sign above a digit", { key: "#", code: "Digit3", shiftKey: true }, "#"],
  ["the keypad without Num Lock", { key: "End", code: "Numpad1" }, "End"],
  ["Enter", { key: "Enter", code: "NumpadEnter" }, "Enter"],
  ["Space", { key: " ", code: "Space" }, " "],
]) {
  test(`shortcut: ${name} gives ${JSON.stringify(expected)}`, () => {
    assert.equal(shortcut({ shiftKey: false, ...event }), expected);
  });
}
