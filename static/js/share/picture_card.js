/** A picture of a drawing for sharing: the handwriting, the prediction, and how it came about. */

import { paintStrokes } from "../draw/paint.js";
import { duration, moments, settled, strokesUntil } from "../draw/timeline.js";

const [WIDTH, HEIGHT] = [1200, 630];
const MARGIN = 60;
const PAD = HEIGHT - 2 * MARGIN;
// The column to the right of the pad.
const LEFT = PAD + 2 * MARGIN;
const COLUMN = WIDTH - LEFT - MARGIN;
const RIBBON_HEIGHT = 150;
const MOMENT_COUNT = 60;
// A digit below this probability is not counted as a prediction.
const MIN_PROBABILITY = 0.5;
const FONT = "system-ui, sans-serif";
// The light colors of base.css: cards look alike on all screens.
const COLORS = { paper: "#fbfaf6", surface: "#ffffff", ink: "#1d1c1a", quiet: "#66635c", line: "#d9d5ca", accent: "#b3361b" };

/**
 * Paint a card.
 * @param {{strokes: number[][][], side: number, text: string}} drawing
 * @param {(strokes: number[][][]) => number[]} predict returns ten probabilities; for one digit only
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
  const rows = predictMoments(strokes, predict);
  const top = HEIGHT - MARGIN - RIBBON_HEIGHT;
  paintBands(context, rows, top);
  context.fillStyle = COLORS.quiet;
  context.font = `400 34px ${FONT}`;
  context.textBaseline = "bottom";
  context.fillText(caption(rows, duration(strokes)), LEFT, top - 24, COLUMN);
}

/** Return the probabilities at evenly spaced moments of the drawing time. */
export function predictMoments(strokes, predict) {
  return moments(duration(strokes), MOMENT_COUNT).map((moment) => predict(strokesUntil(strokes, moment)));
}

/** Paint the probabilities over time, 0 at the top to 9; the final prediction has the accent color. */
function paintBands(context, rows, top) {
  const final = indexOfLargest(rows.at(-1));
  // Whole pixels: antialiased edges would look like lines between the moments.
  const edge = (i) => Math.round(LEFT + (i * COLUMN) / rows.length);
  rows.forEach((row, i) => {
    let y = top;
    row.forEach((probability, digit) => {
      const height = probability * RIBBON_HEIGHT;
      context.globalAlpha = digit === final ? 1 : digit % 2 ? 0.3 : 0.15;
      context.fillStyle = digit === final ? COLORS.accent : COLORS.ink;
      context.fillRect(edge(i), y, edge(i + 1) - edge(i), height);
      y += height;
    });
  });
  context.globalAlpha = 1;
}

/**
 * Describe when the prediction of a digit settled.
 * @param {number[][]} rows ten probabilities at evenly spaced moments
 * @param {number} end drawing time in milliseconds
 */
export function caption(rows, end) {
  const predictions = rows.map((row) => (Math.max(...row) < MIN_PROBABILITY ? null : indexOfLargest(row)));
  const { prediction, since } = settled(predictions);
  const left = ((end * (rows.length - since)) / rows.length / 1000).toFixed(1);
  const previous = predictions.slice(0, since).findLast((digit) => digit !== null);
  if (prediction === null) return "Undecided to the end";
  if (previous !== undefined) return `Thought ${previous} until the last ${left} s`;
  return since === 0 ? "Certain from the first moment" : `Certain for the last ${left} s`;
}

const indexOfLargest = (values) => values.indexOf(Math.max(...values));
