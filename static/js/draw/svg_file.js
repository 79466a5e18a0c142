/** Reads the strokes of an SVG file that this page downloaded. No DOM: also runs in Node. */

import { isLinkable, MAX_POINTS } from "../share/link.js";

// More than any file with MAX_POINTS points; a file may come from anyone.
export const MAX_LENGTH = 100_000;
// Milliseconds between points and strokes: the file contains no times.
const POINT_TIME = 10;
const STROKE_PAUSE = 200;

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
