/** A picture of a drawing for sharing: the handwriting, the prediction, and how it came about. */

import { paintStrokes } from "../draw/paint.js";
import { duration, moments, settled, strokesUntil } from "../draw/timeline.js";
import { Painter } from "../explain/canvas.js";
import { digitOf, paintBands } from "../explain/ribbon.js";

const [WIDTH, HEIGHT] = [1200, 630];
const MARGIN = 60;
const PAD = HEIGHT - 2 * MARGIN;
// The column to the right of the pad.
const LEFT = PAD + 2 * MARGIN;
const COLUMN = WIDTH - LEFT - MARGIN;
const RIBBON_HEIGHT = 150;
const MOMENT_COUNT = 60;
const FONT = "system-ui, sans-serif";
// The light colors of base.css: cards look alike on all screens.
const COLORS = { paper: "#fbfaf6", surface: "#ffffff", ink: "#1d1c1a", quiet: "#66635c", line: "#d9d5ca", accent: "#b3361b" };

/**
 * Paint a card.
 * @param {{strokes: number[][][], side: number, text: string}} drawing
 * @param {(strokes: number[][][]) => object} predict predicts one digit
 * @returns {Promise<Blob>} a PNG
 */
export function toCard({ strokes, side, text }, predict) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext("2d");
  context.fillStyle = COLORS.paper;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  paintHandwriting(context, strokes, side);
  paintText(context, text);
  // A number has no single probability to show.
  if (text.length === 1 && text !== "?") paintThought(context, strokes, predict);
  return new Promise((resolve) => canvas.toBlob(resolve));
}

function paintHandwriting(context, strokes, side) {
  context.fillStyle = COLORS.surface;
  context.fillRect(MARGIN, MARGIN, PAD, PAD);
  context.save();
  context.translate(MARGIN, MARGIN);
  context.scale(PAD / side, PAD / side);
  context.strokeStyle = COLORS.ink;
  paintStrokes(context, strokes, side);
  context.restore();
  context.strokeStyle = COLORS.line;
  context.strokeRect(MARGIN, MARGIN, PAD, PAD);
}

function paintText(context, text) {
  const lines = text.split("\n");
  const longest = Math.max(...lines.map(({ length }) => length));
  const size = Math.min(220, (1.6 * COLUMN) / longest, 260 / lines.length);
  context.fillStyle = COLORS.ink;
  context.font = `700 ${size}px ${FONT}`;
  context.textBaseline = "top";
  lines.forEach((line, i) => context.fillText(line, LEFT, MARGIN + i * size));
}

function paintThought(context, strokes, predict) {
  const end = duration(strokes);
  const samples = moments(end, MOMENT_COUNT).map((moment) => {
    return { moment, ...predict(strokesUntil(strokes, moment)) };
  });
  const top = HEIGHT - MARGIN - RIBBON_HEIGHT;
  context.fillStyle = COLORS.quiet;
  context.font = `400 34px ${FONT}`;
  context.textBaseline = "bottom";
  context.fillText(caption(samples, end), LEFT, top - 24, COLUMN);
  context.translate(LEFT, top);
  paintBands(new Painter(context.canvas, WIDTH, 0, { clear: false }), COLUMN, RIBBON_HEIGHT, samples, COLORS);
}

/**
 * Describe when the prediction of a digit settled.
 * @param {object[]} samples predictions of the digit at evenly spaced moments
 * @param {number} end drawing time in milliseconds
 */
export function caption(samples, end) {
  const predictions = samples.map(digitOf);
  const { prediction, since } = settled(predictions);
  const left = ((end * (samples.length - since)) / samples.length / 1000).toFixed(1);
  const previous = predictions.slice(0, since).findLast((digit) => digit !== null);
  if (prediction === null) return "Undecided to the end";
  if (previous !== undefined) return `Thought ${previous} until the last ${left} s`;
  return since === 0 ? "Certain from the first moment" : `Certain for the last ${left} s`;
}
