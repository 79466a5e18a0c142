/** Marks between digits: the same operations as ml/preprocessing/marks.py, which explains the rules. */

import { lengthOf } from "./distances.js";
import { DOWN, heightOf, UP } from "./hulls.js";

const HAT = 0.33;
const SLENDER = 1.8;
const TALL = 9;
const TALL_OFFSET = 2.4;
export const BOW = 0.1;
const BOW_END = 0.15;

/**
 * Return the largest distance of a stroke from the chord between its ends, in lengths of the chord.
 * NaN if the stroke is not slender or has a corner at an end.
 */
export function bow(points) {
  const [first, last] = [points[0], points.at(-1)];
  const [x, y] = [last[0] - first[0], last[1] - first[1]];
  const square = x * x + y * y;
  if (square === 0 || lengthOf([points]) > SLENDER * Math.sqrt(square)) return NaN;
  const toPoints = points.map((point) => [point[0] - first[0], point[1] - first[1]]);
  const off = toPoints.map(([right, down]) => Math.abs(down * x - right * y) / square);
  const largest = Math.max(...off);
  const [right, down] = toPoints[off.indexOf(largest)];
  const along = (right * x + down * y) / square;
  return largest < BOW || (BOW_END < along && along < 1 - BOW_END) ? largest : NaN;
}

/** Return the height of the tallest part that is not slender; of all if all are slender. */
export function digitHeight(row, bows) {
  const digits = row.filter((_, i) => Number.isNaN(bows[i]));
  return Math.max(...(digits.length > 0 ? digits : row).map(heightOf));
}

/** Return the probability of each part to be a slash or a parenthesis. */
export function tallMarks(row, lowest, bows) {
  return row.map((part, i) => {
    const isInside = i > 0 && i < row.length - 1;
    const isSlender = (isInside && !Number.isNaN(bows[i])) || bows[i] >= BOW;
    const others = row.filter((other, j) => j !== i && heightOf(other) >= lowest);
    if (!isSlender || others.length === 0) return 0;
    const isTall =
      -part[UP] <= lowerMedian(others.map((other) => -other[UP])) &&
      part[DOWN] >= lowerMedian(others.map((other) => other[DOWN]));
    if (!isTall) return 0;
    const ratio = heightOf(part) / lowerMedian(others.map(heightOf));
    return 1 / (1 + Math.exp(TALL_OFFSET - TALL * Math.log(ratio)));
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
