/** The drawing of a card on a canvas: as a whole, or as it was made. */

import { replay } from "../draw/replay.js";

const SIZE = 28;
// Of the canvas, on each side.
const MARGIN = 0.12;
// Ink is as wide as this share of its longer side.
const PEN = 1 / 14;
const FAINT = 0.25;
// Milliseconds between points that have no time: a program need not send it.
const STEP = 12;

/** Strokes with a time for every point. */
export function timed(strokes) {
  let count = 0;
  return strokes.map((stroke) => stroke.map(([x, y, t]) => [x, y, t ?? STEP * count++]));
}

/** What brings strokes into a square of a size: scale, and where its corner is. */
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

export class Card {
  #canvas;
  #card = null;
  #shows = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.show(this.#card)).observe(canvas);
  }

  show(card) {
    this.#shows += 1;
    this.#card = card;
    const context = this.#clear();
    if (!card) return;
    if (card.strokes.length > 0) this.#draw(context, card.strokes);
    else this.#paint(context, card.image);
  }

  /** Draw it again as it was drawn; what has no strokes stays as it is. */
  replay() {
    const { strokes } = this.#card ?? { strokes: [] };
    if (strokes.length === 0) return;
    this.#shows += 1;
    const now = this.#shows;
    replay(timed(strokes), (shown) => {
      const goesOn = this.#shows === now;
      if (goesOn) this.#draw(this.#clear(), shown ?? strokes);
      return goesOn;
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

  #draw(context, strokes) {
    const { scale, x, y, pen } = fit(this.#card.strokes, this.#canvas.width);
    context.setTransform(scale, 0, 0, scale, x, y);
    context.lineWidth = pen / scale;
    context.globalAlpha = FAINT;
    this.#card.others.forEach((stroke) => line(context, stroke));
    context.globalAlpha = 1;
    strokes.forEach((stroke) => line(context, stroke));
    context.resetTransform();
  }

  /** A picture has no strokes: the 784 levels that the net saw, large. */
  #paint(context, image) {
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

function line(context, stroke) {
  context.beginPath();
  context.moveTo(stroke[0][0], stroke[0][1]);
  // A dot needs a line, however short, to have an end to be round.
  for (const [x, y] of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(x, y);
  context.stroke();
}
