/**
 * A drawing at an earlier moment: the strokes of each digit at that moment, and their prediction. No
 * DOM: also runs in Node.
 */

import { strokesUntil } from "../draw/timeline.js";

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
 * Predict digits from their strokes.
 * @param {import("../recognize/recognition.js").Recognizer} recognizer
 * @returns {{prediction: object, selected: number}} a prediction as in the API, without boxes, and the
 *   index of the digit that was being drawn
 */
export function predictParts(recognizer, parts) {
  const begun = parts.filter((part) => part.length > 0);
  const digits = begun.map((part) => recognizer.predictDigit(part));
  const text = digits.map(({ digit }) => digit ?? "?").join("");
  const prediction = { text, digits, model: recognizer.version };
  return { prediction, selected: newestPart(begun) };
}
