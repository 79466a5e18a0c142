import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { LocalPredictor } from "../../static/js/recognize/local_prediction.js";

const ONE_DIGIT = { text: "7", digits: [{ isAdapted: false }] };
const ADAPTED = { text: "1", digits: [{ isAdapted: true }] };
const TWO_DIGITS = { text: "71", digits: [{ isAdapted: false }, { isAdapted: false }] };
/** Strokes with a newest point at a time. */
const strokes = (time) => [[[1, 2, 0]], [[1, 2, time]]];
const job = (time, { penUp = false, generation = 1 } = {}) => ({
  penUp,
  generation,
  body: { strokes: strokes(time) },
});

let predictor, fetches, failingFetch, maxRuns, clock, duration, local, failure;

function predict(time, { generation = 1, penUp = false, drawn = strokes(time) } = {}) {
  return predictor.predict({ generation }, drawn, { time, penUp });
}

beforeEach(() => {
  [clock, duration, local] = [0, 0, ONE_DIGIT];
  fetches = 0;
  failingFetch = 2;
  failure = new Error("The server answered with status 503.");
  predictor = new LocalPredictor(async () => {
    if (++fetches === failingFetch) throw failure;
    const predict = (_, runs) => {
      maxRuns = runs;
      clock += duration;
      return local;
    };
    return { version: `v${fetches}`, predict };
  }, () => clock);
});

test("predict returns null before the model is loaded and for an empty drawing", async () => {
  assert.equal(predict(10), null);
  await predictor.load();
  assert.equal(predict(10, { drawn: [] }), null);
  assert.equal(predict(10), ONE_DIGIT);
});

test("follow fetches every new version once; a failed fetch leaves no model", async () => {
  await predictor.follow("v1");
  await predictor.follow("v1");
  assert.equal(fetches, 1);
  await predictor.follow("v2");
  assert.equal(predict(10), null);
  await predictor.follow("v3");
  assert.equal(predict(20), ONE_DIGIT);
});

test("follow does not fetch an unavailable version again", async () => {
  failingFetch = 1;
  await predictor.follow("v1");
  await predictor.follow("v1");
  assert.equal(fetches, 1);
});

test("follow fetches again after a lost connection", async () => {
  failingFetch = 1;
  failure = new TypeError("Failed to fetch");
  await predictor.follow("v2");
  await predictor.follow("v2");
  assert.equal(fetches, 2);
  assert.equal(predict(10), ONE_DIGIT);
});

test("predict skips events of fast mice", async () => {
  await predictor.load();
  const times = Array.from({ length: 40 }, (_, i) => i);
  assert.equal(times.filter((time) => predict(time)).length, 10);
});

test("predict spends half of the time on slow predictions", async () => {
  await predictor.load();
  duration = 10;
  predict(0);
  assert.equal(predict(19), undefined);
  assert.equal(predict(20), ONE_DIGIT);
});

test("predict returns undefined right after a prediction, but not for the next drawing", async () => {
  await predictor.load();
  predict(10);
  assert.equal(predict(11), undefined);
  assert.equal(predict(12, { generation: 2 }), ONE_DIGIT);
});

test("predict limits the candidates of a frame, but not those of a completed stroke", async () => {
  await predictor.load();
  predict(10);
  assert.equal(maxRuns, 8);
  assert.equal(predict(11, { penUp: true }), ONE_DIGIT);
  assert.equal(maxRuns, Infinity);
});

for (const [expected, prediction, newest, options] of [
  ["stale", ONE_DIGIT, 10, {}],
  ["stale", ONE_DIGIT, 20, {}],
  ["new", ONE_DIGIT, 28, {}],
  ["stale", ONE_DIGIT, 10, { penUp: true }],
  ["known", ONE_DIGIT, 20, { penUp: true }],
  ["new", ONE_DIGIT, 20, { penUp: true, generation: 2 }],
  ["new", TWO_DIGITS, 20, { penUp: true }],
]) {
  const conditions = `${prediction.text} of points until ${newest}, ${JSON.stringify(options)}`;
  test(`compare after a local 7 of points until 20: ${conditions} is ${expected}`, async () => {
    await predictor.load();
    predict(20);
    assert.equal(predictor.compare(prediction, job(newest, options)), expected);
  });
}

test("compare returns adapted for the points that a correction changed, until newer points arrive", async () => {
  await predictor.load();
  local = ADAPTED;
  predict(20);
  assert.equal(predictor.compare(ONE_DIGIT, job(20, { penUp: true })), "adapted");
  assert.equal(predictor.compare(ONE_DIGIT, job(28, { penUp: true })), "new");
  assert.equal(predictor.compare(ONE_DIGIT, job(10, { penUp: true })), "stale");
});

test("compare returns new for a picture", async () => {
  await predictor.load();
  predict(20);
  const pictureJob = { ...job(10, { penUp: true }), body: { picture: "data:" } };
  assert.equal(predictor.compare(ONE_DIGIT, pictureJob), "new");
});
