/**
 * Lines of digits in a drawing, without the strokes around them: the same operations as
 * ml/preprocessing/layout.py, which explains the constants.
 */

import { extentOf } from "./distances.js";
import { MAX_PARTS } from "./lattice.js";
import { BOW, bow } from "./bows.js";

const UNDERLINE_ASPECT = 0.25;
const UNDERLINE_WIDTH = 0.7;
const UNDERLINE_GAP = 0.05;
const OUTLINE_MARGIN = 0.05;
const OUTLINE_CONTENT = 0.3;
const TURNS = 0.8;
const SLASH_ASPECT = 0.4;
const TICK = 0.35;
export const LINE_HEIGHT = 0.6;
const LINE_GAP = 0.2;
const MIN_STROKE_GAP = 0.5;
const MAX_STROKE_GAP = 1.5;

/**
 * Return the lines of strokes with at least one point each, top to bottom, as lists of the numbers of
 * strokes in the order of drawing. Annotations are in no line.
 */
export function splitLines(strokes) {
  const all = [...strokes.keys()];
  if (strokes.length < 2 || strokes.length > MAX_PARTS) return strokes.length > 0 ? [all] : [];
  const extents = strokes.map(extentOf);
  const kept = withoutAnnotations(all, strokes, extents);
  return linesOf(kept, extents).map((line) => line.sort((a, b) => a - b));
}

/** Return the extent of several extents. */
export function union(extents) {
  return extents.reduce(([left, top, right, bottom], [x1, y1, x2, y2]) => [
    Math.min(left, x1),
    Math.min(top, y1),
    Math.max(right, x2),
    Math.max(bottom, y2),
  ]);
}

/** Return the strokes that are no annotations; at least one. */
function withoutAnnotations(all, strokes, extents) {
  let kept = all;
  for (const isAnnotation of [isTick, isOutline, isUnderline, isUnderline]) {
    for (const i of kept) {
      const others = kept.filter((other) => other !== i);
      const surrounding = { others, around: others.map((other) => extents[other]), strokes };
      if (others.length > 0 && isAnnotation(i, extents[i], surrounding)) kept = others;
    }
  }
  return kept;
}

function isTick(_, [x1, y1, x2, y2], { around }) {
  const sizes = around.map(([left, top, right, bottom]) => Math.max(right - left, bottom - top));
  const largest = Math.max(...sizes);
  const distances = around.map(([left, top, right, bottom]) =>
    Math.max(left - x2, top - y2, x1 - right, y1 - bottom),
  );
  return Math.max(x2 - x1, y2 - y1) < TICK * largest && Math.min(...distances) > largest;
}

function isOutline(i, [x1, y1, x2, y2], { others, around, strokes }) {
  const [left, top, right, bottom] = union(around);
  const [width, height] = [x2 - x1, y2 - y1];
  const margin = Math.min(left - x1, top - y1, x2 - right, y2 - bottom);
  if (margin <= OUTLINE_MARGIN * Math.min(width, height) || bottom - top < OUTLINE_CONTENT * height) {
    return false;
  }
  const isOblique = right - left >= SLASH_ASPECT * (bottom - top);
  if (others.length === 1 && isOblique && Math.abs(bow(strokes[others[0]])) < BOW) return false;
  return turnsAround(strokes[i], (left + right) / 2, (top + bottom) / 2) >= TURNS;
}

/** Return how many times a stroke turns around a point. */
function turnsAround(points, x, y) {
  const angles = points.slice(1).map((point, i) => {
    const [right, down] = [point[0] - x, point[1] - y];
    const [rightBefore, downBefore] = [points[i][0] - x, points[i][1] - y];
    return Math.atan2(rightBefore * down - downBefore * right, rightBefore * right + downBefore * down);
  });
  return Math.abs(angles.reduce((sum, angle) => sum + angle, 0)) / (2 * Math.PI);
}

function isUnderline(_, [x1, y1, x2, y2], { around }) {
  const [left, top, right, bottom] = union(around);
  const isFlat = y2 - y1 <= UNDERLINE_ASPECT * (x2 - x1);
  const isWide = x2 - x1 >= Math.max(UNDERLINE_WIDTH * (right - left), UNDERLINE_ASPECT * (bottom - top));
  return isFlat && isWide && y1 > bottom + UNDERLINE_GAP * (bottom - top);
}

/** Split strokes at the widest vertical gap, and both halves again. */
function linesOf(parts, extents) {
  const middle = (i) => extents[i][1] + extents[i][3];
  const order = [...parts].sort((a, b) => middle(a) - middle(b));
  const tallest = Math.max(...parts.map((i) => extents[i][3] - extents[i][1]));
  const unionOf = (some) => union(some.map((i) => extents[i]));
  const gaps = order
    .slice(1)
    .map((_, i) => lineGap(unionOf(order.slice(0, i + 1)), unionOf(order.slice(i + 1)), tallest));
  const widest = Math.max(-Infinity, ...gaps);
  const [least, most] = order.length > 2 ? [LINE_GAP, Infinity] : [MIN_STROKE_GAP, MAX_STROKE_GAP];
  if (!(least <= widest && widest <= most)) return [parts];
  const cut = gaps.indexOf(widest) + 1;
  return [...linesOf(order.slice(0, cut), extents), ...linesOf(order.slice(cut), extents)];
}

/** Return the gap between two lines in heights of the lower one; -Infinity if they are no lines. */
function lineGap(above, below, tallest) {
  const height = Math.min(above[3] - above[1], below[3] - below[1]);
  const isBeside = below[0] > above[2] || above[0] > below[2];
  if (isBeside || height === 0 || height < LINE_HEIGHT * tallest) return -Infinity;
  return (below[1] - above[3]) / height;
}
