/**
 * Rasterization of strokes onto MNIST's 28x28 grid: the same operations in the same order as
 * ml/preprocessing/strokes.py, so that both produce the same bytes. tests/golden_vectors.json
 * verifies both.
 */

export const SIZE = 28;
const BOX = 20;
const PEN_RADIUS = 0.9;
const CENTER = 14.5;
const TAP = 3;
const REACH = PEN_RADIUS + 0.5;
const WINDOW = 4;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** All steps, in the order in which they are applied. */
export const STEPS = { box: true, fit: true, mass: true };

/**
 * Rasterize strokes of points [x, y, …] in pixels, y pointing down.
 * @returns {Uint8Array} 784 levels, row by row; 0 is paper and 255 is ink
 */
export function rasterize(strokes) {
  return rasterizeWithSteps(strokes, SIZE, STEPS);
}

/**
 * Rasterize strokes with some steps left out. `box` centers the bounding box, `fit` scales it to 20
 * pixels instead of scaling the whole pad to the grid, `mass` centers the center of mass instead of
 * the bounding box.
 * @param {number} side side of the pad, in the pixels of the strokes
 * @param {{box: boolean, fit: boolean, mass: boolean}} steps
 */
export function rasterizeWithSteps(strokes, side, steps) {
  const levels = new Float64Array(SIZE * SIZE);
  inkLines(levels, fit(toLines(strokes), side, steps));
  return Uint8Array.from(levels, (level) => Math.floor(level * 255 + 0.5));
}

/**
 * Return the lines x0, y0, x1, y1, … between points; a single point is a line of zero length. One flat
 * array: many arrays of four numbers would keep the garbage collector busy.
 */
function toLines(strokes) {
  const count = strokes.reduce((sum, { length }) => sum + (length === 1 ? 1 : Math.max(length - 1, 0)), 0);
  const lines = new Float64Array(4 * count);
  let at = 0;
  for (const points of strokes) {
    for (let i = 0; i < points.length; i++) {
      // The last point begins a line only if it is the only one.
      if (i > 0 && i === points.length - 1) break;
      const [from, to] = [points[i], points[i + 1] ?? points[i]];
      lines[at++] = from[0];
      lines[at++] = from[1];
      lines[at++] = to[0];
      lines[at++] = to[1];
    }
  }
  return lines;
}

/** Scale and translate lines onto the grid, in place. */
function fit(lines, side, steps) {
  const [left, right] = rangeOf(lines, 0);
  const [top, bottom] = rangeOf(lines, 1);
  const longerSide = Math.max(right - left, bottom - top);
  const fitted = longerSide > TAP ? (BOX - 2 * PEN_RADIUS) / longerSide : 0;
  const scale = steps.fit ? fitted : SIZE / side;
  const middle = [(left + right) / 2, (top + bottom) / 2];
  for (let i = 0; i < lines.length; i++) lines[i] = (lines[i] - middle[i & 1]) * scale;
  const center = boxCenter(lines, middle, side, steps);
  for (let i = 0; i < lines.length; i++) lines[i] += center[i & 1];
  return lines;
}

/** Return the smallest and the largest coordinate; `axis` is 0 for x, 1 for y. */
function rangeOf(lines, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = axis; i < lines.length; i += 2) {
    low = Math.min(low, lines[i]);
    high = Math.max(high, lines[i]);
  }
  return [low, high];
}

/** Return the position of the center of the bounding box on the grid. */
function boxCenter(lines, middle, side, { box, mass }) {
  if (mass) return centerOfMass(lines).map((c) => clamp(CENTER - c, BOX / 2, SIZE - BOX / 2));
  return middle.map((c) => (box ? SIZE / 2 : (c * SIZE) / side));
}

/** Return the center of mass of lines, weighted by length. */
function centerOfMass(lines) {
  let [mass, x, y] = [0, 0, 0];
  for (let i = 0; i < lines.length; i += 4) {
    const weight = length(lines[i + 2] - lines[i], lines[i + 3] - lines[i + 1]);
    mass += weight;
    x += ((lines[i] + lines[i + 2]) / 2) * weight;
    y += ((lines[i + 1] + lines[i + 3]) / 2) * weight;
  }
  return mass === 0 ? [0, 0] : [x / mass, y / mass];
}

function length(dx, dy) {
  return Math.sqrt(dx * dx + dy * dy);
}

/** Ink all lines, in equal pieces of at most one pixel. */
function inkLines(levels, lines) {
  for (let i = 0; i < lines.length; i += 4) {
    const [x0, y0, dx, dy] = [lines[i], lines[i + 1], lines[i + 2] - lines[i], lines[i + 3] - lines[i + 1]];
    const count = Math.max(Math.ceil(length(dx, dy)), 1);
    for (let piece = 0; piece < count; piece++) {
      const [from, to] = [piece / count, (piece + 1) / count];
      inkPiece(levels, x0 + dx * from, y0 + dy * from, x0 + dx * to, y0 + dy * to);
    }
  }
}

/** Raise the levels of pixels near a piece to one minus their distance from the pen's disk. */
function inkPiece(levels, x0, y0, x1, y1) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const square = dx * dx + dy * dy || 1;
  const firstColumn = Math.ceil(Math.min(x0, x1) - REACH - 0.5);
  const firstRow = Math.ceil(Math.min(y0, y1) - REACH - 0.5);
  for (let row = Math.max(firstRow, 0); row < Math.min(firstRow + WINDOW, SIZE); row++) {
    for (let column = Math.max(firstColumn, 0); column < Math.min(firstColumn + WINDOW, SIZE); column++) {
      const [toX, toY] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = clamp((toX * dx + toY * dy) / square, 0, 1);
      const [offX, offY] = [toX - along * dx, toY - along * dy];
      const level = clamp(REACH - Math.sqrt(offX * offX + offY * offY), 0, 1);
      const at = row * SIZE + column;
      if (level > levels[at]) levels[at] = level;
    }
  }
}
