import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { LeNet, logitDifference, receptiveField } from "../../static/js/recognize/lenet.js";
import { rasterize } from "../../static/js/recognize/rasterize.js";

const network = new LeNet(readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url)));
const SEVEN = rasterize([[[60, 60], [220, 60], [190, 110], [150, 180], [125, 260]]]);
const layers = network.run(SEVEN);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const argmax = (values) => values.indexOf(Math.max(...values));
const assertClose = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);
const contains = ({ x, y, side }, pixel) => {
  const [row, column] = [Math.floor(pixel / 28), pixel % 28];
  return row >= y && row < y + side && column >= x && column < x + side;
};

/** Return for each pixel the change of logit a minus logit b under occlusion. */
function occlude(grid, a, b) {
  const work = network.occlusion(grid);
  let step = work.next();
  while (!step.done) step = work.next();
  return logitDifference(step.value, a, b);
}

test("contributions and bias add up to the unit", () => {
  for (const name of ["maps1", "maps2", "dense1", "dense2", "logits"]) {
    layers[name].forEach((value, unit) => {
      const { contributions, bias } = network.contributions(layers, name, unit);
      const input = sum(contributions) + bias;
      assertClose(value, name === "logits" ? input : Math.max(input, 0));
    });
  }
});

test("kernels times the receptive field, plus the bias, are the unit", () => {
  const unit = argmax(layers.maps1);
  const [kernel, ...others] = network.kernels("maps1", Math.floor(unit / 144));
  const { bias } = network.contributions(layers, "maps1", unit);
  const { x, y } = receptiveField(layers, "maps1", unit);
  const pixelAt = (i) => layers.input[(y + Math.floor(i / 5)) * 28 + x + (i % 5)];
  assertClose(sum(kernel.map((weight, i) => weight * pixelAt(i))) + bias, layers.maps1[unit]);
  assert.equal(others.length, 0);
  assert.deepEqual(network.kernels("maps2", 15).map(({ length }) => length), Array(6).fill(25));
});

test("contributions to maps1 come from the receptive field only", () => {
  const unit = argmax(layers.maps1);
  const { contributions } = network.contributions(layers, "maps1", unit);
  const field = receptiveField(layers, "maps1", unit);
  contributions.forEach((contribution, i) => assert.equal(contribution !== 0, contains(field, i)));
});

test("pixels outside the receptive field of maps2 do not lower the unit", () => {
  const unit = argmax(layers.maps2);
  const field = receptiveField(layers, "maps2", unit);
  assert.ok(field.x >= 0 && field.y >= 0 && field.x + field.side <= 28 && field.y + field.side <= 28);
  const other = SEVEN.map((level, i) => (contains(field, i) ? level : 99));
  const { bias, contributions } = network.contributions(network.run(other), "maps2", unit);
  assert.ok(sum(contributions) + bias >= layers.maps2[unit] - 1e-9);
});

test("run overwrites the layers of an earlier run", () => {
  const again = network.run(SEVEN, network.run(new Uint8Array(784)));
  assert.deepEqual(again.logits, layers.logits);
});

test("occlusion of a seven lowers its logit", () => {
  const changes = occlude(SEVEN, 7, 1);
  assert.equal(changes.length, 784);
  assert.ok(Math.min(...changes) < -1);
  const opposite = occlude(SEVEN, 1, 7);
  changes.forEach((change, i) => assertClose(change, -opposite[i]));
});

test("occlusion of a pixel equals a run with a square of paper around it", () => {
  const [row, column] = [6, 14];
  const occluded = SEVEN.slice();
  for (let i = 0; i < 25; i++) occluded[(row - 2 + Math.floor(i / 5)) * 28 + column - 2 + (i % 5)] = 0;
  const margin = ({ logits }) => logits[7] - logits[2];
  const expected = margin(network.run(occluded)) - margin(layers);
  assertClose(occlude(SEVEN, 7, 2)[row * 28 + column], expected);
});

test("occlusion of paper changes nothing and costs no run", () => {
  assert.equal(occlude(SEVEN, 7, 1)[0], 0);
  const { done, value } = network.occlusion(new Uint8Array(784)).next();
  assert.equal(done, true);
  assert.ok(value.every((change) => change === 0));
});
