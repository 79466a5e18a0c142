/** Distances between strokes: the same operations as ml/preprocessing/distances.py. */

// Above this product of points and lines in reach, strokes count as near without a check.
const MAX_DISTANCES = 250_000;

/** Return the length of strokes of points [x, y, …]. */
export function lengthOf(strokes) {
  let length = 0;
  for (const points of strokes) {
    for (let i = 1; i < points.length; i++) {
      const [dx, dy] = [points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]];
      length += Math.sqrt(dx * dx + dy * dy);
    }
  }
  return length;
}

/** Return the first and last point of each stroke, as strokes of one point. */
export const endPoints = (strokes) => strokes.flatMap((points) => [[points[0]], [points.at(-1)]]);

/**
 * Return whether strokes come closer than a distance. The smallest distance between lines that do not
 * cross is at a point of one of them.
 */
export function areNear(one, other, distance) {
  return isAnyNear(one.flat(), other, distance) || isAnyNear(other.flat(), one, distance);
}

function isAnyNear(points, strokes, distance) {
  // Most strokes are far apart: lines are made only for points in reach of all of them.
  const reach = grow(extentOf(strokes.flat()), distance);
  const candidates = points.filter((point) => isWithin(point, reach));
  if (candidates.length === 0) return false;
  const extent = extentOf(candidates);
  const lines = strokes.flatMap(toLines);
  const close = lines.filter((line) => overlap(grow(extentOf(line), distance), extent));
  if (candidates.length * close.length > MAX_DISTANCES) return true;
  return close.some((line) => candidates.some((point) => distanceTo(line, point) < distance));
}

/** Return the lines [start, end] between points; a single point is a line of length zero. */
function toLines(points) {
  if (points.length === 1) return [[points[0], points[0]]];
  return points.slice(1).map((end, i) => [points[i], end]);
}

/** Return the extent [left, top, right, bottom] of points. */
export function extentOf(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return [left, top, right, bottom];
}

const grow = ([left, top, right, bottom], distance) =>
  [left - distance, top - distance, right + distance, bottom + distance];

const isWithin = ([x, y], [left, top, right, bottom]) => x >= left && x <= right && y >= top && y <= bottom;

const overlap = (one, other) =>
  one[0] <= other[2] && one[1] <= other[3] && one[2] >= other[0] && one[3] >= other[1];

function distanceTo([start, end], [x, y]) {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const square = dx * dx + dy * dy || 1;
  const [toX, toY] = [x - start[0], y - start[1]];
  const along = Math.min(Math.max((toX * dx + toY * dy) / square, 0), 1);
  const [offX, offY] = [toX - along * dx, toY - along * dy];
  return Math.sqrt(offX * offX + offY * offY);
}
