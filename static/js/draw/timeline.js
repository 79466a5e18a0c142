/**
 * A drawing over time. Drawing time is in milliseconds, with long pauses between strokes shortened.
 * Points are [x, y, t, …].
 */

// Longest pause between two strokes, in milliseconds of drawing time.
const MAX_PAUSE = 300;
// With reduced motion, a replay has this many still frames, milliseconds apart.
const STILLS = 5;
const STILL_INTERVAL = 600;

export function duration(strokes) {
  return strokeTimes(strokes).at(-1)?.end ?? 0;
}

export function strokesUntil(strokes, moment) {
  const times = strokeTimes(strokes);
  return strokes
    .map((points, i) => points.filter(([, , t]) => times[i].start + t - points[0][2] <= moment))
    .filter((points) => points.length > 0);
}

export function moments(end, count) {
  return Array.from({ length: count }, (_, i) => (end * i) / (count - 1));
}

/**
 * Return when the prediction stopped changing.
 * @param {(number|null)[]} predictions at evenly spaced moments; null without a prediction
 * @returns {{prediction: number|null, since: number, changes: number}} the last prediction, the index
 *   since which it held, and the number of changes from one digit to another
 */
export function settled(predictions) {
  const prediction = predictions.at(-1) ?? null;
  const since = predictions.findLastIndex((each) => each !== prediction) + 1;
  const digits = predictions.filter((each) => each !== null);
  const changes = digits.filter((digit, i) => i > 0 && digit !== digits[i - 1]).length;
  return { prediction, since, changes };
}

/**
 * Replay a drawing at the speed at which it was drawn.
 * @param {(moment: number | null) => boolean} show receives each moment of the drawing time, null at the
 *   end; returns whether to continue
 */
export function replay(strokes, show) {
  const end = duration(strokes);
  const isReduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const schedule = isReduced ? (frame) => setTimeout(frame, STILL_INTERVAL) : requestAnimationFrame;
  const start = performance.now();
  let stills = 0;
  (function frame() {
    const moment = isReduced ? (end * ++stills) / STILLS : performance.now() - start;
    if (moment >= end) show(null);
    else if (show(moment)) schedule(frame);
  })();
}

/** Return start and end of each stroke in drawing time. */
function strokeTimes(strokes) {
  let [now, lastTime] = [0, null];
  return strokes.map((points) => {
    const [first, last] = [points[0][2], points.at(-1)[2]];
    const start = now + (lastTime === null ? 0 : Math.min(first - lastTime, MAX_PAUSE));
    [now, lastTime] = [start + last - first, last];
    return { start, end: now };
  });
}
