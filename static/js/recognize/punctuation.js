/** Punctuation: the same operations as ml/preprocessing/punctuation.py. */

import { extentOf } from "./distances.js";
import { MAX_PARTS } from "./lattice.js";
import { union } from "./layout.js";
import { closingParenthesis } from "./parentheses.js";
import { findSigns } from "./percent_dollar.js";

const DOT_SIZE = 0.3;
const DOT_GAP = 0.05;
const DOT_OFFSET = 0.1;

/**
 * Split a line at the signs and parentheses around digits.
 * @param {number[][][]} strokes of a drawing
 * @param {number[]} line the strokes of a line
 * @returns {{line: number[], isMark: boolean}[]} the strokes of each piece from left to right, and
 *   whether they are a mark
 */
export function splitPunctuation(strokes, line) {
  if (line.length < 2 || line.length > MAX_PARTS) return [{ line, isMark: false }];
  const extents = line.map((i) => extentOf(strokes[i]));
  if (hasDotBelow(extents)) return [{ line, isMark: true }];
  const own = line.map((i) => strokes[i]);
  const marks = findSigns(own, extents);
  let others = [...line.keys()].filter((i) => !marks.flat().includes(i));
  const center = (i) => extents[i][0] + extents[i][2];
  const order = [...others].sort((a, b) => center(a) - center(b));
  const end = closingParenthesis(order.map((i) => own[i]), order.map((i) => extents[i]));
  if (end !== null) {
    marks.push([order[0]], [order[end]]);
    others = others.filter((i) => i !== order[0] && i !== order[end]);
  }
  const middle = (mark) => {
    const [left, , right] = union(mark.map((i) => extents[i]));
    return left + right;
  };
  marks.sort((a, b) => middle(a) - middle(b));
  const before = (i) => marks.filter((mark) => middle(mark) < center(i)).length;
  const pieces = [others.filter((i) => before(i) === 0)];
  marks.forEach((mark, k) => {
    pieces.push([...mark].sort((a, b) => a - b), others.filter((i) => before(i) === k + 1));
  });
  return pieces
    .map((piece, k) => ({ line: piece.map((i) => line[i]), isMark: k % 2 === 1 }))
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
