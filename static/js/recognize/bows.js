/** How far a stroke bends: the same operations as ml/preprocessing/bows.py. */

import { lengthOf } from "./distances.js";

const SLENDER = 1.8;
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
