/** Parentheses: the same operations as ml/preprocessing/parentheses.py, which explains the rules. */

import { bow, isSlender, offChord } from "./bows.js";

const LEFT_BOW = 0.08;
const RIGHT_BOW = 0.05;
const MIN_HEIGHT = 0.7;
const MIN_GAP = 0.2;
const TALL = 1.1;
const CURLED = 2.2;
const CURLED_BOW = 0.3;
const STRAIGHT_BOW = 0.03;
const MAX_OVERLAP = 0.25;

/**
 * Return the position of the closing parenthesis among strokes from left to right; the first is the
 * opening one. Null if there is no pair.
 */
export function closingParenthesis(strokes, extents) {
  if (strokes.length < 3) return null;
  const [opening, isCurled] = openingBow(strokes[0]);
  if (opening > -LEFT_BOW) return null;
  const heights = extents.map(([, top, , bottom]) => bottom - top);
  const ends = [...strokes.keys()].slice(2).filter((k) => {
    if (extents[k][0] < extents[0][2] + MIN_GAP * heights[0]) return false;
    const [closing, height] = [bow(strokes[k]), Math.min(heights[0], heights[k])];
    const tallest = Math.max(...heights.slice(1, k));
    const overlap = Math.max(...extents.slice(1, k).map(([, , right]) => right)) - extents[k][0];
    const isTall = height >= TALL * tallest && overlap <= MAX_OVERLAP * heights[k];
    const isClear = !isCurled && closing >= RIGHT_BOW && height >= MIN_HEIGHT * tallest;
    return isClear || (isTall && closing >= STRAIGHT_BOW);
  });
  if (ends.length === 0) return null;
  return ends.reduce((tallest, k) => (heights[k] > heights[tallest] ? k : tallest));
}

/** Return the `bow` of a left parenthesis, or 0, and whether it has a curl. */
function openingBow(points) {
  const plain = bow(points);
  if (!Number.isNaN(plain)) return [plain, false];
  if (!isSlender(points, CURLED)) return [0, false];
  const off = offChord(points);
  const distances = off.map(Math.abs);
  const farthest = off[distances.indexOf(Math.max(...distances))];
  return farthest <= -CURLED_BOW ? [farthest, true] : [0, false];
}
