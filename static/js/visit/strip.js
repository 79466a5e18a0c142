/** The strip: thumbnails of this visit's drawings, which open them again. */

import { loadImage, paintPicture, paintStrokes } from "../draw/paint.js";

const THUMBNAIL_SIDE = 56; // CSS pixels
// Strokes and color painted on each canvas; an unchanged canvas is not painted again.
const painted = new WeakMap();

/** Show the drawings of a visit, oldest first, and mark the current one. */
export function showStrip(list, drawings, currentId, onOpen) {
  const { color } = getComputedStyle(list);
  while (list.children.length > drawings.length) list.lastChild.remove();
  while (list.children.length < drawings.length) list.append(createItem());
  drawings.forEach((drawing, i) => {
    const button = list.children[i].firstChild;
    const text = drawing.text ?? "";
    button.onclick = () => onOpen(drawing);
    button.setAttribute("aria-label", `Drawing ${i + 1}${text && `, prediction ${text.replaceAll("\n", ", next line ")}`}`);
    if (drawing.id === currentId) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    paintThumbnail(button.firstChild, drawing, color);
    // Setting the same text again would force a layout.
    if (button.lastChild.textContent !== text) button.lastChild.textContent = text;
  });
  const current = list.querySelector("[aria-current]");
  // scrollIntoView would scroll the page as well.
  if (current) list.scrollLeft = current.offsetLeft - list.clientWidth / 2;
}

function createItem() {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.append(document.createElement("canvas"), document.createElement("span"));
  item.append(button);
  return item;
}

async function paintThumbnail(canvas, { strokes, picture, side }, color) {
  const before = painted.get(canvas);
  if (before?.strokes === strokes && before.color === color) return;
  painted.set(canvas, { strokes, color });
  const pixels = Math.round(THUMBNAIL_SIDE * devicePixelRatio);
  canvas.width = canvas.height = pixels;
  const context = canvas.getContext("2d");
  context.scale(pixels / side, pixels / side);
  context.strokeStyle = color;
  const image = picture && (await loadImage(picture));
  if (image) paintPicture(context, picture, image, side);
  else paintStrokes(context, strokes, side);
}
