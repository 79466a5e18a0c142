/**
 * A drawing at an earlier moment: the strokes of each digit at that moment, and their prediction. No
 * DOM: also runs in Node.
 */

import { strokesUntil } from "../draw/timeline.js";
import { asMark, asUnsure, verdictOf } from "../recognize/recognition.js";

const timeOf = (strokes) => strokes.at(-1)?.at(-1)[2] ?? -Infinity;

/** Return the index of the digit with the newest point. */
export function newestPart(parts) {
  const times = parts.map(timeOf);
  return times.indexOf(Math.max(...times));
}

/**
 * Return the strokes of each digit at a moment of the drawing time of all strokes; a digit that was
 * not begun has none.
 */
export function partsUntil(parts, strokes, moment) {
  const now = timeOf(strokesUntil(strokes, moment));
  return parts.map((part) =>
    part.map((stroke) => stroke.filter(([, , t]) => t <= now)).filter((stroke) => stroke.length > 0),
  );
}

/**
 * Predict digits from their strokes at a moment.
 * @param {import("../recognize/recognition.js").Recognizer} recognizer
 * @param {object[]} present the digits of the prediction of all strokes
 * @returns {{prediction: object, selected: number}} a prediction as in the API, without boxes, and the
 *   index of the digit that was being drawn
 */
export function predictParts(recognizer, parts, present) {
  const begun = [...parts.keys()].filter((i) => parts[i].length > 0);
  const digits = begun.map((i) => {
    const digit = predictPart(recognizer, parts[i], i, present);
    return begun.length > 1 && touchesAnother(present[i], recognizer) ? asUnsure(digit) : digit;
  });
  const text = digits.map(({ digit }) => digit ?? "?").join("");
  const prediction = { text, digits, model: recognizer.version };
  return { prediction, selected: begun.indexOf(newestPart(parts)) };
}

/** Predict one digit at a moment; its neighbors make a non-digit of a number one from its first point. */
export function predictPart(recognizer, part, index, present) {
  const digit = recognizer.predictDigit(part);
  const isMark = present.length > 1 && present[index].verdict === "not a digit";
  return isMark ? asMark(digit) : digit;
}

/** Return whether a digit is unsure in spite of its probabilities: it touches another one. */
function touchesAnother(digit, { network }) {
  return digit?.verdict === "unsure" && verdictOf(digit.probabilities, network.thresholds) === "digit";
}
