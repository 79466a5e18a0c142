import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { draw } from "../../static/js/ink.js";

const vectors = JSON.parse(readFileSync(new URL("../ink_vectors.json", import.meta.url)));

for (const { name, strokes, grid } of vectors) {
  test(`draws as ml/ink.py does: ${name}`, () => {
    assert.deepEqual([...draw(strokes)], [...Buffer.from(grid, "base64")]);
  });
}
