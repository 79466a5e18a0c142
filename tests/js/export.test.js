import assert from "node:assert/strict";
import { test } from "node:test";

import { toJSON, toSVG } from "../../static/js/draw/export.js";

const drawing = { id: "a", strokes: [[[10, 20, 0], [30.26, 40, 9]], [[5, 5, 50]]], side: 220, text: "4" };

test("an SVG has a path a stroke, and the pen of the pad", () => {
  const svg = toSVG(drawing);
  assert.match(svg, /viewBox="0 0 220 220"/);
  assert.match(svg, /stroke-width="10"/);
  assert.deepEqual([...svg.matchAll(/d="([^"]*)"/g)].map(([, d]) => d), [
    "M10 20L30.3 40",
    "M5 5L5 5",
  ]);
});

for (const [said, label] of [["7", "7"], ["?", "?"], [undefined, ""]]) {
  test(`JSON Lines have the strokes and, as the label, what the visitor says: ${said}`, () => {
    const line = toJSON({ ...drawing, said });
    assert.deepEqual(JSON.parse(line), { drawing: "a", strokes: drawing.strokes, reading: "4", label });
    assert.ok(line.endsWith("\n"));
  });
}
