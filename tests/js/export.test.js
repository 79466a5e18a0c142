import assert from "node:assert/strict";
import { test } from "node:test";

import { fileName, toFile, toJSON, toSVG } from "../../static/js/draw/export.js";
import { VisitorError } from "../../static/js/visitor_error.js";

const drawing = { id: "a", strokes: [[[10, 20, 0], [30.26, 40, 9]], [[5, 5, 50]]], side: 220, text: "4" };

test("toSVG writes one path per stroke with the width of the pad's pen", () => {
  const svg = toSVG(drawing);
  assert.match(svg, /viewBox="0 0 220 220"/);
  assert.match(svg, /stroke-width="10"/);
  assert.deepEqual([...svg.matchAll(/d="([^"]*)"/g)].map(([, d]) => d), [
    "M10 20L30.3 40",
    "M5 5L5 5",
  ]);
});

for (const [label, written] of [["7", "7"], ["7?1", "7?1"], ["??", "?"], [undefined, ""]]) {
  test(`toJSON writes strokes and the visitor's label: ${label}`, () => {
    const line = toJSON({ ...drawing, label });
    const { strokes } = drawing;
    assert.deepEqual(JSON.parse(line), { drawing: "a", strokes, reading: "4", label: written });
    assert.ok(line.endsWith("\n"));
  });
}

test("toFile rejects a picture that the browser cannot decode", async () => {
  globalThis.Image = class {
    decode = () => Promise.reject(new DOMException("", "EncodingError"));
  };
  await assert.rejects(toFile({ ...drawing, picture: { source: "data:" } }, "png"), VisitorError);
});

for (const [text, name] of [
  ["679?1238", "679-1238"],
  ["12\n34", "12-34"],
  ["?7", "7"],
  ["?", "drawing"],
  [undefined, "drawing"],
]) {
  test(`fileName of ${JSON.stringify(text)} is ${name}`, () => assert.equal(fileName(text), name));
}
