/** Drawing with the keyboard: arrows move the pen in steps, space lowers and lifts it. */

import { CURSOR_STEPS } from "./pad.js";

export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const SHIFT_FACTOR = 4;

/**
 * Draw with the keyboard while the pad has the focus. Two arrows at once move diagonally; Shift
 * makes larger steps.
 * @param {import("./pad.js").Pad} pad
 * @param {{onDraw: (time: number) => void, onPenUp: (time: number) => void}} listeners as for
 *   `handlePointers`
 */
export function handleKeys(pad, { onDraw, onPenUp }) {
  const { canvas, drawing } = pad;
  const heldArrows = new Set();
  // The generation in which the pen was lowered: undo and clear lift the pen.
  let penGeneration = null;
  const isPenDown = () => penGeneration === drawing.generation;

  function lowerPen(time) {
    drawing.begin(...pad.cursor, time);
    penGeneration = drawing.generation;
    onDraw(time);
  }

  function liftPen(time) {
    if (!isPenDown()) return;
    penGeneration = null;
    onPenUp(time);
  }

  function move(step, time) {
    const within = (value) => Math.min(Math.max(value, 0), pad.side);
    let [x, y] = pad.cursor;
    for (const key of heldArrows) [x, y] = [x + ARROWS[key][0] * step, y + ARROWS[key][1] * step];
    pad.cursor = [within(x), within(y)];
    if (!isPenDown()) return pad.repaint();
    drawing.extend(...pad.cursor, time);
    onDraw(time);
  }

  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isArrow = event.key in ARROWS;
    if (!isArrow && event.key !== " ") return;
    event.preventDefault();
    pad.cursor ??= [pad.side / 2, pad.side / 2];
    if (isArrow) {
      heldArrows.add(event.key);
      move((pad.side / CURSOR_STEPS) * (event.shiftKey ? SHIFT_FACTOR : 1), event.timeStamp);
    } else if (!event.repeat) {
      if (isPenDown()) liftPen(event.timeStamp);
      else lowerPen(event.timeStamp);
    }
  }

  function leave(event) {
    heldArrows.clear();
    liftPen(event.timeStamp);
    pad.cursor = null;
    pad.repaint();
  }

  canvas.addEventListener("keydown", onKeyDown);
  canvas.addEventListener("keyup", (event) => heldArrows.delete(event.key));
  canvas.addEventListener("blur", leave);
  canvas.addEventListener("pointerdown", leave);
  canvas.addEventListener("focus", () => {
    if (!canvas.matches(":focus-visible")) return;
    pad.cursor = [pad.side / 2, pad.side / 2];
    pad.repaint();
  });
}
