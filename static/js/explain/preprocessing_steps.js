/** How the 28x28 came about: four small pictures, and switches that leave steps out. */

import { drawBySteps, SIZE, STEPS } from "../recognize/rasterize.js";
import { colorsOf, make, sharpen, Sheet } from "./canvas.js";

const PICTURES = [
  { caption: "Raw" },
  { step: "box", caption: "Ink box" },
  { step: "fit", caption: "20-pixel fit" },
  { step: "mass", caption: "Center of mass" },
];
const NONE = Object.fromEntries(Object.keys(STEPS).map((step) => [step, false]));

/**
 * @param {HTMLElement} root
 * @param {() => void} onSwitch is told when a step was switched on or off
 */
export function attachSteps(root, onSwitch) {
  const switches = {};
  root.append(make("h2", {}, "What does it see?"));
  const canvases = PICTURES.map(({ step, caption }) => {
    const canvas = make("canvas", { role: "img", "aria-label": caption });
    root.append(make("figure", {}, canvas, step ? label(step, caption) : captionOf(caption)));
    return canvas;
  });
  const said = make("p", { className: "quiet" });
  root.append(said);

  function label(step, caption) {
    switches[step] = make("input", { type: "checkbox", checked: true, name: step });
    switches[step].addEventListener("change", onSwitch);
    return make("figcaption", {}, make("label", {}, switches[step], ` ${caption}`));
  }

  function captionOf(caption) {
    return make("figcaption", {}, make("span", {}, caption));
  }

  /** The first steps, as many as said, of those that are switched on. */
  function chosen(count = 3) {
    const on = Object.keys(STEPS).slice(0, count).filter((step) => switches[step].checked);
    return { ...NONE, ...Object.fromEntries(on.map((step) => [step, true])) };
  }

  return {
    /** The steps that are switched on. */
    get chosen() {
      return chosen();
    },

    /** Whether every step is switched on. */
    get whole() {
      return Object.values(switches).every(({ checked }) => checked);
    },

    /** Draw with the steps that are switched on: 784 levels. */
    draw: (strokes, pad) => drawBySteps(strokes, pad, chosen()),

    /** Show what each step makes of the strokes; returns what the last makes, the net's input. */
    show(strokes, pad) {
      const colors = colorsOf(root);
      const grids = canvases.map((_, i) => drawBySteps(strokes, pad, chosen(i)));
      grids.forEach((grid, i) => paint(canvases[i], grid, colors, PICTURES[i].step === "mass"));
      return grids.at(-1);
    },

    resize: () => canvases.forEach(sharpen),

    say(text) {
      if (said.textContent !== text) said.textContent = text;
    },
  };
}

/** A picture with its ink box, or with the cross that the ink is to balance on. */
function paint(canvas, grid, colors, balanced) {
  const sheet = new Sheet(canvas, SIZE);
  inkGrid(sheet, grid, colors.ink);
  const box = inkBox(grid);
  if (!box) return;
  if (!balanced) return sheet.frame(colors.accent, ...box);
  sheet.fill(colors.accent, 1, 14.4, 0, 0.2, SIZE);
  sheet.fill(colors.accent, 1, 0, 14.4, SIZE, 0.2);
}

/** Ink 784 levels. */
export function inkGrid(sheet, grid, color, opacity = 1) {
  grid.forEach((level, i) => {
    if (level > 0) sheet.fill(color, (opacity * level) / 255, i % SIZE, Math.floor(i / SIZE));
  });
}

/** Around all ink: [x, y, width, height]; null where there is none. */
function inkBox(grid) {
  let [left, top, right, bottom] = [SIZE, SIZE, -1, -1];
  grid.forEach((level, i) => {
    if (level === 0) return;
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  });
  return right < 0 ? null : [left, top, right + 1 - left, bottom + 1 - top];
}
