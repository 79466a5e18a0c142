import assert from "node:assert/strict";
import { test } from "node:test";

import {
  extent, LAYERS, LAYOUT, neighbor, unitAt, unitName, unitPosition,
} from "../../static/js/explain/unit_positions.js";

const SIZES = { input: 784, maps1: 864, maps2: 256, dense1: 120, dense2: 84, logits: 10 };

test("every unit has its own position within its layer", () => {
  for (const name of LAYERS) {
    const [layer, { width, height }] = [LAYOUT[name], extent(LAYOUT[name])];
    assert.equal(layer.maps * layer.side ** 2, SIZES[name]);
    for (let unit = 0; unit < SIZES[name]; unit++) {
      const { x, y } = unitPosition(layer, unit);
      assert.ok(x >= 0 && y >= 0 && x + 1 <= width && y + 1 <= height);
      assert.equal(unitAt(layer, x + 0.5, y + 0.5), unit);
    }
  }
});

test("neighbor crosses the gaps between maps and stops at the edges", () => {
  const { maps1, dense1, logits } = LAYOUT;
  assert.equal(neighbor(maps1, 11, 1, 0), 144);
  assert.equal(neighbor(maps1, 144, -1, 0), 11);
  assert.equal(neighbor(maps1, 132, 0, 1), 432);
  assert.equal(neighbor(maps1, 0, -1, -1), 0);
  assert.equal(neighbor(dense1, 17, 0, 1), 27);
  assert.equal(neighbor(dense1, 119, 1, 1), 119);
  assert.equal(neighbor(logits, 3, 1, 1), 4);
});

test("unitName counts from one, except for digits", () => {
  assert.equal(unitName(LAYOUT.input, 29), "pixel in row 2, column 2");
  assert.equal(unitName(LAYOUT.maps1, 144), "map 2 of 6, row 1, column 1");
  assert.equal(unitName(LAYOUT.dense1, 16), "unit 17 of 120");
  assert.equal(unitName(LAYOUT.logits, 3), "digit 3");
});
