/**
 * Pieces of strokes that join several digits: the same operations as
 * ml/preprocessing/joined_strokes.py. A piece { stroke, start, end } has the points from `start` to
 * before `end` of a stroke, by the number of the stroke.
 */

import { extentOf } from "./distances.js";
import { heightOf, widthOf } from "./hulls.js";
import { MIN_HEIGHT } from "./lattice.js";

const JOINED_ASPECT = 1;
const MIN_JOINED_WIDTH = 0.2;
const CUT_POSITIONS = 25;
const MIN_POINTS = 2;

/** Return the pieces of a stroke in a drawing of some height. */
export function cut(stroke, points, extents, height) {
  const ownHeight = heightOf(extents);
  if (ownHeight < MIN_HEIGHT * height || widthOf(extents) < JOINED_ASPECT * ownHeight) {
    return [{ stroke, start: 0, end: points.length }];
  }
  const starts = [0];
  for (const point of [...new Set(onlyCrossings(points))].sort((a, b) => a - b)) {
    if (starts.at(-1) + MIN_POINTS <= point && point <= points.length - MIN_POINTS) starts.push(point);
  }
  return starts.map((start, i) => ({ stroke, start, end: starts[i + 1] ?? points.length }));
}

/** Join pieces that follow each other in one stroke. */
export function merge(pieces) {
  const merged = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last?.stroke === piece.stroke && last.end === piece.start) {
      merged.splice(-1, 1, { ...last, end: piece.end });
    } else merged.push(piece);
  }
  return merged;
}

/** Return the points after which a stroke crosses the middle of each run of lines it crosses once. */
function onlyCrossings(points) {
  const [left, , right] = extentOf(points);
  const crossings = Array.from({ length: CUT_POSITIONS }, (_, i) => {
    const inside = MIN_JOINED_WIDTH + (1 - 2 * MIN_JOINED_WIDTH) * (i / (CUT_POSITIONS - 1));
    return crossingsOf(points, left + (right - left) * inside);
  });
  const found = [];
  for (let first = 0, end; first < crossings.length; first = end + 1) {
    end = first;
    while (crossings[end]?.length === 1) end++;
    if (end > first) found.push(...crossings[first + ((end - first) >> 1)]);
  }
  return found;
}

/** Return the points that are on another side of a vertical line than the point before them. */
function crossingsOf(points, at) {
  return [...points.keys()].filter((i) => i > 0 && points[i][0] > at !== points[i - 1][0] > at);
}
