import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { HandMemory } from "../../static/js/recognize/hand_memory.js";
import { LeNet } from "../../static/js/recognize/lenet.js";
import { Recognizer } from "../../static/js/recognize/recognition.js";
import { openStorage } from "../../static/js/visit/storage.js";

const NONE = new Float64Array(10);
const createMemory = (storage) => new HandMemory(storage);
// Two pixels apart: closer ones count as one.
const imageOf = (...levels) => Uint8Array.from({ length: 784 }, (_, i) => levels[i / 2] ?? 0);

function createStorage(items = {}) {
  return openStorage(() => ({
    getItem: (key) => items[key] ?? null,
    setItem: (key, value) => void (items[key] = value),
  }));
}

const argmax = (values) => values.indexOf(Math.max(...values));

test("adapt without examples returns the same logits", () => {
  assert.deepEqual(createMemory().adapt([1, 2, 3], imageOf(1, 0)), Float64Array.of(1, 2, 3));
});

test("adapt raises the label of a close example, more than that of a distant one", () => {
  const memory = createMemory();
  memory.learn(imageOf(200, 10), 4);
  memory.learn(imageOf(10, 200), 9);
  assert.equal(argmax(memory.adapt(NONE, imageOf(190, 20))), 4);
  assert.equal(argmax(memory.adapt(NONE, imageOf(20, 190))), 9);
});

test("adapt ignores the brightness of the image", () => {
  const memory = createMemory();
  memory.learn(imageOf(200, 10), 4);
  const [one, tenfold] = [memory.adapt(NONE, imageOf(2, 1)), memory.adapt(NONE, imageOf(20, 10))];
  one.forEach((logit, i) => assert.ok(Math.abs(logit - tenfold[i]) < 1e-9));
  assert.ok(memory.adapt(NONE, imageOf(0, 0)).every(Number.isFinite));
});

test("an observed digit has less weight than a corrected one, and is not stored", () => {
  const storage = createStorage();
  const memory = createMemory(storage);
  memory.learn(imageOf(200, 10), 4, "first");
  memory.observe(imageOf(200, 10), 9, "second");
  memory.observe(imageOf(10, 200), 9, "second");
  assert.equal(argmax(memory.adapt(NONE, imageOf(200, 10))), 4);
  assert.equal(argmax(memory.adapt(NONE, imageOf(10, 200))), 9);
  assert.equal(memory.size, 1);
  assert.ok(!createMemory(storage).adapt(NONE, imageOf(10, 200))[9]);
  memory.forget("second");
  assert.equal(memory.adapt(NONE, imageOf(10, 200))[9], 0);
});

test("the memory keeps the newest 200 examples and survives storage", () => {
  const storage = createStorage();
  const memory = createMemory(storage);
  for (let i = 0; i < 210; i++) memory.learn(imageOf(i, 1), i % 10);
  assert.equal(memory.size, 200);
  const stored = createMemory(storage);
  assert.equal(stored.size, 200);
  assert.deepEqual(stored.adapt(NONE, imageOf(3, 4)), memory.adapt(NONE, imageOf(3, 4)));
});

test("a page that only observes does not overwrite the corrections of another page", () => {
  const storage = createStorage();
  const [one, other] = [createMemory(storage), createMemory(storage)];
  other.learn(imageOf(200, 10), 4, "first");
  one.forget("second");
  one.observe(imageOf(10, 200), 9, "second");
  one.forget("second");
  assert.equal(createMemory(storage).size, 1);
});

test("onStorage adopts the corrections of another page, and its reset with the observed digits", () => {
  const storage = createStorage();
  const [one, other] = [createMemory(storage), createMemory(storage)];
  other.learn(imageOf(200, 10), 4, "first");
  one.observe(imageOf(10, 200), 9, "second");
  const { revision } = one;
  one.onStorage({ key: "outbox:1" });
  assert.deepEqual([one.size, one.revision], [0, revision]);
  one.onStorage({ key: "hand" });
  assert.deepEqual([one.size, one.revision], [1, revision + 1]);
  assert.ok(one.adapt(NONE, imageOf(10, 200))[9] > 0);
  other.reset();
  one.onStorage({ key: "hand" });
  one.learn(imageOf(200, 10), 7, "third");
  assert.deepEqual([createMemory(storage).size, one.adapt(NONE, imageOf(10, 200))[9]], [1, 0]);
});

for (const content of ["{", "7", '[["1"]]', '[["AAAA",1]]', JSON.stringify([[btoa("a".repeat(784)), 10]])]) {
  test(`corrupt storage ${content.slice(0, 12)} begins an empty memory`, () => {
    assert.equal(createMemory(createStorage({ hand: content })).size, 0);
  });
}

test("a corrected shape is recognized the next time; other digits are not changed", () => {
  const network = new LeNet(readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url)));
  const recognizer = new Recognizer(network);
  const cross = [[[20, 20], [120, 140]], [[120, 20], [20, 140]]];
  const nearlySame = [[[24, 16], [118, 144]], [[122, 24], [18, 136]]];
  const seven = [[[60, 60], [220, 60], [190, 110], [150, 180], [125, 260]]];
  const [digit] = recognizer.predict(cross).digits;
  assert.deepEqual([digit.digit, digit.isAdapted], [null, false]);
  recognizer.memory.learn(digit.image, 8);
  const { text, digits } = recognizer.predict(nearlySame);
  assert.deepEqual([text, digits[0].isAdapted], ["8", true]);
  assert.equal(recognizer.predictDigit(nearlySame).digit, 8);
  const other = recognizer.predict(seven);
  assert.deepEqual([other.text, other.digits[0].isAdapted], ["7", false]);
});
