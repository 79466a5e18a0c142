/**
 * Rasterization of strokes onto MNIST's 28x28 grid: the same operations in the same order as
 * ml/preprocessing/strokes.py, so that both produce the same bytes. tests/rasterization_vectors.json
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
  const lines = strokes.flatMap(toLines);
  const levels = new Float64Array(SIZE * SIZE);
  for (const piece of fit(lines, side, steps).flatMap(split)) inkPiece(levels, piece);
  return Uint8Array.from(levels, (level) => Math.floor(level * 255 + 0.5));
}

/** Return the lines [x0, y0, x1, y1] between points; a single point is a line of zero length. */
function toLines(points) {
  if (points.length === 1) return [[points[0][0], points[0][1], points[0][0], points[0][1]]];
  return points.slice(1).map(([x, y], i) => [points[i][0], points[i][1], x, y]);
}

/** Scale and translate lines onto the grid. */
function fit(lines, side, steps) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x0, y0, x1, y1] of lines) {
    left = Math.min(left, x0, x1);
    top = Math.min(top, y0, y1);
    right = Math.max(right, x0, x1);
    bottom = Math.max(bottom, y0, y1);
  }
  const scale = steps.fit ? fitScale(Math.max(right - left, bottom - top)) : SIZE / side;
  const [midX, midY] = [(left + right) / 2, (top + bottom) / 2];
  const scaled = lines.map(([x0, y0, x1, y1]) => [
    (x0 - midX) * scale,
    (y0 - midY) * scale,
    (x1 - midX) * scale,
    (y1 - midY) * scale,
  ]);
  const [x, y] = boxCenter(scaled, [midX, midY], side, steps);
  return scaled.map(([x0, y0, x1, y1]) => [x0 + x, y0 + y, x1 + x, y1 + y]);
}

function fitScale(longerSide) {
  return longerSide > TAP ? (BOX - 2 * PEN_RADIUS) / longerSide : 0;
}

/** Return the position of the center of the bounding box on the grid. */
function boxCenter(lines, middle, side, { box, mass }) {
  if (mass) return centerOfMass(lines).map((c) => clamp(CENTER - c, BOX / 2, SIZE - BOX / 2));
  return middle.map((c) => (box ? SIZE / 2 : (c * SIZE) / side));
}

/** Return the center of mass of lines, weighted by length. */
function centerOfMass(lines) {
  let [mass, x, y] = [0, 0, 0];
  for (const line of lines) {
    const weight = length(line);
    mass += weight;
    x += ((line[0] + line[2]) / 2) * weight;
    y += ((line[1] + line[3]) / 2) * weight;
  }
  return mass === 0 ? [0, 0] : [x / mass, y / mass];
}

function length([x0, y0, x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  return Math.sqrt(dx * dx + dy * dy);
}

/** Split a line into equal pieces of at most one pixel. */
function split(line) {
  const [x0, y0, x1, y1] = line;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const count = Math.max(Math.ceil(length(line)), 1);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [i / count, (i + 1) / count];
    return [x0 + dx * from, y0 + dy * from, x0 + dx * to, y0 + dy * to];
  });
}

/** Raise the levels of pixels near a piece to one minus their distance from the pen's disk. */
function inkPiece(levels, [x0, y0, x1, y1]) {
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
