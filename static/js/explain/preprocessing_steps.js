/**
 * Preprocessing: the grid after each step, with switches that leave steps out; for a picture, the box of
 * the digit and the grid that the server made of it.
 */

import { loadImage, placePicture } from "../draw/paint.js";
import { rasterizeWithSteps, SIZE, STEPS } from "../recognize/rasterize.js";
import { colorsOf, createElement, Painter, setResolution } from "./canvas.js";

/** Steps of strokes, with the captions of those that a picture has too. */
const STAGES = [
  { caption: "Raw", ofPicture: "Picture" },
  { step: "box", caption: "Bounding box", ofPicture: "Bounding box" },
  { step: "fit", caption: "20-pixel fit" },
  { step: "mass", caption: "Center of mass", ofPicture: "Ink, fitted and centered" },
];
// The middle of rasterize.js's CENTER, 14.5, less half the width of the cross.
const [CROSS, CROSS_WIDTH] = [14.4, 0.2];

/**
 * @param {HTMLElement} root
 * @param {() => void} onSwitch is called when a step is switched on or off
 */
export function attachPreprocessing(root, onSwitch) {
  const switches = {};
  root.append(createElement("h2", {}, "Preprocessing"));
  const figures = STAGES.map(createFigure);
  const canvases = figures.map(({ firstChild }) => firstChild);
  const description = createElement("p", { className: "quiet" });
  // The picture that is shown instead of strokes, or null.
  let shownPicture = null;
  root.append(...figures, description);

  function createFigure({ step, caption, ofPicture = "" }) {
    const canvas = createElement("canvas", { role: "img", "aria-label": caption });
    const label = step ? createSwitch(step, caption) : createElement("span", {}, caption);
    const pictureLabel = createElement("span", { hidden: true }, ofPicture);
    return createElement("figure", {}, canvas, createElement("figcaption", {}, label, pictureLabel));
  }

  function createSwitch(step, caption) {
    switches[step] = createElement("input", { type: "checkbox", checked: true, name: step });
    switches[step].addEventListener("change", onSwitch);
    return createElement("label", {}, switches[step], ` ${caption}`);
  }

  /** Show the captions of a picture's steps, or those of strokes. */
  function showCaptions(isPicture) {
    figures.forEach((figure, i) => {
      const [label, pictureLabel] = figure.lastChild.children;
      const { caption, ofPicture } = STAGES[i];
      figure.hidden = isPicture && !ofPicture;
      [label.hidden, pictureLabel.hidden] = [isPicture, !isPicture];
      canvases[i].setAttribute("aria-label", isPicture ? (ofPicture ?? "") : caption);
    });
    canvases.forEach(setResolution);
  }

  /** Return the switched-on steps among the first `count`. */
  function selectedSteps(count) {
    const entries = Object.keys(STEPS).map((step, i) => [step, i < count && switches[step].checked]);
    return Object.fromEntries(entries);
  }

  return {
    get isComplete() {
      return Object.values(switches).every(({ checked }) => checked);
    },

    /** Show the grid after each step; return the last one, the model's input. */
    show(strokes, side) {
      if (shownPicture) showCaptions(false);
      shownPicture = null;
      const colors = colorsOf(root);
      const grids = canvases.map((_, i) => rasterizeWithSteps(strokes, side, selectedSteps(i)));
      grids.forEach((grid, i) => paintStage(canvases[i], grid, colors, STAGES[i].step));
      return grids.at(-1);
    },

    /** Show a picture, the box of a digit in its pixels, and the model's input. */
    async showPicture(picture, box, grid) {
      if (!shownPicture) showCaptions(true);
      if (shownPicture !== picture) for (const canvas of canvases) new Painter(canvas, SIZE);
      shownPicture = picture;
      const image = await loadImage(picture);
      // Another picture, or strokes, are shown since.
      if (!image || shownPicture !== picture) return;
      const colors = colorsOf(root);
      paintWhole(canvases[0], picture, image, box, colors);
      paintPart(canvases[1], image, box);
      paintStage(canvases.at(-1), grid, colors, "mass");
    },

    resize: () => canvases.forEach(setResolution),

    describe(text) {
      if (description.textContent !== text) description.textContent = text;
    },
  };
}

/** Paint a grid with its bounding box, the last one with a cross at the center of mass. */
function paintStage(canvas, grid, colors, step) {
  const painter = new Painter(canvas, SIZE);
  paintGrid(painter, grid, colors.ink);
  const box = boundingBox(grid);
  if (!box) return;
  if (step !== "mass") return painter.frame(colors.accent, ...box);
  painter.fill(colors.accent, 1, CROSS, 0, CROSS_WIDTH, SIZE);
  painter.fill(colors.accent, 1, 0, CROSS, SIZE, CROSS_WIDTH);
}

/** Paint a picture with a box. */
function paintWhole(canvas, picture, image, [left, top, width, height], colors) {
  const { scale, x, y } = placePicture(picture, canvas.width);
  const painter = new Painter(canvas, canvas.width);
  painter.context.globalAlpha = 1;
  painter.context.drawImage(image, x, y, picture.width * scale, picture.height * scale);
  painter.frame(colors.accent, x + left * scale, y + top * scale, width * scale, height * scale);
}

/** Paint the part of a picture inside a box. */
function paintPart(canvas, image, [left, top, width, height]) {
  const { scale, x, y } = placePicture({ width, height }, canvas.width);
  const { context } = new Painter(canvas, canvas.width);
  context.globalAlpha = 1;
  context.drawImage(image, left, top, width, height, x, y, width * scale, height * scale);
}

/** Paint 784 levels. */
export function paintGrid(painter, grid, color, opacity = 1) {
  grid.forEach((level, i) => {
    if (level > 0) painter.fill(color, (opacity * level) / 255, i % SIZE, Math.floor(i / SIZE));
  });
}

/** Return the bounding box [x, y, width, height] of all ink; null for a blank grid. */
function boundingBox(grid) {
  let [left, top, right, bottom] = [SIZE, SIZE, -1, -1];
  grid.forEach((level, i) => {
    if (level === 0) return;
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  });
  return right < 0 ? null : [left, top, right + 1 - left, bottom + 1 - top];
}
