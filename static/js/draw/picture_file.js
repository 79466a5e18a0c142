/** Files chosen by the visitor: pictures, reduced before they are sent, and SVG files of this page. */

import { fromSVG, MAX_LENGTH } from "./svg_file.js";

// Longer sides are scaled down to this; smaller pictures keep every pixel.
const MAX_SIDE = 1024;

/**
 * Return { source, width, height } of a picture, as a data URL, or { strokes, side } of an SVG file.
 * Throws RangeError for other files.
 */
export async function toPicture(file) {
  try {
    if (file.type !== "image/svg+xml") return await shrink(file);
    return fromSVG(await file.slice(0, MAX_LENGTH + 1).text());
  } catch {
    throw new RangeError("This file is no picture that your browser can open, and no drawing of this page.");
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
