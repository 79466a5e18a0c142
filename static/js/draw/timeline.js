/**
 * A drawing in time. It runs on ink time: milliseconds of drawing, with the pauses between strokes
 * shortened, so that nobody has to wait for a hand that thought. Points are [x, y, t, …].
 */

// The longest pause between two strokes, in milliseconds of ink time.
const PAUSE = 300;

/** How long the drawing took: milliseconds of ink time. */
export function duration(strokes) {
  return clocks(strokes).at(-1)?.end ?? 0;
}

/** The strokes as they were at a moment of ink time. */
export function until(strokes, moment) {
  const starts = clocks(strokes);
  return strokes
    .map((points, i) => points.filter(([, , t]) => starts[i].start + t - points[0][2] <= moment))
    .filter((points) => points.length > 0);
}

/** Moments from the first ink to the last, evenly apart. */
export function moments(strokes, count = 60) {
  const end = duration(strokes);
  return Array.from({ length: count }, (_, i) => (end * i) / (count - 1));
}

/**
 * When the reading was settled.
 * @param {(number|null)[]} readings at evenly spaced moments; null where there was none
 * @returns {{reading: number|null, since: number, changes: number}} the last reading, the index from
 *   which on it stood, and how often one reading gave way to another before
 */
export function settled(readings) {
  const reading = readings.at(-1) ?? null;
  const since = readings.findLastIndex((one) => one !== reading) + 1;
  const minds = readings.filter((one) => one !== null).filter((one, i, all) => one !== all[i - 1]);
  return { reading, since, changes: Math.max(minds.length - 1, 0) };
}

/** The ink time at which each stroke starts and ends. */
function clocks(strokes) {
  let [now, before] = [0, null];
  return strokes.map((points) => {
    const [first, last] = [points[0][2], points.at(-1)[2]];
    const start = now + (before === null ? 0 : Math.min(first - before, PAUSE));
    [now, before] = [start + last - first, last];
    return { start, end: now };
  });
}
