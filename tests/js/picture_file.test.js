import assert from "node:assert/strict";
import { test } from "node:test";

import { toSVG } from "../../static/js/draw/export.js";
import { fromSVG } from "../../static/js/draw/picture_file.js";

const SIDE = 220;
const svgOf = (...paths) =>
  `<svg viewBox="0 0 ${SIDE} ${SIDE}">${paths.map((path) => `<path d="${path}"/>`).join("")}</svg>`;

test("fromSVG returns the strokes that toSVG wrote, with times of a steady pen", () => {
  const strokes = [[[10, 20, 0], [30.3, 40, 9], [50, 60, 12]], [[5, 5, 50]]];
  assert.deepEqual(fromSVG(toSVG({ strokes, side: SIDE })), {
    side: SIDE,
    // A dot is written as a line of zero length.
    strokes: [[[10, 20, 10], [30.3, 40, 20], [50, 60, 30]], [[5, 5, 240], [5, 5, 250]]],
  });
});

test("fromSVG moves points beyond the pad onto its edge", () => {
  assert.deepEqual(fromSVG(svgOf("M-5 10L1e9 30 1e999 40")).strokes, [
    [[0, 10, 10], [SIDE, 30, 20], [SIDE, 40, 30]],
  ]);
});

for (const [name, text] of Object.entries({
  "no SVG": "hello",
  "no strokes": svgOf(),
  "no side": svgOf("M1 2L3 4").replace("viewBox", "box"),
  "a side of zero": svgOf("M1 2L3 4").replaceAll(SIDE, "0"),
  "a side of several numbers": svgOf("M1 2L3 4").replaceAll(SIDE, "1.2.3"),
  "an empty path": svgOf("M"),
  "a curve": svgOf("M1 2C3 4 5 6 7 8"),
  "an incomplete point": svgOf("M1 2L3"),
  "a missing number": svgOf("M1 2L 4"),
  "not a number": svgOf("M1 2LNaN 4"),
  "too many strokes": svgOf(...Array(201).fill("M1 2L3 4")),
  "too many points": svgOf(`M1 2L${"3 4 ".repeat(4500).trim()}`),
  "too much text": svgOf("M1 2L3 4") + " ".repeat(100_000),
})) {
  test(`fromSVG of ${name} throws RangeError`, () => assert.throws(() => fromSVG(text), RangeError));
}
