/** How strokes look on paper: on the pad, on the strip, in a file. */

// The pen's width as a share of the pad's; pressure makes it between half and one and a half of that.
export const PEN = 1 / 22;

/** Paint strokes made on a pad of a side onto a context scaled to it, in its own color. */
export function paintStrokes(context, strokes, side) {
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    for (const [width, points] of runs(stroke)) {
      context.lineWidth = side * PEN * width;
      trace(context, points);
      context.stroke();
    }
  }
}

/** One run of a constant width where there is no pressure, else one for each pair of points. */
function runs(stroke) {
  if (stroke[0].length < 4) return [[1, stroke]];
  if (stroke.length === 1) return [[0.5 + stroke[0][3], stroke]];
  return stroke.slice(1).map((point, i) => [0.5 + (stroke[i][3] + point[3]) / 2, [stroke[i], point]]);
}

/** Through the middles between points: rounder than the corners of the points themselves. */
function trace(context, points) {
  const [[x, y], ...rest] = points;
  context.beginPath();
  context.moveTo(x, y);
  rest.forEach(([toX, toY], i) => {
    const [fromX, fromY] = points[i];
    context.quadraticCurveTo(fromX, fromY, (fromX + toX) / 2, (fromY + toY) / 2);
  });
  context.lineTo(...points.at(-1).slice(0, 2));
}

/** Where a picture lies on a pad: as large as fits, in the middle. */
export function placed({ width, height }, side) {
  const scale = side / Math.max(width, height);
  return { scale, x: (side - width * scale) / 2, y: (side - height * scale) / 2 };
}

/** A picture { source, width, height } as an element that can be painted, once it is decoded. */
export async function decoded({ source }) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

export function paintPicture(context, picture, image, side) {
  const { scale, x, y } = placed(picture, side);
  context.drawImage(image, x, y, picture.width * scale, picture.height * scale);
}
