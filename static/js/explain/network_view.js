/**
 * The network from left to right. Every layer is a slider: pointer or arrow keys select a unit and
 * show its contributions.
 */

import { ARROWS } from "../draw/keyboard.js";
import { showInput } from "../recognize/result_view.js";
import { createElement } from "./canvas.js";
import { argmax } from "./influence.js";
import { extent, layerName, LAYERS, layerShape, LAYOUT, neighbor, unitAt } from "./unit_positions.js";
import { NetworkCanvas } from "./network_canvas.js";
import { describeUnit, LAYER_TEXTS } from "./wording.js";

const EMPTY = "Nothing drawn";

/**
 * @param {HTMLElement} root whose first figure shows the input
 * @param {() => import("../recognize/lenet.js").LeNet} getNetwork
 * @param {(unit: [string, number] | null, text: string | null) => void} onSelect receives the selected
 *   unit as [layer, index], and its description
 */
export function attachNetwork(root, getNetwork, onSelect) {
  const canvases = Object.fromEntries(LAYERS.map((name) => [name, createControl(name)]));
  const lines = createElement("canvas", { className: "lines", "aria-hidden": "true" });
  const view = new NetworkCanvas(canvases, lines);
  const units = Object.fromEntries(LAYERS.map((name) => [name, 0]));
  // Layers under the pointer, with the focus, and with a focus that came from a press.
  let [hovered, focused, pressed] = [null, null, null];
  let state = { layers: null, grid: null };
  // The page shows the input; a canvas above it shows contributions.
  const inputFigure = root.querySelector("figure");
  const figures = LAYERS.map((name, i) => fillFigure(i ? createElement("figure") : inputFigure, name));
  const rowBreak = createElement("div", { className: "row-break" });
  root.append(...figures.slice(1, 2), rowBreak, ...figures.slice(2), lines);

  function paint() {
    view.paint(getNetwork(), state.layers, selected());
  }

  /** Return the selected unit as [layer, index], or null. */
  function selected() {
    const name = hovered ?? focused;
    return name && [name, units[name]];
  }

  function update() {
    paint();
    for (const name of LAYERS) {
      canvases[name].setAttribute("aria-valuenow", units[name] + 1);
      canvases[name].setAttribute("aria-valuetext", describe(name, units[name]) ?? EMPTY);
    }
    onSelect(selected(), selected() && describe(...selected()));
  }

  function describe(name, unit) {
    return state.layers && describeUnit(getNetwork(), state, name, unit);
  }

  function hover(name, { offsetX, offsetY }) {
    const scale = view.scaleOf(name);
    units[name] = unitAt(LAYOUT[name], offsetX / scale, offsetY / scale);
    hovered = name;
    update();
  }

  function leave() {
    hovered = null;
    update();
  }

  function focus(name) {
    focused = name;
    if (pressed !== name && state.layers) units[name] = argmax(state.layers[name]);
    update();
  }

  function blur() {
    focused = pressed = null;
    update();
  }

  function onKeyDown(name, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const unit = unitByKey(LAYOUT[name], units[name], event.key);
    if (unit === null && event.key !== "Escape") return;
    event.preventDefault();
    units[name] = unit ?? units[name];
    [hovered, focused] = [null, unit === null ? null : name];
    update();
  }

  function fillFigure(figure, name) {
    const shape = createElement("span", {}, layerShape(LAYOUT[name]));
    const options = { className: "quiet", "aria-hidden": "true" };
    const caption = createElement("figcaption", options, LAYER_TEXTS[name].title, shape);
    figure.append(canvases[name], caption);
    const { width, height } = extent(LAYOUT[name]);
    // Widths in proportion to this ratio give all layers of a row the same height.
    figure.style.setProperty("--ratio", width / height);
    return figure;
  }

  function createControl(name) {
    const { maps, side } = LAYOUT[name];
    const canvas = createElement("canvas", {
      tabIndex: 0,
      role: "slider",
      "data-layer": name,
      "aria-label": `${LAYER_TEXTS[name].title}: ${layerName(LAYOUT[name])}`,
      "aria-description": LAYER_TEXTS[name].about,
      "aria-valuemin": 1,
      "aria-valuemax": maps * side ** 2,
      "aria-valuenow": 1,
      "aria-valuetext": EMPTY,
    });
    const listeners = {
      pointerdown: (event) => {
        pressed = name;
        hover(name, event);
      },
      pointermove: (event) => hover(name, event),
      pointerleave: leave,
      pointercancel: leave,
      focus: () => focus(name),
      blur,
      keydown: (event) => onKeyDown(name, event),
    };
    for (const [type, listener] of Object.entries(listeners)) canvas.addEventListener(type, listener);
    return canvas;
  }

  return {
    /** Show layers; null shows empty frames. */
    show(layers, grid) {
      state = { layers, grid };
      showInput(layers && grid);
      canvases.logits.dataset.probabilities = layers ? [...layers.probabilities].join(" ") : "";
      paint();
    },

    /** Update the descriptions too: called once the drawing is at rest. */
    update,

    resize() {
      view.resize();
      paint();
    },
  };
}

function unitByKey(layer, unit, key) {
  if (key in ARROWS) return neighbor(layer, unit, ...ARROWS[key]);
  const area = layer.side ** 2;
  const last = layer.maps * area - 1;
  const units = {
    Home: 0,
    End: last,
    PageUp: unit < area ? unit : unit - area,
    PageDown: unit + area > last ? unit : unit + area,
  };
  return units[key] ?? null;
}
