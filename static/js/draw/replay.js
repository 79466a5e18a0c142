/** A drawing once more, as it was drawn. */

import { duration, moments, until } from "./timeline.js";

// Where motion is not wanted, it is shown in so many steps, milliseconds apart.
const STEPS = 6;
const STEP = 600;

/**
 * Show strokes as they came about.
 * @param {(strokes: number[][][] | null, moment: number | null) => boolean} show is told the strokes
 *   at each moment of ink time, and null at the end; answers whether to go on
 */
export function replay(strokes, show) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return stepThrough(strokes, show);
  const end = duration(strokes);
  const start = performance.now();
  requestAnimationFrame(function frame(now) {
    const moment = Math.max(now - start, 0);
    if (moment >= end) show(null, null);
    else if (show(until(strokes, moment), moment)) requestAnimationFrame(frame);
  });
}

function stepThrough(strokes, show) {
  const [, ...stops] = moments(strokes, STEPS);
  (function step() {
    const moment = stops.shift();
    if (stops.length === 0) show(null, null);
    else if (show(until(strokes, moment), moment)) setTimeout(step, STEP);
  })();
}
