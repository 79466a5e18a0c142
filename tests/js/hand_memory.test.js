import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { HandMemory } from "../../static/js/recognize/hand_memory.js";
import { LeNet } from "../../static/js/recognize/lenet.js";
import { rasterize } from "../../static/js/recognize/rasterize.js";

const file = readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url));
const network = new LeNet(file);
const ONE = rasterize([[[60, 40], [140, 40], [100, 240]]]);
const SIMILAR = rasterize([[[60, 45], [138, 40], [103, 240]]]);
const ZERO = rasterize([
  Array.from({ length: 40 }, (_, i) => [100 - 60 * Math.sin(i / 6.3), 100 - 90 * Math.cos(i / 6.3)]),
]);

function storage(items = {}) {
  return {
    items,
    getItem: (key) => items[key] ?? null,
    setItem: (key, value) => void (items[key] = value),
  };
}

const digitOf = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

test("empty memory returns the probabilities of the model", () => {
  const memory = new HandMemory(storage());
  assert.deepEqual(memory.probabilities(network, ONE), network.run(ONE).probabilities);
  assert.equal(digitOf(network.run(ONE).probabilities), 7);
});

test("corrected shape and a similar one get the label, a different one does not", () => {
  const memory = new HandMemory(storage());
  memory.learn(ONE, 1);
  for (const image of [ONE, SIMILAR]) assert.equal(digitOf(memory.probabilities(network, image)), 1);
  const other = memory.probabilities(network, ZERO);
  assert.equal(digitOf(other), 0);
  other.forEach((value, i) => assert.ok(Math.abs(value - network.run(ZERO).probabilities[i]) < 0.01));
});

test("probabilities add up to 1", () => {
  const memory = new HandMemory(storage());
  for (let i = 0; i < 20; i++) memory.learn(ONE, 1);
  const sum = memory.probabilities(network, ONE).reduce((total, value) => total + value);
  assert.ok(Math.abs(sum - 1) < 1e-9);
});

test("memory is restored from its storage, with another model too", () => {
  const store = storage();
  new HandMemory(store).learn(ONE, 1);
  const memory = new HandMemory(store);
  assert.equal(memory.size, 1);
  assert.equal(digitOf(memory.probabilities(network, ONE)), 1);
  assert.equal(digitOf(memory.probabilities(new LeNet(file), SIMILAR)), 1);
});

test("memory holds the newest hundred corrections", () => {
  const store = storage();
  const memory = new HandMemory(store);
  memory.learn(ONE, 1);
  for (let i = 0; i < 100; i++) memory.learn(ZERO, 0);
  assert.equal(memory.size, 100);
  assert.equal(digitOf(new HandMemory(store).probabilities(network, ONE)), 7);
  assert.ok(store.items.hand.length < 120_000);
});

test("reset forgets all corrections", () => {
  const store = storage();
  const memory = new HandMemory(store);
  memory.learn(ONE, 1);
  memory.reset();
  assert.equal(digitOf(memory.probabilities(network, ONE)), 7);
  assert.equal(new HandMemory(store).size, 0);
});

for (const content of ["{", "7", '[["1"]]', '[[1,"AAAA"]]', '[[10,""]]', `[["length","${btoa(String.fromCharCode(...ONE))}"]]`]) {
  test(`corrupt storage ${content.slice(0, 12)} begins an empty memory`, () => {
    assert.equal(new HandMemory(storage({ hand: content })).size, 0);
  });
}

test("full storage does not prevent learning", () => {
  const full = { getItem: () => null, setItem: () => { throw new DOMException("", "QuotaExceededError"); } };
  const memory = new HandMemory(full);
  memory.learn(ONE, 1);
  assert.equal(digitOf(memory.probabilities(network, ONE)), 1);
});
