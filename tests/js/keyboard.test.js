import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Drawing } from "../../static/js/draw/drawing.js";
import { handleKeys } from "../../static/js/draw/keyboard.js";

let pad, completed;

beforeEach(() => {
  const canvas = Object.assign(new EventTarget(), { matches: () => true });
  pad = { canvas, drawing: new Drawing(), side: 280, cursor: null, repaint() {} };
  completed = 0;
  handleKeys(pad, { onDraw() {}, onPenUp: () => completed++ });
  canvas.dispatchEvent(new Event("focus"));
});

const send = (type, key, options) => pad.canvas.dispatchEvent(Object.assign(new Event(type), { key, ...options }));
const press = (...keys) => keys.forEach((key) => send("keydown", key) && send("keyup", key));

test("two arrows draw diagonally, and Shift enlarges the steps", () => {
  press(" ");
  send("keydown", "ArrowRight");
  send("keydown", "ArrowDown", { shiftKey: true });
  send("keyup", "ArrowRight");
  press("ArrowDown", " ");
  const [points] = pad.drawing.strokes;
  assert.deepEqual(points.map(([x, y]) => [x, y]), [[140, 140], [150, 140], [190, 180], [190, 190]]);
  assert.equal(completed, 1);
});

test("leaving the pad lifts the pen", () => {
  press(" ", "ArrowDown");
  pad.canvas.dispatchEvent(new Event("blur"));
  assert.deepEqual([completed, pad.cursor, pad.drawing.strokes.length], [1, null, 1]);
});

test("clear lifts the pen, and it draws again", () => {
  press(" ", "ArrowDown");
  pad.drawing.clear();
  press("ArrowDown", " ", "ArrowDown", " ");
  assert.deepEqual([completed, pad.drawing.strokes.length, pad.drawing.strokes[0].length], [1, 1, 2]);
});
