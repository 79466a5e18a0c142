/** Preprocessing: the grid after each step, with switches that leave steps out. */

import { rasterizeWithSteps, SIZE, STEPS } from "../recognize/rasterize.js";
import { colorsOf, createElement, Painter, setResolution } from "./canvas.js";

const STAGES = [
  { caption: "Raw" },
  { step: "box", caption: "Bounding box" },
  { step: "fit", caption: "20-pixel fit" },
  { step: "mass", caption: "Center of mass" },
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
  const canvases = STAGES.map(({ step, caption }) => {
    const canvas = createElement("canvas", { role: "img", "aria-label": caption });
    const label = step ? createSwitch(step, caption) : createElement("span", {}, caption);
    root.append(createElement("figure", {}, canvas, createElement("figcaption", {}, label)));
    return canvas;
  });
  const description = createElement("p", { className: "quiet" });
  root.append(description);

  function createSwitch(step, caption) {
    switches[step] = createElement("input", { type: "checkbox", checked: true, name: step });
    switches[step].addEventListener("change", onSwitch);
    return createElement("label", {}, switches[step], ` ${caption}`);
  }

  /** Return the switched-on steps among the first `count`. */
  function selectedSteps(count) {
    const entries = Object.keys(STEPS).map((step, i) => [step, i < count && switches[step].checked]);
    return Object.fromEntries(entries);
  }

  return {
    /** The switched-on steps. */
    get selected() {
      return selectedSteps(STAGES.length);
    },

    get isComplete() {
      return Object.values(switches).every(({ checked }) => checked);
    },

    /** Rasterize with the switched-on steps. */
    rasterize: (strokes, side) => rasterizeWithSteps(strokes, side, selectedSteps(STAGES.length)),

    /** Show the grid after each step; return the last one, the model's input. */
    show(strokes, side) {
      const colors = colorsOf(root);
      const grids = canvases.map((_, i) => rasterizeWithSteps(strokes, side, selectedSteps(i)));
      grids.forEach((grid, i) => paintStage(canvases[i], grid, colors, STAGES[i].step));
      return grids.at(-1);
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
