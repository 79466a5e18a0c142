/** Punctuation: the same operations as ml/preprocessing/punctuation.py. */

import { extentOf } from "./distances.js";
import { union } from "./layout.js";
import { bow } from "./marks.js";

const LEFT_BOW = 0.08;
const RIGHT_BOW = 0.05;
const MIN_HEIGHT = 0.7;
const MIN_GAP = 0.2;
const DOT_SIZE = 0.3;
const DOT_GAP = 0.05;
const DOT_OFFSET = 0.1;

/**
 * Split a line at the parentheses around digits.
 * @param {number[][][]} strokes of a drawing
 * @param {number[]} line the strokes of a line
 * @returns {{line: number[], isMark: boolean}[]} the strokes of each piece from left to right, and
 *   whether they are a mark
 */
export function splitPunctuation(strokes, line) {
  const extents = line.map((i) => extentOf(strokes[i]));
  if (line.length > 1 && hasDotBelow(extents)) return [{ line, isMark: true }];
  const middle = (i) => extents[i][0] + extents[i][2];
  const order = [...line.keys()].sort((a, b) => middle(a) - middle(b));
  const end = closingOf(order.map((i) => strokes[line[i]]), order.map((i) => extents[i]));
  if (end === null) return [{ line, isMark: false }];
  const pieces = [order.slice(0, 1), order.slice(1, end), [order[end]], order.slice(end + 1)];
  return pieces
    .map((piece, i) => ({ line: piece.sort((a, b) => a - b).map((at) => line[at]), isMark: i % 2 === 0 }))
    .filter((piece) => piece.line.length > 0);
}

/** Return whether the lowest stroke is a dot below the others, which are one character. */
function hasDotBelow(extents) {
  const tops = extents.map(([, top]) => top);
  const lowest = tops.indexOf(Math.max(...tops));
  const others = extents.filter((_, i) => i !== lowest);
  const [left, top, right, bottom] = union(others);
  const height = bottom - top;
  const [x1, y1, x2, y2] = extents[lowest];
  const beside = Math.max(left - x2, x1 - right);
  const isDot = Math.max(x2 - x1, y2 - y1) <= DOT_SIZE * height && beside <= DOT_OFFSET * height;
  const [starts, ends] = [others.map(([x]) => x), others.map(([, , x]) => x)];
  const isCharacter = right - left <= height && Math.max(...starts) <= Math.min(...ends);
  return isDot && isCharacter && y1 > bottom + DOT_GAP * height;
}

/** Return the position of the closing parenthesis; null if there is no pair. */
function closingOf(strokes, extents) {
  if (strokes.length < 3 || !(bow(strokes[0]) <= -LEFT_BOW)) return null;
  const heights = extents.map(([, top, , bottom]) => bottom - top);
  const least = extents[0][2] + MIN_GAP * heights[0];
  const ends = [...strokes.keys()].filter(
    (k) => k >= 2 && extents[k][0] >= least && bow(strokes[k]) >= RIGHT_BOW,
  );
  if (ends.length === 0) return null;
  const end = ends.reduce((tallest, k) => (heights[k] > heights[tallest] ? k : tallest));
  const isTall = Math.min(heights[0], heights[end]) >= MIN_HEIGHT * Math.max(...heights.slice(1, end));
  return isTall ? end : null;
}
