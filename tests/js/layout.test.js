import assert from "node:assert/strict";
import { test } from "node:test";

import { extent, LAYERS, nameOf, neighbor, PLAN, unitAt, unitNear } from "../../static/js/explain/layout.js";

const SIZES = { input: 784, maps1: 864, maps2: 256, dense1: 120, dense2: 84, logits: 10 };

test("every unit has a place of its own within its layer, and is found there", () => {
  for (const name of LAYERS) {
    const [layer, { width, height }] = [PLAN[name], extent(PLAN[name])];
    assert.equal(layer.tiles * layer.side ** 2, SIZES[name]);
    for (let unit = 0; unit < SIZES[name]; unit++) {
      const { x, y } = unitAt(layer, unit);
      assert.ok(x >= 0 && y >= 0 && x + 1 <= width && y + 1 <= height);
      assert.equal(unitNear(layer, x + 0.5, y + 0.5), unit);
    }
  }
});

test("points outside and in gaps fall to a unit", () => {
  for (const name of LAYERS) {
    assert.equal(unitNear(PLAN[name], -5, -5), 0);
    assert.equal(unitNear(PLAN[name], 999, 999), SIZES[name] - 1);
  }
  assert.equal(unitNear(PLAN.maps1, 13, 0), 11);
});

test("arrow keys walk over the gaps from map to map and stop at the edges", () => {
  const { maps1, dense1, logits } = PLAN;
  assert.equal(neighbor(maps1, 11, 1, 0), 144);
  assert.equal(neighbor(maps1, 144, -1, 0), 11);
  assert.equal(neighbor(maps1, 132, 0, 1), 288);
  assert.equal(neighbor(maps1, 0, -1, -1), 0);
  assert.equal(neighbor(dense1, 17, 0, 1), 22);
  assert.equal(neighbor(dense1, 119, 1, 1), 119);
  assert.equal(neighbor(logits, 3, 1, 1), 4);
});

test("units are named as people count", () => {
  assert.equal(nameOf(PLAN.input, 29), "pixel in row 2, column 2");
  assert.equal(nameOf(PLAN.maps1, 144), "map 2 of 6, row 1, column 1");
  assert.equal(nameOf(PLAN.dense1, 16), "unit 17 of 120");
  assert.equal(nameOf(PLAN.logits, 3), "digit 3");
});
