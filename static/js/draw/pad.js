/** The pad: a canvas that shows a drawing and takes strokes from mouse, finger and pen. */

import { loadImage, onColorChange, paintPicture, paintStrokes, placePicture } from "./paint.js";

// A touch within this time (milliseconds) of a pen event is the palm.
const PALM_TIMEOUT = 1000;
// Limits the cost of the canvas on pages that are zoomed in.
const MAX_PIXELS = 2400;
/** Steps of the keyboard's pen across the pad. */
export const CURSOR_STEPS = 28;

/**
 * The view of a drawing on a canvas of any size.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./drawing.js").Drawing} drawing
 */
export class Pad {
  /** Points that the browser predicts for the stroke in progress: painted, not stored. */
  predicted = [];
  /** Strokes to show instead of the drawing's own during a replay, or null. */
  replayed = null;
  /** Position [x, y] of the keyboard's pen, or null. */
  cursor = null;

  #boxes = [];
  #selectedBox = 0;
  #isScheduled = false;
  #image = null;
  #side;

  constructor(canvas, drawing) {
    Object.assign(this, { canvas, drawing });
    this.#side = canvas.clientWidth;
    drawing.addEventListener("change", () => this.repaint());
    onColorChange(() => this.repaint());
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#watchZoom();
  }

  /** Width and height in CSS pixels; cached, because reading clientWidth forces a layout. */
  get side() {
    return this.#side;
  }

