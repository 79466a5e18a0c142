/** Replay of a drawing at the speed at which it was drawn. */

import { duration, moments } from "./timeline.js";

// With reduced motion, the replay has this many still frames, milliseconds apart.
const STILL_FRAMES = 6;
const STILL_INTERVAL = 600;

/**
 * @param {(moment: number | null) => boolean} show receives each moment of the drawing time, null at the
 *   end; returns whether to continue
 */
export function replay(strokes, show) {
  const end = duration(strokes);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return replayStills(end, show);
  const start = performance.now();
  requestAnimationFrame(function frame(now) {
    const moment = Math.max(now - start, 0);
    if (moment >= end) show(null);
    else if (show(moment)) requestAnimationFrame(frame);
  });
}

function replayStills(end, show) {
  const [, ...remaining] = moments(end, STILL_FRAMES);
  (function next() {
    const moment = remaining.shift();
    if (remaining.length === 0) show(null);
    else if (show(moment)) setTimeout(next, STILL_INTERVAL);
  })();
}
