/** Marks between digits: the same operations as ml/preprocessing/dashes_slashes.py, which explains the rules. */

import { DOWN, heightOf, slantOf, UP } from "./hulls.js";

const HAT = 0.33;
const TALL = 9;
const TALL_OFFSET = 2.4;
const UPRIGHT = 2;

/** Return the height of the tallest part that is not slender; of all if all are slender. */
export function digitHeight(row, bows) {
  const digits = row.filter((_, i) => Number.isNaN(bows[i]));
  return Math.max(...(digits.length > 0 ? digits : row).map(heightOf));
}

/** Return the probability of each part to be a slash. */
export function slashes(row, lowest, bows) {
  return row.map((part, i) => {
    const isInside = i > 0 && i < row.length - 1;
    const others = row.filter((other, j) => j !== i && heightOf(other) >= lowest);
    if (!isInside || Number.isNaN(bows[i]) || others.length === 0) return 0;
    const isTall =
      -part[UP] <= lowerMedian(others.map((other) => -other[UP])) &&
      part[DOWN] >= lowerMedian(others.map((other) => other[DOWN]));
    if (!isTall) return 0;
    const ratio = heightOf(part) / lowerMedian(others.map(heightOf));
    const offset = slantOf(part) > 0 ? TALL_OFFSET : TALL_OFFSET + UPRIGHT;
    return 1 / (1 + Math.exp(offset - TALL * Math.log(ratio)));
  });
}

function lowerMedian(values) {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}

/** Return which parts are marks: low, apart from their neighbors, and not at the top. */
export function lowMarks(row, lowest, height, gaps) {
  const top = Math.min(...row.map((part) => -part[UP]));
  return row.map((part, i) => {
    const isApart = [gaps[i - 1], gaps[i]].every((gap) => gap === undefined || gap > 0);
    return heightOf(part) < lowest && isApart && (part[DOWN] - part[UP]) / 2 > top + HAT * height;
  });
}
