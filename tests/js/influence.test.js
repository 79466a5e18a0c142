import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { argmax, strongest, tracePrediction } from "../../static/js/explain/influence.js";
import { LAYERS } from "../../static/js/explain/unit_positions.js";
import { describeUnit, formatNumber, LAYER_TEXTS } from "../../static/js/explain/wording.js";
import { LeNet } from "../../static/js/recognize/lenet.js";
import { rasterize } from "../../static/js/recognize/rasterize.js";
import { formatProbability } from "../../static/js/recognize/result_view.js";

const network = new LeNet(readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url)));
const grid = rasterize([[[60, 60], [220, 60], [190, 110], [150, 180], [125, 260]]]);
const layers = network.run(grid);

test("strongest returns the largest positive values first", () => {
  assert.deepEqual(strongest([1, -9, 3, 0, 2], 2), [2, 4]);
  assert.deepEqual(strongest([-1, 0], 3), []);
  assert.equal(argmax([1, 5, 3]), 1);
});

test("tracePrediction follows contributions through every layer to the input", () => {
  const edges = tracePrediction(network, layers);
  assert.ok(edges.length < 80);
  for (const [i, name] of LAYERS.slice(1).entries()) {
    const incoming = edges.filter(({ to }) => to[0] === name);
    assert.equal(Math.max(...incoming.map(({ weight }) => weight)), 1);
    assert.ok(incoming.every(({ from, weight }) => from[0] === LAYERS[i] && weight > 0));
  }
  assert.ok(edges.filter(({ to }) => to[0] === "logits").every(({ to }) => to[1] === 7));
});

test("tracePrediction of a blank grid skips units without contributions", () => {
  const edges = tracePrediction(network, network.run(new Uint8Array(784)));
  assert.ok(edges.length > 0);
  assert.ok(edges.every(({ weight }) => weight > 0 && weight <= 1));
});

test("numbers have fixed decimals and probabilities stay below 100%", () => {
  assert.equal(formatProbability(0.99999), "99.9%");
  assert.equal(formatProbability(0.5), "50.0%");
  assert.equal(formatNumber(-1.234), "−1.23");
});

test("describeUnit names the unit, its value and its strongest contributions", () => {
  const describe = (name, unit) => describeUnit(network, { layers, grid }, name, unit);
  assert.match(
    describe("logits", 7),
    /^Digit 7: 99\.9%, logit \d+\.\d\d\. Strongest contributions: unit \d+ of 84 \(\+\d/,
  );
  assert.match(describe("dense1", 0), /^Unit 1 of 120: \d+\.\d\d\. .*map \d+ of 16, row \d, column \d/);
  assert.equal(describe("input", 0), "Pixel in row 1, column 1: 0 of 255.");
});

test("the text about the larger patterns states the pixels on which a unit depends", () => {
  const unit = (pixel) => {
    const input = new Uint8Array(grid.length).fill(128);
    if (pixel !== undefined) input[pixel] = 255;
    return network.run(input).maps2.filter((_, i) => i % 16 === 5);
  };
  const unchanged = unit();
  const isUsed = (pixel) => unit(pixel).some((value, i) => value !== unchanged[i]);
  const columns = [...grid.keys()].filter(isUsed).map((pixel) => pixel % 28);
  const side = 1 + Math.max(...columns) - Math.min(...columns);
  assert.ok(LAYER_TEXTS.maps2.about.includes(`${side} × ${side} pixels`), `${side}`);
});
