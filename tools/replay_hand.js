/**
 * Replay labeled digits by writer through the memory of the page, and print the errors with and
 * without it in the second half of each writer's digits:
 *
 *     node tools/replay_hand.js MODEL.onnx DIGITS.jsonl[.gz] [MODEL DIGITS …]
 *
 * Each line of DIGITS is {"strokes": [[[x, y], …], …], "label": "7", "writer": "…"}. Use writers that the
 * model has not seen in training. Each writer's digits are shuffled with a fixed seed; every wrong
 * prediction is corrected, as a visitor would.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { HandMemory } from "../static/js/recognize/hand_memory.js";
import { LeNet } from "../static/js/recognize/lenet.js";
import { rasterize } from "../static/js/recognize/rasterize.js";

const SEED = 1;
const RESAMPLES = 2000;

function read(path) {
  const content = readFileSync(path);
  const lines = (path.endsWith(".gz") ? gunzipSync(content) : content).toString().trim().split("\n");
  const digits = lines.map((line) => JSON.parse(line)).filter(({ label }) => /^[0-9]$/.test(label));
  return Map.groupBy(digits, ({ writer }) => writer);
}

/** Return a function of pseudorandom integers below a limit (mulberry32). */
function randomIntegers(seed) {
  return (limit) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % limit;
  };
}

function shuffle(items, random) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

const largest = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

/** Return the errors of one writer: { first, without, with, of }. */
function replay(network, digits) {
  const memory = new HandMemory({ getItem: () => null, setItem() {} });
  const half = Math.floor(digits.length / 2);
  const errors = { first: 0, without: 0, with: 0, of: digits.length - half };
  digits.forEach(({ strokes, label }, i) => {
    const image = rasterize(strokes);
    const isWrong = largest(network.run(image).probabilities) !== Number(label);
    const isWrongWithMemory = largest(memory.probabilities(network, image)) !== Number(label);
    errors[i < half ? "first" : "without"] += isWrong;
    if (i >= half) errors.with += isWrongWithMemory;
    if (isWrongWithMemory) memory.learn(image, Number(label));
  });
  return errors;
}

const sum = (writers, name) => writers.reduce((total, errors) => total + errors[name], 0);
const reduction = (writers) => 1 - sum(writers, "with") / sum(writers, "without");

/** Return the 95% interval of the reduction, with writers resampled. */
function interval(writers, random) {
  const values = Array.from({ length: RESAMPLES }, () =>
    reduction(writers.map(() => writers[random(writers.length)])),
  );
  values.sort((a, b) => a - b);
  return [values[Math.floor(0.025 * RESAMPLES)], values[Math.floor(0.975 * RESAMPLES)]];
}

const random = randomIntegers(SEED);
const paths = process.argv.slice(2);
if (paths.length === 0 || paths.length % 2) {
  console.error("Usage: node tools/replay_hand.js MODEL.onnx DIGITS.jsonl[.gz] [MODEL DIGITS …]");
  process.exit(2);
}
const writers = [];
for (let i = 0; i < paths.length; i += 2) {
  const network = new LeNet(readFileSync(paths[i]));
  for (const digits of read(paths[i + 1]).values()) writers.push(replay(network, shuffle(digits, random)));
}
const clean = writers.filter(({ first }) => first === 0);
const percent = (value) => `${(100 * value).toFixed(1)}%`;
const [low, high] = interval(writers, random);
console.log(`${writers.length} writers, ${sum(writers, "of")} digits in second halves`);
console.log(`errors without the memory: ${sum(writers, "without")}, with it: ${sum(writers, "with")}`);
console.log(`reduction: ${percent(reduction(writers))} (95% interval ${percent(low)} to ${percent(high)})`);
console.log(
  `${clean.length} writers without an error in the first half, ${sum(clean, "of")} digits:` +
    ` ${sum(clean, "without")} errors without, ${sum(clean, "with")} with`,
);
