/**
 * The lattice of candidate digits of a row of parts, and the best path through it: the same
 * operations as ml/preprocessing/lattice.py, which explains the constants.
 */

import { DOWN, gapsIn, heightOf, LEFT, RIGHT, union, UP, widthOf } from "./hulls.js";
import { digitHeight, lowMarks, slashes } from "./dashes_slashes.js";

const MIN_PART_SIZE = 0.06;
const OVERLAP = 0.2;
const WIDE = 0.7;
const WIDEST = 1.5;
export const MIN_HEIGHT = 0.35;
const MAX_PARTS_IN_DIGIT = 8;
export const MAX_PARTS = 40;
const LOW_MARK = 0.5;
const GAP = 0.5;
const MISFIT = 1.5;

export class Lattice {
  /** The candidates { parts, first, end, shape, gap, mark, penalty, contact }, by `first`, then `end`. */
  candidates;

  constructor(candidates) {
    this.candidates = candidates;
  }

  /** Return a lattice with one candidate. */
  static single(parts, isMark = false) {
    return new Lattice([{ parts, first: 0, end: 1, mark: isMark ? 1 : 0 }]);
  }

  /** The number of parts in the row: no path is longer. */
  get length() {
    return Math.max(...this.candidates.map(({ end }) => end));
  }

  /**
   * Return the candidates of the best segmentation, left to right.
   * @param {number[][]} probabilities the model's for each candidate
   * @returns {{index: number, isMark: boolean, touches: boolean}[]} `touches`: its ink is close to that of
   *   a neighbor
   */
  bestPath(probabilities) {
    if (this.candidates.length === 1) return [{ index: 0, isMark: this.candidates[0].mark === 1, touches: false }];
    const nodes = this.candidates.map((candidate, i) => rate(candidate, probabilities[i]));
    const path = [];
    let isCloseAfter = false;
    for (let index = this.#trace(nodes); index >= 0; index = nodes[index].previous) {
      const isCloseBefore = nodes[index].contact > 0;
      path.unshift({ index, isMark: nodes[index].isMark, touches: isCloseBefore || isCloseAfter });
      isCloseAfter = isCloseBefore;
    }
    return path;
  }

  /** Find the path with the highest score by dynamic programming; return its last candidate. */
  #trace(nodes) {
    nodes.forEach((node, i) => {
      if (node.first === 0) return;
      let best = -Infinity;
      for (let j = 0; j < i; j++) {
        if (nodes[j].end !== node.first) continue;
        const total = nodes[j].total + transition(nodes[j], node);
        if (total > best) [best, node.previous] = [total, j];
      }
      node.total += best;
    });
    const last = [...nodes.keys()].filter((i) => nodes[i].end === this.length);
    return last.reduce((best, i) => (nodes[i].total > nodes[best].total ? i : best));
  }
}

/** Add the score of a candidate with the model's probabilities. */
function rate(candidate, probabilities) {
  const digit = (1 - candidate.mark) * Math.max(...probabilities);
  const mark = candidate.mark === 1 ? LOW_MARK : candidate.mark;
  const total = Math.log(Math.max(digit, mark)) - candidate.penalty - candidate.contact;
  return { ...candidate, isMark: mark > digit, total, previous: -1 };
}

/** Score a candidate after another one. */
function transition(one, other) {
  const tallest = heightOf(union([one.shape, other.shape])) || 1;
  const misfit = [DOWN, UP].reduce((sum, i) => sum + Math.abs(one.shape[i] - other.shape[i]), 0);
  // The height and baseline of a mark do not matter.
  const misfitCost = one.isMark || other.isMark ? 0 : (MISFIT * misfit) / tallest;
  return GAP + other.gap / tallest - misfitCost;
}

/**
 * Propose candidate digits for parts with hulls.
 * @param {(left: number[], right: number[]) => number} contact returns the cost of splitting two sets
 *   of parts because their ink is close
 * @param {number[]} bows those of `bow` in bows.js
 */
export function buildLattice(hulls, contact, bows) {
  const { order, cuts, gaps } = arrange(hulls);
  const starts = [0, ...cuts.map((at) => at + 1)];
  const groups = starts.map((start, i) => order.slice(start, starts[i + 1]));
  const row = groups.map((group) => union(group.map((part) => hulls[part])));
  const height = heightOf(union(row));
  if (height === 0 || groups.length > MAX_PARTS) return Lattice.single(sorted(order));
  const ownBows = groups.map((group) => (group.length === 1 ? bows[group[0]] : NaN));
  const lowest = MIN_HEIGHT * Math.max(digitHeight(row, ownBows), height / 2);
  const isLow = lowMarks(row, lowest, height, gaps);
  const marks = slashes(row, lowest, ownBows).map((mark, i) => (isLow[i] ? 1 : mark));
  const isSingle = row.map((part, i) => marks[i] === 1 || heightOf(part) >= lowest);
  if (isSingle.filter(Boolean).length < 2) return Lattice.single(sorted(order));
  const contacts = cuts.map((at) => contact(order.slice(0, at + 1), order.slice(at + 1)));
  const spans = spansOf(row, isSingle, lowest, WIDEST * height);
  return new Lattice(spans.map((span) => createCandidate(span, { groups, marks, gaps, contacts, height })));
}

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);

function createCandidate({ first, end, shape }, { groups, marks, gaps, contacts, height }) {
  const before = Math.max(first, 1) - 1;
  return {
    parts: sorted(groups.slice(first, end).flat()),
    first,
    end,
    shape,
    gap: gaps[before],
    mark: end - first === 1 ? marks[first] : 0,
    penalty: MISFIT * Math.max(widthOf(shape) / height - WIDE, 0),
    contact: first > 0 ? contacts[before] : 0,
  };
}

/**
 * Return the parts without specks from left to right, the cuts between them, and their gaps. A cut
 * follows the part at its position. Parts that overlap more than OVERLAP stay together.
 */
function arrange(hulls) {
  const sizes = hulls.map((each) => Math.max(heightOf(each), widthOf(each)));
  const least = MIN_PART_SIZE * Math.max(...sizes);
  const kept = [...hulls.keys()].filter((part) => sizes[part] >= least);
  const middle = (part) => hulls[part][RIGHT] - hulls[part][LEFT];
  const order = [...kept].sort((a, b) => middle(a) - middle(b));
  const gaps = gapsIn(order.map((part) => hulls[part]));
  const overlap = -OVERLAP * heightOf(union(kept.map((part) => hulls[part])));
  const cuts = [...gaps.keys()].filter((at) => gaps[at] > overlap);
  return { order, cuts, gaps: cuts.map((at) => gaps[at]) };
}

/** Return the spans { first, end, shape } of a row that may be a digit or mark, and the whole row. */
function spansOf(row, isSingle, lowest, widest) {
  const spans = [];
  for (let first = 0; first < row.length; first++) {
    for (let end = first + 1; end <= row.length; end++) {
      const count = end - first;
      if (count > MAX_PARTS_IN_DIGIT && count < row.length) continue;
      const shape = union(row.slice(first, end));
      const mayBeDigit =
        count === 1
          ? isSingle[first]
          : count <= MAX_PARTS_IN_DIGIT && widthOf(shape) <= widest && heightOf(shape) >= lowest;
      if (mayBeDigit || count === row.length) spans.push({ first, end, shape });
    }
  }
  return spans;
}
