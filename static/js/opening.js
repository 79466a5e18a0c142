/** The opening of a first visit: the page draws a digit by itself, until the first input. */

import { scaleStrokes } from "./draw/drawing.js";
import { duration, strokesUntil } from "./draw/timeline.js";
import { fromFragment, LINK_SIDE } from "./share/link.js";

// A link, recorded for this page. On its way to an 8, the network sees a 1, a 7, a 0 and a 5.
const EIGHT =
  "#d=AQFB0ArmBAANIxkVMyEdOSUjKyQzHSY_GyNBDSFBBx5BDiBBFh85JB0rJhsdLBoVOhoHOhoIOhkWPBwkMhw0PBw" +
  "0Mhs6LB1ILB5CLBxCLBw6NB1CMhw0OhwkPB0QQh8GSB4NQh4VQh0rOiBBNCJBLCJHHB9JCCBJDSJPFR85JRwzKR0jO" +
  "x0dQR0NORwIOR0cQR8sQR0sOR08OSBAOyNKOSFCOR46Mx00MRssMxkkMxkeMRkOKxcOKxYIIxMAJRUNFRYPGxMFDww";
// Milliseconds for which the finished digit stays.
const HOLD = 2_000;

/**
 * Play the opening. With reduced motion, the finished digit stays until the first input.
 * @param {EventTarget} drawing its first change ends the opening
 * @param {{canvas: HTMLCanvasElement, side: number}} pad a pointer above it is an input
 * @param {(strokes: number[][][] | null) => void} show receives the strokes of each frame, null at the end
 */
export function playOpening(drawing, { canvas, side }, show) {
  const strokes = scaleStrokes(fromFragment(EIGHT), side / LINK_SIDE);
  const end = duration(strokes);
  const start = performance.now();
  const input = new AbortController();

  function stop() {
    input.abort();
    show(null);
  }

  const options = { capture: true, signal: input.signal };
  for (const type of ["pointerdown", "keydown", "paste", "dragenter"]) addEventListener(type, stop, options);
  canvas.addEventListener("pointermove", stop, options);
  // A picture or a link may arrive long after the last input.
  drawing.addEventListener("change", stop, options);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return show(strokes);
  requestAnimationFrame(function frame(now) {
    if (input.signal.aborted) return;
    const moment = now - start;
    if (moment > end + HOLD) return stop();
    if (moment <= end + 100) show(strokesUntil(strokes, moment));
    requestAnimationFrame(frame);
  });
}
