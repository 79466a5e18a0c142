/** The pad: a canvas that shows a drawing and takes ink from mouse, finger and pen. */

// The pen's width as a share of the pad's.
const PEN = 1 / 22;

/**
 * Let a canvas take ink into a drawing and show it, whatever its size becomes.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./drawing.js").Drawing} drawing
 * @param {{onInk: (time: number) => void, onPenUp: (time: number) => void}} heard is told the time of
 *   each pointer event that drew, and of the one that ended a stroke, as performance.now() counts.
 */
export function attachPad(canvas, drawing, { onInk, onPenUp }) {
  let pointer = null;
  let width = canvas.clientWidth;

  function position(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top, event.timeStamp];
  }

  function down(event) {
    if (pointer !== null || event.button > 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    drawing.begin(...position(event));
    onInk(event.timeStamp);
  }

  function move(event) {
    if (event.pointerId !== pointer) return;
    // Some browsers have no coalesced events, or none for this one.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) drawing.extend(...position(one));
    onInk(event.timeStamp);
  }

  function up(event) {
    if (event.pointerId !== pointer) return;
    pointer = null;
    onPenUp(event.timeStamp);
  }

  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("lostpointercapture", up);

  let scheduled = false;
  // Other strokes than the drawing's, for as long as it does not change.
  let shown = null;
  function repaint() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      paint(canvas, shown ?? drawing.strokes);
    });
  }

  function show(strokes) {
    shown = strokes;
    repaint();
  }

  drawing.addEventListener("change", () => show(null));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  new ResizeObserver(() => {
    const ratio = canvas.clientWidth / width;
    width = canvas.clientWidth;
    if (ratio > 0 && ratio !== 1) drawing.scale(ratio);
    repaint();
  }).observe(canvas);

  return {
    /** Show strokes in place of the drawing until it changes; null shows the drawing. */
    show,
    /** The side of the pad in CSS pixels. */
    get side() {
      return canvas.clientWidth;
    },
  };
}

/** Paint strokes crisply at any device pixel ratio, in the colour the style sheet gives the canvas. */
function paint(canvas, strokes) {
  const ratio = devicePixelRatio;
  const side = Math.round(canvas.clientWidth * ratio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientWidth);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = canvas.clientWidth * PEN;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(stroke[0][0], stroke[0][1]);
    // Through the middles between points: rounder than the corners of the points themselves.
    stroke.slice(1).forEach(([x, y], i) => {
      const [fromX, fromY] = stroke[i];
      context.quadraticCurveTo(fromX, fromY, (fromX + x) / 2, (fromY + y) / 2);
    });
    const [lastX, lastY] = stroke.at(-1);
    context.lineTo(lastX, lastY);
    context.stroke();
  }
}
