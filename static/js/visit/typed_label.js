/**
 * A label that is typed: its digits, "?" for a non-digit, replace the whole label from left to right. No
 * DOM.
 */

import { isMark } from "../recognize/result_view.js";

// Milliseconds. After a longer pause, a digit begins a new label instead of extending a complete one.
const MAX_PAUSE = 2_000;
// The longest label that the API accepts has more characters; no prediction has as many digits.
const MAX_DIGITS = 40;

export class TypedLabel {
  /** The digits typed so far. */
  digits = "";
  #time = -Infinity;

  /** Append a digit at a time in milliseconds; `count` digits are a complete label. */
  add(digit, count, time) {
    const isNew = this.digits.length >= count && time - this.#time > MAX_PAUSE;
    this.digits = ((isNew ? "" : this.digits) + digit).slice(0, MAX_DIGITS);
    this.#time = time;
  }

  removeLast() {
    this.digits = this.digits.slice(0, -1);
  }

  clear() {
    this.digits = "";
  }
}

/** Return the number of digits that a complete label of a prediction has; marks are not typed. */
export function countTyped({ digits }) {
  return digits.filter((digit) => !isMark(digit, digits)).length;
}

/** Return the label of a prediction: typed digits in place of its own, between its marks and lines. */
export function fillIn(prediction, typed) {
  const { text, digits } = prediction;
  // Another number of digits: the prediction has missed one, or has one too many.
  if (typed.length !== countTyped(prediction)) return typed;
  let [index, next] = [0, 0];
  return text.replace(/[^\n]/g, () => (isMark(digits[index++], digits) ? "?" : typed[next++]));
}
