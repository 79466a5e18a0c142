/** Marks between digits: the same operations as ml/preprocessing/marks.py, which explains the rules. */

import { lengthOf } from "./distances.js";
import { DOWN, heightOf, slantOf, UP } from "./hulls.js";

const HAT = 0.33;
const SLENDER = 1.8;
const TALL = 9;
const TALL_OFFSET = 2.4;
const UPRIGHT = 2;
export const BOW = 0.1;
const BOW_END = 0.15;

/**
 * Return the largest distance of a stroke from the chord between its ends, in lengths of the chord;
 * positive to the right of the chord, seen upright. NaN if the stroke is not slender or has a corner
 * at an end.
 */
export function bow(points) {
  const [first, last] = [points[0], points.at(-1)];
  const [x, y] = [last[0] - first[0], last[1] - first[1]];
  const square = x * x + y * y;
  if (square === 0 || lengthOf([points]) > SLENDER * Math.sqrt(square)) return NaN;
  const toPoints = points.map((point) => [point[0] - first[0], point[1] - first[1]]);
  const off = toPoints.map(([right, down]) => (right * y - down * x) / square);
  const distances = off.map(Math.abs);
  const farthest = distances.indexOf(Math.max(...distances));
  const [right, down] = toPoints[farthest];
  const along = (right * x + down * y) / square;
  const isCorner = along <= BOW_END || along >= 1 - BOW_END;
  if (distances[farthest] >= BOW && isCorner) return NaN;
  return y >= 0 ? off[farthest] : -off[farthest];
}

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
