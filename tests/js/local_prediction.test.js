import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { DigitModel, verdictOf } from "../../static/js/recognize/digit_model.js";
import { LeNet } from "../../static/js/recognize/lenet.js";
import { LocalPredictor } from "../../static/js/recognize/local_prediction.js";

const DRAWING = { generation: 1 };
const ONE_DIGIT = { text: "7", digits: [{ box: [1, 2, 0, 0] }] };
/** One digit whose box does not have all strokes. */
const UNDERLINED = { text: "7", digits: [{ box: [1, 0, 0, 1] }] };
const TWO_DIGITS = { text: "71", digits: [{}, {}] };
/** Strokes with a newest point at a time. */
const strokes = (time, count = 1) => Array(count).fill([[1, 2, time]]);
const job = (time, { penUp = false, count = 1, generation = 1 } = {}) => ({
  penUp,
  generation,
  body: { strokes: strokes(time, count) },
});

let predictor, fetches, failingFetch, prediction;

beforeEach(() => {
  fetches = 0;
  failingFetch = 2;
  prediction = ONE_DIGIT;
  predictor = new LocalPredictor(async () => {
    if (++fetches === failingFetch) throw new Error("The server answered with status 503.");
    return { version: `v${fetches}`, predict: () => prediction };
  });
});

test("predict returns null before the model is loaded", async () => {
  assert.equal(predictor.predict(DRAWING, strokes(10), 10), null);
  await predictor.load("v1");
  assert.equal(predictor.predict(DRAWING, strokes(10), 10), ONE_DIGIT);
});

test("load fetches every new version once; a failed fetch leaves no model", async () => {
  await predictor.load("v1");
  await predictor.load("v1");
  assert.equal(fetches, 1);
  await predictor.load("v2");
  assert.equal(predictor.predict(DRAWING, strokes(10), 10), null);
  await predictor.load("v3");
  assert.equal(predictor.predict(DRAWING, strokes(20), 20), ONE_DIGIT);
});

test("load does not fetch an unavailable version again", async () => {
  failingFetch = 1;
  await predictor.load("v1");
  await predictor.load("v1");
  assert.equal(fetches, 1);
});

test("predict returns null for an empty drawing", async () => {
  await predictor.load("v1");
  assert.equal(predictor.predict(DRAWING, [], 10), null);
});

test("predict skips events of fast mice", async () => {
  await predictor.load("v1");
  const times = Array.from({ length: 40 }, (_, i) => i);
  assert.equal(times.filter((time) => predictor.predict(DRAWING, strokes(time), time)).length, 10);
});

test("predict returns undefined right after a prediction, but not for the next drawing", async () => {
  await predictor.load("v1");
  predictor.predict(DRAWING, strokes(10), 10);
  assert.equal(predictor.predict(DRAWING, strokes(11), 11), undefined);
  assert.equal(predictor.predict({ generation: 2 }, strokes(1), 12), ONE_DIGIT);
});

test("predict accepts several strokes only if the server found one digit in them", async () => {
  await predictor.load("v1");
  assert.equal(predictor.predict(DRAWING, strokes(10, 2), 10), null);
  predictor.compare(ONE_DIGIT, job(10, { count: 2 }));
  assert.equal(predictor.predict(DRAWING, strokes(20, 2), 20), ONE_DIGIT);
  assert.equal(predictor.predict(DRAWING, strokes(30, 3), 30), null);
  assert.equal(predictor.predict({ generation: 2 }, strokes(40, 2), 40), null);
  predictor.compare(TWO_DIGITS, job(40, { count: 2 }));
  assert.equal(predictor.predict(DRAWING, strokes(50, 2), 50), null);
});

test("predict returns null for a digit with an underline", async () => {
  await predictor.load("v1");
  predictor.compare(ONE_DIGIT, job(10, { count: 2 }));
  predictor.compare(UNDERLINED, job(20, { count: 2 }));
  assert.equal(predictor.predict(DRAWING, strokes(30, 2), 30), null);
});

test("predict returns null for several strokes that are not a digit, but not for one", async () => {
  await predictor.load("v1");
  prediction = { text: "?", digits: [{}] };
  predictor.compare(ONE_DIGIT, job(10, { count: 2 }));
  assert.equal(predictor.predict(DRAWING, strokes(20, 2), 20), null);
  assert.equal(predictor.compare(ONE_DIGIT, job(15, { count: 2 })), "new");
  assert.equal(predictor.predict(DRAWING, strokes(30), 30), prediction);
});

for (const [expected, prediction, newest, options] of [
  ["stale", ONE_DIGIT, 10, {}],
  ["stale", ONE_DIGIT, 20, {}],
  ["new", ONE_DIGIT, 28, {}],
  ["stale", ONE_DIGIT, 10, { penUp: true }],
  ["known", ONE_DIGIT, 20, { penUp: true }],
  ["new", { ...ONE_DIGIT, text: "1" }, 20, { penUp: true }],
  ["new", ONE_DIGIT, 20, { penUp: true, generation: 2 }],
  ["new", TWO_DIGITS, 10, {}],
  ["new", TWO_DIGITS, 20, { penUp: true }],
  ["new", UNDERLINED, 10, {}],
]) {
  const conditions = `${JSON.stringify(prediction)} of points until ${newest}, ${JSON.stringify(options)}`;
  test(`compare after a local 7 of points until 20: ${conditions} is ${expected}`, async () => {
    await predictor.load("v1");
    predictor.predict(DRAWING, strokes(20), 20);
    assert.equal(predictor.compare(prediction, job(newest, options)), expected);
  });
}

test("compare returns new for a picture", async () => {
  await predictor.load("v1");
  predictor.predict(DRAWING, strokes(20), 20);
  const pictureJob = { ...job(10, { penUp: true }), body: { picture: "data:" } };
  assert.equal(predictor.compare(ONE_DIGIT, pictureJob), "new");
});

const file = readFileSync(new URL("../../ml/weights/lenet.onnx", import.meta.url));
const model = new DigitModel(new LeNet(file));

test("DigitModel predicts a seven in the format of the API", () => {
  const { text, digits, model: version } = model.predict([[[60, 60], [220, 60], [190, 110], [125, 260]]]);
  assert.equal(text, "7");
  assert.match(version, /^\d{4}\.\d\d\.\d\d-[0-9a-f]{7}$/);
  assert.equal(digits.length, 1);
  const [{ digit, verdict, confidence, probabilities, image }] = digits;
  assert.deepEqual([digit, verdict], [7, "digit"]);
  assert.equal(confidence, probabilities[7]);
  assert.equal(probabilities.length, 10);
  assert.equal(image.length, 784);
});

test("DigitModel does not modify earlier predictions", () => {
  const seven = model.predict([[[60, 60], [220, 60], [125, 260]]]);
  const before = JSON.stringify(seven);
  model.predict([[[140, 40], [141, 240]]]);
  assert.equal(JSON.stringify(seven), before);
});

test("DigitModel predicts not a digit for a tap", () => {
  const { text, digits } = model.predict([[[140, 140]]]);
  assert.equal(text, "?");
  assert.deepEqual([digits[0].digit, digits[0].verdict], [null, "not a digit"]);
});

test("verdictOf is unsure between two rivals and not a digit among many", () => {
  const thresholds = { digit: 0.6, sure: 0.9 };
  assert.equal(verdictOf([0.95, 0.05, 0], thresholds), "digit");
  assert.equal(verdictOf([0.5, 0.1, 0.4], thresholds), "unsure");
  assert.equal(verdictOf([0.3, 0.25, 0.2, 0.25], thresholds), "not a digit");
});
