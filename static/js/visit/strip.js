/** The strip: the drawings of this visit as small pictures, to open again. */

import { decoded, paintPicture, paintStrokes } from "../draw/paint.js";

const SIDE = 56;
// The strokes and the color on each canvas: what is there already is not painted again.
const painted = new WeakMap();

/** Show the drawings of a visit, oldest first; the one on the pad is marked. */
export function showStrip(list, drawings, current, open) {
  const { color } = getComputedStyle(list);
  while (list.children.length > drawings.length) list.lastChild.remove();
  while (list.children.length < drawings.length) list.append(item());
  drawings.forEach((drawing, i) => {
    const button = list.children[i].firstChild;
    button.onclick = () => open(drawing);
    button.setAttribute("aria-label", `Drawing ${i + 1}${drawing.text ? `, read as ${drawing.text}` : ""}`);
    if (drawing.id === current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    paint(button.firstChild, drawing, color);
    // The same text again would be laid out again, for each drawing of a long visit.
    const text = drawing.text ?? "";
    if (button.lastChild.textContent !== text) button.lastChild.textContent = text;
  });
  const marked = list.querySelector("[aria-current]");
  // Along the strip alone: the page itself stays where it is.
  if (marked) list.scrollLeft = marked.offsetLeft - list.clientWidth / 2;
}

function item() {
  const li = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.append(document.createElement("canvas"), document.createElement("span"));
  li.append(button);
  return li;
}

async function paint(canvas, { strokes, picture, side }, color) {
  const before = painted.get(canvas);
  if (before?.strokes === strokes && before.color === color) return;
  painted.set(canvas, { strokes, color });
  const pixels = Math.round(SIDE * devicePixelRatio);
  canvas.width = canvas.height = pixels;
  const context = canvas.getContext("2d");
  context.scale(pixels / side, pixels / side);
  context.strokeStyle = color;
  if (picture) paintPicture(context, picture, await decoded(picture), side);
  else paintStrokes(context, strokes, side);
}
