import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { draw } from "../../static/js/recognize/rasterize.js";
import { Network } from "../../static/js/recognize/lenet.js";
import { LAYERS } from "../../static/js/explain/layout.js";
import { indexOfMost, strongest, trace } from "../../static/js/explain/influence.js";
import { describe, number } from "../../static/js/explain/wording.js";
import { share } from "../../static/js/recognize/result_view.js";

const network = new Network(readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url)));
const grid = draw([[[60, 60], [220, 60], [190, 110], [150, 180], [125, 260]]]);
const layers = network.run(grid);

test("the strongest are those above zero, largest first", () => {
  assert.deepEqual(strongest([1, -9, 3, 0, 2], 2), [2, 4]);
  assert.deepEqual(strongest([-1, 0], 3), []);
  assert.equal(indexOfMost([1, 5, 3]), 1);
});

test("the answer is traced back through every layer to the input", () => {
  const edges = trace(network, layers);
  assert.ok(edges.length < 80);
  for (const [i, name] of LAYERS.slice(1).entries()) {
    const here = edges.filter(({ to }) => to[0] === name);
    assert.equal(Math.max(...here.map(({ weight }) => weight)), 1);
    assert.ok(here.every(({ from, weight }) => from[0] === LAYERS[i] && weight > 0));
  }
  assert.ok(edges.filter(({ to }) => to[0] === "logits").every(({ to }) => to[1] === 7));
});

test("a unit that nothing feeds is traced no further", () => {
  const blank = network.run(new Uint8Array(784));
  assert.ok(trace(network, blank).every(({ weight }) => weight > 0 && weight <= 1));
});

test("numbers are said as people read them", () => {
  assert.equal(share(0.99999), "99.9%");
  assert.equal(share(0.5), "50.0%");
  assert.equal(number(-1.234), "−1.23");
});

test("a unit is described with what feeds it", () => {
  const of = (name, unit) => describe(network, { layers, grid }, name, unit);
  assert.match(of("logits", 7), /^Digit 7: 99\.9%, logit \d+\.\d\d\. Fed most by unit \d+ of 84 \(\+\d/);
  assert.match(of("dense1", 0), /^Unit 1 of 120: \d+\.\d\d\. .*map \d+ of 16, row \d, column \d/);
  assert.equal(of("input", 0), "Pixel in row 1, column 1: 0 of 255.");
});
