/** Files chosen by the visitor: pictures, reduced before they are sent, and SVG files of this page. */

import { isLinkable, MAX_POINTS } from "../share/link.js";
import { VisitorError } from "../visitor_error.js";

// Longer sides are scaled down to this; smaller pictures keep every pixel.
const MAX_SIDE = 1024;
// Characters; more than any SVG file with MAX_POINTS points.
const MAX_LENGTH = 100_000;
// Milliseconds between points and strokes of an SVG file, which contains no times.
const POINT_TIME = 10;
const STROKE_PAUSE = 200;

/**
 * Return { source, width, height } of a picture, as a data URL, or { strokes, side } of an SVG file.
 * Throws VisitorError for other files.
 */
export async function toPicture(file) {
  try {
    if (file.type !== "image/svg+xml") return await shrink(file);
    return fromSVG(await file.slice(0, MAX_LENGTH + 1).text());
  } catch {
    throw new VisitorError("This file is no picture that your browser can open, and no drawing of this page.");
  }
}

/** Scale a picture down and encode it again: applies the EXIF orientation, drops other metadata. */
async function shrink(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(MAX_SIDE / Math.max(bitmap.width, bitmap.height), 1);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(Math.round(bitmap.width * scale), 1);
  canvas.height = Math.max(Math.round(bitmap.height * scale), 1);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  // JPEG makes large photos small, but turns transparent pixels black.
  const isPhoto = scale < 1 && file.type !== "image/png" && isOpaque(context);
  const type = isPhoto ? "image/jpeg" : "image/png";
  return { source: canvas.toDataURL(type, 0.92), width: canvas.width, height: canvas.height };
}

function isOpaque(context) {
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] < 255) return false;
  return true;
}

/**
 * Return { strokes, side }: points [x, y, t] on the pad, with the times of a steady pen.
 * Throws RangeError if the text was not written by toSVG(), or exceeds the limits of links.
 */
export function fromSVG(text) {
  const side = Number(/ viewBox="0 0 ([\d.]{1,9}) \1"/.exec(text.slice(0, 200))?.[1]);
  const paths = text.length > MAX_LENGTH ? [] : [...text.matchAll(/<path d="M([^"]*)"\/>/g)];
  let time = -STROKE_PAUSE;
  const strokes = paths.map(([, path]) => {
    time += STROKE_PAUSE;
    return toPairs(path).map(([x, y]) => [onPad(x, side), onPad(y, side), (time += POINT_TIME)]);
  });
  const points = strokes.flat();
  const isOnPad = side > 0 && points.every((point) => point.every(Number.isFinite));
  if (!isLinkable(strokes) || points.length > MAX_POINTS || !isOnPad) {
    throw new RangeError("The file is no drawing of this page.");
  }
  return { strokes, side };
}

/** Return the pairs of numbers of a path of straight lines; NaN for all else. */
function toPairs(path) {
  const numbers = path.replace("L", " ").split(" ").map((word) => (word ? Number(word) : NaN));
  return Array.from({ length: Math.ceil(numbers.length / 2) }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

const onPad = (value, side) => Math.min(Math.max(value, 0), side);
