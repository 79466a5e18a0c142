/**
 * Errors with and without the memory of the visitor's hand:
 * node tools/replay_hand.js FILE [MODEL [FILE MODEL ...]]
 *
 * FILE has labeled strokes, one { strokes, label, writer } per line. The digits of each writer are
 * predicted one after the other, shuffled with a fixed seed, by the page's own modules; each error is
 * corrected and learned, the others are observed. MODEL must not have been trained on the writers of
 * FILE; without it, the shipped model is used. Prints the errors in the second half of each writer's
 * digits, with a 95% interval from resampling the writers.
 */

import { readFileSync } from "node:fs";

import { LeNet } from "../static/js/recognize/lenet.js";
import { Recognizer } from "../static/js/recognize/recognition.js";

const SHIPPED = new URL("../ml/weights/lenet.onnx", import.meta.url);
const SEED = 28;
const RESAMPLES = 2000;

/** Return a generator of numbers from 0 to 1 (Marsaglia's xorshift). */
function createRandom(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function shuffle(items, random) {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}

/** Return the errors of a writer's digits: in the first half, and in the second with and without memory. */
function replay(network, rows) {
  const [plain, adapting] = [new Recognizer(network), new Recognizer(network)];
  const errors = { count: rows.length >> 1, first: 0, without: 0, with: 0 };
  rows.forEach(({ strokes, label }, i) => {
    const isFirst = i < rows.length - errors.count;
    const adapted = adapting.predict(strokes);
    const isError = plain.predict(strokes).text !== label;
    const isAdaptedError = adapted.text !== label;
    if (isFirst) errors.first += isError;
    else [errors.without, errors.with] = [errors.without + isError, errors.with + isAdaptedError];
    const [digit, ...others] = adapted.digits;
    if (others.length > 0) return;
    adapting.memory[isAdaptedError ? "learn" : "observe"](digit.image, Number(label));
  });
  return errors;
}

const sum = (results, key) => results.reduce((total, result) => total + result[key], 0);

/** Return the share of errors that the memory avoids. */
const avoided = (results) => 1 - sum(results, "with") / sum(results, "without");

function interval(results, random) {
  const pick = () => results[Math.floor(random() * results.length)];
  const shares = Array.from({ length: RESAMPLES }, () => avoided(results.map(pick)));
  shares.sort((a, b) => a - b);
  return [0.025, 0.975].map((share) => shares[Math.floor(share * RESAMPLES)]);
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

const random = createRandom(SEED);

/** Return the errors of each writer of a file. */
function replayFile(file, model) {
  const network = new LeNet(readFileSync(model));
  const rows = readFileSync(file, "utf8").trim().split("\n").map(JSON.parse);
  const digits = rows.filter(({ label }) => /^[0-9]$/.test(label));
  const writers = Map.groupBy(digits, ({ writer }) => writer);
  return [...writers.values()].map((own) => replay(network, shuffle(own, random)));
}

const results = [];
for (let i = 2; i < process.argv.length; i += 2) {
  results.push(...replayFile(process.argv[i], process.argv[i + 1] ?? SHIPPED));
}
const flawless = results.filter(({ first }) => first === 0);
console.log(`${results.length} writers, ${sum(results, "count")} digits in second halves`);
console.log(`errors without memory ${sum(results, "without")}, with memory ${sum(results, "with")}`);
console.log(`avoided ${percent(avoided(results))} (${interval(results, random).map(percent).join(" to ")})`);
console.log(
  `${flawless.length} writers without errors in the first half, ${sum(flawless, "count")} digits: ` +
    `errors without memory ${sum(flawless, "without")}, with memory ${sum(flawless, "with")}`,
);
