import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { LeNet } from "../../static/js/recognize/lenet.js";
import { rasterize } from "../../static/js/recognize/rasterize.js";
import { Recognizer, segmentLines, verdictOf } from "../../static/js/recognize/recognition.js";

const read = (path) => readFileSync(new URL(path, import.meta.url));
const vectors = JSON.parse(read("../golden_vectors.json"));
const network = new LeNet(read("../../ml/weights/lenet.onnx"));
const drawing = (name) => vectors.find((vector) => vector.name === name).strokes;
const hash = (grids) => createHash("sha256").update(Buffer.concat(grids)).digest("hex").slice(0, 16);

let recognizer, runs;

beforeEach(() => {
  runs = 0;
  const counted = {
    version: network.version,
    thresholds: network.thresholds,
    run: (...input) => (runs++, network.run(...input)),
  };
  recognizer = new Recognizer(counted);
  runs = 0;
});

test("segmentLines proposes the same candidates as ml/recognition.py", () => {
  for (const { name, strokes, candidates } of vectors) {
    const found = segmentLines(strokes.filter((points) => points.length > 0)).flatMap((line) => line.candidates);
    assert.equal(hash(found.map((candidate) => rasterize(candidate.strokes))), candidates, name);
  }
});

test("Recognizer predicts the same digits as ml/recognition.py", () => {
  for (const { name, strokes, text, verdicts, boxes, grids } of vectors) {
    const prediction = recognizer.predict(strokes);
    const { digits } = prediction;
    assert.equal(prediction.text, text, name);
    assert.deepEqual(digits.map(({ verdict }) => verdict), verdicts, name);
    assert.deepEqual(digits.map(({ box }) => box), boxes, name);
    assert.equal(hash(digits.map(({ image }) => image)), grids, name);
  }
});

test("Recognizer predicts a number in the format of the API", () => {
  const { text, digits, model } = recognizer.predict(drawing("joined zeros"));
  assert.equal(text, "00");
  assert.equal(model, network.version);
  const [{ digit, verdict, confidence, probabilities, box, image }] = digits;
  assert.deepEqual([digit, verdict, box.length, image.length], [0, "unsure", 4, 784]);
  assert.equal(confidence, probabilities[0]);
  assert.equal(probabilities.length, 10);
});

test("Recognizer predicts strokes as one digit like a drawing of one digit", () => {
  const [{ box, ...digit }] = recognizer.predict(drawing("seven")).digits;
  assert.deepEqual(recognizer.predictDigit(drawing("seven")), digit);
  assert.deepEqual(recognizer.predictDigit([]).digit, null);
});

test("Recognizer classifies only the candidates that a new point changes", () => {
  const [strokes, last] = [drawing("upright strokes").slice(0, 4), [100, 90]];
  recognizer.predict(strokes);
  const before = runs;
  recognizer.predict(structuredClone(strokes));
  assert.equal(runs, before);
  recognizer.predict([...strokes.slice(0, 3), [...strokes[3], last]]);
  const known = segmentLines(strokes)[0].candidates.length;
  assert.ok(runs - before < known, `${runs - before} of ${known}`);
});

test("Recognizer classifies at most the given number of candidates, the shortest first", () => {
  const strokes = drawing("upright strokes");
  assert.equal(recognizer.predict(strokes, 8).text, "11111111");
  assert.equal(runs, 8);
  recognizer.predict(strokes, 8);
  assert.equal(runs, 16);
  assert.equal(recognizer.predict(strokes, 1).text, "11111111");
});

test("Recognizer does not change earlier predictions", () => {
  const first = recognizer.predict(drawing("seven"));
  const before = JSON.stringify(first);
  recognizer.predict(drawing("joined zeros"));
  assert.equal(JSON.stringify(first), before);
});

test("verdictOf is unsure between two rivals and not a digit among many", () => {
  const thresholds = { digit: 0.6, sure: 0.9 };
  assert.equal(verdictOf([0.95, 0.05, 0], thresholds), "digit");
  assert.equal(verdictOf([0.5, 0.1, 0.4], thresholds), "unsure");
  assert.equal(verdictOf([0.3, 0.25, 0.2, 0.25], thresholds), "not a digit");
});
