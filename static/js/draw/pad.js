/** The pad: a canvas that shows a drawing, and takes ink from mouse, finger and pen. */

import { decoded, paintPicture, paintStrokes, placed } from "./paint.js";

// A finger that comes this soon (milliseconds) after a pen was near is the hand that holds it.
const PALM = 1000;
// A canvas larger than this, on a page zoomed in far, costs more than its sharpness is worth.
const MOST_PIXELS = 2400;

/**
 * Let a canvas show a drawing, whatever its size becomes.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./drawing.js").Drawing} drawing
 */
export class Pad {
  /** Points that the pen will probably reach next: shown, but no ink. */
  ahead = [];
  /** The strokes to show instead of the drawing's own while it is replayed, or null. */
  replayed = null;
  /** Boxes [x, y, width, height] around digits, and which one is looked at. */
  boxes = [];
  chosen = 0;
  /** Where the keyboard's pen is, [x, y], or null. */
  cursor = null;

  #scheduled = false;
  #image = null;
  #width;

  constructor(canvas, drawing) {
    Object.assign(this, { canvas, drawing });
    this.#width = canvas.clientWidth;
    drawing.addEventListener("change", () => this.repaint());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#watchZoom();
  }

  /** Its width and height; the browser would have to lay out the page to say it. */
  get side() {
    return this.#width;
  }

  /** Paint with the next frame. */
  repaint() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#paint();
    });
  }

  /** Boxes as the server gives them; of a picture, in its own pixels. */
  frame(boxes, chosen) {
    this.boxes = boxes.map((box) => this.#onPad(box));
    this.chosen = chosen;
    this.repaint();
  }

  #onPad(box) {
    if (!this.drawing.picture) return box;
    const { scale, x, y } = placed(this.drawing.picture, this.side);
    return [x + box[0] * scale, y + box[1] * scale, box[2] * scale, box[3] * scale];
  }

  #resize() {
    const width = this.canvas.clientWidth;
    const ratio = width / this.#width;
    if (ratio > 0 && ratio !== 1) {
      this.#width = width;
      this.boxes = this.boxes.map((box) => box.map((length) => length * ratio));
      this.cursor &&= this.cursor.map((length) => length * ratio);
      this.drawing.scale(ratio);
    }
    this.repaint();
  }

  #watchZoom() {
    const zoom = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const changed = () => {
      this.repaint();
      this.#watchZoom();
    };
    zoom.addEventListener("change", changed, { once: true });
  }

  #paint() {
    const { canvas, drawing, side } = this;
    const pixels = Math.min(Math.round(side * devicePixelRatio), MOST_PIXELS);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    const context = canvas.getContext("2d");
    context.setTransform(pixels / side, 0, 0, pixels / side, 0, 0);
    context.clearRect(0, 0, side, side);
    const style = getComputedStyle(canvas);
    context.strokeStyle = style.color;
    if (drawing.picture) this.#paintPicture(context);
    paintStrokes(context, this.#shown(), side);
    this.#paintBoxes(context, style);
    if (this.cursor) paintCursor(context, this.cursor, side / 28, style.accentColor);
  }

  #shown() {
    if (this.replayed) return this.replayed;
    const { strokes } = this.drawing;
    if (this.ahead.length === 0 || strokes.length === 0) return strokes;
    return [...strokes.slice(0, -1), [...strokes.at(-1), ...this.ahead]];
  }

  #paintPicture(context) {
    const { picture } = this.drawing;
    if (this.#image?.src === picture.source) {
      paintPicture(context, picture, this.#image, this.side);
      return;
    }
    decoded(picture).then((image) => {
      this.#image = image;
      this.repaint();
    });
  }

  /** A thin frame a digit, where there is more to tell apart than one. */
  #paintBoxes(context, style) {
    if (this.boxes.length < 2 && !this.drawing.picture) return;
    const margin = this.drawing.picture ? 4 : this.side / 30;
    this.boxes.forEach(([x, y, width, height], i) => {
      context.lineWidth = i === this.chosen ? 2 : 1;
      context.strokeStyle = i === this.chosen ? style.accentColor : style.borderTopColor;
      context.strokeRect(x - margin, y - margin, width + 2 * margin, height + 2 * margin);
    });
  }
}

function paintCursor(context, [x, y], size, color) {
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - size, y);
  context.lineTo(x + size, y);
  context.moveTo(x, y - size);
  context.lineTo(x, y + size);
  context.stroke();
}

/**
 * Take ink from pointers: one at a time, a pen before a finger.
 * @param {Pad} pad
 * @param {{onInk: (time: number) => void, onPenUp: (time: number) => void}} heard is told the time of
 *   each pointer event that drew, and of the one that ended a stroke, as performance.now() counts.
 */
export function takePointers(pad, { onInk, onPenUp }) {
  const { canvas, drawing } = pad;
  let pointer = null;
  let penSeen = -Infinity;
  // Where the pad is in the window while a stroke is drawn; forgotten when it may have moved.
  let corner = null;

  function position(event) {
    corner ??= canvas.getBoundingClientRect();
    const { left, top } = corner;
    const at = [event.clientX - left, event.clientY - top, event.timeStamp];
    return event.pointerType === "pen" ? [...at, event.pressure] : at;
  }

  function down(event) {
    if (event.button > 0) return;
    const isPen = event.pointerType === "pen";
    if (isPen && pointer?.type === "touch") {
      pointer = null;
      drawing.abandon();
    }
    const isPalm = event.pointerType === "touch" && event.timeStamp - penSeen < PALM;
    if (pointer || isPalm) return;
    if (isPen) penSeen = event.timeStamp;
    pointer = { id: event.pointerId, type: event.pointerType };
    corner = null;
    canvas.setPointerCapture(event.pointerId);
    drawing.begin(...position(event));
    onInk(event.timeStamp);
  }

  function move(event) {
    if (event.pointerType === "pen") penSeen = event.timeStamp;
    if (event.pointerId !== pointer?.id) return;
    // Some browsers have no coalesced or predicted events, or none for this one.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) drawing.extend(...position(one));
    onInk(event.timeStamp);
  }

  function look(event) {
    if (event.pointerId !== pointer?.id) return;
    pad.ahead = (event.getPredictedEvents?.() ?? []).map(position);
  }

  function up(event) {
    if (!pointer || (event.pointerId ?? pointer.id) !== pointer.id) return;
    pointer = null;
    pad.ahead = [];
    pad.repaint();
    onPenUp(event.timeStamp);
  }

  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", look);
  // As soon as the pointer moved, where a browser tells; elsewhere with the next frame.
  canvas.addEventListener("onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove", move);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, up);
  }
  addEventListener("blur", up);
  for (const moved of ["scroll", "resize"]) {
    addEventListener(moved, () => (corner = null), { capture: true, passive: true });
  }
  // The focus is for those who draw with the keyboard; it leaves what had it, though.
  canvas.addEventListener("mousedown", (event) => {
    event.preventDefault();
    document.activeElement.blur();
  });
  // iPadOS would take the pen's strokes for handwriting to put into text fields (Scribble).
  canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
}
