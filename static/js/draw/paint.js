/** Painting of strokes and pictures, shared by the pad, the strip and the export. */

/** Width of the pen as a fraction of the pad's side; pressure scales it from 0.5 to 1.5. */
export const PEN_WIDTH = 1 / 22;

/** Paint strokes in the context's stroke color; the context is scaled to the pad's side. */
export function paintStrokes(context, strokes, side) {
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    for (const [width, points] of segments(stroke)) {
      context.lineWidth = side * PEN_WIDTH * width;
      smoothPath(context, points);
      context.stroke();
    }
  }
}

/** Return [width, points] pairs: one without pressure, otherwise one per pair of points. */
function segments(stroke) {
  if (stroke[0].length < 4) return [[1, stroke]];
  if (stroke.length === 1) return [[0.5 + stroke[0][3], stroke]];
  return stroke.slice(1).map((point, i) => [0.5 + (stroke[i][3] + point[3]) / 2, [stroke[i], point]]);
}

/** Trace quadratic curves through the midpoints, which are rounder than lines between the points. */
function smoothPath(context, points) {
  const [[x, y], ...rest] = points;
  context.beginPath();
  context.moveTo(x, y);
  // A line of zero length would paint nothing.
  if (rest.length === 0) return context.lineTo(x + 0.01, y);
  rest.forEach(([toX, toY], i) => {
    const [fromX, fromY] = points[i];
    context.quadraticCurveTo(fromX, fromY, (fromX + toX) / 2, (fromY + toY) / 2);
  });
  context.lineTo(...points.at(-1).slice(0, 2));
}

/** Return scale and corner of a picture that is centered on a pad and as large as possible. */
export function placePicture({ width, height }, side) {
  const scale = side / Math.max(width, height);
  return { scale, x: (side - width * scale) / 2, y: (side - height * scale) / 2 };
}

/** Call a function when the colors of the page change: a canvas does not repaint by itself. */
export function onColorChange(listener) {
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", listener);
  }
}

const images = new WeakMap();

/** Decode a picture { source, width, height } once; return its image element, or null on failure. */
export function loadImage(picture) {
  if (!images.has(picture)) images.set(picture, decode(picture));
  return images.get(picture);
}

async function decode(picture) {
  const image = new Image();
  image.src = picture.source;
  try {
    await image.decode();
    return image;
  } catch {
    // The next call tries again.
    images.delete(picture);
    return null;
  }
}

export function paintPicture(context, picture, image, side) {
  const { scale, x, y } = placePicture(picture, side);
  context.drawImage(image, x, y, picture.width * scale, picture.height * scale);
}
