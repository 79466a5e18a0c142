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

/** Return whether a stroke is at most `longest` times as long as its chord. */
export function isSlender(points, longest = SLENDER) {
  const [x, y] = chordOf(points);
  const chord = Math.sqrt(x * x + y * y);
  return chord > 0 && lengthOf([points]) <= longest * chord;
}

/**
 * Return the distances of points from the chord between the ends of their stroke, which must differ,
 * in lengths of the chord; positive to the right of the chord, seen upright.
 */
export function offChord(points) {
  const [x, y] = chordOf(points);
  const square = x * x + y * y;
  const off = points.map((point) => ((point[0] - points[0][0]) * y - (point[1] - points[0][1]) * x) / square);
  return y >= 0 ? off : off.map((distance) => -distance);
}

/** Return the largest of these distances; NaN if the stroke is not slender or has a corner at an end. */
export function bow(points) {
  if (!isSlender(points)) return NaN;
  const [off, [x, y]] = [offChord(points), chordOf(points)];
  const distances = off.map(Math.abs);
  const farthest = distances.indexOf(Math.max(...distances));
  const [right, down] = [points[farthest][0] - points[0][0], points[farthest][1] - points[0][1]];
  const along = (right * x + down * y) / (x * x + y * y);
  const isCorner = distances[farthest] >= BOW && (along <= BOW_END || along >= 1 - BOW_END);
  return isCorner ? NaN : off[farthest];
}

/** Return the line [x, y] from the first to the last point. */
export const chordOf = (points) => [points.at(-1)[0] - points[0][0], points.at(-1)[1] - points[0][1]];

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
