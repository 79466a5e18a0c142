/** A drawing as a file to take home: PNG, SVG, or JSON with the strokes and their times. */

import { decoded, paintPicture, paintStrokes, PEN } from "./paint.js";

const PIXELS = 1024;

/** @returns {Promise<Blob>} of a drawing { id, strokes, side, picture?, text?, said? } */
export async function toFile(drawing, kind) {
  if (kind === "png") return toPNG(drawing);
  if (kind === "svg") return new Blob([toSVG(drawing)], { type: "image/svg+xml" });
  return new Blob([toJSON(drawing)], { type: "application/json" });
}

/** Black ink on white paper. */
async function toPNG({ strokes, side, picture }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = PIXELS;
  const context = canvas.getContext("2d");
  context.scale(PIXELS / side, PIXELS / side);
  context.fillStyle = "white";
  context.fillRect(0, 0, side, side);
  if (picture) paintPicture(context, picture, await decoded(picture), side);
  else paintStrokes(context, strokes, side);
  return new Promise((resolve) => canvas.toBlob(resolve));
}

/** Lines through the points as they were drawn. */
export function toSVG({ strokes, side }) {
  const round = (value) => Math.round(value * 10) / 10;
  const path = (stroke) => {
    const points = stroke.map(([x, y]) => `${round(x)} ${round(y)}`);
    // A dot is a line of no length: round caps make it visible.
    return `M${points[0]}L${points.slice(1).join(" ") || points[0]}`;
  };
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(side)} ${round(side)}">\n` +
    `<g fill="none" stroke="black" stroke-width="${round(side * PEN)}"` +
    ` stroke-linecap="round" stroke-linejoin="round">\n` +
    strokes.map((stroke) => `<path d="${path(stroke)}"/>\n`).join("") +
    "</g>\n</svg>\n"
  );
}

/** One line of the project's JSON Lines; where one digit was said, `manage.py train --strokes` reads it. */
export function toJSON({ id, strokes, text, said = "" }) {
  return `${JSON.stringify({ drawing: id, strokes, reading: text, label: said })}\n`;
}

/** Let the browser save a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
