/**
 * Pen strokes drawn straight onto the 28x28 grid that MNIST uses: ml/preprocessing/strokes.py once more, operation by
 * operation, so that both agree on every byte. tests/rasterization_vectors.json holds both to it.
 */

export const SIZE = 28;
const BOX = 20;
const PEN_RADIUS = 0.9;
const CENTER = 14.5;
const TAP = 3;
const REACH = PEN_RADIUS + 0.5;
const WINDOW = 4;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** What draw does to the ink, in this order. */
export const STEPS = { box: true, fit: true, mass: true };

/**
 * Draw strokes of points [x, y, …] (pixels, y downwards) onto the grid.
 * @returns {Uint8Array} 784 levels, row by row; 0 is paper and 255 is ink.
 */
export function draw(strokes) {
  return drawBySteps(strokes, SIZE, STEPS);
}

/**
 * Draw strokes as `draw` does, but with steps left out: without `fit` the whole pad shrinks to the
 * grid; without `mass` the middle of the ink box is put on the grid's; without `box` as well, it
 * stays where it stood on the pad.
 * @param {number} pad the side of the pad, in the pixels of the strokes
 * @param {{box: boolean, fit: boolean, mass: boolean}} steps
 */
export function drawBySteps(strokes, pad, steps) {
  const lines = strokes.flatMap(toLines);
  const levels = new Float64Array(SIZE * SIZE);
  for (const piece of fit(lines, pad, steps).flatMap(cut)) inkPiece(levels, piece);
  return Uint8Array.from(levels, (level) => Math.floor(level * 255 + 0.5));
}

/** The lines [x0, y0, x1, y1] between neighboring points; a single point is a line of no length. */
function toLines(points) {
  if (points.length === 1) return [[points[0][0], points[0][1], points[0][0], points[0][1]]];
  return points.slice(1).map(([x, y], i) => [points[i][0], points[i][1], x, y]);
}

/** Scale and move lines so that the ink fills the box and balances on the center, or by fewer steps. */
function fit(lines, pad, steps) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x0, y0, x1, y1] of lines) {
    left = Math.min(left, x0, x1);
    top = Math.min(top, y0, y1);
    right = Math.max(right, x0, x1);
    bottom = Math.max(bottom, y0, y1);
  }
  const scale = steps.fit ? fillingScale(Math.max(right - left, bottom - top)) : SIZE / pad;
  const [midX, midY] = [(left + right) / 2, (top + bottom) / 2];
  const scaled = lines.map(([x0, y0, x1, y1]) => [
    (x0 - midX) * scale,
    (y0 - midY) * scale,
    (x1 - midX) * scale,
    (y1 - midY) * scale,
  ]);
  const [x, y] = steps.mass ? balance(scaled) : [midX, midY].map((c) => place(c, pad, steps));
  return scaled.map(([x0, y0, x1, y1]) => [x0 + x, y0 + y, x1 + x, y1 + y]);
}

function fillingScale(side) {
  return side > TAP ? (BOX - 2 * PEN_RADIUS) / side : 0;
}

/** Where the middle of the ink box has to be for the ink to balance on the center. */
function balance(lines) {
  return centerOfMass(lines).map((c) => clamp(CENTER - c, BOX / 2, SIZE - BOX / 2));
}

/** Where the middle of the ink box is without balance. */
function place(middle, pad, { box }) {
  return box ? SIZE / 2 : (middle * SIZE) / pad;
}

/** The center of mass of lines, each weighing its length. */
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

/** Cut a line into equal pieces of at most one pixel. */
function cut(line) {
  const [x0, y0, x1, y1] = line;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const count = Math.max(Math.ceil(length(line)), 1);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [i / count, (i + 1) / count];
    return [x0 + dx * from, y0 + dy * from, x0 + dx * to, y0 + dy * to];
  });
}

/** Ink the pixels whose centers are within reach of a piece, unless darker already. */
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
