/**
 * Links that contain a drawing in their fragment, which browsers do not send to the server.
 *
 * The fragment is "#d=" and base64url of: the format version (1), then unsigned LEB128 integers: the
 * number of strokes and, per stroke, its number of points and three differences per point to the
 * point before: x and y in 1/1024 of the pad's side (zigzag: 0, -1, 1, -2, … become 0, 1, 2, 3, …) and
 * the time in milliseconds. No DOM: also runs in Node.
 */

import { VisitorError } from "../visitor_error.js";

const PREFIX = "#d=";
const VERSION = 1;
/** Side of the pad in the coordinates of linked drawings. */
export const LINK_SIDE = 1024;
// Limits of links, which may come from anyone.
const MAX_LENGTH = 32_000;
const MAX_STROKES = 200;
export const MAX_POINTS = 4500;
const MAX_TIME = 3_600_000; // milliseconds

/** Return the fragment of a drawing, or null if it is too long for a link. */
export function toFragment(strokes, side) {
  const bytes = [VERSION];
  writeInteger(bytes, strokes.length);
  let last = [0, 0, 0];
  for (const stroke of strokes) {
    writeInteger(bytes, stroke.length);
    for (const [x, y, t] of stroke) {
      const point = [toUnits(x, side), toUnits(y, side), Math.max(Math.round(t), last[2])];
      writeInteger(bytes, zigzag(point[0] - last[0]));
      writeInteger(bytes, zigzag(point[1] - last[1]));
      writeInteger(bytes, point[2] - last[2]);
      last = point;
    }
  }
  const fragment = PREFIX + toBase64Url(bytes);
  return isLinkable(strokes) && fragment.length <= MAX_LENGTH ? fragment : null;
}

/**
 * Return the strokes of a fragment, points [x, y, t] with coordinates from 0 to LINK_SIDE.
 * Throws VisitorError if the fragment is damaged or exceeds a limit.
 */
export function fromFragment(fragment) {
  if (fragment.length > MAX_LENGTH) throw damaged();
  const integers = readIntegers(fromBase64Url(fragment.slice(PREFIX.length))).values();
  const next = (maximum) => {
    const { value } = integers.next();
    // NaN and undefined fail this comparison too.
    if (!(value <= maximum)) throw damaged();
    return value;
  };
  if (next(VERSION) !== VERSION) throw damaged();
  let last = [0, 0, 0];
  let pointsLeft = MAX_POINTS;
  const readPoint = () => {
    last = [
      last[0] + unzigzag(next(2 * LINK_SIDE)),
      last[1] + unzigzag(next(2 * LINK_SIDE)),
      last[2] + next(MAX_TIME),
    ];
    const [x, y, t] = last;
    if (!isOnPad(x) || !isOnPad(y) || t > MAX_TIME) throw damaged();
    return last;
  };
  const strokes = Array.from({ length: next(MAX_STROKES) }, () => {
    const length = next(pointsLeft);
    pointsLeft -= length;
    return Array.from({ length }, readPoint);
  });
  if (!integers.next().done || !isLinkable(strokes)) throw damaged();
  return strokes;
}

export const isLinkable = (strokes) =>
  strokes.length > 0 && strokes.length <= MAX_STROKES && strokes.every(({ length }) => length > 0);

const damaged = () => new VisitorError("The link is damaged. Ask the sender to copy it again.");

const isOnPad = (units) => units >= 0 && units <= LINK_SIDE;

/** Points beyond the pad's edge are moved onto it. */
function toUnits(pixels, side) {
  return Math.min(Math.max(Math.round((pixels * LINK_SIDE) / side), 0), LINK_SIDE);
}

const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);
const unzigzag = (value) => (value % 2 ? -(value + 1) / 2 : value / 2);

function writeInteger(bytes, value) {
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  bytes.push(value);
}

/** Return unsigned LEB128 integers; NaN for one that is too large. */
function readIntegers(bytes) {
  const integers = [];
  let [value, factor] = [0, 1];
  for (const byte of bytes) {
    value += (byte % 128) * factor;
    factor *= 128;
    if (byte > 127) continue;
    integers.push(value);
    [value, factor] = [0, 1];
  }
  if (factor > 1) throw damaged();
  return integers;
}

function toBase64Url(bytes) {
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text) {
  try {
    const characters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(characters, (character) => character.charCodeAt(0));
  } catch {
    throw damaged();
  }
}
