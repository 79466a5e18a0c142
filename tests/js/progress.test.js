import assert from "node:assert/strict";
import { test } from "node:test";

import "./gettext.js";
import { Progress } from "../../static/js/review/progress.js";

test("text: estimates from the median duration, which ignores a pause", () => {
  const progress = new Progress(340, false, 0);
  let time = 0;
  for (const seconds of [1, 1, 600, 1, 1]) progress.add((time += 1000 * seconds));
  assert.equal(progress.text(5), "5 of 340, about 6 minutes");
  assert.equal(progress.text(330), "330 of 340, about 1 minute");
  assert.equal(progress.text(340), "340 of 340");
});

test("text: is empty without digits to label", () => {
  assert.equal(new Progress(0, false, 0).text(0), "");
});

test("text: says that more digits than the maximum wait", () => {
  assert.equal(new Progress(10_000, true, 0).text(1), "1 of 10,000 or more");
});
