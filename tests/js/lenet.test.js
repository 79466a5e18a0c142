import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { draw } from "../../static/js/recognize/rasterize.js";
import { difference, field, Network } from "../../static/js/recognize/lenet.js";

const file = readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url));
const network = new Network(file);
const SEVEN = draw([[[60, 60], [220, 60], [190, 110], [150, 180], [125, 260]]]);
const layers = network.run(SEVEN);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

/** For each pixel, what covering it does to logit a minus logit b. */
function occlude(grid, a, b) {
  const work = network.occlusion(grid);
  let step = work.next();
  while (!step.done) step = work.next();
  return difference(step.value, a, b);
}

test("reads a seven", () => {
  near(sum(layers.probabilities), 1);
  assert.equal(layers.probabilities.indexOf(Math.max(...layers.probabilities)), 7);
});

test("what feeds a unit adds up to it", () => {
  for (const name of ["maps1", "maps2", "dense1", "dense2", "logits"]) {
    layers[name].forEach((value, unit) => {
      const { contributions, bias } = network.feeds(layers, name, unit);
      const before = sum(contributions) + bias;
      near(value, name === "logits" ? before : Math.max(before, 0));
    });
  }
});

test("every unit of the layer before has its contribution", () => {
  const sizes = { maps1: 784, maps2: 864, dense1: 256, dense2: 120, logits: 84 };
  for (const [name, size] of Object.entries(sizes)) {
    assert.equal(network.feeds(layers, name, 3).contributions.length, size);
  }
  assert.equal(network.feeds(layers, "maps2", 0).from, "maps1");
});

test("a unit of the first maps is fed by five by five pixels and sees no others", () => {
  const unit = layers.maps1.indexOf(Math.max(...layers.maps1));
  const { contributions } = network.feeds(layers, "maps1", unit);
  const { x, y, side } = field(layers, "maps1", unit);
  contributions.forEach((contribution, i) => {
    const [row, column] = [Math.floor(i / 28), i % 28];
    const inside = row >= y && row < y + side && column >= x && column < x + side;
    assert.equal(contribution !== 0, inside);
  });
});

test("what a unit of the second maps does not see does not change it", () => {
  const unit = layers.maps2.indexOf(Math.max(...layers.maps2));
  const { x, y, side } = field(layers, "maps2", unit);
  assert.ok(x >= 0 && y >= 0 && x + side <= 28 && y + side <= 28);
  const other = SEVEN.map((level, i) => {
    const [row, column] = [Math.floor(i / 28), i % 28];
    return row >= y && row < y + side && column >= x && column < x + side ? level : 99;
  });
  const { bias, contributions } = network.feeds(network.run(other), "maps2", unit);
  assert.ok(sum(contributions) + bias >= layers.maps2[unit] - 1e-9);
});

test("a run may write over the layers of another", () => {
  const again = network.run(SEVEN, network.run(new Uint8Array(784)));
  assert.deepEqual(again.logits, layers.logits);
});

test("covering what makes it a seven speaks against seven", () => {
  const changes = occlude(SEVEN, 7, 1);
  assert.equal(changes.length, 784);
  assert.ok(Math.min(...changes) < -1);
  const opposite = occlude(SEVEN, 1, 7);
  changes.forEach((change, i) => near(change, -opposite[i]));
});

test("an occluded pixel is the run of the grid with paper over it", () => {
  const [row, column] = [6, 14];
  const covered = SEVEN.slice();
  for (let i = 0; i < 25; i++) covered[(row - 2 + Math.floor(i / 5)) * 28 + column - 2 + (i % 5)] = 0;
  const margin = ({ logits }) => logits[7] - logits[2];
  const expected = margin(network.run(covered)) - margin(layers);
  near(occlude(SEVEN, 7, 2)[row * 28 + column], expected);
});

test("covering paper changes nothing and costs no run", () => {
  const changes = occlude(SEVEN, 7, 1);
  assert.equal(changes[0], 0);
  const work = network.occlusion(new Uint8Array(784));
  const { done, value } = work.next();
  assert.equal(done, true);
  assert.ok(difference(value, 3, 8).every((change) => change === 0));
});
