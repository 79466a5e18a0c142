/** Files of a drawing for download: PNG, SVG and JSON Lines. */

import { VisitorError } from "../visitor_error.js";
import { loadImage, paintPicture, paintStrokes, PEN_WIDTH } from "./paint.js";

const PNG_SIDE = 1024;

/**
 * @returns {Promise<Blob>} a file of a drawing { id, strokes, side, picture?, text?, label? }
 * Throws VisitorError if the browser cannot decode the picture.
 */
export async function toFile(drawing, format) {
  if (format === "png") return toPNG(drawing);
  if (format === "svg") return new Blob([toSVG(drawing)], { type: "image/svg+xml" });
  return new Blob([toJSON(drawing)], { type: "application/json" });
}

async function toPNG({ strokes, side, picture }) {
  const image = picture && (await loadImage(picture));
  if (picture && !image) throw new VisitorError("Your browser cannot open this picture. Choose its file again.");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = PNG_SIDE;
  const context = canvas.getContext("2d");
  context.scale(PNG_SIDE / side, PNG_SIDE / side);
  context.fillStyle = "white";
  context.fillRect(0, 0, side, side);
  if (image) paintPicture(context, picture, image, side);
  else paintStrokes(context, strokes, side);
  return new Promise((resolve) => canvas.toBlob(resolve));
}

/** Return an SVG with one path per stroke, straight lines between the points. */
export function toSVG({ strokes, side }) {
  const round = (value) => Math.round(value * 10) / 10;
  const path = (stroke) => {
    const points = stroke.map(([x, y]) => `${round(x)} ${round(y)}`);
    // Round caps make the zero-length line of a single point visible.
    return `M${points[0]}L${points.slice(1).join(" ") || points[0]}`;
  };
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(side)} ${round(side)}">\n` +
    `<g fill="none" stroke="black" stroke-width="${round(side * PEN_WIDTH)}"` +
    ` stroke-linecap="round" stroke-linejoin="round">\n` +
    strokes.map((stroke) => `<path d="${path(stroke)}"/>\n`).join("") +
    "</g>\n</svg>\n"
  );
}

/** Return one line of the JSON Lines format that `manage.py train --strokes` reads. */
export function toJSON({ id, strokes, text, label = "" }) {
  // In a number, "?" is a mark; without digits, the drawing is one non-digit.
  const written = label && !/[0-9]/.test(label) ? "?" : label;
  return `${JSON.stringify({ drawing: id, strokes, reading: text, label: written })}\n`;
}

/** Return a file name for a prediction: file systems allow neither "?" nor newlines. */
export function fileName(text = "") {
  return text.match(/[0-9]+/g)?.join("-") ?? "drawing";
}

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
