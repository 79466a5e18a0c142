/** A card's drawing on a canvas, complete or replayed. */

import { replay, strokesUntil } from "../draw/timeline.js";

const SIZE = 28;
// Share of the canvas on each side.
const MARGIN = 0.12;
// Pen width as a share of the drawing's extent.
const PEN = 1 / 14;
const OTHER_DIGITS_ALPHA = 0.25;
// Milliseconds between points without a time; API clients may omit it.
const INTERVAL = 12;

export function withTimes(strokes) {
  let count = 0;
  return strokes.map((stroke) => stroke.map(([x, y, t]) => [x, y, t ?? INTERVAL * count++]));
}

/** Return the scale, translation and pen width that center strokes in a rectangle of pixels. */
export function fit(strokes, width, height = width) {
  const xs = strokes.flatMap((stroke) => stroke.map(([x]) => x));
  const ys = strokes.flatMap((stroke) => stroke.map(([, y]) => y));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const share = 1 - 2 * MARGIN;
  const scale = share * Math.min(width / Math.max(right - left, 1), height / Math.max(bottom - top, 1));
  return {
    scale,
    x: width / 2 - ((left + right) / 2) * scale,
    y: height / 2 - ((top + bottom) / 2) * scale,
    pen: Math.max(share * Math.min(width, height) * PEN, 2),
  };
}

/** Return a canvas of 28x28 pixels with an input, base64 of 784 bytes, in a color. */
export function inputCanvas(image, color) {
  const levels = atob(image);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  for (let i = 0; i < SIZE * SIZE; i++) {
    context.globalAlpha = levels.charCodeAt(i) / 255;
    context.fillRect(i % SIZE, Math.floor(i / SIZE), 1, 1);
  }
  return canvas;
}

export class CardView {
  #canvas;
  #number; // a canvas for the complete drawing
  #card = null;
  #version = 0; // a replay stops when this changes

  constructor(canvas, number) {
    this.#canvas = canvas;
    this.#number = number;
    new ResizeObserver(() => this.show(this.#card)).observe(canvas);
  }

  show(card) {
    this.#version += 1;
    this.#card = card;
    const context = clear(this.#canvas);
    this.#number.hidden = !(card?.strokes.length && card.drawing_text.length > 1);
    if (!card) return;
    if (card.strokes.length > 0) this.#drawStrokes(context, card.strokes);
    else this.#drawImage(context, card.image);
    if (!this.#number.hidden) this.#drawNumber();
  }

  /** Replay the strokes; a picture has none and stays unchanged. */
  replay() {
    const strokes = this.#card?.strokes ?? [];
    if (strokes.length === 0) return;
    this.#version += 1;
    const version = this.#version;
    const timed = withTimes(strokes);
    replay(timed, (moment) => {
      const isCurrent = this.#version === version;
      const shown = moment === null ? strokes : strokesUntil(timed, moment);
      if (isCurrent) this.#drawStrokes(clear(this.#canvas), shown);
      return isCurrent;
    });
  }

  #drawStrokes(context, strokes) {
    transform(context, fit(this.#card.strokes, this.#canvas.width));
    context.globalAlpha = OTHER_DIGITS_ALPHA;
    this.#card.other_strokes.forEach((stroke) => drawStroke(context, stroke));
    context.globalAlpha = 1;
    strokes.forEach((stroke) => drawStroke(context, stroke));
  }

  /** Draw the complete drawing, this digit in the link color. */
  #drawNumber() {
    const { strokes, other_strokes: others } = this.#card;
    const context = clear(this.#number);
    const { width, height } = this.#number;
    transform(context, fit([...strokes, ...others], width, height));
    others.forEach((stroke) => drawStroke(context, stroke));
    context.strokeStyle = context.fillStyle = getComputedStyle(this.#number).outlineColor;
    strokes.forEach((stroke) => drawStroke(context, stroke));
  }

  /** Draw the 28x28 input enlarged: a picture has no strokes. */
  #drawImage(context, image) {
    const side = this.#canvas.width * (1 - MARGIN);
    const corner = (this.#canvas.width - side) / 2;
    context.imageSmoothingEnabled = false;
    context.drawImage(inputCanvas(image, context.fillStyle), corner, corner, side, side);
  }
}

/** Size a canvas for its place on the screen and return its context in the text color. */
function clear(canvas) {
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.strokeStyle = context.fillStyle = getComputedStyle(canvas).color;
  context.lineCap = context.lineJoin = "round";
  return context;
}

function transform(context, { scale, x, y, pen }) {
  context.setTransform(scale, 0, 0, scale, x, y);
  context.lineWidth = pen / scale;
}

function drawStroke(context, stroke) {
  const [[x, y], ...others] = stroke;
  context.beginPath();
  // Chromium draws no line of length zero at a large scale.
  if (stroke.every((point) => point[0] === x && point[1] === y)) {
    context.arc(x, y, context.lineWidth / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.moveTo(x, y);
  for (const point of others) context.lineTo(point[0], point[1]);
  context.stroke();
}
