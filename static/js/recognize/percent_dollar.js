/** Percent and dollar signs: the same operations as ml/preprocessing/percent_dollar.py, which explains the rules. */

import { lengthOf } from "./distances.js";
import { union } from "./layout.js";
import { chordOf, offChord } from "./bows.js";

const LOOP_GAP = 0.8;
const DOT_SIZE = 0.4;
const BESIDE = 0.8;
const BELOW = 0.4;
const SIMILAR = 0.4;
const S_BOW = 0.1;
const S_DROP = 0.5;
const EXCESS = 0.05;
const OFF_CENTER = 0.3;

/** Return the strokes of each percent and dollar sign; `extents` are those of the strokes. */
export function findSigns(strokes, extents) {
  const boxes = extents.map(([left, top, right, bottom], i) => {
    const [width, height, x, y] = [right - left, bottom - top, (left + right) / 2, (top + bottom) / 2];
    return { points: strokes[i], left, top, right, bottom, width, height, x, y };
  });
  const signs = [];
  for (const sign of [...boxes.map(percent), ...boxes.map(dollar)].filter((one) => one.length > 0)) {
    const [left, , right] = union(sign.map((i) => extents[i]));
    const isApart = boxes.every(({ x }, i) => x <= left || x >= right || sign.includes(i));
    const isNew = !sign.some((i) => signs.flat().includes(i));
    if (isApart && isNew) signs.push(sign);
  }
  return signs;
}

/** Return the strokes of the percent sign with this slash; empty if it is none. */
function percent(slash, at, boxes) {
  const { top, right, width, height } = slash;
  const [x, y] = chordOf(slash.points);
  if (x * y >= 0) return [];
  const beside = (i) => (boxes[i].x - right + ((boxes[i].y - top) * width) / height) / height;
  const parts = [...boxes.keys()].filter(
    (i) =>
      Math.max(boxes[i].width, boxes[i].height) < height &&
      Math.abs(beside(i)) <= BESIDE &&
      isDotOrLoop(boxes[i], height),
  );
  const [left, below] = [parts.filter((i) => beside(i) < 0), parts.filter((i) => beside(i) > 0)];
  if (left.length === 0 || below.length === 0) return [];
  const upper = left.reduce((highest, i) => (boxes[i].y < boxes[highest].y ? i : highest));
  const lower = below.reduce((lowest, i) => (boxes[i].y > boxes[lowest].y ? i : lowest));
  const sizes = [upper, lower].map((i) => Math.max(boxes[i].width, boxes[i].height));
  const isSimilar = Math.min(...sizes) >= SIMILAR * Math.max(...sizes);
  return isSimilar && boxes[lower].y - boxes[upper].y >= BELOW * height ? [at, upper, lower] : [];
}

function isDotOrLoop({ points, width, height }, slashHeight) {
  const size = Math.max(width, height);
  const [x, y] = chordOf(points);
  const isClosed = x * x + y * y <= (LOOP_GAP * size) ** 2;
  return size <= DOT_SIZE * slashHeight || (isClosed && lengthOf([points]) >= 2 * size);
}

/** Return the strokes of the dollar sign with this S; empty if it is none. */
function dollar(s, _, boxes) {
  const isCrossed = boxes.some(
    ({ top, bottom, x }, i) =>
      boxes[i] !== s &&
      Math.abs(x - s.x) < OFF_CENTER * s.width &&
      top <= s.top - EXCESS * s.height &&
      bottom >= s.bottom + EXCESS * s.height,
  );
  if (!isCrossed || !isS(s)) return [];
  return [...boxes.keys()].filter((i) => s.left < boxes[i].x && boxes[i].x < s.right);
}

function isS({ points, height }) {
  const [x, y] = chordOf(points);
  if (x > 0 || y <= 0 || y < S_DROP * height) return false;
  const off = offChord(points);
  return Math.max(...off) >= S_BOW && Math.min(...off) <= -S_BOW;
}
