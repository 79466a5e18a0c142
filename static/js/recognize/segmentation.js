/**
 * Segmentation of strokes into digits: proposes the same candidates as
 * ml/preprocessing/segmentation.py. tests/golden_vectors.json verifies both.
 */

import { areNear, endPoints, lengthOf } from "./distances.js";
import { heightOf, hull, union } from "./hulls.js";
import { cut, merge } from "./joined_strokes.js";
import { buildLattice, Lattice } from "./lattice.js";
import { bow } from "./bows.js";

const MAX_SEGMENTED_POINTS = 10_000;
const MAX_LENGTH = 200;
const JOINED = 1.5;
const TOUCH_DISTANCE = 0.01;
const TOUCHING = 1.5;
const INK_DISTANCE = 0.03;
const INK_TOUCHING = 0.1;
const MEETING_DISTANCE = 0.02;
const MEETING = 4;

/**
 * Return the candidate digits of a line of strokes, and their lattice.
 * @param {number[][][]} strokes of a drawing
 * @param {number[]} line the strokes of the line, with at least one point each
 * @returns {{groups: {stroke: number, start: number, end: number}[][], lattice: Lattice}} the pieces
 *   of strokes in each candidate, in the order of drawing
 */
export function segmentStrokes(strokes, line) {
  const lines = line.map((stroke) => strokes[stroke]);
  const hulls = lines.map(hull);
  const height = heightOf(union(hulls));
  const whole = line.map((stroke) => ({ stroke, start: 0, end: strokes[stroke].length }));
  const single = { groups: [whole], lattice: Lattice.single([0]) };
  const count = lines.reduce((sum, points) => sum + points.length, 0);
  if (count > MAX_SEGMENTED_POINTS || lengthOf(lines) > MAX_LENGTH * height) return single;
  const pieces = line.flatMap((stroke, i) => cut(stroke, lines[i], hulls[i], height));
  if (pieces.length === 1) return single;
  const parts = pieces.map(({ stroke, start, end }) => strokes[stroke].slice(start, end));
  const contact = (left, right) => {
    const before = new Set(left.map((i) => pieces[i].stroke));
    if (right.some((i) => before.has(pieces[i].stroke))) return JOINED;
    return contactOf(left.map((i) => parts[i]), right.map((i) => parts[i]), height);
  };
  const lattice = buildLattice(parts.map(hull), contact, parts.map(bow));
  const groups = lattice.candidates.map((candidate) => merge(candidate.parts.map((i) => pieces[i])));
  return { groups, lattice };
}

/** Return the cost of splitting strokes because they are close. */
function contactOf(left, right, height) {
  if (areNear(endPoints(left), endPoints(right), MEETING_DISTANCE * height)) return MEETING;
  if (areNear(left, right, TOUCH_DISTANCE * height)) return TOUCHING;
  return areNear(left, right, INK_DISTANCE * height) ? INK_TOUCHING : 0;
}