  /** Paint in the next frame. */
  repaint() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#paint();
    });
  }

  /** Show boxes [x, y, width, height] around digits; those of a picture are in its own pixels. */
  showBoxes(boxes, selected) {
    this.#boxes = boxes.map((box) => this.#onPad(box));
    this.#selectedBox = selected;
    this.repaint();
  }

  #onPad(box) {
    if (!this.drawing.picture) return box;
    const { scale, x, y } = placePicture(this.drawing.picture, this.side);
    return [x + box[0] * scale, y + box[1] * scale, box[2] * scale, box[3] * scale];
  }

  #resize() {
    const width = this.canvas.clientWidth;
    const ratio = width / this.#side;
    if (ratio > 0 && ratio !== 1) {
      this.#side = width;
      this.#boxes = this.#boxes.map((box) => box.map((length) => length * ratio));
      this.cursor &&= this.cursor.map((length) => length * ratio);
      this.drawing.scale(ratio);
    }
    this.repaint();
  }

  #watchZoom() {
    const zoom = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const onChange = () => {
      this.repaint();
      this.#watchZoom();
    };
    zoom.addEventListener("change", onChange, { once: true });
  }

  #paint() {
    const { canvas, drawing, side } = this;
    const pixels = Math.min(Math.round(side * devicePixelRatio), MAX_PIXELS);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    const context = canvas.getContext("2d");
    context.setTransform(pixels / side, 0, 0, pixels / side, 0, 0);
    context.clearRect(0, 0, side, side);
    const style = getComputedStyle(canvas);
    context.strokeStyle = style.color;
    if (drawing.picture) this.#paintPicture(context);
    paintStrokes(context, this.#visibleStrokes(), side);
    this.#paintBoxes(context, style);
    if (this.cursor) paintCursor(context, this.cursor, side / CURSOR_STEPS, style.accentColor);
  }

  #visibleStrokes() {
    if (this.replayed) return this.replayed;
    const { strokes } = this.drawing;
    if (this.predicted.length === 0 || strokes.length === 0) return strokes;
    return [...strokes.slice(0, -1), [...strokes.at(-1), ...this.predicted]];
  }

  #paintPicture(context) {
    const { picture } = this.drawing;
    if (this.#image?.src === picture.source) {
      paintPicture(context, picture, this.#image, this.side);
      return;
    }
    loadImage(picture).then((image) => {
      if (!image) return;
      this.#image = image;
      this.repaint();
    });
  }

  /** Paint one frame per digit; a single drawn digit needs none. */
  #paintBoxes(context, style) {
    if (this.#boxes.length < 2 && !this.drawing.picture) return;
    const margin = this.drawing.picture ? 4 : this.side / 30;
    this.#boxes.forEach(([x, y, width, height], i) => {
      const isSelected = i === this.#selectedBox;
      context.lineWidth = isSelected ? 2 : 1;
      context.strokeStyle = isSelected ? style.accentColor : style.borderTopColor;
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

// A pointer that moves less (CSS pixels) above a target taps it.
const TAP_DISTANCE = 4;

/**
 * Draw with pointers: one at a time, a pen before a finger.
 * @param {Pad} pad
 * @param {{onDraw: (time: number) => void, onPenUp: (time: number) => void, isTarget?: Function,
 *   onTap?: Function}} listeners onDraw and onPenUp receive the time of each pointer event that drew and
 *   of the event that ended the stroke, on the clock of performance.now(); onTap receives the position of
 *   a tap on a target, which draws nothing; isTarget returns whether a position is one
 */
export function handlePointers(pad, { onDraw, onPenUp, isTarget = () => false, onTap }) {
  const { canvas, drawing } = pad;
  let pointer = null;
  // The first point of a stroke that may still be a tap.
  let held = null;
  let lastPenTime = -Infinity;
  // Upper left corner of the pad in the window; null when it may have moved.
  let corner = null;

  function pointOf(event) {
    corner ??= canvas.getBoundingClientRect();
    const point = [event.clientX - corner.left, event.clientY - corner.top, event.timeStamp];
    return event.pointerType === "pen" ? [...point, event.pressure] : point;
  }

  function onDown(event) {
    if (event.button > 0) return;
    const isPen = event.pointerType === "pen";
    if (isPen && pointer?.type === "touch") {
      pointer = null;
      if (held) held = null;
      else drawing.cancelStroke();
    }
    const isPalm = event.pointerType === "touch" && event.timeStamp - lastPenTime < PALM_TIMEOUT;
    if (pointer || isPalm) return;
    if (isPen) lastPenTime = event.timeStamp;
    pointer = { id: event.pointerId, type: event.pointerType };
    corner = null;
    canvas.setPointerCapture(event.pointerId);
    const point = pointOf(event);
    if (isTarget(point)) return (held = point);
    drawing.begin(...point);
    onDraw(event.timeStamp);
  }

  /** Begin the held stroke once the pointer has moved; return whether it is still held. */
  function isHeld(event) {
    if (!held) return false;
    const [x, y] = pointOf(event);
    if (Math.hypot(x - held[0], y - held[1]) < TAP_DISTANCE) return true;
    drawing.begin(...held);
    held = null;
    return false;
  }

  function onMove(event) {
    if (event.pointerType === "pen") lastPenTime = event.timeStamp;
    if (event.pointerId !== pointer?.id || isHeld(event)) return;
    // Some browsers have no coalesced events, or none for this event.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) drawing.extend(...pointOf(each));
    if (drawing.canExtend) onDraw(event.timeStamp);
  }

  function onPredict(event) {
    if (event.pointerId !== pointer?.id || held) return;
    pad.predicted = (event.getPredictedEvents?.() ?? []).map(pointOf);
  }

  function onUp(event) {
    if (!pointer || (event.pointerId ?? pointer.id) !== pointer.id) return;
    pointer = null;
    if (held) {
      onTap(held);
      return (held = null);
    }
    pad.predicted = [];
    pad.repaint();
    // Undo or another drawing may have ended the stroke before.
    if (drawing.canExtend) onPenUp(event.timeStamp);
  }

  canvas.addEventListener("pointerdown", onDown);
  canvas.addEventListener("pointermove", onPredict);
  // pointerrawupdate fires at once; pointermove waits for the next frame.
  canvas.addEventListener("onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove", onMove);
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(type, onUp);
  }
  addEventListener("blur", onUp);
  for (const type of ["scroll", "resize"]) {
    addEventListener(type, () => (corner = null), { capture: true, passive: true });
  }
  // A click must not show the keyboard's pen, but must take the focus from other controls.
  canvas.addEventListener("mousedown", (event) => {
    event.preventDefault();
    document.activeElement.blur();
  });
  // Without this, iPadOS (Scribble) takes pen strokes for handwriting into text fields.
  canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
}
