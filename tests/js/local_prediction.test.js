import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { Glance } from "../../static/js/recognize/local_prediction.js";
import { Network } from "../../static/js/recognize/lenet.js";
import { judge, Net } from "../../static/js/recognize/digit_model.js";

const DRAWING = { generation: 1 };
const ONE = { text: "7", digits: [{}] };
const TWO = { text: "71", digits: [{}, {}] };
/** Strokes whose newest point is of that time. */
const ink = (time, count = 1) => Array(count).fill([[1, 2, time]]);
const job = (time, { penUp = false, count = 1, generation = 1 } = {}) => ({
  penUp,
  generation,
  body: { strokes: ink(time, count) },
});

let glance, fetched, here;

beforeEach(async () => {
  fetched = [];
  here = ONE;
  glance = new Glance(async () => {
    if (fetched.push("one") === 2) throw new Error("The server answered 503.");
    return { version: `v${fetched.length}`, read: () => here };
  });
});

test("there is nothing to read with before the net was fetched", async () => {
  assert.equal(glance.read(DRAWING, ink(10), 10), null);
  await glance.follow("v1");
  assert.equal(glance.read(DRAWING, ink(10), 10), ONE);
});

test("another net is fetched where another serves; where it cannot be had, there is none", async () => {
  await glance.follow("v1");
  await glance.follow("v1");
  assert.equal(fetched.length, 1);
  await glance.follow("v2");
  assert.equal(glance.read(DRAWING, ink(10), 10), null);
  await glance.follow("v3");
  assert.equal(glance.read(DRAWING, ink(20), 20), ONE);
});

test("nothing drawn is not read", async () => {
  await glance.follow("v1");
  assert.equal(glance.read(DRAWING, [], 10), null);
});

test("a mouse that sends a thousand events a second is not read each time", async () => {
  await glance.follow("v1");
  const times = Array.from({ length: 40 }, (_, i) => i);
  assert.equal(times.filter((time) => glance.read(DRAWING, ink(time), time)).length, 10);
});

test("what was read a moment ago is not asked elsewhere; the next drawing is read at once", async () => {
  await glance.follow("v1");
  glance.read(DRAWING, ink(10), 10);
  assert.equal(glance.read(DRAWING, ink(11), 11), undefined);
  assert.equal(glance.read({ generation: 2 }, ink(1), 12), ONE);
});

test("a net that could not be had is not fetched again and again", async () => {
  fetched.push("one before");
  await glance.follow("v1");
  await glance.follow("v1");
  assert.equal(fetched.length, 2);
});

test("more than one stroke is read where the server called just these one digit", async () => {
  await glance.follow("v1");
  assert.equal(glance.read(DRAWING, ink(10, 2), 10), null);
  glance.heed(ONE, job(10, { count: 2 }));
  assert.equal(glance.read(DRAWING, ink(20, 2), 20), ONE);
  assert.equal(glance.read(DRAWING, ink(30, 3), 30), null);
  assert.equal(glance.read({ generation: 2 }, ink(40, 2), 40), null);
  glance.heed(TWO, job(40, { count: 2 }));
  assert.equal(glance.read(DRAWING, ink(50, 2), 50), null);
});

test("strokes that are no digit together are left to the server, one stroke is not", async () => {
  await glance.follow("v1");
  here = { text: "?", digits: [{}] };
  glance.heed(ONE, job(10, { count: 2 }));
  assert.equal(glance.read(DRAWING, ink(20, 2), 20), null);
  assert.equal(glance.heed(ONE, job(15, { count: 2 })), "new");
  assert.equal(glance.read(DRAWING, ink(30), 30), here);
});

test("an answer to ink that was read here is old, to newer ink it is new", async () => {
  await glance.follow("v1");
  glance.read(DRAWING, ink(20), 20);
  assert.equal(glance.heed(ONE, job(10)), "old");
  assert.equal(glance.heed(ONE, job(20)), "old");
  assert.equal(glance.heed(ONE, job(28)), "new");
});

test("an answer to a whole stroke is known where it says what was read here", async () => {
  await glance.follow("v1");
  glance.read(DRAWING, ink(20), 20);
  assert.equal(glance.heed(ONE, job(20, { penUp: true })), "known");
  assert.equal(glance.heed({ ...ONE, text: "1" }, job(20, { penUp: true })), "new");
  assert.equal(glance.heed(ONE, job(20, { penUp: true, generation: 2 })), "new");
});

test("a whole stroke is old once the next one was read here", async () => {
  await glance.follow("v1");
  glance.read(DRAWING, ink(20), 20);
  assert.equal(glance.heed(ONE, job(10, { penUp: true })), "old");
});

test("a number is news whatever was read here", async () => {
  await glance.follow("v1");
  glance.read(DRAWING, ink(20), 20);
  assert.equal(glance.heed(TWO, job(10)), "new");
});

test("an answer to a picture is news", async () => {
  await glance.follow("v1");
  glance.read(DRAWING, ink(20), 20);
  assert.equal(glance.heed(ONE, { ...job(10, { penUp: true }), body: { picture: "data:" } }), "new");
});

const file = readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url));
const net = new Net(new Network(file));

test("the net reads a seven as the API does", () => {
  const { text, digits, model } = net.read([[[60, 60], [220, 60], [190, 110], [150, 180], [125, 260]]]);
  assert.equal(text, "7");
  assert.match(model, /^\d{4}\.\d\d\.\d\d-[0-9a-f]{7}$/);
  assert.equal(digits.length, 1);
  const [{ digit, verdict, confidence, probabilities, image }] = digits;
  assert.deepEqual([digit, verdict], [7, "digit"]);
  assert.equal(confidence, probabilities[7]);
  assert.equal(probabilities.length, 10);
  assert.equal(image.length, 784);
});

test("what was read is not written over by the next", () => {
  const seven = net.read([[[60, 60], [220, 60], [125, 260]]]);
  const before = JSON.stringify(seven);
  net.read([[[140, 40], [141, 240]]]);
  assert.equal(JSON.stringify(seven), before);
});

test("a tap is no digit", () => {
  const { text, digits } = net.read([[[140, 140]]]);
  assert.equal(text, "?");
  assert.deepEqual([digits[0].digit, digits[0].verdict], [null, "not a digit"]);
});

test("two rivals are unsure, many are none", () => {
  const thresholds = { digit: 0.6, sure: 0.9 };
  assert.equal(judge([0.95, 0.05, 0], thresholds), "digit");
  assert.equal(judge([0.5, 0.1, 0.4], thresholds), "unsure");
  assert.equal(judge([0.3, 0.25, 0.2, 0.25], thresholds), "not a digit");
});
