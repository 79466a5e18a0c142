/** The opening of a first visit: the page draws a digit by itself, until the first input. */

import { scaleStrokes } from "./draw/drawing.js";
import { duration, strokesUntil } from "./draw/timeline.js";

// Recorded for this page. On its way to an 8, the network sees a 1, a 7, a 0 and a 5.
const SIDE = 280;
const EIGHT = [[
  [186, 84, 0], [184, 79, 25], [181, 72, 58], [177, 64, 95], [172, 58, 131], [165, 54, 169],
  [156, 50, 204], [147, 48, 237], [138, 47, 267], [129, 49, 299], [120, 52, 330], [112, 57, 359],
  [106, 62, 386], [102, 68, 412], [99, 76, 438], [98, 84, 464], [99, 92, 489], [102, 100, 517],
  [107, 107, 545], [114, 115, 573], [121, 122, 600], [129, 128, 629], [139, 134, 659],
  [148, 140, 687], [157, 146, 715], [165, 153, 744], [174, 160, 772], [181, 168, 800],
  [186, 176, 829], [188, 185, 860], [189, 195, 890], [187, 204, 920], [184, 213, 949],
  [178, 221, 981], [169, 228, 1015], [160, 234, 1049], [150, 238, 1080], [140, 239, 1112],
  [130, 237, 1146], [119, 234, 1177], [111, 229, 1205], [104, 223, 1234], [99, 215, 1263],
  [95, 206, 1292], [93, 198, 1320], [94, 190, 1349], [98, 181, 1380], [104, 172, 1409],
  [110, 164, 1438], [118, 156, 1470], [127, 148, 1505], [137, 140, 1538], [146, 132, 1568],
  [154, 125, 1597], [161, 118, 1624], [167, 111, 1649], [172, 104, 1674], [176, 97, 1699],
  [178, 91, 1722], [180, 85, 1744], [181, 80, 1763], [181, 75, 1784], [179, 72, 1806],
  [177, 68, 1825], [176, 66, 1837],
]];
// Milliseconds for which the finished digit stays.
const HOLD = 2_000;

/**
 * Play the opening. With reduced motion, the finished digit stays until the first input.
 * @param {{canvas: HTMLCanvasElement, side: number}} pad a pointer above it is an input
 * @param {(strokes: number[][][] | null) => void} show receives the strokes of each frame, null at the end
 */
export function playOpening({ canvas, side }, show) {
  const strokes = scaleStrokes(EIGHT, side / SIDE);
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
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return show(strokes);
  requestAnimationFrame(function frame(now) {
    if (input.signal.aborted) return;
    const moment = now - start;
    if (moment > end + HOLD) return stop();
    if (moment <= end + 100) show(strokesUntil(strokes, moment));
    requestAnimationFrame(frame);
  });
}
