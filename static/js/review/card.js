/** A card's drawing on a canvas, complete or replayed. */

import { replay } from "../draw/replay.js";

const SIZE = 28;
// Share of the canvas on each side.
const MARGIN = 0.12;
// Pen width as a share of the drawing's longer side.
const PEN = 1 / 14;
const OTHER_DIGITS_ALPHA = 0.25;
// Milliseconds between points without a time; API clients may omit it.
const INTERVAL = 12;

/** Return strokes with a time for every point. */
export function withTimes(strokes) {
  let count = 0;
  return strokes.map((stroke) => stroke.map(([x, y, t]) => [x, y, t ?? INTERVAL * count++]));
}

/** Return the scale, translation and pen width that center strokes in a square of `size` pixels. */
export function fit(strokes, size) {
  const xs = strokes.flatMap((stroke) => stroke.map(([x]) => x));
  const ys = strokes.flatMap((stroke) => stroke.map(([, y]) => y));
  const [left, right, top, bottom] = [min(xs), max(xs), min(ys), max(ys)];
  const extent = Math.max(right - left, bottom - top, 1);
  const scale = (size * (1 - 2 * MARGIN)) / extent;
  return {
    scale,
    x: size / 2 - ((left + right) / 2) * scale,
    y: size / 2 - ((top + bottom) / 2) * scale,
    pen: Math.max(extent * PEN * scale, 2),
  };
}

// Math.min(...values) would overflow the stack on long drawings.
const min = (values) => values.reduce((least, value) => Math.min(least, value), Infinity);
const max = (values) => values.reduce((most, value) => Math.max(most, value), -Infinity);

export class CardView {
  #canvas;
  #card = null;
  #version = 0; // a replay stops when this changes

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.show(this.#card)).observe(canvas);
  }

  show(card) {
    this.#version += 1;
    this.#card = card;
    const context = this.#clear();
    if (!card) return;
    if (card.strokes.length > 0) this.#drawStrokes(context, card.strokes);
    else this.#drawImage(context, card.image);
  }

  /** Replay the strokes; a picture has none and stays unchanged. */
  replay() {
    const strokes = this.#card?.strokes ?? [];
    if (strokes.length === 0) return;
    this.#version += 1;
    const version = this.#version;
    replay(withTimes(strokes), (partial) => {
      const isCurrent = this.#version === version;
      if (isCurrent) this.#drawStrokes(this.#clear(), partial ?? strokes);
      return isCurrent;
    });
  }

  #clear() {
    const canvas = this.#canvas;
    const ratio = devicePixelRatio;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const context = canvas.getContext("2d");
    context.strokeStyle = context.fillStyle = getComputedStyle(canvas).color;
    context.lineCap = context.lineJoin = "round";
    return context;
  }

  #drawStrokes(context, strokes) {
    const { scale, x, y, pen } = fit(this.#card.strokes, this.#canvas.width);
    context.setTransform(scale, 0, 0, scale, x, y);
    context.lineWidth = pen / scale;
    context.globalAlpha = OTHER_DIGITS_ALPHA;
    this.#card.other_strokes.forEach((stroke) => drawStroke(context, stroke));
    context.globalAlpha = 1;
    strokes.forEach((stroke) => drawStroke(context, stroke));
    context.resetTransform();
  }

  /** Draw the 28x28 input enlarged: a picture has no strokes. */
  #drawImage(context, image) {
    const levels = atob(image);
    const cell = (this.#canvas.width * (1 - MARGIN)) / SIZE;
    const corner = (this.#canvas.width * MARGIN) / 2;
    for (let i = 0; i < SIZE * SIZE; i++) {
      context.globalAlpha = levels.charCodeAt(i) / 255;
      const [row, column] = [Math.floor(i / SIZE), i % SIZE];
      context.fillRect(corner + column * cell, corner + row * cell, cell + 0.5, cell + 0.5);
    }
    context.globalAlpha = 1;
  }
}

function drawStroke(context, stroke) {
  context.beginPath();
  context.moveTo(stroke[0][0], stroke[0][1]);
  // A single point needs a line of length zero; without it, no round cap is drawn.
  for (const [x, y] of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(x, y);
  context.stroke();
}
