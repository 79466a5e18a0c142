/** Replay of a drawing at the speed at which it was drawn. */

import { duration, moments, strokesUntil } from "./timeline.js";

// With reduced motion, the replay has this many still frames, milliseconds apart.
const STILL_FRAMES = 6;
const STILL_INTERVAL = 600;

/**
 * @param {(strokes: number[][][] | null, moment: number | null) => boolean} show receives the
 *   strokes at each moment (drawing time), null and null at the end; returns whether to continue
 */
export function replay(strokes, show) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return replayStills(strokes, show);
  const end = duration(strokes);
  const start = performance.now();
  requestAnimationFrame(function frame(now) {
    const moment = Math.max(now - start, 0);
    if (moment >= end) show(null, null);
    else if (show(strokesUntil(strokes, moment), moment)) requestAnimationFrame(frame);
  });
}

function replayStills(strokes, show) {
  const [, ...remaining] = moments(strokes, STILL_FRAMES);
  (function next() {
    const moment = remaining.shift();
    if (remaining.length === 0) show(null, null);
    else if (show(strokesUntil(strokes, moment), moment)) setTimeout(next, STILL_INTERVAL);
  })();
}
