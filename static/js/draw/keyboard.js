/** Drawing with the keyboard: arrows move the pen over the grid, space lowers and lifts it. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const GRID = 28;
const LEAP = 4;

/**
 * Take ink from the keyboard while the pad has the focus. Two arrows at once go diagonally; with
 * Shift the pen leaps.
 * @param {import("./pad.js").Pad} pad
 * @param {{onInk: (time: number) => void, onPenUp: (time: number) => void}} heard as for pointers.
 */
export function takeKeys(pad, { onInk, onPenUp }) {
  const { canvas, drawing } = pad;
  const held = new Set();
  // The generation in which the pen was lowered: what takes ink away lifts it too.
  let lowered = null;
  const isDown = () => lowered === drawing.generation;

  function lower(time) {
    drawing.begin(...pad.cursor, time);
    lowered = drawing.generation;
    onInk(time);
  }

  function lift(time) {
    if (!isDown()) return;
    lowered = null;
    onPenUp(time);
  }

  function move(step, time) {
    const [dx, dy] = [...held].reduce(([x, y], key) => [x + ARROWS[key][0], y + ARROWS[key][1]], [0, 0]);
    const within = (value) => Math.min(Math.max(value, 0), pad.side);
    const [x, y] = pad.cursor;
    pad.cursor = [within(x + dx * step), within(y + dy * step)];
    if (!isDown()) return pad.repaint();
    drawing.extend(...pad.cursor, time);
    onInk(time);
  }

  function keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isArrow = event.key in ARROWS;
    if (!isArrow && event.key !== " ") return;
    event.preventDefault();
    pad.cursor ??= [pad.side / 2, pad.side / 2];
    if (isArrow) {
      held.add(event.key);
      move((pad.side / GRID) * (event.shiftKey ? LEAP : 1), event.timeStamp);
    } else if (!event.repeat) {
      if (isDown()) lift(event.timeStamp);
      else lower(event.timeStamp);
    }
  }

  function leave(event) {
    held.clear();
    lift(event.timeStamp);
    pad.cursor = null;
    pad.repaint();
  }

  canvas.addEventListener("keydown", keydown);
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("blur", leave);
  canvas.addEventListener("pointerdown", leave);
  canvas.addEventListener("focus", () => {
    if (!canvas.matches(":focus-visible")) return;
    pad.cursor = [pad.side / 2, pad.side / 2];
    pad.repaint();
  });
}
