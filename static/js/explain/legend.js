/** The legend of the network: shades, lines, the explained layer, and the kernels of its maps. */

import { KERNEL, SHAPES } from "../recognize/lenet.js";
import { colorsOf, createElement, Painter, setResolution } from "./canvas.js";
import { LAYER_TEXTS, OVERVIEW } from "./wording.js";

const COUNT = SHAPES.maps1.maps;
// In units of a kernel's weights.
const GAP = 1;
const LEGEND = [
  ["shades", "0 to the largest value of the layer"],
  ["path", "strongest path to the prediction"],
  ["positive", "raises the selected unit"],
  ["negative", "lowers it"],
];

/**
 * @param {HTMLElement} root
 * @param {() => import("../recognize/lenet.js").LeNet} getNetwork
 */
export function attachLegend(root, getNetwork) {
  const about = createElement("p", {}, OVERVIEW);
  const swatch = (name) => createElement("span", { className: `swatch ${name}` });
  const entries = LEGEND.map(([name, text]) => createElement("li", {}, swatch(name), ` ${text}`));
  const canvas = createElement("canvas", { role: "img" });
  const caption = createElement("figcaption", { className: "quiet" });
  const width = COUNT * KERNEL + (COUNT - 1) * GAP;
  canvas.style.setProperty("--ratio", width / KERNEL);
  let selected = null;
  root.append(about, createElement("ul", { className: "quiet" }, ...entries), createElement("figure", {}, canvas, caption));

  function paint() {
    const colors = colorsOf(root);
    const painter = new Painter(canvas, width, KERNEL);
    const { kernels, highlighted, text } = kernelsOf(getNetwork(), selected);
    const largest = Math.max(...kernels.flatMap((weights) => [...weights].map(Math.abs)));
    kernels.forEach((weights, i) => {
      const left = i * (KERNEL + GAP);
      weights.forEach((weight, at) => {
        const color = weight > 0 ? colors.accent : colors.negative;
        painter.fill(color, Math.abs(weight) / largest, left + (at % KERNEL), Math.floor(at / KERNEL));
      });
      painter.frame(i === highlighted ? colors.ink : colors.line, left, 0, KERNEL);
    });
    canvas.setAttribute("aria-label", text);
    caption.textContent = text;
  }

  function show(newSelected) {
    selected = newSelected;
    const layer = selected && LAYER_TEXTS[selected[0]];
    about.textContent = layer ? `${layer.title}: ${layer.about}` : OVERVIEW;
    paint();
  }

  show(null);

  return {
    /** Explain the layer of a unit [layer, index], and show its kernels; null explains the figure. */
    show,

    resize() {
      setResolution(canvas);
      paint();
    },
  };
}

/** Return six kernels and their description: of a unit's map of maps2, else one for each map of maps1. */
function kernelsOf(network, selected) {
  const [name, unit] = selected ?? [];
  const map = selected && Math.floor(unit / SHAPES[name].side ** 2);
  if (name === "maps2") return { kernels: network.kernels(name, map), text: `Kernels of map ${map + 1} of 16` };
  const kernels = Array.from({ length: COUNT }, (_, i) => network.kernels("maps1", i)[0]);
  if (name === "maps1") return { kernels, highlighted: map, text: `Kernel of map ${map + 1} of 6, framed` };
  return { kernels, text: "Kernels of the small patterns" };
}
